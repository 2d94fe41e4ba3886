//! The graph of a file, checked as a batch against the empty graph; every fault at its line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use starline_edit::{Code, Edit, EditBatch, Fault, Place, Surroundings, TaskGraph, check_within};
use starline_types::{DependencyKind, GraphSpec, TaskId};

use super::LoadOptions;
use super::after::condition_hint;
use super::places::{Places, referred};
use super::sent::sent;
use super::whole;
use crate::nearest;
use crate::problem::{Mark, Report};
use crate::tree::{Entry, View};

/// Where the tasks and edges of a graph stand in a file.
#[derive(Debug)]
pub(crate) struct Marks<'t> {
    start: Mark,
    keys: Vec<&'t str>,
    tasks: Vec<(Mark, View<'t>)>,
    edges: Vec<Mark>,
    /// Tasks that could not become tasks, by their keys.
    refused: BTreeMap<&'t str, View<'t>>,
    /// Whether the file may have tasks that nobody knows.
    is_open: bool,
    /// Whether edges are missing, nobody knows where.
    lost_edges: bool,
    /// Tasks with edges into them that are missing.
    lost_into: BTreeSet<usize>,
}

impl<'t> Marks<'t> {
    pub(crate) fn new(root: View<'t>) -> Self {
        Self {
            start: root.mark(),
            keys: Vec::new(),
            tasks: Vec::new(),
            edges: Vec::new(),
            refused: BTreeMap::new(),
            is_open: false,
            lost_edges: false,
            lost_into: BTreeSet::new(),
        }
    }

    /// What has no place of its own is told here.
    pub(crate) fn begin(&mut self, at: Mark) {
        self.start = at;
    }

    /// The next task of the graph stands here.
    pub(crate) fn task(&mut self, entry: &Entry<'t>) {
        self.tasks.push((entry.at, entry.value));
    }

    /// The next task of the graph stands here, as a workflow file has it: its texts are templates.
    pub(crate) fn own_task(&mut self, entry: &Entry<'t>) {
        self.keys.push(entry.key);
        self.task(entry);
    }

    /// The next edge of the graph stands here.
    pub(crate) fn edge(&mut self, at: Mark) {
        self.edges.push(at);
    }

    /// Edges of the file are missing from the graph, nobody knows where, and a problem says why.
    pub(crate) fn lose_edges(&mut self) {
        self.lost_edges = true;
    }

    /// An edge into the task of the graph that was noted last is missing, and a problem says why.
    pub(crate) fn lose_edge_here(&mut self) {
        self.lost_into.extend(self.tasks.len().checked_sub(1));
    }

    /// A task of the file is missing from the graph, and a problem says why.
    pub(crate) fn refuse(&mut self, entry: &Entry<'t>) {
        self.refused.insert(entry.key, entry.value);
    }

    /// Tasks of the file are missing that nobody knows, and a problem says why.
    pub(crate) fn leave_open(&mut self) {
        self.is_open = true;
        self.lost_edges = true;
    }

    /// Where what has no place of its own is told.
    pub(super) fn start(&self) -> Mark {
        self.start
    }

    /// A task and where it stands, by its position in the graph.
    pub(super) fn task_at(&self, at: usize) -> Option<(Mark, View<'t>)> {
        self.tasks.get(at).copied()
    }

    /// Where an edge stands, by its position in the graph.
    pub(super) fn edge_at(&self, at: usize) -> Mark {
        self.edges.get(at).copied().unwrap_or(self.start)
    }

    /// Whether a task of this key is missing, and a problem says why.
    pub(super) fn is_refused(&self, key: &str) -> bool {
        self.is_open || self.refused.contains_key(key)
    }

    /// Every task of a workflow file by its key: first those of the graph, by their positions.
    pub(super) fn views(&self) -> impl Iterator<Item = (&'t str, View<'t>)> {
        let tasks = self.keys.iter().copied().zip(self.tasks.iter().map(|(_, view)| *view));
        tasks.chain(self.refused.iter().map(|(key, view)| (*key, *view)))
    }

    /// Whether edges are missing, nobody knows where.
    pub(super) fn lost_edges(&self) -> bool {
        self.lost_edges
    }

    /// Tasks with edges into them that are missing.
    pub(super) fn lost_into(&self) -> &BTreeSet<usize> {
        &self.lost_into
    }

