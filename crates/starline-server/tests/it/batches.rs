//! Edits: the contract of answers, with golden bodies.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use starline_orchestrator::Run;
use starline_types::{Policy, PolicyLimits, RunSettings};
use std::sync::Arc;

use crate::support::{Client, Reply, World, call, graph, noop};

fn add(name: &str) -> Value {
    json!({"op": "add_task", "task": {"id": name, "run": {"noop": {}}}})
}

fn batch(base: u64, edits: Vec<Value>) -> Value {
    json!({"base": base, "edits": edits})
}

async fn edit(client: &Client, run: &Run, body: &Value) -> Reply {
    client.post(&format!("/v1/runs/{}/edits", run.id()), body).await
}

#[tokio::test]
async fn a_commit_is_answered_with_what_it_did() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let edits = vec![
        json!({"op": "add_task", "task": {"id": "b", "run": {"noop": {}}}, "after": {"a": "failure"}}),
        json!({"op": "update_task", "id": "a", "set": {"run_timeout": "5m"}}),
    ];
    let reply = edit(&world.operator, &run, &batch(0, edits)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(
        reply.json(),
        json!({
            "revision": 1, "seq": 2, "applied": 2, "warnings": [],
            "summary": {
                "modification_type": "tasks_added",
                "added_tasks": ["b"],
                "modified_tasks": {"a": ["run_timeout"]},
                "added_dependencies": ["a->b"],
            },
        })
    );
    assert_eq!(run.status().revision.0, 1);
    let author =
        world.operator.stream(&format!("/v1/runs/{}/events?after=1", run.id()), &[]).await.next().await;
    assert_eq!(author.expect("the commit").data["data"]["author"], "operator");
}

#[tokio::test]
async fn every_fault_is_listed_and_nothing_changes() {
    let world = World::new().await;
    let run = world.start(graph(vec![call("a", "hang"), noop("b")], &[("a", "b")])).await;
    let edits = vec![
        json!({"op": "add_dependency", "from": "b", "to": "a"}),
        json!({"op": "remove_task", "id": "bb"}),
        json!({"op": "update_task", "id": "b", "set": {"colour": "red"}}),
    ];
    let reply = edit(&world.operator, &run, &batch(0, edits)).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    let body = reply.json();
    assert_eq!((&body["error"], &body["current"]), (&json!("rejected"), &json!(0)));
    let keys: Vec<&String> = body.as_object().expect("a map").keys().collect();
    assert_eq!(keys, ["current", "error", "rejections"]);
    let mut found: Vec<(u64, &str, &Value)> = body["rejections"]
        .as_array()
        .expect("faults")
        .iter()
        .map(|fault| {
            (fault["edit"].as_u64().expect("edit"), fault["code"].as_str().expect("code"), &fault["rule"])
        })
        .collect();
    found.sort_by_key(|fault| fault.0);
    assert_eq!(
        found,
        [
            (0, "dependency_target_not_pending", &json!("I3")),
            (1, "unknown_task", &Value::Null),
            (2, "unknown_field", &Value::Null),
        ],
        "{body:#}"
    );
    assert_eq!(run.status().revision.0, 0);
}

