//! The numbered behaviours that live on this level.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_edit::{
    Applied, CheckedBatch, Code, Edit, EditBatch, GraphSpec, History, ModificationType, Origin, Rejection,
    Revision, TaskField, TaskGraph, check, diff, retry_task, subgraph,
};
use starline_graph::topological_order;
use starline_types::{
    Dependency, DependencyKind, DependencyRef, DeviceIx, OutcomeStatus, Payload, Prompt, TaskId, TaskIx,
    TaskSpec, Timestamp,
};

use crate::generate::task_id;

fn task(id: &str) -> Arc<TaskSpec> {
    Arc::new(TaskSpec::new(task_id(id), Payload::Noop))
}

/// A task that reads from another one.
pub(crate) fn reader(id: &str, of: &str) -> Arc<TaskSpec> {
    let text = format!("{{{{ tasks[\"{of}\"].result }}}}");
    Arc::new(TaskSpec::new(task_id(id), Payload::Prompt(Arc::new(Prompt { text }))))
}

pub(crate) fn add(id: &str) -> Edit {
    Edit::AddTask { task: task(id), after: vec![] }
}

pub(crate) fn after(id: &str, sources: &[&str]) -> Edit {
    let after = sources.iter().map(|source| (task_id(source), DependencyKind::Success)).collect();
    Edit::AddTask { task: task(id), after }
}

pub(crate) fn dependency(from: &str, to: &str) -> Dependency {
    Dependency::success(task_id(from), task_id(to))
}

pub(crate) fn edge(from: &str, to: &str) -> Edit {
    Edit::AddDependency(dependency(from, to))
}

pub(crate) fn remove(id: &str) -> Edit {
    Edit::RemoveTask { id: task_id(id) }
}

pub(crate) fn cut(from: &str, to: &str) -> Edit {
    Edit::RemoveDependency { edge: DependencyRef::Ends { from: task_id(from), to: task_id(to) } }
}

fn set(id: &str, fields: Vec<TaskField>) -> Edit {
    Edit::UpdateTask { id: task_id(id), set: fields }
}

pub(crate) fn describe(id: &str, text: &str) -> Edit {
    set(id, vec![TaskField::Description(text.to_owned())])
}

pub(crate) fn build(tasks: &[&str], edges: &[(&str, &str)]) -> GraphSpec {
    GraphSpec {
        tasks: tasks.iter().map(|id| task(id)).collect(),
        dependencies: edges.iter().map(|(from, to)| dependency(from, to)).collect(),
        ..GraphSpec::default()
    }
}

pub(crate) fn submit_at(graph: &mut TaskGraph, base: u64, edits: Vec<Edit>) -> Result<Applied, Rejection> {
    let batch = EditBatch { base: Revision(base), edits, ..EditBatch::default() };
    check(graph, &batch).map(CheckedBatch::commit)
}

pub(crate) fn submit(graph: &mut TaskGraph, edits: Vec<Edit>) -> Result<Applied, Rejection> {
    let base = graph.revision().0;
    submit_at(graph, base, edits)
}

/// A graph as it was submitted.
pub(crate) fn submitted(edits: Vec<Edit>) -> TaskGraph {
    let mut graph = TaskGraph::default();
    let batch = EditBatch { edits, ..EditBatch::default() };
    check(&mut graph, &batch).expect("valid").install();
    graph
}

pub(crate) fn codes(answer: Result<Applied, Rejection>) -> Vec<(usize, Code)> {
    let faults = answer.map(|_| vec![]).unwrap_or_else(|rejection| rejection.faults);
    faults.iter().map(|fault| (fault.edit, fault.code)).collect()
}

pub(crate) fn ix(graph: &TaskGraph, id: &str) -> TaskIx {
    graph.find(id).expect("a known task")
}

fn start(graph: &mut TaskGraph, id: &str) {
    let task = ix(graph, id);
    graph.start(task, 1, DeviceIx(0), Timestamp(1));
}

