//! The history of one run.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use starline_graph::{TaskGraph, descendants, statistics};
use starline_types::{
    DeviceId, DeviceProfile, Envelope, EventKind, GraphSpec, HoldScope, Reading, Revision, RunEnd, RunId,
    RunSettings, RunState, Seq, Statistics, TaskId, TaskIx, TaskState, Timestamp,
};

use crate::marks::{Commit, Connection, DeviceHistory, Hold, Pause, Refused, StrategyFault};
use crate::task::{Moment, TaskHistory};
use crate::{HistoryError, HistoryFault};

/// What happened in one run, as its records tell it.
///
/// Records may end anywhere: what had not ended then is shown as it was. Holds what the records held, without
/// the results of earlier attempts, and of outputs the last lines of attempts that did not complete.
#[derive(Clone, Debug)]
pub struct History {
    pub(crate) run: RunId,
    pub(crate) name: SmolStr,
    pub(crate) settings: Arc<RunSettings>,
    pub(crate) strategy: Option<SmolStr>,
    pub(crate) first: Arc<GraphSpec>,
    pub(crate) graph: TaskGraph,
    pub(crate) state: RunState,
    pub(crate) seq: Seq,
    pub(crate) created: Moment,
    pub(crate) started: Option<Moment>,
    pub(crate) ended: Option<Moment>,
    pub(crate) now: Moment,
    pub(crate) end: Option<Box<RunEnd>>,
    pub(crate) torn: bool,
    pub(crate) tasks: Vec<TaskHistory>,
    pub(crate) places: FxHashMap<TaskId, usize>,
    pub(crate) devices: Vec<DeviceHistory>,
    pub(crate) device_places: FxHashMap<DeviceId, usize>,
    pub(crate) holds: Vec<Hold>,
    pub(crate) pauses: Vec<Pause>,
    pub(crate) commits: Vec<Commit>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) strategy_faults: Vec<StrategyFault>,
    pub(crate) ignored: u64,
}

impl History {
    /// Reads the records of one run, in order. Those of the stream `system` may be among them. O(n log n).
    ///
    /// # Errors
    /// There is no record, or one that does not belong to the history of the run: the first such record.
    pub fn read<E: Borrow<Envelope>>(records: impl IntoIterator<Item = E>) -> Result<Self, HistoryError> {
        let mut history: Option<Self> = None;
        for record in records {
            let record = record.borrow();
            match &mut history {
                Some(history) => history.push(record)?,
                None if is_aside(record) => {}
                None => history = Some(Self::begin(record)?),
            }
        }
        history.ok_or_else(|| HistoryError::nowhere(HistoryFault::Empty))
    }

    /// Reads records that are written one to a line, as JSON. O(n log n).
    ///
    /// A last line that is cut off, as a process that was killed leaves it, is left out;
    /// [`is_torn`](Self::is_torn) says so.
    ///
    /// # Errors
    /// As [`read`](Self::read); also a line that is no record, or one of a kind that is not known.
    pub fn read_json_lines(text: &str) -> Result<Self, HistoryError> {
        let mut history: Option<Self> = None;
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
        let mut torn = false;
        while let Some((at, line)) = lines.next() {
            let record: Envelope = match serde_json::from_str(line) {
                Ok(record) => record,
                Err(error) if error.is_eof() && lines.peek().is_none() && !text.ends_with('\n') => {
                    torn = true;
                    break;
                }
                Err(error) => return Err(HistoryError::unreadable(seq_of(line), at + 1, error)),
            };
            match &mut history {
                Some(history) => history.push(&record)?,
                None if is_aside(&record) => {}
                None => history = Some(Self::begin(&record)?),
            }
        }
        let mut history = history.ok_or_else(|| HistoryError::nowhere(HistoryFault::Empty))?;
        history.torn = torn;
        Ok(history)
    }

