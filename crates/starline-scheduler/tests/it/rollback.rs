//! Rolling back: tasks that undo others, in reverse order, and what happens when one of them fails.

use std::sync::Arc;

use serde_json::json;
use starline_scheduler::{Answer, Author, Fleet, Input, Refusal, Role, Scheduler};
use starline_types::{
    ApprovalGate, Compensation, DependencyKind, Event, EventKind, FailurePolicy, Origin, OutputType,
    PauseCause, Payload, Reading, RunState, Shell, Timestamp,
};

use crate::job::{Job, by_hand, device, retries, task_id};
use crate::support::{Act, World, brings, done, fails, refuses};

fn undo(script: &str) -> Compensation {
    let shell = Shell { script: script.into(), ..Shell::default() };
    Compensation { run: Payload::Sh(Arc::new(shell)) }
}

/// Tasks with something that undoes them.
fn compensated(job: Job, tasks: &str) -> Job {
    tasks.split_whitespace().fold(job, |job, id| {
        job.task(id, |task| {
            let details = Arc::make_mut(task.details.get_or_insert_default());
            details.compensate = Some(undo(&format!("undo {id}")));
        })
    })
}

fn rollback(words: &str, tasks: &str) -> Job {
    compensated(Job::new(words), tasks).settings(|settings| settings.on_failure = FailurePolicy::Rollback)
}

/// What undid something, in the order in which it was sent.
fn undone(world: &World) -> Vec<&str> {
    let sent = world.runs[0].sent.iter().map(|sent| sent.task.as_str());
    sent.filter(|task| task.contains(".undo")).collect()
}

fn reason(world: &World) -> Option<String> {
    world.outcome().reason.map(|reason| reason.to_string())
}

#[test]
fn what_was_done_before_a_failure_is_undone_in_reverse_order() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("C", [fails(100)]);
    world.start(&rollback("A>B B>C C>D", "A B C D"));
    world.run();
    assert_eq!(undone(&world), ["C.undo", "B.undo", "A.undo"], "D made no attempt");
    assert_eq!(world.outcome().status, RunState::PartiallyFailed);
    assert_eq!(reason(&world).as_deref(), Some("rolled_back"));
    let commits = world.facts(EventKind::EditCommitted);
    let [(300, Event::EditCommitted(applied))] = commits.as_slice() else { panic!("{commits:?}") };
    assert_eq!((applied.author.as_str(), applied.origin), ("rollback", Origin::Rollback));
    assert_eq!(applied.batch.edits.len(), 3);
    let graph = world.scheduler().graph();
    let a = graph.spec(world.task("A.undo"));
    assert_eq!((a.compensates(), a.compensation(), a.idempotent), (Some("A"), None, true));
    let at = |id: &str| world.runs[0].sent.iter().find(|sent| sent.task == id).expect("sent").device.clone();
    assert_eq!((at("A.undo"), at("B.undo")), (at("A"), at("B")), "where the work was done");
    assert!(graph.incoming(world.task("A.undo")).all(|edge| edge.kind() == DependencyKind::Completion));
}

#[test]
fn nothing_is_undone_where_nothing_failed_or_nothing_can_be_undone() {
    let mut world = World::new(&["d1"]);
    world.start(&rollback("A>B", "A B"));
    world.run();
    assert_eq!((undone(&world).len(), world.outcome().status), (0, RunState::Completed));
    assert_eq!(reason(&world), None);
    let mut world = World::new(&["d1"]);
    world.acts("B", [fails(100)]);
    world.start(&rollback("A>B", ""));
    world.run();
    assert_eq!((undone(&world).len(), world.outcome().status), (0, RunState::PartiallyFailed));
    assert!(world.facts(EventKind::EditCommitted).is_empty());
}

#[test]
fn a_run_that_only_failed_ends_failed_although_it_was_rolled_back() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100)]);
    world.start(&rollback("A>B", "A"));
    world.run();
    assert_eq!((undone(&world), world.outcome().status), (vec!["A.undo"], RunState::Failed));
}

#[test]
fn a_diamond_is_undone_from_its_end_and_through_tasks_that_are_not_undone() {
    let mut world = World::new(&["d1", "d2", "d3"]);
    world.acts("Z", [fails(900)]);
    // X is not undone: what is behind it is undone before what is in front of it all the same.
    world.start(&rollback("A>B A>C B>D C>D D>X X>E Z", "A B C D E"));
    world.run();
    let undone = undone(&world);
    assert_eq!((undone[0], undone[1], undone[4]), ("E.undo", "D.undo", "A.undo"));
    let sent = &world.runs[0].sent;
    let at = |id: &str| sent.iter().find(|sent| sent.task == id).expect("sent").at;
    assert_eq!(at("B.undo"), at("C.undo"), "side by side");
    assert!(at("D.undo") >= at("E.undo") + 100 && at("A.undo") >= at("B.undo") + 100);
}