    /// Where the files and artefacts of a task are named, by the name of the input.
    pub(super) fn inputs(&self, at: usize) -> BTreeMap<&'t str, Mark> {
        let inputs = self.task_at(at).and_then(|(_, task)| task.field("inputs")?.map());
        let entries = inputs.into_iter().flat_map(|map| map.entries());
        entries.filter_map(|entry| Some((entry.key, sent(entry.value)?.value.mark()))).collect()
    }

    /// Whether the file has an output of the name, readable or not.
    pub(super) fn declares_output(&self, at: usize, name: &str) -> bool {
        let Some((_, task)) = self.task_at(at) else { return true };
        let unread = |view: View<'_>| view.map().is_none() || view.is_merged();
        match task.field("outputs") {
            Some(outputs) => unread(outputs) || outputs.field(name).is_some(),
            None => unread(task),
        }
    }

    /// Takes edges out that name tasks which are missing: what is wrong has been said.
    pub(crate) fn leave_out_refused(&mut self, graph: &mut GraphSpec) {
        if self.refused.is_empty() {
            return;
        }
        let missing = |id: &TaskId| self.refused.contains_key(id.as_str());
        let positions: BTreeMap<&TaskId, usize> =
            graph.tasks.iter().enumerate().map(|(at, task)| (&task.id, at)).collect();
        let cut = graph.dependencies.iter().filter(|edge| missing(&edge.from));
        let cut: Vec<usize> = cut.filter_map(|edge| positions.get(&edge.to).copied()).collect();
        let keep: Vec<bool> =
            graph.dependencies.iter().map(|edge| !missing(&edge.from) && !missing(&edge.to)).collect();
        let mut kept = keep.iter().copied();
        graph.dependencies.retain(|_| kept.next().unwrap_or(true));
        let mut kept = keep.iter().copied();
        self.edges.retain(|_| kept.next().unwrap_or(true));
        self.lost_into.extend(cut);
    }
}

/// Checks the graph; returns whether it passed. Once anything is wrong, the rest is searched as well.
pub(crate) fn check(
    graph: &Arc<GraphSpec>,
    marks: &Marks<'_>,
    options: &LoadOptions,
    report: &mut Report,
) -> bool {
    let around = Surroundings {
        devices: options.devices.as_deref(),
        limits: options.limits.clone(),
        ..Surroundings::default()
    };
    let faults = judged(graph, &around);
    if !faults.is_empty() || !report.is_empty() {
        whole::tell(graph, marks, &around.limits, &faults, report);
    }
    faults.is_empty()
}

/// The faults of a graph as a batch against the empty one.
pub(super) fn judged(graph: &Arc<GraphSpec>, around: &Surroundings<'_>) -> Vec<Fault> {
    let batch = EditBatch {
        edits: vec![Edit::Build { graph: Arc::clone(graph), clear_existing: false }],
        ..EditBatch::default()
    };
    let mut empty = TaskGraph::default();
    match check_within(&mut empty, &batch, around) {
        Ok(checked) => {
            // Unwinding would only cost time: the graph is thrown away.
            let _ = checked.commit();
            Vec::new()
        }
        Err(rejection) => rejection.faults,
    }
}

/// Tells a fault at its place.
pub(super) fn tell(fault: &Fault, places: &Places<'_, '_, '_>, graph: &GraphSpec, report: &mut Report) {
    let problem = report.add(places.of(fault), fault.code.as_str(), &fault.message);
    if let Some(hint) = hint(fault, graph) {
        problem.hint(hint);
    }
    problem.path = fault.path.iter().map(ToString::to_string).collect();
}

/// What to do about a fault.
fn hint(fault: &Fault, graph: &GraphSpec) -> Option<String> {
    let Some(hint) = &fault.hint else {
        let hint = match (fault.code, fault.place) {
            (Code::WouldCycle, _) => "leave one of these dependencies out",
            (Code::SelfDependency, _) => "leave it out",
            (Code::DuplicateDependency, _) => "choose another id, or leave it out",
            (Code::InvalidCondition, Some(Place::Dependency(at))) => {
                match &graph.dependencies.get(at)?.kind {
                    DependencyKind::When(text) => condition_hint(text),
                    _ => return None,
                }
            }
            _ => return None,
        };
        return Some(hint.to_owned());
    };
    // The nearest of the known names stands first.
    let wrong = referred(fault).unwrap_or(&fault.item);
    let first = hint.strip_prefix("known are ").and_then(|names| names.split([',', ' ']).next());
    match first.filter(|name| nearest::may_mean(wrong, name)) {
        Some(name) => Some(format!("did you mean `{name}`? {hint}")),
        None => Some(hint.clone()),
    }
}
