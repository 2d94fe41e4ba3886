//! Figures turned into ratios.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::goal::{GROWTH, MEMORY_WORKLOAD, PEER_WORKLOAD, PEERS, UFO, WORKERS, WORKLOADS};
use crate::{Figures, Goal, Sample, System, Usage};

/// A goal on one graph: the product's figure over the baseline's, and what it may be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Name of the goal.
    pub goal: &'static str,
    /// Name of the graph, and of what was done to it.
    pub workload: Cow<'static, str>,
    /// Worker threads.
    pub workers: usize,
    /// The product's figure.
    pub product: f64,
    /// The figure it is compared with.
    pub baseline: f64,
    /// What both are counted in.
    pub unit: Unit,
    /// Product over baseline.
    pub ratio: f64,
    /// The ratio that must not be exceeded.
    pub limit: f64,
    /// Where the baseline comes from.
    pub source: Source,
    /// The same ratio of processor times, where both were measured.
    #[serde(skip)]
    pub cpu_ratio: Option<f64>,
}

/// What figures are counted in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub enum Unit {
    /// Time on the wall, divided by the number of tasks.
    #[serde(rename = "us/task")]
    MicrosPerTask,
    /// Peak of resident memory of the whole process.
    #[serde(rename = "bytes")]
    Bytes,
    /// Memory a system adds, divided by the number of tasks.
    #[serde(rename = "bytes/task")]
    BytesPerTask,
    /// Time on the wall of a single operation.
    #[serde(rename = "us")]
    Micros,
}

/// Where a baseline comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Measured in the same process run.
    BareTokio,
    /// Measured in the same process run.
    Dagrs,
    /// Measured in the same process run.
    Dagx,
    /// Measured in the same process run.
    Redb,
    /// The product itself on another graph.
    Product,
    /// A figure that was published with the goal, measured elsewhere.
    Reference,
    /// The goal states the figure.
    Goal,
}

impl Verdict {
    /// A figure of the product against the figure that the goal states.
    pub(crate) fn of_goal(
        goal: Goal,
        workload: impl Into<Cow<'static, str>>,
        found: f64,
        stated: f64,
        unit: Unit,
    ) -> Self {
        Self::new(goal, (workload, 1), 1.0, unit).of(found, stated, Source::Goal)
    }

    /// A figure of the product against one of its own under other circumstances.
    pub(crate) fn of_itself(
        goal: Goal,
        (workload, workers): (impl Into<Cow<'static, str>>, usize),
        (found, otherwise): (f64, f64),
        limit: f64,
        unit: Unit,
    ) -> Self {
        Self::new(goal, (workload, workers), limit, unit).of(found, otherwise, Source::Product)
    }

    /// A figure of the product against one of the store beneath it.
    pub(crate) fn of_store(
        goal: Goal,
        workload: impl Into<Cow<'static, str>>,
        found: f64,
        alone: f64,
        limit: f64,
        unit: Unit,
    ) -> Self {
        Self::new(goal, (workload, 1), limit, unit).of(found, alone, Source::Redb)
    }

    fn new(
        goal: Goal,
        (workload, workers): (impl Into<Cow<'static, str>>, usize),
        limit: f64,
        unit: Unit,
    ) -> Self {
        let (goal, source, workload) = (goal.name(), Source::Goal, workload.into());
        Self {
            goal,
            workload,
            workers,
            product: 0.0,
            baseline: 0.0,
            unit,
            ratio: 0.0,
            limit,
            source,
            cpu_ratio: None,
        }
    }

    fn of(mut self, product: f64, baseline: f64, source: Source) -> Self {
        (self.product, self.baseline, self.source) = (product, baseline, source);
        self.ratio = product / baseline;
        self
    }

    fn of_samples(mut self, product: Sample, baseline: Sample, source: Source) -> Self {
        self.cpu_ratio = Some(product.cpu / baseline.cpu);
        self.of(product.wall, baseline.wall, source)
    }

    /// Whether the goal is reached.
    pub fn holds(&self) -> bool {
        self.ratio <= self.limit
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::MicrosPerTask => "us/task",
            Self::Bytes => "bytes",
            Self::BytesPerTask => "bytes/task",
            Self::Micros => "us",
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::BareTokio => System::BareTokio.name(),
            Self::Dagrs => System::Dagrs.name(),
            Self::Dagx => System::Dagx.name(),
            Self::Redb => "redb",
            Self::Product => "product",
            Self::Reference => "reference",
            Self::Goal => "goal",
        })
    }
}

/// The verdicts of these goals, as far as both figures were measured.
pub fn judge(goals: &[Goal], figures: &Figures, memory: &[Usage]) -> Vec<Verdict> {
    let judged = |goal: &Goal| match goal {
        Goal::P1 => whole_orchestrator(figures),
        Goal::P2 => scheduler_alone(figures),
        Goal::P3 => wide_join(figures),
        Goal::P4 => peers(figures, memory),
        Goal::P5 => reference(figures),
        Goal::P12 => bytes_per_task(memory),
        // Their verdicts come with their figures.
        Goal::P7 | Goal::P8 | Goal::P9 | Goal::P11 | Goal::P13 | Goal::Recovery | Goal::Sim => Vec::new(),
    };
    goals.iter().flat_map(judged).collect()
}

