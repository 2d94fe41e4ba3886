//! Signals that ask for an end: the first politely, the second by force.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use starline::orchestrator::{Refusal, Run, RunError};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Exit;
use crate::output::notice;
use crate::screen;

/// Time until a request that could not be kept is made again.
const AGAIN: Duration = Duration::from_secs(1);

/// Signals that ask for an end, as long as this lives. Without it, they end the process where it stands.
#[derive(Debug)]
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    /// Not heard where somebody decided that it should not be, as `nohup` does.
    hang_up: Option<Signal>,
}

impl Interrupts {
    /// Begins to listen. Inside a runtime.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn listen() -> io::Result<Self> {
        let hang_up = if ignores_hang_up() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up,
        })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        let Self { interrupt, terminate, hang_up } = self;
        let hang_up = async {
            match hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up => {}
        }
    }

    /// Cancels a run at the first signal, and by force at the next. One that comes after the end of the run
    /// ends the process: then somebody waits for a reader that does not read.
    pub(crate) async fn cancel(mut self, run: Run) {
        let mut force = false;
        let mut refused = false;
        loop {
            if refused {
                // Asked again until there is room in the journal.
                tokio::select! {
                    () = self.next() => {}
                    () = tokio::time::sleep(AGAIN) => force = false,
                }
            } else {
                self.next().await;
            }
            let again = std::mem::take(&mut refused);
            match run.cancel(force).await {
                Ok(()) if force => notice("cancelling by force"),
                Ok(()) => {
                    notice("cancelling: waiting for running tasks; interrupt again to end them by force")
                }
                Err(RunError::Refused(Refusal::RunTerminal(_)) | RunError::ShutDown) => {
                    screen::close();
                    std::process::exit(i32::from(Exit::Cancelled.code()));
                }
                Err(RunError::Journal(_)) if force => {
                    screen::close();
                    std::process::exit(i32::from(Exit::Journal.code()));
                }
                Err(RunError::Journal(fault)) => {
                    refused = true;
                    if !again {
                        notice(&format!(
                            "the run cannot be cancelled now: {fault}; it will be when there is room; interrupt again \
                             to end this process, and go on later with `starline resume {}`",
                            run.id()
                        ));
                    }
                }
                Err(error) => notice(&format!("failed to cancel the run: {error}")),
            }
            force = true;
        }
    }
}

/// Ends the process at the first signal, as long as nothing is running that would have to be ended before:
/// while files are read, and in simulations. There is no result then.
#[derive(Debug)]
pub(crate) struct Unstarted(Arc<AtomicBool>);

impl Unstarted {
    /// Begins to listen.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn listen() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut interrupts = runtime.block_on(async { Interrupts::listen() })?;
        let unstarted = Arc::new(AtomicBool::new(true));
        let armed = Arc::clone(&unstarted);
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(interrupts.next());
            if armed.load(Ordering::Acquire) {
                screen::close();
                notice("cancelled");
                std::process::exit(i32::from(Exit::Cancelled.code()));
            }
        })?;
        Ok(Self(unstarted))
    }

    /// Leaves signals to somebody else, who listens already.
    pub(crate) fn hand_over(self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Whether this process was started with the signal for a lost terminal switched off.
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & 1 != 0 // Bit 0 is signal 1, SIGHUP.
}
