//! Laws of what threads hand to each other, held against many schedules of these threads.
//!
//! A law is a function that starts threads and panics if something is wrong. It uses the locks, atomics and threads of
//! [`shuttle`], so that whoever is next at each of them is drawn from a seed; a law in which everybody waits fails as
//! well. Schedules are sampled, so that a law that holds is not proven. Every access is in order: what a processor may
//! reorder between relaxed atomics is not looked at.
//!
//! To hold such laws against a module that uses the standard locks, have the module take them from one place, and
//! compile its file into the test beside another such place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use shuttle;
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

/// Schedules of each law unless `STARLINE_SCHEDULES` says otherwise.
pub const SCHEDULES: usize = 2000;
/// Steps after which a schedule counts as one that does not end.
const STEPS: usize = 100_000;
/// Changes of priority in a schedule that is drawn by priorities.
const DEPTH: usize = 4;

/// Holds a law against schedules: half of them drawn step by step, half by priorities that change a few times.
///
/// `STARLINE_SCHEDULES` says how many, `STARLINE_SCHEDULE_SEED` which. A failure prints the schedule;
/// `STARLINE_SCHEDULE` with that text plays it again.
///
/// # Panics
/// The law does not hold, or a variable is no number.
#[expect(clippy::print_stdout, reason = "whoever runs a test asks how much it has looked at")]
pub fn hold(law: fn()) {
    if let Ok(schedule) = std::env::var("STARLINE_SCHEDULE") {
        play(ReplayScheduler::new_from_encoded(&schedule), FailurePersistence::Print, law);
        return;
    }
    let count = number("STARLINE_SCHEDULES").map_or(SCHEDULES, |count| count as usize);
    let seed = number("STARLINE_SCHEDULE_SEED").unwrap_or(0);
    let by_priority = count / 2;
    let played =
        play(RandomScheduler::new_from_seed(seed, count - by_priority), FailurePersistence::Print, law);
    let more = match by_priority {
        0 => 0,
        some => play(PctScheduler::new_from_seed(seed, DEPTH, some), FailurePersistence::Print, law),
    };
    println!("{} schedules from seed {seed}", played + more);
}

/// The schedule, counted from 1, on which a law fails; none if it holds on the first [`SCHEDULES`].
pub fn fails_at(law: impl Fn() + Send + Sync + 'static) -> Option<usize> {
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let counted = move || {
        count.fetch_add(1, Ordering::Relaxed);
        law();
    };
    let counted: Arc<dyn Fn() + Send + Sync> = Arc::new(counted);
    let by_step = Arc::clone(&counted);
    let failed = catch_unwind(AssertUnwindSafe(|| {
        let half = SCHEDULES / 2;
        play(RandomScheduler::new_from_seed(0, half), FailurePersistence::None, move || by_step());
        play(PctScheduler::new_from_seed(0, DEPTH, half), FailurePersistence::None, move || counted());
    }));
    failed.is_err().then(|| begun.load(Ordering::Relaxed))
}

fn play(
    scheduler: impl Scheduler + 'static,
    failure: FailurePersistence,
    law: impl Fn() + Send + Sync + 'static,
) -> usize {
    let mut config = Config::new();
    config.failure_persistence = failure;
    config.max_steps = MaxSteps::FailAfter(STEPS);
    config.stack_size = 0x2_0000;
    config.silence_warnings = true;
    config.ungraceful_shutdown_config.immediately_return_on_panic = true;
    Runner::new(scheduler, config).run(law)
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}
