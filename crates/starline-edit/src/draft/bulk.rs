//! Edits of whole graphs.

use std::sync::Arc;

use starline_graph::{TaskGraph, rename_references};
use starline_types::{Dependency, DependencyId, GraphSpec, TaskId, TaskIx, TaskSpec};

use super::Draft;
use super::steps::Step;
use crate::{Code, Fault, Place, cycles};

/// Started tasks that a fault names.
const NAMED: usize = 20;
/// Edges for which room is made at once: more of them may never come, as those of a refused graph.
const MAX_RESERVED_EDGES: usize = 1 << 18;
/// Faults of one graph after which the rest of it is not looked at: each takes memory, and nobody reads on.
const MAX_GRAPH_FAULTS: usize = 20_000;

impl Draft<'_, '_> {
    /// The graph with the approval gates that the policy wants, if some are missing.
    pub(super) fn amended_graph(&self, graph: &Arc<GraphSpec>, prefix: &str) -> Option<Arc<GraphSpec>> {
        self.around.policy?;
        let gated: Vec<Option<Arc<TaskSpec>>> =
            graph.tasks.iter().map(|task| self.amended(task, prefix)).collect();
        gated.iter().any(Option::is_some).then(|| {
            let mut amended = GraphSpec::clone(graph);
            for (task, gated) in amended.tasks.iter_mut().zip(gated) {
                if let Some(gated) = gated {
                    *task = gated;
                }
            }
            Arc::new(amended)
        })
    }

    pub(super) fn build(&mut self, edit: usize, spec: &GraphSpec, clear_existing: bool) {
        if clear_existing && !self.clear(edit) {
            return;
        }
        self.add_graph(edit, spec);
    }

    fn add_graph(&mut self, edit: usize, spec: &GraphSpec) {
        if self.exceeds("tasks", edit, self.graph.len() + spec.tasks.len(), self.around.limits.tasks) {
            return;
        }
        let edges = self.graph.edge_count() + self.edges.len() - self.dropped + spec.dependencies.len();
        if self.exceeds("dependencies", edit, edges, self.around.limits.dependencies) {
            return;
        }
        let edges = spec.dependencies.len().min(MAX_RESERVED_EDGES);
        self.graph.reserve(spec.tasks.len(), edges);
        self.edges.reserve(edges);
        let before = self.faults.len();
        for (at, task) in spec.tasks.iter().enumerate() {
            if self.has_enough_faults(edit, before, spec.tasks.len() - at, "tasks and all dependencies") {
                return;
            }
            self.add_task(edit, task, Some(Place::Task(at)), None);
        }
        self.chosen = spec.dependencies.iter().filter_map(|dependency| dependency.id.clone()).collect();
        for (at, dependency) in spec.dependencies.iter().enumerate() {
            if self.has_enough_faults(edit, before, spec.dependencies.len() - at, "dependencies") {
                return;
            }
            self.add_edge(edit, dependency, None, Some(Place::Dependency(at)), None);
        }
        self.chosen.clear();
        if self.faults.len() > before {
            // None of its edges will be inserted, and so nobody will come upon its cycles.
            self.faults.extend(cycles(edit, spec));
        }
    }

    /// Whether a graph has so many faults that the rest of it is not looked at, which is told.
    fn has_enough_faults(&mut self, edit: usize, before: usize, left: usize, what: &str) -> bool {
        let enough = self.faults.len() - before >= MAX_GRAPH_FAULTS;
        if enough {
            let message = format!("after {MAX_GRAPH_FAULTS} faults, {left} more {what} were not looked at");
            self.faults.push(Fault::new(edit, Code::LimitExceeded, "faults", message));
        }
        enough
    }