fn whole_orchestrator(figures: &Figures) -> Vec<Verdict> {
    let cells = WORKLOADS.iter().flat_map(|workload| WORKERS.map(|workers| (*workload, workers)));
    let judged = cells.filter_map(|(workload, workers)| {
        let limit = match (workload, workers) {
            (MEMORY_WORKLOAD, _) => 3.0,
            (_, 1) => 2.5,
            _ => 3.5,
        };
        let product = figures.of(Goal::P1.group(), System::Orchestrator, workload, workers)?;
        let baseline = figures.of(Goal::P1.group(), System::BareTokio, workload, workers)?;
        let verdict = Verdict::new(Goal::P1, (workload, workers), limit, Unit::MicrosPerTask);
        Some(verdict.of_samples(product, baseline, Source::BareTokio))
    });
    judged.collect()
}

fn scheduler_alone(figures: &Figures) -> Vec<Verdict> {
    let scheduler = |workload| figures.of(Goal::P2.group(), System::Scheduler, workload, 1);
    let beside =
        scheduler(PEER_WORKLOAD).zip(figures.of(Goal::P2.group(), System::BareTokio, PEER_WORKLOAD, 1));
    let beside = beside.map(|(product, baseline)| {
        Verdict::new(Goal::P2, (PEER_WORKLOAD, 1), 1.0, Unit::MicrosPerTask).of_samples(
            product,
            baseline,
            Source::BareTokio,
        )
    });
    let sizes: Vec<_> = GROWTH.into_iter().filter_map(|name| Some((name, scheduler(name)?))).collect();
    let by_time = |a: &&(&str, Sample), b: &&(&str, Sample)| a.1.wall.total_cmp(&b.1.wall);
    let growth = sizes
        .iter()
        .max_by(by_time)
        .zip(sizes.iter().min_by(by_time))
        .filter(|_| sizes.len() == GROWTH.len());
    let growth = growth.map(|((slowest, product), (_, baseline))| {
        Verdict::new(Goal::P2, (*slowest, 1), 3.0, Unit::MicrosPerTask).of_samples(
            *product,
            *baseline,
            Source::Product,
        )
    });
    beside.into_iter().chain(growth).collect()
}

fn wide_join(figures: &Figures) -> Vec<Verdict> {
    let judged = WORKERS.into_iter().filter_map(|workers| {
        let fan = figures.of(Goal::P3.group(), System::Orchestrator, "fan_10000", workers)?;
        let chain = figures.of(Goal::P3.group(), System::Orchestrator, "chain_10000", workers)?;
        let verdict = Verdict::new(Goal::P3, ("fan_10000", workers), 2.0, Unit::MicrosPerTask);
        Some(verdict.of_samples(fan, chain, Source::Product))
    });
    judged.collect()
}

fn peers(figures: &Figures, memory: &[Usage]) -> Vec<Verdict> {
    let source = |peer| if peer == System::Dagrs { Source::Dagrs } else { Source::Dagx };
    let cells = WORKERS.into_iter().flat_map(|workers| PEERS.map(|peer| (workers, peer)));
    let times = cells.filter_map(|(workers, peer)| {
        let product = figures.of(Goal::P4.group(), System::Orchestrator, PEER_WORKLOAD, workers)?;
        let baseline = figures.of(Goal::P4.group(), peer, PEER_WORKLOAD, workers)?;
        let verdict = Verdict::new(Goal::P4, (PEER_WORKLOAD, workers), 1.0 / 5.0, Unit::MicrosPerTask);
        Some(verdict.of_samples(product, baseline, source(peer)))
    });
    let peaks = PEERS.into_iter().filter_map(|peer| {
        let product = usage(memory, System::Orchestrator, PEER_WORKLOAD)?;
        let baseline = usage(memory, peer, PEER_WORKLOAD)?;
        let verdict = Verdict::new(Goal::P4, (PEER_WORKLOAD, 1), 1.0 / 3.0, Unit::Bytes);
        Some(verdict.of(product.peak as f64, baseline.peak as f64, source(peer)))
    });
    times.chain(peaks).collect()
}

fn reference(figures: &Figures) -> Vec<Verdict> {
    let judged = UFO.into_iter().filter_map(|(workload, baseline, times)| {
        let product = figures.of(Goal::P5.group(), System::Orchestrator, workload, 1)?;
        let verdict = Verdict::new(Goal::P5, (workload, 1), 1.0 / times, Unit::MicrosPerTask);
        Some(verdict.of(product.wall, baseline, Source::Reference))
    });
    judged.collect()
}

fn bytes_per_task(memory: &[Usage]) -> Vec<Verdict> {
    let product = usage(memory, System::Orchestrator, MEMORY_WORKLOAD);
    let verdict = Verdict::new(Goal::P12, (MEMORY_WORKLOAD, 1), 1.0, Unit::BytesPerTask);
    product.map(|product| verdict.of(product.per_task(), 500.0, Source::Goal)).into_iter().collect()
}

