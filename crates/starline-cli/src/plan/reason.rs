//! Why a task is planned for a device: by the strategy, and by what it could choose from.

use std::collections::BTreeMap;

use serde::Serialize;
use starline::scheduler::Fleet;
use starline::strategies::{CapabilityMatch, LoadBalance, RoundRobin};
use starline::types::{DeviceId, DeviceIx, DeviceSelector, TaskId, TaskSpec};

use super::Question;

/// Comparisons of a task with a device up to which ties are told from clear cases.
const COMPARED: usize = 20_000_000;

/// Why a device.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Reason {
    /// Stable word.
    pub(crate) code: Code,
    /// Devices that fit the task.
    pub(crate) eligible: usize,
    /// The same for people.
    pub(crate) text: String,
}

/// Why a device, as a word.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    /// The task says so.
    Pinned,
    /// The task would like that, and it fits.
    Preferred,
    /// There is no other device.
    OnlyDevice,
    /// No other device meets what the task asks for.
    OnlyFit,
    /// It was its turn.
    InTurn,
    /// It has the smallest load for its slots.
    LeastLoaded,
    /// Of the least loaded ones it has the fewest capabilities to spare.
    FewestCapabilities,
    /// Of equals it comes first in the file.
    FirstListed,
    /// The strategy has reasons of its own.
    Strategy,
    /// The task is on none, as it would not run.
    NotRun,
}

impl Reason {
    /// The reason that only the strategy knows.
    pub(super) fn of_strategy(strategy: &str) -> Self {
        Self { code: Code::Strategy, eligible: 0, text: format!("chosen by {strategy}") }
    }
}

/// The reasons of all placements of a plan. O(tasks * devices), and less for large products of them.
pub(super) fn reasons(
    question: &Question,
    strategy: &str,
    placements: &[(TaskId, Option<DeviceId>)],
) -> BTreeMap<TaskId, Reason> {
    let specs: BTreeMap<&TaskId, &TaskSpec> =
        question.graph.tasks.iter().map(|task| (&task.id, task.as_ref())).collect();
    let mut choices = Choices::new(question, strategy);
    let explained = placements.iter().filter_map(|(task, device)| {
        let reason = choices.explain(specs.get(task)?, device.as_ref()?)?;
        Some((task.clone(), reason))
    });
    explained.collect()
}

/// The placements so far, as a strategy sees them.
struct Choices<'a> {
    strategy: &'a str,
    fleet: Fleet,
    /// Planned tasks, slots and capabilities of each device.
    loads: Vec<(u64, u64, usize)>,
    is_exact: bool,
}

impl<'a> Choices<'a> {
    fn new(question: &Question, strategy: &'a str) -> Self {
        let mut fleet = Fleet::new();
        let mut loads = Vec::with_capacity(question.devices.len());
        for profile in &question.devices {
            let capabilities: std::collections::BTreeSet<_> = profile.capabilities.iter().collect();
            loads.push((0, u64::from(profile.slots), capabilities.len()));
            fleet.register(profile.clone());
        }
        let is_exact = question.graph.tasks.len().saturating_mul(loads.len()) <= COMPARED;
        Self { strategy, fleet, loads, is_exact }
    }

    /// Why the task is on the device. Then it is work of the device for the next one.
    fn explain(&mut self, task: &TaskSpec, device: &DeviceId) -> Option<Reason> {
        let device = self.fleet.find(device)?;
        let class = self.fleet.class(task);
        let eligible = self.fleet.eligible(class);
        let (code, equals) = self.code(task, device, eligible);
        let (eligible, all) = (eligible.len(), self.loads.len());
        let of = if eligible == all { format!("of {all}") } else { format!("of the {eligible} that fit") };
        let text = match code {
            Code::Pinned => "pinned".to_owned(),
            Code::Preferred => "preferred".to_owned(),
            Code::OnlyDevice => "the only device".to_owned(),
            Code::OnlyFit => format!("the only one that fits{}", wishes(task.device.as_deref())),
            Code::InTurn => format!("next in turn {of}"),
            Code::LeastLoaded => format!("least loaded {of}"),
            Code::FewestCapabilities => format!("least loaded {of}, with fewest capabilities"),
            Code::FirstListed => format!("least loaded {of}, first of {equals} equals"),
            Code::Strategy | Code::NotRun => Reason::of_strategy(self.strategy).text,
        };
        self.loads[device.at()].0 += 1;
        Some(Reason { code, eligible, text })
    }

    /// The word, and how many devices were as good.
    fn code(&self, task: &TaskSpec, device: DeviceIx, eligible: &[DeviceIx]) -> (Code, usize) {
        if task.pin().is_some() {
            return (Code::Pinned, 1);
        }
        if task.preference().is_some_and(|wish| wish == self.fleet.id(device)) {
            return (Code::Preferred, 1);
        }
        match eligible {
            [_] if self.loads.len() == 1 => return (Code::OnlyDevice, 1),
            [_] => return (Code::OnlyFit, 1),
            _ => {}
        }
        match self.strategy {
            RoundRobin::NAME => (Code::InTurn, 1),
            LoadBalance::NAME => self.least(device, eligible, false),
            CapabilityMatch::NAME => self.least(device, eligible, true),
            _ => (Code::Strategy, 1),
        }
    }

    /// What set the device apart from the others that fit.
    fn least(&self, device: DeviceIx, eligible: &[DeviceIx], by_capabilities: bool) -> (Code, usize) {
        if !self.is_exact {
            return (Code::LeastLoaded, 1);
        }
        let (load, slots, able) = self.loads[device.at()];
        let (mut as_loaded, mut as_able) = (0, 0);
        for other in eligible {
            let (other_load, other_slots, other_able) = self.loads[other.at()];
            if other_load * slots < load * other_slots {
                // Not by this rule: a task moved since, or the strategy knows more.
                return (Code::Strategy, 1);
            }
            if other_load * slots == load * other_slots {
                as_loaded += 1;
                as_able += usize::from(other_able == able);
            }
        }
        match (as_loaded, as_able) {
            (0 | 1, _) => (Code::LeastLoaded, 1),
            (_, 0 | 1) if by_capabilities => (Code::FewestCapabilities, 1),
            (_, equals) if by_capabilities => (Code::FirstListed, equals),
            (equals, _) => (Code::FirstListed, equals),
        }
    }
}

/// What a task asks of its device, as the end of a sentence.
fn wishes(selector: Option<&DeviceSelector>) -> String {
    let Some(selector) = selector else { return String::new() };
    let mut wishes: Vec<String> = selector.os.iter().map(|os| format!("os {os}")).collect();
    wishes.extend(selector.needs.iter().cloned());
    wishes.extend(selector.resources.0.iter().map(|(name, amount)| format!("{name} {amount}")));
    if wishes.is_empty() { String::new() } else { format!(": it has {}", wishes.join(", ")) }
}
