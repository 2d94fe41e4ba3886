//! What the facts have said so far about a run, kept by a reader of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use starline_assign::Binding;
use starline_types::{
    CancelReason, Checkpoint, DependencyKind, DeviceApproval, DeviceProfile, FailurePolicy, GraphSpec,
    OutcomeStatus, PauseCause, RunSettings, RunState, TaskId, TaskSpec, Timestamp,
};

use super::edits::EditBook;
use super::gates::Gate;
use super::holds::HoldsBook;
use super::test::Test;
use super::undo::UndoBook;
use crate::Strategist;
use crate::sim::SimDevice;

/// An edge as the reader understands it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) kind: DependencyKind,
    pub(super) id: String,
    /// Whether the id is one of its own.
    pub(super) named: bool,
    pub(super) note: Option<Arc<str>>,
    /// Rank by insertion.
    pub(super) rank: u32,
    /// How many were added before it, and the rank with which it comes back, while the batch that adds it is read.
    pub(super) joined: Option<(u32, Option<u32>)>,
    /// The revision that made it what it is.
    pub(super) changed: u64,
    /// Whether the present batch made it what it is.
    pub(super) is_new: bool,
}

/// A live attempt on record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct LiveBook {
    pub(super) attempt: u32,
    pub(super) device: usize,
    pub(super) since: Timestamp,
    pub(super) cancel: Option<CancelReason>,
    /// When it is over even if nothing more is heard of it.
    pub(super) over_by: Option<Timestamp>,
}

/// A pause on record.
#[derive(Clone, Copy, Debug)]
pub(super) struct PauseBook {
    pub(super) cause: PauseCause,
    pub(super) since: Timestamp,
    pub(super) deadline: Option<Timestamp>,
    /// Whether an editor went too far.
    pub(super) limited: bool,
    /// Whether something was not undone.
    pub(super) undo: bool,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Stand {
    #[default]
    Pending,
    Live(LiveBook),
    Ended(OutcomeStatus),
    /// An edit removed it.
    Gone,
}

/// A task on record.
#[derive(Clone, Debug)]
pub(super) struct TaskBook {
    pub(super) spec: Arc<TaskSpec>,
    pub(super) into: Vec<Edge>,
    pub(super) stand: Stand,
    pub(super) attempts: u32,
    pub(super) retries: u32,
    pub(super) losses: u32,
    pub(super) refusals: u32,
    pub(super) backoff: Timestamp,
    pub(super) planned: Option<usize>,
    /// Where the last attempt was.
    pub(super) last: Option<usize>,
    /// Devices that refused, until when.
    pub(super) refused: BTreeMap<usize, Timestamp>,
    /// Devices that were lost.
    pub(super) lost: Vec<usize>,
    /// Since when it is ready, and how long the run had been paused by then.
    pub(super) ready: Option<(Timestamp, u64)>,
    /// What its attempts put down last.
    pub(super) checkpoint: Option<Checkpoint>,
    /// The output `n`.
    pub(super) n: Option<i64>,
    pub(super) gate: Gate,
    /// Rank by insertion.
    pub(super) rank: u32,
    /// The revision that made it what it is.
    pub(super) changed: u64,
    /// Since when a hold covers it although it is ready, and how long the run had been paused by then.
    pub(super) held: Option<(Timestamp, u64)>,
    /// Attempts of earlier tasks of the same name.
    pub(super) before: u32,
}

/// A run on record.
#[derive(Debug)]
pub(super) struct RunBook {
    pub(super) graph: Arc<GraphSpec>,
    pub(super) settings: Arc<RunSettings>,
    pub(super) binding: Option<Binding>,
    pub(super) tasks: Vec<TaskBook>,
    pub(super) names: FxHashMap<TaskId, usize>,
    pub(super) state: RunState,
    pub(super) pause: Option<PauseBook>,
    /// Time spent paused, without the present pause.
    pub(super) paused: u64,
    pub(super) ending: Option<CancelReason>,
    pub(super) edit_wait_over: bool,
    pub(super) seq: u64,
    /// The last ownership on record.
    pub(super) epoch: u64,
    /// An ownership that began and is not on record: nothing else may come before it.
    pub(super) owner: Option<u64>,
    pub(super) t: Timestamp,
    pub(super) started: Option<Timestamp>,
    /// Commands that somebody gave.
    pub(super) cancel_run: bool,
    pub(super) cancelled: Vec<usize>,
    pub(super) skipped: Vec<usize>,
    /// Answers to questions, right or not: whether the task may run.
    pub(super) answers: Vec<(usize, bool)>,
    pub(super) edits: EditBook,
    pub(super) holds: HoldsBook,
    pub(super) undo: UndoBook,
}

impl RunBook {
    pub(super) fn new(graph: Arc<GraphSpec>, settings: Arc<RunSettings>, strategist: Strategist) -> Self {
        let names: FxHashMap<TaskId, usize> =
            graph.tasks.iter().enumerate().map(|(at, task)| (task.id.clone(), at)).collect();
        let mut tasks: Vec<TaskBook> =
            graph.tasks.iter().map(|spec| TaskBook::new(Arc::clone(spec))).collect();
        for (task, rank) in tasks.iter_mut().zip(0..) {
            task.rank = rank;
        }
        for (edge, rank) in graph.dependencies.iter().zip(0..) {
            if let (Some(from), Some(to)) = (names.get(&edge.from), names.get(&edge.to)) {
                let id = edge
                    .id
                    .as_ref()
                    .map_or_else(|| format!("{}->{}", edge.from, edge.to), ToString::to_string);
                let (kind, note, named) = (edge.kind.clone(), edge.note.clone(), edge.id.is_some());
                tasks[*to].into.push(Edge {
                    from: *from,
                    kind,
                    id,
                    named,
                    note,
                    rank,
                    changed: 0,
                    joined: None,
                    is_new: false,
                });
            }
        }
        let edits = EditBook::new(tasks.len() as u32, graph.dependencies.len() as u32);
        let holds = HoldsBook::new(&settings);
        Self {
            graph,
            settings,
            binding: strategist.binding(),
            tasks,
            names,
            state: RunState::Created,
            pause: None,
            paused: 0,
            ending: None,
            edit_wait_over: false,
            seq: 0,
            epoch: 0,
            owner: None,
            t: Timestamp(0),
            started: None,
            cancel_run: false,
            cancelled: Vec::new(),
            skipped: Vec::new(),
            answers: Vec::new(),
            edits,
            holds,
            undo: UndoBook::default(),
        }
    }