#[test]
fn what_undoes_a_task_sees_its_outputs_and_those_upstream() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [brings(10, json!({"id": "x 1"}))]);
    world.acts("B", [brings(10, json!({"id": 7}))]);
    world.acts("C", [fails(10)]);
    let job =
        rollback("A>B B>C", "").output("A", "id", OutputType::String).output("B", "id", OutputType::Integer);
    let job = job.task("B", |task| {
        let details = Arc::make_mut(task.details.get_or_insert_default());
        details.compensate = Some(undo("rm {{ tasks.B.outputs.id }} {{ tasks.A.outputs.id }}"));
    });
    world.start(&job);
    world.run();
    let sent = world.runs[0].sent.iter().find(|sent| sent.task == "B.undo").expect("sent");
    let Payload::Sh(shell) = &sent.payload else { panic!("{sent:?}") };
    assert_eq!(shell.script, "rm 7 'x 1'");
}

#[test]
fn one_that_fails_for_good_pauses_the_run_and_a_copy_takes_its_place() {
    let mut world = World::new(&["d1"]);
    world.acts("C", [fails(100)]);
    world.acts("B.undo", [fails(100)]);
    world.start(&rollback("A>B B>C", "A B"));
    world.run();
    assert_eq!(
        (world.state(), world.scheduler().paused()),
        (RunState::Paused, Some(PauseCause::NeedsOperator))
    );
    assert_eq!(world.reading("A.undo"), Reading::Ready, "it is not skipped");
    assert_eq!(undone(&world), ["B.undo"]);
    let author = Author::new("operator", Role::Operator);
    world.command(Input::RetryTask { task: task_id("B.undo"), author }).expect("a copy");
    assert_eq!(world.state(), RunState::Paused, "the rest waits for a person");
    world.command(Input::Resume).expect("the rest goes on");
    world.run();
    assert_eq!(undone(&world), ["B.undo", "B.undo.r2", "A.undo"]);
    assert_eq!(world.outcome().status, RunState::PartiallyFailed);
    assert_eq!(reason(&world).as_deref(), Some("rolled_back"));
}

#[test]
fn a_run_that_waits_for_a_person_does_not_stall() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [done(100)]);
    world.acts("A.undo", [fails(10)]);
    let job = rollback("A B", "A").settings(|settings| settings.max_parallel = Some(1));
    world.start(&job.strategy(by_hand).assign("A", "d1").assign("B", "d1"));
    world.command(Input::ClearAssignments).expect("B has no device any more");
    world.run_until(200);
    world.command(Input::Rollback { force: false, by: "operator".into() }).expect("what was done is undone");
    world.run_until(1000);
    assert_eq!(world.state(), RunState::Paused);
    // Only the time limit of the first attempt, which is over, and not the moment at which B would have stalled.
    let next = world.scheduler().next_deadline();
    assert!(next.is_none_or(|at| at > Timestamp(60_100)), "{next:?}");
}

#[test]
fn a_run_whose_last_undo_failed_waits_and_ends_when_it_is_resumed() {
    let mut world = World::new(&["d1"]);
    world.acts("B", [fails(100)]);
    world.acts("A.undo", [fails(100)]);
    world.start(&rollback("A>B", "A"));
    world.run();
    assert_eq!(world.state(), RunState::Paused, "it does not just end");
    let facts = world.facts(EventKind::RunPaused);
    let [(_, Event::RunPaused { reason: Some(why), .. })] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!(why.as_str(), "not undone: task A.undo failed: device_error: it went wrong");
    world.command(Input::Resume).expect("it goes on");
    world.run();
    assert_eq!(world.outcome().status, RunState::PartiallyFailed);
    assert_eq!(reason(&world).as_deref(), Some("partly_rolled_back"));
}

#[test]
fn one_that_cannot_be_filled_in_pauses_the_run_as_well() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100)]);
    let job = rollback("A", "").output("A", "id", OutputType::String).task("A", |task| {
        let details = Arc::make_mut(task.details.get_or_insert_default());
        details.compensate = Some(undo("rm {{ tasks.A.outputs.id }}"));
    });
    world.start(&job);
    world.run();
    assert_eq!(world.state(), RunState::Paused);
    world.command(Input::CancelRun { force: false }).expect("given up");
    assert_eq!(world.outcome().status, RunState::Cancelled);
}

