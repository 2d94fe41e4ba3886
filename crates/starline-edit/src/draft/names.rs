//! Names in templates and conditions that can never have a value, where the inputs of the run are known.

use std::collections::BTreeSet;
use std::sync::Arc;

use starline_graph::{UnknownName, condition_names, template_names};
use starline_types::{DependencyKind, TaskIx};

use super::steps::Step;
use super::{Asked, Draft};
use crate::{Code, Fault};

/// What is wrong with a name: the message, and what to do instead.
type Told = (String, Option<String>);

impl Draft<'_, '_> {
    /// Looks at the conditions and templates that the batch brings, and at those that read what it changes. Costs what
    /// they are.
    pub(super) fn check_names(&mut self, touched: &[(usize, TaskIx)]) {
        if self.around.inputs.is_none() {
            return;
        }
        // What lost a dependency reads what it read before.
        let changed: BTreeSet<TaskIx> = self
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Task(task) | Step::Spec { task, .. } => Some(*task),
                _ => None,
            })
            .collect();
        let mut tasks: Vec<(usize, TaskIx)> =
            touched.iter().copied().filter(|(_, task)| changed.contains(task)).collect();
        let mut asked = std::mem::take(&mut self.asked);
        self.add_readers(touched, &mut tasks, &mut asked);
        tasks.sort_by_key(|(edit, task)| (*task, std::cmp::Reverse(*edit)));
        tasks.dedup_by_key(|(_, task)| *task);
        for (edit, task) in tasks {
            if self.graph.contains(task) && self.graph.state(task).is_unstarted() {
                self.check_templates_of(edit, task);
            }
        }
        for asked in &asked {
            self.check_condition(asked);
        }
    }

    /// What reads outputs of tasks that were declared anew.
    fn add_readers(
        &self,
        touched: &[(usize, TaskIx)],
        tasks: &mut Vec<(usize, TaskIx)>,
        asked: &mut Vec<Asked>,
    ) {
        let changed: BTreeSet<TaskIx> = self
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Spec { task, before } if self.graph.contains(*task) => {
                    (before.outputs != self.graph.spec(*task).outputs).then_some(*task)
                }
                _ => None,
            })
            .collect();
        if changed.is_empty() {
            return;
        }
        let edit_of = |task: TaskIx| {
            touched.iter().rev().find(|(_, other)| *other == task).map_or(0, |(edit, _)| *edit)
        };
        for source in &changed {
            let edit = edit_of(*source);
            for edge in self.graph.outgoing(*source) {
                tasks.push((edit, edge.to));
                if let DependencyKind::When(text) = edge.kind() {
                    asked.push(Asked { edit, place: None, from: *source, to: edge.to, text });
                }
            }
        }
        let distant = self.graph.distant().into_iter().filter(|(source, _)| changed.contains(source));
        tasks.extend(distant.map(|(source, task)| (edit_of(source), task)));
    }

    fn check_templates_of(&mut self, edit: usize, task: TaskIx) {
        let Some(inputs) = self.around.inputs else { return };
        let spec = Arc::clone(self.graph.spec(task));
        let mut told = BTreeSet::new();
        for (name, is_input) in template_names(&spec) {
            let has_output = |task: &str, output: &str| {
                self.graph.find(task).is_none_or(|task| self.graph.spec(task).outputs.contains_key(output))
            };
            let is_own = |name: &str| spec.inputs.contains_key(name) || spec.files().contains_key(name);
            let unknown = match name.input() {
                Some(name) if inputs.contains_key(name) || !is_input && is_own(name) => None,
                Some(name) => Some(UnknownName::Input { name }),
                None => name.unknown_in_template(&has_output),
            };
            let Some((message, hint)) = unknown.and_then(|unknown| self.tell(unknown, None)) else {
                continue;
            };
            if told.insert(message.clone()) {
                let id = &spec.id;
                let mut fault =
                    Fault::new(edit, Code::InvalidTemplate, id, format!("task {id}: a template {message}"));
                fault.hint = hint;
                self.faults.push(fault);
            }
        }
    }

    fn check_condition(&mut self, asked: &Asked) {
        let Some(inputs) = self.around.inputs else { return };
        let Asked { edit, place, from, to, text } = asked;
        if !(self.graph.contains(*from) && self.graph.contains(*to) && self.graph.state(*to).is_unstarted()) {
            return;
        }
        let kind = DependencyKind::When(Arc::clone(text));
        let Ok(names) = condition_names(text) else { return };
        if !self.graph.edges_between(*from, *to).iter().any(|edge| edge.kind() == kind) {
            return;
        }
        let (source, target) = (self.graph.id(*from).clone(), self.graph.id(*to).clone());
        let mut told = BTreeSet::new();
        for name in &names {
            let has_output = |name: &str| self.graph.spec(*from).outputs.contains_key(name);
            let unknown = name.unknown_in_condition(&has_output, &|name| inputs.contains_key(name));
            let Some((message, hint)) = unknown.and_then(|unknown| self.tell(unknown, Some(*from))) else {
                continue;
            };
            if told.insert(message.clone()) {
                let message = format!("dependency {source} -> {target}: the condition {message}");
                let mut fault = Fault::new(*edit, Code::InvalidCondition, text, message).at(*place);
                fault.hint = hint;
                self.faults.push(fault);
            }
        }
    }

    /// What is wrong with a name; a condition waits for `source`.
    fn tell(&self, unknown: UnknownName<'_>, source: Option<TaskIx>) -> Option<Told> {
        Some(match unknown {
            UnknownName::Variable { name, valid } => {
                let message = format!("reads `{name}`, a name that is not known there");
                (message, self.hints.nearest(name, valid.iter().copied()))
            }
            UnknownName::Part { name, valid } => {
                let message = format!("reads `{name}`, which no outcome of a task has");
                (message, self.hints.nearest(name, valid.iter().copied()))
            }
            UnknownName::Output { task, name } => {
                let task = task.and_then(|task| self.graph.find(task)).or(source)?;
                let (id, outputs) = (self.graph.id(task), &self.graph.spec(task).outputs);
                let hint = self.hints.nearest(name, outputs.keys().map(String::as_str));
                let declare = || format!("declare it in `outputs` of task {id}");
                (
                    format!("reads output `{name}` of task {id}, which is not declared"),
                    hint.or_else(|| Some(declare())),
                )
            }
            UnknownName::Input { name } => {
                let known = self.around.inputs.into_iter().flat_map(|inputs| inputs.keys());
                let hint = self.hints.nearest(name, known.map(String::as_str));
                let missing = || "the run has no inputs: write the value out".to_owned();
                (
                    format!("reads input `{name}`, which the run does not have"),
                    hint.or_else(|| Some(missing())),
                )
            }
            _ => return None,
        })
    }
}
