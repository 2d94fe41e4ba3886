//! Looking: lists, snapshots, explanations, devices, the description, figures.

use std::collections::BTreeMap;

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
    figures(&reply.text);
}

/// Reads the text as strictly as its format says: every sample belongs to a family that was declared before it, once,
/// with a help and a type; no sample is there twice; buckets are in order, cumulative, and end with the count.
fn figures(text: &str) -> BTreeMap<String, f64> {
    let mut types = BTreeMap::new();
    let mut samples = BTreeMap::new();
    let mut helped = None;
    let mut family = String::new();
    assert!(text.ends_with('\n'), "the last line ends as the others do");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a name and a help");
            assert!(!help.is_empty() && !help.contains('\\'), "{line}");
            helped = Some(name.to_owned());
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            assert!(matches!(kind, "counter" | "gauge" | "histogram"), "{line}");
            assert_eq!(helped.take().as_deref(), Some(name), "its help stands before it");
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} is declared twice");
            family = name.to_owned();
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a series and a value");
        let name = series.split('{').next().expect("a name");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        let rest = name.strip_prefix(&family).unwrap_or_else(|| panic!("{line} is no sample of {family}"));
        let histogram = types[&family] == "histogram";
        assert!(
            if histogram { ["_bucket", "_sum", "_count"].contains(&rest) } else { rest.is_empty() },
            "{line}"
        );
        assert_eq!(types[&family] == "counter", family.ends_with("_total"), "{family}");
        if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            let label = labels.strip_prefix('{').and_then(|labels| labels.strip_suffix('}')).expect("labels");
            let (key, value) = label.split_once("=\"").expect("one label");
            assert!(["state", "kind", "code", "reason", "class", "device", "le"].contains(&key), "{line}");
            assert!(value.ends_with('"') && !value.contains('\\'), "{line}");
        }
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(value.is_finite() && value >= 0.0, "{line}");
        assert!(samples.insert(series.to_owned(), value).is_none(), "{series} is there twice");
    }
    for (name, _) in types.iter().filter(|(_, kind)| *kind == "histogram") {
        let begin = format!("{name}_bucket{{le=\"");
        let buckets = text.lines().filter_map(|line| line.strip_prefix(&begin)?.split_once("\"} "));
        let buckets: Vec<(f64, f64)> = buckets
            .map(|(end, count)| {
                let end = if end == "+Inf" { f64::INFINITY } else { end.parse().expect("an end") };
                (end, count.parse().expect("a count"))
            })
            .collect();
        assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{name}: {buckets:?}");
        let (end, all) = *buckets.last().expect("buckets");
        assert_eq!((end, all), (f64::INFINITY, samples[&format!("{name}_count")]), "{name}");
        assert!(samples.contains_key(&format!("{name}_sum")), "{name}");
    }
    samples
}

#[tokio::test]
async fn times_of_a_run_are_counted_in_buckets() {
    let world = World::new().await;
    let tasks =
        vec![noop("a"), noop("b"), call("c", "fail"), call("d", "hang"), call("e", "wait"), noop("f")];
    let run = world.submit(graph(tasks, &[("a", "b"), ("d", "f")])).await;
    let mut editor = run.editor("outside").await.expect("attached");
    run.start().await.expect("started");
    let hold = editor.next_hold().await.expect("a hold").hold;
    let before = figures(&world.observer.get("/metrics").await.text);
    assert_eq!(before["starline_hold_time_seconds_count"], 0.0);
    assert_eq!(before["starline_tasks_held"], 1.0, "b has all it asks for, but for the hold");
    let path = format!("/v1/runs/{}/edits", run.id());
    let bad = json!({"base": 0, "hold": hold, "edits": [{"op": "remove_task", "id": "nobody"}]});
    assert_eq!(world.editor.post(&path, bad).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let good = json!({"base": 0, "hold": hold, "edits": [
        {"op": "add_task", "task": {"id": "g", "run": {"noop": {}}}, "after": {"b": "success"}}]});
    assert_eq!(world.editor.post(&path, good).await.status, StatusCode::OK);
    drop(editor);
    let cancel = format!("/v1/runs/{}/tasks/d/cancel", run.id());
    assert_eq!(world.operator.post(&cancel, "").await.status, StatusCode::OK);
    world.gate.add_permits(1);
    let status = run.wait().await;
    assert_eq!((status.counts.completed, status.counts.failed), (4, 1), "{status:?}");
    let after = figures(&world.observer.get("/metrics").await.text);
    let of = |series: &str| after.get(series).copied().unwrap_or_else(|| panic!("{series} in {after:#?}"));
    assert_eq!(of("starline_edits_rejected_total{code=\"unknown_task\"}"), 1.0);
    assert_eq!(of("starline_edit_turnaround_seconds_count"), 1.0);
    assert_eq!(of("starline_edit_check_time_seconds_count"), 2.0, "one was refused");
    assert_eq!(of("starline_journal_append_seconds_count"), 0.0, "nothing is kept");
    assert!(after.contains_key("starline_edit_check_time_seconds_bucket{le=\"0.00001\"}"), "{after:#?}");
    assert_eq!(of("starline_cancel_confirm_seconds_count"), 1.0);
    assert_eq!(of("starline_dispatch_latency_seconds_count"), 6.0, "a to e and g; f is skipped");
    assert_eq!(of("starline_queue_time_seconds_count"), 6.0);
    assert_eq!(
        of("starline_hold_time_seconds_count"),
        of("starline_events_total{kind=\"hold_closed\"}"),
        "each hold is counted"
    );
    assert!(of("starline_hold_time_seconds_count") >= 1.0);
    assert_eq!((of("starline_tasks_held"), of("starline_tasks_ready")), (0.0, 0.0));
    assert_eq!(of("starline_runs_ended_total{state=\"partially_failed\"}"), 1.0);
    assert_eq!(of("starline_subscriber_lag"), 0.0);
    assert_eq!(of("starline_runs_unmeasured_total"), 0.0);
}
