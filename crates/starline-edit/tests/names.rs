//! Names in templates and conditions of live edits: what can never have a value is a fault.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_edit::{Code, Edit, EditBatch, Surroundings, TaskGraph, check_within};
use starline_types::{
    Dependency, DependencyKind, OutputSource, OutputSpec, OutputType, Payload, Prompt, TaskField, TaskId,
    TaskSpec, Value,
};

fn id(text: &str) -> TaskId {
    TaskId::new(text).expect("an id")
}

fn task(name: &str, prompt: &str, outputs: &[&str]) -> Arc<TaskSpec> {
    let mut spec = TaskSpec::new(id(name), Payload::Prompt(Arc::new(Prompt { text: prompt.to_owned() })));
    spec.outputs = declared(outputs).into();
    Arc::new(spec)
}

fn declared(outputs: &[&str]) -> BTreeMap<String, OutputSpec> {
    let output = |name: &&str| {
        ((*name).to_owned(), OutputSpec { from: OutputSource::Stdout, kind: OutputType::String })
    };
    outputs.iter().map(output).collect()
}

fn add(task: Arc<TaskSpec>, after: &[(&str, DependencyKind)]) -> Edit {
    Edit::AddTask { task, after: after.iter().map(|(from, kind)| (id(from), kind.clone())).collect() }
}

fn when(text: &str) -> DependencyKind {
    DependencyKind::When(text.into())
}

/// Edit, code and hint of each fault.
fn faults(graph: &mut TaskGraph, edits: Vec<Edit>) -> Vec<(usize, Code, String)> {
    let inputs = BTreeMap::from([("limit".to_owned(), Value::from(1))]);
    let around = Surroundings { inputs: Some(&inputs), ..Surroundings::default() };
    let batch = EditBatch { base: graph.revision(), edits, ..EditBatch::default() };
    match check_within(graph, &batch, &around) {
        Ok(checked) => {
            let _ = checked.commit();
            Vec::new()
        }
        Err(rejection) => {
            let told = |fault: starline_edit::Fault| (fault.edit, fault.code, fault.hint.unwrap_or_default());
            rejection.faults.into_iter().map(told).collect()
        }
    }
}

#[test]
fn names_that_lead_nowhere_are_faults_of_their_edits() {
    let mut graph = TaskGraph::default();
    let first = add(task("a", "look", &["total"]), &[]);
    let bad = [
        add(task("b", "{{ tasks.a.outputs.totl }} {{ limit }}", &[]), &[("a", DependencyKind::Success)]),
        add(task("c", "{{ inputs.limt }}", &[]), &[("a", when("outputs.totl > inputs.limit"))]),
    ];
    let found = faults(&mut graph, std::iter::once(first.clone()).chain(bad).collect());
    let known = |name: &str| format!("known are {name}");
    let expected = [
        (1, Code::InvalidTemplate, known("total")),
        (1, Code::InvalidTemplate, known("tasks, inputs")),
        (2, Code::InvalidTemplate, known("limit")),
        (2, Code::InvalidCondition, known("total")),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert!(
        expected.iter().all(|fault| fault.2 == known("tasks, inputs") || found.contains(fault)),
        "{found:?}"
    );
    assert!(graph.is_empty());
    let good = [
        add(
            task("b", "{{ tasks.a.outputs.total }} {{ inputs.limit }}", &[]),
            &[("a", DependencyKind::Success)],
        ),
        add(task("c", "{{ tasks.a.outputs.x | default(1) }}", &[]), &[("a", when("outputs.total == 'x'"))]),
    ];
    assert_eq!(faults(&mut graph, std::iter::once(first).chain(good).collect()), []);
    // What others read cannot be taken away, unless they are changed as well.
    let take = || Edit::UpdateTask { id: id("a"), set: vec![TaskField::Outputs(declared(&["sum"]).into())] };
    let codes: Vec<(usize, Code)> =
        faults(&mut graph, vec![take()]).into_iter().map(|(edit, code, _)| (edit, code)).collect();
    assert_eq!(codes, [(0, Code::InvalidTemplate), (0, Code::InvalidCondition)]);
    let mended = vec![
        take(),
        Edit::RemoveTask { id: id("b") },
        Edit::UpdateDependency {
            edge: starline_types::DependencyRef::Ends { from: id("a"), to: id("c") },
            kind: Some(when("outputs.sum == 'x'")),
            note: None,
        },
    ];
    assert_eq!(faults(&mut graph, mended), []);
    // A run without known inputs is not judged.
    let batch = EditBatch {
        base: graph.revision(),
        edits: vec![Edit::AddDependency(
            Dependency::success(id("a"), id("c")).with_kind(when("outputs.no == 1")),
        )],
        ..EditBatch::default()
    };
    assert!(check_within(&mut graph, &batch, &Surroundings::default()).is_ok());
}
