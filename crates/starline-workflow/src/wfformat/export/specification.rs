//! The section `specification`.

use starline_types::{TaskSpec, Value};

use super::super::kept::{TYPE, of_task};
use super::record::{Specification, SpecifiedTask};
use super::{Source, metrics};

impl<'a> Source<'a> {
    pub(super) fn specification(&'a self) -> Specification<'a> {
        let tasks = self.graph.tasks.iter().enumerate().map(|(at, task)| SpecifiedTask {
            name: name(task),
            id: self.ids.of(at),
            parents: self.ids.all(&self.links.parents[at]),
            children: self.ids.all(&self.links.children[at]),
            input_files: &self.files.inputs[at],
            output_files: &self.files.outputs[at],
        });
        let metrics = metrics::of_specification(self);
        Specification { tasks: tasks.collect(), files: &self.files.listed, metrics }
    }
}

/// What a record calls the name of a task: its type, where there is one.
fn name(task: &TaskSpec) -> &str {
    let recorded = of_task(task, TYPE).and_then(Value::as_str).filter(|name| !name.is_empty());
    let own = if task.name().is_empty() { task.id.as_str() } else { task.name() };
    recorded.unwrap_or(own)
}
