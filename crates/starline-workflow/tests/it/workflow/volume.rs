//! Large files. What they take is measured in the benches; here they must be read at all.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use starline_types::{GraphSpec, Payload, TaskDetails, TaskId, TaskSpec};
use starline_workflow::{
    ExportOptions, Exported, GalaxyExport, GalaxyOptions, LoadOptions, Workflow, export_galaxy,
    export_wfformat, import_galaxy, import_wfformat, to_yaml,
};

use crate::{listed, load};

/// The most tasks that a file may have by default.
const TASKS: usize = 100_000;

#[test]
fn a_chain_of_all_tasks_is_read_and_written() {
    let mut file = "version: 1\ntasks:\n  t0: { run: { noop: } }\n".to_owned();
    for at in 1..TASKS {
        let _ = writeln!(file, "  t{at}: {{ run: {{ sh: echo {at} }}, after: [t{}] }}", at - 1);
    }
    let workflow = load(&file);
    assert_eq!((workflow.graph.tasks.len(), workflow.graph.dependencies.len()), (TASKS, TASKS - 1));
    assert!(to_yaml(&workflow).is_ok_and(|yaml| yaml.lines().count() > TASKS));
}

#[test]
fn a_cycle_of_all_tasks_is_told_once() {
    let mut file = "version: 1\ntasks:\n".to_owned();
    for at in 0..TASKS {
        let before = (at + TASKS - 1) % TASKS;
        let _ = writeln!(file, "  t{at}: {{ run: {{ noop: }}, after: [t{before}] }}");
    }
    let problems = Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect_err("a cycle");
    assert_eq!(problems.len(), 1, "{}", listed(&problems));
    assert_eq!((problems[0].code.as_str(), problems[0].path.len()), ("would_cycle", TASKS));
    assert!(problems[0].message.len() < 1_000, "{}", problems[0].message);
}

#[test]
fn a_fault_in_every_task_is_counted() {
    let mut file = "version: 1\ntasks:\n".to_owned();
    for at in 0..30_000 {
        let _ = writeln!(file, "  t{at}: {{ run: {{ sh: \"echo {{{{ tasks.x.result }}}}\" }} }}");
    }
    let problems = Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect_err("faults");
    assert_eq!(problems.len(), 1_001);
    assert!(problems[..1_000].iter().all(|problem| problem.code == "reference_not_upstream"));
    assert_eq!(problems[1_000].message, "29000 more problems are not listed");
}

#[test]
fn one_task_too_many_is_refused() {
    let mut file = "version: 1\nx: &x { run: { noop: } }\ntasks:\n".to_owned();
    for at in 0..=TASKS {
        let _ = writeln!(file, "  t{at}: *x");
    }
    let problems = Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect_err("too many");
    assert!(problems.iter().any(|problem| problem.code == "limit_exceeded"), "{}", listed(&problems));
}

/// Tasks that are 8 KiB each in every format.
fn heavy(tasks: usize) -> Workflow {
    let text = "x".repeat(8 << 10);
    let details = |at: usize| TaskDetails {
        description: format!("{at} {text}"),
        metadata: BTreeMap::from([("wfformat".to_owned(), serde_json::json!({ "type": text }))]),
        ..TaskDetails::default()
    };
    let task = |at: usize| {
        let id = TaskId::new(format!("t{at}")).expect("an id");
        TaskSpec { details: Some(Arc::new(details(at))), ..TaskSpec::new(id, Payload::Noop) }
    };
    Workflow::new(GraphSpec {
        tasks: (0..tasks).map(|at| Arc::new(task(at))).collect(),
        ..GraphSpec::default()
    })
}

fn codes(exported: &Exported) -> Vec<&str> {
    exported.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

#[test]
fn exports_that_cannot_be_read_again_are_told() {
    for (tasks, expected) in [(100, &[][..]), (2_200, &["not_importable"][..])] {
        let workflow = heavy(tasks);
        let record = export_wfformat(&workflow.graph, None, &ExportOptions::default());
        let galaxy = export_galaxy(&workflow, &GalaxyExport::default()).expect("expressible");
        assert_eq!((codes(&record), codes(&galaxy)), (expected.to_vec(), expected.to_vec()));
        let readable = expected.is_empty();
        assert_eq!(import_wfformat(record.json.as_bytes()).is_ok(), readable);
        assert_eq!(import_galaxy(galaxy.json.as_bytes(), &GalaxyOptions::default()).is_ok(), readable);
    }
}
