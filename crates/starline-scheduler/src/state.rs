//! The state of a run: everything that facts have made it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use smol_str::SmolStr;
use starline_graph::TaskGraph;
use starline_types::{
    CancelReason, DependencyId, DeviceIx, HoldId, HoldScope, Millis, PauseCause, RunEnd, RunId, RunSettings,
    RunState, Seq, TaskIx, TaskState, Timestamp,
};

use crate::timers::{Timer, Timers};

/// The state of a run.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) run: RunId,
    pub(crate) graph: TaskGraph,
    pub(crate) settings: Arc<RunSettings>,
    pub(crate) run_state: RunState,
    pub(crate) pause: Option<Pause>,
    /// Time spent paused, without the present pause.
    pub(crate) paused: Millis,
    /// Set once everything unstarted is cancelled and live attempts are being ended.
    pub(crate) ending: Option<CancelReason>,
    /// The run waited for an edit in vain: from then on blocked tasks are skipped.
    pub(crate) edit_wait_over: bool,
    pub(crate) seq: Seq,
    /// Random numbers drawn.
    pub(crate) draws: u64,
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<(Timestamp, Box<RunEnd>)>,
    pub(crate) attempts: u64,
    pub(crate) tasks: Vec<TaskSlot>,
    pub(crate) timers: Timers,
    /// Retry delays that are not over.
    pub(crate) backoffs: BinaryHeap<Reverse<(Timestamp, TaskIx)>>,
    /// Pending tasks with an impossible edge, by insertion.
    pub(crate) blocked: BTreeSet<(u32, TaskIx)>,
    /// Pending tasks that could be assigned.
    pub(crate) ready: u32,
    /// Why conditions could not be evaluated: their targets may be skipped much later.
    pub(crate) condition_errors: BTreeMap<DependencyId, SmolStr>,
    /// Pending tasks that could be assigned but for a gate that nobody was asked about yet, by insertion.
    pub(crate) unasked: BTreeSet<(u32, TaskIx)>,
    /// Questions that stand.
    pub(crate) questions: u32,
    /// Open holds.
    pub(crate) holds: BTreeMap<HoldId, Hold>,
    /// Tasks whose queue or plan is to be looked at.
    pub(crate) fresh: Vec<TaskIx>,
}

/// A pause.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pause {
    pub(crate) cause: PauseCause,
    pub(crate) since: Timestamp,
    pub(crate) deadline: Option<Timestamp>,
}

/// An open hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Hold {
    pub(crate) scope: HoldScope,
    pub(crate) triggers: Vec<TaskIx>,
    pub(crate) deadline: Option<Timestamp>,
}

/// What the scheduler keeps for each task beside the record of the graph. Small, like that.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskSlot {
    /// Where an unstarted task is planned to run.
    pub(crate) planned: Option<DeviceIx>,
    /// Since when it is ready.
    pub(crate) ready_since: Timestamp,
    /// Whether all that is missing is a device.
    pub(crate) ready: bool,
    /// Whether it has ended.
    pub(crate) ended: bool,
    /// Whether its payload has templates, or files are sent along.
    pub(crate) templated: bool,
    /// Whether it has a gate that was not opened.
    pub(crate) gated: bool,
    /// The queue it stands in, if any: only an index over the state, rebuilt after a replay.
    pub(crate) lane: u32,
    pub(crate) rare: Option<Box<RareSlot>>,
}

/// What only some tasks have.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct RareSlot {
    /// Failed attempts that were retried.
    pub(crate) retries: u32,
    /// Lost attempts that were retried.
    pub(crate) losses: u32,
    /// Refusals in a row.
    pub(crate) refusals: u32,
    /// End of the retry delay.
    pub(crate) backoff: Option<Timestamp>,
    /// Devices left out: until a time, or while another one fits.
    pub(crate) avoid: Vec<(DeviceIx, Option<Timestamp>)>,
    /// Why the live attempt was asked to stop.
    pub(crate) cancel: Option<CancelReason>,
    /// End of the lease of a live attempt that may be lost.
    pub(crate) lease_end: Option<Timestamp>,
    /// What a person was asked and has not answered.
    pub(crate) question: Option<Question>,
    /// Time spent paused when the task became ready.
    pub(crate) paused_before: Millis,
}

