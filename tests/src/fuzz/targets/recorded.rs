//! Imports of recorded workflows.

use starline_workflow::{
    ExportOptions, GalaxyExport, GalaxyOptions, Imported, LoadOptions, Workflow, export_galaxy,
    export_wfformat, import_galaxy, import_wfformat, to_yaml,
};

use super::files::is_compared;
use super::places;
use crate::fuzz::meter::call;
use crate::fuzz::seeds;

const RECORD: &str = r#"{"name": "two", "description": "a pair", "schemaVersion": "1.6", "createdAt": "2026-01-05T08:00:00Z",
"author": {"name": "n", "email": "e@x"}, "runtimeSystem": {"name": "r", "version": "1"},
"workflow": {"specification": {"tasks": [
  {"name": "split", "id": "split 1", "parents": [], "children": ["join"], "inputFiles": [], "outputFiles": ["f", "g"]},
  {"name": "join", "id": "join", "parents": ["split 1"], "children": [], "inputFiles": ["f"]},
  {"name": "lone", "id": "lone", "parents": [], "children": []}],
  "files": [{"id": "f", "sizeInBytes": 10}, {"id": "g", "sizeInBytes": 5}]},
"execution": {"makespanInSeconds": 4.5, "executedAt": "2026-01-05T08:00:00Z", "tasks": [
  {"id": "split 1", "runtimeInSeconds": 1.2345, "command": {"program": "split", "arguments": ["-x", "{{ y }}"]},
   "coreCount": 1.5, "memoryInBytes": 1000, "priority": 900, "machines": ["node/a", "node-b"], "avgCPU": 97.5},
  {"id": "join", "runtimeInSeconds": 2, "machines": ["node-b"], "priority": -3}],
  "machines": [{"nodeName": "node-b", "system": "linux", "cpu": {"coreCount": 4, "speedInMHz": 2400}, "memoryInBytes": 64},
  {"nodeName": "node/a"}]}}}"#;

pub(super) fn constellations() -> Vec<String> {
    let mut seeds = seeds::folder("crates/starline-workflow/tests/galaxy", &["json"]);
    let workflows = super::files::workflows();
    let options = LoadOptions::default();
    let read = workflows.iter().filter_map(|text| Workflow::parse(text.as_bytes(), &options).ok());
    let written: Vec<String> = read
        .filter_map(|workflow| Some(export_galaxy(&workflow, &GalaxyExport::default()).ok()?.json))
        .collect();
    seeds.extend(written.into_iter().filter(|text| text.len() < 24 << 10));
    seeds
}

pub(super) fn records() -> Vec<String> {
    let mut seeds = vec![RECORD.to_owned()];
    seeds.extend(seeds::folder("../shared/data/wfformat", &["json"]));
    seeds.extend(seeds::folder("../shared/data/workflows", &["json"]));
    seeds
}

pub(super) fn galaxy(bytes: &[u8]) -> bool {
    let sum = bytes.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let options =
        GalaxyOptions { inspect: sum % 2 == 1, strict: sum % 7 == 6, seed: 5, ..GalaxyOptions::default() };
    let imported = match call("import_galaxy", || import_galaxy(bytes, &options)) {
        Ok(imported) => imported,
        Err(problems) => {
            places::check(bytes, &problems);
            return false;
        }
    };
    let export = GalaxyExport {
        run_id: Some(imported.run_id.clone()),
        outcome: imported.outcome.as_ref(),
        revision: imported.revision,
        ..GalaxyExport::default()
    };
    if is_compared(&imported.workflow, bytes)
        && let Ok(written) = call("export_galaxy", || export_galaxy(&imported.workflow, &export))
    {
        let options = GalaxyOptions { strict: false, ..options };
        let mut read = import_galaxy(written.json.as_bytes(), &options);
        if let Ok(read) = &mut read {
            read.warnings.clone_from(&imported.warnings);
        }
        let same = read.as_ref() == Ok(&imported);
        assert!(same, "exported it imports as another one:\n{read:#?}\n{imported:#?}\n{}", written.json);
    }
    true
}

pub(super) fn wfformat(bytes: &[u8]) -> bool {
    let imported = match call("import_wfformat", || import_wfformat(bytes)) {
        Ok(imported) => imported,
        Err(problems) => {
            places::check(bytes, &problems);
            return false;
        }
    };
    let workflow = &imported.workflow;
    if is_compared(workflow, bytes) {
        let written = export(&imported);
        drop(call("to_yaml", || to_yaml(workflow)));
        // What a record leaves out may be made up, but only once.
        let read = import_wfformat(written.as_bytes()).expect("what is exported is imported");
        let size = |workflow: &Workflow| (workflow.graph.tasks.len(), workflow.graph.dependencies.len());
        assert_eq!(size(&read.workflow), size(workflow), "exported it has other tasks:\n{written}");
        let written = export(&read);
        let again = import_wfformat(written.as_bytes());
        let same = again
            .as_ref()
            .is_ok_and(|again| again.workflow == read.workflow && again.devices == read.devices);
        assert!(same, "exported it imports as another one:\n{again:#?}\n{read:#?}\n{written}");
    }
    true
}

fn export(imported: &Imported) -> String {
    let (workflow, devices) = (&imported.workflow, &imported.devices);
    let options = ExportOptions { devices, description: &workflow.description, ..ExportOptions::default() };
    call("export_wfformat", || export_wfformat(&workflow.graph, None, &options)).json
}
