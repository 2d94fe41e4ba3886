//! Undoing what a run has done: once for each task that may have done something, in the reverse order, and never
//! before everything has ended.

use std::collections::BTreeMap;

use starline_types::{
    Applied, DependencyKind, Edit, FailurePolicy, Origin, OutcomeStatus, PauseCause, RunEnd, RunState,
};

use super::book::{RunBook, Stand};
use super::hear::{Reader, Verdict};
use super::hold;

/// How the reason of a pause begins that was made because something was not undone.
const NOT_UNDONE: &str = "not undone";

/// What is known of undoing the work of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct UndoBook {
    /// Whether somebody gave the command.
    pub(super) wanted: bool,
    /// Whether that is on record.
    pub(super) asked: bool,
    /// Whether the tasks that undo others are in the graph.
    pub(super) begun: bool,
    /// How the run would have ended.
    end: Option<RunState>,
    /// Whether one of them has failed and the run was not paused for that.
    failed: bool,
    /// For each task the one that undoes it.
    undone_by: BTreeMap<usize, usize>,
}

impl UndoBook {
    /// Whether nothing new may start: a rollback was asked for, and is not in the graph.
    pub(super) fn waits(&self) -> bool {
        self.asked && !self.begun
    }

    /// Whether there is a rollback at all.
    pub(super) fn is_on(&self) -> bool {
        self.asked || self.begun
    }

    /// Whether a person has to see to a failure first.
    pub(super) fn is_unheeded(&self) -> bool {
        self.failed
    }
}

impl RunBook {
    fn end_by_counts(&self) -> RunState {
        let [completed, failed, cancelled] =
            [OutcomeStatus::Completed, OutcomeStatus::Failed, OutcomeStatus::Cancelled]
                .map(|status| self.count(status) > 0);
        match (completed, failed, cancelled) {
            (true, true, _) => RunState::PartiallyFailed,
            (false, true, _) => RunState::Failed,
            (false, false, true) => RunState::Cancelled,
            _ => RunState::Completed,
        }
    }

    /// Tasks that may have done something that can be undone.
    fn to_undo(&self) -> Vec<usize> {
        let wanted =
            |at: &usize| self.tasks[*at].spec.compensation().is_some() && self.tasks[*at].attempts > 0;
        self.present().filter(wanted).collect()
    }
}