/// What a person was asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Question {
    pub(crate) spec_hash: SmolStr,
    pub(crate) deadline: Option<Timestamp>,
}

impl State {
    pub(crate) fn new(run: RunId) -> Self {
        Self {
            run,
            graph: TaskGraph::default(),
            settings: Arc::default(),
            run_state: RunState::Created,
            pause: None,
            paused: Millis::ZERO,
            ending: None,
            edit_wait_over: false,
            seq: Seq(0),
            draws: 0,
            started: None,
            ended: None,
            attempts: 0,
            tasks: Vec::new(),
            timers: Timers::default(),
            backoffs: BinaryHeap::new(),
            blocked: BTreeSet::new(),
            ready: 0,
            condition_errors: BTreeMap::new(),
            unasked: BTreeSet::new(),
            questions: 0,
            holds: BTreeMap::new(),
            fresh: Vec::new(),
        }
    }

    pub(crate) fn slot(&self, task: TaskIx) -> &TaskSlot {
        &self.tasks[task.at()]
    }

    pub(crate) fn rare(&mut self, task: TaskIx) -> &mut RareSlot {
        self.tasks[task.at()].rare.get_or_insert_default()
    }

    pub(crate) fn rare_ref(&self, task: TaskIx) -> Option<&RareSlot> {
        self.tasks[task.at()].rare.as_deref()
    }

    /// Why the live attempt of a task was asked to stop, if it was.
    pub(crate) fn cancel_of(&self, task: TaskIx) -> Option<CancelReason> {
        self.rare_ref(task).and_then(|rare| rare.cancel)
    }

    /// The live attempt of a task.
    pub(crate) fn live(&self, task: TaskIx) -> Option<(u32, DeviceIx)> {
        match self.graph.state(task) {
            TaskState::Running { attempt, device } => Some((attempt, device)),
            _ => None,
        }
    }

    /// Whether a device refused a task a short while ago.
    pub(crate) fn is_refused(&self, task: TaskIx, by: DeviceIx, now: Timestamp) -> bool {
        self.rare_ref(task).is_some_and(|rare| {
            rare.avoid.iter().any(|(device, until)| *device == by && until.is_some_and(|until| until > now))
        })
    }

    /// Whether an attempt of a task was lost with a device.
    pub(crate) fn was_lost_on(&self, task: TaskIx, device: DeviceIx) -> bool {
        self.rare_ref(task).is_some_and(|rare| {
            rare.avoid.iter().any(|(avoided, until)| *avoided == device && until.is_none())
        })
    }

    /// Whether an open hold covers a task.
    pub(crate) fn is_held(&self, task: TaskIx) -> bool {
        // A task that could be assigned has only ended predecessors, so for the scope of descendants it is
        // enough to look at the direct ones.
        !self.holds.is_empty()
            && self.holds.values().any(|hold| match hold.scope {
                HoldScope::Graph => true,
                HoldScope::Descendants => {
                    self.graph.predecessors(task).any(|source| hold.triggers.contains(&source))
                }
            })
    }

    /// Time paused up to now.
    pub(crate) fn paused_until(&self, now: Timestamp) -> Millis {
        let present = self.pause.as_ref().map_or(Millis::ZERO, |pause| now.since(pause.since));
        Millis(self.paused.0.saturating_add(present.0))
    }

    /// Time for which a ready task has waited, without pauses of the run.
    pub(crate) fn queue_time(&self, now: Timestamp, task: TaskIx) -> Millis {
        let paused_before = self.rare_ref(task).map_or(Millis::ZERO, |rare| rare.paused_before);
        let paused = self.paused_until(now).0.saturating_sub(paused_before.0);
        Millis(now.since(self.slot(task).ready_since).0.saturating_sub(paused))
    }

