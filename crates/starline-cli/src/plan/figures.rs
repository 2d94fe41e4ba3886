//! What follows from a graph and the times of its tasks, whatever the devices.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use starline::edit::{EditBatch, Limits, Surroundings, TaskGraph, check_within};
use starline::graph::{critical_path, levels, longest_path, max_width};
use starline::types::{Edit, GraphSpec, Millis, TaskId, TaskIx};

use super::course::Course;
use crate::failure::Failure;

/// Figures of a graph with times.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    /// Time of the critical path: no number of devices makes the run shorter.
    pub(crate) critical_path_ms: Millis,
    /// The tasks of it; without any estimate those of the path with most tasks.
    pub(crate) critical_path: Vec<TaskId>,
    /// Times of all tasks together.
    pub(crate) work_ms: Millis,
    /// Work divided by the critical path; without any estimate tasks divided by those of the longest path.
    pub(crate) parallelism_factor: f64,
    /// Tasks of the largest stage.
    pub(crate) max_width: usize,
}

/// Where each task stands in the graph.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    tasks: BTreeMap<TaskId, (usize, Millis)>,
    /// Tasks in the order of the file.
    order: Vec<TaskId>,
}

impl Levels {
    /// Number of the stage of a task, from 1.
    pub(super) fn stage(&self, task: &TaskId) -> usize {
        self.tasks.get(task).map_or(0, |(level, _)| level + 1)
    }

    /// How much later it may end.
    pub(super) fn slack(&self, task: &TaskId) -> Millis {
        self.tasks.get(task).map_or(Millis::ZERO, |(_, slack)| *slack)
    }

    /// Tasks by stage, each in the order of the file.
    pub(super) fn stages(&self) -> Vec<Vec<TaskId>> {
        let mut stages: Vec<Vec<TaskId>> = Vec::new();
        for task in &self.order {
            let stage = self.stage(task);
            if stages.len() < stage {
                stages.resize_with(stage, Vec::new);
            }
            if let Some(stage) = stage.checked_sub(1).and_then(|place| stages.get_mut(place)) {
                stage.push(task.clone());
            }
        }
        stages
    }
}

/// The figures of a graph with the times of a course.
///
/// # Errors
/// Never for a graph that took a course: it is checked again.
pub(super) fn figures(spec: &Arc<GraphSpec>, course: &Course) -> Result<(Figures, Levels), Failure> {
    let graph = build(spec)?;
    let id = |task: &TaskIx| graph.id(*task).clone();
    let duration = |task: TaskIx| course.duration(graph.id(task));
    let path = critical_path(&graph, duration);
    let work = Millis(graph.indices().map(|task| duration(task).0).sum());
    let timed = path.length > Millis::ZERO;
    let tasks = if timed { path.tasks } else { longest_path(&graph) };
    let factor = match (timed, tasks.len()) {
        (true, _) => work.0 as f64 / path.length.0 as f64,
        (false, 0) => 0.0,
        (false, longest) => graph.len() as f64 / longest as f64,
    };
    let figures = Figures {
        critical_path_ms: path.length,
        critical_path: tasks.iter().map(id).collect(),
        work_ms: work,
        parallelism_factor: factor,
        max_width: max_width(&graph),
    };
    let levels = levels(&graph);
    let place = |timing: &starline::graph::Timing| {
        let level = levels.get(timing.task.at()).copied().unwrap_or_default() as usize;
        (graph.id(timing.task).clone(), (level, timing.slack()))
    };
    let places = Levels {
        tasks: path.timings.iter().map(place).collect(),
        order: path.timings.iter().map(|timing| graph.id(timing.task).clone()).collect(),
    };
    Ok((figures, places))
}

fn build(spec: &Arc<GraphSpec>) -> Result<TaskGraph, Failure> {
    let edits = vec![Edit::Build { graph: Arc::clone(spec), clear_existing: true }];
    let batch = EditBatch { edits, ..EditBatch::default() };
    let around = Surroundings { limits: Limits::ceiling(), ..Surroundings::default() };
    let mut graph = TaskGraph::default();
    let _applied = check_within(&mut graph, &batch, &around)?.commit();
    Ok(graph)
}
