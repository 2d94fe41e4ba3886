//! The reader of all streams.

use std::sync::Arc;

use starline_types::{GraphSpec, RunSettings};

use super::book::RunBook;
use super::{Finding, Ground};
use crate::{Action, Strategist};

/// Follows all runs of a schedule and objects when a rule is broken.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    pub(super) books: Vec<RunBook>,
    /// Devices that got an attempt in the present commit.
    pub(super) filled: Vec<usize>,
    /// Devices that died for certain since the last commit.
    pub(super) gone: Vec<usize>,
    /// Whether replays can be compared: the seats of devices are those of a fresh registration.
    comparable: bool,
}

impl Judge {
    pub(crate) fn new() -> Self {
        Self { comparable: true, ..Self::default() }
    }

    /// A run is about to be submitted.
    pub(crate) fn expect(
        &mut self,
        graph: Arc<GraphSpec>,
        settings: Arc<RunSettings>,
        strategist: Strategist,
    ) {
        self.books.push(RunBook::new(graph, settings, strategist));
    }

    /// Somebody does something.
    pub(crate) fn heed(&mut self, action: &Action) {
        match action {
            Action::CancelRun { run, .. } => {
                if let Some(book) = self.books.get_mut(*run) {
                    book.cancel_run = true;
                }
            }
            Action::Rollback { run, .. } => {
                if let Some(book) = self.books.get_mut(*run) {
                    book.undo.wanted = true;
                }
            }
            Action::CancelTask { run, task } => self.note(*run, task, |book| &mut book.cancelled),
            Action::SkipTask { run, task } => self.note(*run, task, |book| &mut book.skipped),
            Action::Answer { run, task, approve } => {
                if let Some(book) = self.books.get_mut(*run)
                    && let Some(task) = book.names.get(task.as_str()).copied()
                {
                    book.answers.push((task, *approve));
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, run: usize, task: &str, list: impl Fn(&mut RunBook) -> &mut Vec<usize>) {
        if let Some(book) = self.books.get_mut(run)
            && let Some(task) = book.names.get(task).copied()
        {
            list(book).push(task);
        }
    }

    /// A device died, and the orchestrator was told that nothing is left of it.
    pub(crate) fn lost_for_certain(&mut self, device: usize) {
        self.gone.push(device);
    }

    /// The orchestrator began a new life.
    pub(crate) fn restarted(&mut self, journals_first: bool, epoch: u64) {
        for book in &mut self.books {
            book.forget_said();
            book.owner = (!book.state.is_terminal()).then_some(epoch);
        }
        self.gone.clear();
        self.filled.clear();
        self.comparable &= !journals_first;
    }

    /// Whether replays can be compared with what is alive.
    pub(crate) fn is_comparable(&self) -> bool {
        self.comparable
    }

    pub(super) fn device(ground: &Ground<'_>, id: &str) -> Option<usize> {
        ground.devices.iter().position(|seat| seat.profile.id.as_str() == id)
    }

    pub(crate) fn all_closed(&self) -> bool {
        self.books.iter().all(|book| book.state.is_terminal())
    }

    /// What is wrong with the present end of a schedule, if anything: a run that has not ended must say why.
    pub(crate) fn at_rest(&self, ground: &Ground<'_>) -> Result<(), Finding> {
        for (run, book) in self.books.iter().enumerate() {
            super::settled::at_rest(run, book, ground)?;
        }
        Ok(())
    }
}
