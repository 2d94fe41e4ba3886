//! Checks a batch as a whole against the graph as it is now.

use starline_graph::TaskGraph;
use starline_types::{Applied, EditBatch};

use crate::draft::{Draft, Drafted};
use crate::{Code, Fault, Rejection, Surroundings};

/// A batch without faults, applied to a graph that it borrows: it cannot go stale, and cannot be committed
/// twice. Dropping it unwinds it.
#[derive(Debug)]
#[must_use = "dropping a checked batch unwinds it"]
pub struct CheckedBatch<'g> {
    graph: &'g mut TaskGraph,
    applied: Applied,
    drafted: Drafted,
}

impl CheckedBatch<'_> {
    /// What committing will record.
    #[must_use]
    pub fn applied(&self) -> &Applied {
        &self.applied
    }

    /// Puts the batch in force: one more revision.
    #[must_use = "the fact has to be recorded"]
    pub fn commit(mut self) -> Applied {
        self.graph.set_revision(self.applied.revision);
        self.drafted = Drafted::empty();
        self.applied.clone()
    }
}

impl Drop for CheckedBatch<'_> {
    fn drop(&mut self) {
        self.drafted.unwind(self.graph);
    }
}

/// Checks a batch within the default limits; see [`check_within`].
///
/// # Errors
/// Every fault of every edit. The graph is unchanged.
pub fn check<'g>(graph: &'g mut TaskGraph, batch: &EditBatch) -> Result<CheckedBatch<'g>, Rejection> {
    check_within(graph, batch, &Surroundings::default())
}

/// Checks a batch as a whole: ids, values, edges, cycles, references, limits.
///
/// Costs what the batch touches; a batch that brings most of the edges, such as a whole graph, is checked for
/// cycles in one pass, O(n + m).
///
/// # Errors
/// Every fault of every edit. The graph is unchanged.
pub fn check_within<'g>(
    graph: &'g mut TaskGraph,
    batch: &EditBatch,
    around: &Surroundings<'_>,
) -> Result<CheckedBatch<'g>, Rejection> {
    let current = graph.revision();
    let reject = |fault: Fault| Rejection { current, faults: vec![fault] };
    if batch.edits.len() > around.limits.edits {
        let message = format!("{} edits in one batch", batch.edits.len());
        let fault = Fault::new(0, Code::LimitExceeded, "edits", message);
        return Err(reject(fault.hint(format!("at most {}", around.limits.edits))));
    }
    if batch.base > current {
        let message = format!("base {} is newer than revision {}", batch.base.0, current.0);
        return Err(reject(Fault::new(0, Code::UnknownRevision, batch.base.0, message)));
    }
    let mut draft = Draft::new(graph, around);
    for (index, edit) in batch.edits.iter().enumerate() {
        draft.apply(index, edit);
    }
    let mut drafted = draft.finish();
    if !drafted.faults.is_empty() {
        let faults = std::mem::take(&mut drafted.faults);
        drafted.unwind(graph);
        return Err(Rejection { current, faults });
    }
    let revision = if batch.edits.is_empty() { current } else { current.next() };
    Ok(CheckedBatch { graph, applied: Applied { revision, batch: batch.clone() }, drafted })
}
