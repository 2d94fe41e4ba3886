//! What a commit and the end of a hold do to the state.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use starline_edit::{Touched, reapply};
use starline_graph::must_be_rendered;
use starline_synchronizer::Synchronizer;
use starline_types::{
    Applied, DependencyId, HoldId, HoldReason, HoldScope, Millis, Origin, RunState, TaskIx, TaskState,
    Timestamp, Verdict,
};

use crate::Fleet;
use crate::state::{Avoid, Given, NO_LANE, State, TaskSlot, end_state};

impl State {
    /// A batch is in force.
    pub(crate) fn edited(&mut self, applied: &Arc<Applied>, now: Timestamp, fleet: &mut Fleet) {
        let held = self.held();
        let end = end_state(self.graph.counts());
        let touched = self.ahead.take().unwrap_or_else(|| reapply(&mut self.graph, applied));
        self.history.learn(applied);
        if applied.origin == Origin::Rollback {
            let edges = touched.added.iter().map(|task| self.graph.in_degree(*task)).sum();
            let rollback = self.rollback.get_or_insert_default();
            (rollback.begun, rollback.end, rollback.added) = (true, Some(end), (touched.added.len(), edges));
        } else {
            self.usage.edits += applied.batch.edits.len() as u64;
            self.usage.added_tasks += touched.added.len() as u64;
            if let Some(rollback) = &mut self.rollback {
                // Somebody has seen to it.
                rollback.failed = None;
            }
        }
        if let Some(request) = &applied.batch.request {
            self.answers.learn(request, Given::Committed(Arc::clone(applied)));
        }
        if self.run_state == RunState::Ready {
            // It is prepared anew: a task may have come that cannot be placed.
            self.run_state = RunState::Created;
        }
        let known = self.tasks.len();
        for task in touched.removed.iter().filter(|task| task.at() < known) {
            self.vacate(*task, fleet);
        }
        self.tasks.resize_with(self.graph.bound(), TaskSlot::default);
        if !touched.removed.is_empty() {
            let graph = &self.graph;
            let stands =
                |(order, task): &(u32, TaskIx)| graph.contains(*task) && graph.order(*task) == *order;
            self.blocked.retain(stands);
            self.unasked.retain(stands);
        }
        for task in touched.added.iter().chain(&touched.updated) {
            if self.graph.contains(*task) {
                self.respecify(*task);
            }
        }
        if !self.condition_errors.is_empty() {
            let graph = &self.graph;
            let stands = |id: &DependencyId| {
                graph.find_edge(id.as_str()).is_some_and(|edge| edge.verdict() == Some(Verdict::Impossible))
            };
            self.condition_errors.retain(|id, _| stands(id));
        }
        // An edge that comes back may lead to a task that ended without running.
        let waits = |task: &&TaskIx| self.graph.contains(**task) && self.graph.state(**task).is_terminal();
        self.early_ends |= touched.rewired.iter().any(|task| waits(&task));
        self.mark_holds();
        self.reassess_all(&touched, now);
        self.review_held(&held, now);
    }

    /// What waits for whom may have changed, and with it what holds cover.
    pub(crate) fn mark_holds(&mut self) {
        if self.holds.is_empty() {
            return;
        }
        let (graph, early) = (&self.graph, self.early_ends);
        self.holds.mark(|task| {
            let behind = graph.contains(task).then(|| graph.successors(task));
            let started = |next: &TaskIx| early || !graph.state(*next).is_unstarted();
            behind.into_iter().flatten().filter(started).collect::<Vec<_>>()
        });
    }

    /// A task is gone: nothing may be left of it, as its index can be given to another one.
    fn vacate(&mut self, task: TaskIx, fleet: &mut Fleet) {
        let slot =
            std::mem::replace(&mut self.tasks[task.at()], TaskSlot { lane: NO_LANE, ..TaskSlot::default() });
        if let Some(device) = slot.planned {
            fleet.unplan(device);
        }
        self.ready -= u32::from(slot.ready);
        self.questions -= u32::from(slot.rare.is_some_and(|rare| rare.question.is_some()));
        self.holds.forget(task);
    }

    /// A task is new or another one than before: an approval of what it was does not hold any more.
    fn respecify(&mut self, task: TaskIx) {
        if self.tasks[task.at()].gated {
            self.close_question(task);
        }
        let spec = Arc::clone(self.graph.spec(task));
        let slot = &mut self.tasks[task.at()];
        slot.templated = must_be_rendered(&spec);
        slot.gated = spec.gate().is_some();
        if let Some(rare) = &mut slot.rare {
            // Whoever would not run what the task was may run what it is.
            rare.avoid.retain(|(_, why)| *why != Avoid::Refused);
        }
        // Another task than before waits anew.
        self.make_unready(task);
    }

    fn reassess_all(&mut self, touched: &Touched, now: Timestamp) {
        let all = touched.added.iter().chain(&touched.updated).chain(&touched.rewired);
        let mut tasks: Vec<TaskIx> = all.copied().filter(|task| self.graph.contains(*task)).collect();
        tasks.sort_unstable_by_key(|task| self.graph.order(*task));
        tasks.dedup();
        for task in tasks {
            self.reassess(task, now);
        }
    }

