//! Commands: pause, cancel, tasks, approvals, holds.

use hyper::StatusCode;
use serde_json::json;
use starline_types::RunState;

use crate::support::{World, call, gated, graph, noop};

#[tokio::test]
async fn pause_and_resume() {
    let world = World::new().await;
    let run = world.start(graph(vec![call("a", "wait"), noop("b")], &[("a", "b")])).await;
    let path = |verb: &str| format!("/v1/runs/{}/{verb}", run.id());
    let paused = world.operator.post(&path("pause"), "").await;
    assert_eq!((paused.status, &paused.json()["state"]), (StatusCode::OK, &json!("paused")));
    assert_eq!(paused.json()["paused"], "operator");
    let explained = world.observer.get(&format!("/v1/runs/{}/tasks/b/explain", run.id())).await.json();
    let codes: Vec<&str> = explained["reasons"]
        .as_array()
        .expect("reasons")
        .iter()
        .filter_map(|one| one["code"].as_str())
        .collect();
    assert_eq!(codes, ["waiting", "paused"]);
    let resumed = world.operator.post(&path("resume"), "{}").await;
    assert_eq!(resumed.json()["state"], "executing");
    world.gate.add_permits(1);
    assert_eq!(run.wait().await.state, RunState::Completed);
    let late = world.operator.post(&path("pause"), "").await;
    assert_eq!(late.refusal(), (409, "run_terminal".into()), "{}", late.text);
}

#[tokio::test]
async fn a_run_that_did_not_begin_cannot_pause() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let reply = world.operator.post(&format!("/v1/runs/{}/pause", run.id()), "").await;
    assert_eq!(reply.refusal(), (409, "wrong_run_state".into()));
    assert_eq!(
        (&reply.json()["state"], &reply.json()["allowed"]),
        (&json!("created"), &json!(["executing", "paused"]))
    );
}

#[tokio::test]
async fn cancelling_a_run_ends_it() {
    let world = World::new().await;
    let run = world.start(graph(vec![call("a", "hang"), noop("b")], &[("a", "b")])).await;
    let path = format!("/v1/runs/{}/cancel", run.id());
    let reply = world.operator.post(&path, json!({"force": true})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(run.wait().await.state, RunState::Cancelled);
    assert_eq!(world.operator.post(&path, "").await.refusal(), (409, "run_terminal".into()));
}

#[tokio::test]
async fn single_tasks_are_cancelled_skipped_and_retried() {
    let world = World::new().await;
    let tasks = vec![call("a", "hang"), noop("b"), noop("c"), call("d", "hang")];
    let run = world.start(graph(tasks, &[("a", "b"), ("a", "c")])).await;
    let path = |task: &str, verb: &str| format!("/v1/runs/{}/tasks/{task}/{verb}", run.id());
    assert_eq!(world.operator.post(&path("b", "cancel"), "").await.status, StatusCode::OK);
    assert_eq!(world.operator.post(&path("c", "skip"), "").await.status, StatusCode::OK);
    let counts = run.status().counts;
    assert_eq!((counts.cancelled, counts.skipped), (1, 1));
    assert_eq!(world.operator.post(&path("b", "skip"), "").await.status, StatusCode::CONFLICT);
    assert_eq!(world.operator.post(&path("b", "cancel"), "").await.refusal(), (409, "task_terminal".into()));
    assert_eq!(world.operator.post(&path("x", "cancel"), "").await.refusal(), (404, "unknown_task".into()));
    let retried = world.editor.post(&path("b", "retry"), "").await;
    assert_eq!(retried.status, StatusCode::OK, "{}", retried.text);
    assert_eq!(retried.json()["summary"]["added_tasks"], json!(["b.r2"]));
    let untouched = world.editor.post(&path("a", "retry"), "").await;
    assert!(untouched.status.is_client_error(), "{}", untouched.text);
    let cancelling = world.operator.post(&path("a", "cancel"), "").await;
    assert_eq!(cancelling.status, StatusCode::OK, "asked, and not yet confirmed");
    assert_eq!(world.observer.get(&path("a", "explain")).await.json()["status"], "cancelling");
    run.cancel(true).await.expect("cancelled");
    assert_eq!(run.wait().await.state, RunState::Cancelled);
}

#[tokio::test]
async fn a_wrong_name_is_answered_with_those_that_there_are() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("merge"), gated("scan_a")], &[])).await;
    let task = |name: &str, verb: &str| format!("/v1/runs/{}/tasks/{name}/{verb}", run.id());
    let mut replies = vec![world.observer.get(&task("scan_b", "explain")).await];
    for verb in ["cancel", "skip", "retry", "approve", "reject"] {
        replies.push(world.operator.post(&task("scan_b", verb), "").await);
    }
    for reply in &replies {
        let body = reply.json();
        assert_eq!(reply.refusal(), (404, "unknown_task".into()), "{}", reply.text);
        assert_eq!((&body["task"], &body["known"]), (&json!("scan_b"), &json!(["scan_a", "merge"])));
        assert_eq!(body["message"], "no task scan_b, known are scan_a, merge");
    }
    // What cannot be an id is no other case.
    let reply = world.observer.get(&task("scan%20a", "explain")).await;
    assert_eq!(reply.json()["message"], "no task \"scan a\", known are scan_a, merge");
    let reply = world.operator.post(&task("scan%20a", "skip"), "").await;
    assert_eq!(reply.json()["known"], json!(["scan_a", "merge"]), "{}", reply.text);

    let reply = world.observer.get("/v1/runs/nobody").await;
    assert_eq!(reply.refusal(), (404, "unknown_run".into()));
    assert_eq!(reply.json()["message"], format!("no run nobody, known are {}", run.id()));
    for _ in 0..24 {
        world.submit(graph(vec![noop("a")], &[])).await;
    }
    let reply = world.observer.get(&format!("/v1/runs/{}x", run.id())).await.json();
    assert_eq!((reply["known"].as_array().map(Vec::len), &reply["known"][0]), (Some(20), &json!(run.id())));
    assert!(reply["message"].as_str().is_some_and(|text| text.ends_with(" and 5 more")), "{reply}");
}

