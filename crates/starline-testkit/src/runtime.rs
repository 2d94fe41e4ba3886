//! Where the laws of journals and devices run.

/// Runs a future to its end on a runtime of its own, with one thread, a clock, and input and output where the journal or
/// the device brought them along.
///
/// # Panics
/// The system gives no runtime, or the future panics.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}