#[tokio::test]
async fn a_cycle_has_its_whole_path() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a"), noop("b")], &[("a", "b")])).await;
    let edits = vec![json!({"op": "add_dependency", "from": "b", "to": "a"})];
    let body = edit(&world.operator, &run, &batch(0, edits)).await.json();
    let fault = &body["rejections"][0];
    assert_eq!((&fault["code"], &fault["rule"]), (&json!("would_cycle"), &json!("I2")));
    assert_eq!(fault["path"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn two_clients_that_touch_the_same_are_in_conflict() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a"), noop("merge")], &[])).await;
    let set =
        |timeout: &str| vec![json!({"op": "update_task", "id": "merge", "set": {"run_timeout": timeout}})];
    assert_eq!(edit(&world.operator, &run, &batch(0, set("1m"))).await.status, StatusCode::OK);
    let reply = edit(&world.editor, &run, &batch(0, set("2m"))).await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    let body = reply.json();
    assert_eq!(
        (&body["error"], &body["current"], &body["changed"]),
        (&json!("conflict"), &json!(1), &json!(["merge"]))
    );
    assert_eq!(body["rejections"][0]["code"], "conflict");
    // Something else than what was changed goes through, although the base is old.
    let other = vec![json!({"op": "update_task", "id": "a", "set": {"run_timeout": "2m"}})];
    assert_eq!(edit(&world.editor, &run, &batch(0, other)).await.json()["revision"], 2);
    // Read again, do it again.
    let revision = world.editor.get(&format!("/v1/runs/{}", run.id())).await.json()["revision"].as_u64();
    let reply = edit(&world.editor, &run, &batch(revision.expect("a number"), set("2m"))).await;
    assert_eq!(reply.json()["revision"], 3);
}

#[tokio::test]
async fn many_clients_at_once_are_all_answered() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let requests = (0..20).map(|at| {
        let (client, run) = (if at % 2 == 0 { &world.operator } else { &world.editor }, &run);
        async move { edit(client, run, &batch(0, vec![add(&format!("t{at}"))])).await }
    });
    let replies = futures_util::future::join_all(requests).await;
    let mut revisions: Vec<u64> =
        replies.iter().map(|reply| reply.json()["revision"].as_u64().expect("a commit")).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_without_a_base_are_for_whatever_is_current() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a"), noop("merge")], &[])).await;
    // Ten at once, each with edits and whole graphs that touch the same task.
    let requests = (0..10_u64).map(|at| {
        let (client, run) = (world.operator.clone(), run.clone());
        async move {
            for round in 0..4_u64 {
                let timeout = format!("{}s", 1 + at * 4 + round);
                let set = json!({"op": "update_task", "id": "merge", "set": {"run_timeout": timeout}});
                let whole = json!({"a": {}, "merge": {"run_timeout": timeout}});
                let body =
                    if round % 2 == 0 { json!({"edits": [set]}) } else { json!({"graph": {"tasks": whole}}) };
                let reply = edit(&client, &run, &body).await;
                assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
            }
        }
    });
    let mut all = tokio::task::JoinSet::new();
    requests.for_each(|request| drop(all.spawn(request)));
    all.join_all().await;
    assert_eq!(run.status().revision.0, 40);
}

#[tokio::test]
async fn the_state_of_the_run_may_forbid_edits() {
    let world = World::new().await;
    let run = world.start(graph(vec![noop("a")], &[])).await;
    run.wait().await;
    let reply = edit(&world.operator, &run, &batch(0, vec![add("b")])).await;
    assert_eq!(reply.refusal(), (409, "run_terminal".into()), "{}", reply.text);
    let run = world.start(graph(vec![call("a", "hang")], &[])).await;
    let reply = edit(&world.operator, &run, &batch(7, vec![add("b")])).await;
    assert_eq!(reply.refusal(), (409, "unknown_revision".into()));
    assert_eq!(reply.json()["current"], 0);
}

