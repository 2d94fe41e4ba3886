//! `explain`: every code, and the cases in which several reasons hold.

use std::sync::Arc;

use serde_json::{Value, json};
use starline_scheduler::{Input, Undelivered};
use starline_types::{
    ApprovalGate, CancelReason, DependencyKind, Explanation, FailurePolicy, HoldId, Reading, Reason,
    SkipReason,
};

use crate::job::{Job, device, retries, task_id};
use crate::support::{Act, World, done, fails};

fn explain(world: &mut World, task: &str) -> Explanation {
    let World { runs, fleet, now, .. } = world;
    runs[0].scheduler.explain(&task_id(task), *now, fleet).expect("the task is known")
}

fn codes(explanation: &Explanation) -> Vec<&'static str> {
    explanation.reasons.iter().map(Reason::code).collect()
}

/// The first reason, as the interface writes it.
fn first(explanation: &Explanation) -> Value {
    serde_json::to_value(&explanation.reasons[0]).expect("JSON")
}

fn causes(explanation: &Explanation) -> Vec<&str> {
    explanation.reasons[0].causes().expect("an end").iter().map(|cause| cause.task.as_str()).collect()
}

fn gate() -> Arc<starline_types::TaskDetails> {
    let gate = ApprovalGate { prompt: "page on-call?".into(), ..ApprovalGate::default() };
    Arc::new(starline_types::TaskDetails { approval: Some(gate), ..Default::default() })
}

#[test]
fn an_unknown_task_has_no_explanation() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A"));
    let World { runs, fleet, now, .. } = &mut world;
    assert_eq!(runs[0].scheduler.explain(&task_id("nobody"), *now, fleet), None);
}

#[test]
fn waiting_names_every_edge_and_the_state_of_its_source() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A B A>C B~C"));
    world.run_until(10);
    let answer = explain(&mut world, "C");
    assert_eq!(answer.status, Reading::Waiting);
    assert_eq!(
        first(&answer),
        json!({"code": "waiting", "edges": [
            {"edge": "A->C", "from": "A", "kind": "success", "state": "running"},
            {"edge": "B->C", "from": "B", "kind": "completion", "state": "queued"},
        ]})
    );
    assert_eq!(answer.next, "A completes, and B ends");
}

#[test]
fn blocked_names_the_impossible_edge_and_what_puts_the_skip_off() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [fails(50)]);
    world.acts("X", [done(1_000)]);
    let job = Job::new("A X A>B").settings(|settings| settings.on_failure = FailurePolicy::WaitForEdit);
    world.start(&job);
    world.run_until(60);
    let answer = explain(&mut world, "B");
    assert_eq!(answer.status, Reading::Blocked);
    assert_eq!(
        first(&answer),
        json!({"code": "blocked", "deferred_by": ["wait_for_edit"], "edges": [
            {"edge": "A->B", "from": "A", "kind": "success", "state": "failed", "verdict": "impossible"},
        ]})
    );
    assert!(answer.next.contains("or it is skipped"), "{}", answer.next);
}

#[test]
fn held_names_the_hold_its_triggers_and_the_time_left() {
    let mut world = World::new(&["d1"]);
    let run = world.submit(&Job::new("A>B B>C"));
    world.tell(run, Input::EditorAttached);
    world.command(Input::Start).expect("started");
    world.run_until(150);
    let answer = explain(&mut world, "B");
    assert_eq!((answer.status, codes(&answer)), (Reading::Held, vec!["held"]));
    assert_eq!(
        first(&answer),
        json!({"code": "held", "hold": HoldId(1), "scope": "descendants", "triggers": ["A"],
               "editor_attached": true, "remaining_ms": 600_000 - 50})
    );
    let behind = explain(&mut world, "C");
    assert_eq!((behind.status, codes(&behind)), (Reading::Waiting, vec!["waiting", "held"]));
    assert!(answer.next.starts_with("the editor answers or releases hold"), "{}", answer.next);
}

#[test]
fn awaiting_approval_has_the_prompt_and_the_time_left() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A A>B").task("B", |task| task.details = Some(gate())));
    let early = explain(&mut world, "B");
    assert_eq!(codes(&early), ["waiting", "awaiting_approval"]);
    world.run_until(200);
    let answer = explain(&mut world, "B");
    assert_eq!(answer.status, Reading::AwaitingApproval);
    assert_eq!(
        first(&answer),
        json!({"code": "awaiting_approval", "prompt": "page on-call?", "rule": "gate", "asked": true,
               "remaining_ms": 3_600_000 - 100})
    );
    assert_eq!(answer.next, "an operator approves or rejects B");
}

#[test]
fn backoff_counts_retries_and_keeps_the_last_error() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(50), done(50)]);
    world.start(&Job::new("A").retry("A", retries(3)));
    world.run_until(60);
    let answer = explain(&mut world, "A");
    assert_eq!(answer.status, Reading::Backoff);
    let Reason::Backoff { retry, max, lost, last_error, remaining_ms } = &answer.reasons[0] else {
        panic!("{answer:?}")
    };
    assert_eq!((*retry, *max, *lost), (1, 3, false));
    assert_eq!(last_error.as_ref().map(|error| error.message.as_str()), Some("it went wrong"));
    assert!(remaining_ms.0 > 0);
}

