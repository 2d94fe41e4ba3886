//! What a run would do, if all went as it is estimated: found out in virtual time, and carried out by nobody.

mod course;
mod figures;
mod note;
mod reason;
mod show;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use starline::orchestrator::AssignmentStrategy;
use starline::types::{DeviceId, DeviceProfile, GraphSpec, Millis, RunSettings, TaskId};

use crate::attempts::DeviceUse;
use crate::failure::Failure;

pub(crate) use figures::Figures;
pub(crate) use note::Note;
pub(crate) use reason::Reason;
pub(crate) use show::{show, show_comparison, show_tasks};

/// What is to be planned.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) graph: Arc<GraphSpec>,
    pub(crate) settings: RunSettings,
    pub(crate) devices: Vec<DeviceProfile>,
    pub(crate) seed: u64,
}

/// What a run would do.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Plan {
    /// Name of the strategy.
    pub(crate) strategy: String,
    /// Tasks in the order of their starts, those that are not expected to run last.
    pub(crate) tasks: Vec<PlannedTask>,
    /// Levels of the graph: tasks of one could run at the same time.
    pub(crate) stages: Vec<Vec<TaskId>>,
    /// What follows from the graph and the estimates alone.
    #[serde(flatten)]
    pub(crate) figures: Figures,
    /// Time from start to end on these devices.
    pub(crate) makespan_ms: Millis,
    /// Attempts that run at the same time at most.
    pub(crate) peak: u32,
    /// Busy time as a part of what all slots offer, from 0 to 1.
    pub(crate) utilisation: f64,
    /// What each device would do.
    pub(crate) devices: BTreeMap<DeviceId, DeviceUse>,
    /// What was taken for granted, and what looks wrong.
    pub(crate) notes: Vec<Note>,
}

/// What a task would do.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PlannedTask {
    /// The task.
    pub(crate) task: TaskId,
    /// Whether it would run.
    pub(crate) status: Expectation,
    /// Number of its stage, from 1.
    pub(crate) stage: usize,
    /// Its device.
    pub(crate) device: Option<DeviceId>,
    /// Why that one, or why none.
    pub(crate) reason: Reason,
    /// When it would begin, counted from the start of the run.
    pub(crate) start_ms: Option<Millis>,
    /// When it would end.
    pub(crate) end_ms: Option<Millis>,
    /// Whether its time is estimated; else it counts as none.
    pub(crate) estimated: bool,
    /// How much later it could end without delaying the run, if devices were without number.
    pub(crate) slack_ms: Millis,
    /// Whether it is on the critical path.
    pub(crate) critical: bool,
}

/// Whether a task would run.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expectation {
    /// It would.
    Planned,
    /// It runs only if something goes wrong before.
    Skipped,
    /// It would fail, for example because no device is free in time.
    Failed,
}

/// Plans a run. O((n + m) log n) and, for the reasons, O(n * devices).
///
/// # Errors
/// The run could not begin: a task fits no device.
pub(crate) fn plan(question: &Question, strategy: Box<dyn AssignmentStrategy>) -> Result<Plan, Failure> {
    let name = strategy.name();
    let course = course::take(question, strategy)?;
    let (figures, levels) = figures::figures(&question.graph, &course)?;
    let reasons = reason::reasons(question, name, &course.placements);
    let notes = note::notes(question, &course);
    Ok(course.into_plan(question, name, figures, &levels, reasons, notes))
}