    /// Whether a task could be assigned, or can never run, is to be said anew.
    fn reassess(&mut self, task: TaskIx, now: Timestamp) {
        if self.graph.state(task) != TaskState::Pending {
            return;
        }
        let (waits, at) = (self.graph.waits(task), (self.graph.order(task), task));
        if waits.impossible > 0 {
            self.blocked.insert(at);
        } else {
            self.blocked.remove(&at);
        }
        let can = waits.satisfied() && !self.in_backoff(task, now);
        let asked = self.rare_ref(task).is_some_and(|rare| rare.question.is_some());
        match (can, self.slot(task).ready) {
            (true, false) if asked => {}
            (true, false) => self.make_ready(task, now),
            (true, true) => {
                self.tasks[task.at()].lane = NO_LANE;
                self.fresh.push(task);
            }
            (false, true) => self.make_unready(task),
            (false, false) => self.close_question(task),
        }
    }

    /// A hold is over: what it covered may go on.
    pub(crate) fn close_hold(&mut self, hold: HoldId, reason: HoldReason, now: Timestamp) {
        let held = self.held();
        self.holds.close(hold, reason);
        self.review_held(&held, now);
    }

    /// Ready tasks that a hold covers, in no order. Costs what is behind the marks of holds; with scope `graph`, all tasks.
    pub(crate) fn held(&self) -> Vec<TaskIx> {
        let mut held: Vec<TaskIx> = Vec::new();
        for (_, hold) in self.holds.holds() {
            match hold.scope {
                HoldScope::Graph => held.extend(self.graph.indices()),
                HoldScope::Descendants => {
                    for mark in hold.marks().into_iter().filter(|mark| self.graph.contains(*mark)) {
                        held.extend(self.graph.successors(mark));
                    }
                    held.extend(hold.extended().iter().filter(|task| self.graph.contains(**task)));
                }
            }
        }
        held.retain(|task| self.slot(*task).ready);
        held.sort_unstable();
        held.dedup();
        held
    }

    /// Some tasks, and what is behind them, are covered from now on, by what `change` does to the holds. Costs what is
    /// directly behind the tasks, and behind what has started or ended there; with scope `graph`, all tasks.
    pub(crate) fn cover(
        &mut self,
        hold: HoldId,
        roots: &[TaskIx],
        scope: HoldScope,
        now: Timestamp,
        change: impl FnOnce(&mut Synchronizer),
    ) {
        let (mut marks, mut open) = (Vec::new(), roots.to_vec());
        let mut covered: Vec<TaskIx> = roots.to_vec();
        let mut seen = FxHashSet::default();
        while let Some(task) = open.pop() {
            if !seen.insert(task) {
                continue;
            }
            marks.push(task);
            for next in self.graph.successors(task) {
                covered.push(next);
                if self.early_ends || !self.graph.state(next).is_unstarted() {
                    open.push(next);
                }
            }
        }
        if scope == HoldScope::Graph {
            covered = self.graph.indices().collect();
        }
        covered.retain(|task| self.slot(*task).ready && !self.is_held(*task));
        covered.sort_unstable();
        covered.dedup();
        change(&mut self.holds);
        self.holds.mark_more(hold, marks);
        for task in covered {
            if self.is_held(task) {
                self.hold_back(task, now);
            }
        }
    }

    /// Coverage has changed since some ready tasks were held: clocks of tasks that are covered now stand still, and those
    /// of tasks that are not go on.
    pub(crate) fn review_held(&mut self, before: &[TaskIx], now: Timestamp) {
        let held = self.held();
        for task in held.iter().filter(|task| before.binary_search(task).is_err()) {
            self.hold_back(*task, now);
        }
        let mut released: Vec<TaskIx> = before
            .iter()
            .copied()
            .filter(|task| held.binary_search(task).is_err())
            .filter(|task| self.graph.contains(*task) && self.slot(*task).ready)
            .collect();
        released.sort_unstable_by_key(|task| self.graph.order(*task));
        for task in released {
            self.let_go(task, now);
        }
    }

    /// A ready task is covered from now on: its queue clock stands still.
    fn hold_back(&mut self, task: TaskIx, now: Timestamp) {
        // Most tasks are covered in the step in which they become ready.
        if self.slot(task).ready_since != now {
            let paused = self.paused_until(now);
            self.rare(task).held = Some((now, paused));
        }
        self.tasks[task.at()].lane = NO_LANE;
    }

    /// A ready task is not covered any more: its queue clock goes on from where it stood.
    fn let_go(&mut self, task: TaskIx, now: Timestamp) {
        let paused = self.paused_until(now);
        let slot = &mut self.tasks[task.at()];
        let (since, before) =
            match slot.rare.as_mut().and_then(|rare| Some((rare.held.take()?, rare.paused_before))) {
                Some(((held, paused_then), before)) => {
                    (slot.ready_since + now.since(held), Millis(before.0 + paused.0 - paused_then.0))
                }
                None => (now, paused),
            };
        (slot.ready_since, slot.lane) = (since, NO_LANE);
        if before > Millis::ZERO || slot.rare.is_some() {
            self.rare(task).paused_before = before;
        }
        self.fresh.push(task);
        self.arm_queue(task, now);
    }
}
