//! The crate `dagrs`: each node is spawned at once and waits on a channel from each of its predecessors.
//!
//! A graph runs once, and `reset` builds its channels anew, so a fresh one is built for each run, outside the
//! measured time. What `async_start` does itself (check for cycles, partition, report) is measured.

use std::error::Error;

use dagrs::async_trait::async_trait;
use dagrs::{Action, Content, DefaultNode, Graph, InChannels, Node, NodeTable, OutChannels, Output};
use std::sync::Arc;

use crate::{Dag, Measurement, RunError, timed};

const NAME: &str = "dagrs";

/// Runs the graph on this many worker threads.
///
/// # Errors
///
/// [`RunError::Failed`] with the error of the crate, [`RunError::Incomplete`] when it reports fewer tasks
/// than there are.
pub fn run(dag: &Dag, workers: usize) -> Result<Measurement, RunError> {
    run_with(dag, workers, |_| {})
}

fn run_with<B>(dag: &Dag, workers: usize, body: B) -> Result<Measurement, RunError>
where
    B: Fn(u32) + Clone + Send + Sync + 'static,
{
    let mut graph = build(dag, body).map_err(|error| RunError::failed(NAME, error))?;
    let (measurement, (report, _graph)) = timed(NAME, workers, async move {
        let report = graph.async_start().await.map_err(|error| RunError::failed(NAME, error))?;
        Ok((report, graph))
    })?;
    RunError::unless_complete(NAME, report.node_succeeded, dag.tasks)?;
    Ok(measurement)
}

fn build<B>(dag: &Dag, body: B) -> Result<Graph, Box<dyn Error + Send + Sync>>
where
    B: Fn(u32) + Clone + Send + Sync + 'static,
{
    let mut table = NodeTable::new();
    let mut graph = Graph::new();
    let mut ids = Vec::with_capacity(dag.tasks);
    for task in 0..dag.tasks as u32 {
        let node =
            DefaultNode::with_action(format!("t{task}"), Step { task, body: body.clone() }, &mut table);
        ids.push(node.id());
        graph.add_node(node)?;
    }
    let successors = dag.successors();
    for (task, id) in (0..).zip(&ids) {
        let behind = successors.of(task);
        if !behind.is_empty() {
            graph.add_edge(*id, behind.iter().map(|successor| ids[*successor as usize]))?;
        }
    }
    graph.set_env(dagrs::EnvVar::new(table));
    Ok(graph)
}

struct Step<B> {
    task: u32,
    body: B,
}

#[async_trait]
impl<B> Action for Step<B>
where
    B: Fn(u32) + Send + Sync,
{
    async fn run(
        &self,
        before: &mut InChannels,
        after: &mut OutChannels,
        _env: Arc<dagrs::EnvVar>,
    ) -> Output {
        before.map(drop).await;
        (self.body)(self.task);
        after.broadcast(Content::new(())).await;
        Output::empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::order::{Order, graphs};

    #[test]
    fn tasks_run_after_their_predecessors() {
        for (dag, workers) in graphs().flat_map(|dag| [(dag.clone(), 1), (dag, 2)]) {
            let order = Order::of(&dag);
            run_with(&dag, workers, order.body()).expect("the graph runs");
            order.check(&dag);
        }
    }
}
