//! Edits: one contract of answers.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use starline_edit::{Code, TaskGraph};
use starline_orchestrator::{Refusal, Run, RunError, Unread};
use starline_types::{Applied, ChangeSummary, Event, RequestId, Revision};
use starline_workflow::ReadBatch;

use crate::Principal;
use crate::answer::{Answer, Refused, ok};
use crate::app::{App, read_body, read_json_or_default, task_id};
use crate::batch;
use crate::command::Nothing;

/// Header that makes a resend safe.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// How an edit is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EditQuery {
    /// Verdict only: `1` or `true`.
    check: Option<String>,
}

impl EditQuery {
    fn check_only(&self) -> Result<bool, Refused> {
        match self.check.as_deref() {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(_) => Err(Refused::bad_request("invalid_query", "check is 1 or 0")),
        }
    }
}

pub(crate) async fn edit(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path(run): Path<String>,
    query: Result<Query<EditQuery>, axum::extract::rejection::QueryRejection>,
    request: Request,
) -> Answer {
    let Query(query) = query.map_err(|error| Refused::bad_request("invalid_query", error.body_text()))?;
    let check_only = query.check_only()?;
    let run = app.run(&run)?;
    let read = match receive(&app, &run, request).await {
        Ok(read) => read,
        Err(refused) => {
            if !check_only {
                batch::record(&run, &refused, who.author()).await;
            }
            return Err(refused);
        }
    };
    let states = read.unread.ignored.len();
    if states > 0 && !check_only {
        app.log.counters.ignore_states(states);
        tracing::warn!(target: "starline::audit", principal = %who.name, run = %run.id(), states,
            "execution state in a graph ignored");
    }
    let mut read = read;
    // What can only be said with the graph at hand is said where nothing comes in between: a whole graph becomes edits,
    // and a batch that does not say which revision it is for is for the one that it is judged against.
    let make = move |graph: &TaskGraph| {
        if !read.names_base {
            read.batch.base = graph.revision();
        }
        let ReadBatch { batch, unread, warnings, .. } = read.resolve(graph);
        let unread = Some(unread).filter(|unread| *unread != Unread::default());
        let count = batch.edits.len();
        (batch, unread, (count, warnings))
    };
    let ((count, warnings), applied) = run.apply_made(make, who.author(), check_only).await?;
    if let Err(RunError::Refused(Refusal::Rejected(rejection))) = &applied
        && rejection.faults.iter().any(|fault| fault.code == Code::Busy)
    {
        // What comes too fast is counted, and not recorded.
        app.log.counters.reject(Code::Busy.as_str());
    }
    let applied = applied?;
    let mut warnings: Vec<Value> = warnings.iter().map(|warning| json!(warning)).collect();
    if applied.as_ref().is_some_and(|applied| applied.late) {
        warnings.push(
            json!({"code": "late", "message": "the hold had closed: the batch was taken as an ordinary one"}),
        );
    }
    let count = applied.as_ref().map_or(count, |applied| applied.batch.edits.len());
    let mut body = outcome(&app, &run, applied.as_deref(), count, &warnings);
    if check_only {
        body["checked"] = true.into();
    }
    ok(&body)
}

/// The batch of a request, as far as it can be read without the graph.
async fn receive(app: &App, run: &Run, request: Request) -> Result<ReadBatch, Refused> {
    let key = idempotency_key(request.headers())?;
    let bytes = read_body(app, request).await?;
    let mut read = batch::read(&bytes, run)?;
    match (&read.batch.request, key) {
        (Some(request), Some(key)) if *request != key => {
            let message = "the request in the body and the header Idempotency-Key differ";
            return Err(Refused::bad_request("invalid_body", message));
        }
        (_, Some(key)) => read.batch.request = Some(key),
        (_, None) => {}
    }
    Ok(read)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<RequestId>, Refused> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let parsed = key.to_str().ok().and_then(|key| RequestId::new(key).ok()).filter(|_| keys.next().is_none());
    parsed.map(Some).ok_or_else(|| {
        let message = "Idempotency-Key is one value of 1 to 256 of A-Z a-z 0-9 . _ : # -";
        Refused::bad_request("invalid_header", message)
    })
}

/// What an edit came to.
fn outcome(app: &App, run: &Run, applied: Option<&Applied>, count: usize, warnings: &[Value]) -> Value {
    let status = run.status();
    let (revision, summary) = match applied {
        Some(applied) => (applied.revision, applied.summary.clone()),
        None => (status.revision, ChangeSummary::default()),
    };
    // The number of the commit itself, so that a resend is answered like the first one.
    let recorded = applied.and_then(|applied| {
        let history = app.log.run(run.id(), status.seq, status.state.is_terminal());
        let is =
            |event: &Event| matches!(event, Event::EditCommitted(fact) if fact.revision == applied.revision);
        history.find_last(is).map(|fact| fact.seq)
    });
    json!({
        "revision": revision,
        "seq": recorded.unwrap_or(status.seq),
        "applied": count,
        "summary": summary,
        "warnings": warnings,
    })
}

fn committed(app: &App, run: &Run, applied: Option<Arc<Applied>>) -> Result<Response, Refused> {
    let count = applied.as_ref().map_or(0, |applied| applied.batch.edits.len());
    ok(&outcome(app, run, applied.as_deref(), count, &[]))
}

/// Body of undo and redo.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Expected {
    expect_revision: Option<Revision>,
}

pub(crate) async fn undo(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path(run): Path<String>,
    request: Request,
) -> Answer {
    let run = app.run(&run)?;
    let expected: Expected = read_json_or_default(&app, request).await?;
    let applied = run.undo(expected.expect_revision, who.author()).await?;
    committed(&app, &run, applied)
}

pub(crate) async fn redo(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path(run): Path<String>,
    request: Request,
) -> Answer {
    let run = app.run(&run)?;
    let expected: Expected = read_json_or_default(&app, request).await?;
    let applied = run.redo(expected.expect_revision, who.author()).await?;
    committed(&app, &run, applied)
}

pub(crate) async fn retry(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path((run, task)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let run = app.run(&run)?;
    let Nothing {} = read_json_or_default(&app, request).await?;
    let applied = run.retry_task(task_id(&run, &task).await?, who.author()).await?;
    committed(&app, &run, applied)
}
