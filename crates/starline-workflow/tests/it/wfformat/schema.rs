//! What the published schemas of WfFormat 1.5 and 1.6 ask for, and what their documentation asks for beyond them.

use std::collections::{BTreeMap, BTreeSet};

use starline_workflow::Value;

/// Everything in a file that its version does not allow.
pub(crate) fn faults(record: &Value) -> Vec<String> {
    let mut faults = Faults::default();
    let version = record["schemaVersion"].as_str().unwrap_or_default();
    faults.check(["1.5", "1.6"].contains(&version), "schemaVersion");
    faults.text(record, "name", true);
    for name in ["description", "createdAt"] {
        faults.text(record, name, false);
    }
    for (name, needed) in [("author", ["name", "email"]), ("runtimeSystem", ["name", "version"])] {
        if let Some(object) = record.get(name) {
            needed.iter().for_each(|member| faults.text(object, member, true));
        }
    }
    let workflow = &record["workflow"];
    faults.specification(&workflow["specification"], version);
    if let Some(execution) = workflow.get("execution") {
        faults.execution(execution, &workflow["specification"], version);
    }
    faults.0
}

#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn check(&mut self, holds: bool, what: impl Into<String>) {
        if !holds {
            self.0.push(what.into());
        }
    }

    fn text(&mut self, object: &Value, name: &str, needed: bool) {
        let fine = match object.get(name) {
            Some(value) => value.as_str().is_some_and(|text| !text.is_empty()),
            None => !needed,
        };
        self.check(fine, format!("{name} of {object}"));
    }

    fn number(&mut self, object: &Value, name: &str, least: f64, whole: bool) {
        let Some(value) = object.get(name) else { return };
        let fine = value.as_f64().is_some_and(|number| number >= least);
        self.check(fine && (!whole || value.is_u64()), format!("{name} of {object}"));
    }

    fn specification(&mut self, specification: &Value, version: &str) {
        let tasks = list(specification, "tasks");
        self.check(!tasks.is_empty(), "no tasks");
        let files: BTreeSet<&str> = list(specification, "files").iter().map(id).collect();
        self.check(files.len() == list(specification, "files").len(), "a file twice");
        for file in list(specification, "files") {
            self.check(file["sizeInBytes"].is_u64() && is_file(id(file)), format!("{file}"));
        }
        let mut sides: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
        let ids: BTreeSet<&str> = tasks.iter().map(id).collect();
        self.check(ids.len() == tasks.len(), "a task twice");
        for task in tasks {
            self.text(task, "name", true);
            self.check(is_task(id(task), version), format!("id {task}"));
            for side in ["parents", "children"] {
                self.check(task[side].is_array(), format!("{side} of {task}"));
                for other in texts(task, side) {
                    self.check(ids.contains(other) && other != id(task), format!("{side} of {task}"));
                    let edge = if side == "parents" { (other, id(task)) } else { (id(task), other) };
                    let fresh = sides.entry(side).or_default().insert(edge);
                    self.check(fresh, format!("twice in {side} of {task}"));
                }
            }
            for side in ["inputFiles", "outputFiles"] {
                for file in texts(task, side) {
                    self.check(is_file(file) && files.contains(file), format!("file {file} of {task}"));
                }
            }
        }
        self.check(sides.get("parents") == sides.get("children"), "parents and children disagree");
        self.check(version == "1.6" || specification.get("metrics").is_none(), "metrics in 1.5");
        if let Some(metrics) = specification.get("metrics") {
            let sizes = list(specification, "files").iter().filter_map(|file| file["sizeInBytes"].as_u64());
            let bytes = sizes.fold(0_u64, u64::saturating_add);
            for (name, figure) in [
                ("numberOfTasks", tasks.len() as u64),
                ("numberOfFiles", files.len() as u64),
                ("sumOfFileSizesInBytes", bytes),
            ] {
                let stated = metrics.get(name).and_then(Value::as_u64);
                self.check(stated.is_none_or(|stated| stated == figure), format!("{name} in {metrics}"));
            }
        }
    }

    fn execution(&mut self, execution: &Value, specification: &Value, version: &str) {
        self.check(execution["makespanInSeconds"].is_number(), "makespanInSeconds");
        self.text(execution, "executedAt", true);
        let known: BTreeSet<&str> = list(specification, "tasks").iter().map(id).collect();
        let machines = list(execution, "machines");
        self.check(execution.get("machines").is_none() || !machines.is_empty(), "no machines in the list");
        let names: BTreeSet<&str> =
            machines.iter().map(|machine| machine["nodeName"].as_str().unwrap_or_default()).collect();
        self.check(names.len() == machines.len(), "a machine twice");
        for machine in machines {
            for name in ["nodeName", "architecture", "release"] {
                self.text(machine, name, name == "nodeName");
            }
            let system = machine
                .get("system")
                .is_none_or(|it| ["linux", "macos", "windows"].iter().any(|system| it == system));
            self.check(system, format!("system of {machine}"));
            self.number(machine, "memoryInBytes", 1.0, true);
            if let Some(cpu) = machine.get("cpu") {
                self.number(cpu, "coreCount", 1.0, true);
                self.number(cpu, "speedInMHz", 1.0, true);
                self.text(cpu, "vendor", false);
            }
        }
        let tasks = list(execution, "tasks");
        self.check(!tasks.is_empty(), "no executed tasks");
        self.check(tasks.iter().map(id).collect::<BTreeSet<_>>().len() == tasks.len(), "executed twice");
        for task in tasks {
            self.check(known.contains(id(task)), format!("unknown {task}"));
            self.check(task["runtimeInSeconds"].is_number(), format!("run time of {task}"));
            self.text(task, "executedAt", false);
            self.number(task, "coreCount", 1.0, false);
            for name in ["avgCPU", "readBytes", "writtenBytes", "memoryInBytes", "energyInKWh", "avgPowerInW"]
            {
                self.number(task, name, f64::MIN, false);
            }
            self.number(task, "priority", f64::MIN, false);
            if let Some(command) = task.get("command") {
                self.text(command, "program", false);
                self.check(
                    texts(command, "arguments").iter().all(|text| !text.is_empty()),
                    format!("{command}"),
                );
            }
            for machine in texts(task, "machines") {
                let listed = machines.is_empty() || names.contains(machine);
                self.check(!machine.is_empty() && listed, format!("machine {machine} of {task}"));
            }
        }
        self.check(version == "1.6" || execution.get("metrics").is_none(), "metrics in 1.5");
        let sum: f64 = tasks.iter().filter_map(|task| task["runtimeInSeconds"].as_f64()).sum();
        let stated = execution["metrics"]["sumTaskRuntimesInSeconds"].as_f64();
        self.check(
            stated.is_none_or(|stated| (stated - sum).abs() <= 1e-6 * sum.max(1.0)),
            "sum of run times",
        );
    }
}

fn list<'v>(object: &'v Value, name: &str) -> &'v [Value] {
    object[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn texts<'v>(object: &'v Value, name: &str) -> Vec<&'v str> {
    list(object, name).iter().map(|text| text.as_str().expect("a text")).collect()
}

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap_or_default()
}

fn is_file(id: &str) -> bool {
    !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:#".contains(c))
}

fn is_task(id: &str, version: &str) -> bool {
    let marks = if version == "1.5" { "-_.#" } else { "-_.#:/" };
    !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
}
