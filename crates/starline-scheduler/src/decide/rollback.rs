//! Rolling back: what the tasks of a run have done is undone, by tasks that one commit adds.

use std::sync::Arc;

use smol_str::SmolStr;
use starline_edit::{
    Filled, Limits, Surroundings, check_within, may_need_undo, rollback, undo_graph, undone,
};
use starline_graph::{RenderError, TemplateContext, literal_payload, render_payload, resolve_files};
use starline_types::{
    Applied, CancelReason, Compensation, Edit, EditBatch, Event, FailurePolicy, FileInput, GraphSpec,
    HoldReason, Origin, PauseCause, Placement, RunSettings, RunState, TaskId, TaskIx, Timestamp,
};

use crate::bug::Bug;
use crate::evolve::UNDO_FAILED;
use crate::state::Rollback;
use crate::{Answer, Fleet, Plan, Refusal, Scheduler, Step};

/// How a run says that everything was undone that could be.
const ROLLED_BACK: &str = "rolled_back";
/// How a run says that something was not undone.
const PARTLY: &str = "partly_rolled_back";

impl Scheduler {
    pub(super) fn decide_rollback(
        &mut self,
        now: Timestamp,
        force: bool,
        by: SmolStr,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        const ALLOWED: &[RunState] = &[RunState::Executing, RunState::Paused];
        if self.is_closed() {
            return Err(Refusal::RunTerminal(self.state.run_state));
        }
        if self.state.ending.is_some() {
            return Err(Refusal::RunCancelling);
        }
        if !ALLOWED.contains(&self.state.run_state) {
            return Err(Refusal::WrongRunState { state: self.state.run_state, allowed: ALLOWED });
        }
        if self.is_undoing() {
            return Ok(Answer::Done);
        }
        if !self.awaits_rollback() {
            self.record(now, Event::RollbackRequested { by: by.clone() }, fleet, step);
            self.close_holds(now, HoldReason::RunEnding, fleet, step);
        }
        for task in self.state.graph.in_order() {
            let state = self.state.graph.state(task);
            if state.is_unstarted() || force && !state.is_terminal() {
                self.cancel_task(now, task, CancelReason::Rollback, force, fleet, step);
            }
        }
        if self.state.run_state == RunState::Paused {
            self.resume(now, &by, fleet, step);
        }
        Ok(Answer::Done)
    }

    /// Whether somebody asked for a rollback, and what undoes the work is not part of the graph yet: until then nothing
    /// new starts.
    pub(crate) fn awaits_rollback(&self) -> bool {
        self.state.rollback.as_ref().is_some_and(|rollback| rollback.asked && !rollback.begun)
    }

    /// Whether what undoes the work is part of the graph.
    pub(crate) fn is_undoing(&self) -> bool {
        self.state.rollback.as_ref().is_some_and(|rollback| rollback.begun)
    }

    /// Whether something was not undone, and the run was not paused for that so far.
    pub(super) fn has_failed_undo(&self) -> bool {
        self.state.rollback.as_ref().is_some_and(|rollback| rollback.failed.is_some())
    }

    /// An attempt that never began leaves its task unstarted: while a rollback is awaited it stays that way.
    pub(super) fn cancel_leftovers(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
        if !self.awaits_rollback() || self.state.ending.is_some() || self.state.graph.counts().pending == 0 {
            return;
        }
        for task in self.state.graph.in_order() {
            if self.state.graph.state(task).is_unstarted() {
                self.cancel_task(now, task, CancelReason::Rollback, false, fleet, step);
            }
        }
    }

    /// What undoes a task has failed for good: a person has to see to that before the rest goes on.
    pub(super) fn heed_failed_undo(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
        if !self.is_executing() || self.state.ending.is_some() {
            return;
        }
        let Some(failed) = self.state.rollback.as_ref().and_then(|rollback| rollback.failed.clone()) else {
            return;
        };
        let reason = format!("{UNDO_FAILED}: {failed}");
        self.pause_for_undo(now, reason, fleet, step);
    }

    fn pause_for_undo(&mut self, now: Timestamp, reason: String, fleet: &mut Fleet, step: &mut Step) {
        let cause = PauseCause::NeedsOperator;
        self.record(
            now,
            Event::RunPaused { cause, deadline: None, reason: Some(reason.into()) },
            fleet,
            step,
        );
    }

    /// Everything has ended: if the work is to be undone, the tasks that do so are added now. Returns whether the run
    /// goes on.
    pub(super) fn roll_back(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) -> bool {
        if self.state.pause.as_ref().is_some_and(|pause| pause.undo_failed) {
            return true;
        }
        let failed =
            self.state.settings.on_failure == FailurePolicy::Rollback && self.state.graph.counts().failed > 0;
        let begun = matches!(self.state.run_state, RunState::Executing | RunState::Paused);
        let due = begun && !self.is_undoing() && self.state.ending.is_none() && self.state.holds.is_empty();
        if !due || !(failed || self.awaits_rollback()) {
            return false;
        }
        let mut batch = rollback(&self.state.graph, &|task| {
            self.state.graph.record(task).device.map(|device| fleet.id(device).clone())
        });
        if batch.edits.is_empty() {
            return false;
        }
        if self.has_bug(Bug::UndoneInAnyOrder) {
            forget_order(&mut batch);
        }
        match self.check_rollback(&batch) {
            Ok(applied) => {
                self.record(now, Event::EditCommitted(Arc::new(applied)), fleet, step);
                self.plan_undo(now, &batch, fleet, step);
            }
            // Whoever resumes the run tries again; whoever cancels it ends it.
            Err(message) => {
                if self.is_executing() {
                    self.pause_for_undo(now, format!("{UNDO_FAILED}: {message}"), fleet, step);
                }
            }
        }
        true
    }

