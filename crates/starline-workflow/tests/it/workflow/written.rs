//! Whatever was imported can be written as a workflow file, which means the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_types::{Dependency, TaskId};
use starline_workflow::{LoadOptions, Workflow, to_json, to_yaml};

use crate::listed;

/// The workflow with its dependencies as files have them: by the tasks they lead into, those of one source together.
fn in_order_of_files(mut workflow: Workflow) -> Workflow {
    let graph = Arc::make_mut(&mut workflow.graph);
    let targets: BTreeMap<&TaskId, usize> =
        graph.tasks.iter().enumerate().map(|(at, task)| (&task.id, at)).collect();
    let mut first: BTreeMap<(&TaskId, &TaskId), usize> = BTreeMap::new();
    for (at, edge) in graph.dependencies.iter().enumerate() {
        first.entry((&edge.to, &edge.from)).or_insert(at);
    }
    let place = |edge: &Dependency| (targets[&edge.to], first[&(&edge.to, &edge.from)]);
    let mut ordered = graph.dependencies.clone();
    ordered.sort_by_key(place);
    graph.dependencies = ordered;
    workflow
}

/// How a workflow differs from what its files say, if it does.
pub(crate) fn difference(workflow: &Workflow) -> Option<String> {
    let expected = in_order_of_files(workflow.clone());
    let files = [to_yaml(workflow), to_json(workflow)];
    files.into_iter().find_map(|written| {
        let file = match written {
            Ok(file) => file,
            Err(error) => return Some(error.to_string()),
        };
        match Workflow::parse(file.as_bytes(), &LoadOptions::default()) {
            Ok(read) if read == expected => None,
            Ok(read) => Some(format!("{read:#?}\nis not\n{expected:#?}\n{file}")),
            Err(problems) => Some(format!("{}\n{file}", listed(&problems))),
        }
    })
}

#[track_caller]
pub(crate) fn assert_writable(workflow: &Workflow) {
    if let Some(difference) = difference(workflow) {
        panic!("{difference}");
    }
}
