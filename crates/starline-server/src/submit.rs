//! Submitting workflows: who turns a text into a run.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use starline_orchestrator::{Run, SubmitError};
use starline_workflow::Problem;

use crate::Principal;
use crate::answer::{Answer, Refused, json, of_rejection};
use crate::app::{App, read_json};

/// A workflow that somebody wants to run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Submission {
    /// The text of the file, YAML or JSON.
    pub workflow: String,
    /// Folder on the machine of the server that relative paths of the workflow belong to.
    #[serde(default)]
    pub folder: Option<String>,
    /// Values of its inputs.
    #[serde(default)]
    pub inputs: BTreeMap<String, Value>,
    /// Name of a strategy, instead of the one in the file.
    #[serde(default)]
    pub strategy: Option<String>,
    /// Whether every approval gate is granted in advance.
    #[serde(default)]
    pub approved_in_advance: bool,
}

/// Why a workflow does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitFailure {
    /// The text has faults: all of them are listed.
    #[error("workflow has {} problems", .0.len())]
    Problems(Vec<Problem>),
    /// Something beside the text is wrong, such as the name of the strategy.
    #[error("{0}")]
    Invalid(String),
    /// The orchestrator refused.
    #[error(transparent)]
    Orchestrator(#[from] SubmitError),
}

/// Turns workflows into runs: reads the text, resolves inputs, submits and starts.
///
/// A server knows neither devices files nor strategies by name; whoever makes it does.
///
/// ```
/// use std::sync::Arc;
/// use starline_server::{Orchestrator, Principal, Run, Submission, SubmitFailure, Submitter};
/// use starline_workflow::{LoadOptions, Workflow};
///
/// #[derive(Debug)]
/// struct Plain(Arc<Orchestrator>);
///
/// #[async_trait::async_trait]
/// impl Submitter for Plain {
///     async fn submit(&self, submission: Submission, _: &Principal) -> Result<Run, SubmitFailure> {
///         let options = LoadOptions::default();
///         let read = Workflow::parse(submission.workflow.as_bytes(), &options);
///         let workflow = read.map_err(SubmitFailure::Problems)?;
///         let run = self.0.submit(workflow.graph, Default::default()).await?;
///         run.start().await.map_err(|error| SubmitFailure::Orchestrator(error.into()))?;
///         Ok(run)
///     }
/// }
/// ```
#[async_trait]
pub trait Submitter: fmt::Debug + Send + Sync {
    /// Starts a workflow on behalf of somebody.
    async fn submit(&self, submission: Submission, by: &Principal) -> Result<Run, SubmitFailure>;
}

impl From<SubmitFailure> for Refused {
    fn from(failure: SubmitFailure) -> Self {
        let said = failure.to_string();
        let invalid = |word: &str| Self::new(StatusCode::UNPROCESSABLE_ENTITY, word, said.clone());
        match failure {
            SubmitFailure::Problems(problems) => invalid("invalid_workflow").with("problems", problems),
            SubmitFailure::Invalid(_) => invalid("invalid_submission"),
            SubmitFailure::Orchestrator(SubmitError::Rejected(rejection)) => of_rejection(&rejection),
            SubmitFailure::Orchestrator(SubmitError::DuplicateRun(run)) => {
                Self::new(StatusCode::CONFLICT, "duplicate_run", said).with("run_id", run)
            }
            SubmitFailure::Orchestrator(SubmitError::TooManyRuns { max }) => {
                let refused = Self::new(StatusCode::TOO_MANY_REQUESTS, "limit_exceeded", said);
                refused.with("max", max).retry_after(60)
            }
            SubmitFailure::Orchestrator(SubmitError::Run(error)) => error.into(),
            SubmitFailure::Orchestrator(_) => invalid("refused"),
        }
    }
}

pub(crate) async fn submit(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    request: Request,
) -> Answer {
    let submission: Submission = read_json(&app, request).await?;
    let Some(submitter) = app.options.submitter.clone() else {
        let message = "this server takes no workflows";
        return Err(Refused::new(StatusCode::NOT_IMPLEMENTED, "not_offered", message));
    };
    let run = submitter.submit(submission, &who).await?;
    let mut response = json(StatusCode::CREATED, &run.status());
    // The alphabet of run ids is within that of addresses, but for `#`.
    let location = format!("/v1/runs/{}", run.id().as_str().replace('#', "%23"));
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
