//! What round robin learns: whose turn it is.

use std::sync::Arc;

use starline_assign::testing::{RoundBuilder, TestRound, round};
use starline_assign::{
    Applied, AssignmentStrategy, DeviceId, Edit, EditBatch, Event, Payload, Placement, TaskId, TaskSpec,
};
use starline_strategies::RoundRobin;

fn scene<'a>(tasks: &[(&str, Option<&str>)]) -> TestRound<'a> {
    let devices = round().early().device("A", 1).device("B", 1).device("C", 1);
    let add = |draft: RoundBuilder, (id, prefer): &(&str, Option<&str>)| {
        let draft = draft.ready(id, []);
        match prefer {
            Some(device) => draft.prefer(device),
            None => draft,
        }
    };
    tasks.iter().fold(devices, add).build()
}

fn created(scene: &TestRound<'_>) -> Event {
    Event::RunCreated { name: "run".into(), graph: Arc::new(scene.graph_spec()), settings: Arc::default() }
}

fn committed(edits: Vec<Edit>) -> Event {
    let batch = EditBatch { edits, ..EditBatch::default() };
    Event::EditCommitted(Arc::new(Applied { revision: batch.base.next(), batch, ..Applied::default() }))
}

/// Plays a round, lets the strategy know, and gives what was placed.
fn play<'a>(robin: &mut RoundRobin, scene: &'a TestRound<'a>) -> String {
    let mut round = scene.round();
    robin.assign(&mut round).expect("placements fit");
    for fact in scene.facts(&round) {
        robin.observe(&fact);
    }
    round.to_string()
}

#[test]
fn turns_go_on_in_later_rounds_and_preferences_take_none() {
    let mut robin = RoundRobin::default();
    let first = scene(&[("t1", Some("B")), ("t2", None), ("t3", None)]);
    robin.observe(&created(&first));
    assert_eq!(play(&mut robin, &first), "t1 -> B\nt2 -> A\nt3 -> B");

    let second = scene(&[("u1", None), ("u2", Some("C")), ("u3", None)]);
    robin.observe(&committed(vec![Edit::Build {
        graph: Arc::new(second.graph_spec()),
        clear_existing: false,
    }]));
    assert_eq!(play(&mut robin, &second), "u1 -> C\nu2 -> C\nu3 -> A");
    assert_eq!(play(&mut robin, &scene(&[("v", None)])), "v -> B");
}

#[test]
fn placements_of_the_ready_run_count_and_plans_that_were_dropped_do_not() {
    let scene = scene(&[("t1", None), ("t2", None), ("t3", None)]);
    let plan = |device: Option<&str>| Placement {
        task: TaskId::new("t1").expect("id").into(),
        device: device.map(|id| DeviceId::new(id).expect("id").into()),
    };
    let mut robin = RoundRobin::default();
    robin.observe(&Event::TasksPlaced { assignments: [plan(None), plan(None)].into() });
    robin.observe(&Event::RunReady {
        strategy: "round_robin".into(),
        assignments: [plan(Some("A")), plan(None), plan(Some("B"))].into(),
    });
    assert_eq!(play(&mut robin, &scene), "t1 -> C\nt2 -> A\nt3 -> B");
}

#[test]
fn a_task_that_replaces_another_brings_its_own_preference() {
    let task = |prefer: bool| {
        let mut spec = TaskSpec::new(TaskId::new("t1").expect("id"), Payload::Noop);
        if prefer {
            let wanted = scene(&[("t1", Some("A"))]).graph_spec();
            spec.device.clone_from(&wanted.tasks[0].device);
        }
        committed(vec![Edit::AddTask { task: Arc::new(spec), after: Vec::new() }])
    };
    let later = scene(&[("t2", None)]);
    let placed = |robin: &mut RoundRobin| play(robin, &scene(&[("t1", None)]));

    let mut robin = RoundRobin::default();
    robin.observe(&task(true));
    // In turn it would have been A as well: a placement on the preferred device takes no turn.
    assert_eq!(placed(&mut robin), "t1 -> A");
    assert_eq!(play(&mut robin.clone(), &later), "t2 -> A");

    robin.observe(&task(false));
    assert_eq!(placed(&mut robin), "t1 -> A");
    assert_eq!(play(&mut robin, &later), "t2 -> B");
}