fn usage<'a>(memory: &'a [Usage], system: System, workload: &str) -> Option<&'a Usage> {
    memory.iter().find(|usage| usage.system == system.name() && usage.workload == workload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cell;

    fn sample(wall: f64) -> Sample {
        Sample { wall, cpu: 2.0 * wall, rounds: 1 }
    }

    fn memory_of(system: System, workload: &str, peak: u64) -> Usage {
        let (system, workload) = (system.to_string(), workload.to_owned());
        Usage { system, workload, tasks: 1_000, before: 0, peak, payload: 0 }
    }

    fn insert(
        figures: &mut Figures,
        goal: Goal,
        system: System,
        workload: &'static str,
        workers: usize,
        wall: f64,
    ) {
        let cell = Cell { group: goal.group(), workload, workers, systems: vec![system] };
        figures.insert(&cell, &vec![(system, Ok(sample(wall)))]);
    }

    /// The orchestrator costs 0.5 µs everywhere, the scheduler 0.1 µs, bare tokio 0.25 µs.
    fn figures() -> Figures {
        let mut figures = Figures::default();
        for (workload, workers) in
            WORKLOADS.iter().flat_map(|workload| WORKERS.map(|workers| (*workload, workers)))
        {
            insert(&mut figures, Goal::P1, System::Orchestrator, workload, workers, 0.5);
            insert(&mut figures, Goal::P1, System::BareTokio, workload, workers, 0.25);
            insert(&mut figures, Goal::P2, System::Scheduler, workload, workers, 0.1);
        }
        figures
    }

    #[test]
    fn without_the_product_nothing_is_judged() {
        let mut figures = Figures::default();
        insert(&mut figures, Goal::P1, System::BareTokio, PEER_WORKLOAD, 1, 0.25);
        assert_eq!(judge(&Goal::ALL, &figures, &[]), []);
    }

    #[test]
    fn the_orchestrator_is_judged_on_each_workload() {
        let verdicts = judge(&[Goal::P1], &figures(), &[]);
        assert_eq!(verdicts.len(), WORKLOADS.len() * WORKERS.len());
        assert!(verdicts.iter().all(|verdict| verdict.ratio == 2.0 && verdict.cpu_ratio == Some(2.0)));
        let limit = |workload, workers| {
            let found =
                verdicts.iter().find(|verdict| verdict.workload == workload && verdict.workers == workers);
            found.map(|verdict| verdict.limit)
        };
        assert_eq!([limit("fan_10000", 1), limit("fan_10000", 2)], [Some(2.5), Some(3.5)]);
        assert_eq!([limit(MEMORY_WORKLOAD, 1), limit(MEMORY_WORKLOAD, 2)], [Some(3.0), Some(3.0)]);
    }

    #[test]
    fn growth_is_the_slowest_size_over_the_fastest() {
        let mut figures = figures();
        insert(&mut figures, Goal::P2, System::Scheduler, "layered_1000000", 1, 0.4);
        let verdicts = judge(&[Goal::P2], &figures, &[]);
        assert_eq!(verdicts.len(), 2);
        assert!(verdicts[0].holds());
        assert_eq!(
            (&*verdicts[1].workload, verdicts[1].ratio, verdicts[1].limit),
            ("layered_1000000", 4.0, 3.0)
        );
        assert!(!verdicts[1].holds());
    }

    #[test]
    fn peers_are_compared_in_time_and_in_memory() {
        let mut figures = figures();
        insert(&mut figures, Goal::P4, System::Dagx, PEER_WORKLOAD, 1, 2.0);
        insert(&mut figures, Goal::P4, System::Orchestrator, PEER_WORKLOAD, 1, 0.5);
        let memory = [(System::Dagx, 400), (System::Orchestrator, 100)]
            .map(|(system, peak)| memory_of(system, PEER_WORKLOAD, peak));
        let verdicts = judge(&[Goal::P4], &figures, &memory);
        let ratios: Vec<_> =
            verdicts.iter().map(|verdict| (verdict.ratio, verdict.unit, verdict.holds())).collect();
        assert_eq!(ratios, [(0.25, Unit::MicrosPerTask, false), (0.25, Unit::Bytes, true)]);
    }

    #[test]
    fn a_row_has_the_agreed_fields() {
        let memory = [memory_of(System::Orchestrator, MEMORY_WORKLOAD, 250_000)];
        let verdicts = judge(&[Goal::P5, Goal::P12], &figures(), &memory);
        let rows = serde_json::to_value(&verdicts).expect("plain data");
        assert_eq!(rows[1]["source"], "reference");
        assert_eq!(rows[1]["baseline"], 11_140.0);
        let expected = serde_json::json!({
            "goal": "P12", "workload": "layered_1000000", "workers": 1, "product": 250.0, "baseline": 500.0,
            "unit": "bytes/task", "ratio": 0.5, "limit": 1.0, "source": "goal",
        });
        assert_eq!(rows[3], expected);
    }
}
