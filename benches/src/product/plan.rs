//! A benchmark graph as a plan of the product.

use starline::types::{Dependency, GraphSpec, Payload, TaskId, TaskSpec};
use std::sync::Arc;

use crate::{Dag, RunError};

/// The graph with tasks that do nothing.
pub(crate) fn graph(dag: &Dag) -> Result<GraphSpec, RunError> {
    let ids = (0..dag.tasks).map(|task| TaskId::new(format!("t{task}")));
    let ids: Vec<TaskId> =
        ids.collect::<Result<_, _>>().map_err(|error| RunError::failed("starline", error))?;
    let edge =
        |(from, to): &(u32, u32)| Dependency::success(ids[*from as usize].clone(), ids[*to as usize].clone());
    Ok(GraphSpec {
        name: dag.name.to_string(),
        dependencies: dag.edges.iter().map(edge).collect(),
        tasks: ids.iter().map(|id| Arc::new(TaskSpec::new(id.clone(), Payload::Noop))).collect(),
        ..GraphSpec::default()
    })
}
