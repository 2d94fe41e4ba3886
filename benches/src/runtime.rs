//! One fresh tokio runtime for each run, the same for every system.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Builder;

use crate::{Measurement, RunError, Stopwatch};

/// Whether the peak of memory is forgotten before each execution.
pub(crate) static WATCH_MEMORY: AtomicBool = AtomicBool::new(false);

/// Forgets the peak of this process. Refused without harm by kernels that cannot: the peak then covers more.
pub(crate) fn reset_peak() {
    let _reset = std::fs::write("/proc/self/clear_refs", "5");
}

/// Tasks that are spawned before the clock starts, so that worker threads have started.
const WARM_UP: usize = 512;

/// Runs a future on a fresh multi-threaded runtime and measures it from its first poll to its end.
///
/// The future runs on a worker, as a task, so one worker means one busy thread. What it returns is handed on
/// after the clock has stopped: results to check, and whatever would take time to drop. A fresh runtime keeps
/// what one system leaves behind out of the next figure.
///
/// # Errors
///
/// The error of the future; [`RunError::Failed`] when the runtime cannot start or the future panics.
pub fn timed<T, F>(system: &'static str, workers: usize, future: F) -> Result<(Measurement, T), RunError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, RunError>> + Send + 'static,
{
    timed_after(system, workers, async { Ok(()) }, |()| future)
}

/// As [`timed`], for a system that is set up inside the runtime: `prepare` runs before the clock starts.
///
/// # Errors
///
/// The error of either future; [`RunError::Failed`] when the runtime cannot start or a future panics.
pub fn timed_after<S, T, P, R, F>(
    system: &'static str,
    workers: usize,
    prepare: P,
    run: R,
) -> Result<(Measurement, T), RunError>
where
    S: Send + 'static,
    T: Send + 'static,
    P: Future<Output = Result<S, RunError>> + Send + 'static,
    R: FnOnce(S) -> F + Send + 'static,
    F: Future<Output = Result<T, RunError>> + Send + 'static,
{
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_time()
        .build()
        .map_err(|error| RunError::failed(system, error))?;
    let measured = runtime.spawn(async move {
        for _ in 0..WARM_UP {
            spawn(async {});
            tokio::task::yield_now().await;
        }
        let future = run(prepare.await?);
        if WATCH_MEMORY.load(Ordering::Relaxed) {
            reset_peak();
        }
        let watch = Stopwatch::start();
        let outcome = future.await;
        let measurement = watch.stop();
        outcome.map(|result| (measurement, result))
    });
    runtime.block_on(measured).unwrap_or_else(|error| Err(RunError::failed(system, error)))
}

/// Spawns a task that nobody waits for.
///
/// # Panics
///
/// Outside a tokio runtime.
#[expect(
    clippy::disallowed_methods,
    reason = "spawning is what the baselines measure, and this is their one place"
)]
pub fn spawn<F>(future: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    drop(tokio::spawn(future));
}
