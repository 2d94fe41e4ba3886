//! Looking: lists, snapshots, explanations, devices, the description, figures.

use hyper::StatusCode;
use serde_json::json;
use starline_server::openapi;

use crate::support::{World, call, graph, noop};

#[tokio::test]
async fn runs_are_listed_and_shown_whole() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a"), noop("b")], &[("a", "b")])).await;
    let listed = world.observer.get("/v1/runs").await.json();
    assert_eq!(listed["runs"][0]["run_id"], json!(run.id()));
    assert_eq!(listed["runs"][0]["state"], "created");
    let shown = world.observer.get(&format!("/v1/runs/{}", run.id())).await.json();
    assert_eq!((&shown["revision"], &shown["seq"]), (&json!(0), &json!(1)));
    assert_eq!(shown["graph"]["tasks"].as_array().map(Vec::len), Some(2));
    assert_eq!(shown["tasks"][1]["reading"], "waiting");
    assert_eq!(shown["holds"], json!([]));
}

#[tokio::test]
async fn an_explanation_has_the_numbers_of_the_facts() {
    let world = World::new().await;
    let run =
        world.start(graph(vec![noop("a"), call("b", "fail"), noop("c")], &[("a", "b"), ("b", "c")])).await;
    run.wait().await;
    let path = |task: &str| format!("/v1/runs/{}/tasks/{task}/explain", run.id());
    let explained = world.observer.get(&path("c")).await.json();
    assert_eq!(explained["status"], "skipped");
    let causes = explained["reasons"][0]["causes"].as_array().expect("causes");
    let chain: Vec<&str> = causes.iter().filter_map(|cause| cause["task"].as_str()).collect();
    assert_eq!(chain, ["c", "b", "a"]);
    let facts = world.observer.stream(&format!("/v1/runs/{}/events", run.id()), &[]).await.rest().await;
    for cause in causes {
        let fact = facts.iter().find(|fact| fact.id == cause["seq"].as_u64()).expect("the fact");
        assert_eq!(fact.data["data"]["task"], cause["task"]);
    }
    assert_eq!(world.observer.get(&path("x")).await.refusal(), (404, "unknown_task".into()));
    assert_eq!(world.observer.get(&path("a%20b")).await.refusal(), (404, "unknown_task".into()));
}

#[tokio::test]
async fn devices_are_listed_with_their_status() {
    let world = World::new().await;
    let listed = world.observer.get("/v1/devices").await.json();
    assert_eq!(
        (&listed["devices"][0]["id"], &listed["devices"][0]["status"]),
        (&json!("d1"), &json!("idle"))
    );
}

#[tokio::test]
async fn the_description_is_served() {
    let world = World::new().await;
    let served = world.observer.get("/v1/openapi.json").await;
    assert_eq!(served.json(), openapi());
    assert_eq!(served.headers["content-type"], "application/json");
}

#[tokio::test]
async fn figures_are_honest_and_name_neither_runs_nor_tasks() {
    let world = World::new().await;
    let run = world.start(graph(vec![noop("some-task"), call("other-task", "hang")], &[])).await;
    let path = format!("/v1/runs/{}/edits", run.id());
    let good =
        json!({"base": 0, "edits": [{"op": "add_task", "task": {"id": "third-task", "run": {"noop": {}}}}]});
    assert_eq!(world.operator.post(&path, good).await.status, StatusCode::OK);
    let bad = json!({"base": 1, "edits": [{"op": "remove_task", "id": "nobody"}]});
    assert_eq!(world.operator.post(&path, bad).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.stranger().get("/metrics").await.status, StatusCode::UNAUTHORIZED);
    let reply = world.observer.get("/metrics").await;
    assert_eq!(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "starline_runs{state=\"executing\"} 1",
        "starline_runs{state=\"failed\"} 0",
        "starline_live_attempts 1",
        "starline_edits_committed_total 1",
        "starline_edits_rejected_total{code=\"unknown_task\"} 1",
        "starline_events_total{kind=\"run_created\"} 1",
        "starline_device_up{device=\"d1\"} 1",
        "starline_device_slots{device=\"d1\"} 2",
        "starline_device_slots_busy{device=\"d1\"} 1",
        "starline_http_refused_total{reason=\"authentication\"} 1",
    ] {
        assert!(reply.text.lines().any(|found| found == line), "{line} is missing in\n{}", reply.text);
    }
    for name in [run.id().as_str(), "some-task", "other-task", "third-task"] {
        assert!(!reply.text.contains(name), "{name}");
    }
    // Each sample belongs to a family that is declared once.
    for line in reply.text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().expect("a name");
        let declared = format!("# TYPE {name} ");
        assert_eq!(reply.text.matches(&declared).count(), 1, "{name}");
    }
}
