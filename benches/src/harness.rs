//! Measures several systems in turn and keeps the minimum of each.

use std::collections::BTreeMap;

use crate::{Dag, Measurement, RunError, System, UnknownDag};

/// How often each system runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effort {
    /// All goals in under a minute.
    Quick,
    /// Four times as often.
    Full,
}

impl Effort {
    /// Rounds for a graph of this size: fewer for larger graphs, whose runs are long enough to be even.
    fn rounds(self, system: System, tasks: usize) -> usize {
        let quick = if system.is_slow() { 2 } else { (500_000 / tasks.max(1)).clamp(3, 50) };
        match self {
            Self::Quick => quick,
            Self::Full => 4 * quick,
        }
    }
}

/// Who takes turns with whom.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Group {
    /// The product and the loops of this package.
    Loops,
    /// The product and crates of the field, apart and last: they leave the heap in pieces, which slows the
    /// others.
    Crates,
}

/// Systems that run the same graph on equally many worker threads, in turn.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cell {
    /// Who takes turns with whom.
    pub group: Group,
    /// Name of the graph.
    pub workload: &'static str,
    /// Worker threads of each runtime.
    pub workers: usize,
    /// Who takes part.
    pub systems: Vec<System>,
}

/// The best of several runs, in µs per task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Least time on the wall.
    pub wall: f64,
    /// Least processor time, not necessarily of the same run.
    pub cpu: f64,
    /// Number of runs.
    pub rounds: usize,
}

impl Sample {
    fn first(measurement: Measurement, tasks: usize) -> Self {
        let per_task = |time: std::time::Duration| time.as_secs_f64() * 1e6 / tasks as f64;
        Self { wall: per_task(measurement.wall), cpu: per_task(measurement.cpu), rounds: 1 }
    }

    fn best(self, other: Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            rounds: self.rounds + other.rounds,
        }
    }
}

/// The best of each system, or why it has none.
pub type Results = Vec<(System, Result<Sample, RunError>)>;

impl Cell {
    /// Runs all systems in turn, round after round, and returns the best of each.
    ///
    /// Whoever comes first in one round comes last in the next, so nobody keeps the place behind a noisy
    /// neighbour. A system that fails is left out of the rounds that follow.
    ///
    /// # Errors
    ///
    /// [`UnknownDag`] for the name of the graph; errors of a system stand in its place in the result.
    pub fn measure(&self, effort: Effort) -> Result<Results, UnknownDag> {
        let dag = Dag::named(self.workload)?;
        Ok(in_turn(
            &self.systems,
            |system| effort.rounds(system, dag.tasks),
            |system| system.run(&dag, self.workers).map(|measurement| Sample::first(measurement, dag.tasks)),
        ))
    }
}

fn in_turn(
    systems: &[System],
    rounds: impl Fn(System) -> usize,
    mut run: impl FnMut(System) -> Result<Sample, RunError>,
) -> Results {
    let mut results: Vec<(_, Option<Result<Sample, _>>)> =
        systems.iter().map(|system| (*system, None)).collect();
    let longest = systems.iter().copied().map(&rounds).max().unwrap_or(0);
    for round in 0..longest {
        for place in 0..results.len() {
            let turn = (round + place) % results.len();
            let (system, result) = &mut results[turn];
            if round >= rounds(*system) {
                continue;
            }
            *result = Some(match result.take() {
                None => run(*system),
                Some(Ok(best)) => run(*system).map(|sample| best.best(sample)),
                Some(failure) => failure,
            });
        }
    }
    results.into_iter().filter_map(|(system, result)| result.map(|result| (system, result))).collect()
}

/// What was measured, by group, system, graph and number of worker threads.
#[derive(Clone, Debug, Default)]
pub struct Figures(BTreeMap<(Group, System, &'static str, usize), Sample>);

impl Figures {
    /// Adds what a cell brought, in place of earlier figures; systems that failed have none.
    pub fn insert(&mut self, cell: &Cell, results: &Results) {
        for (system, result) in results {
            if let Ok(sample) = result {
                self.0.insert((cell.group, *system, cell.workload, cell.workers), *sample);
            }
        }
    }

    /// The figure of a system in a group, if it was measured.
    pub fn of(&self, group: Group, system: System, workload: &'static str, workers: usize) -> Option<Sample> {
        self.0.get(&(group, system, workload, workers)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(wall: f64, cpu: f64) -> Sample {
        Sample { wall, cpu, rounds: 1 }
    }

    #[test]
    fn systems_run_in_turn_and_keep_their_best() {
        let (a, b) = (System::BareTokio, System::Dagrs);
        let mut order = Vec::new();
        let mut times = [3.0, 9.0, 8.0, 2.0, 4.0].into_iter();
        let results = in_turn(
            &[a, b],
            |system| if system.is_slow() { 2 } else { 3 },
            |system| {
                order.push(system);
                times
                    .next()
                    .map(|time| sample(time, 10.0 - time))
                    .ok_or_else(|| RunError::failed("test", "one too many"))
            },
        );
        assert_eq!(order, [a, b, b, a, a]);
        let best: Vec<_> =
            results.into_iter().map(|(system, best)| (system, best.expect("it ran"))).collect();
        assert_eq!(best[0], (a, Sample { wall: 2.0, cpu: 6.0, rounds: 3 }));
        assert_eq!(best[1], (b, Sample { wall: 8.0, cpu: 1.0, rounds: 2 }));
    }

    #[test]
    fn who_fails_is_left_out() {
        let mut runs = 0;
        let results = in_turn(
            &[System::Dagx],
            |_| 5,
            |_| {
                runs += 1;
                if runs == 2 { Err(RunError::failed("dagx", "second")) } else { Ok(sample(1.0, 1.0)) }
            },
        );
        assert_eq!(runs, 2);
        assert!(matches!(results[..], [(System::Dagx, Err(RunError::Failed { .. }))]));
    }
}
