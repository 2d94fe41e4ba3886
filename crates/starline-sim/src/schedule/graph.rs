//! Random graphs.

use std::collections::BTreeSet;
use std::sync::Arc;

use starline_types::{
    Dependency, DependencyKind, DeviceProfile, DeviceSelector, ErrorKind, GraphSpec, Jitter, Millis,
    OutputSource, OutputSpec, OutputType, Payload, Priority, Resources, RetryPolicy, Shell, TaskId, TaskSpec,
};

use crate::chance::Chance;
use crate::oracle::CONDITIONS;

/// Which parts of a graph a schedule has at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Features {
    pub(super) kinds: bool,
    pub(super) conditions: bool,
    pub(super) requirements: bool,
    pub(super) retries: bool,
    pub(super) timeouts: bool,
    pub(super) priorities: bool,
}

impl Features {
    pub(super) fn random(chance: &mut Chance) -> Self {
        let mut on = || chance.percent(60);
        Self {
            kinds: on(),
            conditions: on(),
            requirements: on(),
            retries: on(),
            timeouts: on(),
            priorities: on(),
        }
    }
}

pub(super) fn task_id(at: usize) -> TaskId {
    TaskId::new(format!("t{at}")).expect("a letter and a number are an id")
}

pub(super) fn random(chance: &mut Chance, features: Features, devices: &[DeviceProfile]) -> GraphSpec {
    let size = match chance.below(10) {
        0 => chance.within(0, 1),
        1..7 => chance.within(2, 12),
        _ => chance.within(13, 40),
    } as usize;
    let mut tasks: Vec<TaskSpec> = (0..size).map(|at| task(chance, features, at, devices)).collect();
    // Long chains, broad layers, or anything between.
    let reach = [1, 3, size.max(1)][chance.below(3) as usize];
    let density = chance.within(20, 100) as u8;
    let (mut dependencies, mut known) = (Vec::new(), BTreeSet::new());
    for to in 1..size {
        for _ in 0..chance.below(4) {
            let from = to - 1 - chance.below(reach.min(to) as u64) as usize;
            if chance.percent(density) && known.insert((from, to)) {
                let kind = kind(chance, features);
                if kind == DependencyKind::Success
                    && tasks[from].outputs.contains_key("n")
                    && chance.percent(30)
                {
                    let script = format!("echo {{{{ tasks.t{from}.outputs.n }}}}");
                    tasks[to].run = Payload::Sh(Arc::new(Shell { script, ..Shell::default() }));
                }
                dependencies.push(Dependency::success(task_id(from), task_id(to)).with_kind(kind));
            }
        }
    }
    // The order of insertion need not be an order of execution.
    if chance.percent(30) {
        tasks.reverse();
    }
    let tasks = tasks.into_iter().map(Arc::new).collect();
    GraphSpec { name: "random".into(), tasks, dependencies, ..GraphSpec::default() }
}

fn kind(chance: &mut Chance, features: Features) -> DependencyKind {
    if !features.kinds {
        return DependencyKind::Success;
    }
    match chance.below(if features.conditions { 10 } else { 8 }) {
        0..5 => DependencyKind::Success,
        5 => DependencyKind::Failure,
        6..8 => DependencyKind::Completion,
        _ => {
            let (text, _) = CONDITIONS[chance.below(CONDITIONS.len() as u64) as usize];
            DependencyKind::When(text.into())
        }
    }
}

fn task(chance: &mut Chance, features: Features, at: usize, devices: &[DeviceProfile]) -> TaskSpec {
    let mut task = TaskSpec::new(task_id(at), Payload::Noop);
    task.run_timeout = None;
    task.idempotent = chance.percent(30);
    if chance.percent(40) {
        let spec = OutputSpec { from: OutputSource::Pointer("/n".into()), kind: OutputType::Integer };
        task.outputs.insert("n".into(), spec);
    }
    if features.priorities && chance.percent(50) {
        task.priority = Priority::new(chance.within(0, 100)).unwrap_or_default();
    }
    if features.timeouts {
        if chance.percent(50) {
            task.run_timeout = Some(Millis(chance.within(1, 20_000)));
        }
        if chance.percent(15) {
            task.queue_timeout = Some(Millis(chance.within(1, 40_000)));
        }
    }
    if features.retries && chance.percent(60) {
        task.retry = Some(Arc::new(retry(chance)));
    }
    if features.requirements && chance.percent(40) {
        task.device = Some(Arc::new(selector(chance, devices)));
    }
    task
}

fn retry(chance: &mut Chance) -> RetryPolicy {
    RetryPolicy {
        max: chance.below(4) as u32,
        base: Millis([0, 1, 500, 3_000][chance.below(4) as usize]),
        factor: [1.0, 2.0][chance.below(2) as usize],
        cap: Millis(10_000),
        jitter: if chance.percent(70) { Jitter::Full } else { Jitter::None },
        non_retryable: if chance.percent(20) { vec![ErrorKind::ExitStatus] } else { Vec::new() },
        lost_max: chance.below(5) as u32,
    }
}

/// Requirements that at least one device meets.
fn selector(chance: &mut Chance, devices: &[DeviceProfile]) -> DeviceSelector {
    let Some(model) = chance.pick(devices) else { return DeviceSelector::default() };
    let mut selector = DeviceSelector::default();
    match chance.below(5) {
        0 => selector.on = Some(model.id.clone()),
        1 => selector.os = model.os.as_ref().map(|os| os.to_uppercase()),
        2 => selector.needs = model.capabilities.iter().take(chance.below(3) as usize).cloned().collect(),
        3 => {
            let some = model.resources.0.iter().map(|(name, have)| (name.clone(), chance.below(have + 1)));
            selector.resources = Resources(some.collect());
        }
        _ => {}
    }
    if chance.percent(30) {
        selector.prefer = chance.pick(devices).map(|device| device.id.clone());
    }
    selector
}
