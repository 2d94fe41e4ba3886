//! All runs, one line each.

use std::path::Path;

use serde::{Deserialize, Serialize};
use starline::types::{Event, Millis, RunState, StateCounts};

use super::{IMPORTED, Past, names, read_json, state_word};
use crate::failure::Failure;
use crate::journal::{self, Read};
use crate::records::RESULT;

/// A run in a few words.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Listed {
    pub(crate) run_id: String,
    pub(crate) name: String,
    /// The word for its state.
    pub(crate) state: &'static str,
    /// Whether another process is carrying it out.
    pub(crate) live: bool,
    /// Whether it was imported, to be looked at.
    pub(crate) imported: bool,
    pub(crate) total_tasks: usize,
    pub(crate) counts: StateCounts,
    /// Begin, in milliseconds since 1970.
    pub(crate) started_at: Option<u64>,
    pub(crate) duration_ms: Option<Millis>,
}

/// A run, or its id with the reason why its files cannot be read.
pub(crate) type Entry = Result<Listed, (String, Failure)>;

/// What is read of a result.
#[derive(Deserialize)]
struct Short {
    status: RunState,
    total_tasks: usize,
    counts: StateCounts,
    started_at: Option<u64>,
    duration_ms: Millis,
}

/// All runs, those that began last first. Those whose files cannot be read come with the reason.
///
/// # Errors
/// The state folder cannot be read.
pub(crate) fn listed(state_dir: &Path) -> Result<Vec<Entry>, Failure> {
    let runs = state_dir.join("runs");
    let one = |name: String| one(&runs.join(&name), &name).map_err(|failure| (name, failure));
    Ok(names(state_dir)?.into_iter().rev().map(one).collect())
}

fn one(folder: &Path, name: &str) -> Result<Listed, Failure> {
    let imported = folder.join(IMPORTED).exists();
    // A result is much smaller than what it came from.
    let short: Option<Short> = if imported { None } else { read_json(&folder.join(RESULT)) };
    if let Some(short) = short {
        return Ok(Listed {
            run_id: name.to_owned(),
            name: display_name(folder).unwrap_or_default(),
            state: short.status.as_str(),
            live: false,
            imported,
            total_tasks: short.total_tasks,
            counts: short.counts,
            started_at: short.started_at,
            duration_ms: Some(short.duration_ms),
        });
    }
    let past = Past::read(folder)?;
    let outcome = &past.outcome;
    Ok(Listed {
        run_id: name.to_owned(),
        name: past.graph.name.clone(),
        state: state_word(outcome.status, past.is_interrupted()),
        live: past.live,
        imported,
        total_tasks: outcome.total_tasks,
        counts: outcome.counts,
        started_at: outcome.started_at,
        duration_ms: Some(outcome.duration_ms),
    })
}

/// The name in the first fact.
fn display_name(folder: &Path) -> Option<String> {
    let Read::Idle(reader) = journal::reader(folder).ok()? else { return None };
    let mut found = None;
    let read = journal::each(&reader, folder, |fact| {
        if let Event::RunCreated { name, .. } = &fact.event {
            found = Some(name.to_string());
        }
        Ok(false)
    });
    read.ok().and(found)
}
