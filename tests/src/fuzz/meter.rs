//! What single calls take.

use std::cell::Cell;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The slowest call so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd)]
pub struct Slowest {
    /// What it took of the processor: others may use it meanwhile.
    pub took: Duration,
    /// What was called.
    pub call: &'static str,
}

thread_local! {
    static SLOWEST: Cell<Slowest> = const { Cell::new(Slowest { took: Duration::ZERO, call: "" }) };
}

/// Whether each call is printed with what it takes.
static TOLD: AtomicBool = AtomicBool::new(false);

/// From now on each call of this process that takes a millisecond or more is printed with what it takes.
pub fn tell() {
    TOLD.store(true, Ordering::Relaxed);
}

/// The time that this thread has had of the processor.
fn used() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Calls something of the product, and notes what that takes.
#[expect(clippy::print_stdout, reason = "what a saved input takes is shown when it is run again")]
pub(crate) fn call<T>(name: &'static str, call: impl FnOnce() -> T) -> T {
    let told = TOLD.load(Ordering::Relaxed);
    if told {
        forget_peak();
    }
    let (before, start) = (if told { peak() } else { 0 }, used());
    let result = call();
    let took = used().saturating_sub(start);
    if told && took >= Duration::from_millis(1) {
        let ms = took.as_secs_f64() * 1000.0;
        println!("{name}: {ms:.1} ms, from {} MiB to {} MiB", before >> 10, peak() >> 10);
    }
    SLOWEST.with(|slowest| {
        if took > slowest.get().took {
            slowest.set(Slowest { took, call: name });
        }
    });
    result
}

/// The slowest call of this thread since it was asked last.
pub(crate) fn slowest() -> Slowest {
    SLOWEST.take()
}

/// Begins to count the most memory of this process anew, where the system can.
pub(crate) fn forget_peak() {
    // Without it the most since the start is told, which is no less.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that this process had, in KiB, or 0 where the system does not tell.
pub(crate) fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}
