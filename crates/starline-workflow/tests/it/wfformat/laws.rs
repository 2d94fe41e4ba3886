//! Whatever is exported is valid, and records come back whole.

use std::collections::BTreeSet;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::json;
use starline_types::DependencyKind;
use starline_workflow::{
    ExportOptions, ImportOptions, Value, WfVersion, export_wfformat, import_wfformat_with,
};

use super::exported::{codes, export, import, outcome, parsed};
use super::schema::faults;
use crate::drawing::graphs::graph;
use crate::listed;
use crate::workflow::written::difference;

/// A valid record of one of the versions, with files, machines, measures and figures.
fn record() -> impl Strategy<Value = Value> {
    let number = || prop_oneof![(0..10_000_u64).prop_map(Value::from), (0.0..1e6_f64).prop_map(Value::from)];
    let word =
        || prop_oneof![3 => "[ -~]{1,12}", 1 => "\\PC{1,6}", 1 => Just("{{ x }} {% \"{{\" }}".to_owned())];
    let ids = prop_oneof![btree_set("[0-9a-zA-Z_.#-]{1,9}", 1..8), btree_set("[0-9a-zA-Z_.#:/-]{1,9}", 1..8)];
    let files = btree_map("[0-9a-zA-Z_./:#-]{1,12}", any::<u32>(), 0..6);
    let machine = (
        option::of(prop::sample::select(vec!["linux", "macos", "windows"])),
        (option::of("[a-z0-9_]{1,8}"), option::of("[a-z0-9.-]{1,8}")),
        option::of(1..1_000_000_u64),
        (option::of(1..200_u64), option::of(1..5_000_u64), option::of("[A-Za-z]{1,8}")),
    );
    let machines = btree_map("[a-z0-9.-]{1,8}", machine, 0..4);
    let command = option::of((word(), vec(word(), 0..3)));
    let priority = prop_oneof![(-5..200_i64).prop_map(Value::from), (0.0..100.0_f64).prop_map(Value::from)];
    let cores = prop_oneof![(1..64_u64).prop_map(Value::from), (1.0..64.0_f64).prop_map(Value::from)];
    let measured = (
        number(),
        command,
        (option::of(priority), option::of(cores), option::of(number())),
        vec(any::<prop::sample::Index>(), 0..3),
        btree_map(
            prop::sample::select(vec!["avgCPU", "readBytes", "writtenBytes", "energyInKWh"]),
            number(),
            0..3,
        ),
        any::<bool>(),
    );
    let indices = || vec(any::<prop::sample::Index>(), 0..4);
    let task = (word(), indices(), (indices(), indices()), option::weighted(0.9, measured));
    let about = (
        word(),
        option::of(word()),
        any::<bool>(),
        any::<bool>(),
        option::of(btree_map("[a-zA-Z]{1,8}|numberOfTasks|sumTaskRuntimesInSeconds", number(), 0..3)),
    );
    (ids, files, machines, vec(task, 8), about).prop_map(|(ids, files, machines, rows, about)| {
        let (name, description, executed, old, metrics) = about;
        let old = old && ids.iter().all(|id| !id.contains([':', '/']));
        let ids: Vec<String> = ids.into_iter().collect();
        let file_ids: Vec<&String> = files.keys().collect();
        let machine_ids: Vec<&String> = machines.keys().collect();
        let pick = |names: &[&String], indices: &[prop::sample::Index]| -> Vec<String> {
            let picked = indices.iter().filter(|_| !names.is_empty()).map(|index| index.get(names).to_string());
            picked.collect::<BTreeSet<_>>().into_iter().collect()
        };
        let mut parents: Vec<Vec<usize>> = Vec::new();
        for (at, (_, indices, _, _)) in rows.iter().enumerate().take(ids.len()) {
            let sources: BTreeSet<usize> = indices.iter().filter(|_| at > 0).map(|index| index.index(at)).collect();
            parents.push(sources.into_iter().rev().collect());
        }
        let (mut tasks, mut executions) = (Vec::new(), Vec::new());
        for (at, (id, (kind, _, (reads, writes), measured))) in ids.iter().zip(rows).enumerate() {
            let children: Vec<&String> =
                (0..ids.len()).filter(|child| parents[*child].contains(&at)).map(|child| &ids[child]).collect();
            tasks.push(json!({
                "name": kind, "id": id, "children": children,
                "parents": parents[at].iter().map(|parent| &ids[*parent]).collect::<Vec<_>>(),
                "inputFiles": pick(&file_ids, &reads), "outputFiles": pick(&file_ids, &writes),
            }));
            let Some((run_time, command, (priority, cores, memory), machines, measures, dated)) = measured else { continue };
            let mut task = json!({"id": id, "runtimeInSeconds": run_time, "machines": pick(&machine_ids, &machines)});
            if let Some((program, arguments)) = command {
                task["command"] = json!({"program": program, "arguments": arguments});
            }
            for (name, value) in [("priority", priority), ("coreCount", cores), ("memoryInBytes", memory)] {
                if let Some(value) = value {
                    task[name] = value;
                }
            }
            if dated {
                task["executedAt"] = json!("2026-01-05T08:00:00Z");
            }
            measures.into_iter().for_each(|(name, value)| task[name] = value);
            executions.push(task);
        }
        let files: Vec<Value> = files.iter().map(|(id, size)| json!({"id": id, "sizeInBytes": size})).collect();
        let mut file = json!({
            "name": name, "schemaVersion": if old { "1.5" } else { "1.6" }, "createdAt": "2026-01-05T08:00:00Z",
            "author": {"name": "a", "email": "a@example.org"},
            "workflow": {"specification": {"tasks": tasks, "files": files}, "runName": "mild"},
        });
        if let Some(description) = description {
            file["description"] = json!(description);
        }
        if let (Some(metrics), false) = (&metrics, old) {
            file["workflow"]["specification"]["metrics"] = json!(metrics);
        }
        if executed && !executions.is_empty() {
            let machines: Vec<Value> = machines.into_iter().map(|(name, (system, (architecture, release), memory, cpu))| {
                let mut machine = json!({"nodeName": name, "cpu": {}});
                let facts = [("system", json!(system)), ("architecture", json!(architecture)), ("release", json!(release)), ("memoryInBytes", json!(memory))];
                facts.into_iter().filter(|(_, fact)| !fact.is_null()).for_each(|(name, fact)| machine[name] = fact);
                let facts = [("coreCount", json!(cpu.0)), ("speedInMHz", json!(cpu.1)), ("vendor", json!(cpu.2))];
                facts.into_iter().filter(|(_, fact)| !fact.is_null()).for_each(|(name, fact)| machine["cpu"][name] = fact);
                machine
            }).collect();
            let execution = json!({"makespanInSeconds": 4.25, "executedAt": "20260105T080000+0000", "tasks": executions});
            file["workflow"]["execution"] = execution;
            if !machines.is_empty() {
                file["workflow"]["execution"]["machines"] = json!(machines);
            }
            if let (Some(metrics), false) = (metrics, old) {
                file["workflow"]["execution"]["metrics"] = json!(metrics);
            }
        }
        file
    })
}

