//! What handlers share, and how they read requests.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use starline_bus::ObserverGuard;
use starline_edit::{Nearest, nearest};
use starline_orchestrator::{Orchestrator, Run};
use starline_types::{HoldId, RunId, TaskId};
use tokio::sync::{Semaphore, watch};

use crate::answer::Refused;
use crate::history::EventLog;
use crate::throttle::Throttle;
use crate::{Principal, ServerOptions};

/// Characters of what is no id that a message repeats.
const NAME: usize = 64;

/// What handlers share.
#[derive(Clone, Debug)]
pub(crate) struct App(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) orchestrator: Arc<Orchestrator>,
    pub(crate) log: Arc<EventLog>,
    /// Feeds the log.
    pub(crate) observing: ObserverGuard,
    pub(crate) options: ServerOptions,
    /// Everybody who may ask.
    pub(crate) principals: Vec<Principal>,
    /// Values of `Host` that are answered, in lower case.
    pub(crate) hosts: Vec<String>,
    pub(crate) throttle: Throttle,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) open_streams: AtomicUsize,
    /// Becomes true when the server is to end.
    pub(crate) stop: watch::Sender<bool>,
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// The run that a path names.
    pub(crate) fn run(&self, text: &str) -> Result<Run, Refused> {
        let run = RunId::new(text).ok().and_then(|id| self.orchestrator.run(&id));
        run.ok_or_else(|| {
            let runs = self.orchestrator.runs();
            let known = nearest(text, runs.iter().map(|run| run.run_id.as_str()));
            unknown("run", text, &known)
        })
    }
}

/// The task that a path names. It may be unknown to the run, unless it cannot be the id of a task.
pub(crate) async fn task_id(run: &Run, text: &str) -> Result<TaskId, Refused> {
    match TaskId::new(text) {
        Ok(task) => Ok(task),
        Err(_) => Err(unknown_task(run, text).await),
    }
}

/// No task of a run has this id.
pub(crate) async fn unknown_task(run: &Run, text: &str) -> Refused {
    let wrong = text.to_owned();
    let known =
        run.read_graph(move |graph| nearest(&wrong, graph.indices().map(|task| graph.id(task).as_str())));
    match known.await {
        Ok(known) => unknown("task", text, &known).with("task", text),
        Err(error) => error.into(),
    }
}

fn unknown(what: &str, text: &str, known: &Nearest) -> Refused {
    // What cannot be an id is told in quotes, and not in full.
    let name = match TaskId::new(text) {
        Ok(id) => id.to_string(),
        Err(_) => format!("{:?}", text.chars().take(NAME).collect::<String>()),
    };
    Refused::not_found(&format!("unknown_{what}"), format!("no {what} {name}, known are {known}"))
        .with("known", &known.names)
}

/// The hold that a path names: `h-7`, or `7`.
pub(crate) fn hold_id(text: &str) -> Result<HoldId, Refused> {
    let number = text.strip_prefix("h-").unwrap_or(text);
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = digits.then(|| number.parse().ok()).flatten().map(HoldId);
    parsed.ok_or_else(|| Refused::not_found("unknown_hold", "there is no such hold"))
}

/// The body of a request, whole, within the limits of size and time.
pub(crate) async fn read_body(app: &App, request: Request) -> Result<axum::body::Bytes, Refused> {
    let limit = app.options.body_limit;
    let too_large = || {
        let message = format!("body is larger than {limit} bytes");
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "limit_exceeded", message).with("max", limit)
    };
    if announced(request.headers()).is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let read = to_bytes(request.into_body(), limit);
    match tokio::time::timeout(app.options.body_timeout, read).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // Beyond the limit, or cut: whoever cut it does not read the answer.
        Ok(Err(_)) => Err(too_large()),
        Err(_) => {
            let message = "body did not arrive in time";
            Err(Refused::new(StatusCode::REQUEST_TIMEOUT, "timeout", message))
        }
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The body of a request as JSON.
pub(crate) async fn read_json<T: DeserializeOwned>(app: &App, request: Request) -> Result<T, Refused> {
    let bytes = read_body(app, request).await?;
    parse(&bytes)
}

/// The body of a request as JSON, where an empty one stands for the default.
pub(crate) async fn read_json_or_default<T: DeserializeOwned + Default>(
    app: &App,
    request: Request,
) -> Result<T, Refused> {
    let bytes = read_body(app, request).await?;
    if bytes.is_empty() { Ok(T::default()) } else { parse(&bytes) }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    // A list would be taken for the fields in their order.
    if bytes.trim_ascii_start().first().is_some_and(|first| !b"{".contains(first)) {
        return Err(Refused::bad_request("invalid_body", "the body is a JSON object")
            .with("line", 1)
            .with("column", 1));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        Refused::bad_request("invalid_body", error.to_string())
            .with("line", error.line())
            .with("column", error.column())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_are_named_with_or_without_their_letter() {
        assert_eq!(hold_id("h-7").ok(), Some(HoldId(7)));
        assert_eq!(hold_id("7").ok(), Some(HoldId(7)));
        for bad in ["", "h-", "h--7", "+7", "x", "99999999999999999999999"] {
            assert!(hold_id(bad).is_err(), "{bad:?}");
        }
    }
}
