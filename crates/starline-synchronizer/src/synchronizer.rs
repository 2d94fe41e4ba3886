//! The holds of a run.

use std::collections::BTreeMap;

use starline_types::{HoldId, HoldReason, HoldScope, HoldSettings, Millis, TaskIx, Timestamp};

use crate::hold::Hold;
use crate::{HoldStatistics, Phase};

/// The holds of a run: what is covered by whom and until when. Changed by what is recorded alone.
#[derive(Clone, Debug, Default)]
pub struct Synchronizer {
    settings: HoldSettings,
    holds: BTreeMap<HoldId, Hold>,
    /// Holds opened so far: the number of the last one.
    opened: u64,
    statistics: HoldStatistics,
}

/// Where a trigger belongs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Registration {
    /// To a hold that is open and takes triggers.
    Join(HoldId),
    /// To a new hold.
    Open {
        /// Its id.
        hold: HoldId,
        /// Whether it is active at once.
        activate: bool,
    },
}

/// Which hold an answer is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answered {
    /// The active one.
    Active,
    /// One that takes triggers and was not handed over.
    Collecting,
    /// One that has closed.
    Closed,
    /// None that ever was.
    Unknown,
}

impl Synchronizer {
    /// No holds yet.
    #[must_use]
    pub fn new(settings: HoldSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// What holds are like that become active from now on.
    #[must_use]
    pub fn settings(&self) -> &HoldSettings {
        &self.settings
    }

    /// Sets how long the editor may take, for holds that become active later.
    pub fn set_modification_timeout(&mut self, timeout: Millis) {
        self.settings.modification_timeout = timeout;
    }

    /// Whether no hold is open. O(1).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.holds.is_empty()
    }

    /// Open holds, oldest first.
    pub fn holds(&self) -> impl Iterator<Item = (HoldId, &Hold)> {
        self.holds.iter().map(|(id, hold)| (*id, hold))
    }

    /// An open hold.
    #[must_use]
    pub fn get(&self, hold: HoldId) -> Option<&Hold> {
        self.holds.get(&hold)
    }

    /// The active hold.
    #[must_use]
    pub fn active(&self) -> Option<(HoldId, &Hold)> {
        self.holds().find(|(_, hold)| matches!(hold.phase, Phase::Active { .. }))
    }

    fn collecting(&self) -> Option<HoldId> {
        self.holds().find(|(_, hold)| hold.phase == Phase::Collecting).map(|(id, _)| id)
    }

    /// Where a task belongs that ends now.
    #[must_use]
    pub fn registration(&self, now: Timestamp) -> Registration {
        if let Some((id, _)) = self.active().filter(|(id, _)| !self.is_handed_over(*id, now)) {
            return Registration::Join(id);
        }
        match self.collecting() {
            Some(id) => Registration::Join(id),
            None => Registration::Open { hold: HoldId(self.opened + 1), activate: self.active().is_none() },
        }
    }

    /// When an active hold is handed to the editor: after the window in which triggers join it.
    #[must_use]
    pub fn hand_over_at(&self, hold: HoldId) -> Option<Timestamp> {
        match self.holds.get(&hold)?.phase {
            Phase::Active { since, .. } => Some(since + self.settings.batch_window),
            Phase::Collecting => None,
        }
    }

    /// Whether a hold is in the hands of the editor: its triggers are frozen.
    #[must_use]
    pub fn is_handed_over(&self, hold: HoldId, now: Timestamp) -> bool {
        self.hand_over_at(hold).is_some_and(|at| at <= now)
    }

    /// The deadline of a hold that becomes active now.
    #[must_use]
    pub fn deadline(&self, now: Timestamp) -> Timestamp {
        now + self.settings.modification_timeout
    }

    /// The hold that becomes active now that no other one is.
    #[must_use]
    pub fn next_in_line(&self) -> Option<HoldId> {
        self.collecting().filter(|_| self.active().is_none())
    }

    /// Which hold an answer is for.
    #[must_use]
    pub fn answered(&self, hold: HoldId) -> Answered {
        match self.holds.get(&hold).map(|hold| hold.phase) {
            Some(Phase::Active { .. }) => Answered::Active,
            Some(Phase::Collecting) => Answered::Collecting,
            None if hold.0 >= 1 && hold.0 <= self.opened => Answered::Closed,
            None => Answered::Unknown,
        }
    }

    /// A hold was opened.
    pub fn open(&mut self, hold: HoldId, scope: HoldScope, triggers: Vec<TaskIx>, now: Timestamp) {
        self.opened = self.opened.max(hold.0);
        self.statistics.total_modifications += triggers.len() as u64;
        self.holds.insert(hold, Hold::new(scope, triggers, now));
    }

    /// A task joined a hold.
    pub fn join(&mut self, hold: HoldId, task: TaskIx) {
        if let Some(hold) = self.holds.get_mut(&hold) {
            hold.triggers.push(task);
            hold.marks.insert(task);
            self.statistics.total_modifications += 1;
        }
    }

    /// A hold became active.
    pub fn activate(&mut self, hold: HoldId, deadline: Timestamp, now: Timestamp) {
        if let Some(hold) = self.holds.get_mut(&hold) {
            hold.phase = Phase::Active { since: now, deadline };
        }
    }

    /// A hold covers more tasks, and what is behind them.
    pub fn extend(&mut self, hold: HoldId, tasks: impl IntoIterator<Item = TaskIx>) {
        if let Some(hold) = self.holds.get_mut(&hold) {
            for task in tasks {
                if !hold.extended.contains(&task) {
                    hold.extended.push(task);
                    hold.marks.insert(task);
                }
            }
        }
    }

