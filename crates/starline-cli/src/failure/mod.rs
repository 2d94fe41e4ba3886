//! Why a command did not do what it was asked for.

mod answer;

use std::error::Error;
use std::fmt;

use serde_json::{Value, json};
use starline::orchestrator::{RecoverError, Refusal, Rejection, RunError, SubmitError};

use crate::exit::Exit;
use crate::issue::{Issue, Verdict};
use crate::output::Output;
use crate::paint::printable;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A file is wrong, and this is how.
    File(Box<Verdict>),
    /// Another process refuses, and this is its answer.
    Answer {
        /// What the exit code says.
        exit: Exit,
        /// The answer.
        body: Value,
    },
    /// Anything else.
    Other {
        /// What the exit code says.
        exit: Exit,
        /// Stable word.
        code: &'static str,
        /// What happened, in one line.
        message: String,
        /// What to do instead.
        hint: Option<String>,
    },
}

impl Failure {
    /// A failure with its exit code and stable word.
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self::Other { exit, code, message: message.into(), hint: None }
    }

    /// A file that is wrong as a whole.
    pub(crate) fn file(file: &str, code: &str, message: impl Into<String>) -> Self {
        Self::issues(file, vec![Issue::whole(code, message, None)])
    }

    /// A file with issues.
    pub(crate) fn issues(file: &str, errors: Vec<Issue>) -> Self {
        Self::File(Box::new(Verdict::new(file, errors)))
    }

    /// Something around starline is in the way; the message begins with what was tried.
    pub(crate) fn infrastructure(code: &'static str, what: impl Into<String>, cause: &dyn Error) -> Self {
        Self::new(Exit::Infrastructure, code, with_causes(what.into(), Some(cause)))
    }

    /// The journal of a run cannot be written, or cannot be trusted; the message begins with what was tried.
    pub(crate) fn journal(what: impl Into<String>, cause: &dyn Error) -> Self {
        Self::new(Exit::Journal, "journal", with_causes(what.into(), Some(cause)))
    }

    /// The same refusal as one of a file that somebody else has read, told at its lines.
    pub(crate) fn of_file(self, file: &str, text: &str) -> Self {
        let Self::Answer { exit, body } = self else { return self };
        let problems = body["problems"].as_array().filter(|_| body["error"] == "invalid_workflow");
        match problems {
            Some(problems) => {
                Self::issues(file, problems.iter().map(|problem| Issue::told(problem, text)).collect())
            }
            // The graph has faults that only the orchestrator finds: told as `run` tells them itself.
            None if body["error"] == "rejected" => {
                let faults = body["rejections"].as_array().map(Vec::as_slice).unwrap_or_default();
                let text = |fault: &Value, field: &str| fault[field].as_str().unwrap_or_default().to_owned();
                let hint = |fault: &Value| fault["hint"].as_str().map(str::to_owned);
                let issue = |fault| Issue::whole(&text(fault, "code"), text(fault, "message"), hint(fault));
                Self::issues(file, faults.iter().map(issue).collect())
            }
            // What is wrong is wrong with the file or with the flags.
            None if body["error"] == "invalid_submission" => Self::Answer { exit: Exit::Invalid, body },
            None => Self::Answer { exit, body },
        }
    }

    /// What the exit code says.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::File(_) => Exit::Invalid,
            Self::Answer { exit, .. } | Self::Other { exit, .. } => *exit,
        }
    }

    /// The stable word for it, if it has one.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::File(_) => None,
            Self::Answer { body, .. } => body["error"].as_str(),
            Self::Other { code, .. } => Some(code),
        }
    }

    /// The same failure with what to do instead.
    pub(crate) fn with_hint(self, text: impl Into<String>) -> Self {
        match self {
            Self::Other { exit, code, message, .. } => {
                Self::Other { exit, code, message, hint: Some(text.into()) }
            }
            told @ (Self::File(_) | Self::Answer { .. }) => told,
        }
    }

    /// What went wrong in one line, without the name of a file that is wrong in one way only.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::File(verdict) => match verdict.errors.as_slice() {
                [Issue::Whole { message, .. }] => message.clone(),
                _ => verdict.headline(),
            },
            Self::Answer { body, .. } => answer::headline(body),
            Self::Other { message, .. } => message.clone(),
        }
    }

    /// What to do instead, if there is something to say.
    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Self::File(verdict) => match verdict.errors.as_slice() {
                [Issue::Whole { hint, .. }] => hint.as_deref(),
                _ => None,
            },
            Self::Answer { .. } => None,
            Self::Other { hint, .. } => hint.as_deref(),
        }
    }

    /// Tells whoever asked, and says what the exit code is.
    pub(crate) fn report(&self, output: &Output) -> Exit {
        match self {
            Self::File(verdict) => {
                if output.is_json() {
                    output.object(verdict);
                } else {
                    tell(verdict, output);
                }
                Exit::Invalid
            }
            Self::Answer { exit, body } => {
                if output.is_json() {
                    output.object(body);
                } else {
                    answer::tell(body, output);
                }
                *exit
            }
            Self::Other { exit, code, message, hint } => {
                if output.is_json() {
                    let mut error = json!({"code": code, "message": message, "exit_code": exit.code()});
                    if let Some(hint) = hint {
                        error["hint"] = json!(hint);
                    }
                    output.object(&json!({ "error": error }));
                } else {
                    output.error(&printable(message));
                    if let Some(hint) = hint {
                        output.notice(&format!("  = {}", printable(hint)));
                    }
                }
                *exit
            }
        }
    }
}

