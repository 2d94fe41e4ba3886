//! The fields that a schema has are those that the reader of the file offers.

use std::collections::BTreeSet;

use starline_workflow::{
    BatchOptions, DeviceFile, LoadOptions, Problem, SchemaKind, Value, Workflow, read_batch, schema,
};

/// A field that nothing has.
const UNKNOWN: &str = "zzzzzzzz";

/// Objects of the schema of workflow files, each with a file that has an unknown field there; `""` is the file itself.
/// What the reader takes for one mapping may be several objects, of which one must fit.
const WORKFLOW: &[(&[&str], &str)] = &[
    (&[""], "{ version: 1, tasks: {}, HERE }"),
    (&["Input"], "{ version: 1, tasks: {}, inputs: { x: { default: a, HERE } } }"),
    (&["Defaults"], "{ version: 1, tasks: {}, defaults: { HERE } }"),
    (&["Retry"], "{ version: 1, tasks: {}, defaults: { retry: { HERE } } }"),
    (&["Run"], "{ version: 1, tasks: {}, run: { HERE } }"),
    (&["Task"], "{ version: 1, tasks: { a: { run: { noop: }, HERE } } }"),
    (&["Device"], "{ version: 1, tasks: { a: { run: { noop: }, device: { HERE } } } }"),
    (&["Estimate"], "{ version: 1, tasks: { a: { run: { noop: }, estimate: { HERE } } } }"),
    (&["Output"], "{ version: 1, tasks: { a: { run: { noop: }, outputs: { x: { from: stdout, HERE } } } } }"),
    (&["Gate"], "{ version: 1, tasks: { a: { run: { noop: }, approval: { prompt: x, HERE } } } }"),
    (
        &["Compensate"],
        "{ version: 1, tasks: { a: { run: { noop: }, compensate: { run: { noop: }, HERE } } } }",
    ),
    (
        &["Script", "Program", "Sleep", "Noop", "Prompt", "Call"],
        "{ version: 1, tasks: { a: { run: { noop: , HERE } } } }",
    ),
    (
        &["ConditionalEdge", "NotedEdge"],
        "{ version: 1, tasks: { a: { run: { noop: } }, b: { run: { noop: }, after: { a: { HERE } } } } }",
    ),
    (&["Policy"], "{ version: 1, tasks: {}, policy: { HERE } }"),
    (&["Patterns"], "{ version: 1, tasks: {}, policy: { only: { HERE } } }"),
    (&["PolicyLimits"], "{ version: 1, tasks: {}, policy: { limits: { HERE } } }"),
    (&["Editor"], "{ version: 1, tasks: {}, editor: { HERE } }"),
    (&["HoldSection"], "{ version: 1, tasks: {}, editor: { hold: { HERE } } }"),
    (&["Rule"], "{ version: 1, tasks: {}, editor: { scripted: [{ task: a, edits: [], HERE }] } }"),
    (&["OpenAi"], "{ version: 1, tasks: {}, editor: { openai: { base_url_env: A, model: m, HERE } } }"),
];

/// Objects that the reader does not take for a mapping of fields: an input with one of these names alone is a file, an
/// artefact or a value, and with any others it is a value; edits of rules are templates that are read when they apply.
const FREE: &[&str] = &["SentFile", "SentArtifact", "SentValue", "TemplatedEdit"];

