//! Graphs, devices and worlds in a few words.

use std::sync::Arc;

use starline_edit::{Limits, Rejection, TaskGraph};
use starline_scheduler::Plan;
use starline_sim::{Sim, Strategist};
use starline_types::{
    Dependency, DependencyKind, DeviceId, DeviceProfile, Edit, EditBatch, GraphSpec, Payload, RunId,
    RunSettings, TaskId, TaskSpec,
};

pub(crate) fn task_id(id: &str) -> TaskId {
    TaskId::new(id).expect("a valid id")
}

pub(crate) fn task(id: &str) -> TaskSpec {
    TaskSpec::new(task_id(id), Payload::Noop)
}

pub(crate) fn edge(from: &str, to: &str) -> Dependency {
    Dependency::success(task_id(from), task_id(to))
}

/// A graph of plain tasks and edges of kind success, written `a>b`.
pub(crate) fn graph(tasks: &[&str], edges: &[&str]) -> GraphSpec {
    let edges = edges.iter().map(|text| {
        let (from, to) = text.split_once('>').expect("an edge is written a>b");
        edge(from, to)
    });
    GraphSpec {
        name: "test".into(),
        tasks: tasks.iter().map(|id| Arc::new(task(id))).collect(),
        dependencies: edges.collect(),
        ..GraphSpec::default()
    }
}

/// The same graph, ready to be looked at.
pub(crate) fn built(spec: GraphSpec) -> TaskGraph {
    let mut graph = TaskGraph::default();
    let edits = vec![Edit::Build { graph: Arc::new(spec), clear_existing: true }];
    commit(&mut graph, edits).expect("the graph of a test is valid");
    graph
}

/// Commits edits, or says what is wrong with them.
pub(crate) fn commit(graph: &mut TaskGraph, edits: Vec<Edit>) -> Result<(), Rejection> {
    let batch = EditBatch { base: graph.revision(), edits, ..EditBatch::default() };
    starline_edit::check(graph, &batch).map(|checked| drop(checked.commit()))
}

pub(crate) fn add_edge(from: &str, to: &str) -> Edit {
    Edit::AddDependency(edge(from, to))
}

pub(crate) fn add_task(id: &str) -> Edit {
    Edit::AddTask { task: Arc::new(task(id)), after: Vec::new() }
}

pub(crate) fn kinds() -> [DependencyKind; 4] {
    let when = DependencyKind::When(r#"status == "completed""#.into());
    [DependencyKind::Success, DependencyKind::Failure, DependencyKind::Completion, when]
}

pub(crate) fn device(id: &str) -> DeviceProfile {
    DeviceProfile::new(DeviceId::new(id).expect("a valid id"), "simulated")
}

pub(crate) fn plan(graph: GraphSpec) -> Plan {
    Plan {
        graph: Arc::new(graph),
        settings: Arc::new(RunSettings::default()),
        assignments: Vec::new(),
        limits: Limits::default(),
    }
}

/// A world with devices and one run, not started.
pub(crate) fn world(devices: Vec<DeviceProfile>, plan: Plan, strategist: Strategist) -> Sim {
    let mut sim = Sim::new();
    for device in devices {
        sim.device(device);
    }
    let id = RunId::new("run").expect("a valid id");
    sim.submit(id, plan, strategist).expect("the graph of a test is valid");
    sim
}