/// Tells a person what is wrong with a file: each issue at its line, or the one thing that is to say.
fn tell(verdict: &Verdict, output: &Output) {
    if let [Issue::Whole { message, hint, excerpt, .. }] = verdict.errors.as_slice()
        && excerpt.is_empty()
    {
        let file = if message.starts_with(&verdict.file) { "" } else { &format!("{}: ", verdict.file) };
        output.error(&printable(&format!("{file}{message}")));
        if let Some(hint) = hint {
            output.notice(&format!("  = {}", printable(hint)));
        }
        return;
    }
    output.notice(verdict.render().trim_end());
    output.error(&verdict.headline());
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(verdict) => f.write_str(&verdict.headline()),
            Self::Answer { body, .. } => f.write_str(&answer::headline(body)),
            Self::Other { message, .. } => f.write_str(message),
        }
    }
}

/// A message followed by what caused it.
pub(crate) fn with_causes(mut message: String, mut cause: Option<&dyn Error>) -> String {
    while let Some(error) = cause {
        message.push_str(": ");
        message.push_str(&error.to_string());
        cause = error.source();
    }
    message
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Refused(refusal) => refusal.into(),
            RunError::Journal(_) => Self::new(Exit::Journal, "journal", error.to_string()),
            error => Self::new(Exit::Infrastructure, "orchestrator_unavailable", error.to_string()),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let (exit, code) = match &refusal {
            Refusal::UnknownTask { .. } => (Exit::Invalid, "unknown_task"),
            Refusal::UnknownDevice { .. } => (Exit::Invalid, "unknown_device"),
            Refusal::NoDevices | Refusal::NoDevicesForTask => (Exit::Infrastructure, "no_devices"),
            Refusal::NoEligibleDevice(_) => (Exit::Refused, "no_eligible_device"),
            Refusal::NotEligible { .. } => (Exit::Refused, "not_eligible"),
            Refusal::Unassigned { .. } => (Exit::Refused, "unassigned"),
            Refusal::WrongRunState { .. } => (Exit::Refused, "wrong_run_state"),
            Refusal::RunTerminal(_) => (Exit::Refused, "run_terminal"),
            Refusal::RunCancelling => (Exit::Refused, "run_cancelling"),
            _ => (Exit::Refused, "refused"),
        };
        // The code is the first word of some messages, and a field of its own here.
        let text = refusal.to_string();
        let message = text.strip_prefix(code).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&text);
        match code {
            "no_eligible_device" => Self::new(exit, code, format!("no device fits: {message}")),
            _ => Self::new(exit, code, message),
        }
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let faults = rejection.faults.into_iter();
        let issues =
            faults.map(|fault| Issue::whole(fault.code.as_str(), fault.message, fault.hint)).collect();
        Self::issues("workflow", issues)
    }
}

impl From<RecoverError> for Failure {
    fn from(error: RecoverError) -> Self {
        match error {
            RecoverError::Run(error) => error.into(),
            RecoverError::Replay { run, fault } => {
                Self::journal(format!("failed to go on with run {run}"), &fault)
            }
            error => Self::new(Exit::Refused, "refused", error.to_string()),
        }
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Rejected(rejection) => rejection.into(),
            SubmitError::Run(error) => error.into(),
            error => Self::new(Exit::Refused, "refused", error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use starline::types::TaskId;

    #[test]
    fn refusals_say_their_code_once() {
        let task = TaskId::new("scan").expect("id");
        let failure = Failure::from(Refusal::NoEligibleDevice(vec![(task, vec!["logs".into()])]));
        let Failure::Other { exit, code, message, .. } = failure else { panic!("{failure:?}") };
        assert_eq!((exit, code), (Exit::Refused, "no_eligible_device"));
        assert_eq!(message, "no device fits: task scan lacks logs");
    }

    #[test]
    fn a_graph_that_another_process_refuses_is_invalid_input() {
        let fault = json!({"edit": 0, "code": "limit_exceeded", "message": "too many tasks", "hint": "make two runs of it"});
        let body = json!({"error": "rejected", "current": 0, "rejections": [fault]});
        let refused = Failure::Answer { exit: Exit::Refused, body }.of_file("flow.yaml", "version: 1");
        assert_eq!((refused.exit(), refused.reason().as_str()), (Exit::Invalid, "too many tasks"));
        assert_eq!(refused.hint(), Some("make two runs of it"));
        let busy = Failure::Answer { exit: Exit::Infrastructure, body: json!({"error": "limit_exceeded"}) };
        assert_eq!(busy.of_file("flow.yaml", "").exit(), Exit::Infrastructure, "not the fault of the file");
    }

    #[test]
    fn causes_are_told_in_order() {
        let io = std::io::Error::other("disk is gone");
        let failure = Failure::infrastructure("state", "failed to write x", &io);
        let Failure::Other { message, .. } = failure else { panic!("{failure:?}") };
        assert_eq!(message, "failed to write x: disk is gone");
    }
}
