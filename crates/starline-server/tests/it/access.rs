//! Who may ask: addresses, hosts, origins, tokens, scopes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hyper::{Method, StatusCode};
use serde_json::json;
use starline_journal::NoJournal;
use starline_server::{
    Audit, BindError, ConnectionFile, Denial, DenialReason, EventBus, Operation, Orchestrator, Scope, Server,
    ServerOptions, Token,
};
use starline_strategies::LoadBalance;

use crate::support::{World, graph, noop};

/// Address (loopback, private, any) × insecure_bind × token given or made: 12 cases.
#[tokio::test]
async fn bind_matrix() {
    let bus = Arc::new(EventBus::new());
    let orchestrator =
        Orchestrator::builder(Arc::new(NoJournal), Arc::clone(&bus) as _, || Box::new(LoadBalance)).build();
    let orchestrator = Arc::new(orchestrator);
    for address in ["127.0.0.1:0", "192.168.255.254:0", "0.0.0.0:0"] {
        let address: SocketAddr = address.parse().expect("an address");
        for insecure_bind in [false, true] {
            for given in [None, Some(Token::generate().expect("random"))] {
                let mut options = ServerOptions::default();
                options.address = address;
                options.insecure_bind = insecure_bind;
                options.token.clone_from(&given);
                let bound = Server::bind(Arc::clone(&orchestrator), &bus, options).await;
                let case = format!("{address} insecure={insecure_bind} token={given:?}");
                match bound {
                    Ok(server) => {
                        assert!(address.ip().is_loopback() || insecure_bind, "{case}");
                        assert_ne!(server.local_addr().port(), 0, "{case}");
                        let written = serde_json::to_string(&server.connection_file()).expect("JSON");
                        let read: ConnectionFile = serde_json::from_str(&written).expect("a connection");
                        assert_eq!(
                            (read.address, read.pid),
                            (server.local_addr(), std::process::id()),
                            "{case}"
                        );
                        let token = read.token;
                        let expected = given.as_ref().unwrap_or(&token).reveal();
                        assert_eq!(token.reveal(), expected, "{case}");
                        assert_eq!(token.reveal().len(), 64, "{case}");
                    }
                    Err(BindError::NotLoopback(at)) => {
                        assert!(!address.ip().is_loopback() && !insecure_bind, "{case}");
                        assert_eq!(at, address);
                    }
                    // Nobody here has the private address: the system says so, not the server.
                    Err(BindError::Io { .. }) => {
                        assert!(insecure_bind && address.ip().to_string() != "0.0.0.0")
                    }
                    Err(error) => panic!("{case}: {error}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn an_ipv4_address_in_disguise_is_judged_as_what_it_is() {
    let bus = Arc::new(EventBus::new());
    let orchestrator =
        Orchestrator::builder(Arc::new(NoJournal), Arc::clone(&bus) as _, || Box::new(LoadBalance)).build();
    let mut options = ServerOptions::default();
    options.address = "[::ffff:10.0.0.1]:0".parse().expect("an address");
    let bound = Server::bind(Arc::new(orchestrator), &bus, options).await;
    assert!(matches!(bound, Err(BindError::NotLoopback(_))));
}

#[tokio::test]
async fn health_needs_no_token_and_everything_else_does() {
    let world = World::new().await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    let stranger = world.stranger();
    let health = stranger.get("/healthz").await;
    assert_eq!((health.status, health.text.as_str()), (StatusCode::OK, r#"{"status":"ok"}"#));
    // The answers do not tell what exists.
    let mut answers = Vec::new();
    let known = format!("/v1/runs/{}", run.id());
    for path in ["/v1/runs", known.as_str(), "/v1/runs/nobody", "/metrics", "/nowhere", "/v1/openapi.json"] {
        let reply = stranger.get(path).await;
        assert_eq!(reply.headers["www-authenticate"], "Bearer", "{path}");
        answers.push((reply.status, reply.text));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn only_the_header_carries_the_token() {
    let world = World::new().await;
    let token = world.operator.token.clone().expect("a token");
    for path in [format!("/v1/runs?token={token}"), format!("/v1/runs?access_token={token}")] {
        assert_eq!(world.stranger().get(&path).await.status, StatusCode::UNAUTHORIZED);
    }
    let basic = format!("Basic {token}");
    let cookie = format!("token={token}");
    for changes in [[("authorization", Some(basic.as_str()))], [("cookie", Some(cookie.as_str()))]] {
        let reply = world.stranger().send(Method::GET, "/v1/runs", &changes, "").await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    }
    let almost = format!("Bearer {}", &token[1..]);
    let reply = world.stranger().send(Method::GET, "/v1/runs", &[("authorization", Some(&almost))], "").await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    let lower = format!("bearer {token}");
    let reply = world.stranger().send(Method::GET, "/v1/runs", &[("authorization", Some(&lower))], "").await;
    assert_eq!(reply.status, StatusCode::OK);
}

/// Keeps everything.
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<Denial>>);

impl Audit for Kept {
    fn note(&self, denial: &Denial) {
        self.0.lock().expect("sound").push(denial.clone());
    }
}

#[tokio::test]
async fn each_refusal_at_the_door_is_told_once_and_without_the_token() {
    let kept = Arc::new(Kept::default());
    let audit = Arc::clone(&kept);
    let world = World::with(|options| {
        options.failures = 4;
        options.audit = Some(audit as _);
    })
    .await;
    let wrong = Token::generate().expect("random");
    let bearer = format!("Bearer {}", wrong.reveal());
    let stranger = world.stranger();
    stranger.get("/healthz").await;
    world.operator.get("/v1/runs").await;
    assert!(kept.0.lock().expect("sound").is_empty(), "nothing was refused");
    stranger.get("/v1/runs").await;
    for header in [bearer.as_str(), bearer.as_str(), "Basic eDp5"] {
        stranger.send(Method::GET, "/v1/runs", &[("authorization", Some(header))], "").await;
    }
    stranger.get("/v1/runs").await;
    world.observer.send(Method::GET, "/v1/runs", &[("host", Some("evil.test"))], "").await;
    world.observer.send(Method::GET, "/v1/runs", &[("origin", Some("http://evil.test"))], "").await;
    let kept = kept.0.lock().expect("sound");
    let words: Vec<&str> = kept.iter().map(|denial| denial.reason.as_str()).collect();
    assert_eq!(
        words,
        ["no_token", "unknown_token", "unknown_token", "not_bearer", "throttled", "host", "origin"]
    );
    assert!(kept.iter().all(|denial| denial.address.is_some_and(|address| address.is_loopback())));
    assert!(!format!("{kept:?}").contains(wrong.reveal()));
}

#[tokio::test]
async fn a_scope_that_is_refused_is_told_with_its_principal() {
    let kept = Arc::new(Kept::default());
    let audit = Arc::clone(&kept);
    let world = World::with(|options| options.audit = Some(audit as _)).await;
    world.observer.post("/v1/runs", "{}").await;
    let kept = kept.0.lock().expect("sound");
    let denial = kept.first().expect("told");
    assert_eq!(denial.reason, DenialReason::Scope(Scope::Submit));
    assert_eq!((kept.len(), denial.principal.as_deref()), (1, Some("screen")));
}

#[tokio::test]
async fn a_form_of_a_page_is_told_with_its_principal() {
    let kept = Arc::new(Kept::default());
    let audit = Arc::clone(&kept);
    let world = World::with(|options| options.audit = Some(audit as _)).await;
    let form = [("content-type", Some("application/x-www-form-urlencoded"))];
    let reply = world.editor.send(Method::POST, "/v1/runs/r/edits", &form, "a=b").await;
    assert_eq!(reply.refusal(), (415, "unsupported_media_type".into()));
    assert_eq!(world.observer.get("/v1/runs/%FF").await.refusal(), (400, "invalid_path".into()));
    // What is only not there was not refused.
    assert_eq!(world.editor.get("/v1/nothing").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.editor.get("/v1/runs/r/edits").await.status, StatusCode::METHOD_NOT_ALLOWED);
    let kept = kept.0.lock().expect("sound");
    let told: Vec<_> = kept.iter().map(|one| (one.reason.as_str(), one.principal.as_deref())).collect();
    assert_eq!(told, [("form", Some("planner")), ("path", Some("screen"))]);
    assert!(kept.iter().all(|denial| denial.address.is_some_and(|address| address.is_loopback())));
}

#[tokio::test]
async fn a_refusal_names_the_scope_that_the_description_names() {
    let world = World::new().await;
    let described = world.observer.get("/v1/openapi.json").await.json();
    for (operation, scope) in [
        (Operation::Submit, "submit"),
        (Operation::Cancel, "control"),
        (Operation::Approve, "approve"),
        (Operation::Edit, "edit"),
    ] {
        let reply = world.observer.post(&path_of(operation, "r"), "{}").await;
        let body = reply.json();
        assert_eq!((reply.refusal(), &body["scope"]), ((403, "not_permitted".into()), &json!(scope)));
        assert_eq!(body["message"], format!("this token does not have the scope {scope}"));
        let about = &described["paths"][operation.path()]["post"];
        assert_eq!(about["x-scope"], scope);
        assert!(about["responses"]["403"]["description"].as_str().is_some_and(|text| text.ends_with(scope)));
    }
}

#[tokio::test]
async fn only_known_hosts_are_served() {
    let world = World::with(|options| options.allowed_hosts = vec!["proxy.test".into()]).await;
    let port = world.address.port();
    for host in [
        format!("127.0.0.1:{port}"),
        format!("LOCALHOST:{port}"),
        format!("[::1]:{port}"),
        "proxy.test".into(),
    ] {
        let reply = world.operator.send(Method::GET, "/v1/runs", &[("host", Some(&host))], "").await;
        assert_eq!(reply.status, StatusCode::OK, "{host}");
    }
    // A name that points here now, as after a rebinding, and our names with another port.
    for host in
        [Some(format!("evil.test:{port}")), Some("localhost:1".into()), Some("localhost".into()), None]
    {
        for path in ["/v1/runs", "/healthz"] {
            let reply = world.operator.send(Method::GET, path, &[("host", host.as_deref())], "").await;
            assert_eq!(reply.refusal(), (403, "host_not_allowed".into()), "{host:?}");
        }
    }
}

#[tokio::test]
async fn foreign_origins_are_refused() {
    let world = World::new().await;
    let own = format!("http://{}", world.address);
    let foreign = ["http://evil.test", "null", "http://127.0.0.1", "https://localhost:1", ""];
    let reply = world.operator.send(Method::GET, "/v1/runs", &[("origin", Some(&own))], "").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(!reply.headers.contains_key("access-control-allow-origin"), "no CORS");
    assert!(!reply.headers.contains_key("set-cookie"), "no cookies");
    for origin in foreign {
        let reply = world.operator.send(Method::GET, "/v1/runs", &[("origin", Some(origin))], "").await;
        assert_eq!(reply.refusal(), (403, "origin_not_allowed".into()), "{origin:?}");
    }
    let preflight =
        world.operator.send(Method::OPTIONS, "/v1/runs", &[("origin", Some("http://evil.test"))], "").await;
    assert_eq!(preflight.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_changes_something_is_json() {
    let world = World::new().await;
    let run = world.start(graph(vec![noop("a")], &[])).await;
    let path = format!("/v1/runs/{}/pause", run.id());
    for kind in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonp")]
    {
        let reply = world.operator.send(Method::POST, &path, &[("content-type", kind)], "{}").await;
        assert_eq!(reply.refusal(), (415, "unsupported_media_type".into()), "{kind:?}");
    }
    let kind = Some("Application/JSON; charset=utf-8");
    let reply = world.operator.send(Method::POST, &path, &[("content-type", kind)], "{}").await;
    assert_ne!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

/// The path of an operation in a world with the run `r`.
fn path_of(operation: Operation, run: &str) -> String {
    operation.path().replace("{run}", run).replace("{task}", "a").replace("{hold}", "h-1")
}

#[tokio::test]
async fn each_operation_has_its_scope() {
    let world = World::with(|options| options.failures = 1_000).await;
    let run = world.submit(graph(vec![noop("a")], &[])).await;
    for operation in Operation::ALL {
        // A stream of a run that does not end would not end either.
        let name = if *operation == Operation::Events { "nobody" } else { run.id().as_str() };
        let path = path_of(*operation, name);
        for (who, client, allowed) in [
            ("operator", &world.operator, true),
            (
                "editor",
                &world.editor,
                !matches!(operation.scope(), Scope::Approve | Scope::Control | Scope::Submit),
            ),
            ("observer", &world.observer, matches!(operation.scope(), Scope::Open | Scope::Observe)),
        ] {
            let reply = client.send(operation.method(), &path, &[], "{}").await;
            let case = format!("{who} {operation:?}: {} {}", reply.status, reply.text);
            if allowed {
                assert_ne!(reply.status, StatusCode::FORBIDDEN, "{case}");
                assert_ne!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{case}");
                assert!(!reply.text.contains("unknown_path"), "every operation has its route: {case}");
            } else {
                assert_eq!(reply.refusal(), (403, "not_permitted".into()), "{case}");
            }
        }
        if operation.scope() != Scope::Open {
            let reply = world.stranger().send(operation.method(), &path, &[], "{}").await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{operation:?}");
        }
    }
}

#[tokio::test]
async fn every_path_has_one_answer_for_what_is_not_there() {
    let world = World::new().await;
    assert_eq!(world.operator.get("/nowhere").await.refusal(), (404, "unknown_path".into()));
    assert_eq!(world.operator.get("/v1/runs/nobody").await.refusal(), (404, "unknown_run".into()));
    assert_eq!(world.operator.get("/v1/runs/..%2Fetc").await.refusal(), (404, "unknown_run".into()));
    let reply = world
        .operator
        .send(Method::DELETE, "/v1/runs", &[("content-type", Some("application/json"))], "")
        .await;
    assert_eq!(reply.refusal(), (405, "unknown_method".into()));
    let headers = world.operator.get("/v1/runs").await.headers;
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["content-security-policy"], "default-src 'self'");
}
