//! What is sent that nobody may send, and what is left of it.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use starline_orchestrator::Run;
use starline_types::RunState;

use crate::support::{Client, World, call, graph, noop};

/// The facts of a run of one kind.
async fn facts(world: &World, run: &Run, kind: &str) -> Vec<Value> {
    let mut stream = world.operator.stream(&format!("/v1/runs/{}/events", run.id()), &[]).await;
    let (mut found, last) = (Vec::new(), run.status().seq.0);
    while let Some(sent) = stream.next().await {
        if sent.kind == kind {
            found.push(sent.data["data"].clone());
        }
        if sent.id == Some(last) {
            break;
        }
    }
    found
}

async fn figure(client: &Client, name: &str) -> u64 {
    let page = client.get("/metrics").await.text;
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn the_graph_of_a_snapshot_can_be_sent_back() {
    let world = World::new().await;
    let run =
        world.start(graph(vec![call("a", "hang"), noop("b"), noop("c")], &[("a", "b"), ("b", "c")])).await;
    let (shown, edits) = (format!("/v1/runs/{}", run.id()), format!("/v1/runs/{}/edits", run.id()));
    let snapshot = world.editor.get(&shown).await.json();
    let reply = world.editor.post(&edits, json!({"base": 0, "graph": snapshot["graph"]})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!((&reply.json()["applied"], run.status().revision.0), (&json!(0), 0));
    let mut changed = snapshot["graph"].clone();
    changed["tasks"][2]["run"] = json!({"sleep": 5});
    let reply = world.editor.post(&edits, json!({"base": 0, "graph": changed})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(reply.json()["summary"]["modified_tasks"], json!({"c": ["run"]}));
    assert_eq!((&reply.json()["applied"], &reply.json()["warnings"]), (&json!(1), &json!([])));
}

#[tokio::test]
async fn state_that_is_sent_is_told_and_recorded_place_by_place() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a"), noop("b")], &[])).await;
    let edits = format!("/v1/runs/{}/edits", run.id());
    let mut sent = world.editor.get(&format!("/v1/runs/{}", run.id())).await.json()["graph"].clone();
    sent["tasks"][0]["status"] = json!("completed");
    sent["tasks"][0]["result"] = json!(7);
    sent["tasks"][1]["attempts"] = json!(3);
    sent["tasks"][1]["priority"] = json!(75);
    let reply = world.editor.post(&edits, json!({"graph": sent})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let warnings = reply.json()["warnings"].as_array().cloned().expect("warnings");
    assert!(warnings.iter().all(|warning| warning["code"] == "state_ignored"), "{warnings:?}");
    assert_eq!(warnings.len(), 3);
    let places = json!(["/graph/tasks/0/result", "/graph/tasks/0/status", "/graph/tasks/1/attempts"]);
    let sorted = |value: &Value| {
        let mut texts: Vec<Value> = value.as_array().cloned().unwrap_or_default();
        texts.sort_by_key(ToString::to_string);
        Value::Array(texts)
    };
    let committed = facts(&world, &run, "edit_committed").await;
    assert_eq!(
        (&committed[0]["author"], sorted(&committed[0]["ignored"])),
        (&json!("planner"), places.clone())
    );
    sent["tasks"][1]["colour"] = json!("red");
    let reply = world.editor.post(&edits, json!({"graph": sent})).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.text);
    assert_eq!(sorted(&facts(&world, &run, "edit_rejected").await[0]["ignored"]), places);
    assert_eq!(figure(&world.operator, "starline_edits_state_ignored_total").await, 6);
}

#[tokio::test]
async fn what_is_no_batch_is_recorded_with_who_sent_it() {
    let world = World::with(|options| options.body_limit = 4_096).await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let edits = format!("/v1/runs/{}/edits", run.id());
    let large = format!("{{\"reason\": \"{}\"}}", "x".repeat(5_000));
    let mut expected = Vec::new();
    for (body, status, code) in [
        ("{", 400, "invalid_batch"),
        ("[]", 400, "invalid_batch"),
        ("", 400, "invalid_batch"),
        ("{\"edits\": [], \"edits\": []}", 400, "invalid_batch"),
        (large.as_str(), 413, "limit_exceeded"),
    ] {
        let reply = world.editor.post(&edits, body).await;
        assert_eq!(reply.status.as_u16(), status, "{body:.40}: {}", reply.text);
        expected.push(code);
        let checked = world.editor.post(&format!("{edits}?check=1"), body).await;
        assert_eq!(checked.status.as_u16(), status, "a check records nothing");
    }
    let key = [("idempotency-key", Some("a b"))];
    let reply = world.editor.send(Method::POST, &edits, &key, "{\"edits\": []}").await;
    assert_eq!(reply.refusal(), (400, "invalid_header".into()));
    expected.push("invalid_batch");
    let rejected = facts(&world, &run, "edit_rejected").await;
    let codes: Vec<&str> =
        rejected.iter().filter_map(|fact| fact["rejections"][0]["code"].as_str()).collect();
    assert_eq!(codes, expected);
    assert!(rejected.iter().all(|fact| fact["author"] == "planner"), "{rejected:?}");
    assert_eq!(figure(&world.operator, "starline_edits_rejected_total{code=\"invalid_batch\"}").await, 5);
    // Whoever may only look leaves no mark in the run, and one in the figures.
    assert_eq!(world.observer.post(&edits, "{").await.refusal(), (403, "not_permitted".into()));
    assert_eq!(world.stranger().post(&edits, "{").await.refusal(), (401, "unauthenticated".into()));
    assert_eq!(facts(&world, &run, "edit_rejected").await.len(), expected.len());
    assert_eq!(figure(&world.operator, "starline_http_refused_total{reason=\"scope\"}").await, 1);
    assert_eq!(figure(&world.operator, "starline_http_refused_total{reason=\"authentication\"}").await, 1);
}

#[tokio::test]
async fn what_comes_too_fast_is_counted_and_not_recorded() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let edits = format!("/v1/runs/{}/edits", run.id());
    let mut busy = 0;
    for _ in 0..150 {
        let reply = world.editor.post(&edits, "{\"edits\": [{\"op\": \"clear\", \"x\": 1}]}").await;
        busy += u64::from(reply.status == StatusCode::TOO_MANY_REQUESTS);
    }
    let recorded = facts(&world, &run, "edit_rejected").await.len() as u64;
    assert_eq!(figure(&world.operator, "starline_edits_rejected_total{code=\"busy\"}").await, busy);
    assert_eq!(recorded + busy, 150);
}

#[tokio::test]
async fn verdicts_come_no_faster_than_edits() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let checks = format!("/v1/runs/{}/edits?check=1", run.id());
    let facts = run.status().seq;
    let mut last = None;
    for _ in 0..1_000 {
        let reply = world.editor.post(&checks, r#"{"edits": [{"op": "clear"}]}"#).await;
        let is_busy = reply.status != StatusCode::OK;
        last = Some(reply);
        if is_busy {
            break;
        }
    }
    let reply = last.expect("an answer");
    assert_eq!(reply.refusal(), (429, "busy".into()), "{}", reply.text);
    assert!(reply.headers.contains_key("retry-after"));
    let reply = world.operator.post(&checks, r#"{"edits": [{"op": "clear"}]}"#).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(run.status().seq, facts, "no verdict is a fact");
}

#[tokio::test]
async fn batches_that_are_too_large_to_be_read_do_not_pause_a_run() {
    let world = World::with(|options| options.body_limit = 1_000).await;
    let run = world.start(graph(vec![call("a", "hang")], &[])).await;
    let edits = format!("/v1/runs/{}/edits", run.id());
    let large = format!(r#"{{"edits": [], "reason": "{}"}}"#, "x".repeat(1_000));
    for _ in 0..5 {
        assert_eq!(world.editor.post(&edits, &large).await.refusal(), (413, "limit_exceeded".into()));
    }
    assert_eq!(facts(&world, &run, "edit_rejected").await.len(), 5);
    assert_eq!(run.status().state, RunState::Executing);
    run.cancel(true).await.expect("cancelled");
}

#[tokio::test]
async fn a_file_of_the_author_is_refused_at_once() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let edits = format!("/v1/runs/{}/edits", run.id());
    let task = json!({"id": "b", "run": {"sh": "cat f"}, "inputs": {"f": {"file": "rules.txt"}}});
    for check in ["", "?check=1"] {
        let body = json!({"edits": [{"op": "add_task", "task": task}]});
        let reply = world.editor.post(&format!("{edits}{check}"), body).await;
        assert_eq!(reply.refusal(), (422, "rejected".into()), "{}", reply.text);
        let fault = reply.json()["rejections"][0].clone();
        assert_eq!((&fault["code"], &fault["item"]), (&json!("invalid_value"), &json!("b")));
        assert!(fault["hint"].as_str().is_some_and(|hint| hint.contains("artifact")), "{fault}");
    }
    assert_eq!(run.status().revision.0, 0);
}
