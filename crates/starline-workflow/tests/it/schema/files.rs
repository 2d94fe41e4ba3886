//! Files against their schemas: what is valid is accepted, and what is broken in structure is refused.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use starline_workflow::{DeviceFile, LoadOptions, Problem, SchemaKind, Value, Workflow, to_json};

use super::{as_json, refusals, validator};
use crate::devices::laws::device_file;
use crate::workflow::arbitrary::workflow;

/// Faults that no schema can see: their code, and words of the message where the code alone does not tell. A file is
/// expected to pass its schema if it has no others.
const BEYOND_STRUCTURE: &[(&str, &str)] = &[
    // Texts that no value can be made of.
    ("syntax_error", ""),
    // Gone once a file has become JSON.
    ("duplicate_key", ""),
    ("invalid_value", "has no meaning here"),
    ("invalid_value", "cannot be kept exactly"),
    // Sizes and counts of the file as a whole.
    ("limit_exceeded", ""),
    // Ids are unique over many mappings, and a schema looks at one at a time.
    ("duplicate_device", ""),
    ("duplicate_dependency", "exists already"),
    // What stands in one place names what stands in another.
    ("unknown_task", ""),
    ("unknown_device", ""),
    ("unknown_input", ""),
    ("unknown_output", ""),
    ("unknown_secret", ""),
    // Paths through the graph.
    ("self_dependency", ""),
    ("would_cycle", ""),
    ("reference_not_upstream", ""),
    // Texts in languages of their own.
    ("invalid_condition", ""),
    ("invalid_template", ""),
    // What is beside the file.
    ("file_not_readable", ""),
    // A pattern sees the unit of a time, and not how long it is.
    ("invalid_value", "is too long"),
    // The first of many texts, of which the others may be empty.
    ("invalid_value", "names no program"),
];

fn is_beyond(problem: &Problem) -> bool {
    BEYOND_STRUCTURE.iter().any(|(code, words)| problem.code == *code && problem.message.contains(words))
}

/// Longest file that is compared with its schema, in bytes: longer ones are about volume.
const MOST_BYTES: usize = 1 << 20;

/// Asserts that a valid file is accepted by its schema.
pub(crate) fn assert_accepted(kind: SchemaKind, file: &str) {
    if file.len() > MOST_BYTES {
        return;
    }
    let value = as_json(file).unwrap_or_else(|error| panic!("{error}\n{file}"));
    let refusals = refusals(validator(kind), &value);
    assert!(refusals.is_empty(), "{refusals:?}\n{file}");
}

fn folder(path: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<(String, String)> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "json"))
        .map(|path| {
            (
                path.display().to_string(),
                String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned(),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn example_files_are_accepted() {
    let examples = folder("../../docs/examples");
    assert!(examples.len() >= 2);
    for (name, file) in examples {
        let is_devices = DeviceFile::parse(file.as_bytes()).is_ok();
        let is_workflow = Workflow::parse(file.as_bytes(), &LoadOptions::default()).is_ok();
        assert!(is_devices != is_workflow, "{name}");
        assert_accepted(if is_devices { SchemaKind::Devices } else { SchemaKind::Workflow }, &file);
    }
}

/// Broken files of a kind that their schema accepts, although a fault is within its reach.
fn accepted(
    kind: SchemaKind,
    files: Vec<(String, String)>,
    problems: impl Fn(&str) -> Vec<Problem>,
) -> Vec<String> {
    let validator = validator(kind);
    let passes = |(name, file): (String, String)| {
        let problems = problems(&file);
        let within: Vec<String> =
            problems.iter().filter(|problem| !is_beyond(problem)).map(ToString::to_string).collect();
        let value = as_json(&file).ok()?;
        (!within.is_empty() && validator.is_valid(&value)).then(|| format!("{name}: {within:?}"))
    };
    files.into_iter().filter_map(passes).collect()
}

#[test]
fn broken_device_files_are_refused() {
    let files = folder("tests/broken_devices");
    assert!(files.len() >= 14);
    let wrong = accepted(SchemaKind::Devices, files, |file| {
        DeviceFile::parse(file.as_bytes()).expect_err("the file is broken")
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn broken_workflow_files_are_refused() {
    let table =
        crate::workflow::broken::TABLE.iter().map(|(file, ..)| ((*file).to_owned(), (*file).to_owned()));
    let mut wrong = accepted(SchemaKind::Workflow, table.collect(), crate::problems);
    let files = folder("tests/broken");
    assert!(files.len() >= 40);
    wrong.extend(accepted(SchemaKind::Workflow, files, |file| {
        Workflow::parse(file.as_bytes(), &crate::workflow::golden::options()).expect_err("the file is broken")
    }));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn workflows_are_accepted(workflow in workflow()) {
        let json = to_json(&workflow).expect("expressible");
        let value: Value = serde_json::from_str(&json).expect("json");
        let refusals = refusals(validator(SchemaKind::Workflow), &value);
        prop_assert!(refusals.is_empty(), "{:?}\n{}", refusals, json);
    }

    #[test]
    fn device_files_are_accepted(file in device_file()) {
        let yaml = file.to_yaml().expect("expressible");
        let value = as_json(&yaml).map_err(|error| TestCaseError::fail(format!("{error}\n{yaml}")))?;
        let refusals = refusals(validator(SchemaKind::Devices), &value);
        prop_assert!(refusals.is_empty(), "{:?}\n{}", refusals, yaml);
    }
}