fn version_of(record: &Value) -> WfVersion {
    if record["schemaVersion"] == "1.5" { WfVersion::V1_5 } else { WfVersion::V1_6 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Figures that a record states wrongly are corrected, which is the one thing that may change.
    #[test]
    fn records_come_back_whole(record in record(), pin in any::<bool>()) {
        let options = ImportOptions { pin, ..ImportOptions::default() };
        let read = |text: &str| import_wfformat_with(text.as_bytes(), &options)
            .map_err(|problems| TestCaseError::fail(format!("{}\n{text}", listed(&problems))));
        let mut imported = read(&record.to_string())?;
        prop_assert_eq!(difference(&imported.workflow), None);
        let exported = export(&imported, version_of(&record));
        prop_assert_eq!(faults(&parsed(&exported)), [""; 0], "{}", exported.json);
        prop_assert_eq!(codes(&exported), [""; 0]);
        let mut again = read(&exported.json)?;
        prop_assert_eq!(&again.devices, &imported.devices);
        let third = export(&again, version_of(&record));
        prop_assert_eq!(&third.json, &exported.json, "a second export differs");
        for workflow in [&mut imported.workflow, &mut again.workflow] {
            let graph = std::sync::Arc::make_mut(&mut workflow.graph);
            let kept = graph.metadata.get_mut("wfformat").and_then(Value::as_object_mut).expect("kept");
            for section in ["specificationMetrics", "executionMetrics"] {
                let Some(figures) = kept.get_mut(section).and_then(Value::as_object_mut) else { continue };
                figures.remove("numberOfTasks");
                figures.remove("sumTaskRuntimesInSeconds");
            }
        }
        prop_assert_eq!(again.workflow, imported.workflow, "{}", exported.json);
    }

    #[test]
    fn any_workflow_becomes_a_valid_record(graph in graph(), old in any::<bool>(), seed in 0..70_usize) {
        let version = if old { WfVersion::V1_5 } else { WfVersion::V1_6 };
        let options = ExportOptions { version, ..ExportOptions::default() };
        let outcome = outcome(&graph, seed);
        for outcome in [None, Some(&outcome)] {
            let exported = export_wfformat(&graph, outcome, &options);
            let written = parsed(&exported);
            prop_assert_eq!(faults(&written), [""; 0], "{}", exported.json);
            let tasks = written["workflow"]["specification"]["tasks"].as_array().map(Vec::len);
            prop_assert_eq!(tasks, Some(graph.tasks.len()));
            let lost = graph.dependencies.iter().filter(|edge| edge.kind != DependencyKind::Success);
            let told = exported.warnings.iter().filter(|warning| warning.code == "kind_lost");
            prop_assert_eq!(told.count(), lost.count());
            for warning in &exported.warnings {
                let there = written.pointer(&warning.pointer).is_some() || warning.code.ends_with("_lost");
                prop_assert!(there, "{} in {}", warning.pointer, exported.json);
            }
            // What was written once stays as it is.
            let imported = import(&exported.json);
            let again = import(&export(&imported, version).json);
            prop_assert_eq!(again.workflow, imported.workflow);
            prop_assert_eq!(again.devices, imported.devices);
        }
    }
}
