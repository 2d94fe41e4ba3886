//! The graph: tasks, edges, names and what is known about the execution of each task.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault};
use std::sync::Arc;

use hashbrown::HashTable;
use petgraph::Direction;
use petgraph::stable_graph::{EdgeIndex, NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef as _;
use rustc_hash::{FxHashMap, FxHasher};
use smol_str::SmolStrBuilder;
use starline_types::{
    Dependency, DependencyId, DependencyKind, GraphSpec, Priority, Revision, StateCounts, TaskId, TaskIx,
    TaskRef, TaskSpec, TaskState, Value, Verdict,
};

use crate::change::kind_of;
use crate::changes::Changes;
use crate::rows::Rows;
use crate::{Condition, Record, Remains, Waits};

/// Dense index of an edge in its graph. Stable for the life of the edge.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct EdgeIx(pub u32);

/// A task in the structure.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) spec: Arc<TaskSpec>,
    /// What every step asks of a task is kept beside the structure: the specification lies elsewhere in memory.
    pub(crate) priority: Priority,
    pub(crate) limits_queue: bool,
    pub(crate) names_outputs: bool,
    /// Larger than the level of every predecessor; see `level.rs`.
    pub(crate) level: u32,
    /// Rank by insertion: breaks ties everywhere.
    pub(crate) order: u32,
}

/// The kind of an edge in one byte; what is rare lies elsewhere, as there are millions of edges.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum EdgeKind {
    Success,
    Failure,
    Completion,
    When,
}

/// An edge in the structure.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    /// Rank by insertion.
    pub(crate) order: u32,
    pub(crate) kind: EdgeKind,
    /// Recorded verdict of a condition. The other kinds follow from the state of the source.
    pub(crate) judged: Option<Verdict>,
    pub(crate) rare: Option<Box<RareEdge>>,
}

/// What only some edges have.
#[derive(Clone, Debug, Default)]
pub(crate) struct RareEdge {
    pub(crate) id: Option<DependencyId>,
    pub(crate) note: Option<Arc<str>>,
    pub(crate) condition: Option<Condition>,
}

/// A directed acyclic graph of tasks with their states.
///
/// Structure is changed by edits only (`starline-edit`), states by recorded facts only (the scheduler).
/// Both reach it through `&mut`: a graph has one owner and is never shared.
#[derive(Clone, Debug, Default)]
pub struct TaskGraph {
    pub(crate) dag: StableDiGraph<Node, Edge, u32>,
    /// Execution record of each task, by index.
    pub(crate) records: Vec<Record>,
    /// Edges that each task waits for, by index.
    pub(crate) waits: Vec<Waits>,
    /// Targets of each task in one row, by index.
    pub(crate) rows: Rows,
    names: HashTable<u32>,
    /// Edges whose id is not the default one.
    pub(crate) edge_ids: FxHashMap<DependencyId, EdgeIx>,
    /// Number of conditional edges.
    pub(crate) conditions: usize,
    pub(crate) next_order: u32,
    pub(crate) next_edge_order: u32,
    /// Attempts of tasks that were removed, by id.
    pub(crate) retired: FxHashMap<TaskId, u32>,
    /// What was changed by an edit, and when.
    pub(crate) changes: Changes,
    pub(crate) counts: StateCounts,
    name: String,
    metadata: BTreeMap<String, Value>,
    revision: Revision,
}

/// A view of one edge.
#[derive(Clone, Copy, Debug)]
pub struct EdgeView<'g> {
    graph: &'g TaskGraph,
    /// The edge.
    pub ix: EdgeIx,
    /// Source.
    pub from: TaskIx,
    /// Target.
    pub to: TaskIx,
}

pub(crate) fn node(task: TaskIx) -> NodeIndex<u32> {
    NodeIndex::new(task.at())
}

pub(crate) fn task(node: NodeIndex<u32>) -> TaskIx {
    TaskIx(u32::try_from(node.index()).unwrap_or(u32::MAX))
}

fn hash(id: &str) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(id)
}

impl TaskGraph {
    /// An empty graph with room for the given numbers of tasks and edges.
    #[must_use]
    pub fn with_capacity(tasks: usize, edges: usize) -> Self {
        let mut graph = Self {
            dag: StableDiGraph::with_capacity(tasks, edges),
            records: Vec::with_capacity(tasks),
            ..Self::default()
        };
        graph.reserve_names(tasks);
        graph
    }

    /// Makes room for more tasks and edges at once.
    pub fn reserve(&mut self, tasks: usize, edges: usize) {
        // petgraph's stable graph reserves only at construction: one that never had a task is made anew. One whose
        // tasks were taken out keeps the order in which their indices are given out again.
        if self.records.is_empty() {
            self.dag = StableDiGraph::with_capacity(tasks, edges);
        }
        self.records.reserve(tasks);
        self.waits.reserve(tasks);
        self.reserve_names(tasks);
    }

