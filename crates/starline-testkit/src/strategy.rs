//! Laws of every strategy. [`strategy_laws!`](crate::strategy_laws) makes a test of each.
//!
//! A law takes a function that makes the strategy as it is at the beginning of a run, and panics with what broke it:
//! a small world, or the seed of a round or a schedule.

use std::sync::Arc;

use starline_assign::AssignmentStrategy;
use starline_assign::testing::{RoundBuilder, laws, round};
use starline_sim::{Schedule, Simulation, Strategist, simulate};
use starline_types::{Envelope, RunId, RunSettings};

use crate::watched::Watched;
use crate::{arbitrary, check};

/// Makes a strategy, as it is at the beginning of a run.
pub type MakeStrategy = fn() -> Box<dyn AssignmentStrategy>;

/// Runs of random graphs.
const WORLDS: u32 = 96;
/// Schedules with faults and edits.
const SCHEDULES: u64 = 192;

/// Every placement is on a device that fits, is there and has a free slot; what is not placed waits.
///
/// # Panics
/// The strategy errs, or a placement does not fit.
pub fn placements_fit(make: MakeStrategy) {
    laws::placements_fit(make);
}

/// Equal rounds give equal placements.
///
/// # Panics
/// The strategy errs, or places two equal rounds differently.
pub fn equal_rounds_give_equal_placements(make: MakeStrategy) {
    laws::equal_rounds_give_equal_placements(make);
}

/// A strategy that was told the facts of a run places as one that lived through it.
///
/// # Panics
/// The strategy errs, or one that is restored from facts decides differently.
pub fn facts_restore_the_strategy(make: MakeStrategy) {
    laws::facts_restore_the_strategy(make);
}

/// With late binding, no task waits for ever beside an idle device that fits it.
///
/// # Panics
/// The strategy errs, or lets a task wait for more than 64 rounds.
pub fn an_idle_eligible_device_is_used_eventually(make: MakeStrategy) {
    laws::an_idle_eligible_device_is_used_eventually(make);
}

/// Rounds without tasks, without devices, and without a device that may be used are fine, and nothing is placed in
/// them.
///
/// # Panics
/// The strategy errs, or places something.
pub fn empty_rounds_are_fine(make: MakeStrategy) {
    let fleet = || round().device("a", 1).device("b", 2);
    let with_tasks = |round: RoundBuilder| round.ready("x", []).ready("y", ["x"]);
    let scenes = [
        ("a round of nothing", round()),
        ("a round without tasks", fleet()),
        ("a round without devices", with_tasks(round())),
        ("a round whose device is away", with_tasks(round().device("a", 1).unavailable())),
        ("a round whose device does not fit", round().device("a", 1).ready("x", []).needs(["gpu"])),
    ];
    for (what, scene) in scenes {
        let strategy = make();
        let scene = scene.binding(strategy.binding()).build();
        for turn in ["first", "again"] {
            let mut round = scene.round();
            let said = strategy.assign(&mut round);
            assert!(said.is_ok(), "the strategy erred in {what}, {turn}: {said:?}");
            let placed = round.to_string();
            assert!(placed.is_empty(), "the strategy placed something in {what}, {turn}: {placed}");
        }
    }
}

/// Runs of random graphs over random fleets end, each of their tasks with them. In every round the strategy is compared
/// with one that was told the facts of the run so far.
///
/// # Panics
/// A run stalls although its tasks have devices, the strategy errs, or it decides otherwise when it is asked again or
/// restored. The world is made as small as it can be.
pub fn runs_end(make: MakeStrategy) {
    check(WORLDS, (arbitrary::graphs(12), arbitrary::fleets(3)), |(graph, devices)| {
        let tasks = graph.tasks.len();
        let simulated = simulate(Simulation {
            run_id: RunId::new("law").expect("a word is an id"),
            graph: Arc::new(graph),
            settings: Arc::new(RunSettings::default()),
            strategy: Some(Box::new(Watched::new(make, false))),
            assignments: Vec::new(),
            devices,
            seed: 0,
            time_scale: 1.0,
            observer: &mut |_: &Envelope| {},
        });
        let outcome = match simulated {
            Ok(run) => run.outcome,
            Err(error) => panic!("the run did not end: {error}"),
        };
        assert!(outcome.status.is_terminal(), "the run is {}", outcome.status);
        assert_eq!(outcome.counts.open(), 0, "tasks are left: {:?}", outcome.counts);
        assert_eq!(outcome.results.len(), tasks, "tasks without a result");
    });
}

/// Seeded schedules of [`starline_sim`], with edits, lost devices, restarts and all other faults, keep every rule that
/// its [oracles](starline_sim::Oracle) watch. `make` is that of [`watched`].
///
/// # Panics
/// A rule is broken, the strategy errs, or it decides otherwise when it is asked again or restored.
pub fn schedules_keep_every_rule(make: MakeStrategy) {
    for seed in 0..SCHEDULES {
        let schedule = Schedule::random(seed).with_strategist(Strategist::Custom(make));
        let played = std::panic::catch_unwind(|| schedule.play());
        match played {
            Ok(played) => {
                if let Some(violation) = played.violation {
                    panic!("schedule {seed}: {violation}");
                }
            }
            Err(panic) => panic!("schedule {seed}: {}", said(panic.as_ref())),
        }
    }
}

/// A strategy for [`schedules_keep_every_rule`]: it is compared, in every round, with one that was told the facts of the
/// run, and what it leaves out goes to the first device that fits. The oracles know of no strategy that waits.
#[must_use]
pub fn watched(make: MakeStrategy) -> Box<dyn AssignmentStrategy> {
    Box::new(Watched::new(make, true))
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// Makes a module with a test of each [law](crate::strategy) of a strategy.
///
/// The argument is a function, or a closure that captures nothing, which makes the strategy as it is at the beginning of
/// a run. The module is called `strategy_laws`, unless a name is given.
///
/// ```
/// # mod strategies { pub use starline_sim::Strategist; }
/// # use strategies::Strategist;
/// # fn sticky() -> Box<dyn starline_testkit::AssignmentStrategy> { Strategist::LoadBalance.make().expect("one") }
/// starline_testkit::strategy_laws!(sticky);
/// starline_testkit::strategy_laws!(mod once_more: || sticky());
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! strategy_laws {
    (mod $name:ident: $make:expr $(,)?) => {
        mod $name {
            use super::*;

            $crate::laws! {
                strategy, $crate::strategy_laws!(@make $make);
                placements_fit,
                equal_rounds_give_equal_placements,
                facts_restore_the_strategy,
                an_idle_eligible_device_is_used_eventually,
                empty_rounds_are_fine,
                runs_end,
            }
            $crate::laws! {
                strategy, || $crate::strategy::watched($crate::strategy_laws!(@make $make));
                schedules_keep_every_rule,
            }
        }
    };
    // A name in the module would hide one that the argument uses.
    (@make $make:expr) => {
        || {
            let make = $make;
            ::std::boxed::Box::new(make())
        }
    };
    ($make:expr $(,)?) => {
        $crate::strategy_laws!(mod strategy_laws: $make);
    };
}