    /// Winds the queue clocks up again that stood still: while the run was paused, or under a hold. O(tasks).
    pub(crate) fn rearm_queues(&mut self, now: Timestamp) {
        for at in 0..self.tasks.len() {
            let task = TaskIx(u32::try_from(at).unwrap_or(u32::MAX));
            if self.tasks[at].ready
                && self.graph.limits_queue(task)
                && let Some(limit) = self.graph.spec(task).queue_timeout
            {
                let rest = Millis(limit.0.saturating_sub(self.queue_time(now, task).0));
                self.timers.arm(now + rest, Timer::QueueTimeout { task });
            }
        }
    }

    /// A pending task whose edges are satisfied could be assigned from now on.
    pub(crate) fn make_ready(&mut self, task: TaskIx, now: Timestamp) {
        if self.run_state != RunState::Executing && self.run_state != RunState::Paused {
            return;
        }
        let slot = &mut self.tasks[task.at()];
        if slot.gated {
            self.unasked.insert((self.graph.order(task), task));
            return;
        }
        if !slot.ready {
            slot.ready = true;
            self.ready += 1;
        }
        slot.ready_since = now;
        self.fresh.push(task);
        if self.graph.limits_queue(task)
            && let Some(limit) = self.graph.spec(task).queue_timeout
        {
            let paused = self.paused_until(now);
            self.rare(task).paused_before = paused;
            self.timers.arm(now + limit, Timer::QueueTimeout { task });
        }
    }

    /// Retry delays that are over by now make their tasks ready, as of the time at which they were over: so it
    /// does not matter who asks first, a timer or the next fact of a replay.
    pub(crate) fn ripen(&mut self, now: Timestamp) {
        while let Some(Reverse((until, task))) = self.backoffs.peek().copied().filter(|top| top.0.0 <= now) {
            self.backoffs.pop();
            let due = self.graph.contains(task)
                && self.graph.state(task).is_unstarted()
                && !self.slot(task).ready
                && self.rare_ref(task).and_then(|rare| rare.backoff) == Some(until)
                && self.graph.waits(task).satisfied();
            if due {
                self.make_ready(task, until);
            }
        }
    }

    /// A task cannot be assigned any more, or for now.
    pub(crate) fn make_unready(&mut self, task: TaskIx) {
        let slot = &mut self.tasks[task.at()];
        if slot.ready {
            slot.ready = false;
            self.ready -= 1;
        }
        slot.lane = NO_LANE;
    }

    /// A person is asked about a task.
    pub(crate) fn note_question(&mut self, task: TaskIx, spec_hash: SmolStr, deadline: Option<Timestamp>) {
        self.unasked.remove(&(self.graph.order(task), task));
        if self.rare(task).question.replace(Question { spec_hash, deadline }).is_none() {
            self.questions += 1;
        }
        if let Some(deadline) = deadline {
            self.timers.arm(deadline, Timer::Approval { task });
        }
    }

    /// Nothing is asked about a task any more.
    pub(crate) fn close_question(&mut self, task: TaskIx) {
        self.unasked.remove(&(self.graph.order(task), task));
        let rare = self.tasks[task.at()].rare.as_mut();
        if rare.is_some_and(|rare| rare.question.take().is_some()) {
            self.questions -= 1;
        }
    }

    /// The gate of a task does not hold it back any more.
    pub(crate) fn open_gate(&mut self, task: TaskIx, now: Timestamp) {
        self.close_question(task);
        self.tasks[task.at()].gated = false;
        if self.graph.state(task).is_unstarted() && self.graph.waits(task).satisfied() {
            self.make_ready(task, now);
        }
    }

    /// Whether all that some task waits for is a person.
    pub(crate) fn waits_for_approval(&self) -> bool {
        self.questions > 0 || !self.unasked.is_empty()
    }

    /// Whether the retry delay of a task is not over.
    pub(crate) fn in_backoff(&self, task: TaskIx, now: Timestamp) -> bool {
        self.rare_ref(task).and_then(|rare| rare.backoff).is_some_and(|until| until > now)
    }
}

/// Who plans where unstarted tasks will run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Planning {
    /// Nobody: the strategy decides at the last moment.
    Late,
    /// The strategy.
    Early,
    /// There is no strategy: a plan stays until somebody changes it.
    ByHand,
}

/// No queue.
pub(crate) const NO_LANE: u32 = u32::MAX;