impl Reader<'_> {
    pub(super) fn rollback_requested(&mut self) -> Verdict {
        let book = &mut self.book;
        hold!(O10, book.undo.wanted, "run {} is rolled back, and nobody asked for that", self.run);
        hold!(O10, !book.undo.is_on() && book.ending.is_none(), "run {} is rolled back again", self.run);
        let begun = matches!(book.state, RunState::Executing | RunState::Paused);
        hold!(O10, begun, "run {} is rolled back while it is {}", self.run, book.state);
        book.undo.asked = true;
        Ok(())
    }

    /// The commit that undoes a run: before its edits are applied.
    pub(super) fn is_due(&mut self, applied: &Applied) -> Verdict {
        let (run, book) = (self.run, &self.book);
        hold!(O10, applied.author == "rollback", "run {run} is undone by {}", applied.author);
        hold!(O10, applied.origin == Origin::Rollback && !book.undo.begun, "run {run} is undone twice");
        let open = book.present().filter(|at| !matches!(book.tasks[*at].stand, Stand::Ended(_))).count();
        hold!(O10, open == 0, "run {run} is undone while {open} tasks have not ended");
        let held = book.holds.open.len();
        hold!(O10, held == 0, "run {run} is undone beside {held} open holds");
        let failed =
            book.settings.on_failure == FailurePolicy::Rollback && book.count(OutcomeStatus::Failed) > 0;
        hold!(O10, failed || book.undo.asked, "run {run} is undone without a reason");
        self.book.undo.end = Some(self.book.end_by_counts());
        Ok(())
    }

    /// The commit that undoes a run: once its edits are applied.
    pub(super) fn undoes_all(&mut self, applied: &Applied, known: usize) -> Verdict {
        let run = self.run;
        let wanted: Vec<usize> = self.book.to_undo().into_iter().filter(|at| *at < known).collect();
        let mut undone_by = BTreeMap::new();
        for edit in &applied.batch.edits {
            let Edit::AddTask { task, .. } = edit else {
                return Err((super::Oracle::O10, format!("run {run} is undone by {}", edit.op())));
            };
            let (of, by) =
                (task.compensates().and_then(|id| self.book.names.get(id)), self.book.names.get(&task.id));
            let (Some(of), Some(by)) = (of.copied(), by.copied()) else {
                return Err((super::Oracle::O10, format!("{} undoes nothing", task.id)));
            };
            let twice = undone_by.insert(of, by).is_some();
            hold!(O10, !twice, "{} of run {run} is undone twice", self.book.tasks[of].spec.id);
            let spec = &self.book.tasks[of].spec;
            let same = spec.compensation().is_some_and(|undo| undo.run == task.run);
            hold!(O10, same && task.compensation().is_none(), "{} does not undo {}", task.id, spec.id);
            let behind =
                |edge: &super::book::Edge| edge.from == of && edge.kind == DependencyKind::Completion;
            hold!(O10, self.book.tasks[by].into.iter().any(behind), "{} is not behind {}", task.id, spec.id);
        }
        let done: Vec<usize> = undone_by.keys().copied().collect();
        hold!(O10, done == wanted, "run {run} undoes {done:?} and not {wanted:?}");
        for (first, by_first) in &undone_by {
            for (last, by_last) in undone_by.iter().filter(|(last, _)| *last != first) {
                let follows = self.book.follows(*last, *first);
                let reversed = self.book.follows(*by_first, *by_last);
                hold!(
                    O7,
                    !follows || reversed,
                    "{} follows {}, and is not undone before it",
                    self.book.tasks[*last].spec.id,
                    self.book.tasks[*first].spec.id
                );
            }
        }
        self.book.undo.begun = true;
        self.book.undo.undone_by = undone_by;
        Ok(())
    }

    /// A pause may say that something was not undone.
    pub(super) fn paused_for_undo(
        &mut self,
        cause: PauseCause,
        reason: Option<&str>,
    ) -> Result<bool, super::Finding> {
        if !reason.is_some_and(|reason| reason.starts_with(NOT_UNDONE)) {
            return Ok(false);
        }
        let fits = cause == PauseCause::NeedsOperator && self.book.undo.failed;
        hold!(O10, fits, "run {} pauses although everything was undone so far", self.run);
        self.book.undo.failed = false;
        Ok(true)
    }

    /// A task has failed for good.
    pub(super) fn note_failed_undo(&mut self) {
        self.book.undo.failed |= self.book.undo.begun;
    }

    /// Somebody edited the graph: a failure is seen to.
    pub(super) fn note_seen(&mut self) {
        self.book.undo.failed = false;
    }

    /// The state in which a run that was rolled back ends.
    pub(super) fn end_of_rollback(&self, end: &RunEnd) -> Result<Option<RunState>, super::Finding> {
        let undo = &self.book.undo;
        let state = if undo.asked { Some(RunState::Cancelled) } else { undo.end };
        if state.is_none() {
            return Ok(None);
        }
        let completed: Vec<&str> = self
            .book
            .present()
            .filter(|at| self.book.tasks[*at].stand == Stand::Ended(OutcomeStatus::Completed))
            .filter_map(|at| self.book.tasks[at].spec.compensates())
            .collect();
        let all =
            self.book.to_undo().iter().all(|at| completed.contains(&self.book.tasks[*at].spec.id.as_str()));
        let said = if all { "rolled_back" } else { "partly_rolled_back" };
        let told = end.reason.as_deref();
        let run = self.run;
        hold!(O10, told == Some(said), "run {run} ends as {told:?} instead of {said}");
        Ok(state)
    }
}
