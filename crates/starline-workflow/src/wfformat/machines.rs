//! The machines of a record as devices.

use std::collections::BTreeMap;

use starline_types::{DeviceId, DeviceProfile, TaskId, Value};

use super::kept::MACHINES;
use super::specification::Tasks;
use super::{Warnings, text_of, whole};
use crate::excerpt::quoted;
use crate::names::Names;
use crate::problem::Report;
use crate::tree::View;

/// Amount of a device: cores.
pub(super) const CORES: &str = "cpu_cores";
/// Amount of a device: bytes of memory.
pub(super) const MEMORY: &str = "memory";
/// Attribute of a device: the name of the machine, where the id had to be another.
pub(super) const NODE_NAME: &str = "node_name";
/// Attribute of a device: speed of its processor, in MHz.
pub(super) const SPEED: &str = "speed_mhz";

/// Machines of a record, by their names.
#[derive(Debug, Default)]
pub(super) struct Machines<'t> {
    names: Names,
    ids: BTreeMap<&'t str, DeviceId>,
    profiles: Vec<DeviceProfile>,
    /// Machines of tasks that had several, by the id of the task.
    of_tasks: serde_json::Map<String, Value>,
}

impl<'t> Machines<'t> {
    /// Reads the list of machines.
    pub(super) fn read_all(&mut self, list: &[View<'t>], warnings: &mut Warnings, report: &mut Report) {
        for name in list.iter().filter_map(|machine| machine.field("nodeName").and_then(View::scalar)) {
            if DeviceId::new(name.text).is_ok() {
                self.names.keep(name.text);
            }
        }
        for (at, machine) in list.iter().enumerate() {
            self.read(*machine, at, warnings, report);
        }
    }

    /// The id of the device that a machine becomes.
    pub(super) fn id(&mut self, name: &'t str, pointer: &str, warnings: &mut Warnings) -> Option<DeviceId> {
        if let Some(id) = self.ids.get(name) {
            return Some(id.clone());
        }
        let id = match DeviceId::new(name) {
            Ok(id) => id,
            Err(_) => {
                let id = self.names.rewrite(name);
                warnings.add(
                    "id_rewritten",
                    pointer.to_owned(),
                    format!("machine {} is called {id}", quoted(name)),
                );
                DeviceId::new(id).ok()?
            }
        };
        self.ids.insert(name, id.clone());
        Some(id)
    }

    fn read(&mut self, item: View<'t>, at: usize, warnings: &mut Warnings, report: &mut Report) {
        let pointer = format!("/workflow/execution/machines/{at}/nodeName");
        let Some(name) = item.field("nodeName").and_then(|name| text_of(name, "nodeName", report)) else {
            return;
        };
        if self.ids.contains_key(name) {
            return;
        }
        let Some(id) = self.id(name, &pointer, warnings) else { return };
        let mut profile = DeviceProfile::new(id, "simulated");
        if profile.id.as_str() != name {
            profile.attributes.insert(NODE_NAME.to_owned(), Value::from(name));
        }
        profile.os =
            item.field("system").and_then(|system| text_of(system, "system", report)).map(str::to_owned);
        let cores = item.field("cpu").and_then(|cpu| cpu.field("coreCount"));
        if let Some(cores) = cores.and_then(|cores| whole(cores, "coreCount", report)) {
            profile.slots = u32::try_from(cores).unwrap_or(u32::MAX).max(1);
            profile.resources.0.insert(CORES.to_owned(), cores);
        }
        let facts = [
            (Some(item), "architecture", "architecture"),
            (Some(item), "release", "release"),
            (item.field("cpu"), "vendor", "vendor"),
            (item.field("cpu"), "speedInMHz", SPEED),
        ];
        for (section, field, attribute) in facts {
            if let Some(value) = section.and_then(|section| section.field(field)) {
                profile.attributes.insert(attribute.to_owned(), value.json(report));
            }
        }
        if let Some(memory) =
            item.field("memoryInBytes").and_then(|memory| whole(memory, "memoryInBytes", report))
        {
            profile.resources.0.insert(MEMORY.to_owned(), memory);
        }
        self.profiles.push(profile);
    }

    /// Notes that a task had several machines.
    pub(super) fn had_several(&mut self, task: &TaskId, names: Vec<&str>) {
        self.of_tasks.insert(task.to_string(), Value::from(names));
    }

    /// What an export needs to write the machines of the tasks again.
    pub(super) fn keep(&mut self, kept: &mut serde_json::Map<String, Value>) {
        if !self.of_tasks.is_empty() {
            kept.insert(MACHINES.to_owned(), Value::Object(std::mem::take(&mut self.of_tasks)));
        }
    }
}

/// The machines as devices that can hold every recorded task.
pub(super) fn devices(machines: Machines<'_>, tasks: &Tasks<'_>) -> Vec<DeviceProfile> {
    let mut largest: BTreeMap<&str, u64> = BTreeMap::new();
    for selector in tasks.list.iter().filter_map(|task| task.spec.device.as_ref()) {
        for (name, amount) in &selector.resources.0 {
            let most = largest.entry(name).or_default();
            *most = (*most).max(*amount);
        }
    }
    let mut profiles = machines.profiles;
    for profile in &mut profiles {
        for (name, amount) in &largest {
            profile.resources.0.entry((*name).to_owned()).or_insert(*amount);
        }
    }
    profiles
}
