//! Edits of edges.

use std::sync::Arc;

use starline_graph::{Condition, EdgeTerms, NewEdge};
use starline_types::{Dependency, DependencyKind, DependencyRef, OutcomeStatus, TaskIx, TaskState, Verdict};

use super::find::Found;
use super::steps::Step;
use super::{Asked, Cut, Draft, PendingEdge};
use crate::{Code, Fault, Place};

impl Draft<'_, '_> {
    pub(super) fn add_edge(
        &mut self,
        edit: usize,
        dependency: &Dependency,
        to: Option<TaskIx>,
        place: Option<Place>,
        order: Option<u32>,
    ) {
        let Dependency { id, from, to: target, kind, note } = dependency;
        let item = || format!("dependency {from} -> {target}");
        let source = self.find(edit, from, &item, place);
        let target_ix = to.or_else(|| self.find(edit, target, &item, place));
        let (Some(from_ix), Some(to_ix)) = (source, target_ix) else { return };
        if from_ix == to_ix {
            let message = format!("task {from} cannot wait for itself");
            self.faults.push(Fault::new(edit, Code::SelfDependency, from, message).at(place));
            return;
        }
        if !self.may_wait(edit, to_ix, order.is_some(), place) {
            return;
        }
        let before = self.faults.len();
        self.touch_task(edit, to_ix);
        if id.as_ref().is_some_and(|id| self.is_taken(id.as_str())) {
            let id = id.as_ref().map_or("", |id| id.as_str());
            let message = format!("a dependency {id} exists already");
            self.faults.push(Fault::new(edit, Code::DuplicateDependency, id, message).at(place));
        }
        if self.graph.edge_count() + self.edges.len() - self.dropped >= self.around.limits.dependencies {
            let got = self.graph.edge_count() + self.edges.len() - self.dropped + 1;
            self.exceeds("dependencies", edit, got, self.around.limits.dependencies);
        }
        let terms = self.terms(edit, from_ix, to_ix, kind, place);
        let Some((condition, judged)) = terms.filter(|_| self.faults.len() == before) else { return };
        let id = id.clone().or_else(|| self.numbered(from_ix, to_ix));
        self.edge_ids.extend(id.clone());
        self.joined.insert((from_ix, to_ix));
        let note = note.clone().filter(|note| !note.is_empty());
        let edge = NewEdge { from: from_ix, to: to_ix, id, kind: kind.clone(), condition, note };
        self.edges.push(PendingEdge { edit, place, edge, order, judged, dropped: false });
    }

    /// Whether edges into a task may change: it must be unstarted. What comes back may lead to a task that ended
    /// without an attempt, as it did before.
    fn may_wait(&mut self, edit: usize, to: TaskIx, comes_back: bool, place: Option<Place>) -> bool {
        let state = self.graph.state(to);
        let untried =
            matches!(state, TaskState::Skipped | TaskState::Cancelled) && self.graph.record(to).attempts == 0;
        if state.is_unstarted() || comes_back && untried {
            return true;
        }
        let target = self.graph.id(to);
        let fault =
            Fault::new(edit, Code::DependencyTargetNotPending, target, format!("task {target} is {state}"));
        self.faults.push(fault.hint(format!("add a task after {target} instead")).at(place));
        false
    }

    /// What an edge asks, compiled; and whether it is a condition over a source that has ended, which is then true.
    fn terms(
        &mut self,
        edit: usize,
        from: TaskIx,
        to: TaskIx,
        kind: &DependencyKind,
        place: Option<Place>,
    ) -> Option<(Option<Condition>, bool)> {
        let status = self.graph.state(from).outcome();
        let name = |draft: &Self| format!("dependency {} -> {}", draft.graph.id(from), draft.graph.id(to));
        let DependencyKind::When(text) = kind else {
            let status = status.filter(|status| kind.verdict(*status) == Some(Verdict::Impossible));
            if let Some(status) = status {
                let message = format!(
                    "task {} is {status}, so {} can never be satisfied",
                    self.graph.id(from),
                    name(self)
                );
                self.never(edit, from, to, message, place);
                return None;
            }
            return Some((None, false));
        };
        let condition = match Condition::compile(Arc::clone(text)) {
            Ok(condition) => condition,
            Err(error) => {
                let message = format!("{}: {error}", name(self));
                self.faults.push(Fault::new(edit, Code::InvalidCondition, text, message).at(place));
                return None;
            }
        };
        if self.around.inputs.is_some() {
            self.asked.push(Asked { edit, place, from, to, text: Arc::clone(text) });
        }
        match (status, self.around.judge) {
            (Some(status), Some(judge)) => {
                let found = judge(self.graph, from, &condition);
                self.judged(edit, from, to, status, found, place).then_some((Some(condition), true))
            }
            _ => Some((Some(condition), false)),
        }
    }

