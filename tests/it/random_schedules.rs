//! Random schedules with faults, watched by oracles.

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};

use starline_sim::{Crash, Schedule};
use starline_types::Millis;

/// Schedules of every test run; the long volume is `cargo xtask soak sim`.
const SCHEDULES: u64 = 20_000;

/// Plays schedules on all processors; the first violation fails the test with the line that reproduces it.
pub(crate) fn no_rule_is_broken(base: u64, count: u64, turn: impl Fn(Schedule) -> Schedule + Sync) {
    let next = AtomicU64::new(0);
    let jobs = std::thread::available_parallelism().map_or(1, NonZero::get);
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= count {
            return;
        }
        let schedule = turn(Schedule::random(base + seed));
        if let Some(violation) = schedule.play().violation {
            panic!("{}\n{violation}", schedule.failure_line(&violation));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(work);
        }
    });
}

#[test]
fn random_schedules_break_no_rule() {
    no_rule_is_broken(0, SCHEDULES, |schedule| schedule);
}

#[test]
fn equal_seeds_give_equal_traces() {
    for seed in 0..300 {
        let schedule = Schedule::random(seed);
        let played = schedule.play_twice();
        assert_eq!(played.violation, None, "seed {seed}");
        assert!(played.trace.contains("run_created"), "seed {seed}");
    }
}

#[test]
fn schedules_that_once_broke_a_rule_do_not_any_more() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds");
    let mut played = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of seeds can be read") {
        let file = entry.expect("an entry can be read").path();
        let text = std::fs::read_to_string(&file).expect("a file of seeds can be read");
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let Some(word) = line.split_whitespace().next() else { continue };
            let seed =
                word.parse().unwrap_or_else(|_| panic!("{}: {line:?} begins with no seed", file.display()));
            let schedule = Schedule::random(seed);
            if let Some(violation) = schedule.play_twice().violation {
                panic!("{}\n{violation}", schedule.failure_line(&violation));
            }
            played += 1;
        }
    }
    assert!(played > 0, "no seed was found in {folder}");
}

/// Plays a schedule again and again, with a crash during another commit each time: before its facts are
/// durable, after that, and in the midst of its effects.
pub(crate) fn each_commit_is_the_last(seed: u64) {
    let schedule = Schedule::random(seed);
    let plain = schedule.play();
    assert_eq!(plain.violation, None, "seed {seed}");
    let first = schedule.run_count() as u64 + 1;
    for commit in first..=plain.tally.commits.min(first + 120) {
        for (persisted, acted) in [(0, 0), (1, 0), (1, 1), (usize::MAX, usize::MAX)] {
            let crash =
                Crash { persisted, acted, down: Millis(seed % 7 * 4_000), journals_first: commit % 3 == 0 };
            let crashed = schedule.clone().with_crash(commit, crash);
            if let Some(violation) = crashed.play().violation {
                panic!("seed {seed}, crash during commit {commit} ({crash:?}): {violation}");
            }
        }
    }
}
