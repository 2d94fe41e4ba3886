//! What an operator decides about a process device.

use std::env;
use std::path::PathBuf;

use starline_device::{Accepts, BlobHash, Millis, PayloadKind, Value};

use crate::{Limits, allow};

/// What an operator decides about a process device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProcessOptions {
    /// Whether scripts for `sh` may run. Off by default: a text from an agent then never meets a shell. Without
    /// effect under an allow-list.
    pub allow_sh: bool,
    /// The only programs that may run, if there is such a list; an empty one lets nothing run.
    pub programs: Option<Vec<AllowedProgram>>,
    /// Names of the variables that a process gets from this process; `PATH`, `LANG`, `LC_ALL`, `HOME` and
    /// `TMPDIR` by default. It gets no others but those of starline and of its task.
    pub env_pass: Vec<String>,
    /// What keeps a process from the rest of the system; nothing by default.
    pub sandbox: Sandbox,
    /// What each process may use up; as much as this process by default.
    pub limits: Limits,
    /// Where the folders of attempts are made. Created with mode 0700 if missing; refused if it belongs to
    /// somebody else or others may write to it. By default a folder of the user's in the system's folder for
    /// temporary files.
    pub work_root: PathBuf,
    /// What a relative `cwd` of a task is relative to; `None`: the folder of its attempt.
    pub base_dir: Option<PathBuf>,
    /// Bytes kept of each output stream of an attempt; what follows is read and dropped. 1 MiB by default.
    pub capture_limit: usize,
    /// Bytes of the largest file that is kept when an attempt is done. 64 MiB by default.
    pub blob_limit: u64,
    /// Time between asking a process group to end, because its attempt ran too long, and killing it. 5 s by
    /// default.
    pub kill_grace: Millis,
    /// Time that processes which outlive the first one of their attempt may go on writing before they are
    /// killed. 250 ms by default. In a sandbox they have none.
    pub drain: Millis,
    /// Whether folders of attempts are kept when the attempt is over.
    pub keep_work_dirs: bool,
}

impl Default for ProcessOptions {
    fn default() -> Self {
        Self {
            allow_sh: false,
            programs: None,
            env_pass: ["PATH", "LANG", "LC_ALL", "HOME", "TMPDIR"].map(str::to_owned).to_vec(),
            sandbox: Sandbox::None,
            limits: Limits::default(),
            work_root: env::temp_dir().join(format!("starline-{}", nix::unistd::geteuid())),
            base_dir: None,
            capture_limit: 1 << 20,
            blob_limit: 64 << 20,
            kill_grace: Millis::from_secs(5),
            drain: Millis(250),
            keep_work_dirs: false,
        }
    }
}

impl ProcessOptions {
    /// What a device with these options takes: `noop`, `sleep` and `exec`, `sh` where it is allowed, and with an
    /// allow-list only what is on it. Resolves the paths of the list: O(entries) calls of the system.
    #[must_use]
    pub fn accepts(&self) -> Accepts {
        let calm = [PayloadKind::Noop, PayloadKind::Sleep];
        match &self.programs {
            None if self.allow_sh => {
                Accepts::only(calm.into_iter().chain([PayloadKind::Sh, PayloadKind::Exec]))
            }
            None => Accepts::only(calm.into_iter().chain([PayloadKind::Exec])),
            Some(list) if list.is_empty() => Accepts::only(calm),
            Some(list) => Accepts::only(calm.into_iter().chain([PayloadKind::Exec]))
                .with_programs(list.iter().flat_map(allow::names)),
        }
    }

    /// Whether a shell of ours comes before the program: it sets limits, or is the first process of a sandbox.
    pub(crate) fn is_wrapped(&self) -> bool {
        self.sandbox != Sandbox::None || !self.limits.is_empty()
    }
}

/// A program that an allow-list allows.
///
/// It is compared by its canonical path, after all symbolic links, and by its name. Interpreters and programs that
/// start others, such as `sh`, `python3`, `env`, `xargs` or `find`, are known by the name of the file and by the name
/// in the list; they run a declared script and nothing else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AllowedProgram {
    /// Absolute path.
    pub path: PathBuf,
    /// Patterns of arguments: each argument has to match one of them, where `*` stands for any text. An empty list
    /// allows no arguments; `None` allows all. With a script they are about what follows the script.
    pub args: Option<Vec<String>>,
    /// The script that has to be the first argument.
    pub script: Option<AllowedScript>,
}

impl AllowedProgram {
    /// A program with any arguments.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), args: None, script: None }
    }
}

/// A script that an interpreter may run.
///
/// Its contents are read and compared right before the start. Who may write to the file can still change it between
/// that moment and the one in which the interpreter reads it: give it an owner who does not run tasks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AllowedScript {
    /// Absolute path.
    pub path: PathBuf,
    /// BLAKE3 hash of its contents.
    pub blake3: BlobHash,
}

/// What keeps a process from the rest of the system.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Sandbox {
    /// Nothing: a process may do whatever its user may.
    #[default]
    None,
    /// Bubblewrap, a program of the system. Where it is missing or does not work, nothing runs.
    Bwrap,
}

impl Sandbox {
    /// All of them, by the words of a device file.
    pub(crate) const WORDS: [(&str, Self); 2] = [("none", Self::None), ("bwrap", Self::Bwrap)];
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
    /// The value of an option makes no sense.
    #[error("`{option}` {fault}")]
    Invalid {
        /// The option.
        option: String,
        /// What is wrong with it.
        fault: String,
    },
}
