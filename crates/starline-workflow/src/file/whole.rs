//! What is wrong with a graph of which something is known to be wrong: what else there is, and nothing that only
//! follows from it.

use std::collections::BTreeSet;
use std::sync::Arc;

use starline_edit::{Code, Fault, Limits, Place, Surroundings};
use starline_graph::{interpolations, references};
use starline_types::{Dependency, Exec, GraphSpec, Payload, TaskSpec};

use super::checked::{Marks, judged, tell as tell_fault};
use super::places::{Places, referred};
use super::templates::{check_texts, templated};
use crate::nearest;
use crate::problem::Report;
use crate::tree::View;

/// Fields of a task. Another one may be meant as the first of them, unless it is near one of the rest.
const FIELDS: [&str; 17] = [
    "after",
    "approval",
    "compensate",
    "description",
    "device",
    "estimate",
    "idempotent",
    "inputs",
    "metadata",
    "name",
    "outputs",
    "priority",
    "queue_timeout",
    "retry",
    "run",
    "run_timeout",
    "tips",
];

/// Passes over what is left of a graph. Each takes out what stood in the way of the next: dependencies that lead
/// nowhere, then cycles.
const PASSES: usize = 4;

/// Tells every fault of a graph: of its tasks as they were found, and of its structure with all that is wrong with
/// tasks left out. Costs a few times what checking a graph does.
pub(super) fn tell(
    graph: &Arc<GraphSpec>,
    marks: &Marks<'_>,
    limits: &Limits,
    found: &[Fault],
    report: &mut Report,
) {
    let places = Places::new(graph, marks, limits.degree);
    let is_beyond = |fault: &Fault| {
        fault.code == Code::LimitExceeded
            && matches!(fault.item.as_str(), "tasks" | "dependencies" | "faults")
    };
    if found.iter().any(is_beyond) {
        found.iter().for_each(|fault| tell_fault(fault, &places, graph, report));
        return;
    }
    let told = check_texts(marks, report);
    for fault in found {
        let Some(Place::Task(at)) = fault.place else { continue };
        if !(fault.code == Code::InvalidTemplate && told.contains(&at)) {
            tell_fault(fault, &places, graph, report);
        }
    }
    Structure::new(graph, marks).tell(limits, &places, report);
}

/// Tasks that do nothing but refer to each other, and dependencies.
struct Structure<'g, 'm, 't> {
    graph: &'g GraphSpec,
    marks: &'m Marks<'t>,
    tasks: Vec<Arc<TaskSpec>>,
    /// Positions of the dependencies that are left.
    left: Vec<usize>,
    /// Whether what dependencies ask for, and their ids, have been judged.
    is_plain: bool,
    /// Positions of tasks into which a dependency is missing.
    lost: BTreeSet<usize>,
}

impl<'g, 'm, 't> Structure<'g, 'm, 't> {
    fn new(graph: &'g GraphSpec, marks: &'m Marks<'t>) -> Self {
        let mut lost = marks.lost_into().clone();
        let mut views = marks.views();
        let tasks = graph.tasks.iter().enumerate().map(|(at, spec)| {
            let view = views.next().map(|(_, view)| view);
            if view.is_some_and(may_lack_edges) {
                lost.insert(at);
            }
            Arc::new(stand_in(spec, view))
        });
        let tasks = tasks.collect();
        drop(views);
        Self { graph, marks, tasks, left: (0..graph.dependencies.len()).collect(), is_plain: false, lost }
    }

    fn tell(mut self, limits: &Limits, places: &Places<'_, '_, '_>, report: &mut Report) {
        let mut limits = limits.clone();
        limits.text_bytes = usize::MAX;
        let around = Surroundings { limits, ..Surroundings::default() };
        for _ in 0..PASSES {
            let faults = self.judge(&around);
            let mut gone = BTreeSet::new();
            let mut behind = None;
            for fault in &faults {
                if let Some(Place::Dependency(at)) = fault.place {
                    gone.extend(self.edge_gone(fault, at, places));
                } else if fault.code == Code::ReferenceNotUpstream {
                    let tainted = behind.get_or_insert_with(|| self.behind_lost());
                    if !self.is_reference_wrong(fault, places, tainted) {
                        continue;
                    }
                }
                if !(fault.code == Code::UnknownTask && self.marks.is_refused(&fault.item)) {
                    tell_fault(fault, places, self.graph, report);
                }
            }
            if !faults.iter().any(|fault| matches!(fault.place, Some(Place::Dependency(_)))) {
                return;
            }
            self.left.retain(|at| !gone.contains(at));
            self.is_plain = true;
        }
    }

