//! The least one can do on tokio: a spawn for each task, atomic counters of open predecessors, no coordinator.
//!
//! A task that ends lowers the counters behind it and spawns what has become ready. The last sink wakes the
//! caller: every task is before some sink, so all have run by then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::{Adjacency, Dag, Measurement, RunError, spawn, timed};

const NAME: &str = "bare_tokio";

/// Runs the graph on this many worker threads.
///
/// # Errors
///
/// [`RunError::Failed`] when the runtime cannot start. A graph with a cycle never ends.
pub fn run(dag: &Dag, workers: usize) -> Result<Measurement, RunError> {
    run_with(dag, workers, |_| {})
}

fn run_with<B>(dag: &Dag, workers: usize, body: B) -> Result<Measurement, RunError>
where
    B: Fn(u32) + Send + Sync + 'static,
{
    let successors = dag.successors();
    let indegrees = dag.indegrees();
    let tasks = 0..dag.tasks as u32;
    let roots: Vec<_> = tasks.clone().filter(|task| indegrees[*task as usize] == 0).collect();
    let sinks = tasks.filter(|task| successors.of(*task).is_empty()).count();
    let shared = Arc::new(Shared {
        successors,
        waiting: indegrees.into_iter().map(AtomicU32::new).collect(),
        open_sinks: AtomicUsize::new(sinks),
        ended: Notify::new(),
        body,
    });
    let (measurement, _shared) = timed(NAME, workers, async move {
        for root in roots {
            start(Arc::clone(&shared), root);
        }
        shared.ended.notified().await;
        Ok(shared)
    })?;
    Ok(measurement)
}

struct Shared<B> {
    successors: Adjacency,
    waiting: Box<[AtomicU32]>,
    open_sinks: AtomicUsize,
    ended: Notify,
    body: B,
}

fn start<B>(shared: Arc<Shared<B>>, task: u32)
where
    B: Fn(u32) + Send + Sync + 'static,
{
    spawn(async move {
        (shared.body)(task);
        let successors = shared.successors.of(task);
        for &successor in successors {
            if shared.waiting[successor as usize].fetch_sub(1, Ordering::AcqRel) == 1 {
                start(Arc::clone(&shared), successor);
            }
        }
        if successors.is_empty() && shared.open_sinks.fetch_sub(1, Ordering::AcqRel) == 1 {
            shared.ended.notify_one();
        }
    });
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