    /// What has been decided about an edge: satisfied, impossible, or nothing yet.
    pub(super) fn verdict(&self, edge: &Edge) -> Option<bool> {
        let source = &self.tasks[edge.from];
        let Stand::Ended(status) = source.stand else { return None };
        Some(match &edge.kind {
            DependencyKind::Success => status == OutcomeStatus::Completed,
            DependencyKind::Failure => status == OutcomeStatus::Failed,
            DependencyKind::Completion => true,
            DependencyKind::When(text) => Test::of(text).is_some_and(|test| test.holds(status, source.n)),
        })
    }

    pub(super) fn is_satisfied(&self, task: usize) -> bool {
        self.tasks[task].into.iter().all(|edge| self.verdict(edge) == Some(true))
    }

    pub(super) fn is_impossible(&self, task: usize) -> bool {
        self.tasks[task].into.iter().any(|edge| self.verdict(edge) == Some(false))
    }

    /// Whether impossible tasks wait for somebody to edit them.
    pub(super) fn waits_for_edit(&self) -> bool {
        self.settings.on_failure == FailurePolicy::WaitForEdit && !self.edit_wait_over
    }

    pub(super) fn running(&self) -> u32 {
        self.tasks.iter().filter(|task| matches!(task.stand, Stand::Live(_))).count() as u32
    }

    pub(super) fn live_on(&self, device: usize) -> u32 {
        let on = |task: &&TaskBook| matches!(task.stand, Stand::Live(live) if live.device == device);
        self.tasks.iter().filter(on).count() as u32
    }

    pub(super) fn count(&self, status: OutcomeStatus) -> u32 {
        self.tasks.iter().filter(|task| task.stand == Stand::Ended(status)).count() as u32
    }