    /// A hold was closed. Returns it.
    pub fn close(&mut self, hold: HoldId, reason: HoldReason) -> Option<Hold> {
        let closed = self.holds.remove(&hold)?;
        self.statistics.close(closed.triggers.len(), reason);
        Some(closed)
    }

    /// A task ended: what waits for it is covered if it was.
    pub fn pass_on(&mut self, task: TaskIx, predecessors: &[TaskIx]) {
        for hold in self.holds.values_mut() {
            if predecessors.iter().any(|before| hold.marks.contains(before)) {
                hold.marks.insert(task);
            }
        }
    }

    /// What waits for one of these tasks is covered by a hold as well.
    pub fn mark_more(&mut self, hold: HoldId, tasks: impl IntoIterator<Item = TaskIx>) {
        if let Some(hold) = self.holds.get_mut(&hold) {
            hold.marks.extend(tasks);
        }
    }

    /// Marks anew behind what tasks everything is covered: the triggers, the tasks that are covered on their own, and
    /// whatever has started or ended behind one of these. `behind` gives such tasks directly behind a task. O(marks ×
    /// their out-degree).
    pub fn mark<I: IntoIterator<Item = TaskIx>>(&mut self, behind: impl Fn(TaskIx) -> I) {
        for hold in self.holds.values_mut() {
            let mut open: Vec<TaskIx> = hold.roots().collect();
            hold.marks.clear();
            while let Some(task) = open.pop() {
                if hold.marks.insert(task) {
                    open.extend(behind(task));
                }
            }
        }
    }

    /// A task is gone: its index may be given to another one.
    pub fn forget(&mut self, task: TaskIx) {
        for hold in self.holds.values_mut() {
            hold.extended.retain(|extended| *extended != task);
            hold.marks.remove(&task);
        }
    }

    /// Whether an open hold covers a task whose predecessors have all ended. O(predecessors × holds); there are two
    /// holds at most.
    #[must_use]
    pub fn covers<I: IntoIterator<Item = TaskIx>>(&self, task: TaskIx, predecessors: impl Fn() -> I) -> bool {
        self.holds.values().any(|hold| hold.covers(task, predecessors()))
    }

    /// Tasks whose end waits for an answer, in the order in which they registered.
    pub fn pending(&self) -> impl Iterator<Item = TaskIx> + '_ {
        self.holds.values().flat_map(|hold| hold.triggers.iter().copied())
    }

    /// What became of triggers.
    #[must_use]
    pub fn statistics(&self) -> HoldStatistics {
        self.statistics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(window: u64) -> HoldSettings {
        let (batch_window, modification_timeout) = (Millis(window), Millis(500));
        HoldSettings { batch_window, modification_timeout, ..HoldSettings::default() }
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp(ms)
    }

    #[test]
    fn triggers_gather_while_an_edit_is_made() {
        let mut holds = Synchronizer::new(settings(0));
        let first = HoldId(1);
        assert_eq!(holds.registration(at(0)), Registration::Open { hold: first, activate: true });
        holds.open(first, HoldScope::Descendants, vec![TaskIx(0)], at(0));
        holds.activate(first, holds.deadline(at(0)), at(0));
        let second = HoldId(2);
        assert_eq!(holds.registration(at(1)), Registration::Open { hold: second, activate: false });
        holds.open(second, HoldScope::Descendants, vec![TaskIx(1)], at(1));
        assert_eq!(holds.registration(at(2)), Registration::Join(second));
        holds.join(second, TaskIx(2));
        assert_eq!((holds.answered(first), holds.answered(second)), (Answered::Active, Answered::Collecting));
        assert_eq!(holds.next_in_line(), None);
        assert!(holds.close(first, HoldReason::Expired).is_some());
        assert_eq!((holds.next_in_line(), holds.answered(first)), (Some(second), Answered::Closed));
        assert_eq!(holds.answered(HoldId(3)), Answered::Unknown);
        let statistics = holds.statistics();
        assert_eq!((statistics.total_modifications, statistics.timeout_modifications), (3, 1));
        assert_eq!(holds.pending().collect::<Vec<_>>(), [TaskIx(1), TaskIx(2)]);
    }

    #[test]
    fn triggers_join_the_active_hold_during_its_window() {
        let mut holds = Synchronizer::new(settings(100));
        holds.open(HoldId(1), HoldScope::Descendants, vec![TaskIx(0)], at(0));
        holds.activate(HoldId(1), holds.deadline(at(0)), at(0));
        assert_eq!(holds.registration(at(99)), Registration::Join(HoldId(1)));
        assert_eq!(holds.registration(at(100)), Registration::Open { hold: HoldId(2), activate: false });
        assert_eq!(holds.hand_over_at(HoldId(1)), Some(at(100)));
    }

    #[test]
    fn coverage_is_passed_on_by_what_ends_without_running() {
        let mut holds = Synchronizer::new(settings(0));
        holds.open(HoldId(1), HoldScope::Descendants, vec![TaskIx(0)], at(0));
        let (b, c) = (TaskIx(1), TaskIx(2));
        assert!(!holds.covers(c, || [b]));
        holds.pass_on(b, &[TaskIx(0)]);
        assert!(holds.covers(c, || [b]));
        holds.forget(b);
        assert!(!holds.covers(c, || [b]));
        holds.extend(HoldId(1), [c]);
        assert!(holds.covers(c, || []));
        holds.close(HoldId(1), HoldReason::Cleared);
        assert!(holds.is_empty() && !holds.covers(c, || [TaskIx(0)]));
    }
}
