//! Limits: bodies, failed authentications, streams, shutdown.

use hyper::{Method, StatusCode};

use crate::support::{World, call, graph, noop};

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let world = World::with(|options| options.body_limit = 1_000).await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let path = format!("/v1/runs/{}/edits", run.id());
    let large = format!(r#"{{"edits": [], "reason": "{}"}}"#, "x".repeat(1_000));
    let reply = world.operator.post(&path, &large).await;
    assert_eq!(reply.refusal(), (413, "limit_exceeded".into()));
    assert_eq!(reply.json()["max"], 1_000);
    let small = format!(r#"{{"edits": [], "reason": "{}"}}"#, "x".repeat(900));
    assert_eq!(world.operator.post(&path, &small).await.status, StatusCode::OK);
}

#[tokio::test]
async fn ten_failures_close_the_door_for_a_while() {
    let world = World::new().await;
    for _ in 0..10 {
        assert_eq!(world.stranger().get("/v1/runs").await.status, StatusCode::UNAUTHORIZED);
    }
    let reply = world.stranger().get("/v1/runs").await;
    assert_eq!(reply.refusal(), (429, "rate_limited".into()));
    let wait: u64 = reply.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=61).contains(&wait), "{wait}");
    // Else the answer would tell a right guess from a wrong one.
    assert_eq!(world.operator.get("/v1/runs").await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(world.stranger().get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn more_streams_than_there_are_places_for_are_refused() {
    let world = World::with(|options| options.streams = 1).await;
    let run = world.start(graph(vec![call("a", "hang")], &[])).await;
    let path = format!("/v1/runs/{}/events", run.id());
    let first = world.operator.stream(&path, &[]).await;
    let reply = world.operator.get(&path).await;
    assert_eq!(reply.refusal(), (429, "limit_exceeded".into()));
    assert!(reply.headers.contains_key("retry-after"));
    drop(first);
    run.cancel(true).await.expect("cancelled");
}

#[tokio::test]
async fn the_end_of_the_server_ends_its_streams() {
    let mut world = World::new().await;
    let run = world.start(graph(vec![call("a", "hang")], &[])).await;
    let mut stream = world.operator.stream(&format!("/v1/runs/{}/events", run.id()), &[]).await;
    assert_eq!(stream.next().await.map(|sent| sent.kind).as_deref(), Some("run_created"));
    world.end().await;
    let rest = stream.rest().await;
    assert!(rest.iter().all(|sent| sent.kind != "run_cancelled"), "the run goes on: {rest:?}");
    assert!(!run.status().state.is_terminal());
    assert_eq!(world.bus.listeners(), 0, "nothing listens any more");
}

#[tokio::test]
async fn a_broken_body_is_no_batch() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let path = format!("/v1/runs/{}/edits", run.id());
    for body in ["", "{", "[]", "null", r#"{"edits": [], "edits": []}"#] {
        let reply = world.operator.post(&path, body).await;
        assert_eq!(reply.refusal(), (400, "invalid_body".into()), "{body:?}: {}", reply.text);
    }
    let path = format!("/v1/runs/{}/cancel", run.id());
    let reply = world.operator.send(Method::POST, &path, &[], r#"{"farce": true}"#).await;
    assert_eq!(reply.refusal(), (400, "invalid_body".into()));
    assert!(reply.json()["message"].as_str().expect("text").contains("force"));
}
