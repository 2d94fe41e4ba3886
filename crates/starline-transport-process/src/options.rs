//! What an operator decides about a process device.

use std::env;
use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use starline_device::{Millis, Value};

/// What an operator decides about a process device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProcessOptions {
    /// Whether scripts for `sh` may run. Off by default: a text from an agent then never meets a shell.
    pub allow_sh: bool,
    /// Names of the variables that a process gets from this process; `PATH`, `LANG`, `LC_ALL`, `HOME` and
    /// `TMPDIR` by default. It gets no others but those of starline and of its task.
    pub env_pass: Vec<String>,
    /// Where the folders of attempts are made. Created with mode 0700 if missing; refused if it belongs to
    /// somebody else or others may write to it. By default a folder of the user's in the system's folder for
    /// temporary files.
    pub work_root: PathBuf,
    /// What a relative `cwd` of a task is relative to; `None`: the folder of its attempt.
    pub base_dir: Option<PathBuf>,
    /// Bytes kept of each output stream of an attempt; what follows is read and dropped. 1 MiB by default.
    pub capture_limit: usize,
    /// Time between asking a process group to end, because its attempt ran too long, and killing it. 5 s by
    /// default.
    pub kill_grace: Millis,
    /// Time that processes which outlive the first one of their attempt may go on writing before they are
    /// killed. 250 ms by default.
    pub drain: Millis,
    /// Whether folders of attempts are kept when the attempt is over.
    pub keep_work_dirs: bool,
}

impl Default for ProcessOptions {
    fn default() -> Self {
        Self {
            allow_sh: false,
            env_pass: ["PATH", "LANG", "LC_ALL", "HOME", "TMPDIR"].map(str::to_owned).to_vec(),
            work_root: env::temp_dir().join(format!("starline-{}", nix::unistd::geteuid())),
            base_dir: None,
            capture_limit: 1 << 20,
            kill_grace: Millis::from_secs(5),
            drain: Millis(250),
            keep_work_dirs: false,
        }
    }
}

/// Why the options of a device are refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// An option is unknown or of the wrong type.
    #[error("options of a process device are malformed")]
    Malformed(#[source] serde_json::Error),
    /// A protection is asked for that this version does not give. Running without it would be worse.
    #[error("`{option}: {value}` asks for a protection that this version cannot give")]
    Unprotected {
        /// The option.
        option: &'static str,
        /// Its value, as JSON.
        value: Value,
    },
}

/// The section `exec` of a device file. What is absent keeps its default.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    allow_sh: Option<bool>,
    env_pass: Option<Vec<String>>,
    work_root: Option<PathBuf>,
    base_dir: Option<PathBuf>,
    capture_limit: Option<usize>,
    #[serde(default, deserialize_with = "duration")]
    kill_grace: Option<Millis>,
    #[serde(default, deserialize_with = "duration")]
    drain: Option<Millis>,
    keep_work_dirs: Option<bool>,
    programs: Option<Value>,
    sandbox: Option<Value>,
}

/// Reads a duration with its unit, such as `5s`.
fn duration<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Millis>, D::Error> {
    Option::<String>::deserialize(reader)?.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

impl ProcessOptions {
    /// These options, changed by what the section `exec` of a device file says: `allow_sh`, `env_pass`,
    /// `work_root`, `base_dir`, `capture_limit` (bytes), `kill_grace` and `drain` (such as `5s`) and
    /// `keep_work_dirs`.
    /// Null changes nothing.
    ///
    /// # Errors
    /// An option is unknown or malformed, or asks for a protection that is not available: an allow-list of
    /// `programs`, or a `sandbox` other than `none`.
    pub fn overlaid(&self, section: &Value) -> Result<Self, OptionsError> {
        if section.is_null() {
            return Ok(self.clone());
        }
        let section = Section::deserialize(section).map_err(OptionsError::Malformed)?;
        if let Some(value) = section.programs {
            return Err(OptionsError::Unprotected { option: "programs", value });
        }
        if let Some(value) = section.sandbox.filter(|value| value != "none") {
            return Err(OptionsError::Unprotected { option: "sandbox", value });
        }
        Ok(Self {
            allow_sh: section.allow_sh.unwrap_or(self.allow_sh),
            env_pass: section.env_pass.unwrap_or_else(|| self.env_pass.clone()),
            work_root: section.work_root.unwrap_or_else(|| self.work_root.clone()),
            base_dir: section.base_dir.or_else(|| self.base_dir.clone()),
            capture_limit: section.capture_limit.unwrap_or(self.capture_limit),
            kill_grace: section.kill_grace.unwrap_or(self.kill_grace),
            drain: section.drain.unwrap_or(self.drain),
            keep_work_dirs: section.keep_work_dirs.unwrap_or(self.keep_work_dirs),
        })
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
        let section = json!({
            "allow_sh": true, "env_pass": ["PATH"], "kill_grace": "250ms", "capture_limit": 10, "sandbox": "none",
        });
        let options = defaults.overlaid(&section).expect("options");
        let expected = ProcessOptions {
            allow_sh: true,
            env_pass: vec!["PATH".to_owned()],
            kill_grace: Millis(250),
            capture_limit: 10,
            ..defaults
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let refusal = |section: Value| ProcessOptions::default().overlaid(&section).expect_err("refused");
        let error = refusal(json!({"alow_sh": true}));
        assert!(error.source().is_some_and(|cause| cause.to_string().contains("`allow_sh`")), "{error:?}");
        assert!(matches!(refusal(json!({"kill_grace": "soon"})), OptionsError::Malformed(_)));
        assert!(matches!(refusal(json!([])), OptionsError::Malformed(_)));
        let error = refusal(json!({"programs": ["/usr/bin/grep"]})).to_string();
        let said = r#"`programs: ["/usr/bin/grep"]` asks for a protection that this version cannot give"#;
        assert_eq!(error, said);
        assert!(matches!(refusal(json!({"sandbox": "bwrap"})), OptionsError::Unprotected { .. }));
    }
}
