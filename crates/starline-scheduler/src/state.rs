//! The state of a run: everything that facts have made it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::sync::Arc;

use smol_str::SmolStr;
use starline_edit::{History, Touched, Usage};
use starline_graph::TaskGraph;
use starline_synchronizer::{Hold, Synchronizer};
use starline_types::{
    Applied, CancelReason, Checkpoint, DependencyId, DeviceIx, HoldScope, Millis, Outcome, PauseCause,
    RejectedEdit, RequestId, RunEnd, RunId, RunSettings, RunState, Seq, StateCounts, TaskError, TaskIx,
    TaskState, Timestamp,
};

use crate::Fleet;
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
    /// What is known of undoing the work; `None`: nobody wants that so far.
    pub(crate) rollback: Option<Box<Rollback>>,
    /// The run waited for an edit in vain: from then on blocked tasks are skipped.
    pub(crate) edit_wait_over: bool,
    pub(crate) seq: Seq,
    /// The last fact that has a hash of the state.
    pub(crate) hashed: Seq,
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
    pub(crate) holds: Synchronizer,
    /// Whether some task ended although it still waited: what is behind such a task may be ready before what is in front
    /// of it has begun.
    pub(crate) early_ends: bool,
    /// Whether the run was made ready once.
    pub(crate) prepared: bool,
    /// Commits that can be taken back or brought back.
    pub(crate) history: History,
    /// What the run has seen of edits.
    pub(crate) usage: Usage,
    /// Answers to batches whose senders may repeat them.
    pub(crate) answers: Answers,
    /// Tasks whose queue or plan is to be looked at.
    pub(crate) fresh: Vec<TaskIx>,
    /// Whom a batch concerns that is in force in the graph already, and whose fact comes next.
    pub(crate) ahead: Option<Touched>,
}

/// The answer to a batch.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    Committed(Arc<Applied>),
    Rejected(Arc<RejectedEdit>),
}

/// Answers that are remembered.
const ANSWERS: usize = 1_000;

/// The last answers to batches whose senders may repeat them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    by_request: BTreeMap<RequestId, Given>,
    order: VecDeque<RequestId>,
}

impl Answers {
    pub(crate) fn get(&self, request: &RequestId) -> Option<&Given> {
        self.by_request.get(request)
    }

    /// Remembers an answer; if there are many, the oldest is forgotten.
    pub(crate) fn learn(&mut self, request: &RequestId, given: Given) {
        if self.by_request.insert(request.clone(), given).is_none() {
            self.order.push_back(request.clone());
        }
        if self.order.len() > ANSWERS
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_request.remove(&oldest);
        }
    }

    /// The requests, oldest first.
    pub(crate) fn requests(&self) -> &VecDeque<RequestId> {
        &self.order
    }
}

/// A pause.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pause {
    pub(crate) cause: PauseCause,
    pub(crate) since: Timestamp,
    pub(crate) deadline: Option<Timestamp>,
    /// Whether nothing could be placed: it goes on by itself as soon as something can.
    pub(crate) stalled: bool,
    /// Whether what undoes a task has failed: the run does not even end before somebody has seen that.
    pub(crate) undo_failed: bool,
}

/// How far undoing the work of a run has come.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Rollback {
    /// Whether somebody asked for it: then the run ends cancelled.
    pub(crate) asked: bool,
    /// Whether the tasks that undo others are part of the graph.
    pub(crate) begun: bool,
    /// How the run would have ended without it; `None`: as it does.
    pub(crate) end: Option<RunState>,
    /// What has failed, and nobody was told.
    pub(crate) failed: Option<SmolStr>,
    /// Tasks and dependencies that undoing added: they do not count against limits.
    pub(crate) added: (usize, usize),
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

/// For how long a device is left out for a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Avoid {
    /// It refused the task: until then.
    Until(Timestamp),
    /// It refused the task for good: until the task is another one.
    Refused,
    /// An attempt was lost with it: as long as another one fits.
    Lost,
}

impl Avoid {
    /// Whether the device is not to be asked now.
    pub(crate) fn is_refusal(self, now: Timestamp) -> bool {
        match self {
            Self::Until(until) => until > now,
            Self::Refused => true,
            Self::Lost => false,
        }
    }
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
    /// Devices left out.
    pub(crate) avoid: Vec<(DeviceIx, Avoid)>,
    /// How far the last attempt has come that has put something down.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// Why the live attempt was asked to stop.
    pub(crate) cancel: Option<CancelReason>,
    /// End of the lease of a live attempt that may be lost.
    pub(crate) lease_end: Option<Timestamp>,
    /// What a person was asked and has not answered.
    pub(crate) question: Option<Question>,
    /// Why the last attempt ended that is followed by a retry.
    pub(crate) last_error: Option<Arc<TaskError>>,
    /// Time spent paused when the task became ready.
    pub(crate) paused_before: Millis,
    /// Since when a ready task is covered by a hold, and time spent paused by then; `None`: since it is ready, if at all.
    pub(crate) held: Option<(Timestamp, Millis)>,
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
            rollback: None,
            edit_wait_over: false,
            seq: Seq(0),
            hashed: Seq(0),
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
            holds: Synchronizer::default(),
            early_ends: false,
            prepared: false,
            history: History::default(),
            usage: Usage::default(),
            answers: Answers::default(),
            fresh: Vec::new(),
            ahead: None,
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

