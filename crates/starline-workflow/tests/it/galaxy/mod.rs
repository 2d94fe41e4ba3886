//! Constellations: Galaxy's JSON in both directions.

mod codes;
mod examples;
mod inspected;
mod laws;

use starline_workflow::{
    GalaxyExport, GalaxyOptions, ImportedGalaxy, Problem, Value, Workflow, export_galaxy, import_galaxy,
};

use crate::listed;
use crate::workflow::written::assert_writable;

fn options(inspect: bool) -> GalaxyOptions {
    GalaxyOptions { inspect, ..GalaxyOptions::default() }
}

/// Imports a constellation that must be valid.
#[track_caller]
fn import(file: &str) -> ImportedGalaxy {
    import_with(file, &GalaxyOptions::default())
}

#[track_caller]
fn import_with(file: &str, options: &GalaxyOptions) -> ImportedGalaxy {
    match import_galaxy(file.as_bytes(), options) {
        Ok(imported) => {
            assert_writable(&imported.workflow);
            imported
        }
        Err(problems) => panic!("{}\n{file}", listed(&problems)),
    }
}

/// Problems of a constellation that must not be valid.
#[track_caller]
fn refused(file: &str) -> Vec<Problem> {
    match import_galaxy(file.as_bytes(), &GalaxyOptions::default()) {
        Ok(_) => panic!("the file is valid:\n{file}"),
        Err(problems) => problems,
    }
}

/// What an import writes again, in the same mode.
fn exported(imported: &ImportedGalaxy) -> String {
    let options = GalaxyExport {
        run_id: Some(imported.run_id.clone()),
        outcome: imported.outcome.as_ref(),
        revision: imported.revision,
        ..GalaxyExport::default()
    };
    export_galaxy(&imported.workflow, &options).expect("expressible").json
}

fn export(workflow: &Workflow) -> String {
    export_galaxy(workflow, &GalaxyExport::default()).expect("expressible").json
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("json")
}

/// Warnings as `code pointer item`.
fn warned(imported: &ImportedGalaxy) -> Vec<String> {
    let shown = imported.warnings.iter();
    shown.map(|warning| format!("{} {} {}", warning.code, warning.pointer, warning.item)).collect()
}