    /// Makes the numbers of slots known, which records do not say. Devices that the run never saw are added.
    pub fn know_devices<'p>(&mut self, profiles: impl IntoIterator<Item = &'p DeviceProfile>) {
        for profile in profiles {
            let at = self.device_at(&profile.id);
            self.devices[at].slots = Some(profile.slots);
        }
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Its display name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &RunSettings {
        &self.settings
    }

    /// Name of the strategy, once the run was ready.
    #[must_use]
    pub fn strategy(&self) -> Option<&str> {
        self.strategy.as_deref()
    }

    /// State of the run at the last record.
    #[must_use]
    pub fn state(&self) -> RunState {
        self.state
    }

    /// How it ended, if it did.
    #[must_use]
    pub fn end(&self) -> Option<&RunEnd> {
        self.end.as_deref()
    }

    /// When the run was created.
    #[must_use]
    pub fn created(&self) -> Moment {
        self.created
    }

    /// When it was started.
    #[must_use]
    pub fn started(&self) -> Option<Moment> {
        self.started
    }

    /// When it ended.
    #[must_use]
    pub fn ended(&self) -> Option<Moment> {
        self.ended
    }

    /// The moment of the last record.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Number of the last record.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Whether the last line of the records was cut off.
    #[must_use]
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// The graph as it was submitted.
    #[must_use]
    pub fn first_graph(&self) -> &GraphSpec {
        &self.first
    }

    /// The graph after the last edit, with the states of its tasks.
    #[must_use]
    pub fn graph(&self) -> &TaskGraph {
        &self.graph
    }

    /// Commits so far.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.graph.revision()
    }

    /// Every task that ever was in the graph, in the order in which they came.
    #[must_use]
    pub fn tasks(&self) -> &[TaskHistory] {
        &self.tasks
    }

    /// One task. O(1).
    #[must_use]
    pub fn task(&self, id: &TaskId) -> Option<&TaskHistory> {
        self.places.get(id).map(|at| &self.tasks[*at])
    }

    /// The devices, in the order in which they were seen.
    #[must_use]
    pub fn devices(&self) -> &[DeviceHistory] {
        &self.devices
    }

    /// The holds, in order.
    #[must_use]
    pub fn holds(&self) -> &[Hold] {
        &self.holds
    }

    /// The pauses, in order.
    #[must_use]
    pub fn pauses(&self) -> &[Pause] {
        &self.pauses
    }

    /// The edits in force, in order.
    #[must_use]
    pub fn commits(&self) -> &[Commit] {
        &self.commits
    }

    /// Batches that were refused, in order; of very many the first ones.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// Connections that came and went, in order.
    #[must_use]
    pub fn connections(&self) -> &[Connection] {
        &self.connections
    }

    /// Strategies that erred, at most the first hundred times.
    #[must_use]
    pub fn strategy_faults(&self) -> &[StrategyFault] {
        &self.strategy_faults
    }

    /// Reports that belonged to no live attempt.
    #[must_use]
    pub fn ignored_reports(&self) -> u64 {
        self.ignored
    }

    /// From when on time is counted: the start of the run, or its creation before that.
    #[must_use]
    pub fn origin(&self) -> Timestamp {
        self.started.unwrap_or(self.created).t
    }

    /// Until when time is counted: the end of the run, or the last record.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.ended.unwrap_or(self.now).t
    }

    /// Figures of the final graph, for an ended run those of its result. O(n + m).
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let mut figures = statistics(&self.graph);
        figures.execution_duration = self.started.map(|started| self.until().since(started.t).as_secs_f64());
        figures.state = self.state;
        figures.attempts_total = self.tasks.iter().map(|task| task.attempts.len() as u64).sum();
        figures
    }

    /// How every task of the final graph reads at the last record. O(n log n + m).
    ///
    /// Records say nothing of devices that are full or away: a task that waits for one reads `ready`.
    #[must_use]
    pub fn readings(&self) -> BTreeMap<TaskId, Reading> {
        let held = self.held();
        let reading = |task: TaskIx| (self.graph.id(task).clone(), self.reading_of(task, &held));
        self.graph.indices().map(reading).collect()
    }

    /// Whether each task, by index, is covered by an open hold.
    fn held(&self) -> Vec<bool> {
        let mut held = vec![false; self.graph.bound()];
        for hold in self.holds.iter().filter(|hold| hold.closed.is_none()) {
            match hold.scope {
                HoldScope::Graph => held.fill(true),
                HoldScope::Descendants => {
                    let triggers = hold.triggers.iter().filter_map(|task| self.graph.find(task.as_str()));
                    for task in descendants(&self.graph, triggers) {
                        held[task.at()] = true;
                    }
                }
            }
        }
        held
    }

    fn reading_of(&self, task: TaskIx, held: &[bool]) -> Reading {
        let history = self.task(self.graph.id(task));
        let last = history.and_then(|history| history.attempts.last());
        match self.graph.state(task) {
            TaskState::Running { .. } if last.is_some_and(|last| last.cancel.is_some()) => {
                Reading::Cancelling
            }
            TaskState::Running { .. } => Reading::Running,
            TaskState::Completed => Reading::Completed,
            TaskState::Failed => Reading::Failed,
            TaskState::Cancelled => Reading::Cancelled,
            TaskState::Skipped => Reading::Skipped,
            TaskState::Pending => {
                let waits = self.graph.waits(task);
                let asked = history.and_then(|history| history.approvals.last());
                let backoff = history.and_then(|history| history.backoff_until);
                if waits.impossible > 0 {
                    Reading::Blocked
                } else if waits.open > 0 {
                    Reading::Waiting
                } else if held[task.at()] {
                    Reading::Held
                } else if asked.is_some_and(|asked| asked.answer.is_none()) {
                    Reading::AwaitingApproval
                } else if backoff.is_some_and(|until| until > self.now.t) {
                    Reading::Backoff
                } else {
                    Reading::Ready
                }
            }
        }
    }

    pub(crate) fn device_at(&mut self, id: &DeviceId) -> usize {
        if let Some(at) = self.device_places.get(id) {
            return *at;
        }
        self.devices.push(DeviceHistory::new(id.clone()));
        self.device_places.insert(id.clone(), self.devices.len() - 1);
        self.devices.len() - 1
    }
}

/// Whether a record is not of a run: it may come before the first of the run.
fn is_aside(record: &Envelope) -> bool {
    record.run_id == RunId::system() || record.event.kind() == EventKind::Progress
}

/// The number of a record that cannot be read, if at least that can.
fn seq_of(line: &str) -> Option<Seq> {
    let record: serde_json::Value = serde_json::from_str(line).ok()?;
    record.get("seq")?.as_u64().map(Seq)
}