#[tokio::test]
async fn a_resend_gets_the_first_answer() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let path = format!("/v1/runs/{}/edits", run.id());
    let key = [("idempotency-key", Some("k-1"))];
    let body = batch(0, vec![add("b")]).to_string();
    let first = world.operator.send(Method::POST, &path, &key, &body).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    let other = edit(&world.operator, &run, &batch(1, vec![add("c")])).await;
    assert_eq!(other.json()["revision"], 2);
    let again = world.operator.send(Method::POST, &path, &key, &body).await;
    assert_eq!((again.status, again.json()), (first.status, first.json()));
    assert_eq!(run.status().revision.0, 2);
    // A refusal is repeated as well, although the batch would be good by now.
    let key = [("idempotency-key", Some("k-2"))];
    let body = batch(2, vec![json!({"op": "remove_task", "id": "d"})]).to_string();
    let first = world.operator.send(Method::POST, &path, &key, &body).await;
    assert_eq!(first.refusal(), (422, "rejected".into()));
    assert_eq!(edit(&world.operator, &run, &batch(2, vec![add("d")])).await.status, StatusCode::OK);
    let again = world.operator.send(Method::POST, &path, &key, &body).await;
    assert_eq!((again.status, again.json()), (first.status, first.json()));
    // The key of the header and the one of the body have to be one.
    let mut body: Value = serde_json::from_str(&body).expect("JSON");
    body["request"] = json!("k-3");
    let reply = world.operator.send(Method::POST, &path, &key, &body.to_string()).await;
    assert_eq!(reply.refusal(), (400, "invalid_body".into()));
    let reply = world.operator.send(Method::POST, &path, &[("idempotency-key", Some("a b"))], "{}").await;
    assert_eq!(reply.refusal(), (400, "invalid_header".into()));
}

#[tokio::test]
async fn a_check_gives_the_verdict_and_changes_nothing() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let path = format!("/v1/runs/{}/edits?check=1", run.id());
    let reply = world.operator.post(&path, batch(0, vec![add("b")])).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let body = reply.json();
    assert_eq!((&body["revision"], &body["checked"], &body["applied"]), (&json!(1), &json!(true), &json!(1)));
    assert_eq!(body["summary"]["added_tasks"], json!(["b"]));
    let reply = world.operator.post(&path, batch(0, vec![add("a")])).await;
    assert_eq!(reply.refusal(), (422, "rejected".into()));
    assert_eq!((run.status().revision.0, run.status().seq.0), (0, 1), "nothing was recorded");
    let reply = world.operator.post(&format!("/v1/runs/{}/edits?check=maybe", run.id()), "{}").await;
    assert_eq!(reply.refusal(), (400, "invalid_query".into()));
}

#[tokio::test]
async fn undo_and_redo_are_commits_too() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let path = |verb: &str| format!("/v1/runs/{}/{verb}", run.id());
    let reply = world.editor.post(&path("undo"), "").await;
    assert_eq!(reply.refusal(), (422, "rejected".into()));
    assert_eq!(reply.json()["rejections"][0]["code"], "nothing_to_undo");
    edit(&world.editor, &run, &batch(0, vec![add("b")])).await;
    let reply = world.editor.post(&path("undo"), json!({"expect_revision": 0})).await;
    assert_eq!(reply.refusal(), (409, "conflict".into()), "{}", reply.text);
    let reply = world.editor.post(&path("undo"), json!({"expect_revision": 1})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(
        (&reply.json()["revision"], &reply.json()["summary"]["removed_tasks"]),
        (&json!(2), &json!(["b"]))
    );
    let reply = world.editor.post(&path("redo"), "").await;
    assert_eq!(
        (&reply.json()["revision"], &reply.json()["summary"]["added_tasks"]),
        (&json!(3), &json!(["b"]))
    );
}

#[tokio::test]
async fn a_whole_graph_becomes_the_difference() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a"), noop("b")], &[("a", "b")])).await;
    let tasks = json!({"a": {"run": {"noop": {}}}, "c": {"run": {"noop": {}}, "after": ["a"]}});
    let reply = edit(&world.operator, &run, &json!({"base": 0, "graph": {"tasks": tasks}})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let summary = reply.json()["summary"].clone();
    assert_eq!((&summary["added_tasks"], &summary["removed_tasks"]), (&json!(["c"]), &json!(["b"])));
    // What came after the revision that the author saw is not taken back.
    let reply =
        edit(&world.operator, &run, &json!({"base": 0, "graph": {"tasks": {"a": {"run": {"noop": {}}}}}}))
            .await;
    assert_eq!(reply.refusal(), (409, "conflict".into()), "{}", reply.text);
}

