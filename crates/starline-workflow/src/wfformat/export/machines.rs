//! Devices as machines.

use std::collections::{BTreeMap, BTreeSet};

use starline_types::{DeviceId, DeviceProfile, GraphSpec, RunOutcome, Value};

use super::super::Warnings;
use super::super::machines::{CORES, MEMORY, NODE_NAME, SPEED};
use super::record::{Cpu, Machine};
use super::{ExportOptions, attempted};
use crate::excerpt::quoted;

/// Systems that the format knows.
const SYSTEMS: [&str; 3] = ["linux", "macos", "windows"];

/// Machines, and the names of all devices.
#[derive(Debug)]
pub(super) struct Machines {
    pub(super) listed: Vec<Machine>,
    names: BTreeMap<DeviceId, String>,
}

impl Machines {
    pub(super) fn new(
        graph: &GraphSpec,
        outcome: Option<&RunOutcome>,
        options: &ExportOptions<'_>,
        warnings: &mut Warnings,
    ) -> Self {
        let mut machines = Self { listed: Vec::new(), names: BTreeMap::new() };
        let mut used: BTreeSet<&DeviceId> = BTreeSet::new();
        for task in &graph.tasks {
            match outcome {
                Some(outcome) => {
                    let result = attempted(outcome, &task.id);
                    used.extend(result.and_then(|result| result.device.as_ref()));
                }
                None => used.extend(task.pin().or_else(|| task.preference())),
            }
        }
        let mut taken = BTreeSet::new();
        for profile in options.devices {
            let own = profile.attributes.get(NODE_NAME).and_then(Value::as_str);
            let name = own.filter(|name| !name.is_empty()).unwrap_or(profile.id.as_str());
            if outcome.is_some() && !used.contains(&profile.id) || machines.names.contains_key(&profile.id) {
                continue;
            }
            let name = if taken.insert(name) { name } else { profile.id.as_str() };
            machines.names.insert(profile.id.clone(), name.to_owned());
            let machine = machine(profile, name, machines.listed.len(), warnings);
            machines.listed.push(machine);
        }
        // Where machines are listed, all that are named must be.
        if outcome.is_some() || !machines.listed.is_empty() {
            for id in used.into_iter().filter(|id| !machines.names.contains_key(*id)) {
                machines.listed.push(plain(id.as_str()));
            }
        }
        machines
    }

    /// The name of a device as a machine.
    pub(super) fn name<'m>(&'m self, device: &'m DeviceId) -> &'m str {
        self.names.get(device).map_or(device.as_str(), String::as_str)
    }
}

fn plain(name: &str) -> Machine {
    let cpu = Cpu::default();
    let node_name = name.to_owned();
    Machine { node_name, system: None, architecture: None, release: None, memory_in_bytes: None, cpu }
}

fn machine(profile: &DeviceProfile, name: &str, at: usize, warnings: &mut Warnings) -> Machine {
    let fact = |name: &str| {
        let fact = profile.attributes.get(name).and_then(Value::as_str);
        fact.filter(|fact| !fact.is_empty()).map(str::to_owned)
    };
    let amount = |name: &str| profile.resources.0.get(name).copied().filter(|amount| *amount > 0);
    let system = profile.os.as_deref().and_then(|os| {
        let known = SYSTEMS.into_iter().find(|system| os.eq_ignore_ascii_case(system));
        if known.is_none() {
            let message = format!("device {} runs {}, which is left out", profile.id, quoted(os));
            warnings.add("field_lost", format!("/workflow/execution/machines/{at}/system"), message);
        }
        known
    });
    let speed = profile.attributes.get(SPEED).and_then(Value::as_f64).map(f64::round);
    Machine {
        system,
        architecture: fact("architecture"),
        release: fact("release"),
        memory_in_bytes: amount(MEMORY),
        cpu: Cpu {
            core_count: cores(profile.slots, amount(CORES)),
            speed: speed.filter(|speed| *speed >= 1.0).map(|speed| speed as u64),
            vendor: fact("vendor"),
        },
        ..plain(name)
    }
}

/// Cores of a machine. One slot is what a device has of which nobody said anything.
fn cores(slots: u32, cores: Option<u64>) -> Option<u64> {
    match (slots, cores) {
        (1, Some(1)) => Some(1),
        (1, _) => None,
        (slots, cores) => Some(cores.unwrap_or_else(|| slots.into())),
    }
}
