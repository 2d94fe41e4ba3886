//! Runs that somebody looks back at, for people and for programs.

mod run;
mod runs;
mod task;

use starline::types::{Artifact, Outputs, Reading, TaskResult};

use crate::line::{shortened, span};
use crate::paint::{Tone, printable};

pub(crate) use run::{run_object, show_run};
pub(crate) use runs::{runs_object, show_runs};
pub(crate) use task::{show_task, task_object};

/// Outputs that a line repeats at most.
const LISTED: usize = 4;

/// The word of a reading.
fn word(reading: Reading) -> String {
    serde_json::to_value(reading).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn tone(reading: Reading) -> Tone {
    match reading {
        Reading::Completed => Tone::Good,
        Reading::Failed => Tone::Bad,
        Reading::Running => Tone::Busy,
        Reading::Waiting | Reading::Ready | Reading::Queued => Tone::Plain,
        _ => Tone::Attention,
    }
}

/// Where a task was, how often and for how long.
fn course(result: &TaskResult) -> String {
    let mut parts = Vec::new();
    parts.extend(result.device.as_ref().map(|device| format!("on {device}")));
    if result.attempts > 1 {
        parts.push(format!("{} attempts", result.attempts));
    }
    parts.extend(result.duration_ms.filter(|_| result.device.is_some()).map(span));
    parts.join(", ")
}

/// Outputs as `name=value`, contents by their name and size.
fn outputs(outputs: &Outputs) -> String {
    let mut words: Vec<String> = outputs
        .iter()
        .take(LISTED)
        .map(|(name, value)| {
            let text = match Artifact::from_value(value) {
                Some(artifact) => format!("{} ({} bytes)", artifact.name, artifact.bytes),
                None => shortened(&value.to_string()),
            };
            format!("{}={}", printable(name), printable(&text))
        })
        .collect();
    let more = outputs.len().saturating_sub(LISTED);
    words.extend((more > 0).then(|| format!("and {more} more")));
    words.join(" ")
}
