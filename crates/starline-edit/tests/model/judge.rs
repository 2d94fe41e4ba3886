//! The reference: edits one by one on a copy, every fault collected.

use std::collections::BTreeSet;
use std::sync::Arc;

use starline_edit::{Code, Edit, EditBatch, Gates, GraphSpec, Limits, Usage};
use starline_types::{
    ApprovalGate, ApprovalTimeout, Dependency, DependencyId, DependencyKind, DependencyRef, DeviceId, Millis,
    Patterns, Payload, Policy, TaskField, TaskId, TaskSpec, TaskState,
};

use crate::guard::{asks, forbidden, waits_for_a_person};
use crate::prefix::prefixed;
use crate::reference::{Decided, Edge, Model, Task};

/// What a batch is judged against beside the graph.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) devices: Option<Vec<DeviceId>>,
    pub(crate) limits: Limits,
    pub(crate) policy: Option<Policy>,
    pub(crate) gates: Gates,
    pub(crate) usage: Usage,
}

/// A fault: position of the edit, and code.
pub(crate) type Found = (usize, Code);

/// A batch in the making.
pub(crate) struct Attempt<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) base: u64,
    pub(crate) draft: Model,
    pub(crate) faults: Vec<Found>,
    /// What edits with faults would have made.
    lost_tasks: BTreeSet<TaskId>,
    lost_edges: Vec<(Option<DependencyId>, TaskId, TaskId)>,
    /// Edges that were added, by id, with the position of the edit.
    pub(crate) added: Vec<(DependencyId, usize)>,
    pub(crate) made: u64,
    /// Ids that the graph in the making gives its edges itself.
    chosen: BTreeSet<DependencyId>,
    /// Whether an edit with a fault might have brought what a template needs.
    pub(crate) mends: bool,
    /// Tasks and edges that the batch changes, by name.
    pub(crate) marks: BTreeSet<TaskId>,
    pub(crate) edge_marks: BTreeSet<DependencyId>,
}

/// Judges a batch. The draft on success, all faults otherwise.
pub(crate) fn judge(before: &Model, batch: &EditBatch, rules: &Rules) -> Result<Model, Vec<Found>> {
    let count = batch.edits.len() as u64;
    if batch.edits.len() > rules.limits.edits {
        return Err(vec![(0, Code::LimitExceeded)]);
    }
    let own = rules.policy.as_ref().and_then(|policy| policy.limits.edits);
    // What is submitted is no edit: the limits of the run hold once it has seen edits.
    let edited = rules.usage != Usage::default();
    let total = rules.usage.edits + count;
    if own.is_some_and(|max| total > max) || edited && total > rules.limits.run_edits {
        return Err(vec![(0, Code::LimitExceeded)]);
    }
    if batch.base.0 > before.revision {
        return Err(vec![(0, Code::UnknownRevision)]);
    }
    let mut attempt = Attempt {
        rules,
        base: batch.base.0,
        draft: before.clone(),
        faults: Vec::new(),
        lost_tasks: BTreeSet::new(),
        lost_edges: Vec::new(),
        added: Vec::new(),
        made: 0,
        chosen: BTreeSet::new(),
        mends: false,
        marks: BTreeSet::new(),
        edge_marks: BTreeSet::new(),
    };
    for (at, edit) in batch.edits.iter().enumerate() {
        attempt.edit(at, edit);
    }
    attempt.finish(!batch.edits.is_empty())
}