pub(crate) fn end(graph: &mut TaskGraph, id: &str, status: OutcomeStatus) {
    let task = ix(graph, id);
    graph.end(task, status, Timestamp(2), &[], |_, _| {});
}

pub(crate) fn ids(graph: &TaskGraph) -> Vec<String> {
    graph.in_order().iter().map(|task| graph.id(*task).to_string()).collect()
}

fn edges(graph: &TaskGraph) -> Vec<String> {
    graph.to_spec().dependencies.iter().map(|edge| format!("{}>{}", edge.from, edge.to)).collect()
}

#[test]
fn scenario_g1_topological_order() {
    let graph = submitted(vec![add("t3"), add("t1"), add("t2"), edge("t1", "t2"), edge("t2", "t3")]);
    let order: Vec<&str> = topological_order(&graph).iter().map(|task| graph.id(*task).as_str()).collect();
    assert_eq!(order, ["t1", "t2", "t3"]);
}

#[test]
fn scenario_g2_a_cycle_is_refused_with_its_path() {
    let mut graph = submitted(vec![add("A"), after("B", &["A"]), after("C", &["B"])]);
    let rejection = submit(&mut graph, vec![edge("C", "A")]).expect_err("a cycle");
    let fault = &rejection.faults[0];
    assert_eq!((fault.edit, fault.code, fault.rule), (0, Code::WouldCycle, Some("I2")));
    let mut path: Vec<&str> = fault.path.iter().map(TaskId::as_str).collect();
    path.sort_unstable();
    assert_eq!(path, ["A", "B", "C"]);
    assert_eq!((graph.edge_count(), graph.revision().0), (2, 0));
}

#[test]
fn scenario_g3_to_g5_names() {
    let mut graph = submitted(vec![add("A")]);
    assert_eq!(codes(submit(&mut graph, vec![edge("A", "A")])), [(0, Code::SelfDependency)]);
    let mut other = TaskSpec::clone(&task("A"));
    TaskField::Description("other".into()).exchange(&mut other);
    let twice = Edit::AddTask { task: Arc::new(other), after: vec![] };
    assert_eq!(codes(submit(&mut graph, vec![twice])), [(0, Code::DuplicateTask)]);
    assert_eq!((graph.len(), graph.spec(ix(&graph, "A")).details.as_ref()), (1, None));
    let unknown = submit(&mut graph, vec![remove("zz")]).expect_err("unknown");
    assert_eq!(unknown.faults[0].code, Code::UnknownTask);
    assert!(unknown.faults[0].hint.as_ref().is_some_and(|hint| hint.contains('A')));
    for unknown in [edge("A", "B"), edge("B", "A")] {
        let rejection = submit(&mut graph, vec![unknown]).expect_err("unknown");
        assert_eq!((rejection.faults[0].code, rejection.faults[0].item.as_str()), (Code::UnknownTask, "B"));
    }
}

#[test]
fn scenario_g6_a_task_takes_its_edges_along() {
    let mut graph = submitted(vec![add("A"), after("B", &["A"]), after("C", &["B", "A"])]);
    let _ = submit(&mut graph, vec![remove("B")]).expect("all are pending");
    assert_eq!((ids(&graph), edges(&graph)), (vec!["A".into(), "C".into()], vec!["A>C".to_owned()]));
}

#[test]
fn scenario_i2_only_pending_tasks_change() {
    let mut graph = submitted(vec![add("T")]);
    let _ = submit(&mut graph, vec![describe("T", "pending")]).expect("pending");
    start(&mut graph, "T");
    let refused = |graph: &mut TaskGraph| {
        let rejection = submit(graph, vec![describe("T", "late")]).expect_err("started");
        assert_eq!((rejection.faults[0].code, rejection.faults[0].rule), (Code::TaskNotPending, Some("I3")));
    };
    refused(&mut graph);
    use OutcomeStatus::{Cancelled, Completed, Failed, Skipped};
    for status in [Completed, Failed, Cancelled, Skipped] {
        let mut ended = graph.clone();
        end(&mut ended, "T", status);
        refused(&mut ended);
    }
}

