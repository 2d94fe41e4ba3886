//! The goals of this harness, and what has to be measured for them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::{Cell, Group, NAMES, System};

/// A goal for speed or memory.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Goal {
    /// The whole orchestrator beside bare tokio.
    P1,
    /// The scheduler alone beside bare tokio, and its growth.
    P2,
    /// A wide join beside a chain.
    P3,
    /// Time and memory beside the Rust crates of the field.
    P4,
    /// Time beside the reference figures of UFO Galaxy.
    P5,
    /// Edits of a live graph beside libraries that keep graphs acyclic.
    P7,
    /// Edits while a run executes.
    P8,
    /// What an open hold leaves alone, and what it delays.
    P9,
    /// The journal on the disk beside commits of its store.
    P11,
    /// Bytes a task.
    P12,
    /// Dispatch beside many observers.
    P13,
    /// A run that comes back from its records.
    Recovery,
    /// Simulated schedules.
    Sim,
}

/// No goal goes by this name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no goal is called `{name}`, choose one of {}", Goal::ALL.map(Goal::name).join(", "))]
pub struct UnknownGoal {
    /// The name that was asked for.
    pub name: String,
}

/// Numbers of worker threads that are compared.
pub(crate) const WORKERS: [usize; 2] = [1, 2];
/// Graphs of the main comparison.
pub(crate) const WORKLOADS: [&str; 10] = [
    "chain_1000",
    "chain_10000",
    "fan_10000",
    "layered_1000",
    "layered_10000",
    "layered_100000",
    "layered_1000000",
    "tree_65536",
    "stencil_64x1000",
    "fft_64x1000",
];
/// Graphs of one shape, from the smallest to the largest.
pub(crate) const GROWTH: [&str; 4] = ["layered_1000", "layered_10000", "layered_100000", "layered_1000000"];
/// The graph on which crates are compared.
pub(crate) const PEER_WORKLOAD: &str = "layered_100000";
/// The crates.
pub(crate) const PEERS: [System; 2] = [System::Dagrs, System::Dagx];
/// The graph whose memory counts.
pub(crate) const MEMORY_WORKLOAD: &str = "layered_1000000";
/// µs per task of UFO Galaxy. At a thousand tasks its synchronizer takes part.
pub(crate) const UFO: [(&str, f64, f64); 3] = [
    ("chain_1000", 7_311.0, 1_000.0),
    ("chain_10000", 11_140.0, 10_000.0),
    ("fan_10000", 10_113.0, 10_000.0),
];

