//! One hold.

use rustc_hash::FxHashSet;
use starline_types::{HoldScope, TaskIx, Timestamp};

/// A hold that is open.
#[derive(Clone, Debug)]
pub struct Hold {
    /// What it covers.
    pub scope: HoldScope,
    /// The tasks whose end opened it, in the order in which they registered.
    pub triggers: Vec<TaskIx>,
    /// When it was opened.
    pub opened: Timestamp,
    /// Whether it is in the hands of the editor.
    pub phase: Phase,
    /// Triggers, tasks that are covered on their own, and whatever has started or ended behind them: what waits for one
    /// of these is covered.
    pub(crate) marks: FxHashSet<TaskIx>,
    /// Tasks that are covered on their own.
    pub(crate) extended: Vec<TaskIx>,
}

/// Where a hold stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Behind the active one: triggers gather.
    Collecting,
    /// First in line.
    Active {
        /// When it became active.
        since: Timestamp,
        /// When it closes by itself.
        deadline: Timestamp,
    },
}

impl Hold {
    pub(crate) fn new(scope: HoldScope, triggers: Vec<TaskIx>, opened: Timestamp) -> Self {
        let marks = triggers.iter().copied().collect();
        Self { scope, triggers, opened, phase: Phase::Collecting, marks, extended: Vec::new() }
    }

    /// Whether it covers an unstarted task, given the direct predecessors of it that have ended.
    pub(crate) fn covers(&self, task: TaskIx, predecessors: impl IntoIterator<Item = TaskIx>) -> bool {
        self.scope == HoldScope::Graph
            || self.extended.contains(&task)
            || predecessors.into_iter().any(|before| self.marks.contains(&before))
    }

    /// Triggers, tasks that are covered on their own, and whatever has started or ended behind them, sorted by index:
    /// what waits for one of these is covered.
    #[must_use]
    pub fn marks(&self) -> Vec<TaskIx> {
        let mut marks: Vec<TaskIx> = self.marks.iter().copied().collect();
        marks.sort_unstable();
        marks
    }

    /// Tasks that are covered on their own.
    #[must_use]
    pub fn extended(&self) -> &[TaskIx] {
        &self.extended
    }

    /// The tasks behind which everything is covered.
    pub fn roots(&self) -> impl Iterator<Item = TaskIx> + '_ {
        self.triggers.iter().chain(&self.extended).copied()
    }
}
