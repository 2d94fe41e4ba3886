//! Answers: JSON, and refusals with stable words.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};
use starline_edit::Code;
use starline_orchestrator::{Refusal, Rejection, RunError};
use starline_types::{RejectedEdit, Revision};

/// A refusal: a status, a stable word, and whatever helps to do better.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) body: Map<String, Value>,
    pub(crate) retry_after: Option<u64>,
}

pub(crate) type Answer = Result<Response, Refused>;

impl Refused {
    pub(crate) fn new(status: StatusCode, word: &str, message: impl Into<String>) -> Self {
        let mut body = Map::new();
        body.insert("error".into(), word.into());
        body.insert("message".into(), message.into().into());
        Self { status, body, retry_after: None }
    }

    pub(crate) fn with(mut self, key: &str, value: impl Serialize) -> Self {
        self.body.insert(key.into(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// Asks for another try after some seconds.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }

    pub(crate) fn bad_request(word: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, word, message)
    }

    pub(crate) fn not_found(word: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, word, message)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = json(self.status, &self.body);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A body as JSON.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let (status, bytes) = match serde_json::to_vec(body) {
        Ok(bytes) => (status, bytes),
        // Every body here is made of maps with texts as keys; a float that is no number is written as null.
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            (StatusCode::INTERNAL_SERVER_ERROR, br#"{"error":"internal"}"#.to_vec())
        }
    };
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn ok(body: &impl Serialize) -> Answer {
    Ok(json(StatusCode::OK, body))
}

impl From<RunError> for Refused {
    fn from(error: RunError) -> Self {
        let said = error.to_string();
        match error {
            RunError::Refused(refusal) => of_refusal(refusal),
            RunError::HasEditor => Self::new(StatusCode::CONFLICT, "has_editor", said),
            RunError::UnknownRun(_) => Self::not_found("unknown_run", said),
            RunError::Journal(fault) => of_journal(&fault.to_string(), said),
            RunError::ShutDown => Self::new(StatusCode::SERVICE_UNAVAILABLE, "shut_down", said),
            _ => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", said),
        }
    }
}

fn of_journal(fault: &str, said: String) -> Refused {
    // The one fault that ends by itself has a status of its own.
    if fault == "journal is full" {
        Refused::new(StatusCode::INSUFFICIENT_STORAGE, "journal_full", said).retry_after(10)
    } else {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "journal_failed", said)
    }
}

fn of_refusal(refusal: Refusal) -> Refused {
    let said = refusal.to_string();
    // Words stand before messages where there are any.
    let message =
        said.split_once(": ").filter(|(word, _)| is_word(word)).map_or(said.as_str(), |(_, rest)| rest);
    let conflict = |word: &str| Refused::new(StatusCode::CONFLICT, word, message);
    match &refusal {
        Refusal::Rejected(rejection) => of_rejection(rejection),
        Refusal::RejectedBefore(rejected) => of_rejected(rejected),
        Refusal::WrongRunState { state, allowed } => {
            conflict("wrong_run_state").with("state", state).with("allowed", allowed)
        }
        Refusal::RunTerminal(state) => conflict("run_terminal").with("state", state),
        Refusal::RunCancelling => conflict("run_cancelling"),
        Refusal::UnknownTask { task, known } => {
            Refused::not_found("unknown_task", message).with("task", task).with("known", &known.names)
        }
        Refusal::TaskTerminal { task, state } => {
            conflict("task_terminal").with("task", task).with("state", state)
        }
        Refusal::TaskNotPending { task, state } => {
            conflict("task_not_pending").with("task", task).with("state", state)
        }
        Refusal::NotAwaitingApproval { task, state } => {
            conflict("not_awaiting_approval").with("task", task).with("state", state)
        }
        Refusal::UnknownHold { hold, open } => {
            let open: Vec<String> = open.iter().map(ToString::to_string).collect();
            Refused::not_found("unknown_hold", message).with("hold", hold.to_string()).with("open", open)
        }
        Refusal::NoDevices | Refusal::NoDevicesForTask => conflict("no_devices"),
        Refusal::NoEligibleDevice(_) => conflict("no_eligible_device"),
        Refusal::Unassigned { .. } => conflict("unassigned"),
        _ => Refused::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", message),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Faults that say that the author has to look at the graph again.
const CONFLICTS: [Code; 4] = [Code::RunTerminal, Code::RunCancelling, Code::UnknownRevision, Code::Conflict];

/// The answer to a batch with faults.
pub(crate) fn of_rejection(rejection: &Rejection) -> Refused {
    let faults = rejection.faults.iter().map(|fault| json!(fault)).collect();
    of_faults(rejection.current, faults)
}

fn of_rejected(rejected: &RejectedEdit) -> Refused {
    of_faults(rejected.current, rejected.rejections.clone())
}

fn of_faults(current: Revision, faults: Vec<Value>) -> Refused {
    let has = |code: Code| faults.iter().any(|fault| fault["code"] == code.as_str());
    if has(Code::Busy) {
        return refused_batch(StatusCode::TOO_MANY_REQUESTS, "busy", current, faults).retry_after(1);
    }
    let Some(code) = CONFLICTS.into_iter().find(|code| has(*code)) else {
        return refused_batch(StatusCode::UNPROCESSABLE_ENTITY, "rejected", current, faults);
    };
    let mut changed: Vec<String> = faults
        .iter()
        .filter(|fault| fault["code"] == Code::Conflict.as_str())
        .filter_map(|fault| fault["item"].as_str().map(str::to_owned))
        .collect();
    changed.sort_unstable();
    changed.dedup();
    refused_batch(StatusCode::CONFLICT, code.as_str(), current, faults).with("changed", changed)
}

fn refused_batch(status: StatusCode, word: &str, current: Revision, faults: Vec<Value>) -> Refused {
    let mut body = Map::new();
    body.insert("error".into(), word.into());
    body.insert("current".into(), current.0.into());
    body.insert("rejections".into(), faults.into());
    Refused { status, body, retry_after: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use starline_edit::Fault;
    use starline_journal::JournalFault;

    fn answered(codes: &[Code]) -> Refused {
        let faults =
            codes.iter().enumerate().map(|(at, code)| Fault::new(at, *code, "merge", "it went wrong"));
        of_rejection(&Rejection { current: Revision(5), faults: faults.collect() })
    }

    #[test]
    fn the_status_of_a_refused_batch_follows_its_codes() {
        let status = |codes: &[Code]| answered(codes).status.as_u16();
        assert_eq!(status(&[Code::UnknownTask, Code::WouldCycle]), 422);
        assert_eq!(status(&[Code::UnknownTask, Code::Conflict]), 409, "the author has to look again anyway");
        for code in [Code::UnknownRevision, Code::RunTerminal, Code::RunCancelling] {
            let refused = answered(&[code]);
            assert_eq!((refused.status.as_u16(), &refused.body["error"]), (409, &json!(code.as_str())));
        }
        let busy = answered(&[Code::Busy]);
        assert_eq!(
            (busy.status.as_u16(), busy.retry_after, &busy.body["error"]),
            (429, Some(1), &json!("busy"))
        );
    }

    #[test]
    fn a_conflict_has_a_golden_body() {
        let refused = answered(&[Code::Conflict, Code::Conflict]);
        assert_eq!(
            Value::Object(refused.body),
            json!({
                "error": "conflict", "current": 5, "changed": ["merge"],
                "rejections": [
                    {"edit": 0, "code": "conflict", "item": "merge", "message": "it went wrong"},
                    {"edit": 1, "code": "conflict", "item": "merge", "message": "it went wrong"},
                ],
            })
        );
    }

    #[test]
    fn a_full_journal_is_told_from_a_broken_one() {
        let full = Refused::from(RunError::Journal(JournalFault::Full));
        assert_eq!((full.status.as_u16(), &full.body["error"]), (507, &json!("journal_full")));
        assert!(full.retry_after.is_some());
        let broken = Refused::from(RunError::Journal(JournalFault::Failed));
        assert_eq!((broken.status.as_u16(), &broken.body["error"]), (503, &json!("journal_failed")));
    }

    #[test]
    fn messages_leave_out_the_word_that_stands_beside_them() {
        let refused = Refused::from(RunError::Refused(Refusal::RunCancelling));
        assert_eq!(
            Value::Object(refused.body),
            json!({"error": "run_cancelling", "message": "the run is being cancelled"})
        );
    }
}