/// As [`WORKFLOW`], for device files.
const DEVICES: &[(&[&str], &str)] = &[
    (&[""], "{ version: 1, devices: [], HERE }"),
    (&["Device"], "{ version: 1, devices: [{ id: a, kind: process, HERE }] }"),
    (&["Exec"], "{ version: 1, devices: [{ id: a, kind: process, exec: { HERE } }] }"),
    (&["Limits"], "{ version: 1, devices: [{ id: a, kind: process, exec: { limits: { HERE } } }] }"),
    (
        &["ProgramRule"],
        "{ version: 1, devices: [{ id: a, kind: process, exec: { programs: [{ path: /a, HERE }] } }] }",
    ),
    (
        &["ScriptFile"],
        "{ version: 1, devices: [{ id: a, kind: process, exec: { programs: [{ path: /a, script: { HERE } }] } }] }",
    ),
    (&["Ssh"], "{ version: 1, devices: [{ id: a, kind: ssh, address: 'ssh://a', ssh: { HERE } }] }"),
    (&["Auth"], "{ version: 1, devices: [{ id: a, kind: aip, listen: true, auth: { HERE } }] }"),
    (&["Network"], "{ version: 1, devices: [{ id: a, kind: aip, listen: true, network: { HERE } }] }"),
    (&["Connection"], "{ version: 1, devices: [{ id: a, kind: aip, listen: true, connection: { HERE } }] }"),
    (&["Link"], "{ version: 1, devices: [], links: [{ HERE }] }"),
];

/// As [`WORKFLOW`], for batches of edits.
const EDITS: &[(&[&str], &str)] = &[
    (&[""], "{ edits: [], HERE }"),
    (&["AddTask"], "{ edits: [{ op: add_task, HERE }] }"),
    (&["UpdateTask"], "{ edits: [{ op: update_task, HERE }] }"),
    (&["RemoveTask"], "{ edits: [{ op: remove_task, HERE }] }"),
    (&["AddDependency"], "{ edits: [{ op: add_dependency, HERE }] }"),
    (&["UpdateDependency"], "{ edits: [{ op: update_dependency, HERE }] }"),
    (&["RemoveDependency"], "{ edits: [{ op: remove_dependency, HERE }] }"),
    (&["Build"], "{ edits: [{ op: build, HERE }] }"),
    (&["Clear"], "{ edits: [{ op: clear, HERE }] }"),
    (&["Merge"], "{ edits: [{ op: merge, HERE }] }"),
    (&["ConditionalKind"], "{ edits: [{ op: add_dependency, kind: { HERE } }] }"),
    (&["NewTask"], "{ edits: [{ op: add_task, task: { id: a, HERE } }] }"),
    (&["TaskChange"], "{ edits: [{ op: update_task, id: a, set: { HERE } }] }"),
    (&["Graph"], "{ edits: [{ op: build, graph: { HERE } }] }"),
    (&["Task"], "{ edits: [{ op: build, graph: { tasks: { a: { HERE } } } }] }"),
    (&["ListedTask"], "{ edits: [{ op: merge, graph: { tasks: [{ id: a, HERE }] } }] }"),
    (&["Dependency"], "{ edits: [{ op: build, graph: { tasks: {}, dependencies: [{ HERE }] } }] }"),
    (&["Proposal"], "{ graph: { HERE } }"),
    (&["ProposedTask"], "{ graph: { tasks: { a: { HERE } } } }"),
    (&["ProposedListedTask"], "{ graph: { tasks: [{ id: a, HERE }] } }"),
    (&["ConditionalEdge", "NotedEdge"], "{ edits: [{ op: add_task, after: { a: { HERE } } }] }"),
    (
        &["Script", "Program", "Sleep", "Noop", "Prompt", "Call"],
        "{ edits: [{ op: update_task, id: a, set: { run: { HERE } } }] }",
    ),
    (&["Device"], "{ edits: [{ op: update_task, id: a, set: { device: { HERE } } }] }"),
    (&["Retry"], "{ edits: [{ op: update_task, id: a, set: { retry: { HERE } } }] }"),
    (&["Estimate"], "{ edits: [{ op: update_task, id: a, set: { estimate: { HERE } } }] }"),
    (&["Output"], "{ edits: [{ op: update_task, id: a, set: { outputs: { x: { HERE } } } }] }"),
    (&["Gate"], "{ edits: [{ op: update_task, id: a, set: { approval: { HERE } } }] }"),
    (&["Compensate"], "{ edits: [{ op: update_task, id: a, set: { compensate: { HERE } } }] }"),
];

/// Code, message and hint of something that is wrong.
type Told = (String, String, Option<String>);

