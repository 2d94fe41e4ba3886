//! What templates and conditions of a file can find, and what is said about names that lead nowhere.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use starline_graph::UnknownName;
use starline_types::GraphSpec;

use super::Input;
use super::checked::Marks;
use crate::excerpt::quoted;
use crate::nearest;
use crate::problem::{Report, UNKNOWN_INPUT, UNKNOWN_OUTPUT};

/// Names that a file declares.
#[derive(Debug)]
pub(super) struct Known<'f, 't> {
    /// `None`: the inputs could not be read, so that any may be meant.
    inputs: Option<BTreeSet<&'f str>>,
    graph: &'f GraphSpec,
    marks: &'f Marks<'t>,
    tasks: OnceCell<BTreeMap<&'f str, usize>>,
}

/// What is said about a name: code, message, and what to do instead.
pub(super) type Told = (&'static str, String, String);

impl<'f, 't> Known<'f, 't> {
    pub(super) fn new(inputs: Option<&'f [Input]>, graph: &'f GraphSpec, marks: &'f Marks<'t>) -> Self {
        let inputs = inputs.map(|inputs| inputs.iter().map(|input| input.name.as_str()).collect());
        Self { inputs, graph, marks, tasks: OnceCell::new() }
    }

    pub(super) fn has_input(&self, name: &str) -> bool {
        self.inputs.as_ref().is_none_or(|inputs| inputs.contains(name))
    }

    pub(super) fn inputs(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().flatten().copied()
    }

    fn position(&self, task: &str) -> Option<usize> {
        let index = || self.graph.tasks.iter().enumerate().map(|(at, task)| (task.id.as_str(), at)).collect();
        self.tasks.get_or_init(index).get(task).copied()
    }

    /// Whether a task has an output, as far as the file could be read. That there is no such task is told elsewhere.
    pub(super) fn may_have_output(&self, task: &str, name: &str) -> bool {
        self.position(task).is_none_or(|at| {
            self.graph.tasks.get(at).is_some_and(|task| task.outputs.contains_key(name))
                || self.marks.declares_output(at, name)
        })
    }

    pub(super) fn is_task(&self, id: &str) -> bool {
        self.position(id).is_some()
    }

    /// Whether a task surely has an output.
    pub(super) fn declares(&self, task: &str, name: &str) -> bool {
        let found = self.position(task).and_then(|at| self.graph.tasks.get(at));
        found.is_some_and(|task| task.outputs.contains_key(name))
    }

    /// What to say about an output that a task does not declare; `what` reads it.
    pub(super) fn output(&self, what: &str, task: &str, name: &str, report: &mut Report) -> Told {
        let message = format!("{what} reads output {} of task {task}, which is not declared", quoted(name));
        let outputs = self.position(task).and_then(|at| self.graph.tasks.get(at)).map(|task| &task.outputs);
        let names = outputs.into_iter().flat_map(|outputs| outputs.keys()).map(String::as_str);
        let hint = report.hints.choices(name, names).unwrap_or_else(|| {
            format!("declare it: `outputs: {{ {name}: {{ from: stdout, type: string }} }}` in task {task}")
        });
        (UNKNOWN_OUTPUT, message, hint)
    }

    /// What to say about an input that the file does not declare.
    pub(super) fn input(&self, what: &str, name: &str, report: &mut Report) -> Told {
        let message = format!("{what} reads input {}, which is not declared", quoted(name));
        let hint = report.hints.choices(name, self.inputs()).unwrap_or_else(|| declare(name));
        (UNKNOWN_INPUT, message, hint)
    }

    /// What to say about a variable or a part that does not exist anywhere; `meant` is where the name stands otherwise.
    pub(super) fn nowhere(
        code: &'static str,
        what: &str,
        unknown: &UnknownName<'_>,
        meant: Option<String>,
    ) -> Option<Told> {
        let (name, valid, of) = match unknown {
            UnknownName::Variable { name, valid } => (*name, *valid, "a name that is not known there"),
            UnknownName::Part { name, valid } => (*name, *valid, "which no outcome of a task has"),
            _ => return None,
        };
        let message = format!("{what} reads {}, {of}", quoted(name));
        let hint = meant.map(|meant| format!("write {meant}")).or_else(|| nearest::choices(name, valid));
        Some((code, message, hint.unwrap_or_default()))
    }
}

/// How an input is declared.
pub(super) fn declare(name: &str) -> String {
    format!("declare it at the top of the file: `inputs: {{ {name}: {{ type: string }} }}`")
}