    fn judged(
        &mut self,
        edit: usize,
        from: TaskIx,
        to: TaskIx,
        status: OutcomeStatus,
        found: Result<bool, String>,
        place: Option<Place>,
    ) -> bool {
        let why = match found {
            Ok(true) => return true,
            Ok(false) => "its condition is false".to_owned(),
            Err(error) => format!("its condition cannot be evaluated: {error}"),
        };
        let (source, target) = (self.graph.id(from), self.graph.id(to));
        let message = format!(
            "task {source} is {status}, so dependency {source} -> {target} can never be satisfied: {why}"
        );
        self.never(edit, from, to, message, place);
        false
    }

    fn never(&mut self, edit: usize, from: TaskIx, to: TaskIx, message: String, place: Option<Place>) {
        let item = format!("{}->{}", self.graph.id(from), self.graph.id(to));
        let fault = Fault::new(edit, Code::EdgeNeverSatisfiable, item, message);
        self.faults.push(fault.hint("use the kind completion, or another source").at(place));
    }

    pub(super) fn remove_edge(&mut self, edit: usize, edge: &DependencyRef) {
        match self.find_edge(edit, edge) {
            None => {}
            Some(Found::Pending(at)) => self.drop_pending(at),
            Some(Found::Graph(ix)) => {
                let Some((from, to)) = self.graph.edge(ix).map(|edge| (edge.from, edge.to)) else { return };
                if !self.may_wait(edit, to, false, None) {
                    return;
                }
                let fresh = self.touch_task(edit, to);
                if !(self.touch_edge(edit, ix) && fresh) {
                    return;
                }
                let Some(removed) = self.graph.remove_edge(ix) else { return };
                self.cuts.push(Cut { edit, from: self.graph.level(from), to: self.graph.level(to) });
                self.touched.push((edit, to));
                self.steps.push(Step::RemovedEdge(Box::new(removed)));
            }
        }
    }

    pub(super) fn update_edge(
        &mut self,
        edit: usize,
        edge: &DependencyRef,
        kind: Option<&DependencyKind>,
        note: Option<&Arc<str>>,
    ) {
        let found = self.find_edge(edit, edge);
        if found.is_some() && kind.is_none() && note.is_none() {
            let item = match edge {
                DependencyRef::Id { id } => id.to_string(),
                DependencyRef::Ends { from, to } => format!("{from}->{to}"),
            };
            let message = format!("the update of dependency {item} sets nothing");
            self.fault(edit, Code::EmptyUpdate, item, message).hint = Some("set kind or note".to_owned());
            return;
        }
        let written = |note: &Arc<str>| (!note.is_empty()).then(|| Arc::clone(note));
        match found {
            None => {}
            Some(Found::Pending(at)) => {
                let (from, to) = (self.edges[at].edge.from, self.edges[at].edge.to);
                if let Some(kind) = kind {
                    let Some((condition, judged)) = self.terms(edit, from, to, kind, None) else { return };
                    let pending = &mut self.edges[at];
                    pending.judged = judged;
                    (pending.edge.kind, pending.edge.condition) = (kind.clone(), condition);
                }
                if let Some(note) = note {
                    self.edges[at].edge.note = written(note);
                }
            }
            Some(Found::Graph(ix)) => {
                let Some(found) = self.graph.edge(ix) else { return };
                let (from, to, id, found_kind) = (found.from, found.to, found.id(), found.kind());
                let mut terms = found.terms();
                if !self.may_wait(edit, to, false, None) {
                    return;
                }
                let mut fresh = self.touch_task(edit, to);
                fresh &= self.touch_edge(edit, ix);
                let mut judged = false;
                // What was decided about the edge stays with what it asks.
                if let Some(kind) = kind.filter(|kind| **kind != found_kind) {
                    let Some((condition, is_true)) = self.terms(edit, from, to, kind, None) else { return };
                    judged = is_true;
                    terms = EdgeTerms::new(kind, condition, terms.note().cloned());
                }
                if let Some(note) = note {
                    terms = terms.with_note(written(note));
                }
                if !fresh {
                    return;
                }
                if let Some(before) = self.graph.change_edge(ix, terms) {
                    self.steps.push(Step::Terms { edge: ix, before: Box::new(before) });
                }
                if judged {
                    self.settle(ix, id);
                }
            }
        }
    }
}
