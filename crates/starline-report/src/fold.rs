//! Adds a record to a history.

use std::sync::Arc;

use starline_graph::TaskGraph;
use starline_types::{
    Applied, Edit, EditBatch, Envelope, Event, Placement, Revision, RunEnd, RunId, RunState, Seq, TaskIx,
    TaskRef, Timestamp,
};

use crate::fold_edit::put_in_force;
use crate::marks::{Connection, Hold, Pause, StrategyFault};
use crate::task::{Moment, TaskHistory};
use crate::{History, HistoryError, HistoryFault};

/// Faults of strategies that are kept.
const STRATEGY_FAULTS: usize = 100;

impl History {
    /// Begins a history with the record that creates the run.
    ///
    /// # Errors
    /// The record is of another kind, is not the first of its run, or its graph has faults.
    pub fn begin(record: &Envelope) -> Result<Self, HistoryError> {
        let fault = |fault| HistoryError::new(record.seq, fault);
        let Event::RunCreated { name, graph: spec, settings } = &record.event else {
            return Err(fault(HistoryFault::NoBeginning(record.event.kind())));
        };
        if record.seq != Seq(1) {
            return Err(fault(HistoryFault::OutOfOrder(Seq(1))));
        }
        let mut graph = TaskGraph::default();
        let edits = vec![Edit::Build { graph: Arc::clone(spec), clear_existing: true }];
        let applied = Applied { batch: EditBatch { edits, ..EditBatch::default() }, ..Applied::default() };
        drop(put_in_force(&mut graph, &applied).map_err(fault)?);
        graph.describe(name.to_string(), spec.metadata.clone());
        let created = Moment { t: record.t, at: record.at };
        let mut history = Self {
            run: record.run_id.clone(),
            name: name.clone(),
            settings: Arc::clone(settings),
            strategy: None,
            first: Arc::clone(spec),
            graph,
            state: RunState::Created,
            seq: record.seq,
            created,
            started: None,
            ended: None,
            now: created,
            end: None,
            torn: false,
            tasks: Vec::with_capacity(spec.tasks.len()),
            places: Default::default(),
            devices: Vec::new(),
            device_places: Default::default(),
            holds: Vec::new(),
            pauses: Vec::new(),
            commits: Vec::new(),
            refused: Vec::new(),
            connections: Vec::new(),
            strategy_faults: Vec::new(),
            ignored: 0,
        };
        for task in &spec.tasks {
            history.add_task(Arc::clone(task), Revision(0));
        }
        Ok(history)
    }

    /// Adds the next record. Progress may come with the number of any record, and may be missing.
    ///
    /// # Errors
    /// The record is of another run, out of order, or does not fit what is known. Nothing has changed then.
    pub fn push(&mut self, record: &Envelope) -> Result<(), HistoryError> {
        let fault = |fault| HistoryError::new(record.seq, fault);
        let moment = Moment { t: record.t, at: record.at };
        if record.run_id == RunId::system() {
            self.note_connection(moment, &record.event);
            return Ok(());
        }
        if record.run_id != self.run {
            let (expected, found) = (self.run.clone(), record.run_id.clone());
            return Err(fault(HistoryFault::OtherRun { expected, found }));
        }
        if let Event::Progress { task, attempt, text, .. } = &record.event {
            self.note_output(task, *attempt, text);
            self.now.t = self.now.t.max(record.t);
            self.now.at = self.now.at.max(record.at);
            return Ok(());
        }
        if record.seq != self.seq.next() {
            return Err(fault(HistoryFault::OutOfOrder(self.seq.next())));
        }
        self.apply(moment, &record.event).map_err(fault)?;
        (self.seq, self.now) = (record.seq, moment);
        Ok(())
    }