#[test]
fn a_gate_of_a_task_is_one_of_what_undoes_it_and_is_asked_at_once() {
    let mut world = World::new(&["d1"]);
    world.acts("B", [fails(100)]);
    world.start(&rollback("A>B", "A").task("A", |task| {
        let details = Arc::make_mut(task.details.get_or_insert_default());
        details.approval = Some(ApprovalGate { prompt: "Go on?".into(), ..ApprovalGate::default() });
    }));
    let approve = |task| Input::Approve { task: task_id(task), by: "somebody".into() };
    world.command(approve("A")).expect("it asks");
    world.run_until(300);
    assert_eq!(world.reading("A.undo"), Reading::AwaitingApproval);
    assert_eq!(world.facts(EventKind::ApprovalRequested).len(), 2);
    world.command(approve("A.undo")).expect("it asks");
    world.run();
    assert_eq!(reason(&world).as_deref(), Some("rolled_back"));
}

#[test]
fn it_is_retried_as_the_task_is_and_once_is_enough() {
    let mut world = World::new(&["d1"]);
    world.acts("B", [fails(100)]);
    world.acts("A.undo", [fails(100), done(100)]);
    world.start(&rollback("A>B", "A").retry("A", retries(1)));
    world.run();
    assert_eq!(undone(&world), ["A.undo", "A.undo"]);
    assert_eq!(reason(&world).as_deref(), Some("rolled_back"));
}

#[test]
fn without_a_strategy_work_is_undone_where_it_was_done() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("B", [fails(100)]);
    let job = rollback("A>B", "A").strategy(by_hand).assign("A", "d2").assign("B", "d1");
    world.start(&job);
    world.run();
    let sent = world.runs[0].sent.last().expect("sent");
    assert_eq!((sent.task.as_str(), sent.device.as_str()), ("A.undo", "d2"));
}

fn ask(world: &mut World, force: bool) -> Result<Answer, Refusal> {
    world.command(Input::Rollback { force, by: "operator".into() })
}

#[test]
fn whoever_asks_lets_what_runs_end_and_starts_nothing_more() {
    let mut world = World::new(&["d1", "d2"]);
    world.start(&compensated(Job::new("A>B B>C X"), "A B C X"));
    world.run_until(150);
    assert_eq!(ask(&mut world, false), Ok(Answer::Done));
    assert_eq!((world.reading("C"), world.reading("B")), (Reading::Cancelled, Reading::Running));
    let author = Author::new("agent", Role::Editor);
    let refused = world.command(Input::RetryTask { task: task_id("C"), author });
    assert!(matches!(refused, Err(Refusal::RunCancelling)), "{refused:?}");
    assert_eq!(ask(&mut world, false), Ok(Answer::Done), "asking twice changes nothing");
    world.run();
    let undone = undone(&world);
    assert_eq!(undone.len(), 3, "{undone:?}");
    let place = |id: &str| undone.iter().position(|task| *task == id).expect("undone");
    assert!(place("B.undo") < place("A.undo"));
    assert_eq!(
        (world.outcome().status, reason(&world).as_deref()),
        (RunState::Cancelled, Some("rolled_back"))
    );
    assert_eq!(world.facts(EventKind::RollbackRequested).len(), 1);
    assert!(matches!(ask(&mut world, false), Err(Refusal::RunTerminal(RunState::Cancelled))));
}

#[test]
fn with_force_what_runs_is_stopped_and_undone_as_well() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Silent]);
    world.stops_after("d1", 20);
    world.start(&compensated(Job::new("A>B"), "A B"));
    world.run_until(50);
    assert_eq!(ask(&mut world, true), Ok(Answer::Done));
    world.run();
    assert_eq!((undone(&world), world.outcome().status), (vec!["A.undo"], RunState::Cancelled));
}

#[test]
fn what_was_never_accepted_and_what_fails_meanwhile_is_not_tried_again() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [refuses(50)]);
    world.acts("B", [fails(50)]);
    world.start(&compensated(Job::new("A B"), "A B").retry("B", retries(3)));
    world.run_until(10);
    assert_eq!(ask(&mut world, false), Ok(Answer::Done));
    world.run();
    assert_eq!((world.reading("A"), world.reading("B")), (Reading::Cancelled, Reading::Failed));
    assert_eq!(world.outcome().status, RunState::Cancelled);
}

#[test]
fn a_paused_run_is_rolled_back_and_one_that_has_not_begun_is_not() {
    let mut world = World::new(&["d1"]);
    world.submit(&compensated(Job::new("A>B"), "A B"));
    assert!(matches!(ask(&mut world, false), Err(Refusal::WrongRunState { .. })));
    world.command(Input::Start).expect("starts");
    world.command(Input::Pause).expect("pauses");
    assert_eq!(ask(&mut world, false), Ok(Answer::Done));
    world.run();
    assert_eq!((undone(&world), world.outcome().status), (vec!["A.undo"], RunState::Cancelled));
}