#[test]
fn scenario_i3_edges_change_only_into_pending_tasks() {
    let mut graph = submitted(vec![add("R"), add("P")]);
    start(&mut graph, "R");
    assert_eq!(codes(submit(&mut graph, vec![edge("P", "R")])), [(0, Code::DependencyTargetNotPending)]);
    let _ = submit(&mut graph, vec![edge("R", "P")]).expect("the target is pending");
    assert_eq!(graph.waits(ix(&graph, "P")).open, 1);
}

#[test]
fn scenario_i4_one_fault_refuses_the_batch() {
    let mut graph = submitted(vec![add("A")]);
    let batch = vec![add("N"), describe("N", "new"), edge("N", "A"), edge("A", "N")];
    assert_eq!(codes(submit(&mut graph, batch)), [(3, Code::WouldCycle)]);
    assert_eq!((ids(&graph), graph.revision().0), (vec!["A".to_owned()], 0));
}

/// A graph with its history.
#[derive(Default)]
pub(crate) struct Edited {
    pub(crate) graph: TaskGraph,
    pub(crate) history: History,
}

impl Edited {
    fn commit(&mut self, batch: &EditBatch, origin: Origin) -> Applied {
        let applied = check(&mut self.graph, batch).expect("valid").commit();
        let applied = Applied { origin, ..applied };
        self.history.learn(&Arc::new(applied.clone()));
        applied
    }

    pub(crate) fn edit(&mut self, edits: Vec<Edit>) -> Applied {
        let base = self.graph.revision();
        self.commit(&EditBatch { base, edits, ..EditBatch::default() }, Origin::Edit)
    }

    pub(crate) fn undo(&mut self) -> u64 {
        let batch = self.history.undo(self.graph.revision(), None).expect("a commit");
        self.commit(&batch, Origin::Undo).revision.0
    }

    fn redo(&mut self) -> u64 {
        let batch = self.history.redo(self.graph.revision(), None).expect("a commit that was taken back");
        self.commit(&batch, Origin::Redo).revision.0
    }
}

#[test]
fn scenario_e1_undo_and_redo_raise_the_revision() {
    let mut edited = Edited::default();
    assert_eq!(edited.edit(vec![add("t1")]).revision.0, 1);
    assert_eq!((edited.undo(), edited.graph.len(), edited.history.len()), (2, 0, (0, 1)));
    assert_eq!((edited.redo(), edited.graph.len(), edited.history.len()), (3, 1, (1, 0)));
}

#[test]
fn scenario_e2_a_new_commit_clears_redo() {
    let mut edited = Edited::default();
    let _ = edited.edit(vec![add("t1")]);
    let _ = edited.edit(vec![add("t2")]);
    let _ = edited.edit(vec![edge("t1", "t2")]);
    edited.undo();
    assert_eq!((edited.graph.len(), edited.graph.edge_count()), (2, 0));
    edited.undo();
    assert_eq!(edited.graph.len(), 1);
    let _ = edited.edit(vec![add("t3")]);
    let none = edited.history.redo(edited.graph.revision(), None).expect_err("cleared");
    assert_eq!(none.faults[0].code, Code::NothingToRedo);
}

#[test]
fn scenario_e3_undo_restores_edges_notes_order_and_readiness() {
    let noted = Dependency { note: Some("x".into()), ..dependency("B", "C") };
    let mut edited = Edited {
        graph: submitted(vec![add("A"), after("B", &["A"]), add("C"), Edit::AddDependency(noted)]),
        history: History::default(),
    };
    let before = edited.graph.to_spec();
    let _ = edited.edit(vec![remove("B")]);
    assert!(edited.graph.waits(ix(&edited.graph, "C")).satisfied());
    edited.undo();
    assert_eq!(edited.graph.to_spec(), before);
    assert_eq!(edited.graph.waits(ix(&edited.graph, "C")).open, 1);
}

