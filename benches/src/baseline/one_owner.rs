//! One task owns the counters, each task of the graph is spawned, and completions come back over a channel in
//! bursts.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::{Dag, Measurement, RunError, spawn, timed};

const NAME: &str = "one_owner";

/// Completions that may wait for the owner; a task that finds the channel full waits for a place.
const CAPACITY: usize = 4_096;
/// Completions the owner takes at a time.
const BURST: usize = 1_024;

/// Runs the graph on this many worker threads.
///
/// # Errors
///
/// [`RunError::Incomplete`] when the graph has a cycle, [`RunError::Failed`] when the runtime cannot start.
pub fn run(dag: &Dag, workers: usize) -> Result<Measurement, RunError> {
    run_with(dag, workers, |_| {})
}

fn run_with<B>(dag: &Dag, workers: usize, body: B) -> Result<Measurement, RunError>
where
    B: Fn(u32) + Send + Sync + 'static,
{
    let tasks = dag.tasks;
    let successors = dag.successors();
    let mut waiting = dag.indegrees();
    let roots: Vec<_> = (0..tasks as u32).filter(|task| waiting[*task as usize] == 0).collect();
    let body = Arc::new(body);
    let (measurement, (completed, ..)) = timed(NAME, workers, async move {
        let (done, mut completions) = mpsc::channel(CAPACITY);
        let start = |task: u32| {
            let (done, body) = (done.clone(), Arc::clone(&body));
            spawn(async move {
                body(task);
                // The owner hears from every task it started before it leaves, so the send succeeds.
                let _heard = done.send(task).await;
            });
        };
        let mut running = roots.len();
        roots.into_iter().for_each(start);
        let mut completed = 0;
        let mut burst = Vec::with_capacity(BURST);
        while running > 0 {
            let heard = completions.recv_many(&mut burst, BURST).await;
            running -= heard;
            completed += heard;
            for task in burst.drain(..) {
                for &successor in successors.of(task) {
                    let open = &mut waiting[successor as usize];
                    *open -= 1;
                    if *open == 0 {
                        running += 1;
                        start(successor);
                    }
                }
            }
        }
        Ok((completed, successors, waiting))
    })?;
    RunError::unless_complete(NAME, completed, tasks)?;
    Ok(measurement)
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

    #[test]
    fn a_cycle_is_reported() {
        let dag = Dag { name: "cycle", tasks: 3, edges: vec![(0, 1), (1, 2), (2, 1)] };
        assert!(matches!(run(&dag, 1), Err(RunError::Incomplete { completed: 1, tasks: 3, .. })));
    }
}
