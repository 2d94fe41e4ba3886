//! Outputs that are too long for a value: kept as artefacts, with their beginning and end left in the result.

use std::sync::Arc;

use starline_device::{
    Artifact, BlobStore, ErrorKind, MAX_INLINE_BYTES, OutputSource, OutputType, TaskError, TaskReport,
    TaskSpec, Value, stream_artifact_key,
};
use tokio::task::spawn_blocking;

use crate::veil::boundary;

/// Bytes that are left of the beginning of a stream.
const HEAD: usize = 12 * 1024;
/// Bytes that are left of its end.
const TAIL: usize = 4 * 1024;
/// The streams of a process, as results name them.
const STREAMS: [&str; 2] = ["stdout", "stderr"];

/// Keeps the streams that make a result too long, the longest first, and those that the task wants as artefacts.
/// Without a store everything stays where it is.
pub(crate) async fn shorten(
    report: TaskReport,
    spec: &TaskSpec,
    store: Option<&Arc<dyn BlobStore>>,
) -> TaskReport {
    let Some(store) = store else { return report };
    match report {
        TaskReport::Completed { mut result, stdout } => {
            let wanted = STREAMS.map(|name| is_wanted(spec, name));
            match keep(&mut result, wanted, store).await {
                Ok(()) => TaskReport::Completed { result, stdout },
                Err(error) => TaskReport::Failed { error, result },
            }
        }
        TaskReport::Failed { error, mut result } => {
            // What failed first is what matters: the result is short in any case.
            let _ = keep(&mut result, [false; STREAMS.len()], store).await;
            TaskReport::Failed { error, result }
        }
        TaskReport::Stopped => TaskReport::Stopped,
    }
}

/// Whether a task wants a stream as an artefact, however short it is.
fn is_wanted(spec: &TaskSpec, stream: &str) -> bool {
    spec.outputs.values().filter(|output| output.kind == OutputType::Artifact).any(|output| {
        match &output.from {
            OutputSource::Stdout => stream == "stdout",
            OutputSource::Pointer(pointer) => pointer.strip_prefix('/') == Some(stream),
            OutputSource::Result => false,
        }
    })
}

/// Shortens a result, whether its streams can be kept or not.
async fn keep(
    result: &mut Value,
    wanted: [bool; STREAMS.len()],
    store: &Arc<dyn BlobStore>,
) -> Result<(), TaskError> {
    let Value::Object(members) = result else { return Ok(()) };
    let length = |name: &str| members.get(name).and_then(Value::as_str).map_or(0, str::len);
    let lengths = STREAMS.map(length);
    let mut left: usize = lengths.iter().sum();
    let mut order: Vec<usize> = (0..STREAMS.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(lengths[*at]));
    let mut kept = Ok(());
    for at in order {
        let is_long = left > MAX_INLINE_BYTES;
        if !is_long && !wanted[at] {
            continue;
        }
        let name = STREAMS[at];
        let Some(Value::String(text)) = members.get_mut(name) else { continue };
        let whole = std::mem::take(text);
        let ends = is_long.then(|| ends(&whole));
        if !is_long {
            text.clone_from(&whole);
        }
        let size = whole.len();
        let stored = keep_one(name, whole, store).await;
        if let Some((head, tail)) = ends {
            let place = match &stored {
                Ok(artifact) => format!("all of it is the artifact {}", artifact.hash),
                Err(_) => "the rest could not be kept".to_owned(),
            };
            let omitted = size - head.len() - tail.len();
            let shown = format!("{head}\n[{omitted} of {size} bytes are left out here: {place}]\n{tail}");
            left = left - size + shown.len();
            members.insert(name.to_owned(), Value::from(shown));
        }
        match stored {
            Ok(artifact) => {
                members.insert(stream_artifact_key(name), artifact.to_value());
            }
            Err(error) => kept = Err(error),
        }
    }
    kept
}

/// The beginning and the end of a text.
fn ends(text: &str) -> (String, String) {
    let head = boundary(text, HEAD.min(text.len()));
    let tail = boundary(text, text.len().saturating_sub(TAIL)).max(head);
    (text[..head].to_owned(), text[tail..].to_owned())
}

async fn keep_one(name: &str, text: String, store: &Arc<dyn BlobStore>) -> Result<Artifact, TaskError> {
    let (file, store) = (format!("{name}.txt"), Arc::clone(store));
    let keeping = spawn_blocking(move || store.store(&file, &mut text.as_bytes(), text.len() as u64));
    let kept = keeping
        .await
        .map_err(|error| error.to_string())
        .and_then(|kept| kept.map_err(|error| error.to_string()));
    kept.map_err(|why| TaskError::new(ErrorKind::BadOutput, format!("{name} could not be kept: {why}")))
}