#[test]
fn scenario_e4_the_history_holds_a_hundred_commits() {
    let mut edited = Edited::default();
    for n in 0..101 {
        let _ = edited.edit(vec![add(&format!("t{n}"))]);
    }
    assert_eq!(edited.history.len(), (100, 0));
    (2..102).for_each(|n| assert_eq!(edited.undo(), 100 + n));
    assert_eq!(ids(&edited.graph), ["t0"]);
    let none = edited.history.undo(edited.graph.revision(), None).expect_err("forgotten");
    assert_eq!(none.faults[0].code, Code::NothingToUndo);
    let other =
        edited.history.redo(edited.graph.revision(), Some(Revision(3))).expect_err("another revision");
    assert_eq!(other.faults[0].code, Code::Conflict);
}

#[test]
fn scenario_e5_a_graph_is_built_beside_another() {
    let mut graph = submitted(vec![add("a")]);
    let beside = |id: &str| Edit::Build { graph: Arc::new(build(&[id], &[])), clear_existing: false };
    let _ = submit(&mut graph, vec![beside("x")]).expect("a new name");
    assert_eq!(ids(&graph), ["a", "x"]);
    assert_eq!(codes(submit(&mut graph, vec![beside("a")])), [(0, Code::DuplicateTask)]);
}

#[test]
fn scenario_e6_a_subgraph_is_induced() {
    let mut graph =
        submitted(vec![add("A"), after("B", &["A"]), after("C", &["A"]), after("D", &["B", "C"])]);
    graph.describe("plan".into(), BTreeMap::new());
    let part = subgraph(&graph, &[task_id("A"), task_id("B"), task_id("D")]).expect("known");
    assert_eq!((part.tasks.len(), part.name.as_str()), (3, "plan_subgraph"));
    let ends: Vec<String> =
        part.dependencies.iter().map(|edge| format!("{}>{}", edge.from, edge.to)).collect();
    assert_eq!(ends, ["A>B", "B>D"]);
}

#[test]
fn scenario_e7_a_graph_is_merged_under_a_prefix() {
    let mut graph = submitted(vec![add("a")]);
    let other = Arc::new(build(&["E", "F"], &[("E", "F")]));
    let _ =
        submit(&mut graph, vec![Edit::Merge { graph: other, prefix: "merged_".into() }]).expect("new names");
    assert_eq!(ids(&graph), ["a", "merged_E", "merged_F"]);
    assert_eq!(edges(&graph), ["merged_E>merged_F"]);
}

#[test]
fn scenario_e8_an_update_sets_something() {
    // Unknown fields, names of priorities and values beyond 100 are judged where edits are read.
    let mut graph = submitted(vec![add("A")]);
    let rejection = submit(&mut graph, vec![set("A", vec![])]).expect_err("nothing");
    assert_eq!(rejection.faults[0].code, Code::EmptyUpdate);
    assert!(rejection.faults[0].hint.as_ref().is_some_and(|hint| hint.contains("priority")));
    let high = TaskField::Priority(starline_types::Priority::HIGH);
    let _ = submit(&mut graph, vec![set("A", vec![high])]).expect("a value");
    assert_eq!(graph.priority(ix(&graph, "A")).value(), 75);
}