    fn reserve_names(&mut self, tasks: usize) {
        let dag = &self.dag;
        self.names.reserve(tasks, |at| hash(name_at(dag, *at)));
    }

    /// Display name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Opaque metadata.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, Value> {
        &self.metadata
    }

    /// Sets name and metadata.
    pub fn describe(&mut self, name: String, metadata: BTreeMap<String, Value>) {
        self.name = name;
        self.metadata = metadata;
    }

    /// Commits so far.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Records a commit.
    pub fn set_revision(&mut self, revision: Revision) {
        self.revision = revision;
    }

    /// Number of tasks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.dag.node_count()
    }

    /// Whether there is no task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dag.node_count() == 0
    }

    /// Number of edges.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.dag.edge_count()
    }

    /// One more than the largest index of a task: the length of a table by index.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.records.len()
    }

    /// Tasks by state, kept up to date. O(1).
    #[must_use]
    pub fn counts(&self) -> StateCounts {
        self.counts
    }

    /// Whether any edge is conditional. O(1).
    #[must_use]
    pub fn has_conditions(&self) -> bool {
        self.conditions > 0
    }

    /// Keeps what is left of an ended task for edges, templates and results.
    pub fn set_remains(&mut self, task: TaskIx, remains: Box<Remains>) {
        self.records[task.at()].remains = Some(remains);
    }

    /// Names in the index: as many as tasks.
    pub(crate) fn name_count(&self) -> usize {
        self.names.len()
    }

    /// Finds a task by its id. O(1).
    #[must_use]
    pub fn find(&self, id: &str) -> Option<TaskIx> {
        self.names.find(hash(id), |at| name_at(&self.dag, *at) == id).map(|at| TaskIx(*at))
    }

    /// Finds the task that a fact names: by its hint if that still holds, else by its id. O(1).
    #[must_use]
    pub fn resolve(&self, task: &TaskRef) -> Option<TaskIx> {
        match task.hint() {
            Some(ix) if self.dag.node_weight(node(ix)).is_some_and(|found| found.spec.id == *task.id()) => {
                Some(ix)
            }
            _ => self.find(task.id().as_str()),
        }
    }

    /// Whether an index is that of a task.
    #[must_use]
    pub fn contains(&self, task: TaskIx) -> bool {
        self.dag.contains_node(node(task))
    }

    /// The task as specified.
    ///
    /// # Panics
    /// The index is not of this graph.
    #[must_use]
    pub fn spec(&self, task: TaskIx) -> &Arc<TaskSpec> {
        &self.dag[node(task)].spec
    }

    /// The id of a task.
    ///
    /// # Panics
    /// The index is not of this graph.
    #[must_use]
    pub fn id(&self, task: TaskIx) -> &TaskId {
        &self.dag[node(task)].spec.id
    }

    /// A task as facts name it.
    ///
    /// # Panics
    /// The index is not of this graph.
    #[must_use]
    pub fn reference(&self, task: TaskIx) -> TaskRef {
        TaskRef::new(self.id(task).clone(), task)
    }

    /// Urgency of a task.
    ///
    /// # Panics
    /// The index is not of this graph.
    #[must_use]
    pub fn priority(&self, task: TaskIx) -> Priority {
        self.dag[node(task)].priority
    }

    /// Whether a task has a limit on the time it may be ready.
    ///
    /// # Panics
    /// The index is not of this graph.
    #[must_use]
    pub fn limits_queue(&self, task: TaskIx) -> bool {
        self.dag[node(task)].limits_queue
    }

    /// Whether a task names outputs.
    ///
    /// # Panics
    /// The index is not of this graph.
    #[must_use]
    pub fn names_outputs(&self, task: TaskIx) -> bool {
        self.dag[node(task)].names_outputs
    }

    /// Rank of a task by insertion.
    ///
    /// # Panics
    /// The index is not of this graph.
    #[must_use]
    pub fn order(&self, task: TaskIx) -> u32 {
        self.dag[node(task)].order
    }

    /// Level label of a task: larger than that of every predecessor. Not the level of
    /// [`levels`](crate::levels), which has no gaps.
    ///
    /// # Panics
    /// The index is not of this graph.
    #[must_use]
    pub fn level(&self, task: TaskIx) -> u32 {
        self.dag[node(task)].level
    }

    /// What is known about the execution of a task.
    ///
    /// # Panics
    /// The index is not of this graph.
    #[must_use]
    pub fn record(&self, task: TaskIx) -> &Record {
        &self.records[task.at()]
    }

    /// The edges that a task waits for.
    ///
    /// # Panics
    /// The index is not of this graph.
    #[must_use]
    pub fn waits(&self, task: TaskIx) -> Waits {
        self.waits[task.at()]
    }

    /// State of a task.
    ///
    /// # Panics
    /// The index is not of this graph.
    #[must_use]
    pub fn state(&self, task: TaskIx) -> TaskState {
        self.records[task.at()].state
    }

    /// Tasks by index, which is the order of insertion as long as nothing was removed.
    pub fn indices(&self) -> impl Iterator<Item = TaskIx> + '_ {
        self.dag.node_indices().map(task)
    }

    /// Tasks in the order of insertion. O(n log n).
    #[must_use]
    pub fn in_order(&self) -> Vec<TaskIx> {
        let mut tasks: Vec<TaskIx> = self.indices().collect();
        tasks.sort_by_key(|task| self.order(*task));
        tasks
    }

    /// Edges out of a task, in no order that means anything.
    pub fn outgoing(&self, task: TaskIx) -> impl Iterator<Item = EdgeView<'_>> + '_ {
        self.edges(task, Direction::Outgoing)
    }

    /// Edges into a task, in no order that means anything.
    pub fn incoming(&self, task: TaskIx) -> impl Iterator<Item = EdgeView<'_>> + '_ {
        self.edges(task, Direction::Incoming)
    }

    fn edges(&self, of: TaskIx, direction: Direction) -> impl Iterator<Item = EdgeView<'_>> + '_ {
        self.dag.edges_directed(node(of), direction).map(|edge| EdgeView {
            graph: self,
            ix: edge_ix(edge.id()),
            from: task(edge.source()),
            to: task(edge.target()),
        })
    }

    /// Targets of the edges out of a task, one for each edge.
    pub fn successors(&self, of: TaskIx) -> impl Iterator<Item = TaskIx> + '_ {
        self.dag.neighbors_directed(node(of), Direction::Outgoing).map(task)
    }

    /// Sources of the edges into a task, one for each edge.
    pub fn predecessors(&self, of: TaskIx) -> impl Iterator<Item = TaskIx> + '_ {
        self.dag.neighbors_directed(node(of), Direction::Incoming).map(task)
    }

    /// Number of edges into a task. O(in-degree).
    #[must_use]
    pub fn in_degree(&self, task: TaskIx) -> usize {
        self.dag.neighbors_directed(node(task), Direction::Incoming).count()
    }

    /// Number of edges out of a task. O(out-degree).
    #[must_use]
    pub fn out_degree(&self, task: TaskIx) -> usize {
        self.dag.neighbors_directed(node(task), Direction::Outgoing).count()
    }

    /// One edge.
    #[must_use]
    pub fn edge(&self, ix: EdgeIx) -> Option<EdgeView<'_>> {
        let (from, to) = self.dag.edge_endpoints(EdgeIndex::new(ix.0 as usize))?;
        Some(EdgeView { graph: self, ix, from: task(from), to: task(to) })
    }

    /// Finds an edge by its id, given or default. O(1) for a given one, else O(degree).
    #[must_use]
    pub fn find_edge(&self, id: &str) -> Option<EdgeView<'_>> {
        if let Some(ix) = self.edge_ids.get(id) {
            return self.edge(*ix);
        }
        let (from, to) = id.split_once("->")?;
        let between = self.edges_between(self.find(from)?, self.find(to)?);
        between.into_iter().find(|edge| edge.explicit_id().is_none())
    }

    /// Every edge, in the order of insertion as long as nothing was removed.
    pub fn all_edges(&self) -> impl Iterator<Item = EdgeView<'_>> + '_ {
        self.dag.edge_indices().filter_map(|ix| self.edge(edge_ix(ix)))
    }

    /// Edges between two tasks. O(min(out-degree, in-degree)).
    #[must_use]
    pub fn edges_between(&self, from: TaskIx, to: TaskIx) -> Vec<EdgeView<'_>> {
        // Walk both lists in step, so that a hub on one side does not cost its degree.
        let mut outgoing = self.outgoing(from);
        let mut incoming = self.incoming(to);
        let (mut by_source, mut by_target) = (Vec::new(), Vec::new());
        loop {
            match outgoing.next() {
                Some(edge) if edge.to == to => by_source.push(edge),
                Some(_) => {}
                None => return by_source,
            }
            match incoming.next() {
                Some(edge) if edge.from == from => by_target.push(edge),
                Some(_) => {}
                None => return by_target,
            }
        }
    }

    /// Adds a task without edges. The caller has checked that the id is new.
    ///
    /// # Panics
    /// Debug builds: the id is not new.
    pub fn insert_task(&mut self, spec: Arc<TaskSpec>) -> TaskIx {
        debug_assert!(self.find(spec.id.as_str()).is_none(), "task {} is inserted twice", spec.id);
        let name = hash(spec.id.as_str());
        let order = self.next_order;
        self.next_order += 1;
        let ix = task(self.dag.add_node(Node {
            priority: spec.priority,
            limits_queue: spec.queue_timeout.is_some(),
            names_outputs: !spec.outputs.is_empty(),
            spec,
            level: 0,
            order,
        }));
        let dag = &self.dag;
        self.names.insert_unique(name, ix.0, |at| hash(name_at(dag, *at)));
        if ix.at() == self.records.len() {
            self.records.push(Record::default());
            self.waits.push(Waits::default());
        } else {
            self.records[ix.at()] = Record::default();
            self.waits[ix.at()] = Waits::default();
        }
        if !self.retired.is_empty()
            && let Some(attempts) = self.retired.get(self.id(ix))
        {
            self.records[ix.at()].attempts = *attempts;
        }
        self.rows.forget(ix);
        self.counts.pending += 1;
        ix
    }

    pub(crate) fn forget_name(&mut self, task: TaskIx) {
        let name = hash(self.id(task).as_str());
        if let Ok(entry) = self.names.find_entry(name, |at| *at == task.0) {
            entry.remove();
        }
    }

    /// The dependency of an edge as files write it.
    #[must_use]
    pub fn dependency(&self, edge: &EdgeView<'_>) -> Dependency {
        Dependency {
            id: edge.explicit_id().cloned(),
            from: self.id(edge.from).clone(),
            to: self.id(edge.to).clone(),
            kind: edge.kind(),
            note: edge.note().cloned(),
        }
    }

    /// The graph without execution state, as it would be submitted. O((n + m) log (n + m)).
    #[must_use]
    pub fn to_spec(&self) -> GraphSpec {
        let mut edges: Vec<EdgeView<'_>> = self.all_edges().collect();
        edges.sort_by_key(EdgeView::order);
        GraphSpec {
            name: self.name.clone(),
            tasks: self.in_order().into_iter().map(|task| Arc::clone(self.spec(task))).collect(),
            dependencies: edges.iter().map(|edge| self.dependency(edge)).collect(),
            metadata: self.metadata.clone(),
        }
    }
}

