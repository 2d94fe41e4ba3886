//! Submitting workflows.

use hyper::StatusCode;
use serde_json::json;
use starline_types::{RunId, RunState};

use crate::support::World;

const WORKFLOW: &str = "
version: 1
name: small
inputs: { pattern: { type: string, default: x } }
tasks:
  a: { run: { noop: {} } }
  b: { after: [a], run: { noop: {} }, approval: { prompt: 'may it?' } }
";

#[tokio::test]
async fn a_workflow_is_started() {
    let world = World::new().await;
    let body = json!({"workflow": WORKFLOW, "inputs": {"pattern": "y"}, "approved_in_advance": true});
    let reply = world.operator.post("/v1/runs", body).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
    let status = reply.json();
    assert_eq!(status["name"], "small");
    let id = status["run_id"].as_str().expect("an id");
    assert_eq!(reply.headers["location"], format!("/v1/runs/{id}"));
    let run = world.orchestrator.run(&RunId::new(id).expect("an id")).expect("the run");
    assert_eq!(run.wait().await.state, RunState::Completed);
    assert_eq!(run.settings().inputs["pattern"], "y");
    assert_eq!(world.operator.get(&format!("/v1/runs/{id}")).await.json()["state"], "completed");
}

#[tokio::test]
async fn problems_of_the_text_come_with_their_lines() {
    let world = World::new().await;
    let body = json!({"workflow": "version: 1\nname: x\ntasks:\n  a: { runn: { noop: {} } }\n"});
    let reply = world.operator.post("/v1/runs", body).await;
    assert_eq!(reply.refusal(), (422, "invalid_workflow".into()));
    assert_eq!(reply.json()["problems"][0]["line"], 4, "{}", reply.text);
    let reply = world.operator.post("/v1/runs", json!({"workflow": WORKFLOW, "strategy": "best"})).await;
    assert_eq!(reply.refusal(), (422, "invalid_submission".into()));
    for body in [json!({}), json!({"workflow": WORKFLOW, "author": "me"}), json!({"workflow": 1})] {
        assert_eq!(world.operator.post("/v1/runs", body).await.refusal(), (400, "invalid_body".into()));
    }
}

#[tokio::test]
async fn only_an_operator_submits() {
    let world = World::new().await;
    for client in [&world.editor, &world.observer] {
        let reply = client.post("/v1/runs", json!({"workflow": WORKFLOW})).await;
        assert_eq!(reply.refusal(), (403, "not_permitted".into()));
    }
    assert!(world.orchestrator.runs().is_empty());
}

#[tokio::test]
async fn a_server_without_submitter_says_so() {
    let world = World::with(|options| options.submitter = None).await;
    let reply = world.operator.post("/v1/runs", json!({"workflow": WORKFLOW})).await;
    assert_eq!(reply.refusal(), (501, "not_offered".into()));
}
