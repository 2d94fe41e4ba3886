//! Gates whose question cannot be put.

use std::sync::Arc;

use starline_scheduler::{Answer, Input};
use starline_types::{
    ApprovalGate, EditorSettings, ErrorKind, EventKind, FailurePolicy, HoldId, OutcomeStatus, RunState,
    TaskDetails,
};

use crate::job::Job;
use crate::support::World;

/// Tasks with a gate that read an output which `A` does not leave.
fn job(words: &str, gated: &[&str]) -> Job {
    let gate = ApprovalGate { prompt: "May it?".into(), ..ApprovalGate::default() };
    let details = Arc::new(TaskDetails { approval: Some(gate), ..TaskDetails::default() });
    gated.iter().fold(Job::new(words), |job, id| {
        job.script(id, "echo {{ tasks.A.outputs.n }}")
            .task(id, |task| task.details = Some(Arc::clone(&details)))
    })
}

#[test]
fn what_is_behind_a_gate_that_cannot_be_asked_for_is_skipped_at_once() {
    let mut world = World::new(&["d1"]);
    world.start(&job("A>B B>C C~D", &["B"]));
    world.run();
    assert_eq!(world.times(EventKind::TaskFailed), [(100, "B".into())]);
    assert_eq!(world.times(EventKind::TaskSkipped), [(100, "C".into())]);
    assert_eq!(world.starts(0), ["0 A d1", "100 D d1"]);
}

#[test]
fn a_gate_that_cannot_be_asked_for_when_a_hold_ends_lets_the_run_end() {
    let editor = || {
        let editor = EditorSettings { edit_on: vec![OutcomeStatus::Completed], ..EditorSettings::default() };
        Some(Arc::new(editor))
    };
    // Behind the skip there is another gate of this kind, or nothing.
    for (words, gated) in [("A>B B>C", ["B"].as_slice()), ("A>B B>C C~D A>D D>E", &["B", "D"])] {
        let mut world = World::new(&["d1"]);
        let job = job(words, gated).settings(|settings| settings.editor = editor());
        assert_eq!(world.submit(&job), 0);
        assert_eq!(world.command(Input::EditorAttached), Ok(Answer::Done));
        assert_eq!(world.command(Input::Start), Ok(Answer::Done));
        world.run_until(200);
        assert_eq!(world.times(EventKind::HoldActivated).len(), 1);
        assert_eq!(world.command(Input::ReleaseHold { hold: HoldId(1) }), Ok(Answer::Done));
        assert_eq!(world.error("B"), ErrorKind::RenderError);
        assert_eq!(world.state(), RunState::PartiallyFailed, "{words}");
        world.run();
    }
}

#[test]
fn nobody_is_asked_about_a_task_that_the_failure_of_another_gate_cancelled() {
    let mut world = World::new(&["d1"]);
    let job = job("A>B A>C", &["B"]).script("C", "true");
    let gated =
        job.graph.tasks.iter().find(|task| task.id.as_str() == "B").and_then(|task| task.details.clone());
    let job = job.task("C", |task| task.details = gated);
    world.start(&job.settings(|settings| settings.on_failure = FailurePolicy::FailFast));
    world.run();
    assert_eq!(world.times(EventKind::ApprovalRequested), []);
    assert_eq!(world.times(EventKind::TaskCancelled), [(100, "C".into())]);
    assert_eq!(world.state(), RunState::PartiallyFailed);
}