impl Attempt<'_> {
    fn edit(&mut self, at: usize, edit: &Edit) {
        let allowed = self.rules.policy.as_ref().and_then(|policy| policy.allow.as_ref());
        if allowed.is_some_and(|allowed| allowed.iter().all(|op| op != edit.op())) {
            self.refuse(at, edit, vec![Code::NotPermitted]);
            return;
        }
        if self.depends(edit) {
            self.refuse(at, edit, vec![Code::DependsOnRejected]);
            return;
        }
        if let Edit::Build { clear_existing: true, .. } = edit {
            let codes = self.clear();
            if !codes.is_empty() {
                self.refuse(at, edit, codes);
                return;
            }
        }
        let kept = (self.draft.clone(), self.added.clone(), self.made);
        let codes = match edit {
            Edit::AddTask { task, after } => self.add_task(at, task, after),
            Edit::UpdateTask { id, set } => self.update_task(id, set),
            Edit::RemoveTask { id } => self.remove_task(id),
            Edit::AddDependency(dependency) => self.add_edge(at, dependency),
            Edit::UpdateDependency { edge, kind, note } => {
                self.update_edge(edge, kind.as_ref(), note.as_ref())
            }
            Edit::RemoveDependency { edge } => self.remove_edge(edge),
            Edit::Build { graph, .. } => self.whole(at, graph),
            Edit::Clear => self.clear(),
            Edit::Merge { graph, prefix } => match prefixed(graph, prefix) {
                Some(graph) => self.whole(at, &graph),
                None => vec![Code::InvalidId],
            },
            Edit::Restore { .. } => unreachable!("the reference takes commits back by its history"),
        };
        if !codes.is_empty() {
            (self.draft, self.added, self.made) = kept;
            self.refuse(at, edit, codes);
        }
    }

    fn refuse(&mut self, at: usize, edit: &Edit, codes: Vec<Code>) {
        self.faults.extend(codes.into_iter().map(|code| (at, code)));
        self.mends |= !matches!(edit, Edit::RemoveTask { .. } | Edit::RemoveDependency { .. } | Edit::Clear);
        match edit {
            Edit::AddTask { task, after } => {
                self.lost_tasks.insert(task.id.clone());
                let ends = after.iter().map(|(from, _)| (None, from.clone(), task.id.clone()));
                self.lost_edges.extend(ends);
            }
            Edit::AddDependency(edge) => {
                self.lost_edges.push((edge.id.clone(), edge.from.clone(), edge.to.clone()));
            }
            Edit::Build { graph, .. } => {
                self.lost_tasks.extend(graph.tasks.iter().map(|task| task.id.clone()));
                let edge = |edge: &Dependency| (edge.id.clone(), edge.from.clone(), edge.to.clone());
                self.lost_edges.extend(graph.dependencies.iter().map(edge));
            }
            Edit::Merge { graph, prefix } => {
                let ids =
                    graph.tasks.iter().filter_map(|task| TaskId::new(format!("{prefix}{}", task.id)).ok());
                self.lost_tasks.extend(ids);
            }
            _ => {}
        }
    }

    /// Whether an edit names what an edit with a fault would have made.
    fn depends(&self, edit: &Edit) -> bool {
        let lost = |id: &TaskId| self.draft.task(id).is_none() && self.lost_tasks.contains(id);
        match edit {
            Edit::AddTask { task, after } => {
                after.iter().any(|(source, _)| *source != task.id && lost(source))
            }
            Edit::UpdateTask { id, .. } | Edit::RemoveTask { id } => lost(id),
            Edit::AddDependency(edge) => lost(&edge.from) || lost(&edge.to),
            Edit::UpdateDependency { edge, .. } | Edit::RemoveDependency { edge } => match edge {
                DependencyRef::Id { id } => {
                    let named = |lost: &(Option<DependencyId>, TaskId, TaskId)| match &lost.0 {
                        Some(given) => given == id,
                        None => id.as_str() == format!("{}->{}", lost.1, lost.2),
                    };
                    self.draft.edges.iter().all(|edge| edge.id != *id) && self.lost_edges.iter().any(named)
                }
                DependencyRef::Ends { from, to } => {
                    let joined = self.draft.edges.iter().any(|edge| edge.from == *from && edge.to == *to);
                    let named = |edge: &(_, TaskId, TaskId)| edge.1 == *from && edge.2 == *to;
                    lost(from) || lost(to) || !joined && self.lost_edges.iter().any(named)
                }
            },
            Edit::Build { graph, clear_existing } => {
                let lost = |id: &TaskId| {
                    (*clear_existing || self.draft.task(id).is_none())
                        && self.lost_tasks.contains(id)
                        && graph.tasks.iter().all(|task| task.id != *id)
                };
                let started = || self.draft.tasks.iter().any(|task| task.state != TaskState::Pending);
                let stops = *clear_existing && started() || self.oversized(graph, *clear_existing);
                !stops && graph.dependencies.iter().any(|edge| lost(&edge.from) || lost(&edge.to))
            }
            Edit::Merge { graph, prefix } => prefixed(graph, prefix).is_some_and(|graph| {
                let lost = |id: &TaskId| lost(id) && graph.tasks.iter().all(|task| task.id != *id);
                !self.oversized(&graph, false)
                    && graph.dependencies.iter().any(|edge| lost(&edge.from) || lost(&edge.to))
            }),
            Edit::Clear | Edit::Restore { .. } => false,
        }
    }

    fn add_task(&mut self, at: usize, task: &TaskSpec, after: &[(TaskId, DependencyKind)]) -> Vec<Code> {
        let mut codes = self.insert(task, true);
        let made = codes.is_empty();
        for (position, (from, kind)) in after.iter().enumerate() {
            let edge = Dependency::success(from.clone(), task.id.clone()).with_kind(kind.clone());
            if after[..position].contains(&(from.clone(), kind.clone())) {
                codes.push(Code::DuplicateDependency);
            } else if made {
                codes.extend(self.add_edge(at, &edge));
            } else if self.draft.task(from).is_none() && *from != task.id {
                codes.push(Code::UnknownTask);
            }
        }
        codes
    }

    fn insert(&mut self, task: &TaskSpec, counts: bool) -> Vec<Code> {
        let mut codes = self.faults_of(task);
        codes.extend(self.draft.task(&task.id).map(|_| Code::DuplicateTask));
        let full = counts && self.draft.tasks.len() >= self.rules.limits.tasks;
        codes.extend(full.then_some(Code::LimitExceeded));
        codes.extend(self.rules.policy.iter().flat_map(|policy| forbidden(task, &policy.only)));
        if codes.is_empty() {
            let spec = self.gated(task);
            self.draft.tasks.push(Task { spec, state: TaskState::Pending, changed: 0 });
            self.marks.insert(task.id.clone());
            self.made += 1;
        }
        codes
    }

    /// What is wrong with the fields of a task.
    fn faults_of(&self, task: &TaskSpec) -> Vec<Code> {
        let mut codes = Vec::new();
        let mut fault = |wrong: bool, code| codes.extend(wrong.then_some(code));
        fault(task.queue_timeout == Some(Millis::ZERO), Code::InvalidValue);
        fault(task.run_timeout == Some(Millis::ZERO), Code::InvalidValue);
        fault(matches!(&task.run, Payload::Exec(exec) if exec.argv.is_empty()), Code::InvalidValue);
        let torn = matches!(&task.run, Payload::Prompt(prompt) if prompt.text.contains("{{ tasks }"));
        fault(torn, Code::InvalidTemplate);
        let unknown =
            |device: &DeviceId| self.rules.devices.as_ref().is_some_and(|known| !known.contains(device));
        fault(task.pin().is_some_and(unknown), Code::UnknownDevice);
        codes
    }

    fn gated(&self, task: &TaskSpec) -> TaskSpec {
        let mut spec = task.clone();
        if !waits_for_a_person(task) && self.rules.policy.as_ref().is_some_and(|policy| asks(task, policy)) {
            let prompt = format!("An editor added or changed task {}: may it run?", task.id);
            let given = task.gate().cloned();
            let gate = given.unwrap_or_else(|| ApprovalGate { prompt, ..ApprovalGate::default() });
            let gate = ApprovalGate { on_timeout: ApprovalTimeout::Reject, ..gate };
            TaskField::Approval(Some(gate)).exchange(&mut spec);
        }
        spec
    }

    fn update_task(&mut self, id: &TaskId, set: &[TaskField]) -> Vec<Code> {
        let Some(task) = self.draft.task(id) else { return vec![Code::UnknownTask] };
        if task.state != TaskState::Pending {
            return vec![Code::TaskNotPending];
        }
        if set.is_empty() {
            return vec![Code::EmptyUpdate];
        }
        let mut codes = self.conflicts(&[id], &self.incident(id));
        let mut spec = task.spec.clone();
        set.iter().for_each(|field| field.clone().exchange(&mut spec));
        codes.extend(self.faults_of(&spec));
        let gate = task.spec.gate().filter(|_| self.rules.gates != Gates::Free);
        let kept = |field: &TaskField| match field {
            TaskField::Approval(set) => set.as_ref() == gate,
            _ => true,
        };
        codes.extend((gate.is_some() && !set.iter().all(kept)).then_some(Code::NotPermitted));
        if let Some(policy) = &self.rules.policy {
            let sets = |name: &str| set.iter().any(|field| field.name() == name);
            let Patterns { devices, capabilities, kinds } = policy.only.clone();
            let none = Patterns::default();
            let kinds = if sets("run") || sets("compensate") {
                Patterns { kinds, ..none.clone() }
            } else {
                none.clone()
            };
            let named = if sets("device") { Patterns { devices, capabilities, ..none } } else { none };
            codes.extend(forbidden(&spec, &kinds));
            codes.extend(forbidden(&spec, &named));
            let opened = sets("approval") && !waits_for_a_person(&spec) && asks(&spec, policy);
            codes.extend(opened.then_some(Code::NotPermitted));
        }
        if codes.is_empty() {
            self.draft.task_mut(id).spec = self.gated(&spec);
            self.marks.insert(id.clone());
        }
        codes
    }

    /// Edges into and out of a task.
    fn incident(&self, id: &TaskId) -> Vec<DependencyId> {
        let incident = self.draft.edges.iter().filter(|edge| edge.from == *id || edge.to == *id);
        incident.map(|edge| edge.id.clone()).collect()
    }

    /// One fault for each of these that was changed after the base. What the batch made was never changed.
    fn conflicts(&self, tasks: &[&TaskId], edges: &[DependencyId]) -> Vec<Code> {
        let newer = |id: &&&TaskId| self.draft.task(id).is_some_and(|task| task.changed > self.base);
        let changed = |id: &&DependencyId| {
            self.draft.edges.iter().any(|edge| edge.id == **id && edge.changed > self.base)
        };
        vec![Code::Conflict; tasks.iter().filter(newer).count() + edges.iter().filter(changed).count()]
    }

    fn remove_task(&mut self, id: &TaskId) -> Vec<Code> {
        let Some(task) = self.draft.task(id) else { return vec![Code::UnknownTask] };
        if task.state != TaskState::Pending {
            return vec![Code::TaskNotPending];
        }
        let kept = self.rules.gates == Gates::Kept && task.spec.gate().is_some();
        let mut codes = self.conflicts(&[id], &self.incident(id));
        codes.extend(kept.then_some(Code::NotPermitted));
        if !codes.is_empty() {
            return codes;
        }
        let gone = self.draft.edges.iter().filter(|edge| edge.from == *id || edge.to == *id);
        let gone: Vec<Edge> = gone.cloned().collect();
        gone.iter().for_each(|edge| self.mark_cut(edge));
        self.draft.tasks.retain(|task| task.spec.id != *id);
        self.draft.edges.retain(|edge| edge.from != *id && edge.to != *id);
        self.take_out()
    }

    pub(crate) fn add_edge(&mut self, at: usize, new: &Dependency) -> Vec<Code> {
        let ends = [&new.from, &new.to];
        let unknown = ends.iter().filter(|id| self.draft.task(id).is_none()).count();
        if unknown > 0 {
            return vec![Code::UnknownTask; unknown];
        }
        if new.from == new.to {
            return vec![Code::SelfDependency];
        }
        if !self.draft.unstarted(&new.to) {
            return vec![Code::DependencyTargetNotPending];
        }
        let mut codes = self.conflicts(&[&new.to], &[]);
        let id = self.draft.edge_id(new.id.as_ref(), &new.from, &new.to, &self.chosen);
        if self.draft.edges.iter().any(|edge| edge.id == id) {
            codes.push(Code::DuplicateDependency);
        }
        let full = self.draft.edges.len() >= self.rules.limits.dependencies;
        codes.extend(full.then_some(Code::LimitExceeded));
        codes.extend(self.kind_fault(&new.from, &new.kind));
        if codes.is_empty() {
            let (from, to, kind) = (new.from.clone(), new.to.clone(), new.kind.clone());
            let note = new.note.clone().filter(|note| !note.is_empty());
            self.added.push((id.clone(), at));
            self.draft.edges.push(Edge { id, from, to, kind, note, changed: 0 });
        }
        codes
    }

    /// What is wrong with asking this of a task.
    fn kind_fault(&self, from: &TaskId, kind: &DependencyKind) -> Option<Code> {
        if matches!(kind, DependencyKind::When(text) if text.ends_with('>')) {
            return Some(Code::InvalidCondition);
        }
        let never = self.draft.decided(from, kind) == Decided::Impossible;
        never.then_some(Code::EdgeNeverSatisfiable)
    }

    fn find_edge(&self, edge: &DependencyRef) -> Result<usize, Vec<Code>> {
        let all = self.draft.edges.iter().enumerate();
        let found: Vec<usize> = match edge {
            DependencyRef::Id { id } => all.filter(|(_, edge)| edge.id == *id).map(|(at, _)| at).collect(),
            DependencyRef::Ends { from, to } => {
                let unknown = [from, to].into_iter().filter(|id| self.draft.task(id).is_none()).count();
                if unknown > 0 {
                    return Err(vec![Code::UnknownTask; unknown]);
                }
                all.filter(|(_, edge)| edge.from == *from && edge.to == *to).map(|(at, _)| at).collect()
            }
        };
        match found.as_slice() {
            [] => Err(vec![Code::UnknownDependency]),
            [one] => Ok(*one),
            _ => Err(vec![Code::AmbiguousDependency]),
        }
    }

    fn update_edge(
        &mut self,
        edge: &DependencyRef,
        kind: Option<&DependencyKind>,
        note: Option<&Arc<str>>,
    ) -> Vec<Code> {
        let found = match self.find_edge(edge) {
            Ok(found) => found,
            Err(codes) => return codes,
        };
        let edge = self.draft.edges[found].clone();
        if kind.is_none() && note.is_none() {
            return vec![Code::EmptyUpdate];
        }
        if !self.draft.unstarted(&edge.to) {
            return vec![Code::DependencyTargetNotPending];
        }
        let mut codes = self.conflicts(&[&edge.to], std::slice::from_ref(&edge.id));
        // What it asks already was decided before.
        let other = kind.filter(|kind| **kind != edge.kind);
        codes.extend(other.and_then(|kind| self.kind_fault(&edge.from, kind)));
        if !codes.is_empty() {
            return codes;
        }
        if self.is_old(&edge.id) {
            self.marks.insert(edge.to.clone());
            self.edge_marks.insert(edge.id.clone());
        }
        let changed = &mut self.draft.edges[found];
        changed.kind = kind.cloned().unwrap_or(edge.kind);
        if let Some(note) = note {
            changed.note = Some(Arc::clone(note)).filter(|note| !note.is_empty());
        }
        vec![]
    }

    fn remove_edge(&mut self, edge: &DependencyRef) -> Vec<Code> {
        let found = match self.find_edge(edge) {
            Ok(found) => found,
            Err(codes) => return codes,
        };
        let edge = self.draft.edges[found].clone();
        if !self.draft.unstarted(&edge.to) {
            return vec![Code::DependencyTargetNotPending];
        }
        let codes = self.conflicts(&[&edge.to], std::slice::from_ref(&edge.id));
        if !codes.is_empty() {
            return codes;
        }
        self.mark_cut(&edge);
        self.draft.edges.remove(found);
        self.take_out()
    }

    fn clear(&mut self) -> Vec<Code> {
        let started = self.draft.tasks.iter().filter(|task| task.state != TaskState::Pending).count();
        if started > 0 {
            return vec![Code::TaskNotPending; started];
        }
        let gated = self.draft.tasks.iter().filter(|task| task.spec.gate().is_some()).count();
        if gated > 0 && self.rules.gates == Gates::Kept {
            return vec![Code::NotPermitted; gated];
        }
        let all: Vec<&TaskId> = self.draft.tasks.iter().map(|task| &task.spec.id).collect();
        let edges: Vec<DependencyId> = self.draft.edges.iter().map(|edge| edge.id.clone()).collect();
        let codes = self.conflicts(&all, &edges);
        if !codes.is_empty() {
            return codes;
        }
        self.draft.tasks.clear();
        self.draft.edges.clear();
        self.take_out()
    }

    /// Whether an edge was there before the batch.
    fn is_old(&self, id: &DependencyId) -> bool {
        self.added.iter().all(|(added, _)| added != id)
    }

    /// Losing an edge changes its target, unless the batch had made the edge.
    fn mark_cut(&mut self, edge: &Edge) {
        if self.is_old(&edge.id) {
            self.marks.insert(edge.to.clone());
        }
    }

    /// Forgets added edges that an edit took away.
    fn take_out(&mut self) -> Vec<Code> {
        let edges = &self.draft.edges;
        self.added.retain(|(id, _)| edges.iter().any(|edge| edge.id == *id));
        vec![]
    }

    /// Whether a whole graph is too large to be looked at.
    fn oversized(&self, graph: &GraphSpec, alone: bool) -> bool {
        let (tasks, edges) = if alone { (0, 0) } else { (self.draft.tasks.len(), self.draft.edges.len()) };
        tasks + graph.tasks.len() > self.rules.limits.tasks
            || edges + graph.dependencies.len() > self.rules.limits.dependencies
    }

    fn whole(&mut self, at: usize, graph: &GraphSpec) -> Vec<Code> {
        if self.oversized(graph, false) {
            return vec![Code::LimitExceeded];
        }
        let mut codes = Vec::new();
        for task in &graph.tasks {
            codes.extend(self.insert(task, false));
        }
        self.chosen = graph.dependencies.iter().filter_map(|edge| edge.id.clone()).collect();
        for edge in &graph.dependencies {
            // A task with a fault of its own says enough.
            let faulty =
                |id: &TaskId| self.draft.task(id).is_none() && graph.tasks.iter().any(|task| task.id == *id);
            let ends = [&edge.from, &edge.to];
            if ends.iter().any(|id| faulty(id)) {
                let unknown = |id: &&&TaskId| self.draft.task(id).is_none() && !faulty(id);
                codes.extend(vec![Code::UnknownTask; ends.iter().filter(unknown).count()]);
            } else {
                codes.extend(self.add_edge(at, edge));
            }
        }
        self.chosen.clear();
        if !codes.is_empty() {
            codes.extend(vec![Code::WouldCycle; closing(graph)]);
        }
        codes
    }
}

/// Pairs of tasks of a graph that close a cycle with the pairs before them.
fn closing(graph: &GraphSpec) -> usize {
    let (mut pairs, mut count) = (Vec::<(&TaskId, &TaskId)>::new(), 0);
    let is_task = |id: &TaskId| graph.tasks.iter().any(|task| task.id == *id);
    let mut seen = BTreeSet::new();
    for edge in &graph.dependencies {
        let pair = (&edge.from, &edge.to);
        if edge.from == edge.to || !is_task(&edge.from) || !is_task(&edge.to) || !seen.insert(pair) {
            continue;
        }
        let (mut reached, mut open) = (BTreeSet::new(), vec![&edge.to]);
        while let Some(at) = open.pop() {
            let next = pairs.iter().filter(|(from, _)| *from == at).map(|(_, to)| *to);
            open.extend(next.filter(|to| reached.insert(*to)));
        }
        if reached.contains(&edge.from) {
            count += 1;
        } else {
            pairs.push(pair);
        }
    }
    count
}
