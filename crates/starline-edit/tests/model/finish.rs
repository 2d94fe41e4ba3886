//! The reference: what is judged on the finished draft.

use starline_edit::Code;
use starline_types::{DependencyId, TaskId};

use crate::judge::{Attempt, Found};
use crate::reference::{Edge, Model, references};

impl Attempt<'_> {
    /// Judges cycles and references; the new revision if there is no fault.
    pub(crate) fn finish(mut self, raises: bool) -> Result<Model, Vec<Found>> {
        self.cycles();
        let has_cycle = self.faults.iter().any(|(_, code)| *code == Code::WouldCycle);
        if !self.mends {
            self.references(has_cycle);
        }
        if !has_cycle {
            self.degrees();
        }
        let own = self.rules.policy.as_ref().and_then(|policy| policy.limits.added_tasks);
        let edited = self.rules.usage != starline_edit::Usage::default();
        let max = own.or_else(|| edited.then_some(self.rules.limits.added_tasks));
        if max.is_some_and(|max| self.rules.usage.added_tasks + self.made > max) {
            self.faults.push((0, Code::LimitExceeded));
        }
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let mut after = self.draft;
        if raises {
            after.revision += 1;
            for task in after.tasks.iter_mut().filter(|task| self.marks.contains(&task.spec.id)) {
                task.changed = after.revision;
            }
            let made = |id: &DependencyId| self.added.iter().any(|(added, _)| added == id);
            let marks = &self.edge_marks;
            let changed = after.edges.iter_mut().filter(|edge| made(&edge.id) || marks.contains(&edge.id));
            changed.for_each(|edge| edge.changed = after.revision);
            for (id, _) in &self.added {
                let to = after.edges.iter().find(|edge| edge.id == *id).map(|edge| edge.to.clone());
                to.into_iter().for_each(|to| after.task_mut(&to).changed = after.revision);
            }
        }
        Ok(after)
    }

    /// Takes the added edges out, and puts them back one by one: one that closes a cycle is a fault.
    fn cycles(&mut self) {
        let mut bare = self.draft.clone();
        bare.edges.retain(|edge| self.added.iter().all(|(id, _)| *id != edge.id));
        for (id, at) in &self.added {
            let Some(edge) = self.draft.edges.iter().find(|edge| edge.id == *id) else { continue };
            if bare.reaches(&edge.to, &edge.from) {
                self.faults.push((*at, Code::WouldCycle));
            } else {
                bare.edges.push(edge.clone());
            }
        }
        self.draft = Model { edges: bare.edges, ..self.draft.clone() };
    }

    /// Every reference must be to a task upstream, or where that cannot be said, to a task. Which edit broke it is not
    /// said here.
    fn references(&mut self, has_cycle: bool) {
        let mut faults = Vec::new();
        for task in &self.draft.tasks {
            for name in references(&task.spec) {
                let source = self.draft.tasks.iter().find(|other| other.spec.id.as_str() == name);
                if source
                    .is_some_and(|source| has_cycle || self.draft.reaches(&source.spec.id, &task.spec.id))
                {
                    continue;
                }
                faults.push((0, Code::ReferenceNotUpstream));
            }
        }
        self.faults.extend(faults);
    }

    /// Tasks with more edges than allowed, on each side that got one.
    fn degrees(&mut self) {
        let limit = self.rules.limits.degree;
        let over = |task: &TaskId, end: fn(&Edge) -> &TaskId| {
            let edges = || self.draft.edges.iter().filter(|edge| end(edge) == task);
            let fresh = edges().any(|edge| self.added.iter().any(|(id, _)| *id == edge.id));
            fresh && edges().count() > limit
        };
        let ids = self.draft.tasks.iter().map(|task| &task.spec.id);
        let count: usize = ids
            .map(|id| usize::from(over(id, |edge| &edge.from)) + usize::from(over(id, |edge| &edge.to)))
            .sum();
        self.faults.extend(vec![(0, Code::LimitExceeded); count]);
    }
}
