//! A draft: edits applied to the graph itself, with what it takes to unwind them.

mod bulk;
mod cycles;
mod edges;
mod find;
mod finish;
mod names;
mod refuse;
mod steps;
mod tasks;

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use starline_graph::{NewEdge, TaskGraph};
use starline_types::{DependencyId, Edit, Judgement, Revision, TaskId, TaskIx};

pub use steps::Touched;
pub(crate) use steps::{Happened, Steps};

use crate::hint::Hints;
use crate::{Code, Fault, Place, Surroundings, guard, task_rules};
use steps::Step;

/// An edge whose names are resolved. Edges are inserted once all tasks are known and all removals done, so that a
/// cycle which a later edit of the batch cuts is no fault.
#[derive(Debug)]
struct PendingEdge {
    edit: usize,
    place: Option<Place>,
    edge: NewEdge,
    /// Rank of an edge that comes back.
    order: Option<u32>,
    /// Whether its condition was evaluated, as its source has ended.
    judged: bool,
    /// Whether a later edit took it back.
    dropped: bool,
}

/// A condition that the batch brings.
#[derive(Debug)]
struct Asked {
    edit: usize,
    place: Option<Place>,
    from: TaskIx,
    to: TaskIx,
    text: Arc<str>,
}

/// What edits with faults would have made: what names it depends on them.
#[derive(Debug, Default)]
struct Refused {
    tasks: FxHashMap<TaskId, usize>,
    edge_ids: FxHashMap<DependencyId, usize>,
    edge_ends: FxHashMap<(TaskId, TaskId), usize>,
    /// Whether any of them might have mended a reference of a template.
    mends: bool,
}

/// How much there was before an edit.
#[derive(Clone, Copy, Debug)]
struct Mark {
    faults: usize,
    steps: usize,
    edges: usize,
    touched: usize,
    asked: usize,
}

/// Edges taken out between two levels: what lies further apart than these cannot depend on them.
#[derive(Clone, Copy, Debug)]
struct Cut {
    edit: usize,
    from: u32,
    to: u32,
}

/// Edits applied to the graph itself, with what it takes to unwind them.
#[derive(Debug)]
pub(crate) struct Draft<'g, 'a> {
    graph: &'g mut TaskGraph,
    around: &'a Surroundings<'a>,
    base: Revision,
    devices: task_rules::Devices<'a>,
    hints: Hints,
    steps: Vec<Step>,
    edges: Vec<PendingEdge>,
    /// Edges that were looked up by their ends: as many as were indexed.
    ends: (usize, FxHashMap<(TaskIx, TaskIx), Vec<usize>>),
    /// Ends of the edges that wait to be inserted, and of some that were dropped.
    joined: FxHashSet<(TaskIx, TaskIx)>,
    edge_ids: FxHashSet<DependencyId>,
    /// Ids that the graph in the making gives its edges itself: none of them becomes the number of another.
    chosen: FxHashSet<DependencyId>,
    /// Edges that were dropped.
    dropped: usize,
    refused: Refused,
    /// Tasks that this batch made: nobody else can have changed them.
    made: FxHashSet<TaskIx>,
    /// Tasks whose templates are to be looked at.
    touched: Vec<(usize, TaskIx)>,
    cuts: Vec<Cut>,
    /// Conditions whose names are to be looked at.
    asked: Vec<Asked>,
    judgements: Vec<Judgement>,
    /// Tasks that were added, for the limit of the run.
    added: u64,
    faults: Vec<Fault>,
}

/// What a draft leaves behind.
#[derive(Debug)]
pub(crate) struct Drafted {
    pub(crate) faults: Vec<Fault>,
    pub(crate) steps: Steps,
    pub(crate) judgements: Vec<Judgement>,
    pub(crate) added: u64,
}

impl Drafted {
    /// Nothing to take back.
    pub(crate) fn empty() -> Self {
        Self { faults: Vec::new(), steps: Steps::default(), judgements: Vec::new(), added: 0 }
    }
}

impl<'g, 'a> Draft<'g, 'a> {
    pub(crate) fn new(graph: &'g mut TaskGraph, base: Revision, around: &'a Surroundings<'a>) -> Self {
        // As many as most batches take.
        let mut steps = Vec::with_capacity(8);
        steps.push(Step::Ranks(graph.next_ranks()));
        let mut draft = Self {
            graph,
            around,
            base,
            devices: task_rules::Devices::new(),
            hints: Hints::default(),
            steps,
            edges: Vec::new(),
            ends: (0, FxHashMap::default()),
            joined: FxHashSet::default(),
            edge_ids: FxHashSet::default(),
            chosen: FxHashSet::default(),
            dropped: 0,
            refused: Refused::default(),
            made: FxHashSet::default(),
            touched: Vec::new(),
            cuts: Vec::new(),
            asked: Vec::new(),
            judgements: Vec::new(),
            added: 0,
            faults: Vec::new(),
        };
        if let Some(unread) = around.unread {
            draft.faults.extend(unread.faults.iter().cloned());
            draft.refused.tasks.extend(unread.tasks.iter().cloned());
            draft.refused.mends = !unread.faults.is_empty();
        }
        draft
    }

