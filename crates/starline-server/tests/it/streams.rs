//! Event streams: replay, resumption, gaps, heartbeats, ends.

use hyper::Method;
use serde_json::json;

use crate::support::{Sent, World, call, graph, noop};

fn ids(sent: &[Sent]) -> Vec<u64> {
    sent.iter().filter_map(|sent| sent.id).collect()
}

#[tokio::test]
async fn a_finished_run_is_replayed_from_its_first_fact() {
    let world = World::new().await;
    let run = world.start(graph(vec![call("a", "echo"), noop("b")], &[("a", "b")])).await;
    run.wait().await;
    let path = format!("/v1/runs/{}/events", run.id());
    let all = world.operator.stream(&path, &[]).await.rest().await;
    assert_eq!(ids(&all), (1..=run.status().seq.0).collect::<Vec<_>>(), "dense, and then the end");
    assert_eq!(all.first().map(|sent| sent.kind.as_str()), Some("run_created"));
    assert_eq!(all.last().map(|sent| sent.kind.as_str()), Some("run_completed"));
    for sent in &all {
        assert_eq!(sent.data["kind"], json!(sent.kind));
        assert_eq!(sent.data["seq"], json!(sent.id));
        assert_eq!(sent.data["run_id"], json!(run.id()));
    }
    let from = all.len() as u64 - 2;
    let rest = world.operator.stream(&format!("{path}?after={from}"), &[]).await.rest().await;
    assert_eq!(rest, all[all.len() - 2..]);
    let text = from.to_string();
    let again = world.operator.stream(&path, &[("last-event-id", Some(&text))]).await.rest().await;
    assert_eq!(again, rest, "a reader that comes back as browsers do");
    let nothing = world.operator.stream(&format!("{path}?after={}", all.len()), &[]).await.rest().await;
    assert_eq!(nothing, []);
    for wrong in ["abc", "", "-1", "1.0", "+1", "1, 2", "99999999999999999999999"] {
        let reply = world.operator.send(Method::GET, &path, &[("last-event-id", Some(wrong))], "").await;
        assert_eq!(reply.refusal(), (400, "invalid_header".into()), "{wrong:?}");
        assert!(reply.json()["message"].as_str().expect("text").contains("Last-Event-ID"), "{}", reply.text);
    }
}

#[tokio::test]
async fn a_live_run_is_followed_to_its_end() {
    let world = World::new().await;
    let run = world.submit(graph(vec![call("a", "wait")], &[])).await;
    let mut stream = world.observer.stream(&format!("/v1/runs/{}/events", run.id()), &[]).await;
    assert_eq!(stream.next().await.map(|sent| sent.kind).as_deref(), Some("run_created"));
    run.start().await.expect("started");
    let mut kinds = Vec::new();
    while let Some(sent) = stream.next().await {
        if sent.kind == "task_assigned" {
            world.gate.add_permits(1);
        }
        kinds.push(sent.kind);
    }
    assert_eq!(kinds.last().map(String::as_str), Some("run_completed"), "{kinds:?}");
    assert!(kinds.iter().any(|kind| kind == "task_completed"), "{kinds:?}");
}

#[tokio::test]
async fn what_is_not_kept_is_a_gap_with_its_numbers() {
    let world = World::with(|options| options.history = 3).await;
    let run = world.start(graph(vec![noop("a"), noop("b"), noop("c")], &[])).await;
    run.wait().await;
    let last = run.status().seq.0;
    let path = format!("/v1/runs/{}/events", run.id());
    let all = world.operator.stream(&path, &[]).await.rest().await;
    assert_eq!(all[0].kind, "gap");
    assert_eq!(all[0].data, json!({"from": 1, "to": last - 3}));
    assert_eq!(
        ids(&all),
        [last - 3, last - 2, last - 1, last],
        "who comes back after the gap continues there"
    );
}

#[tokio::test]
async fn a_silent_stream_says_that_it_is_there() {
    let world = World::with(|options| options.heartbeat = std::time::Duration::from_millis(1)).await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let after = run.status().seq.0;
    let path = format!("/v1/runs/{}/events?after={after}", run.id());
    let mut stream = world.operator.stream(&path, &[]).await;
    assert_eq!(stream.block().await.as_deref(), Some(": open"));
    assert_eq!(stream.block().await.as_deref(), Some(": still here"));
    assert_eq!(stream.block().await.as_deref(), Some(": still here"));
}

#[tokio::test]
async fn facts_about_devices_are_the_stream_of_the_system() {
    let world = World::new().await;
    let mut stream = world.operator.stream("/v1/runs/system/events", &[]).await;
    let id = starline_types::DeviceId::new("d1").expect("id");
    assert_eq!(stream.block().await.as_deref(), Some(": open"));
    assert!(world.orchestrator.fleet().drain(id, true).await.expect("known"));
    let sent = stream.next().await.expect("a fact");
    let sent = if sent.kind == "gap" { stream.next().await.expect("a fact") } else { sent };
    assert_eq!(
        (sent.kind.as_str(), &sent.data["data"]["status"]),
        ("device_status_changed", &json!("draining"))
    );
}

#[tokio::test]
async fn a_stream_begins_with_a_number() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    for query in ["after=x", "after=-1", "before=3"] {
        let reply = world.operator.get(&format!("/v1/runs/{}/events?{query}", run.id())).await;
        assert_eq!(reply.refusal(), (400, "invalid_query".into()), "{query}");
    }
    assert_eq!(world.operator.get("/v1/runs/nobody/events").await.refusal(), (404, "unknown_run".into()));
}