    /// Whether nothing is missing for a task but a device.
    pub(super) fn is_ready(&self, task: usize, t: Timestamp) -> bool {
        let book = &self.tasks[task];
        book.stand == Stand::Pending
            && book.gate == Gate::Open
            && book.backoff <= t
            && self.is_satisfied(task)
    }

    /// Time spent paused up to now.
    pub(super) fn paused_until(&self, t: Timestamp) -> u64 {
        self.paused + self.pause.map_or(0, |pause| t.since(pause.since).0)
    }

    /// How long a ready task has waited for a device; the clock stands still while the run is paused.
    pub(super) fn waited(&self, task: usize, t: Timestamp) -> u64 {
        let book = &self.tasks[task];
        let (until, paused_then) = book.held.unwrap_or_else(|| (t, self.paused_until(t)));
        book.ready.map_or(0, |(since, paused)| until.since(since).0.saturating_sub(paused_then - paused))
    }

    /// Tasks that are in the graph.
    pub(super) fn present(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.tasks.len()).filter(|task| self.tasks[*task].stand != Stand::Gone)
    }

    /// How urgent a ready task is: larger goes first.
    pub(super) fn urgency(&self, task: usize, t: Timestamp) -> (i64, std::cmp::Reverse<usize>) {
        let book = &self.tasks[task];
        // Time under a hold does not count.
        let held = book.held.map_or(0, |(held, _)| t.since(held).0);
        let since = book.ready.map_or(t, |(since, _)| Timestamp(since.0 + held));
        (
            i64::from(self.tasks[task].spec.priority.value()) - (since.0 / 10_000) as i64,
            std::cmp::Reverse(self.tasks[task].rank as usize),
        )
    }

    /// The devices that a task may be given to now, full or not: those that fit, are there and did not just
    /// refuse; not those that were lost under it, as long as there is another one.
    pub(super) fn candidates(&self, task: usize, t: Timestamp, devices: &[SimDevice]) -> Vec<usize> {
        let book = &self.tasks[task];
        let willing: Vec<usize> = (0..devices.len())
            .filter(|at| devices[*at].registered && fits(&devices[*at].profile, &book.spec))
            .filter(|at| devices[*at].takes_work())
            .filter(|at| book.refused.get(at).is_none_or(|until| *until <= t))
            .collect();
        let others: Vec<usize> = willing.iter().copied().filter(|at| !book.lost.contains(at)).collect();
        if others.is_empty() { willing } else { others }
    }
}

impl TaskBook {
    pub(super) fn new(spec: Arc<TaskSpec>) -> Self {
        let gate = if spec.gate().is_some() { Gate::Closed } else { Gate::Open };
        Self {
            spec,
            gate,
            into: Vec::new(),
            stand: Stand::default(),
            attempts: 0,
            retries: 0,
            losses: 0,
            refusals: 0,
            backoff: Timestamp(0),
            planned: None,
            last: None,
            refused: BTreeMap::new(),
            lost: Vec::new(),
            ready: None,
            checkpoint: None,
            n: None,
            rank: 0,
            changed: 0,
            held: None,
            before: 0,
        }
    }
}

/// Whether a device has what a task asks for.
pub(crate) fn fits(profile: &DeviceProfile, task: &TaskSpec) -> bool {
    let admitted = match profile.approval {
        DeviceApproval::Auto => true,
        DeviceApproval::Ask => task.gate().is_some(),
        DeviceApproval::Deny => false,
    };
    let admitted = admitted && profile.accepts.admits(&task.run);
    let Some(selector) = task.device.as_deref() else { return admitted };
    let pinned = selector.on.as_ref().is_none_or(|id| id.as_str() == profile.id.as_str());
    let os = match (&selector.os, &profile.os) {
        (None, _) => true,
        (Some(wanted), Some(have)) => wanted.to_lowercase() == have.to_lowercase(),
        (Some(_), None) => false,
    };
    let able = selector.needs.iter().all(|need| profile.capabilities.iter().any(|have| have == need));
    let wide = selector.resources.0.iter().all(|(name, wanted)| {
        profile.resources.0.get(name).copied().unwrap_or_default() >= *wanted
            && profile.resources.0.contains_key(name)
    });
    admitted && pinned && os && able && wide
}
