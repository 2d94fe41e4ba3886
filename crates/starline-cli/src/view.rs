//! What a person or a program sees of a run while it goes on.

use starline::types::{DeviceProfile, Envelope, Event, GraphSpec};

use crate::drive::Watcher;
use crate::line::{Lines, is_notable};
use crate::live::Live;
use crate::output::Output;
use crate::screen;

/// The view that fits: live on a terminal, and one line or one object for each fact elsewhere.
pub(crate) fn view<'a>(
    output: &'a Output,
    graph: &GraphSpec,
    devices: &[DeviceProfile],
) -> Box<dyn Watcher + 'a> {
    let mut view = View::new(output, graph);
    if !is_live(output) {
        return Box::new(view);
    }
    view.notable_only = true;
    Box::new(Live::new(view, output, graph, devices))
}

/// Whether progress is drawn again and again, in place of a line for each fact.
pub(crate) fn is_live(output: &Output) -> bool {
    !output.is_json() && !output.is_quiet() && screen::is_possible()
}

/// Writes each fact: as an object to standard output, or as a line to standard error.
struct View<'a> {
    output: &'a Output,
    lines: Lines,
    /// Whether what can be seen elsewhere is left out.
    notable_only: bool,
}

impl<'a> View<'a> {
    /// A view of a run of a graph.
    fn new(output: &'a Output, graph: &GraphSpec) -> Self {
        Self { output, lines: Lines::new(graph, output.progress_colour()), notable_only: false }
    }
}

impl Watcher for View<'_> {
    fn past(&mut self, envelope: &Envelope) {
        self.lines.pass(envelope);
    }

    fn event(&mut self, envelope: &Envelope) {
        let output = self.output;
        let is_text = matches!(envelope.event, Event::Progress { .. });
        if output.is_quiet() || is_text && !output.is_verbose() {
            return;
        }
        if output.is_json() {
            output.object(envelope);
        } else if self.notable_only && !is_text && !is_notable(&envelope.event) {
            self.lines.pass(envelope);
        } else {
            output.progress(&self.lines.line(envelope));
        }
    }

    fn caught_up(&mut self) {
        self.output.flush();
    }
}