    /// Whether a device refused a task a short while ago, or for good.
    pub(crate) fn is_refused(&self, task: TaskIx, by: DeviceIx, now: Timestamp) -> bool {
        self.rare_ref(task)
            .is_some_and(|rare| rare.avoid.iter().any(|(device, why)| *device == by && why.is_refusal(now)))
    }

    /// Whether a device refused a task for good.
    pub(crate) fn is_refused_for_good(&self, task: TaskIx, by: DeviceIx) -> bool {
        self.rare_ref(task).is_some_and(|rare| rare.avoid.contains(&(by, Avoid::Refused)))
    }

    /// Whether an attempt of a task was lost with a device.
    pub(crate) fn was_lost_on(&self, task: TaskIx, device: DeviceIx) -> bool {
        self.rare_ref(task).is_some_and(|rare| rare.avoid.contains(&(device, Avoid::Lost)))
    }

    /// Whether an open hold covers a task that could be assigned.
    pub(crate) fn is_held(&self, task: TaskIx) -> bool {
        // Its predecessors have ended, so it is enough to look at the direct ones.
        !self.holds.is_empty() && self.holds.covers(task, || self.graph.predecessors(task))
    }

    /// Whether an open hold covers an unstarted task, wherever it stands. Searches the graph.
    pub(crate) fn is_covered(&self, task: TaskIx) -> bool {
        self.holds.holds().any(|(_, hold)| hold.scope == HoldScope::Graph || self.is_behind(hold, task))
    }

    /// Whether a task is behind the triggers of a hold, or behind what it was extended to.
    pub(crate) fn is_behind(&self, hold: &Hold, task: TaskIx) -> bool {
        hold.extended().contains(&task) || hold.roots().any(|root| self.graph.is_upstream(root, task))
    }

    /// Time paused up to now.
    pub(crate) fn paused_until(&self, now: Timestamp) -> Millis {
        let present = self.pause.as_ref().map_or(Millis::ZERO, |pause| now.since(pause.since));
        Millis(self.paused.0.saturating_add(present.0))
    }

    /// Time for which a ready task has waited, without pauses of the run.
    pub(crate) fn queue_time(&self, now: Timestamp, task: TaskIx) -> Millis {
        let held = self.rare_ref(task).and_then(|rare| rare.held);
        let (until, paused) = held.unwrap_or_else(|| (now, self.paused_until(now)));
        let paused_before = self.rare_ref(task).map_or(Millis::ZERO, |rare| rare.paused_before);
        let paused = paused.0.saturating_sub(paused_before.0);
        Millis(until.since(self.slot(task).ready_since).0.saturating_sub(paused))
    }

    /// Winds the queue clocks up again that stood still: while the run was paused, or under a hold. O(tasks).
    pub(crate) fn rearm_queues(&mut self, now: Timestamp) {
        for at in 0..self.tasks.len() {
            let task = TaskIx(u32::try_from(at).unwrap_or(u32::MAX));
            if self.tasks[at].ready {
                self.arm_queue(task, now);
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
        self.ready += u32::from(!std::mem::replace(&mut slot.ready, true));
        slot.ready_since = now;
        self.fresh.push(task);
        self.note_wait(task, now);
    }

    /// Winds up the queue clock of a task that is ready from now on.
    pub(crate) fn note_wait(&mut self, task: TaskIx, now: Timestamp) {
        let paused = self.paused_until(now);
        if paused > Millis::ZERO {
            self.rare(task).paused_before = paused;
        }
        self.arm_queue(task, now);
    }

    /// Arms the timer of a queue clock that runs.
    pub(crate) fn arm_queue(&mut self, task: TaskIx, now: Timestamp) {
        if self.graph.limits_queue(task)
            && let Some(limit) = self.graph.spec(task).queue_timeout
        {
            let rest = Millis(limit.0.saturating_sub(self.queue_time(now, task).0));
            self.timers.arm(now + rest, Timer::QueueTimeout { task });
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
            if let Some(rare) = &mut slot.rare {
                rare.held = None;
            }
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

/// The outcome of a task that has ended, as edges and templates see it.
pub(crate) fn outcome_of(graph: &TaskGraph, task: TaskIx, fleet: &Fleet) -> Option<Outcome> {
    let record = graph.record(task);
    let status = record.state.outcome()?;
    let left = record.remains.as_deref();
    Some(Outcome {
        status,
        result: left.and_then(|left| left.result.as_deref()).cloned().unwrap_or_default(),
        outputs: left.and_then(|left| left.outputs.as_deref()).cloned().unwrap_or_default(),
        error: left.and_then(|left| left.error.as_deref()).cloned(),
        attempts: record.attempts,
        duration_ms: record.duration(),
        device: record.device.map(|device| fleet.id(device).clone()),
    })
}

/// How a run ends whose tasks ended like this, unless it was cancelled.
pub(crate) fn end_state(counts: StateCounts) -> RunState {
    match counts {
        StateCounts { failed: 1.., completed: 1.., .. } => RunState::PartiallyFailed,
        StateCounts { failed: 1.., .. } => RunState::Failed,
        StateCounts { completed: 1.., .. } => RunState::Completed,
        StateCounts { cancelled: 1.., .. } => RunState::Cancelled,
        _ => RunState::Completed,
    }
}