#[test]
fn scenario_e9_older_bases_are_rebased() {
    let mut graph = submitted(vec![add("merge"), add("scan_b"), add("other")]);
    for id in ["other", "scan_b", "other", "merge", "other"] {
        let text = graph.revision().0.to_string();
        let _ = submit(&mut graph, vec![describe(id, &text)]).expect("valid");
    }
    assert_eq!(graph.revision().0, 5);
    let applied = submit_at(&mut graph, 3, vec![describe("scan_b", "new")]).expect("not touched since");
    assert_eq!(applied.revision.0, 6);
    let rejection = submit_at(&mut graph, 3, vec![describe("merge", "new")]).expect_err("changed at 4");
    assert_eq!((rejection.current.0, rejection.changed()), (6, vec!["merge"]));
    assert_eq!(codes(submit_at(&mut graph, 9, vec![add("N")])), [(0, Code::UnknownRevision)]);
}

#[test]
fn scenario_e10_all_faults_are_in_one_answer() {
    let mut graph = submitted(vec![add("R")]);
    start(&mut graph, "R");
    let found = codes(submit(&mut graph, vec![remove("q"), add("N"), edge("N", "R")]));
    assert_eq!(found, [(0, Code::UnknownTask), (2, Code::DependencyTargetNotPending)]);
}

#[test]
fn scenario_e11_a_whole_graph_becomes_a_batch() {
    let mut graph = submitted(vec![add("done"), add("next")]);
    start(&mut graph, "done");
    let mut proposal = build(&["next"], &[]);
    TaskField::Description("other".into()).exchange(Arc::make_mut(&mut proposal.tasks[0]));
    let mut running = graph.clone();
    let found = diff(&running, &proposal);
    let refused = codes(submit(&mut running, found.batch.edits));
    assert_eq!(refused, [(0, Code::TaskNotPending)]);
    end(&mut graph, "done", OutcomeStatus::Completed);
    let found = diff(&graph, &proposal);
    assert_eq!(found.batch.edits, [describe("next", "other")]);
    let warnings: Vec<_> =
        found.warnings.iter().map(|warning| (warning.code, warning.item.as_str())).collect();
    assert_eq!(warnings, [("kept_started_task", "done")]);
    assert_eq!(check(&mut graph, &found.batch).expect("valid").commit().revision.0, 1);
}

#[test]
fn scenario_e12_the_change_in_one_word() {
    let mut graph = submitted(vec![add("A"), add("B"), add("C"), edge("A", "B")]);
    let mut kind = |edits: Vec<Edit>| {
        let base = graph.revision();
        let batch = EditBatch { base, edits, ..EditBatch::default() };
        check(&mut graph, &batch).expect("valid").applied().summary.modification_type
    };
    assert_eq!(kind(vec![add("N"), remove("C")]), ModificationType::TasksAddedAndRemoved);
    let tip = set("A", vec![TaskField::Tips(vec!["look".into()])]);
    assert_eq!(kind(vec![tip]), ModificationType::TaskPropertiesUpdated);
    assert_eq!(kind(vec![edge("B", "C"), cut("A", "B")]), ModificationType::DependenciesModified);
}

#[test]
fn scenario_e13_a_failed_task_is_tried_again() {
    let reads =
        Edit::AddTask { task: reader("B", "A"), after: vec![(task_id("A"), DependencyKind::Success)] };
    let mut graph = submitted(vec![add("S"), after("A", &["S"]), reads]);
    start(&mut graph, "S");
    end(&mut graph, "S", OutcomeStatus::Completed);
    start(&mut graph, "A");
    end(&mut graph, "A", OutcomeStatus::Failed);
    let batch = retry_task(&graph, &task_id("A")).expect("it failed");
    let _ = check(&mut graph, &batch).expect("valid").commit();
    assert_eq!(edges(&graph), ["S>A", "S>A.r2", "A.r2>B"]);
    assert!(graph.waits(ix(&graph, "A.r2")).satisfied());
    assert_eq!(graph.waits(ix(&graph, "B")).open, 1);
    start(&mut graph, "A.r2");
    end(&mut graph, "A.r2", OutcomeStatus::Completed);
    assert!(graph.waits(ix(&graph, "B")).satisfied());
    assert_eq!(starline_graph::references(graph.spec(ix(&graph, "B"))), ["A.r2"]);
}
