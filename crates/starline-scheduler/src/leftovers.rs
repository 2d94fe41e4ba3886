//! Whether a long run with many edits and holds leaves anything behind.

#![cfg(test)]

use std::sync::Arc;

use starline_types::{
    Dependency, DependencyKind, DeviceId, DeviceProfile, DeviceSelector, Edit, EditBatch, EditorSettings,
    GraphSpec, HoldId, Payload, RequestId, RunId, RunSettings, RunState, TaskId, TaskRef, TaskReport,
    TaskSpec, Timestamp,
};

use crate::{Author, Effect, Fleet, Input, Plan, Role, Scheduler, Step};

/// Rounds of one task, one hold and one batch each.
const ROUNDS: u64 = 1_000;

fn task(id: &str) -> TaskSpec {
    let mut task = TaskSpec::new(TaskId::new(id).expect("an id"), Payload::Noop);
    let on = DeviceId::new("d1").ok();
    task.device = Some(Arc::new(DeviceSelector { on, ..DeviceSelector::default() }));
    task.queue_timeout = Some(starline_types::Millis(50_000));
    task
}

/// Feeds an input, places, and gives back the attempts and holds that the shell would hear of.
fn feed(scheduler: &mut Scheduler, fleet: &mut Fleet, now: u64, input: Input) -> (Vec<TaskRef>, Vec<HoldId>) {
    let mut step = Step::default();
    let (mut attempts, mut holds) = (Vec::new(), Vec::new());
    scheduler.step_into(Timestamp(now), input, fleet, &mut step);
    if let Some(answer) = step.answer.take() {
        answer.expect("every command of this test is fine");
    }
    scheduler.place(Timestamp(now), fleet, 100, &mut step);
    for effect in step.effects {
        match effect {
            Effect::Dispatch { attempt, .. } => attempts.push(attempt.id.task),
            Effect::HandOver(hold) => holds.push(hold),
            _ => {}
        }
    }
    (attempts, holds)
}

#[test]
fn a_thousand_edits_and_holds_leave_nothing_behind() {
    let mut fleet = Fleet::new();
    let profile = DeviceProfile::new(DeviceId::new("d1").expect("an id"), "test");
    let device = fleet.register(profile.with_slots(1));
    fleet.set_connected(device, true);
    let settings =
        RunSettings { editor: Some(Arc::new(EditorSettings::default())), ..RunSettings::default() };
    let graph = GraphSpec { tasks: vec![Arc::new(task("t0"))], ..GraphSpec::default() };
    let plan = Plan { graph: Arc::new(graph), settings: Arc::new(settings), ..Plan::default() };
    let mut step = Step::default();
    let run = RunId::new("run").expect("an id");
    let mut scheduler =
        Scheduler::create(run, plan, None, Timestamp(0), &mut fleet, &mut step).expect("the graph is valid");
    feed(&mut scheduler, &mut fleet, 0, Input::EditorAttached);
    let (mut attempts, _) = feed(&mut scheduler, &mut fleet, 0, Input::Start);
    for round in 1..=ROUNDS {
        let now = round * 1_000;
        feed(&mut scheduler, &mut fleet, now, Input::Tick);
        let running = attempts.pop().expect("one attempt is live");
        let input = Input::Reported { task: running.clone(), attempt: 1, device, report: TaskReport::done() };
        let (none, holds) = feed(&mut scheduler, &mut fleet, now, input);
        assert!(none.is_empty(), "nothing is placed while the hold is open");
        let hold = *holds.first().expect("the editor is asked");
        let (next, spare) = (task(&format!("t{round}")), task(&format!("s{round}")));
        let after = vec![(running.id().clone(), DependencyKind::Success)];
        let mut edits = vec![
            Edit::AddTask { task: Arc::new(spare), after: Vec::new() },
            Edit::AddTask { task: Arc::new(next), after: after.clone() },
            Edit::AddDependency(Dependency::success(
                TaskId::new(format!("t{round}")).expect("an id"),
                TaskId::new(format!("s{round}")).expect("an id"),
            )),
        ];
        if round > 1 {
            edits.push(Edit::RemoveTask { id: TaskId::new(format!("s{}", round - 1)).expect("an id") });
        }
        let batch = EditBatch {
            base: scheduler.revision(),
            hold: Some(hold),
            request: RequestId::new(format!("r{round}")).ok(),
            edits,
            ..EditBatch::default()
        };
        let author = Author::new("operator", Role::Operator);
        let submit = Input::Submit { batch: Arc::new(batch), unread: None, author, check_only: false };
        (attempts, _) = feed(&mut scheduler, &mut fleet, now + 500, submit);
    }
    let bound = scheduler.state.graph.bound() as u64;
    assert!(bound <= ROUNDS + 3, "{bound} indices for {ROUNDS} tasks");
    // Only deadlines that are not over are kept: of holds for 600 s, of attempts and of tasks that wait.
    assert!(scheduler.state.timers.len() < 800, "{} timers", scheduler.state.timers.len());
    feed(&mut scheduler, &mut fleet, ROUNDS * 1_000 + 700, Input::CancelRun { force: true });
    let running = attempts.pop().expect("one attempt is live");
    let input = Input::Reported { task: running, attempt: 1, device, report: TaskReport::Stopped };
    feed(&mut scheduler, &mut fleet, ROUNDS * 1_000 + 800, input);
    assert_eq!(scheduler.run_state(), RunState::Cancelled);
    let state = &scheduler.state;
    assert_eq!(state.timers.len(), 0);
    assert!(state.holds.is_empty() && state.backoffs.is_empty() && state.blocked.is_empty());
    assert!(state.unasked.is_empty() && state.condition_errors.is_empty() && state.fresh.is_empty());
    assert_eq!((state.ready, state.questions), (0, 0));
    assert!(state.answers.requests().len() <= 1_000 && state.history.len().0 <= 100);
    assert!(scheduler.misfits.is_empty() && scheduler.next_deadline().is_none());
    assert_eq!(fleet.load(device), (0, 0));
    let figures = state.holds.statistics();
    assert_eq!((figures.total_modifications, figures.completed_modifications), (ROUNDS, ROUNDS));
}