    /// The faults of what is left, with places in the whole graph.
    fn judge(&self, around: &Surroundings<'_>) -> Vec<Fault> {
        let edges = self.left.iter().filter_map(|at| self.graph.dependencies.get(*at));
        let edges = edges.map(|edge| match self.is_plain {
            true => Dependency::success(edge.from.clone(), edge.to.clone()),
            false => edge.clone(),
        });
        let graph =
            GraphSpec { tasks: self.tasks.clone(), dependencies: edges.collect(), ..GraphSpec::default() };
        let mut faults = judged(&Arc::new(graph), around);
        for fault in &mut faults {
            if let Some(Place::Dependency(at)) = &mut fault.place {
                *at = self.left.get(*at).copied().unwrap_or(*at);
            }
        }
        faults
    }

    /// The dependency of a fault, if nothing can be made of it.
    fn edge_gone(&mut self, fault: &Fault, at: usize, places: &Places<'_, '_, '_>) -> Option<usize> {
        match fault.code {
            Code::UnknownTask | Code::WouldCycle => {
                let target = self.graph.dependencies.get(at)?.to.as_str();
                self.lost.extend(places.position(target));
                Some(at)
            }
            Code::SelfDependency => Some(at),
            _ => None,
        }
    }

    /// Tasks that may wait for others than is known: those into which a dependency is missing, and all behind them.
    fn behind_lost(&self) -> BTreeSet<String> {
        let mut next = std::collections::BTreeMap::<&str, Vec<&str>>::new();
        for edge in self.left.iter().filter_map(|at| self.graph.dependencies.get(*at)) {
            next.entry(edge.from.as_str()).or_default().push(edge.to.as_str());
        }
        let lost = self.lost.iter().filter_map(|at| self.tasks.get(*at));
        let mut open: Vec<&str> = lost.map(|task| task.id.as_str()).collect();
        let mut behind = BTreeSet::new();
        while let Some(task) = open.pop() {
            if behind.insert(task.to_owned()) {
                open.extend(next.get(task).into_iter().flatten());
            }
        }
        behind
    }

    /// Whether a reference is wrong whatever the dependencies are that could not be read.
    fn is_reference_wrong(
        &self,
        fault: &Fault,
        places: &Places<'_, '_, '_>,
        behind: &BTreeSet<String>,
    ) -> bool {
        let Some(name) = referred(fault) else { return true };
        if places.has_task(name) {
            // Nobody waits for itself.
            name == fault.item || !self.marks.lost_edges() && !behind.contains(&fault.item)
        } else {
            !self.marks.is_refused(name)
        }
    }
}

/// Whether a task may wait for others than is known: a merge key was to bring some, or a field is mistyped.
fn may_lack_edges(task: View<'_>) -> bool {
    let Some(map) = task.map() else { return true };
    let is_merged = task.is_merged() || task.field("after").is_some_and(View::is_merged);
    let is_known =
        |key| FIELDS.contains(&key) || FIELDS[1..].iter().any(|field| nearest::may_mean(key, field));
    is_merged || map.entries().any(|entry| !is_known(entry.key))
}

/// A task that refers to the same tasks, with nothing else that could be wrong.
fn stand_in(spec: &TaskSpec, view: Option<View<'_>>) -> TaskSpec {
    let mut names = references(spec);
    for text in view.into_iter().flat_map(templated) {
        let is_undo = text.undoes();
        let text = text.view.scalar().map_or("", |scalar| scalar.text);
        let named = interpolations(text).into_iter().flat_map(|found| found.tasks);
        names.extend(named.filter(|name| !(is_undo && name == spec.id.as_str())));
    }
    names.sort_unstable();
    names.dedup();
    let quoted = |name: &String| {
        let quote = if name.contains('"') { '\'' } else { '"' };
        format!("{{{{ tasks[{quote}{name}{quote}].result }}}}")
    };
    let argv = std::iter::once("run".to_owned()).chain(names.iter().map(quoted)).collect();
    TaskSpec::new(spec.id.clone(), Payload::Exec(Arc::new(Exec { argv, ..Exec::default() })))
}
