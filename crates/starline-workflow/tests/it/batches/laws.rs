//! What is written reads back equal.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use starline_edit::{TaskGraph, check, diff};
use starline_types::{
    Dependency, DependencyId, DependencyKind, DependencyRef, Edit, EditBatch, FileInput, GraphSpec, HoldId,
    RequestId, Revision, TaskDetails, TaskField, TaskId, TaskSpec,
};
use starline_workflow::{BatchOptions, SchemaKind, Value, WriteError, propose, read_batch, write_batch};

use crate::schema::{refusals, validator};
use crate::workflow::arbitrary::{graph, kind, task, text};

fn id() -> impl Strategy<Value = TaskId> {
    "[A-Za-z0-9._:#-]{1,12}".prop_map(|text| TaskId::new(text).expect("an id"))
}

fn dependency_id() -> impl Strategy<Value = DependencyId> {
    "[A-Za-z0-9._:#>-]{1,12}".prop_map(|text| DependencyId::new(text).expect("an id"))
}

fn note() -> impl Strategy<Value = Option<Arc<str>>> {
    option::of(text().prop_filter("some", |text| !text.is_empty()).prop_map(Arc::from))
}

fn dependency() -> impl Strategy<Value = Dependency> {
    (option::of(dependency_id()), id(), id(), kind(), note())
        .prop_map(|(id, from, to, kind, note)| Dependency { id, from, to, kind, note })
}

fn reference() -> impl Strategy<Value = DependencyRef> {
    prop_oneof![
        dependency_id().prop_map(|id| DependencyRef::Id { id }),
        (id(), id()).prop_map(|(from, to)| DependencyRef::Ends { from, to }),
    ]
}

/// A field that a file can say.
fn whole(spec: TaskSpec) -> TaskSpec {
    let mut spec = spec;
    if let Some(details) = &mut spec.details {
        let details = Arc::make_mut(details);
        // An artefact is sent by edits as well.
        if let Ok(task) = TaskId::new("scan:b") {
            details.files.insert("sent".to_owned(), FileInput::Output { task, output: "x y".to_owned() });
        }
        spec.inputs.remove("sent");
    }
    spec
}

/// Every field of a task, in some order, or a part of them.
fn fields() -> impl Strategy<Value = Vec<TaskField>> {
    let picked = prop_oneof![Just(vec![true; 16]), vec(any::<bool>(), 16)];
    (task().prop_map(whole), picked, any::<prop::sample::Index>()).prop_map(|(spec, picked, turn)| {
        let none = TaskDetails::default();
        let details = spec.details.as_deref().unwrap_or(&none);
        let mut all = vec![
            vec![TaskField::Run(spec.run.clone())],
            vec![TaskField::Device(spec.device.clone())],
            vec![TaskField::Priority(spec.priority)],
            vec![TaskField::QueueTimeout(spec.queue_timeout)],
            vec![TaskField::RunTimeout(spec.run_timeout)],
            vec![TaskField::Retry(spec.retry.clone())],
            vec![TaskField::Idempotent(spec.idempotent)],
            vec![TaskField::Estimate(spec.estimate.clone())],
            vec![TaskField::Inputs(spec.inputs.clone()), TaskField::Files(details.files.clone())],
            vec![TaskField::Outputs(spec.outputs.clone())],
            vec![TaskField::Name(details.name.clone())],
            vec![TaskField::Description(details.description.clone())],
            vec![TaskField::Tips(details.tips.clone())],
            vec![TaskField::Metadata(details.metadata.clone())],
            vec![TaskField::Approval(details.approval.clone())],
            vec![TaskField::Compensate(details.compensate.clone())],
        ];
        let names: BTreeSet<&str> = all.iter().map(|fields| fields[0].name()).collect();
        assert_eq!(names, TaskField::NAMES.into_iter().collect(), "every field is here");
        let turn = turn.index(all.len());
        all.rotate_left(turn);
        all.into_iter().zip(picked).filter(|(_, picked)| *picked).flat_map(|(fields, _)| fields).collect()
    })
}

