//! The graph of a file, checked as a batch against the empty graph; every fault at its line.

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use starline_edit::{Code, Edit, EditBatch, Fault, Place, Surroundings, TaskGraph, check_within};
use starline_types::{GraphSpec, TaskId};

use super::LoadOptions;
use crate::problem::{Mark, Report};
use crate::tree::{Entry, Shape, View};

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
    let places = Places { graph, marks, by_id: OnceCell::new(), template: Cell::new(None) };
    for fault in rejection.faults {
        // With an edge missing, a reference may well be upstream.
        if fault.code == Code::ReferenceNotUpstream && marks.lost_edges {
            continue;
        }
        let problem = report.add(places.of(&fault), fault.code.as_str(), &fault.message);
        if let Some(hint) = &fault.hint {
            problem.hint(hint);
        }
        problem.path = fault.path.iter().map(ToString::to_string).collect();
    }
    false
}

/// Finds where a fault stands.
struct Places<'g, 'm, 't> {
    graph: &'g GraphSpec,
    marks: &'m Marks<'t>,
    by_id: OnceCell<BTreeMap<&'g str, usize>>,
    /// The task that was searched last for its template, and what was found.
    template: Cell<Option<(usize, Option<Mark>)>>,
}

impl Places<'_, '_, '_> {
    fn of(&self, fault: &Fault) -> Mark {
        match fault.place {
            Some(Place::Dependency(at)) => self.marks.edges.get(at).copied().unwrap_or(self.marks.start),
            Some(Place::Task(at)) => self.within_task(at, fault),
            None => {
                let index =
                    || self.graph.tasks.iter().enumerate().map(|(at, task)| (task.id.as_str(), at)).collect();
                let by_id = self.by_id.get_or_init(index);
                by_id.get(fault.item.as_str()).map_or(self.marks.start, |at| self.within_task(*at, fault))
            }
        }
    }

    /// The field that a fault is about, else the task.
    fn within_task(&self, at: usize, fault: &Fault) -> Mark {
        let Some((mark, task)) = self.marks.tasks.get(at) else { return self.marks.start };
        let found = match fault.code {
            Code::InvalidValue => field_named(*task, &fault.message),
            Code::InvalidTemplate | Code::ReferenceNotUpstream => self.template_of(at, *task),
            Code::UnknownDevice => task.field("device").and_then(|device| device.field("on")).map(View::mark),
            _ => None,
        };
        found.unwrap_or(*mark)
    }

    /// A task may have many faults of its templates: it is searched once.
    fn template_of(&self, at: usize, task: View<'_>) -> Option<Mark> {
        match self.template.get() {
            Some((searched, found)) if searched == at => found,
            _ => {
                let found = only_template(task);
                self.template.set(Some((at, found)));
                found
            }
        }
    }
}

/// The field whose name a message begins with: `retry of task x: …`.
fn field_named(task: View<'_>, message: &str) -> Option<Mark> {
    let name = message.split(' ').next()?;
    task.map()?.entries().find(|entry| entry.key == name).map(|entry| entry.at)
}

/// The text with a template in it, if there is one alone.
fn only_template(task: View<'_>) -> Option<Mark> {
    let mut found = None;
    let mut open = vec![task];
    while let Some(view) = open.pop() {
        match view.shape() {
            Shape::Scalar(scalar) if scalar.text.contains("{{") || scalar.text.contains("{%") => {
                if found.replace(view.mark()).is_some() {
                    return None;
                }
            }
            Shape::Scalar(_) => {}
            Shape::List(list) => open.extend(list.items()),
            Shape::Map(map) => open.extend(map.entries().map(|entry| entry.value)),
        }
    }
    found
}
