//! Checks a batch as a whole against the graph as it is now.

use smol_str::SmolStr;
use starline_graph::TaskGraph;
use starline_types::{Applied, EditBatch, Origin};

use crate::draft::{Draft, Drafted};
use crate::inverse::inverse;
use crate::summary::summary;
use crate::{Code, Fault, Rejection, Surroundings, Touched};

/// A batch without faults, applied to a graph that it borrows: it cannot go stale, and cannot be committed
/// twice. Dropping it unwinds it.
#[derive(Debug)]
#[must_use = "dropping a checked batch unwinds it"]
pub struct CheckedBatch<'g> {
    graph: &'g mut TaskGraph,
    batch: EditBatch,
    was_empty: bool,
    drafted: Drafted,
}

impl CheckedBatch<'_> {
    /// What committing will record: the batch as it is in force, what takes it back, and what it changes. Costs what
    /// the batch touches.
    #[must_use]
    pub fn applied(&self) -> Applied {
        self.applied_as(self.batch.clone())
    }

    fn applied_as(&self, batch: EditBatch) -> Applied {
        let current = self.graph.revision();
        let happened = self.drafted.steps.backwards(self.graph);
        let summary = summary(&happened, self.graph, self.was_empty);
        let inverse = if self.was_empty { clear(self.graph) } else { inverse(happened, self.graph) };
        Applied {
            revision: if batch.edits.is_empty() { current } else { current.next() },
            batch,
            author: SmolStr::default(),
            origin: Origin::Edit,
            late: false,
            inverse,
            edges: self.drafted.judgements.clone(),
            summary,
            ignored: Vec::new(),
        }
    }

    /// The graph as it would be.
    #[must_use]
    pub fn graph(&self) -> &TaskGraph {
        self.graph
    }

    /// Tasks and edges that the batch concerns.
    #[must_use]
    pub fn touched(&self) -> Touched {
        self.drafted.steps.touched(self.graph)
    }

    /// What committing would record; the batch is unwound.
    #[must_use]
    pub fn unwound(mut self) -> Applied {
        let batch = std::mem::take(&mut self.batch);
        self.applied_as(batch)
    }

    /// Puts the batch in force: one more revision, unless it is empty.
    #[must_use = "the fact has to be recorded"]
    pub fn commit(mut self) -> Applied {
        let batch = std::mem::take(&mut self.batch);
        let applied = self.applied_as(batch);
        self.drafted.steps.note(self.graph, applied.revision);
        self.graph.set_revision(applied.revision);
        self.drafted = Drafted::empty();
        applied
    }

    /// Puts the batch in force as the graph that is submitted: revision 0, and nothing is recorded.
    pub fn install(mut self) {
        self.drafted = Drafted::empty();
    }
}

/// What takes a graph back that was built on nothing.
fn clear(graph: &TaskGraph) -> Vec<starline_types::Edit> {
    if graph.is_empty() { Vec::new() } else { vec![starline_types::Edit::Clear] }
}

impl Drop for CheckedBatch<'_> {
    fn drop(&mut self) {
        self.drafted.steps.unwind(self.graph);
    }
}

/// Checks a batch within the default limits; see [`check_within`].
///
/// # Errors
/// Every fault of every edit. The graph is unchanged.
pub fn check<'g>(graph: &'g mut TaskGraph, batch: &EditBatch) -> Result<CheckedBatch<'g>, Rejection> {
    check_within(graph, batch, &Surroundings::default())
}

/// Checks a batch as a whole: ids, values, edges, cycles, references, limits, guard rails; and, if its base is older
/// than the graph, that nobody changed since what it touches.
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
    if let Some(fault) = beyond(batch, around) {
        return Err(reject(fault));
    }
    if batch.base > current {
        let message = format!("base {} is newer than revision {}", batch.base.0, current.0);
        let fault = Fault::new(0, Code::UnknownRevision, batch.base.0, message);
        return Err(reject(fault.hint(format!("the newest revision is {}", current.0))));
    }
    let was_empty = graph.is_empty();
    let mut in_force: Option<EditBatch> = None;
    let mut draft = Draft::new(graph, batch.base, around);
    for (at, edit) in batch.edits.iter().enumerate() {
        let position = around.unread.and_then(|unread| unread.positions.get(at)).copied().unwrap_or(at);
        if let Some(amended) = draft.apply(position, edit) {
            in_force.get_or_insert_with(|| batch.clone()).edits[at] = amended;
        }
    }
    let mut drafted = draft.finish();
    if let Some(max) = added_limit(around).filter(|max| around.usage.added_tasks + drafted.added > *max) {
        let message = format!("{} tasks added by edits", around.usage.added_tasks + drafted.added);
        let fault = Fault::new(0, Code::LimitExceeded, "added_tasks", message);
        drafted.faults.insert(0, fault.hint(format!("at most {max} in one run")));
    }
    if !drafted.faults.is_empty() {
        let faults = std::mem::take(&mut drafted.faults);
        drafted.steps.unwind(graph);
        return Err(Rejection { current, faults });
    }
    let batch = in_force.unwrap_or_else(|| batch.clone());
    Ok(CheckedBatch { graph, batch, was_empty, drafted })
}

/// The fault of a batch that passes a limit as a whole.
fn beyond(batch: &EditBatch, around: &Surroundings<'_>) -> Option<Fault> {
    let count = batch.edits.len() + around.unread.map_or(0, |unread| unread.edits());
    if count > around.limits.edits {
        let message = format!("{count} edits in one batch");
        let fault = Fault::new(0, Code::LimitExceeded, "edits", message);
        return Some(fault.hint(format!("at most {}", around.limits.edits)));
    }
    let own = around.policy.and_then(|policy| policy.limits.edits).unwrap_or(u64::MAX);
    let max = own.min(around.limits.run_edits);
    let total = around.usage.edits + count as u64;
    if total > max && around.usage != crate::Usage::default() || total > own {
        let message = format!("{total} edits in one run");
        return Some(
            Fault::new(0, Code::LimitExceeded, "edits", message).hint(format!("at most {max} in one run")),
        );
    }
    None
}

/// Tasks that edits may add. A graph that is submitted is no edit: its limit is that of graphs.
fn added_limit(around: &Surroundings<'_>) -> Option<u64> {
    let own = around.policy.and_then(|policy| policy.limits.added_tasks);
    let edited = around.usage != crate::Usage::default();
    own.or_else(|| edited.then_some(around.limits.added_tasks))
}
