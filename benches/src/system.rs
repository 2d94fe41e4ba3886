//! The systems under comparison, by name.

use std::fmt;
use std::str::FromStr;

use crate::baseline::{bare_tokio, counter_loop, dagrs, dagx, one_owner};
use crate::product::PRODUCT;
use crate::{Dag, Measurement, RunError};

/// A system that runs graphs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum System {
    /// Counters and a stack, no runtime.
    CounterLoop,
    /// A spawn for each task, no coordinator.
    BareTokio,
    /// An owner, a spawn for each task, completions over a channel.
    OneOwner,
    /// The crate of that name.
    Dagrs,
    /// The crate of that name.
    Dagx,
    /// The product's scheduler, driven by a loop.
    Scheduler,
    /// The product as a whole.
    Orchestrator,
}

/// No system goes by this name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no system is called `{name}`, choose one of {}", System::ALL.map(System::name).join(", "))]
pub struct UnknownSystem {
    /// The name that was asked for.
    pub name: String,
}

impl System {
    /// All of them, baselines first.
    pub const ALL: [Self; 7] = [
        Self::CounterLoop,
        Self::BareTokio,
        Self::OneOwner,
        Self::Dagrs,
        Self::Dagx,
        Self::Scheduler,
        Self::Orchestrator,
    ];

    /// The name in tables and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CounterLoop => "counter_loop",
            Self::BareTokio => "bare_tokio",
            Self::OneOwner => "one_owner",
            Self::Dagrs => "dagrs",
            Self::Dagx => "dagx",
            Self::Scheduler => "scheduler",
            Self::Orchestrator => "orchestrator",
        }
    }

    /// Whether there is something to run: baselines always, the product as far as it is plugged in.
    pub const fn is_present(self) -> bool {
        match self {
            Self::Scheduler => PRODUCT.scheduler.is_some(),
            Self::Orchestrator => PRODUCT.orchestrator.is_some(),
            _ => true,
        }
    }

    /// Whether its tasks cost microseconds rather than fractions of one.
    pub const fn is_slow(self) -> bool {
        matches!(self, Self::Dagrs | Self::Dagx)
    }

    /// Runs a graph once. Systems without a runtime ignore the number of worker threads.
    ///
    /// # Errors
    ///
    /// Those of the system; [`RunError::Unsupported`] when it is not plugged in.
    pub fn run(self, dag: &Dag, workers: usize) -> Result<Measurement, RunError> {
        match self {
            Self::CounterLoop => counter_loop::run(dag),
            Self::BareTokio => bare_tokio::run(dag, workers),
            Self::OneOwner => one_owner::run(dag, workers),
            Self::Dagrs => dagrs::run(dag, workers),
            Self::Dagx => dagx::run(dag, workers),
            Self::Scheduler => PRODUCT.scheduler.map_or_else(|| Err(self.absent(dag)), |run| run(dag)),
            Self::Orchestrator => {
                PRODUCT.orchestrator.map_or_else(|| Err(self.absent(dag)), |run| run(dag, workers))
            }
        }
    }

    /// Runs a graph once on one worker thread, for its memory, and returns how many bytes of it are payload.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub(crate) fn run_for_memory(self, dag: &Dag) -> Result<u64, RunError> {
        match self {
            Self::Orchestrator => PRODUCT.memory.map_or_else(|| Err(self.absent(dag)), |run| run(dag)),
            _ => self.run(dag, 1).map(|_| 0),
        }
    }

    fn absent(self, dag: &Dag) -> RunError {
        RunError::Unsupported { system: self.name(), workload: dag.name, reason: "it is not plugged in" }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for System {
    type Err = UnknownSystem;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|system| system.name() == name);
        found.ok_or_else(|| UnknownSystem { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for system in System::ALL {
            assert_eq!(system.name().parse(), Ok(system));
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "airflow".parse::<System>().expect_err("there is no such system");
        assert!(error.to_string().starts_with("no system is called `airflow`, choose one of counter_loop, "));
    }
}