fn after() -> impl Strategy<Value = Vec<(TaskId, DependencyKind)>> {
    vec((id(), kind()), 0..4).prop_map(|mut after| {
        let mut seen = BTreeSet::new();
        after.retain(|(from, _)| seen.insert(from.clone()));
        after
    })
}

fn whole_graph() -> impl Strategy<Value = Arc<GraphSpec>> {
    (graph(), vec(dependency(), 0..3)).prop_map(|(mut graph, more)| {
        graph.dependencies.extend(more);
        for edge in &mut graph.dependencies {
            edge.note = edge.note.take().filter(|note| !note.is_empty());
        }
        Arc::new(graph)
    })
}

fn edit() -> impl Strategy<Value = Edit> {
    let graph = || whole_graph().boxed();
    prop_oneof![
        3 => (id(), task().prop_map(whole).boxed(), after()).prop_map(|(id, task, after)| {
            Edit::AddTask { task: Arc::new(TaskSpec { id, ..task }), after }
        }),
        3 => (id(), fields().boxed()).prop_map(|(id, set)| Edit::UpdateTask { id, set }),
        1 => id().prop_map(|id| Edit::RemoveTask { id }),
        2 => dependency().prop_map(Edit::AddDependency),
        2 => (reference(), option::of(kind()), option::of(text().prop_map(Arc::from)))
            .prop_map(|(edge, kind, note)| Edit::UpdateDependency { edge, kind, note }),
        1 => reference().prop_map(|edge| Edit::RemoveDependency { edge }),
        1 => (graph(), any::<bool>()).prop_map(|(graph, clear_existing)| Edit::Build { graph, clear_existing }),
        1 => Just(Edit::Clear),
        1 => (graph(), text()).prop_map(|(graph, prefix)| Edit::Merge { graph, prefix: prefix.as_str().into() }),
    ]
}

