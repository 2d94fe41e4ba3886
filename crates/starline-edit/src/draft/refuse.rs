//! What becomes of an edit with faults: what it added goes, and what names that says no more than so.

use starline_types::{Dependency, Edit, TaskId};

use super::steps::Step;
use super::{Draft, Mark};
use crate::Code;

impl Draft<'_, '_> {
    /// Takes back what an edit with faults added, and notes what it would have made. Costs what the edit does.
    pub(super) fn refuse(&mut self, edit: usize, change: &Edit, mut mark: Mark) {
        // A fault of something else is a fault of this edit only as long as that is not mended.
        let depends =
            self.faults[mark.faults..].iter().position(|fault| fault.code == Code::DependsOnRejected);
        if let Some(depends) = depends {
            self.faults.swap(mark.faults, mark.faults + depends);
            self.faults.truncate(mark.faults + 1);
        }
        // An edit that replaced the graph has thrown away what earlier ones brought: all there is now is its own.
        if self.steps[mark.steps..].iter().any(|step| matches!(step, Step::Graph(_))) {
            (mark.edges, mark.touched, mark.asked) = (0, 0, 0);
        }
        // Edits that a whole graph became share its position: what the others brought stays.
        for at in (mark.edges..self.edges.len()).rev() {
            self.drop_pending(at);
        }
        while self.steps.len() > mark.steps
            && let Some(Step::Task(task)) = self.steps.last()
        {
            let task = *task;
            self.graph.withdraw_task(task);
            self.made.remove(&task);
            self.added -= 1;
            self.steps.pop();
        }
        self.touched.truncate(mark.touched);
        self.asked.truncate(mark.asked);
        self.refused.mends |=
            !matches!(change, Edit::RemoveTask { .. } | Edit::RemoveDependency { .. } | Edit::Clear);
        match change {
            Edit::AddTask { task, after } => {
                self.refuse_task(edit, task.id.clone());
                for (from, kind) in after {
                    let edge = Dependency::success(from.clone(), task.id.clone()).with_kind(kind.clone());
                    self.refuse_edge(edit, &edge);
                }
            }
            Edit::AddDependency(dependency) => self.refuse_edge(edit, dependency),
            Edit::Build { graph, .. } => {
                graph.tasks.iter().for_each(|task| self.refuse_task(edit, task.id.clone()));
                graph.dependencies.iter().for_each(|dependency| self.refuse_edge(edit, dependency));
            }
            Edit::Merge { graph, prefix } => {
                for task in &graph.tasks {
                    if let Ok(id) = TaskId::new(format!("{prefix}{}", task.id)) {
                        self.refuse_task(edit, id);
                    }
                }
            }
            Edit::Restore { tasks, dependencies } => {
                tasks.iter().for_each(|(_, task)| self.refuse_task(edit, task.id.clone()));
                dependencies.iter().for_each(|(_, dependency)| self.refuse_edge(edit, dependency));
            }
            Edit::UpdateTask { .. }
            | Edit::RemoveTask { .. }
            | Edit::UpdateDependency { .. }
            | Edit::RemoveDependency { .. }
            | Edit::Clear => {}
        }
    }

    fn refuse_task(&mut self, edit: usize, id: TaskId) {
        self.refused.tasks.entry(id).or_insert(edit);
    }

    fn refuse_edge(&mut self, edit: usize, dependency: &Dependency) {
        let ends = (dependency.from.clone(), dependency.to.clone());
        let id = match &dependency.id {
            Some(id) => id.clone(),
            None => starline_graph::default_id(&ends.0, &ends.1),
        };
        self.refused.edge_ids.entry(id).or_insert(edit);
        self.refused.edge_ends.entry(ends).or_insert(edit);
    }
}