#[test]
fn names_are_new_and_never_too_long() {
    let long = "L".repeat(254);
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(10)]);
    world.start(&rollback(&format!("A.undo A {long}"), &format!("A {long}")));
    world.run();
    assert_eq!(reason(&world).as_deref(), Some("rolled_back"));
    let undone: Vec<&str> = world.runs[0].sent.iter().map(|sent| sent.task.as_str()).collect();
    assert!(undone.contains(&"A.undo2"), "{undone:?}");
    let short =
        world.scheduler().graph().indices().map(|task| world.scheduler().graph().id(task).as_str().len());
    assert!(short.max() <= Some(256));
}

#[test]
fn a_task_that_joins_many_with_many_is_no_reason_for_many_edges() {
    let mut words = String::new();
    for n in 0..60 {
        words.push_str(&format!("a{n}>hub hub>b{n} "));
    }
    let tasks: Vec<String> = (0..60).flat_map(|n| [format!("a{n}"), format!("b{n}")]).collect();
    let mut world = World::of([device("d1").with_slots(200)]);
    world.acts("Z", [fails(900)]);
    world.start(&rollback(&format!("{words} Z"), &tasks.join(" ")));
    world.run();
    let undone = undone(&world);
    assert_eq!(undone.len(), 120);
    let last_b = undone.iter().rposition(|task| task.starts_with('b')).expect("undone");
    let first_a = undone.iter().position(|task| task.starts_with('a')).expect("undone");
    assert!(last_b < first_a);
    assert!(world.scheduler().graph().edge_count() < 500, "{}", world.scheduler().graph().edge_count());
}

#[test]
fn a_restart_at_every_record_ends_in_the_same_way() {
    let mut world = World::new(&["d1"]);
    world.acts("C", [fails(100)]);
    world.acts("B.undo", [fails(100), done(100)]);
    let job = rollback("A>B B>C", "A B").retry("B", retries(1));
    world.start(&job);
    world.run();
    let records = world.journal(0);
    let whole = world.scheduler().fingerprint();
    for end in 1..=records.len() {
        let run = world.scheduler().run().clone();
        let strategy = crate::job::round_robin;
        let (first, rest) = records.split_at(end);
        let half = Scheduler::recover(run.clone(), strategy(), &mut Fleet::new(), first).expect("a prefix");
        assert_eq!(half.seq().0, end as u64);
        let again = Scheduler::recover(run, strategy(), &mut Fleet::new(), first.iter().chain(rest));
        assert_eq!(again.expect("the whole").fingerprint(), whole);
    }
}

#[test]
fn a_run_that_is_over_is_undone_by_another_one() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [brings(10, json!({"id": "{{ it's"}))]);
    world.acts("C", [fails(10)]);
    let job = compensated(Job::new("A>B B>C"), "B").output("A", "id", OutputType::String).task("A", |task| {
        let details = Arc::make_mut(task.details.get_or_insert_default());
        details.compensate = Some(undo("rm {{ tasks.A.outputs.id }}"));
    });
    world.start(&job);
    world.run();
    assert_eq!((undone(&world).len(), world.outcome().status), (0, RunState::PartiallyFailed));
    let plan = world.scheduler().undo_plan(&|_| false, &world.fleet).expect("filled in").expect("two tasks");
    let ids: Vec<&str> = plan.graph.tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["B.undo", "A.undo"]);
    assert_eq!(plan.graph.dependencies.len(), 1);
    assert_eq!(plan.settings.undoes.as_ref(), Some(world.scheduler().run()));
    let mut other = World::new(&["d1"]);
    let again = Job { graph: (*plan.graph).clone(), settings: (*plan.settings).clone(), ..Job::new("") };
    other.acts("B.undo", [fails(10)]);
    other.start(&again);
    other.run();
    assert_eq!(other.state(), RunState::Paused, "one that fails pauses this run too");
    other.command(Input::Resume).expect("goes on");
    other.run();
    let Payload::Sh(shell) = &other.runs[0].sent[1].payload else { panic!("a script") };
    assert_eq!(shell.script, "rm '{''{ it'\\''s'");
    assert_eq!(other.outcome().status, RunState::PartiallyFailed);
}

#[test]
fn what_was_undone_in_a_run_is_not_undone_again_by_another_one() {
    let mut world = World::new(&["d1"]);
    world.acts("C", [fails(10)]);
    world.acts("A.undo", [fails(10)]);
    world.start(&rollback("A>B B>C", "A B"));
    world.run();
    world.command(Input::Resume).expect("the rest goes on");
    world.run();
    let plan = world.scheduler().undo_plan(&|_| false, &world.fleet).expect("filled in").expect("one task");
    let ids: Vec<&str> = plan.graph.tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["A.undo"]);
}
