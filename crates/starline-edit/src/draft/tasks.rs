//! Edits of tasks.

use std::sync::Arc;

use starline_types::{DependencyKind, Edit, TaskField, TaskId, TaskIx, TaskSpec};

use super::steps::Step;
use super::{Cut, Draft};
use crate::{Code, Fault, Gates, Place, guard, task_rules};

impl Draft<'_, '_> {
    /// The task with an approval gate, if the policy wants one that it does not have.
    pub(super) fn amended(&self, task: &Arc<TaskSpec>, prefix: &str) -> Option<Arc<TaskSpec>> {
        guard::gated(task, prefix, self.around.policy?)
    }

    pub(super) fn add_task_after(
        &mut self,
        edit: usize,
        task: &Arc<TaskSpec>,
        after: &[(TaskId, DependencyKind)],
    ) {
        let added = self.add_task(edit, task, None, None);
        for (at, (from, kind)) in after.iter().enumerate() {
            if after[..at].iter().any(|(other, same)| other == from && same == kind) {
                let item = format!("{from}->{}", task.id);
                let message = format!("task {} is listed twice after {from}", task.id);
                self.fault(edit, Code::DuplicateDependency, item, message);
                continue;
            }
            let Some(ix) = added else {
                self.find(edit, from, &|| format!("task {}", task.id), None);
                continue;
            };
            let dependency =
                starline_types::Dependency::success(from.clone(), task.id.clone()).with_kind(kind.clone());
            self.add_edge(edit, &dependency, Some(ix), None, None);
        }
    }

    pub(super) fn add_task(
        &mut self,
        edit: usize,
        task: &Arc<TaskSpec>,
        place: Option<Place>,
        order: Option<u32>,
    ) -> Option<TaskIx> {
        let mut faults = task_rules::faults(edit, task, self.around, &self.devices, &self.hints);
        if let Some(policy) = self.around.policy {
            faults.extend(guard::task(edit, task, policy));
        }
        if self.graph.find(task.id.as_str()).is_some() {
            let message = format!("task {} exists already", task.id);
            let fault = Fault::new(edit, Code::DuplicateTask, &task.id, message);
            faults.push(fault.hint("choose another id"));
        }
        let full =
            place.is_none() && self.exceeds("tasks", edit, self.graph.len() + 1, self.around.limits.tasks);
        if full || !faults.is_empty() {
            for fault in &mut faults {
                fault.place = place;
            }
            self.faults.append(&mut faults);
            if self.graph.find(task.id.as_str()).is_none() {
                self.refused.tasks.insert(task.id.clone(), edit);
            }
            return None;
        }
        let ix = match order {
            Some(order) => self.graph.insert_task_at(Arc::clone(task), order),
            None => self.graph.insert_task(Arc::clone(task)),
        };
        self.steps.push(Step::Task(ix));
        self.touched.push((edit, ix));
        self.added += 1;
        if self.base < self.graph.revision() {
            self.made.insert(ix);
        }
        Some(ix)
    }

    /// Finds a task that must be unstarted.
    fn find_unstarted(&mut self, edit: usize, id: &TaskId, what: &str) -> Option<TaskIx> {
        let task = self.find(edit, id, &|| what.to_owned(), None)?;
        let state = self.graph.state(task);
        if !state.is_unstarted() {
            let hint = format!("only unstarted tasks change; add a task after {id} instead");
            self.fault(edit, Code::TaskNotPending, id, format!("task {id} is {state}")).hint = Some(hint);
            return None;
        }
        Some(task)
    }

    /// The edit as it is in force, if the policy adds to it.
    pub(super) fn update_task(&mut self, edit: usize, id: &TaskId, set: &[TaskField]) -> Option<Edit> {
        let task = self.find_unstarted(edit, id, "update_task")?;
        if set.is_empty() {
            let names = TaskField::NAMES.join(", ");
            let fault =
                self.fault(edit, Code::EmptyUpdate, id, format!("the update of task {id} sets no field"));
            fault.hint = Some(format!("set at least one of {names}"));
            return None;
        }
        let fresh = self.touch_around(edit, task);
        let mut spec = TaskSpec::clone(self.graph.spec(task));
        for field in set {
            field.clone().exchange(&mut spec);
        }
        let mut faults = task_rules::faults(edit, &spec, self.around, &self.devices, &self.hints);
        let mut amended = None;
        if self.around.gates != Gates::Free {
            faults.extend(guard::gate(edit, self.graph.spec(task), set));
        }
        if let Some(policy) = self.around.policy {
            faults.extend(guard::fields(edit, &spec, set, policy));
            let gated = guard::gated(&Arc::new(spec.clone()), "", policy);
            if let Some(gated) = gated {
                spec = TaskSpec::clone(&gated);
                let gate = gated.gate().cloned();
                let more = set.iter().cloned().chain([TaskField::Approval(gate)]);
                amended = Some(Edit::UpdateTask { id: id.clone(), set: more.collect() });
            }
        }
        if !fresh || !faults.is_empty() {
            self.faults.append(&mut faults);
            return None;
        }
        let before = self.graph.replace_spec(task, Arc::new(spec));
        self.steps.push(Step::Spec { task, before });
        self.touched.push((edit, task));
        amended
    }

    /// Whether the author may not remove a task, because of its gate.
    pub(super) fn kept(&mut self, edit: usize, task: TaskIx) -> bool {
        if self.around.gates != Gates::Kept {
            return false;
        }
        let fault = guard::gated_removal(edit, self.graph.spec(task));
        let is_kept = fault.is_some();
        self.faults.extend(fault);
        is_kept
    }

    pub(super) fn remove_task(&mut self, edit: usize, id: &TaskId) {
        let Some(task) = self.find_unstarted(edit, id, "remove_task") else { return };
        let fresh = self.touch_around(edit, task);
        if self.kept(edit, task) || !fresh {
            return;
        }
        self.drop_pending_of(task);
        let before = self.graph.set_distant(task, Box::default());
        if !before.is_empty() {
            self.steps.push(Step::Distant { task, before });
        }
        let level = self.graph.level(task);
        let removed = self.graph.remove_task(task);
        for edge in &removed.edges {
            let at = |end: TaskIx| if end == task { level } else { self.graph.level(end) };
            self.cuts.push(Cut { edit, from: at(edge.from), to: at(edge.to) });
            if edge.to != task {
                self.touched.push((edit, edge.to));
            }
        }
        // What refers to the task itself lies behind it.
        self.cuts.push(Cut { edit, from: level, to: level });
        self.made.remove(&task);
        self.steps.push(Step::RemovedTask(Box::new(removed)));
    }
}