pub(crate) fn edge_ix(ix: EdgeIndex<u32>) -> EdgeIx {
    EdgeIx(u32::try_from(ix.index()).unwrap_or(u32::MAX))
}

fn name_at(dag: &StableDiGraph<Node, Edge, u32>, at: u32) -> &str {
    dag.node_weight(NodeIndex::new(at as usize)).map_or("", |found| found.spec.id.as_str())
}

impl<'g> EdgeView<'g> {
    pub(crate) fn weight(&self) -> &'g Edge {
        &self.graph.dag[EdgeIndex::new(self.ix.0 as usize)]
    }

    /// What the edge asks of its source.
    #[must_use]
    pub fn kind(&self) -> DependencyKind {
        kind_of(self.weight().kind, self.condition())
    }

    /// Rank of the edge by insertion.
    #[must_use]
    pub fn order(&self) -> u32 {
        self.weight().order
    }

    /// The condition of an edge of kind `when`.
    #[must_use]
    pub fn condition(&self) -> Option<&'g Condition> {
        self.weight().rare.as_ref().and_then(|rare| rare.condition.as_ref())
    }

    /// The id that was given to the edge, if it is not the default one.
    #[must_use]
    pub fn explicit_id(&self) -> Option<&'g DependencyId> {
        self.weight().rare.as_ref().and_then(|rare| rare.id.as_ref())
    }

    /// Prose for people and agents.
    #[must_use]
    pub fn note(&self) -> Option<&'g Arc<str>> {
        self.weight().rare.as_ref().and_then(|rare| rare.note.as_ref())
    }

    /// The id of the edge: as given, or `from->to`.
    #[must_use]
    pub fn id(&self) -> DependencyId {
        self.explicit_id()
            .cloned()
            .unwrap_or_else(|| default_id(self.graph.id(self.from), self.graph.id(self.to)))
    }

    /// What was decided about the edge, once its source has ended.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        let status = self.graph.state(self.from).outcome()?;
        let weight = self.weight();
        weight.kind.verdict(status).or(weight.judged)
    }
}

/// The default id of an edge.
///
/// # Panics
/// Never: two task ids and an arrow are within the alphabet and the length of a dependency id.
#[must_use]
pub fn default_id(from: &TaskId, to: &TaskId) -> DependencyId {
    let mut id = SmolStrBuilder::new();
    [from.as_str(), "->", to.as_str()].into_iter().for_each(|part| id.push_str(part));
    DependencyId::try_from(id.finish()).expect("two task ids and an arrow are a dependency id")
}
