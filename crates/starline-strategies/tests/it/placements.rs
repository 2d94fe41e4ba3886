//! Small rounds with known answers.

use starline_assign::testing::{RoundBuilder, round};
use starline_assign::{AssignmentStrategy, Unplaced};
use starline_strategies::{CapabilityMatch, LoadBalance, RoundRobin};

/// The devices of the tasks of a round, in order; `-` for a task that was not placed.
fn devices(strategy: &impl AssignmentStrategy, draft: &RoundBuilder) -> String {
    let scene = draft.build();
    let mut round = scene.round();
    strategy.assign(&mut round).expect("placements fit");
    let device = |task: &Unplaced<'_>| {
        let placed = round.placement(task.ix)?;
        round.candidates(task.ix).find(placed).map(|device| device.profile.id.to_string())
    };
    let names: Vec<_> =
        round.tasks().iter().map(|task| device(task).unwrap_or_else(|| "-".to_owned())).collect();
    names.join(" ")
}

fn abc() -> RoundBuilder {
    round().early().device("A", 1).device("B", 1).device("C", 1)
}

fn with_tasks(draft: RoundBuilder, count: usize) -> RoundBuilder {
    (1..=count).fold(draft, |draft, n| draft.ready(&format!("t{n}"), []))
}

#[test]
fn m2_round_robin_goes_round_and_preferences_take_no_turn() {
    let robin = RoundRobin::default();
    assert_eq!(devices(&robin, &with_tasks(abc(), 7)), "A B C A B C A");
    let preferring = with_tasks(abc().ready("t0", []).prefer("B"), 6);
    assert_eq!(devices(&robin, &preferring), "B A B C A B C");
}

#[test]
fn round_robin_counts_tasks_and_not_devices() {
    // Place k modulo the number of candidates of each task: k is 0 1 2 3, candidates are 3 2 2 3.
    let draft = round()
        .early()
        .device("A", 1)
        .device("B", 1)
        .os("linux")
        .device("C", 1)
        .os("linux")
        .ready("any", [])
        .ready("lin1", [])
        .needs_os("linux")
        .ready("lin2", [])
        .needs_os("linux")
        .ready("last", []);
    assert_eq!(devices(&RoundRobin::default(), &draft), "A C B A");
}

#[test]
fn a_preference_that_cannot_be_met_is_ignored_and_takes_a_turn() {
    let draft = abc().unavailable().ready("t1", []).prefer("C").ready("t2", []).ready("t3", []);
    assert_eq!(devices(&RoundRobin::default(), &draft), "A B A");
    let unfit = abc().os("linux").ready("t1", []).needs_os("linux").prefer("A");
    for strategy in ["round_robin", "capability_match", "load_balance"] {
        let strategy = starline_strategies::by_name(strategy).expect("a known name");
        assert_eq!(devices(&strategy, &unfit), "C");
    }
}

#[test]
fn m4_capability_match_keeps_to_requirements_and_balances() {
    let windows = round().early().device("lin", 1).os("linux").device("win", 1).os("windows");
    assert_eq!(devices(&CapabilityMatch, &windows.clone().ready("t", []).needs_os("windows")), "win");

    let two = windows.device("win2", 1).os("Windows");
    let four = (1..=4).fold(two, |draft, n| draft.ready(&format!("t{n}"), []).needs_os("windows"));
    assert_eq!(devices(&CapabilityMatch, &four), "win win2 win win2");

    let nowhere = abc().ready("sheet", []).needs(["excel"]).ready("other", []);
    assert_eq!(devices(&CapabilityMatch, &nowhere), "- A");
}

#[test]
fn capability_match_spares_the_able_device_but_not_at_the_price_of_balance() {
    let draft = round()
        .early()
        .device("able", 1)
        .capabilities(["camera", "gpu"])
        // Twice the same capability is one capability.
        .device("plain", 1)
        .capabilities(["camera", "camera"])
        .ready("t1", [])
        .needs(["camera"])
        .ready("t2", [])
        .ready("t3", [])
        .needs(["gpu"])
        .ready("t4", []);
    assert_eq!(devices(&CapabilityMatch, &draft), "plain able able plain");
    assert_eq!(devices(&LoadBalance, &draft), "able plain able plain");
}

#[test]
fn load_is_what_runs_is_planned_and_was_placed_for_each_slot() {
    // Ratios: 2/2, 1/2, 0/1.
    let draft = round().early().device("A", 2).in_flight(1).queued(1).device("B", 2).queued(1).device("C", 1);
    assert_eq!(devices(&LoadBalance, &with_tasks(draft, 6)), "C B A B C A");
    // Exactly: 1/3 is more than 333/1000.
    let close = round().early().device("third", 3).in_flight(1).device("less", 1000).queued(333);
    assert_eq!(devices(&LoadBalance, &with_tasks(close, 1)), "less");
}

#[test]
fn preferred_placements_count_as_load() {
    let draft = abc().ready("x", []).prefer("A").ready("y", []).prefer("A");
    assert_eq!(devices(&LoadBalance, &with_tasks(draft, 5)), "A A B C B C A");
}

#[test]
fn devices_that_are_away_and_rounds_without_devices_are_no_fault() {
    for name in starline_strategies::NAMES {
        let strategy = starline_strategies::by_name(name).expect("a known name");
        assert_eq!(devices(&strategy, &with_tasks(round().early(), 2)), "- -");
        let away = with_tasks(round().early().device("A", 1).unavailable().device("B", 1), 2);
        assert_eq!(devices(&strategy, &away), "B B");
        assert_eq!(devices(&strategy, &abc()), "");
    }
}