pub(super) fn batch() -> impl Strategy<Value = EditBatch> {
    let request = option::of("[a-z0-9-]{1,9}".prop_map(|text| RequestId::new(text).expect("an id")));
    let head = (any::<u64>(), option::of(any::<u64>()), any::<bool>(), request, option::of(text()));
    (head, vec(edit(), 0..4)).prop_map(|((base, hold, keep_open, request, reason), edits)| EditBatch {
        base: Revision(base),
        hold: hold.map(HoldId),
        keep_open,
        request,
        reason,
        edits,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_equal(batch in batch()) {
        let json = write_batch(&batch).expect("expressible");
        let read = read_batch(json.as_bytes(), &BatchOptions::default())
            .map_err(|problems| TestCaseError::fail(format!("{}\n{json}", crate::listed(&problems))))?;
        prop_assert_eq!(&read.unread.faults, &vec![], "{}", json);
        prop_assert_eq!(&read.batch, &batch, "{}", json);
        prop_assert_eq!(read.unread.positions, (0..batch.edits.len()).collect::<Vec<_>>());
        prop_assert!(read.warnings.is_empty() && read.graph.is_none());
        let plain: Value = serde_json::from_str(&json).map_err(|error| TestCaseError::fail(format!("{error}\n{json}")))?;
        prop_assert_eq!(plain["base"].as_u64(), Some(batch.base.0));
    }

    #[test]
    fn what_is_written_has_the_form_of_the_schema(batch in batch()) {
        let sets_nothing = batch.edits.iter().any(|edit| match edit {
            Edit::UpdateTask { set, .. } => set.is_empty(),
            Edit::UpdateDependency { kind, note, .. } => kind.is_none() && note.is_none(),
            _ => false,
        });
        prop_assume!(!sets_nothing);
        let json = write_batch(&batch).expect("expressible");
        let value: Value = serde_json::from_str(&json).expect("json");
        let refusals = refusals(validator(SchemaKind::Edit), &value);
        prop_assert!(refusals.is_empty(), "{:?}\n{}", refusals, json);
    }

    #[test]
    fn a_proposal_that_says_everything_is_a_difference((from, to) in (graph(), graph())) {
        let mut known = TaskGraph::default();
        let build = Edit::Build { graph: Arc::new(from), clear_existing: false };
        let build = EditBatch { edits: vec![build], ..EditBatch::default() };
        prop_assume!(check(&mut known, &build).map(starline_edit::CheckedBatch::install).is_ok());
        let json = write_batch(&EditBatch {
            edits: vec![Edit::Build { graph: Arc::new(to.clone()), clear_existing: true }],
            ..EditBatch::default()
        })
        .expect("expressible");
        let value: Value = serde_json::from_str(&json).expect("json");
        let graph = full(value["edits"][0]["graph"].clone());
        let text = serde_json::json!({ "graph": graph }).to_string();
        let read = read_batch(text.as_bytes(), &BatchOptions::default()).expect("a batch");
        prop_assert_eq!(&read.unread.faults, &vec![]);
        let proposal = propose(&known, &read.graph.expect("a graph"));
        prop_assert_eq!(&proposal.unread.faults, &vec![]);
        let known_spec = known.to_spec();
        let same = |batch: &EditBatch| {
            let mut graph = TaskGraph::default();
            let build = Edit::Build { graph: Arc::new(known_spec.clone()), clear_existing: false };
            let build = EditBatch { edits: vec![build], ..EditBatch::default() };
            check(&mut graph, &build).expect("valid").install();
            let _ = check(&mut graph, batch).expect("valid").commit();
            let GraphSpec { tasks, mut dependencies, .. } = graph.to_spec();
            dependencies.sort_by_key(|edge| (edge.from.clone(), edge.to.clone()));
            for edge in &mut dependencies {
                edge.note = edge.note.take().filter(|note| !note.is_empty());
            }
            (tasks, dependencies)
        };
        prop_assert_eq!(same(&proposal.batch), same(&diff(&known, &to).batch));
    }
}

/// A graph with every field of every task, those that are absent as `null`, and all dependencies.
fn full(mut graph: Value) -> Value {
    for task in graph["tasks"].as_array_mut().into_iter().flatten() {
        for name in TaskField::NAMES {
            if task.get(name).is_none() {
                task[name] = Value::Null;
            }
        }
    }
    if graph.get("dependencies").is_none() {
        graph["dependencies"] = Value::Array(Vec::new());
    }
    for edge in graph["dependencies"].as_array_mut().into_iter().flatten() {
        if edge.get("kind").is_none() {
            edge["kind"] = "success".into();
        }
        if edge.get("note").is_none() {
            edge["note"] = "".into();
        }
    }
    graph
}

#[test]
fn a_new_task_may_wait_twice_for_one_task() {
    let id = |text: &str| TaskId::new(text).expect("an id");
    let task = Arc::new(TaskSpec::new(id("a"), starline_types::Payload::Noop));
    let after = vec![(id("b"), DependencyKind::Success), (id("b"), DependencyKind::Failure)];
    let edits = vec![Edit::AddTask { task, after }];
    let written =
        write_batch(&EditBatch { edits: edits.clone(), ..EditBatch::default() }).expect("expressible");
    let read = read_batch(written.as_bytes(), &BatchOptions::default()).expect("what was written");
    assert_eq!(read.batch.edits, edits, "{written}");
}

#[test]
fn what_no_author_can_say_is_refused() {
    let id = |text: &str| TaskId::new(text).expect("an id");
    let write = |edit: Edit| write_batch(&EditBatch { edits: vec![edit], ..EditBatch::default() });
    let restore = Edit::Restore { tasks: Vec::new(), dependencies: Vec::new() };
    assert_eq!(write(restore), Err(WriteError::Restore(0)));
    let update = |set: Vec<TaskField>| write(Edit::UpdateTask { id: id("a"), set });
    assert_eq!(update(vec![TaskField::Inputs(<_>::default())]), Err(WriteError::HalfOfInputs(id("a"))));
    assert_eq!(update(vec![TaskField::Files(<_>::default())]), Err(WriteError::HalfOfInputs(id("a"))));
    let twice = vec![TaskField::Idempotent(true), TaskField::Idempotent(false)];
    assert_eq!(update(twice), Err(WriteError::RepeatedField { task: id("a"), field: "idempotent" }));
    let deep = (0..70).fold(Value::Null, |inner, _| Value::from(vec![inner]));
    let metadata = [("x".to_owned(), deep)].into();
    assert_eq!(update(vec![TaskField::Metadata(metadata)]), Err(WriteError::TooDeep));
}
