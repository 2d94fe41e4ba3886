//! The reference: a graph under other names.

use std::sync::Arc;

use starline_edit::GraphSpec;
use starline_types::{Dependency, DependencyId, FileInput, Payload, Prompt, TaskField, TaskId, TaskSpec};

/// The graph under other names; none if a name is not one.
pub(crate) fn prefixed(graph: &GraphSpec, prefix: &str) -> Option<GraphSpec> {
    let name = |id: &TaskId| TaskId::new(format!("{prefix}{id}")).ok();
    let own: Vec<String> = graph.tasks.iter().map(|task| task.id.to_string()).collect();
    let task = |task: &Arc<TaskSpec>| {
        let mut spec = TaskSpec::clone(task);
        spec.id = name(&task.id)?;
        if let Payload::Prompt(prompt) = &mut spec.run {
            let mut prompt_ = Prompt::clone(prompt);
            for id in &own {
                prompt_.text =
                    prompt_.text.replace(&format!("tasks[\"{id}\"]"), &format!("tasks[\"\0{prefix}{id}\"]"));
            }
            prompt_.text = prompt_.text.replace('\0', "");
            *prompt = Arc::new(prompt_);
        }
        let mut files = spec.files().clone();
        for file in files.values_mut() {
            if let FileInput::Output { task, .. } = file
                && own.contains(&task.to_string())
            {
                *task = name(task)?;
            }
        }
        if !files.is_empty() {
            TaskField::Files(files).exchange(&mut spec);
        }
        Some(Arc::new(spec))
    };
    let dependency = |edge: &Dependency| {
        let id = match &edge.id {
            Some(id) => Some(DependencyId::new(format!("{prefix}{id}")).ok()?),
            None => None,
        };
        let end = |id: &TaskId| if own.contains(&id.to_string()) { name(id) } else { Some(id.clone()) };
        Some(Dependency { id, from: end(&edge.from)?, to: end(&edge.to)?, ..edge.clone() })
    };
    Some(GraphSpec {
        tasks: graph.tasks.iter().map(task).collect::<Option<_>>()?,
        dependencies: graph.dependencies.iter().map(dependency).collect::<Option<_>>()?,
        ..graph.clone()
    })
}
