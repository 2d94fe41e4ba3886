//! The graph of a file, checked as a batch against the empty graph; every fault at its line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use starline_edit::{Code, Edit, EditBatch, Fault, Place, Surroundings, TaskGraph, check_within};
use starline_types::{DependencyKind, GraphSpec, TaskId};

use super::LoadOptions;
use super::after::condition_hint;
use super::places::{Places, referred};
use super::sent::sent;
use crate::nearest;
use crate::problem::{Mark, Report};
use crate::tree::{Entry, View};

/// Where the tasks and edges of a graph stand in a file.
#[derive(Debug)]
pub(crate) struct Marks<'t> {
    start: Mark,
    tasks: Vec<(Mark, View<'t>)>,
    edges: Vec<Mark>,
    /// Keys of tasks that could not become tasks.
    refused: BTreeSet<&'t str>,
    lost_edges: bool,
}

impl<'t> Marks<'t> {
    pub(crate) fn new(root: View<'t>) -> Self {
        Self {
            start: root.mark(),
            tasks: Vec::new(),
            edges: Vec::new(),
            refused: BTreeSet::new(),
            lost_edges: false,
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

    /// The next edge of the graph stands here.
    pub(crate) fn edge(&mut self, at: Mark) {
        self.edges.push(at);
    }

    /// An edge of the file is missing from the graph, and a problem says why.
    pub(crate) fn lose_edge(&mut self) {
        self.lost_edges = true;
    }

    /// A task of the file is missing from the graph, and a problem says why.
    pub(crate) fn refuse(&mut self, key: &'t str) {
        self.refused.insert(key);
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
        self.refused.contains(key)
    }

    /// Where the files and artefacts of a task are named, by the name of the input.
    pub(super) fn inputs(&self, at: usize) -> BTreeMap<&'t str, Mark> {
        let inputs = self.task_at(at).and_then(|(_, task)| task.field("inputs")?.map());
        let entries = inputs.into_iter().flat_map(|map| map.entries());
        entries.filter_map(|entry| Some((entry.key, sent(entry.value)?.value.mark()))).collect()
    }

    /// Whether the file has an output of the name, readable or not.
    pub(super) fn declares_output(&self, at: usize, name: &str) -> bool {
        let outputs = self.task_at(at).and_then(|(_, task)| task.field("outputs"));
        outputs.is_some_and(|outputs| outputs.map().is_none() || outputs.field(name).is_some())
    }

    /// Takes edges out that name tasks which are missing: what is wrong has been said.
    pub(crate) fn leave_out_refused(&mut self, graph: &mut GraphSpec) {
        if self.refused.is_empty() {
            return;
        }
        let missing = |id: &TaskId| self.refused.contains(id.as_str());
        let keep: Vec<bool> =
            graph.dependencies.iter().map(|edge| !missing(&edge.from) && !missing(&edge.to)).collect();
        let mut kept = keep.iter().copied();
        graph.dependencies.retain(|_| kept.next().unwrap_or(true));
        let mut kept = keep.iter().copied();
        self.edges.retain(|_| kept.next().unwrap_or(true));
        self.lost_edges |= keep.contains(&false);
    }
}

/// Checks the graph; returns whether it passed.
pub(crate) fn check(
    graph: &Arc<GraphSpec>,
    marks: &Marks<'_>,
    options: &LoadOptions,
    report: &mut Report,
) -> bool {
    let batch = EditBatch {
        edits: vec![Edit::Build { graph: Arc::clone(graph), clear_existing: false }],
        ..EditBatch::default()
    };
    let around = Surroundings { devices: options.devices.as_deref(), limits: options.limits.clone() };
    let mut empty = TaskGraph::default();
    let rejection = match check_within(&mut empty, &batch, &around) {
        Ok(checked) => {
            // Unwinding would only cost time: the graph is thrown away.
            let _ = checked.commit();
            return true;
        }
        Err(rejection) => rejection,
    };
    let places = Places::new(graph, marks, options.limits.degree);
    for fault in rejection.faults {
        // With an edge missing, a reference may well be upstream.
        if fault.code == Code::ReferenceNotUpstream && marks.lost_edges {
            continue;
        }
        let problem = report.add(places.of(&fault), fault.code.as_str(), &fault.message);
        if let Some(hint) = hint(&fault, graph) {
            problem.hint(hint);
        }
        problem.path = fault.path.iter().map(ToString::to_string).collect();
    }
    false
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