    /// Checks the batch as any other, but for limits: whatever was allowed to be done can be undone.
    fn check_rollback(&mut self, batch: &EditBatch) -> Result<Applied, String> {
        let mut limits = Limits::ceiling();
        (limits.tasks, limits.dependencies, limits.degree) = (usize::MAX, usize::MAX, usize::MAX);
        (limits.edits, limits.run_edits, limits.added_tasks) = (usize::MAX, u64::MAX, u64::MAX);
        (limits.metadata_bytes, limits.text_bytes) = (usize::MAX, usize::MAX);
        let around = Surroundings { limits, ..Surroundings::default() };
        let checked = check_within(&mut self.state.graph, batch, &around).map_err(|rejection| {
            rejection.faults.first().map_or_else(String::new, |fault| fault.message.clone())
        })?;
        let author = SmolStr::new_static(Compensation::AUTHOR);
        Ok(Applied { author, origin: Origin::Rollback, ..checked.applied() })
    }

    /// Without a strategy nobody plans: what undoes a task is planned where the task ran.
    fn plan_undo(&mut self, now: Timestamp, batch: &EditBatch, fleet: &mut Fleet, step: &mut Step) {
        if self.strategy.is_some() {
            return;
        }
        let mut assignments = Vec::new();
        for edit in &batch.edits {
            let Edit::AddTask { task: spec, .. } = edit else { continue };
            let undone = spec.compensates().and_then(|id| self.state.graph.find(id));
            let device = undone.and_then(|task| self.state.graph.record(task).device);
            let class = fleet.class(spec);
            let device = device.filter(|device| fleet.eligible(class).binary_search(device).is_ok());
            if let (Some(task), Some(device)) = (self.state.graph.find(spec.id.as_str()), device) {
                let task = self.state.graph.reference(task);
                assignments.push(Placement { task, device: Some(fleet.reference(device)) });
            }
        }
        if !assignments.is_empty() {
            self.record(now, Event::TasksPlaced { assignments: assignments.into() }, fleet, step);
        }
    }

    /// The state in which a run that was rolled back ends, and what it says of that.
    pub(super) fn end_of_rollback(&self) -> Option<(RunState, &'static str)> {
        let rollback: &Rollback = self.state.rollback.as_deref()?;
        let state = if rollback.asked { RunState::Cancelled } else { rollback.end? };
        Some((state, if self.has_undone_all() { ROLLED_BACK } else { PARTLY }))
    }

    fn has_undone_all(&self) -> bool {
        let graph = &self.state.graph;
        let undone = undone(graph);
        let mut wanted = graph.indices().filter(|task| may_need_undo(graph, *task));
        wanted.all(|task| undone.contains(graph.id(task).as_str()))
    }

    /// A run that undoes this one, which is over: what its tasks may have done and what was not undone in the run itself.
    /// Texts of what undoes them are filled in with what this run knew. `is_undone` says what was undone elsewhere. `None`
    /// if there is nothing to undo.
    ///
    /// # Errors
    /// The task whose texts cannot be filled in, and why.
    pub fn undo_plan(
        &self,
        is_undone: &dyn Fn(&TaskId) -> bool,
        fleet: &Fleet,
    ) -> Result<Option<Plan>, String> {
        let fill = |task: TaskIx| {
            self.fill(task, fleet).map_err(|error| {
                format!("what undoes task {} cannot be filled in: {error}", self.state.graph.id(task))
            })
        };
        let graph: GraphSpec = undo_graph(&self.state.graph, is_undone, &fill)?;
        if graph.tasks.is_empty() {
            return Ok(None);
        }
        let old = &self.state.settings;
        let settings = RunSettings {
            undoes: Some(self.state.run.clone()),
            max_parallel: old.max_parallel,
            seed: old.seed,
            secrets: old.secrets.clone(),
            approved_in_advance: old.approved_in_advance,
            ..RunSettings::default()
        };
        Ok(Some(Plan { graph: Arc::new(graph), settings: Arc::new(settings), ..Plan::default() }))
    }

    fn fill(&self, task: TaskIx, fleet: &Fleet) -> Result<Filled, RenderError> {
        let graph = &self.state.graph;
        let spec = graph.spec(task);
        let lookup = |id: &str| {
            let source = graph.find(id)?;
            let visible = source == task || graph.is_upstream(source, task);
            visible.then(|| self.state.outcome(source, fleet)).flatten()
        };
        let files = resolve_files(spec, &lookup)?;
        let (given, own) = (&self.state.settings.inputs, &*spec.inputs);
        let context = TemplateContext { run: given, task: own, files: &files, outcome: &lookup };
        let payload = spec.compensation().map(|undo| undo.run.clone()).unwrap_or_default();
        let run = literal_payload(&render_payload(&payload, &context)?)?;
        let known = files.into_iter().map(|(name, file)| {
            (name.clone(), FileInput::File { path: name, artifact: Some(file.artifact) })
        });
        Ok(Filled {
            run,
            files: known.collect(),
            device: graph.record(task).device.map(|device| fleet.id(device).clone()),
        })
    }
}

/// The wrong rule that work is undone in any order.
fn forget_order(batch: &mut EditBatch) {
    for edit in &mut batch.edits {
        if let Edit::AddTask { after, .. } = edit {
            after.truncate(1);
        }
    }
}
