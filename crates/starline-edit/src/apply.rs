//! Applies a recorded batch again.

use starline_graph::TaskGraph;
use starline_types::Applied;

use crate::draft::Draft;
use crate::{Limits, Surroundings};

/// Applies a batch that was committed before: the same changes in the same order, within the largest limits.
///
/// A recorded fact cannot be refused. Edits that do not fit this graph, which means that the record belongs
/// to another one, are left out.
pub fn reapply(graph: &mut TaskGraph, applied: &Applied) {
    let around = Surroundings { devices: None, limits: Limits { degree: usize::MAX, ..Limits::ceiling() } };
    let mut draft = Draft::new(graph, &around);
    for (index, edit) in applied.batch.edits.iter().enumerate() {
        draft.apply(index, edit);
    }
    let drafted = draft.finish();
    debug_assert!(drafted.faults.is_empty(), "a recorded batch does not fit: {:?}", drafted.faults);
    graph.set_revision(applied.revision);
}