fn told(problems: Vec<Problem>) -> Vec<Told> {
    problems.into_iter().map(|problem| (problem.code, problem.message, problem.hint)).collect()
}

/// Names that a reader offers for the unknown field, and how many it left out.
fn offered(told: &[Told]) -> (BTreeSet<String>, usize) {
    let unknown = told.iter().find(|(code, message, _)| code == "unknown_field" && message.contains(UNKNOWN));
    let hint = unknown.and_then(|(_, _, hint)| hint.as_deref()).expect("the field is told to be unknown");
    let (_, listed) = hint.split_once("valid are ").expect("names are listed");
    let (listed, more) = match listed.split_once(" and ") {
        Some((listed, more)) => {
            (listed, more.split(' ').next().and_then(|more| more.parse().ok()).unwrap_or(0))
        }
        None => (listed, 0),
    };
    (listed.split(", ").map(str::to_owned).collect(), more)
}

fn properties(schema: &Value, name: &str) -> BTreeSet<String> {
    let object = if name.is_empty() { schema } else { &schema["$defs"][name] };
    object["properties"].as_object().unwrap_or_else(|| panic!("{name} has fields")).keys().cloned().collect()
}

fn compare(kind: SchemaKind, places: &[(&[&str], &str)], free: &[&str], read: impl Fn(&str) -> Vec<Told>) {
    let schema = schema(kind);
    for (names, file) in places {
        let (offered, more) = offered(&read(&file.replace("HERE", &format!("{UNKNOWN}: 1"))));
        let described: BTreeSet<String> = names.iter().flat_map(|name| properties(&schema, name)).collect();
        if more == 0 {
            assert_eq!(offered, described, "{names:?}");
        } else {
            assert!(offered.is_subset(&described), "{names:?}: {offered:?}");
            assert_eq!(offered.len() + more, described.len(), "{names:?}");
        }
    }
    let compared: BTreeSet<&str> = places.iter().flat_map(|(names, _)| *names).chain(free).copied().collect();
    let definitions = schema["$defs"].as_object().expect("definitions");
    let objects = definitions.iter().filter(|(_, schema)| schema["properties"].is_object());
    let all: BTreeSet<&str> = objects.map(|(name, _)| name.as_str()).chain([""]).collect();
    assert_eq!(compared, all, "every object of the schema is compared");
}

#[test]
fn workflow_files_have_the_fields_of_their_schema() {
    compare(SchemaKind::Workflow, WORKFLOW, FREE, |file| {
        told(Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect_err("an unknown field"))
    });
}

#[test]
fn device_files_have_the_fields_of_their_schema() {
    compare(SchemaKind::Devices, DEVICES, &[], |file| {
        told(DeviceFile::parse(file.as_bytes()).expect_err("an unknown field"))
    });
}

#[test]
fn batches_have_the_fields_of_their_schema() {
    compare(SchemaKind::Edit, EDITS, &["SentFile", "SentArtifact", "SentValue"], |batch| {
        let read = read_batch(batch.as_bytes(), &BatchOptions::default()).expect("a batch");
        let faults = read.unread.faults.into_iter();
        faults.map(|fault| (fault.code.to_string(), fault.message, fault.hint)).collect()
    });
}

#[test]
fn every_field_is_in_the_readme() {
    let readme = include_str!("../../../README.md");
    let words: BTreeSet<&str> = readme
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .collect();
    for kind in [SchemaKind::Workflow, SchemaKind::Devices] {
        let schema = schema(kind);
        let definitions = schema["$defs"].as_object().expect("definitions");
        // What an edit may have is told where edits are.
        let objects = definitions
            .iter()
            .filter(|(name, object)| object["properties"].is_object() && *name != "TemplatedEdit");
        for (name, _) in objects {
            let missing: Vec<String> = properties(&schema, name)
                .into_iter()
                .filter(|field| !words.contains(field.as_str()))
                .collect();
            assert!(missing.is_empty(), "{name}: {missing:?}");
        }
    }
}
