//! Tests of the whole: scenarios, laws over random schedules, hostile input.

/// A test for each scenario of a list.
macro_rules! scenarios {
    ($($test:ident => $file:literal,)*) => {
        $(
            #[test]
            fn $test() {
                drop(starline_tests::play_scenario($file));
            }
        )*
    };
}
pub(crate) use scenarios;

#[cfg(feature = "seeded-bugs")]
mod bugs;
mod devices;
mod edits;
mod fuzz;
mod gates;
mod graph;
mod holds;
mod invariants;
mod kill;
mod lease;
mod manager;
mod outsider_strategy;
mod random_schedules;
mod readiness;
mod restart;
mod retries;
mod rollback;
mod runs;
mod scene;
mod simulate;
mod statistics;