#[test]
fn unplaced_lists_every_device_and_what_it_lacks() {
    let mut world = World::of([device("d1"), device("gpu").with_capabilities(["cuda"])]);
    let job = Job::new("A").select("A", |selector| selector.needs = vec!["cuda".into()]);
    world.start(&job);
    world.acts("A", [Act::Silent]);
    world.disconnect("gpu", true);
    world.run_until(40_000);
    let answer = explain(&mut world, "A");
    assert_eq!(answer.status, Reading::Unplaced, "{answer:?}");
    let unplaced = answer.reasons.iter().find(|reason| reason.code() == "unplaced").expect("the reason");
    let Reason::Unplaced { devices, more } = unplaced else { unreachable!("by its code") };
    let gaps: Vec<_> = devices.iter().map(|gap| (gap.device.as_str(), gap.missing.clone())).collect();
    assert!(gaps.contains(&("gpu", vec![])), "{gaps:?}");
    assert_eq!(*more, 0);
}

#[test]
fn queued_says_what_runs_and_the_place_in_line() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A B C D").priority("D", 90).priority("A", 100));
    world.run_until(10);
    let answer = explain(&mut world, "C");
    assert_eq!(answer.status, Reading::Queued);
    assert_eq!(
        first(&answer),
        json!({"code": "queued", "more": 0, "position": 3, "parallel_limit": null, "strategy": "round_robin",
               "candidates": [{"device": "d1", "running": 1, "slots": 1, "queued": 3, "runs": ["A"]}]})
    );
    assert_eq!(answer.next, "device d1 has a free slot");
}

#[test]
fn queued_names_the_limit_of_the_run() {
    let mut world = World::new(&["d1", "d2"]);
    world.start(&Job::new("A B").settings(|settings| settings.max_parallel = Some(1)));
    world.run_until(10);
    let answer = explain(&mut world, "B");
    let Reason::Queued { parallel_limit, .. } = &answer.reasons[0] else { panic!("{answer:?}") };
    assert_eq!(*parallel_limit, Some(1));
    assert_eq!(answer.next, "one of the 1 live attempts of the run ends");
}

#[test]
fn paused_is_one_more_reason() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A>B"));
    world.run_until(10);
    world.command(Input::Pause).expect("paused");
    let answer = explain(&mut world, "B");
    assert_eq!(codes(&answer), ["waiting", "paused"]);
    assert_eq!(answer.next, "resume the run");
    let running = explain(&mut world, "A");
    assert_eq!(codes(&running), ["running"], "a live attempt goes on");
}

#[test]
fn not_started_says_so() {
    let mut world = World::new(&["d1"]);
    world.submit(&Job::new("A"));
    let answer = explain(&mut world, "A");
    assert!(codes(&answer).contains(&"not_started"), "{answer:?}");
    assert_eq!(answer.next, "start the run");
}

#[test]
fn lease_wait_names_the_attempt_whose_fate_is_unknown() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Undelivered(50, Undelivered::Unknown)]);
    world.start(&Job::new("A"));
    world.run_until(100);
    let answer = explain(&mut world, "A");
    assert_eq!(codes(&answer), ["lease_wait", "running"], "{answer:?}");
    let Reason::LeaseWait { attempt, device, remaining_ms } = &answer.reasons[0] else { unreachable!() };
    assert_eq!((*attempt, device.as_str()), (1, "d1"));
    assert!(remaining_ms.0 <= 20_700);
}

#[test]
fn cancelling_waits_for_a_confirmation() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Silent]);
    world.start(&Job::new("A"));
    world.run_until(10);
    world.cancel("A").expect("asked");
    let answer = explain(&mut world, "A");
    assert_eq!((answer.status, codes(&answer)), (Reading::Cancelling, vec!["cancelling", "running"]));
    let Reason::Cancelling { reason, remaining_ms, .. } = &answer.reasons[0] else { unreachable!() };
    assert_eq!((*reason, remaining_ms.map(|left| left.0)), (CancelReason::Task, Some(20_700)));
}

#[test]
fn ends_have_the_chain_back_to_the_first_cause() {
    let mut world = World::new(&["d1"]);
    world.acts("B", [fails(50)]);
    world.start(&Job::new("A>B B>C C>D"));
    world.run();
    let skipped = explain(&mut world, "D");
    assert_eq!((skipped.status, causes(&skipped)), (Reading::Skipped, vec!["D", "C", "B", "A"]));
    let Reason::Skipped { reason, .. } = &skipped.reasons[0] else { unreachable!() };
    assert_eq!(*reason, Some(SkipReason::SourceSkipped));
    let failed = explain(&mut world, "B");
    assert_eq!((failed.status, causes(&failed)), (Reading::Failed, vec!["B", "A"]));
    assert_eq!(failed.next, "nothing by itself: retry B to try it again as a copy");
    let completed = explain(&mut world, "A");
    assert_eq!((completed.status, causes(&completed)), (Reading::Completed, vec!["A"]));
    let edge = skipped.reasons[0].causes().and_then(|causes| causes[0].edge.clone()).expect("an edge");
    assert_eq!(edge.as_str(), "C->D");
}

#[test]
fn cancelled_says_who_wanted_it() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A B").edge("B", "C", DependencyKind::Completion));
    world.run_until(10);
    world.command(Input::CancelRun { force: false }).expect("cancelled");
    let answer = explain(&mut world, "B");
    assert_eq!(answer.status, Reading::Cancelled);
    let Reason::Cancelled { reason, confirmed, .. } = &answer.reasons[0] else { panic!("{answer:?}") };
    assert_eq!((*reason, *confirmed), (Some(CancelReason::Run), true));
}