    fn apply(&mut self, moment: Moment, event: &Event) -> Result<(), HistoryFault> {
        let now = moment.t;
        match event {
            Event::RunCreated { .. } => return Err(HistoryFault::SecondBeginning),
            Event::RunReady { strategy, assignments } => {
                self.state = RunState::Ready;
                self.strategy = Some(strategy.clone());
                self.note_plans(assignments);
            }
            Event::TasksPlaced { assignments } => self.note_plans(assignments),
            Event::RunStarted { strategy, .. } => {
                self.state = RunState::Executing;
                self.strategy = Some(strategy.clone());
                self.started = Some(moment);
                for at in 0..self.tasks.len() {
                    self.note_ready(at, now);
                }
            }
            Event::RunPaused { cause, reason, .. } => {
                self.state = RunState::Paused;
                let reason = reason.clone();
                self.pauses.push(Pause { cause: *cause, reason, from: now, ended: None });
            }
            Event::RunResumed { by } => {
                self.state = RunState::Executing;
                if let Some(pause) = self.pauses.last_mut() {
                    pause.ended.get_or_insert_with(|| (now, by.clone()));
                }
            }
            Event::RunCompleted(end) | Event::RunFailed(end) | Event::RunCancelled(end) => {
                self.finish(moment, end);
            }
            Event::EditCommitted(applied) => self.commit(moment, applied)?,
            Event::HoldOpened { hold, scope, triggers } => self.holds.push(Hold {
                id: *hold,
                scope: *scope,
                triggers: triggers.iter().map(|task| task.id().clone()).collect(),
                opened_at: now,
                activated_at: None,
                deadline: None,
                closed: None,
            }),
            Event::EditRejected(rejected) => self.refuse(moment, rejected),
            Event::HoldJoined { hold, task } => {
                if let Some(hold) = self.holds.iter_mut().rev().find(|known| known.id == *hold) {
                    hold.triggers.push(task.id().clone());
                }
            }
            Event::RollbackRequested { .. }
            | Event::PlannerFaulted { .. }
            | Event::HoldExtended { .. }
            | Event::HoldTimeoutSet { .. }
            | Event::OwnerChanged { .. }
            | Event::StateHashed { .. }
            | Event::TaskCheckpoint { .. }
            | Event::BackoffEnded { .. } => {}
            Event::HoldActivated { hold, deadline } => {
                if let Some(hold) = self.holds.iter_mut().rev().find(|known| known.id == *hold) {
                    (hold.activated_at, hold.deadline) = (Some(now), Some(*deadline));
                }
            }
            Event::HoldClosed { hold, reason, .. } => {
                if let Some(hold) = self.holds.iter_mut().rev().find(|known| known.id == *hold) {
                    hold.closed = Some((now, *reason));
                }
            }
            Event::ResultIgnored { .. } => self.ignored += 1,
            Event::StrategyFaulted { strategy, message } => {
                if self.strategy_faults.len() < STRATEGY_FAULTS {
                    let (strategy, message) = (strategy.clone(), message.clone());
                    self.strategy_faults.push(StrategyFault { at: now, strategy, message });
                }
            }
            Event::DeviceConnected { .. }
            | Event::DeviceDisconnected { .. }
            | Event::DeviceStatusChanged { .. } => self.note_connection(moment, event),
            Event::Progress { .. } => {}
            Event::TaskAssigned { .. }
            | Event::TaskStarted { .. }
            | Event::TaskCompleted { .. }
            | Event::TaskFailed { .. }
            | Event::TaskRetryScheduled { .. }
            | Event::TaskCancelRequested { .. }
            | Event::TaskCancelled { .. }
            | Event::TaskSkipped { .. }
            | Event::ApprovalRequested { .. }
            | Event::ApprovalGranted { .. }
            | Event::ApprovalRefused { .. }
            | Event::ApprovalExpired { .. }
            | Event::AttemptLost { .. } => self.apply_to_task(moment, event)?,
        }
        Ok(())
    }

    pub(crate) fn history_of(&mut self, task: TaskIx) -> &mut TaskHistory {
        let at = match self.places.get(self.graph.id(task)) {
            Some(at) => *at,
            // Every task of the graph has a history: this is how it gets one.
            None => self.add_task(Arc::clone(self.graph.spec(task)), self.graph.revision()),
        };
        &mut self.tasks[at]
    }

    pub(crate) fn add_task(&mut self, spec: Arc<starline_types::TaskSpec>, revision: Revision) -> usize {
        if let Some(at) = self.places.get(&spec.id) {
            self.tasks[*at].spec = spec;
            self.tasks[*at].removed = false;
            return *at;
        }
        self.places.insert(spec.id.clone(), self.tasks.len());
        self.tasks.push(TaskHistory::new(spec, revision));
        self.tasks.len() - 1
    }

    fn note_plans(&mut self, assignments: &[Placement]) {
        for Placement { task, device } in assignments {
            let Some(at) = self.places.get(task.id()) else { continue };
            if let (None, Some(device)) = (&self.tasks[*at].planned, device) {
                self.tasks[*at].planned = Some(device.id().clone());
            }
        }
    }

    /// Notes that a task became ready, if it is.
    pub(crate) fn note_ready(&mut self, at: usize, now: Timestamp) {
        let history = &mut self.tasks[at];
        if self.started.is_some()
            && history.ready_at.is_none()
            && history.status.is_none()
            && let Some(ix) = self.graph.find(history.spec.id.as_str())
            && self.graph.waits(ix).satisfied()
        {
            history.ready_at = Some(now);
        }
    }

    fn finish(&mut self, moment: Moment, end: &RunEnd) {
        self.state = end.state;
        self.ended = Some(moment);
        self.end = Some(Box::new(end.clone()));
    }

    fn note_output(&mut self, task: &TaskRef, attempt: u32, text: &str) {
        if let Ok(ix) = self.live(task, attempt)
            && attempt > 0
            && let Some(last) = self.history_of(ix).attempts.last_mut()
        {
            last.output.add(text);
        }
    }

    fn note_connection(&mut self, moment: Moment, event: &Event) {
        let (device, connected, reason) = match event {
            Event::DeviceConnected { device, .. } => (device, true, None),
            Event::DeviceDisconnected { device, reason, .. } => (device, false, reason.clone()),
            _ => return,
        };
        self.connections.push(Connection { device: device.clone(), moment, connected, reason });
    }
}
