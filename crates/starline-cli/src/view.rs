//! What a person or a program sees of a run while it goes on.

use starline::types::{Envelope, Event, GraphSpec};

use crate::drive::Watcher;
use crate::line::Lines;
use crate::output::Output;

/// Writes each fact: as an object to standard output, or as a line to standard error.
pub(crate) struct View<'a> {
    output: &'a Output,
    lines: Lines,
}

impl<'a> View<'a> {
    /// A view of a run of a graph.
    pub(crate) fn new(output: &'a Output, graph: &GraphSpec) -> Self {
        Self { output, lines: Lines::new(graph, output.progress_colour()) }
    }
}

impl Watcher for View<'_> {
    fn event(&mut self, envelope: &Envelope) {
        let output = self.output;
        let is_text = matches!(envelope.event, Event::Progress { .. });
        if output.is_quiet() || is_text && !output.is_verbose() {
            return;
        }
        if output.is_json() {
            output.object(envelope);
        } else {
            output.progress(&self.lines.line(envelope));
        }
    }
}
