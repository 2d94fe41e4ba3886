//! The graph of a run with the states of its tasks.

use starline_workflow::to_svg;

use crate::History;

/// The final graph as a drawing; `None` if it is empty.
pub(crate) fn graph(history: &History) -> Option<String> {
    let graph = history.graph();
    (!graph.is_empty()).then(|| to_svg(&graph.to_spec(), Some(&history.readings())))
}
