//! The reference: lists that are searched from end to end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use starline_edit::GraphSpec;
use starline_types::{
    Dependency, DependencyId, DependencyKind, FileInput, OutcomeStatus, Payload, TaskId, TaskSpec, TaskState,
    Value,
};

/// A task with its state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Task {
    pub(crate) spec: TaskSpec,
    pub(crate) state: TaskState,
    /// The revision that last changed it.
    pub(crate) changed: u64,
}

/// An edge; its id is always spelt out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edge {
    pub(crate) id: DependencyId,
    pub(crate) from: TaskId,
    pub(crate) to: TaskId,
    pub(crate) kind: DependencyKind,
    pub(crate) note: Option<Arc<str>>,
    /// The revision that last changed it.
    pub(crate) changed: u64,
}

/// A graph with states. Tasks and edges are in the order of insertion.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) metadata: BTreeMap<String, Value>,
    pub(crate) revision: u64,
    pub(crate) tasks: Vec<Task>,
    pub(crate) edges: Vec<Edge>,
    /// Attempts by id, also of tasks that are gone.
    pub(crate) attempts: BTreeMap<TaskId, u32>,
}

/// What is decided about an edge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Decided {
    Open,
    Satisfied,
    Impossible,
}

/// Conditions and the outcomes for which they hold; the last is an error for each.
pub(crate) const CONDITIONS: [(&str, &[OutcomeStatus]); 4] = [
    ("status == \"completed\"", &[OutcomeStatus::Completed]),
    ("status in [\"failed\", \"skipped\"]", &[OutcomeStatus::Failed, OutcomeStatus::Skipped]),
    ("status != \"completed\"", &[OutcomeStatus::Failed, OutcomeStatus::Cancelled, OutcomeStatus::Skipped]),
    ("outputs.missing > 1", &[]),
];

/// Whether an edge of a kind is satisfied by a source that ended so.
pub(crate) fn satisfies(kind: &DependencyKind, status: OutcomeStatus) -> bool {
    match kind {
        DependencyKind::Success => status == OutcomeStatus::Completed,
        DependencyKind::Failure => status == OutcomeStatus::Failed,
        DependencyKind::Completion => true,
        DependencyKind::When(text) => {
            let known = CONDITIONS.iter().find(|(known, _)| *known == &**text);
            known.expect("a condition of the table").1.contains(&status)
        }
    }
}

/// The tasks that a task reads from, as the generator writes it.
pub(crate) fn references(spec: &TaskSpec) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Payload::Prompt(prompt) = &spec.run {
        let named = prompt.text.split("tasks[\"").skip(1);
        found.extend(named.filter_map(|rest| Some(rest.split_once("\"]")?.0.to_owned())));
    }
    for file in spec.files().values() {
        if let FileInput::Output { task, .. } = file {
            found.insert(task.to_string());
        }
    }
    found
}

impl Model {
    pub(crate) fn task(&self, id: &TaskId) -> Option<&Task> {
        self.tasks.iter().find(|task| task.spec.id == *id)
    }

    pub(crate) fn task_mut(&mut self, id: &TaskId) -> &mut Task {
        self.tasks.iter_mut().find(|task| task.spec.id == *id).expect("a known task")
    }

    pub(crate) fn state(&self, id: &TaskId) -> TaskState {
        self.task(id).expect("a known task").state
    }

    pub(crate) fn unstarted(&self, id: &TaskId) -> bool {
        self.state(id) == TaskState::Pending
    }

    pub(crate) fn decided(&self, from: &TaskId, kind: &DependencyKind) -> Decided {
        match self.state(from).outcome() {
            None => Decided::Open,
            Some(status) if satisfies(kind, status) => Decided::Satisfied,
            Some(_) => Decided::Impossible,
        }
    }

    /// Unresolved and impossible edges into a task.
    pub(crate) fn waits(&self, id: &TaskId) -> (u32, u32) {
        let into = self.edges.iter().filter(|edge| edge.to == *id);
        into.fold((0, 0), |(open, impossible), edge| match self.decided(&edge.from, &edge.kind) {
            Decided::Open => (open + 1, impossible),
            Decided::Satisfied => (open, impossible),
            Decided::Impossible => (open, impossible + 1),
        })
    }

    /// Whether a path of at least one edge leads from one task to another.
    pub(crate) fn reaches(&self, from: &TaskId, to: &TaskId) -> bool {
        let mut seen: BTreeSet<&TaskId> = BTreeSet::new();
        let mut stack = vec![from];
        while let Some(at) = stack.pop() {
            for edge in self.edges.iter().filter(|edge| edge.from == *at) {
                if edge.to == *to {
                    return true;
                }
                if seen.insert(&edge.to) {
                    stack.push(&edge.to);
                }
            }
        }
        false
    }

    /// The id of a new edge: as given, or the first free one.
    pub(crate) fn edge_id(
        &self,
        given: Option<&DependencyId>,
        from: &TaskId,
        to: &TaskId,
        chosen: &BTreeSet<DependencyId>,
    ) -> DependencyId {
        let taken = |id: &DependencyId| chosen.contains(id) || self.edges.iter().any(|edge| edge.id == *id);
        let plain = || std::iter::once(format!("{from}->{to}"));
        let numbered = (2..).map(|number| format!("{from}->{to}#{number}"));
        given.cloned().unwrap_or_else(|| {
            let mut ids = plain().chain(numbered).map(|id| DependencyId::new(id).expect("an id"));
            ids.find(|id| !taken(id)).expect("numbers do not end")
        })
    }

    pub(crate) fn spec(&self) -> GraphSpec {
        let dependency = |edge: &Edge| Dependency {
            id: Some(edge.id.clone()),
            from: edge.from.clone(),
            to: edge.to.clone(),
            kind: edge.kind.clone(),
            note: edge.note.clone(),
        };
        GraphSpec {
            name: self.name.clone(),
            tasks: self.tasks.iter().map(|task| Arc::new(task.spec.clone())).collect(),
            dependencies: self.edges.iter().map(dependency).collect(),
            metadata: self.metadata.clone(),
        }
    }
}
