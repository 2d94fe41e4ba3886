//! A second process that outlives this one for a moment: if this one is killed, it ends what that leaves running.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, io};

use starline::transport_process::{LeftoversError, ProcessDevice};

use crate::moment::pause;

/// The first argument of the second process; no verb, as nobody is to type it.
pub(crate) const WORD: &str = "__end-leftovers";
/// How often it is looked whether this process has ended, once its end of the pipe has.
const TRIES: u32 = 200;
/// Time between that.
const BETWEEN: Duration = Duration::from_millis(5);

/// The second process. Dropped when nothing is running any more; without it, what is left is ended by whoever goes on.
#[derive(Debug)]
pub(crate) struct Watchman(Option<Child>);

impl Watchman {
    /// Begins to watch over the processes that are in a register.
    pub(crate) fn over(register: &Path) -> Self {
        let start = || {
            let mut command = Command::new(env::current_exe()?);
            // A signal for the group of this process is none for the other one.
            command.arg(WORD).arg(register).process_group(0);
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
        };
        Self(start().ok())
    }
}

impl Drop for Watchman {
    fn drop(&mut self) {
        if let Some(mut other) = self.0.take() {
            // One that has ended needs no signal.
            let _ = other.kill();
            let _ = other.wait();
        }
    }
}

/// The second process: waits for the end of the first one, and ends what is left of it.
pub(crate) fn main(register: &Path) -> ExitCode {
    // The other end is closed by the end of the first process, however it comes.
    let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    for _ in 0..TRIES {
        match runtime.block_on(ProcessDevice::end_leftovers(register)) {
            Err(LeftoversError::Alive { .. }) => pause(BETWEEN),
            Err(_) => return ExitCode::FAILURE,
            Ok(_) => return ExitCode::SUCCESS,
        }
    }
    ExitCode::FAILURE
}
