//! The floor: counters of open predecessors and a stack of ready tasks, in one loop without a runtime.

use std::hint::black_box;

use crate::{Adjacency, Dag, Measurement, RunError, Stopwatch};

const NAME: &str = "counter_loop";

/// Runs the graph in this thread.
///
/// # Errors
///
/// [`RunError::Incomplete`] when the graph has a cycle.
pub fn run(dag: &Dag) -> Result<Measurement, RunError> {
    let successors = dag.successors();
    let mut waiting = dag.indegrees();
    let watch = Stopwatch::start();
    let completed = drain(&successors, &mut waiting, |task| {
        black_box(task);
    });
    let measurement = watch.stop();
    RunError::unless_complete(NAME, completed, dag.tasks)?;
    Ok(measurement)
}

/// Runs `body` for each task once its predecessors have run, and returns for how many. O(tasks + edges).
///
/// `waiting` holds the number of predecessors of each task.
pub fn drain(successors: &Adjacency, waiting: &mut [u32], body: impl Fn(u32)) -> usize {
    let mut ready: Vec<_> =
        (0..).zip(&*waiting).filter(|(_, open)| **open == 0).map(|(task, _)| task).collect();
    let mut completed = 0;
    while let Some(task) = ready.pop() {
        body(task);
        completed += 1;
        for &successor in successors.of(task) {
            let open = &mut waiting[successor as usize];
            *open -= 1;
            if *open == 0 {
                ready.push(successor);
            }
        }
    }
    completed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::order::{Order, graphs};

    #[test]
    fn tasks_run_after_their_predecessors() {
        for dag in graphs() {
            let order = Order::of(&dag);
            drain(&dag.successors(), &mut dag.indegrees(), order.body());
            order.check(&dag);
        }
    }

    #[test]
    fn a_cycle_is_reported() {
        let dag = Dag { name: "cycle", tasks: 3, edges: vec![(0, 1), (1, 2), (2, 1)] };
        assert!(matches!(run(&dag), Err(RunError::Incomplete { completed: 1, tasks: 3, .. })));
    }
}
