//! What is written reads back equal, whatever it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use starline_types::{
    Dependency, DependencyId, FileInput, GraphSpec, Payload, TaskDetails, TaskId, TaskSpec,
};
use starline_workflow::{LoadOptions, Value, Workflow, WriteError, to_json, to_yaml};

use super::arbitrary::workflow;
use crate::listed;

fn read_back(written: &str) -> Result<Workflow, TestCaseError> {
    Workflow::parse(written.as_bytes(), &LoadOptions::default())
        .map_err(|problems| TestCaseError::fail(format!("{}\n{written}", listed(&problems))))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_equal(workflow in workflow()) {
        let yaml = to_yaml(&workflow).expect("expressible");
        prop_assert_eq!(&read_back(&yaml)?, &workflow, "{}", yaml);
        let json = to_json(&workflow).expect("expressible");
        prop_assert_eq!(&read_back(&json)?, &workflow, "{}", json);
        let plain: Value = serde_json::from_str(&json).map_err(|error| TestCaseError::fail(format!("{error}\n{json}")))?;
        prop_assert_eq!(plain["version"].as_u64(), Some(1));
    }

    #[test]
    fn writing_is_stable(workflow in workflow()) {
        let yaml = to_yaml(&workflow).expect("expressible");
        prop_assert_eq!(to_yaml(&read_back(&yaml)?).expect("expressible"), yaml);
    }
}

#[test]
fn what_files_cannot_say_is_refused() {
    let task = |id: &str| Arc::new(TaskSpec::new(TaskId::new(id).expect("id"), Payload::Noop));
    let edge = Dependency::success(TaskId::new("a").expect("id"), TaskId::new("b").expect("id"));
    let write = |dependencies: Vec<Dependency>, metadata: Value| {
        let metadata = BTreeMap::from([("x".to_owned(), metadata)]);
        let graph =
            GraphSpec { tasks: vec![task("a"), task("b")], dependencies, metadata, ..GraphSpec::default() };
        to_yaml(&Workflow::new(graph))
    };
    let own = |id: &str| Dependency { id: DependencyId::new(id).ok(), ..edge.clone() };
    assert!(write(vec![own("a->b"), own("mine"), edge.clone(), edge.clone()], Value::Null).is_ok());
    let twice = write(vec![own("mine"), own("mine")], Value::Null);
    assert_eq!(twice, Err(WriteError::RepeatedId("mine".to_owned())));
    let twins = GraphSpec { tasks: vec![task("a"), task("a")], ..GraphSpec::default() };
    assert_eq!(to_yaml(&Workflow::new(twins)), Err(WriteError::RepeatedId("a".to_owned())));
    let nowhere = TaskId::new("c").expect("id");
    let lost = Dependency { to: nowhere.clone(), ..edge.clone() };
    assert_eq!(write(vec![lost], Value::Null), Err(WriteError::UnknownTask(nowhere.clone())));
    let lost = Dependency { from: nowhere.clone(), ..edge };
    assert_eq!(write(vec![lost], Value::Null), Err(WriteError::UnknownTask(nowhere)));
    let mut sent = TaskSpec::new(TaskId::new("a").expect("id"), Payload::Noop);
    sent.inputs = BTreeMap::from([("x".to_owned(), Value::Null)]).into();
    let file = FileInput::File { path: "x".to_owned(), artifact: None };
    let files = BTreeMap::from([("x".to_owned(), file)]);
    sent.details = Some(Arc::new(TaskDetails { files, ..TaskDetails::default() }));
    let graph = GraphSpec { tasks: vec![Arc::new(sent)], ..GraphSpec::default() };
    assert!(matches!(to_yaml(&Workflow::new(graph)), Err(WriteError::SameInput { .. })));
    let deep = |levels: usize| (0..levels).fold(Value::Null, |inner, _| Value::from(vec![inner]));
    assert!(
        write(Vec::new(), deep(62)).is_ok_and(|yaml| Workflow::parse(
            yaml.as_bytes(),
            &LoadOptions::default()
        )
        .is_ok())
    );
    assert_eq!(write(Vec::new(), deep(63)), Err(WriteError::TooDeep));
}
