//! Assignments: who is given what, and what can be said about it.

use starline_scheduler::{Answer, Input, Plan};
use starline_sim::{Sim, Strategist};
use starline_types::{DeviceProfile, DeviceSelector, Event, GraphSpec};

use crate::scene::{device, graph, plan, task_id, world};

/// The devices of all tasks as `run_ready` names them.
fn assigned(sim: &mut Sim) -> Vec<String> {
    sim.input(0, Input::Prepare).expect("an answer").expect("it is prepared");
    let ready = sim.journal(0).iter().find_map(|fact| match &fact.event {
        Event::RunReady { assignments, .. } => Some(assignments),
        _ => None,
    });
    let placements = ready.expect("the run is ready").iter();
    placements
        .map(|placement| placement.device.as_ref().map_or_else(String::new, ToString::to_string))
        .collect()
}

fn select(spec: &mut GraphSpec, task: usize, selector: DeviceSelector) {
    std::sync::Arc::make_mut(&mut spec.tasks[task]).device = Some(selector.into());
}

fn three() -> Vec<DeviceProfile> {
    ["A", "B", "C"].map(device).into()
}

#[test]
fn scenario_m2_round_robin() {
    let seven = ["t1", "t2", "t3", "t4", "t5", "t6", "t7"];
    let mut plain = world(three(), plan(graph(&seven, &[])), Strategist::RoundRobin);
    assert_eq!(assigned(&mut plain), ["A", "B", "C", "A", "B", "C", "A"]);
    let mut spec = graph(&seven, &[]);
    select(&mut spec, 0, DeviceSelector { prefer: Some(device("B").id), ..DeviceSelector::default() });
    let mut preferring = world(three(), plan(spec), Strategist::RoundRobin);
    assert_eq!(assigned(&mut preferring), ["B", "A", "B", "C", "A", "B", "C"]);
}

#[test]
fn scenario_m3_an_unknown_strategy_is_named() {
    let said = starline_strategies::by_name("best").expect_err("there is none").to_string();
    assert!(said.starts_with("Unknown assignment strategy: best"), "{said}");
    assert!(starline_strategies::NAMES.iter().all(|name| said.contains(name)), "{said}");
}

#[test]
fn scenario_m4_capabilities_decide() {
    let windows = DeviceSelector { os: Some("windows".into()), ..DeviceSelector::default() };
    let mut spec = graph(&["t"], &[]);
    select(&mut spec, 0, windows.clone());
    let devices = vec![device("lin").with_os("linux"), device("win").with_os("Windows")];
    let mut one = world(devices.clone(), plan(spec), Strategist::CapabilityMatch);
    assert_eq!(assigned(&mut one), ["win"]);

    let mut spec = graph(&["t1", "t2", "t3", "t4"], &[]);
    (0..4).for_each(|task| select(&mut spec, task, windows.clone()));
    let mut two = devices.clone();
    two.push(device("win2").with_os("windows"));
    let mut found = assigned(&mut world(two, plan(spec), Strategist::CapabilityMatch));
    found.sort();
    assert_eq!(found, ["win", "win", "win2", "win2"]);

    let mut spec = graph(&["t"], &[]);
    select(&mut spec, 0, DeviceSelector { needs: vec!["excel".into()], ..DeviceSelector::default() });
    let mut none = world(devices, plan(spec), Strategist::CapabilityMatch);
    let said = none.input(0, Input::Prepare).expect("an answer").expect_err("nothing fits").to_string();
    assert!(said.contains("no_eligible_device") && said.contains("excel"), "{said}");
    assert_eq!(none.journal(0).len(), 1, "nothing was assigned");
}

#[test]
fn scenario_m5_clearing_keeps_pins() {
    let mut spec = graph(&["t1", "t2", "t3", "t4"], &[]);
    select(&mut spec, 3, DeviceSelector { on: Some(device("A").id), ..DeviceSelector::default() });
    let mut sim = world(three(), plan(spec), Strategist::RoundRobin);
    let _ = assigned(&mut sim);
    assert_eq!(sim.input(0, Input::ClearAssignments), Some(Ok(Answer::Count(3))));
    assert_eq!(sim.input(0, Input::ClearAssignments), Some(Ok(Answer::Count(0))));
    let scheduler = sim.scheduler(0).expect("it is up");
    let left = scheduler.assignments(sim.fleet());
    let left: Vec<&str> =
        left.iter().filter(|(_, device)| device.is_some()).map(|(task, _)| task.as_str()).collect();
    assert_eq!(left, ["t4"]);
}

#[test]
fn scenario_m5_a_map_decides() {
    let map = [("a", "A"), ("b", "A"), ("c", "B")];
    let assignments = map.map(|(task, on)| (task_id(task), device(on).id)).into();
    let plan = Plan { assignments, ..plan(graph(&["a", "b", "c"], &[])) };
    let mut sim = world(three(), plan, Strategist::Nobody);
    assert_eq!(assigned(&mut sim), ["A", "A", "B"]);
    let loads = ["A", "B", "C"].map(|id| {
        let ix = sim.fleet().find(&device(id).id).expect("registered");
        sim.fleet().load(ix).1
    });
    assert_eq!(loads, [2, 1, 0], "planned tasks of each device");
}

#[test]
fn a_plan_of_an_operator_comes_after_the_map() {
    let assignments = vec![(task_id("a"), device("A").id)];
    let plan = Plan { assignments, ..plan(graph(&["a"], &[])) };
    let mut sim = world(three(), plan, Strategist::Nobody);
    let moved = Input::Reassign { task: task_id("a"), device: device("C").id };
    sim.input(0, moved).expect("an answer").expect("it is planned anew");
    assert_eq!(assigned(&mut sim), ["C"]);
}
