//! Commands to runs, tasks and holds: each answers with the run in a few numbers.

use axum::Extension;
use axum::extract::{Path, Request, State};
use serde::Deserialize;
use starline_types::TaskId;

use crate::Principal;
use crate::answer::{Answer, ok};
use crate::app::{App, hold_id, read_json, read_json_or_default, task_id};

/// Body of what needs to be told nothing more.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Nothing {}

pub(crate) async fn pause(State(app): State<App>, Path(run): Path<String>, request: Request) -> Answer {
    let run = app.run(&run)?;
    let Nothing {} = read_json_or_default(&app, request).await?;
    run.pause().await?;
    ok(&run.status())
}

pub(crate) async fn resume(State(app): State<App>, Path(run): Path<String>, request: Request) -> Answer {
    let run = app.run(&run)?;
    let Nothing {} = read_json_or_default(&app, request).await?;
    run.resume().await?;
    ok(&run.status())
}

/// Body of a cancellation or rollback.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cancel {
    force: bool,
}

pub(crate) async fn cancel(State(app): State<App>, Path(run): Path<String>, request: Request) -> Answer {
    let run = app.run(&run)?;
    let Cancel { force } = read_json_or_default(&app, request).await?;
    run.cancel(force).await?;
    ok(&run.status())
}

pub(crate) async fn rollback(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path(run): Path<String>,
    request: Request,
) -> Answer {
    let run = app.run(&run)?;
    let Cancel { force } = read_json_or_default(&app, request).await?;
    run.rollback(force, &who.name).await?;
    ok(&run.status())
}

pub(crate) async fn cancel_task(
    State(app): State<App>,
    Path((run, task)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let run = app.run(&run)?;
    let Nothing {} = read_json_or_default(&app, request).await?;
    run.cancel_task(task_id(&run, &task).await?).await?;
    ok(&run.status())
}

pub(crate) async fn skip_task(
    State(app): State<App>,
    Path((run, task)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let run = app.run(&run)?;
    let Nothing {} = read_json_or_default(&app, request).await?;
    run.skip_task(task_id(&run, &task).await?).await?;
    ok(&run.status())
}

pub(crate) async fn approve(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path((run, task)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let run = app.run(&run)?;
    let Nothing {} = read_json_or_default(&app, request).await?;
    run.approve(task_id(&run, &task).await?, &who.name).await?;
    ok(&run.status())
}

pub(crate) async fn reject(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path((run, task)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let run = app.run(&run)?;
    let Nothing {} = read_json_or_default(&app, request).await?;
    run.reject(task_id(&run, &task).await?, &who.name).await?;
    ok(&run.status())
}

pub(crate) async fn release(
    State(app): State<App>,
    Path((run, hold)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let run = app.run(&run)?;
    let Nothing {} = read_json_or_default(&app, request).await?;
    run.release_hold(hold_id(&hold)?).await?;
    ok(&run.status())
}

/// Body of an extension.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Extend {
    tasks: Vec<TaskId>,
}

pub(crate) async fn extend(
    State(app): State<App>,
    Path((run, hold)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let run = app.run(&run)?;
    let Extend { tasks } = read_json(&app, request).await?;
    run.extend_hold(hold_id(&hold)?, tasks).await?;
    ok(&run.status())
}