#[tokio::test]
async fn an_empty_batch_makes_no_revision() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let reply = edit(&world.operator, &run, &batch(0, vec![])).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!((&reply.json()["revision"], &reply.json()["applied"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn policy_and_rates_hold_for_editors_only() {
    let world = World::new().await;
    let policy = Policy { allow: Some(vec!["update_task".into()]), ..Policy::default() };
    let settings = RunSettings { policy: Some(Arc::new(policy)), ..RunSettings::default() };
    let run = world.submit_with(graph(vec![noop("a")], &[]), settings).await;
    let reply = edit(&world.editor, &run, &batch(0, vec![add("b")])).await;
    assert_eq!(reply.refusal(), (422, "rejected".into()));
    assert_eq!(reply.json()["rejections"][0]["code"], "not_permitted");
    assert_eq!(edit(&world.operator, &run, &batch(0, vec![add("b")])).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_counts_of_a_policy_hold_for_everybody() {
    let world = World::new().await;
    let limits = PolicyLimits { edits: Some(4), added_tasks: Some(2) };
    let policy = Policy { limits, allow: Some(vec!["update_task".into()]), ..Policy::default() };
    let settings = RunSettings { policy: Some(Arc::new(policy)), ..RunSettings::default() };
    let run = world.submit_with(graph(vec![noop("a")], &[]), settings).await;
    let reply = edit(&world.operator, &run, &batch(0, vec![add("b"), add("c")])).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    for check in ["", "?check=1"] {
        let path = format!("/v1/runs/{}/edits{check}", run.id());
        let fault =
            world.operator.post(&path, batch(1, vec![add("d")])).await.json()["rejections"][0].clone();
        assert_eq!((&fault["code"], &fault["item"]), (&json!("limit_exceeded"), &json!("added_tasks")));
        let many = ["1m", "2m", "3m"]
            .map(|timeout| json!({"op": "update_task", "id": "a", "set": {"run_timeout": timeout}}));
        let fault = world.operator.post(&path, batch(1, many.to_vec())).await.json()["rejections"][0].clone();
        assert_eq!((&fault["code"], &fault["item"]), (&json!("limit_exceeded"), &json!("edits")));
    }
    assert_eq!(run.status().paused, None, "an operator is there already");
    // What was taken back and brought back counts as well: nobody edits for ever.
    for verb in ["undo", "redo"] {
        let reply = world.operator.post(&format!("/v1/runs/{}/{verb}", run.id()), "").await;
        let counted = (reply.status.as_u16(), reply.json()["rejections"][0]["code"].clone());
        assert_eq!(counted.0, if verb == "undo" { 200 } else { 422 }, "{}", reply.text);
    }
    assert_eq!(run.status().revision.0, 2);
}

#[tokio::test]
async fn a_hold_that_is_to_be_kept_open_stays_open() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a"), noop("b")], &[("a", "b")])).await;
    let mut editor = run.editor("agent").await.expect("attached");
    run.start().await.expect("started");
    let hold = editor.next_hold().await.expect("a hold").hold;
    let holds = async || {
        let listed = world.operator.get(&format!("/v1/runs/{}/holds", run.id())).await.json();
        let open = listed["holds"].as_array().expect("holds").iter();
        open.filter(|open| open["hold"] == json!(hold)).count()
    };
    let bodies = [
        json!({"hold": hold, "keep_open": true, "edits": []}),
        json!({"hold": hold, "keep_open": true, "graph": {"tasks": {"a": {}, "b": {}}}}),
        json!({"hold": hold, "keep_open": true, "edits": [{
            "op": "add_task", "task": {"id": "c", "run": {"noop": {}}}, "after": {"b": "success"}}]}),
        json!({"hold": hold, "keep_open": true}),
    ];
    for body in bodies {
        let reply = edit(&world.editor, &run, &body).await;
        assert_eq!((reply.status, holds().await), (StatusCode::OK, 1), "{body} {}", reply.text);
    }
    assert_eq!(edit(&world.editor, &run, &json!({"hold": hold, "edits": []})).await.status, StatusCode::OK);
    assert_eq!(holds().await, 0, "an empty batch releases it");
}
