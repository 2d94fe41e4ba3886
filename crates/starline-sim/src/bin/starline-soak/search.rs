//! Playing schedules, alone or in large numbers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use starline_sim::{Crash, Played, Schedule, Tally, Violation};
use starline_types::Millis;

/// Schedules that a thread takes at once.
const GRIP: u64 = 16;
/// Schedules in which every possible pair of an input and a state must come up.
const LONG: u64 = 20_000;
/// One of so many schedules is played twice.
const TWICE_EVERY: u64 = 64;

/// Plays a schedule; a panic is a violation without an oracle.
fn play(schedule: &Schedule) -> Result<Played, String> {
    let twice = schedule.seed().is_multiple_of(TWICE_EVERY);
    let play = || if twice { schedule.play_twice() } else { schedule.play() };
    catch_unwind(AssertUnwindSafe(play)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
    })
}

/// Plays one schedule twice. False if a rule was broken.
pub(crate) fn one(seed: u64, trace: bool) -> bool {
    let schedule = Schedule::random(seed);
    let played = schedule.play_twice();
    if trace {
        println!("{schedule}\n\n{}", played.trace);
    }
    println!("{}", played.tally);
    played.violation.as_ref().is_none_or(|violation| {
        show(&schedule, violation);
        false
    })
}

/// Shows a violation and the smallest schedule with the same one.
fn show(schedule: &Schedule, violation: &Violation) {
    println!("{}\n{violation}", schedule.failure_line(violation));
    let (small, found) = schedule.shrink(violation);
    println!("\nshrunk: {found}\n{small}\n\n{}", small.play_traced().trace);
}

#[derive(Debug, Default)]
struct Found {
    tally: Tally,
    violations: Vec<(u64, String)>,
}

/// Plays many schedules on several threads. False if a rule was broken.
pub(crate) fn many(base: u64, seeds: u64, jobs: usize, crashes: bool) -> bool {
    let next = AtomicU64::new(0);
    let found = Mutex::new(Found::default());
    eprintln!("{seeds} schedules from seed {base} on {jobs} threads");
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| work(base, seeds, crashes, &next, &found));
        }
    });
    let Found { tally, mut violations } =
        found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    violations.sort();
    println!("seeds {base} to {}: {tally}", base + seeds);
    println!("{} violations", violations.len());
    for (_, line) in violations.iter().take(20) {
        println!("{line}");
    }
    if let Some((seed, _)) = violations.first() {
        let schedule = Schedule::random(*seed);
        if let Ok(Played { violation: Some(violation), .. }) = play(&schedule) {
            show(&schedule, &violation);
        }
    }
    let covered = crashes || covers(&tally, seeds);
    violations.is_empty() && covered
}

/// Shows what met what. False if so many schedules should have met more.
fn covers(tally: &Tally, seeds: u64) -> bool {
    let coverage = &tally.coverage;
    println!("\n{coverage}");
    let missing = coverage.missing();
    for pair in &missing {
        println!("never: {pair}");
    }
    let surprising = coverage.surprising();
    for pair in &surprising {
        println!("said to be impossible ({}): {pair}", pair.impossible().unwrap_or_default());
    }
    let long = seeds >= LONG;
    println!("{} possible pairs never came up", missing.len());
    surprising.is_empty() && (missing.is_empty() || !long)
}

/// Plays a schedule, and then with one more crash in as many ways as there are commits.
fn play_crashes(schedule: &Schedule, mine: &mut Found) {
    let first = schedule.run_count() as u64 + 1;
    let commits = schedule.play().tally.commits;
    for commit in first..=commits {
        for (persisted, acted) in [(0, 0), (1, 0), (1, 1), (usize::MAX, usize::MAX)] {
            let down = Millis(commit % 7 * 4_000);
            let crash = Crash { persisted, acted, down, journals_first: commit.is_multiple_of(3) };
            let crashed = schedule.clone().with_crash(commit, crash);
            match catch_unwind(AssertUnwindSafe(|| crashed.play())) {
                Ok(played) => {
                    mine.tally.add(&played.tally);
                    if let Some(violation) = played.violation {
                        let line =
                            format!("seed {}, commit {commit}, {crash:?}: {violation}", schedule.seed());
                        mine.violations.push((schedule.seed(), line));
                    }
                }
                Err(_) => {
                    let line = format!("seed {}, commit {commit}, {crash:?}: panic", schedule.seed());
                    mine.violations.push((schedule.seed(), line));
                }
            }
        }
    }
}

fn work(base: u64, seeds: u64, crashes: bool, next: &AtomicU64, found: &Mutex<Found>) {
    loop {
        let first = next.fetch_add(GRIP, Ordering::Relaxed);
        if first >= seeds {
            return;
        }
        let mut mine = Found::default();
        for seed in first..(first + GRIP).min(seeds) {
            let schedule = Schedule::random(base + seed);
            if crashes {
                play_crashes(&schedule, &mut mine);
                continue;
            }
            match play(&schedule) {
                Ok(played) => {
                    mine.tally.add(&played.tally);
                    if let Some(violation) = played.violation {
                        mine.violations.push((
                            base + seed,
                            format!("{}\n  {violation}", schedule.failure_line(&violation)),
                        ));
                    }
                }
                Err(panic) => {
                    mine.violations.push((base + seed, format!("seed {} panics: {panic}", base + seed)))
                }
            }
        }
        let mut all = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let before = all.tally.schedules / 10_000;
        all.tally.add(&mine.tally);
        all.violations.append(&mut mine.violations);
        if all.tally.schedules / 10_000 > before {
            eprintln!("{} schedules, {} violations", all.tally.schedules, all.violations.len());
        }
    }
}
