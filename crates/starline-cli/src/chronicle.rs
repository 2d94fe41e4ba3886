//! The history of a run as it is made, for the files that are written at its end.

use starline::report::{History, HistoryError, to_chrome_trace, to_html, to_markdown};
use starline::types::{DeviceProfile, Envelope, EventKind, RunId};
use starline::workflow::to_mermaid;

use crate::edits::Edits;

/// Follows the facts of one run.
#[derive(Debug, Default)]
pub(crate) struct Chronicle {
    history: Option<History>,
    fault: Option<HistoryError>,
}

/// The files of a run that are made of its history, each with its name.
pub(crate) const FILES: [&str; 4] = ["report.html", "report.md", "trace.json", "graph.mmd"];

impl Chronicle {
    /// Takes a fact in, or what a task put out.
    pub(crate) fn observe(&mut self, envelope: &Envelope) {
        if self.fault.is_some() {
            return;
        }
        let taken = match &mut self.history {
            Some(history) => history.push(envelope),
            None if envelope.run_id == RunId::system() || envelope.event.kind() == EventKind::Progress => {
                Ok(())
            }
            None => History::read([envelope]).map(|history| self.history = Some(history)),
        };
        self.fault = taken.err();
    }

    /// What was edited so far.
    pub(crate) fn edits(&self) -> Option<Edits> {
        self.history.as_ref().and_then(Edits::of)
    }

    /// The history so far.
    ///
    /// # Errors
    /// A fact was missing, so that those after it could not be taken in.
    pub(crate) fn finish(mut self, devices: &[DeviceProfile]) -> Result<Option<History>, HistoryError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if let Some(history) = &mut self.history {
            history.know_devices(devices);
        }
        Ok(self.history)
    }
}

/// One of [the files](FILES) of a run.
pub(crate) fn file(name: &str, history: &History) -> String {
    match name {
        "report.html" => to_html(history),
        "report.md" => to_markdown(history),
        "trace.json" => to_chrome_trace(history),
        _ => {
            let readings = history.readings();
            to_mermaid(&history.graph().to_spec(), Some(&readings))
        }
    }
}
