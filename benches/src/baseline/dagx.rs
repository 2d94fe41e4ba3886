//! The crate `dagx`: layer by layer, outputs handed on through one-shot channels.
//!
//! Inputs are arguments of a task, so their number is part of its type: the crate ends at 8, and the graphs
//! need 3 or a join of thousands. Channels and layers are made by `run` itself and so are measured; a runner
//! gives its tasks away, so a fresh one is built for each run, outside the measured time.

use dagx::{DagRunner, Task, TaskHandle, task};

use crate::{Dag, Measurement, RunError, spawn, timed};

const NAME: &str = "dagx";

/// Runs the graph on this many worker threads.
///
/// # Errors
///
/// [`RunError::Unsupported`] when a task has more than three predecessors, [`RunError::Failed`] with the
/// error of the crate, [`RunError::Incomplete`] when a task has no output.
pub fn run(dag: &Dag, workers: usize) -> Result<Measurement, RunError> {
    let (runner, handles) = build(dag)?;
    let (measurement, runner) = timed(NAME, workers, async move {
        runner.run(spawn).await.map_err(|error| RunError::failed(NAME, error))?;
        Ok(runner)
    })?;
    let completed = handles.iter().filter(|handle| runner.get(*handle).is_ok()).count();
    RunError::unless_complete(NAME, completed, dag.tasks)?;
    Ok(measurement)
}

fn build(dag: &Dag) -> Result<(DagRunner, Vec<TaskHandle<Done>>), RunError> {
    let runner = DagRunner::new();
    let predecessors = dag.predecessors();
    let mut handles: Vec<TaskHandle<Done>> = Vec::with_capacity(dag.tasks);
    for task in 0..dag.tasks as u32 {
        let before = |ix: u32| &handles[ix as usize];
        let handle = match *predecessors.of(task) {
            [] => runner.add_task(Source).into(),
            [a] => runner.add_task(After1).depends_on(before(a)),
            [a, b] => runner.add_task(After2).depends_on((before(a), before(b))),
            [a, b, c] => runner.add_task(After3).depends_on((before(a), before(b), before(c))),
            _ => {
                let reason =
                    "a task takes at most 8 inputs, and those of more than 3 are not spelled out here";
                return Err(RunError::Unsupported { system: NAME, workload: dag.name, reason });
            }
        };
        handles.push(handle);
    }
    Ok((runner, handles))
}

/// What a task hands on.
#[derive(Clone)]
struct Done;

struct Source;
struct After1;
struct After2;
struct After3;

#[task]
impl Source {
    async fn run() -> Done {
        Done
    }
}

#[task]
impl After1 {
    async fn run(_a: &Done) -> Done {
        Done
    }
}

#[task]
impl After2 {
    async fn run(_a: &Done, _b: &Done) -> Done {
        Done
    }
}

#[task]
impl After3 {
    async fn run(_a: &Done, _b: &Done, _c: &Done) -> Done {
        Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_run() {
        for (name, workers) in [("chain_1000", 1), ("layered_1000", 1), ("layered_1000", 2)] {
            run(&Dag::named(name).expect("a listed name"), workers).expect("the graph runs");
        }
    }

    #[test]
    fn a_wide_join_is_refused() {
        let fan = Dag::named("fan_998").expect("a listed name");
        assert!(matches!(run(&fan, 1), Err(RunError::Unsupported { system: NAME, .. })));
    }
}