    /// Removes every task; whether that was possible.
    pub(super) fn clear(&mut self, edit: usize) -> bool {
        if self.graph.is_empty() {
            return true;
        }
        let started = self.graph.indices().filter(|task| !self.graph.state(*task).is_unstarted());
        let started: Vec<TaskIx> = started.take(NAMED).collect();
        if !started.is_empty() {
            for task in started {
                let (id, state) = (self.graph.id(task), self.graph.state(task));
                let message = format!("task {id} is {state}, so the graph cannot be replaced");
                let hint = "build with clear_existing: false keeps what there is";
                self.faults.push(Fault::new(edit, Code::TaskNotPending, id, message).hint(hint));
            }
            return false;
        }
        let gated = self.graph.indices().filter(|task| self.graph.spec(*task).gate().is_some());
        let gated: Vec<TaskIx> = gated.take(NAMED).collect();
        if gated.into_iter().filter(|task| self.kept(edit, *task)).count() > 0 {
            return false;
        }
        if self.base < self.graph.revision() {
            let (tasks, edges): (Vec<_>, Vec<_>) =
                (self.graph.indices().collect(), self.graph.all_edges().map(|edge| edge.ix).collect());
            let mut fresh = true;
            tasks.into_iter().for_each(|task| fresh &= self.touch_task(edit, task));
            edges.into_iter().for_each(|edge| fresh &= self.touch_edge(edit, edge));
            if !fresh {
                return false;
            }
        }
        let mut fresh = TaskGraph::default();
        fresh.describe(self.graph.name().to_owned(), self.graph.metadata().clone());
        fresh.set_revision(self.graph.revision());
        fresh.continue_ranks(self.graph);
        // What earlier edits of this batch did goes with the graph.
        self.edges.clear();
        self.ends = <_>::default();
        self.joined.clear();
        self.dropped = 0;
        self.edge_ids.clear();
        self.touched.clear();
        self.asked.clear();
        self.made.clear();
        self.judgements.clear();
        self.steps.push(Step::Graph(Box::new(std::mem::replace(self.graph, fresh))));
        true
    }

    pub(super) fn merge(&mut self, edit: usize, spec: &GraphSpec, prefix: &str) {
        let own: rustc_hash::FxHashSet<&str> = spec.tasks.iter().map(|task| task.id.as_str()).collect();
        let name = |id: &str| own.contains(id).then(|| format!("{prefix}{id}"));
        let mut renamed = GraphSpec { name: spec.name.clone(), ..GraphSpec::default() };
        for task in &spec.tasks {
            match self.renamed_task(edit, task, prefix, &name) {
                Some(task) => renamed.tasks.push(Arc::new(task)),
                None => return,
            }
        }
        for dependency in &spec.dependencies {
            let end = |id: &TaskId| {
                name(id.as_str())
                    .map_or_else(|| Ok(id.clone()), |id| TaskId::new(id).map_err(|error| error.to_string()))
            };
            let id = dependency.id.as_ref();
            let id =
                id.map(|id| DependencyId::new(format!("{prefix}{id}")).map_err(|error| error.to_string()));
            match (end(&dependency.from), end(&dependency.to), id.transpose()) {
                (Ok(from), Ok(to), Ok(id)) => {
                    renamed.dependencies.push(Dependency { id, from, to, ..dependency.clone() });
                }
                (Err(message), ..) | (_, Err(message), _) | (.., Err(message)) => {
                    self.fault(edit, Code::InvalidId, prefix, message);
                    return;
                }
            }
        }
        self.add_graph(edit, &renamed);
    }

    fn renamed_task(
        &mut self,
        edit: usize,
        task: &TaskSpec,
        prefix: &str,
        name: &dyn Fn(&str) -> Option<String>,
    ) -> Option<TaskSpec> {
        let id = match TaskId::new(format!("{prefix}{}", task.id)) {
            Ok(id) => id,
            Err(error) => {
                self.fault(edit, Code::InvalidId, &task.id, error.to_string());
                return None;
            }
        };
        // A text that cannot be read is a fault when the task is added, beside others that it may have.
        let renamed = rename_references(task, name).unwrap_or_else(|_| task.clone());
        Some(TaskSpec { id, ..renamed })
    }

    pub(super) fn restore(
        &mut self,
        edit: usize,
        tasks: &[(u32, Arc<TaskSpec>)],
        dependencies: &[(u32, Dependency)],
    ) {
        for (order, task) in tasks {
            self.add_task(edit, task, None, Some(*order));
        }
        for (order, dependency) in dependencies {
            self.add_edge(edit, dependency, None, None, Some(*order));
        }
    }
}
