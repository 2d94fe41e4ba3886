//! Building graphs, faults of a graph, and the order in which ready tasks are served.

use starline_edit::{Code, Edit, EditBatch, Fault, TaskGraph, check};
use starline_graph::topological_order;
use starline_scheduler::{Fleet, Rejection, Scheduler, Step};
use starline_types::{Dependency, EventKind, Payload, Revision, RunId, TaskDetails, TaskSpec, Timestamp};

use crate::job::{Job, task_id};
use crate::support::World;

/// The refusal of a graph; nothing is recorded and nothing asked for.
fn refused(job: &Job) -> Rejection {
    let mut step = Step::default();
    let run = RunId::new("r").expect("the name of a run");
    let made = Scheduler::create(run, job.plan(), None, Timestamp(0), &mut Fleet::new(), &mut step);
    let rejection = made.expect_err("a graph with a fault");
    assert!(step.events.is_empty() && step.effects.is_empty());
    rejection
}

fn only(rejection: &Rejection) -> &Fault {
    assert_eq!(rejection.faults.len(), 1, "{rejection}");
    &rejection.faults[0]
}

/// A graph after some edits, as an agent makes it step by step.
fn graph(job: &Job) -> TaskGraph {
    let mut graph = TaskGraph::default();
    let build = Edit::Build { graph: job.plan().graph, clear_existing: true };
    let batch = EditBatch { edits: vec![build], ..EditBatch::default() };
    let _ = check(&mut graph, &batch).expect("a graph without faults").commit();
    graph
}

fn edit(graph: &mut TaskGraph, edit: Edit) -> Result<(), Rejection> {
    let batch = EditBatch { base: graph.revision(), edits: vec![edit], ..EditBatch::default() };
    let _ = check(graph, &batch)?.commit();
    Ok(())
}

fn edge(from: &str, to: &str) -> Edit {
    Edit::AddDependency(Dependency::success(task_id(from), task_id(to)))
}

fn described(id: &str, description: &str) -> TaskSpec {
    let details = TaskDetails { description: description.into(), ..TaskDetails::default() };
    TaskSpec { details: Some(details.into()), ..TaskSpec::new(task_id(id), Payload::Noop) }
}

#[test]
fn scenario_g1_the_topological_order_follows_edges_before_insertion() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("t3 t1 t2 t1>t2 t2>t3"));
    let graph = world.scheduler().graph();
    let order: Vec<&str> = topological_order(graph).into_iter().map(|task| graph.id(task).as_str()).collect();
    assert_eq!(order, ["t1", "t2", "t3"]);
    world.run();
    assert_eq!(world.order(), ["t1", "t2", "t3"]);
}

#[test]
fn scenario_g2_a_cycle_is_refused_with_its_path() {
    let rejection = refused(&Job::new("A>B B>C C>A"));
    let fault = only(&rejection);
    assert_eq!((fault.edit, fault.code, fault.rule), (0, Code::WouldCycle, Some("I2")));
    let mut path: Vec<String> = fault.path.iter().map(ToString::to_string).collect();
    path.sort();
    assert_eq!(path, ["A", "B", "C"]);

    let mut graph = graph(&Job::new("A>B B>C"));
    let revision = graph.revision();
    let rejection = edit(&mut graph, edge("C", "A")).expect_err("a cycle");
    let fault = only(&rejection);
    assert_eq!((fault.edit, fault.code, fault.rule), (0, Code::WouldCycle, Some("I2")));
    assert_eq!((graph.edge_count(), graph.revision()), (2, revision));
}

#[test]
fn scenario_g3_a_task_cannot_wait_for_itself() {
    assert_eq!(only(&refused(&Job::new("A>A"))).code, Code::SelfDependency);
    let mut graph = graph(&Job::new("A"));
    let rejection = edit(&mut graph, edge("A", "A")).expect_err("an edge to itself");
    assert_eq!(only(&rejection).code, Code::SelfDependency);
}

#[test]
fn scenario_g4_a_second_task_of_the_same_id_is_refused() {
    let mut job = Job::new("A");
    job.graph.tasks.push(described("A", "new").into());
    let rejection = refused(&job);
    assert_eq!((only(&rejection).code, only(&rejection).item.as_str()), (Code::DuplicateTask, "A"));

    let mut graph = graph(&Job::new("A").task("A", |task| *task = described("A", "old")));
    let again = Edit::AddTask { task: described("A", "new").into(), after: vec![] };
    let rejection = edit(&mut graph, again).expect_err("a duplicate");
    assert_eq!(only(&rejection).code, Code::DuplicateTask);
    let spec = graph.spec(graph.find("A").expect("A"));
    assert_eq!(graph.len(), 1);
    assert_eq!(spec.details.as_ref().map(|details| details.description.as_str()), Some("old"));
    assert_eq!(graph.revision(), Revision(1), "the build alone");
}

#[test]
fn scenario_g5_an_edge_names_known_tasks() {
    let mut graph = graph(&Job::new("A"));
    for (from, to) in [("A", "B"), ("B", "A")] {
        let rejection = edit(&mut graph, edge(from, to)).expect_err("an unknown task");
        let fault = only(&rejection);
        assert_eq!((fault.code, fault.item.as_str()), (Code::UnknownTask, "B"));
        assert!(fault.hint.as_ref().is_some_and(|hint| hint.contains('A')), "{fault}");

        let mut job = Job::new("A");
        job.graph.dependencies.push(Dependency::success(task_id(from), task_id(to)));
        let rejection = refused(&job);
        assert_eq!((only(&rejection).code, only(&rejection).item.as_str()), (Code::UnknownTask, "B"));
    }
}

#[test]
fn every_fault_of_a_graph_is_told_at_once() {
    let mut job = Job::new("A>A B").script("B", "echo {{ nonsense").pin("A", "nowhere");
    job.graph.dependencies.push(Dependency::success(task_id("B"), task_id("zz")));
    let mut codes: Vec<&str> = refused(&job).faults.iter().map(|fault| fault.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert!(codes.contains(&"unknown_device") && codes.contains(&"invalid_template"), "{codes:?}");
}

#[test]
fn scenario_g7_ready_tasks_are_served_by_priority_then_insertion() {
    let mut world = World::new(&["d1"]);
    let job = Job::new("low crit med p q").priority("low", 25).priority("crit", 100).priority("p", 49);
    world.start(&job.priority("q", 49));
    world.run();
    assert_eq!(world.order(), ["crit", "med", "p", "q", "low"]);
    assert_eq!(world.facts(EventKind::TaskAssigned).len(), 5);
}