#[tokio::test]
async fn an_operator_decides_about_gates_and_an_editor_does_not() {
    let world = World::new().await;
    let run = world.start(graph(vec![gated("yes"), gated("no")], &[])).await;
    let path = |task: &str, verb: &str| format!("/v1/runs/{}/tasks/{task}/{verb}", run.id());
    for (client, verb) in
        [(&world.editor, "approve"), (&world.editor, "reject"), (&world.observer, "approve")]
    {
        let reply = client.post(&path("yes", verb), "").await;
        assert_eq!(reply.refusal(), (403, "not_permitted".into()));
        assert_eq!(reply.json()["scope"], "approve");
    }
    let asked = world.editor.get(&path("yes", "explain")).await.json();
    assert_eq!(
        (&asked["status"], &asked["reasons"][0]["prompt"]),
        (&json!("awaiting_approval"), &json!("may it?"))
    );
    assert_eq!(world.operator.post(&path("yes", "approve"), "").await.status, StatusCode::OK);
    assert_eq!(world.operator.post(&path("no", "reject"), "").await.status, StatusCode::OK);
    let end = run.wait().await;
    assert_eq!((end.counts.completed, end.counts.cancelled), (1, 1));
    let facts = world.operator.stream(&format!("/v1/runs/{}/events", run.id()), &[]).await.rest().await;
    let by =
        |kind: &str| facts.iter().find(|fact| fact.kind == kind).map(|fact| fact.data["data"]["by"].clone());
    assert_eq!(
        (by("approval_granted"), by("approval_refused")),
        (Some(json!("operator")), Some(json!("operator")))
    );
}

#[tokio::test]
async fn a_task_that_asks_nothing_cannot_be_approved() {
    let world = World::new().await;
    let run = world.start(graph(vec![call("a", "hang")], &[])).await;
    let reply = world.operator.post(&format!("/v1/runs/{}/tasks/a/approve", run.id()), "").await;
    assert_eq!(reply.refusal(), (409, "not_awaiting_approval".into()));
}

#[tokio::test]
async fn holds_are_listed_extended_answered_and_released() {
    let world = World::new().await;
    let tasks = vec![noop("a"), noop("b"), noop("c"), call("d", "hang"), noop("e")];
    let run = world.submit(graph(tasks, &[("a", "b"), ("b", "c"), ("d", "e")])).await;
    let mut editor = run.editor("outside").await.expect("attached");
    run.start().await.expect("started");
    let hold = editor.next_hold().await.expect("a hold").hold;
    let path = |rest: &str| format!("/v1/runs/{}/holds{rest}", run.id());
    let listed = world.observer.get(&path("")).await.json();
    assert_eq!((&listed["pending"], &listed["holds"][0]["triggers"]), (&json!(1), &json!(["a"])));
    let reply = world.editor.post(&path(&format!("/{hold}/extend")), json!({"tasks": ["e"]})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let held = world.editor.get(&format!("/v1/runs/{}/tasks/e/explain", run.id())).await.json();
    assert!(held["reasons"].as_array().expect("reasons").iter().any(|one| one["code"] == "held"), "{held}");
    let reply = world.editor.post(&path("/h-99/release"), "").await;
    assert_eq!(reply.refusal(), (404, "unknown_hold".into()));
    assert_eq!(reply.json()["open"], json!([hold.to_string()]));
    assert_eq!(world.editor.post(&path("/x/release"), "").await.refusal(), (404, "unknown_hold".into()));
    assert_eq!(
        world.editor.post(&path(&format!("/{hold}/extend")), "{}").await.refusal(),
        (400, "invalid_body".into())
    );
    let reply = world.editor.post(&path(&format!("/{hold}/release")), "").await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let hold = editor.next_hold().await.expect("the hold of b").hold;
    let batch = json!({"base": 0, "hold": hold, "edits": [
        {"op": "add_task", "task": {"id": "f", "run": {"noop": {}}}, "after": {"b": "success"}}]});
    let reply = world.editor.post(&format!("/v1/runs/{}/edits", run.id()), batch).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert!(
        !run.snapshot().await.expect("a snapshot").holds.iter().any(|open| open.hold == hold),
        "the commit closed it"
    );
}
