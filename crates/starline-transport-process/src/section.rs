//! The section `exec` of a device file.

use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use starline_device::{BlobHash, Millis, Value};

use crate::{AllowedProgram, AllowedScript, Limits, OptionsError, ProcessOptions, Sandbox};

/// What is absent keeps its default.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    allow_sh: Option<bool>,
    programs: Option<Vec<Value>>,
    env_pass: Option<Vec<String>>,
    sandbox: Option<Value>,
    limits: Option<LimitsSection>,
    work_root: Option<PathBuf>,
    base_dir: Option<PathBuf>,
    capture_limit: Option<usize>,
    blob_limit: Option<u64>,
    #[serde(default, deserialize_with = "duration")]
    kill_grace: Option<Millis>,
    #[serde(default, deserialize_with = "duration")]
    drain: Option<Millis>,
    keep_work_dirs: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsSection {
    #[serde(default, deserialize_with = "duration")]
    cpu: Option<Millis>,
    memory: Option<u64>,
    files: Option<u64>,
    file_size: Option<u64>,
    processes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramSection {
    path: PathBuf,
    args: Option<Vec<String>>,
    script: Option<ScriptSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptSection {
    path: PathBuf,
    blake3: BlobHash,
}

/// Reads a duration with its unit, such as `5s`.
fn duration<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Millis>, D::Error> {
    Option::<String>::deserialize(reader)?.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

impl ProcessOptions {
    /// These options, changed by what the section `exec` of a device file says. Null changes nothing.
    ///
    /// | Field | Value |
    /// |---|---|
    /// | `allow_sh`, `keep_work_dirs` | true or false |
    /// | `programs` | list of absolute paths, or of `{path, args, script: {path, blake3}}` |
    /// | `env_pass` | list of names |
    /// | `sandbox` | `none` or `bwrap` |
    /// | `limits` | `cpu` (such as `10s`), `memory` and `file_size` (bytes), `files`, `processes` |
    /// | `work_root`, `base_dir` | paths |
    /// | `capture_limit`, `blob_limit` | bytes |
    /// | `kill_grace`, `drain` | such as `5s` |
    ///
    /// # Errors
    /// An option is unknown or malformed, makes no sense, or asks for a protection that is not available.
    pub fn overlaid(&self, section: &Value) -> Result<Self, OptionsError> {
        if section.is_null() {
            return Ok(self.clone());
        }
        let section = Section::deserialize(section).map_err(OptionsError::Malformed)?;
        let programs = match section.programs {
            Some(programs) => Some(programs.iter().map(program).collect::<Result<_, _>>()?),
            None => self.programs.clone(),
        };
        Ok(Self {
            allow_sh: section.allow_sh.unwrap_or(self.allow_sh),
            programs,
            env_pass: section.env_pass.unwrap_or_else(|| self.env_pass.clone()),
            sandbox: section.sandbox.map_or(Ok(self.sandbox), sandbox)?,
            limits: section.limits.map_or(Ok(self.limits), |limits| limits.over(&self.limits))?,
            work_root: section.work_root.unwrap_or_else(|| self.work_root.clone()),
            base_dir: section.base_dir.or_else(|| self.base_dir.clone()),
            capture_limit: section.capture_limit.unwrap_or(self.capture_limit),
            blob_limit: section.blob_limit.unwrap_or(self.blob_limit),
            kill_grace: section.kill_grace.unwrap_or(self.kill_grace),
            drain: section.drain.unwrap_or(self.drain),
            keep_work_dirs: section.keep_work_dirs.unwrap_or(self.keep_work_dirs),
        })
    }
}

fn sandbox(value: Value) -> Result<Sandbox, OptionsError> {
    let known = Sandbox::WORDS.iter().find(|(word, _)| value == **word);
    known.map(|(_, sandbox)| *sandbox).ok_or(OptionsError::Unprotected { option: "sandbox", value })
}

impl LimitsSection {
    fn over(self, limits: &Limits) -> Result<Limits, OptionsError> {
        let counts = [
            ("memory", self.memory),
            ("files", self.files),
            ("file_size", self.file_size),
            ("processes", self.processes),
            ("cpu", self.cpu.map(|time| time.0)),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, count)| *count == Some(0)) {
            let option = format!("limits.{name}");
            return Err(OptionsError::Invalid { option, fault: "must be more than 0".to_owned() });
        }
        Ok(Limits {
            cpu: self.cpu.or(limits.cpu),
            memory: self.memory.or(limits.memory),
            files: self.files.or(limits.files),
            file_size: self.file_size.or(limits.file_size),
            processes: self.processes.or(limits.processes),
        })
    }
}

fn program(value: &Value) -> Result<AllowedProgram, OptionsError> {
    let read = match value {
        Value::String(path) => AllowedProgram::new(path),
        other => {
            let section = ProgramSection::deserialize(other).map_err(OptionsError::Malformed)?;
            let script =
                section.script.map(|script| AllowedScript { path: script.path, blake3: script.blake3 });
            AllowedProgram { path: section.path, args: section.args, script }
        }
    };
    let refuse = |option: &str, path: &Path| {
        let fault = format!("names {}, which is no absolute path", path.display());
        OptionsError::Invalid { option: option.to_owned(), fault }
    };
    if !read.path.is_absolute() {
        return Err(refuse("programs", &read.path));
    }
    match &read.script {
        Some(script) if !script.path.is_absolute() => Err(refuse("programs.script", &script.path)),
        _ => Ok(read),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::error::Error as _;

    #[test]
    fn a_section_changes_what_it_names() {
        let defaults = ProcessOptions::default();
        assert_eq!(defaults.overlaid(&Value::Null).expect("options"), defaults);
        let digest = "0a".repeat(32);
        let section = json!({
            "allow_sh": true, "env_pass": ["PATH"], "kill_grace": "250ms", "capture_limit": 10, "sandbox": "bwrap",
            "programs": ["/usr/bin/grep", {
                "path": "/usr/bin/python3", "args": ["--all", "*.csv"], "script": {"path": "/opt/a.py", "blake3": digest},
            }],
            "limits": {"cpu": "10s", "memory": 1073741824, "files": 64, "file_size": 1024, "processes": 9},
            "blob_limit": 7,
        });
        let options = defaults.overlaid(&section).expect("options");
        let script = AllowedScript {
            path: "/opt/a.py".into(),
            blake3: BlobHash::from_hex(&digest).expect("a digest"),
        };
        let python = AllowedProgram {
            path: "/usr/bin/python3".into(),
            args: Some(vec!["--all".to_owned(), "*.csv".to_owned()]),
            script: Some(script),
        };
        let expected = ProcessOptions {
            allow_sh: true,
            programs: Some(vec![AllowedProgram::new("/usr/bin/grep"), python]),
            env_pass: vec!["PATH".to_owned()],
            sandbox: Sandbox::Bwrap,
            limits: Limits {
                cpu: Some(Millis::from_secs(10)),
                memory: Some(1 << 30),
                files: Some(64),
                file_size: Some(1024),
                processes: Some(9),
            },
            kill_grace: Millis(250),
            capture_limit: 10,
            blob_limit: 7,
            ..defaults
        };
        assert_eq!(options, expected);
        // A second section changes what it names, and takes no protection away that it does not name.
        let more = options.overlaid(&json!({"limits": {"files": 8}, "sandbox": "none"})).expect("options");
        let limits = Limits { files: Some(8), ..expected.limits };
        assert_eq!(more, ProcessOptions { limits, sandbox: Sandbox::None, ..expected });
        assert_eq!(options.overlaid(&json!({"programs": []})).expect("options").programs, Some(vec![]));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let refusal = |section: Value| ProcessOptions::default().overlaid(&section).expect_err("refused");
        let error = refusal(json!({"alow_sh": true}));
        assert!(error.source().is_some_and(|cause| cause.to_string().contains("`allow_sh`")), "{error:?}");
        for malformed in [
            json!({"kill_grace": "soon"}),
            json!({"programs": "/usr/bin/grep"}),
            json!({"programs": [7]}),
            json!({"programs": [{"path": "/x", "arguments": []}]}),
            json!({"programs": [{"path": "/x", "script": {"path": "/y"}}]}),
            json!({"programs": [{"path": "/x", "script": {"path": "/y", "blake3": "0A"}}]}),
            json!({"limits": {"cpu": 10}}),
            json!({"limits": {"memory": -1}}),
            json!({"limits": {"ram": 1}}),
            json!([]),
        ] {
            assert!(matches!(refusal(malformed.clone()), OptionsError::Malformed(_)), "{malformed}");
        }
        let error = refusal(json!({"sandbox": "firejail"})).to_string();
        assert_eq!(error, r#"`sandbox: "firejail"` asks for a protection that this version cannot give"#);
        for (invalid, message) in [
            (json!({"limits": {"files": 0}}), "`limits.files` must be more than 0"),
            (json!({"programs": ["grep"]}), "`programs` names grep, which is no absolute path"),
            (
                json!({"programs": [{"path": "/x", "script": {"path": "y", "blake3": "00".repeat(32)}}]}),
                "`programs.script` names y, which is no absolute path",
            ),
        ] {
            assert_eq!(refusal(invalid).to_string(), message);
        }
    }
}
