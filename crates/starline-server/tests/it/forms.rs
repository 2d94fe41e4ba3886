//! Forms of requests: bodies, methods, paths. Every answer is JSON.

use hyper::{Method, StatusCode};
use serde_json::json;
use starline_server::Operation;

use crate::support::{World, graph, noop};

#[tokio::test]
async fn no_body_has_fields_that_nobody_reads() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let posts = Operation::ALL.iter().filter(|one| one.method() == Method::POST);
    let mut count = 0;
    for operation in posts.filter(|one| !matches!(one, Operation::Edit)) {
        let path = operation.path().replace("{run}", run.id().as_str());
        let path = path.replace("{task}", "a").replace("{hold}", "h-1");
        for body in ["{\"force_it\": true}", "[]", "null", "{", "3"] {
            let reply = world.operator.post(&path, body).await;
            assert_eq!(reply.refusal(), (400, "invalid_body".into()), "{path} {body}: {}", reply.text);
        }
        count += 1;
    }
    assert_eq!(count, 14);
    assert_eq!((run.status().seq.0, run.status().revision.0), (1, 0), "nothing was done");
}

#[tokio::test]
async fn a_method_that_is_not_there_is_told_as_that() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    for path in [format!("/v1/runs/{}/edits", run.id()), format!("/v1/runs/{}", run.id()), "/v1/runs".into()]
    {
        for method in [Method::DELETE, Method::PUT, Method::PATCH] {
            for form in [None, Some("text/plain"), Some("application/json")] {
                let reply = world.operator.send(method.clone(), &path, &[("content-type", form)], "{}").await;
                assert_eq!(reply.refusal(), (405, "unknown_method".into()), "{method} {path} {form:?}");
                assert!(reply.headers.contains_key("allow"), "{method} {path}: {:?}", reply.headers);
            }
        }
    }
    let reply = world.operator.send(Method::PUT, "/v1/nothing", &[], "").await;
    assert_eq!(reply.refusal(), (404, "unknown_path".into()));
    let form = [("content-type", Some("text/plain"))];
    let reply = world.operator.send(Method::POST, "/v1/runs", &form, "{}").await;
    assert_eq!(reply.refusal(), (415, "unsupported_media_type".into()));
    // Who may not ask at all is told nothing of methods and forms.
    let reply = world.stranger().send(Method::DELETE, "/v1/runs", &form, "{}").await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_path_that_is_no_text_is_refused_as_json() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    for path in ["/v1/runs/%ff", "/v1/runs/%FF/edits", "/v1/runs/a/tasks/%c3%28/explain", "/%ff"] {
        let reply = world.operator.get(path).await;
        assert_eq!(reply.refusal(), (400, "invalid_path".into()), "{path}: {}", reply.text);
        assert_eq!(reply.headers["content-type"], "application/json");
    }
    for path in ["/v1/runs/%", "/v1/runs/%zz", "/v1/runs/%c3%a4", "/v1/runs/%2e%2e%2fx"] {
        assert_eq!(world.operator.get(path).await.refusal(), (404, "unknown_run".into()), "{path}");
    }
    let shown = format!("/v1/runs/{}", run.id().as_str().replace('-', "%2D"));
    assert_eq!(world.operator.get(&shown).await.status, StatusCode::OK);
    assert_eq!(world.operator.get(&shown).await.json()["seq"], json!(1));
}
