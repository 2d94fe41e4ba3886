//! What a process may use up.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use starline_device::Millis;

/// A shell reports the end of a program by a signal as this much more than the number of the signal.
const BY_SIGNAL: i32 = 128;
/// Unit of the shell for sizes of files, in bytes.
const BLOCK: u64 = 512;
/// Unit of the shell for memory, in bytes.
const KIBI: u64 = 1024;

/// What each process of an attempt may use up; what is `None` is limited as this process is.
///
/// The system counts for each process by itself, not for an attempt as a whole, and processes for a user as a
/// whole; it does not count the processes of the superuser. Limits are set, soft and hard, by a shell that then
/// becomes the program. Where they cannot be set, because the system itself allows less for example, nothing starts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// Processor time, rounded up to seconds. `SIGXCPU` ends what uses more, and `SIGKILL` a second later what
    /// does not listen.
    pub cpu: Option<Millis>,
    /// Address space in bytes, rounded down to KiB. An allocation beyond it fails.
    pub memory: Option<u64>,
    /// Descriptors that may be open at the same time. To open another one fails.
    pub files: Option<u64>,
    /// Size in bytes of a file that is written, rounded down to blocks of 512. `SIGXFSZ` ends what writes more.
    pub file_size: Option<u64>,
    /// Processes of the user, those outside of the attempt included. To start another one fails.
    pub processes: Option<u64>,
}

impl Limits {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A line for the shell that sets the limits or ends the shell. It consists of fixed words and of numbers.
    pub(crate) fn script(&self) -> String {
        let mut steps = vec!["ulimit -c 0".to_owned()];
        if let Some(cpu) = self.cpu {
            let seconds = cpu.0.div_ceil(1000).max(1);
            // The hard limit comes later: at the same time the system would kill without saying why.
            steps.push(format!("ulimit -S -t {seconds} && ulimit -H -t {}", seconds.saturating_add(1)));
        }
        if let Some(bytes) = self.memory {
            steps.push(format!("ulimit -v {}", bytes / KIBI));
        }
        if let Some(count) = self.files {
            steps.push(format!("ulimit -n {count}"));
        }
        if let Some(bytes) = self.file_size {
            steps.push(format!("ulimit -f {}", bytes / BLOCK));
        }
        if let Some(count) = self.processes {
            // Shells differ in the letter, and each refuses the other's.
            steps.push(format!("{{ ulimit -u {count} || ulimit -p {count}; }} 2>/dev/null"));
        }
        format!("{} || exit 125", steps.join(" && "))
    }

    /// The limit that has most likely ended a process, in words.
    pub(crate) fn reached(&self, status: ExitStatus, last_words: Option<&str>) -> Option<String> {
        let number = status.signal().or_else(|| status.code().map(|code| code - BY_SIGNAL));
        let signal = number.and_then(|number| Signal::try_from(number).ok());
        let words = last_words.unwrap_or_default().to_ascii_lowercase();
        let says = |texts: &[&str]| texts.iter().any(|text| words.contains(text));
        let crashed = matches!(signal, Some(Signal::SIGSEGV | Signal::SIGABRT | Signal::SIGBUS));

        let cpu = self.cpu.filter(|_| signal == Some(Signal::SIGXCPU));
        let file_size =
            self.file_size.filter(|_| signal == Some(Signal::SIGXFSZ) || says(&["file too large"]));
        let files = self.files.filter(|_| says(&["too many open files"]));
        let processes = self.processes.filter(|_| says(&["cannot fork", "resource temporarily unavailable"]));
        let memory = self.memory.filter(|_| crashed || says(&OUT_OF_MEMORY));
        let reached = [
            cpu.map(|time| format!("{time} of processor time")),
            file_size.map(|bytes| format!("files of {bytes} bytes")),
            files.map(|count| format!("{count} open files")),
            processes.map(|count| format!("{count} processes")),
            memory.map(|bytes| format!("{bytes} bytes of memory")),
        ];
        reached.into_iter().flatten().next()
    }
}

/// What programs say when they get no memory.
const OUT_OF_MEMORY: [&str; 6] = [
    "cannot allocate memory",
    "out of memory",
    "memory exhausted",
    "memoryerror",
    "bad_alloc",
    "memory allocation",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_words_and_numbers() {
        assert_eq!(Limits::default().script(), "ulimit -c 0 || exit 125");
        let limits = Limits {
            cpu: Some(Millis(1500)),
            memory: Some(1 << 30),
            files: Some(64),
            file_size: Some(1 << 20),
            processes: Some(10),
        };
        let expected = "ulimit -c 0 && ulimit -S -t 2 && ulimit -H -t 3 && ulimit -v 1048576 && ulimit -n 64 \
                        && ulimit -f 2048 && { ulimit -u 10 || ulimit -p 10; } 2>/dev/null || exit 125";
        assert_eq!(limits.script(), expected);
        assert!(!limits.is_empty() && Limits::default().is_empty());
    }

    #[test]
    fn a_limit_that_was_reached_is_named() {
        let all = Limits {
            cpu: Some(Millis(1500)),
            memory: Some(7),
            files: Some(8),
            file_size: Some(9),
            processes: Some(10),
        };
        let exit = |code: i32| ExitStatus::from_raw(code << 8);
        for (status, words, reached) in [
            (ExitStatus::from_raw(Signal::SIGXCPU as i32), None, Some("1500ms of processor time")),
            (exit(128 + Signal::SIGXCPU as i32), None, Some("1500ms of processor time")),
            (ExitStatus::from_raw(Signal::SIGXFSZ as i32), None, Some("files of 9 bytes")),
            (exit(1), Some("x: File too large"), Some("files of 9 bytes")),
            (exit(1), Some("open: Too many open files"), Some("8 open files")),
            (exit(2), Some("sh: 1: Cannot fork"), Some("10 processes")),
            (exit(1), Some("MemoryError"), Some("7 bytes of memory")),
            (ExitStatus::from_raw(Signal::SIGSEGV as i32), None, Some("7 bytes of memory")),
            (exit(1), Some("no such file"), None),
            (ExitStatus::from_raw(Signal::SIGKILL as i32), None, None),
        ] {
            assert_eq!(all.reached(status, words).as_deref(), reached, "{status}");
            assert_eq!(Limits::default().reached(status, words), None);
        }
    }
}
