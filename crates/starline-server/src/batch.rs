//! From the body of an edit to a batch.

use axum::http::StatusCode;
use starline_edit::{Code, Fault};
use starline_orchestrator::{Author, Run, Unread};
use starline_types::EditBatch;
use starline_workflow::{BatchOptions, ReadBatch, read_batch};

use crate::answer::Refused;

/// Reads a batch as far as that goes without the graph of the run.
///
/// Files that tasks are sent are not read: a client elsewhere is not to name files of this machine.
pub(crate) fn read(bytes: &[u8], run: &Run) -> Result<ReadBatch, Refused> {
    let settings = run.settings();
    let options = BatchOptions { secrets: Some(settings.secrets.clone()), ..BatchOptions::default() };
    read_batch(bytes, &options).map_err(|problems| {
        let message = problems.first().map_or_else(String::new, |problem| problem.message.clone());
        Refused::new(StatusCode::BAD_REQUEST, "invalid_body", message).with("problems", problems)
    })
}

/// Records that somebody sent what is no batch. Where that is not possible, the run has ended or is in trouble.
pub(crate) async fn record(run: &Run, refused: &Refused, by: Author) {
    let is_large = refused.status == StatusCode::PAYLOAD_TOO_LARGE;
    let code = if is_large { Code::LimitExceeded } else { Code::InvalidBatch };
    let message = refused.body.get("message").and_then(|message| message.as_str()).unwrap_or_default();
    let faults = vec![Fault::new(0, code, "batch", message)];
    let unread = Unread { faults, ..Unread::default() };
    let _ = run
        .apply_made(
            |graph| (EditBatch { base: graph.revision(), ..EditBatch::default() }, Some(unread), ()),
            by,
            false,
        )
        .await;
}
