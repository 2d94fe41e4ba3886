//! From a whole graph, of which only some may be said, to edits.

use std::collections::{BTreeMap, BTreeSet};

use starline_edit::{Code, DifferenceWarning, Fault, TaskGraph, Unread, diff};
use starline_graph::EdgeView;
use starline_types::{Dependency, DependencyId, EditBatch, GraphSpec, TaskId};

use super::dependency::{Given, written};
use super::graph::{ProposedGraph, changed, says_nothing};

/// The edits that lead from a graph to a proposal, and what is in their way.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Proposal {
    /// The edits; the base is the revision of the graph.
    pub batch: EditBatch,
    /// Tasks that are new and do not say what they do. A whole graph counts as one edit, the first.
    pub unread: Unread,
    /// What the proposal asks for and cannot have.
    pub warnings: Vec<DifferenceWarning>,
}

/// Makes edits of a whole graph. Tasks that are not in the proposal go, unless they have ended; fields that a task does
/// not have in it stay as they are, and so do the dependencies into a task, unless the proposal lists its own.
///
/// Equal to [`starline_edit::diff`] with a proposal that says everything. Costs O((n + m) log (n + m)).
///
/// # Examples
///
/// ```
/// use starline_edit::TaskGraph;
/// use starline_workflow::{BatchOptions, propose, read_batch};
///
/// let text = br#"{ "graph": { "tasks": { "scan": { "run": { "sh": "ls" } }, "page": { "after": ["scan"] } } } }"#;
/// let read = read_batch(text, &BatchOptions::default()).expect("a batch");
/// let proposal = propose(&TaskGraph::default(), &read.graph.expect("a graph"));
/// assert_eq!(proposal.unread.faults[0].message, "task page is new, and has no `run`");
/// ```
#[must_use]
pub fn propose(graph: &TaskGraph, proposed: &ProposedGraph) -> Proposal {
    let mut unread = Unread::default();
    let mut to = GraphSpec::default();
    for task in &proposed.tasks {
        let known = graph.find(task.id.as_str()).map(|known| graph.spec(known));
        match changed(task, known) {
            Some(spec) => to.tasks.push(spec),
            None => {
                let fault = Fault::new(0, Code::InvalidValue, &task.id, says_nothing(&task.id));
                let hint = "write what it does: `run: { sh: \"…\" }` or `run: { exec: [program, argument] }`";
                unread.faults.push(fault.hint(hint));
                unread.tasks.push((task.id.clone(), 0));
            }
        }
    }
    to.dependencies = dependencies(graph, proposed);
    let difference = diff(graph, &to);
    unread.positions = vec![0; difference.batch.edits.len()];
    Proposal { batch: difference.batch, unread, warnings: difference.warnings }
}

/// Dependencies of a graph, by id and by ends.
struct Known {
    list: Vec<Dependency>,
    by_id: BTreeMap<DependencyId, usize>,
    by_ends: BTreeMap<(TaskId, TaskId), Vec<usize>>,
}

impl Known {
    fn of(graph: &TaskGraph) -> Self {
        let mut edges: Vec<_> = graph.all_edges().collect();
        edges.sort_by_key(EdgeView::order);
        let mut known = Self { list: Vec::new(), by_id: BTreeMap::new(), by_ends: BTreeMap::new() };
        for (at, edge) in edges.iter().enumerate() {
            let dependency = Dependency { id: edge.explicit_id().cloned(), ..graph.dependency(edge) };
            known.by_id.insert(edge.id(), at);
            known.by_ends.entry((dependency.from.clone(), dependency.to.clone())).or_default().push(at);
            known.list.push(dependency);
        }
        known
    }

    /// The dependency that is meant: by its id, by ends and kind, by its ends; each is meant once.
    fn find(&self, given: &Given, taken: &BTreeSet<usize>) -> Option<usize> {
        let ends = (given.from.clone(), given.to.clone());
        let is_free = |at: &usize| !taken.contains(at);
        let by_id = given
            .id
            .as_ref()
            .and_then(|id| self.by_id.get(id))
            .copied()
            .filter(|at| self.list.get(*at).is_some_and(|edge| edge.from == ends.0 && edge.to == ends.1));
        if given.id.is_some() {
            return by_id.filter(is_free);
        }
        let between = self.by_ends.get(&ends).map_or(&[][..], Vec::as_slice);
        let alike = |at: &&usize| {
            given.kind.is_none() || self.list.get(**at).map(|edge| &edge.kind) == given.kind.as_ref()
        };
        let mut free = between.iter().filter(|at| is_free(at));
        free.clone().find(alike).or_else(|| free.next()).copied()
    }
}

/// The dependencies that the proposal leaves, and those it lists.
fn dependencies(graph: &TaskGraph, proposed: &ProposedGraph) -> Vec<Dependency> {
    let known = Known::of(graph);
    let stays: BTreeSet<&TaskId> =
        proposed.tasks.iter().filter(|task| !task.lists_after).map(|task| &task.id).collect();
    let mut taken = BTreeSet::new();
    let mut listed: Vec<(usize, Dependency)> = Vec::new();
    for (at, given) in proposed.dependencies.iter().enumerate() {
        let Given { id, from, to, kind, note } = given.clone();
        let Some(found) = known.find(given, &taken) else {
            let kind = kind.unwrap_or_default();
            listed.push((known.list.len() + at, Dependency { id, from, to, kind, note: written(note) }));
            continue;
        };
        taken.insert(found);
        let Some(was) = known.list.get(found) else { continue };
        listed.push((
            found,
            Dependency {
                id: was.id.clone(),
                from,
                to,
                kind: kind.unwrap_or_else(|| was.kind.clone()),
                note: note.map_or_else(|| was.note.clone(), |note| written(Some(note))),
            },
        ));
    }
    if !proposed.is_complete {
        let left = known
            .list
            .iter()
            .enumerate()
            .filter(|(at, edge)| !taken.contains(at) && stays.contains(&edge.to));
        listed.extend(left.map(|(at, edge)| (at, edge.clone())));
    }
    listed.sort_by_key(|(at, _)| *at);
    listed.into_iter().map(|(_, edge)| edge).collect()
}