impl Goal {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::P1,
        Self::P2,
        Self::P3,
        Self::P4,
        Self::P5,
        Self::P7,
        Self::P8,
        Self::P9,
        Self::P11,
        Self::P12,
        Self::P13,
        Self::Recovery,
        Self::Sim,
    ];

    /// The name in tables and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P4 => "P4",
            Self::P5 => "P5",
            Self::P7 => "P7",
            Self::P8 => "P8",
            Self::P9 => "P9",
            Self::P11 => "P11",
            Self::P12 => "P12",
            Self::P13 => "P13",
            Self::Recovery => "recovery",
            Self::Sim => "sim",
        }
    }

    /// Whom the product takes turns with for this goal.
    pub(crate) const fn group(self) -> Group {
        match self {
            Self::P4 => Group::Crates,
            Self::P1
            | Self::P2
            | Self::P3
            | Self::P5
            | Self::P7
            | Self::P8
            | Self::P9
            | Self::P11
            | Self::P12
            | Self::P13
            | Self::Recovery
            | Self::Sim => Group::Loops,
        }
    }

    fn times(self) -> Vec<(&'static str, usize, &'static [System])> {
        use System::{BareTokio, CounterLoop, Dagrs, Dagx, OneOwner, Orchestrator, Scheduler};
        let crossed = |workloads: &[&'static str], systems: &'static [System]| {
            let cells =
                workloads.iter().flat_map(|workload| WORKERS.map(|workers| (*workload, workers, systems)));
            cells.collect::<Vec<_>>()
        };
        match self {
            Self::P1 => {
                let floor = WORKLOADS.map(|workload| (workload, 1, &[CounterLoop][..]));
                let mut cells = crossed(&WORKLOADS, &[BareTokio, OneOwner, Orchestrator]);
                cells.extend(floor);
                cells
            }
            Self::P2 => {
                let mut cells = GROWTH.map(|workload| (workload, 1, &[Scheduler][..])).to_vec();
                cells.push((PEER_WORKLOAD, 1, &[BareTokio]));
                cells
            }
            Self::P3 => crossed(&["chain_10000", "fan_10000"], &[Orchestrator]),
            Self::P4 => crossed(&[PEER_WORKLOAD], &[Dagrs, Dagx, Orchestrator]),
            Self::P5 => UFO.map(|(workload, ..)| (workload, 1, &[Orchestrator][..])).to_vec(),
            // Edits and the journal have measurements of their own.
            Self::P7
            | Self::P8
            | Self::P9
            | Self::P11
            | Self::P12
            | Self::P13
            | Self::Recovery
            | Self::Sim => Vec::new(),
        }
    }

    fn memory(self) -> Vec<(&'static str, System)> {
        use System::{BareTokio, CounterLoop, Dagrs, Dagx, Orchestrator};
        match self {
            Self::P4 => [CounterLoop, BareTokio, Dagrs, Dagx, Orchestrator]
                .map(|system| (PEER_WORKLOAD, system))
                .to_vec(),
            Self::P12 => {
                [CounterLoop, BareTokio, Orchestrator].map(|system| (MEMORY_WORKLOAD, system)).to_vec()
            }
            Self::P1
            | Self::P2
            | Self::P3
            | Self::P5
            | Self::P7
            | Self::P8
            | Self::P9
            | Self::P11
            | Self::P13
            | Self::Recovery
            | Self::Sim => Vec::new(),
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Goal {
    type Err = UnknownGoal;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|goal| goal.name() == name);
        found.ok_or_else(|| UnknownGoal { name: name.to_owned() })
    }
}

/// What to time for these goals: in each group, each graph and number of worker threads once, with every
/// system that is present.
///
/// Cells with nobody in them are left out.
pub fn time_plan(goals: &[Goal]) -> Vec<Cell> {
    let mut cells: BTreeMap<_, BTreeSet<System>> = BTreeMap::new();
    for goal in goals {
        for (workload, workers, systems) in goal.times() {
            let place = NAMES.iter().position(|name| *name == workload);
            let present = systems.iter().filter(|system| system.is_present());
            cells.entry((goal.group(), place, workload, workers)).or_default().extend(present);
        }
    }
    let planned = cells.into_iter().filter(|(_, systems)| !systems.is_empty());
    let planned = planned.map(|((group, _, workload, workers), systems)| Cell {
        group,
        workload,
        workers,
        systems: systems.into_iter().collect(),
    });
    planned.collect()
}

/// Whose memory to measure on which graph for these goals, each pair once.
pub fn memory_plan(goals: &[Goal]) -> Vec<(&'static str, System)> {
    let mut plan: Vec<_> = goals.iter().flat_map(|goal| goal.memory()).collect();
    plan.retain(|(_, system)| *system != System::Orchestrator || crate::product::PRODUCT.memory.is_some());
    plan.sort_unstable();
    plan.dedup();
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_is_measured_once_for_all_goals() {
        let plan = time_plan(&Goal::ALL);
        let of_group = |group| plan.iter().filter(move |cell| cell.group == group);
        let mut loops: Vec<_> = of_group(Group::Loops).map(|cell| (cell.workload, cell.workers)).collect();
        assert_eq!(loops.len(), WORKLOADS.len() * WORKERS.len());
        loops.sort_unstable();
        loops.dedup();
        assert_eq!(loops.len(), WORKLOADS.len() * WORKERS.len());
        let crates = of_group(Group::Crates).map(|cell| (cell.workload, cell.workers));
        assert!(crates.eq(WORKERS.map(|workers| (PEER_WORKLOAD, workers))));
    }

    #[test]
    fn crates_are_measured_apart_and_last() {
        let plan = time_plan(&Goal::ALL);
        let is_apart = |cell: &Cell| cell.group == Group::Crates;
        assert!(plan.iter().skip_while(|cell| !is_apart(cell)).all(is_apart));
        for cell in plan {
            assert_eq!(
                is_apart(&cell),
                PEERS.iter().any(|peer| cell.systems.contains(peer)),
                "{}",
                cell.workload
            );
        }
    }

    #[test]
    fn an_unknown_goal_lists_the_known_ones() {
        let error = "P99".parse::<Goal>().expect_err("there is no such goal");
        assert_eq!(
            error.to_string(),
            "no goal is called `P99`, choose one of P1, P2, P3, P4, P5, P7, P8, P9, P11, P12, P13, recovery, sim"
        );
    }
}