    /// Applies one edit, or notes its faults. The number is that of the batch as it was written; the edit as it is
    /// in force may differ from the one that was asked for.
    pub(crate) fn apply(&mut self, edit: usize, change: &Edit) -> Option<Edit> {
        let mark = Mark {
            faults: self.faults.len(),
            steps: self.steps.len(),
            edges: self.edges.len(),
            touched: self.touched.len(),
            asked: self.asked.len(),
        };
        let amended = match self.around.policy.and_then(|policy| guard::operation(edit, change, policy)) {
            Some(fault) => {
                self.faults.push(fault);
                None
            }
            None => self.apply_allowed(edit, change),
        };
        if self.faults.len() > mark.faults {
            self.refuse(edit, change, mark);
        }
        amended
    }

    fn apply_allowed(&mut self, edit: usize, change: &Edit) -> Option<Edit> {
        match change {
            Edit::AddTask { task, after } => {
                let amended = self.amended(task, "");
                self.add_task_after(edit, amended.as_ref().unwrap_or(task), after);
                return amended.map(|task| Edit::AddTask { task, after: after.clone() });
            }
            Edit::UpdateTask { id, set } => return self.update_task(edit, id, set),
            Edit::RemoveTask { id } => self.remove_task(edit, id),
            Edit::AddDependency(dependency) => self.add_edge(edit, dependency, None, None, None),
            Edit::UpdateDependency { edge, kind, note } => {
                self.update_edge(edit, edge, kind.as_ref(), note.as_ref());
            }
            Edit::RemoveDependency { edge } => self.remove_edge(edit, edge),
            Edit::Build { graph, clear_existing } => {
                let amended = self.amended_graph(graph, "");
                let graph = amended.as_ref().unwrap_or(graph);
                self.build(edit, graph, *clear_existing);
                let clear_existing = *clear_existing;
                return amended.map(|graph| Edit::Build { graph, clear_existing });
            }
            Edit::Clear => {
                self.clear(edit);
            }
            Edit::Merge { graph, prefix } => {
                let amended = self.amended_graph(graph, prefix);
                self.merge(edit, amended.as_ref().unwrap_or(graph), prefix);
                return amended.map(|graph| Edit::Merge { graph, prefix: prefix.clone() });
            }
            Edit::Restore { tasks, dependencies } => self.restore(edit, tasks, dependencies),
        }
        None
    }

    fn fault(
        &mut self,
        edit: usize,
        code: Code,
        item: impl std::fmt::Display,
        message: String,
    ) -> &mut Fault {
        self.faults.push(Fault::new(edit, code, item, message));
        let last = self.faults.len() - 1;
        &mut self.faults[last]
    }

    fn exceeds(&mut self, what: &str, edit: usize, got: usize, max: usize) -> bool {
        if got > max {
            let message = format!("{got} {what} in one graph");
            let fault = Fault::new(edit, Code::LimitExceeded, what, message);
            self.faults.push(fault.hint(format!("at most {max}")));
        }
        got > max
    }

    /// Whether nobody changed a task after the author of the batch last looked.
    fn touch_task(&mut self, edit: usize, task: TaskIx) -> bool {
        let stale = self.base < self.graph.revision()
            && self.graph.task_changed(task) > self.base
            && !self.made.contains(&task);
        if stale {
            let id = self.graph.id(task).to_string();
            self.conflict(edit, id, self.graph.task_changed(task));
        }
        !stale
    }

    /// Whether nobody changed an edge after the author of the batch last looked.
    fn touch_edge(&mut self, edit: usize, edge: starline_graph::EdgeIx) -> bool {
        let stale = self.base < self.graph.revision() && self.graph.edge_changed(edge) > self.base;
        if stale {
            let id = self.graph.edge(edge).map(|edge| edge.id().to_string()).unwrap_or_default();
            self.conflict(edit, id, self.graph.edge_changed(edge));
        }
        !stale
    }

    /// Whether nobody changed a task and its edges after the author of the batch last looked.
    fn touch_around(&mut self, edit: usize, task: TaskIx) -> bool {
        let mut fresh = self.touch_task(edit, task);
        if self.base < self.graph.revision() {
            let incident: Vec<_> =
                self.graph.incoming(task).chain(self.graph.outgoing(task)).map(|edge| edge.ix).collect();
            incident.into_iter().for_each(|edge| fresh &= self.touch_edge(edit, edge));
        }
        fresh
    }

    fn conflict(&mut self, edit: usize, item: String, at: Revision) {
        let message =
            format!("{item} was changed by revision {}, and the batch was made for {}", at.0, self.base.0);
        let fault = self.fault(edit, Code::Conflict, item, message);
        fault.hint = Some("read the graph again and make the edit anew".to_owned());
    }
}
