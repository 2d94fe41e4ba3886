//! Graphs: order, cycles, ids, and who goes first.

use starline_edit::Code;
use starline_graph::topological_order;
use starline_types::{Edit, TaskSpec};

use crate::scene::{add_edge, add_task, built, commit, graph, task};

crate::scenarios! {
    scenario_g7_age_wins_in_the_end => "g7_age_wins_in_the_end",
    scenario_g7_equal_priority_by_insertion => "g7_equal_priority_by_insertion",
    scenario_g7_urgent_tasks_first => "g7_urgent_tasks_first",
}

fn faults(rejection: &starline_edit::Rejection) -> Vec<(usize, Code, &str)> {
    rejection.faults.iter().map(|fault| (fault.edit, fault.code, fault.item.as_str())).collect()
}

#[test]
fn scenario_g1_topological_order() {
    let graph = built(graph(&["t3", "t1", "t2"], &["t1>t2", "t2>t3"]));
    let order: Vec<&str> =
        topological_order(&graph).into_iter().map(|task| graph.id(task).as_str()).collect();
    assert_eq!(order, ["t1", "t2", "t3"]);
}

#[test]
fn scenario_g2_a_cycle_is_named_and_refused() {
    let mut graph = built(graph(&["A", "B", "C"], &["A>B", "B>C"]));
    let before = graph.revision();
    let rejection = commit(&mut graph, vec![add_edge("C", "A")]).expect_err("a cycle");
    let [fault] = &rejection.faults[..] else { panic!("one fault: {rejection:?}") };
    assert_eq!((fault.edit, fault.code, fault.rule), (0, Code::WouldCycle, Some("I2")));
    let mut path: Vec<&str> = fault.path.iter().map(starline_types::TaskId::as_str).collect();
    path.sort_unstable();
    assert_eq!(path, ["A", "B", "C"]);
    assert_eq!((graph.edge_count(), graph.revision()), (2, before));
}

#[test]
fn scenario_g3_a_task_does_not_wait_for_itself() {
    let mut graph = built(graph(&["A"], &[]));
    let rejection = commit(&mut graph, vec![add_edge("A", "A")]).expect_err("a self-edge");
    assert_eq!(rejection.faults[0].code, Code::SelfDependency);
}

#[test]
fn scenario_g4_an_id_is_taken_once() {
    let mut graph = built(graph(&["A"], &[]));
    let mut other: TaskSpec = task("A");
    other.idempotent = true;
    let edit = Edit::AddTask { task: other.into(), after: Vec::new() };
    let rejection = commit(&mut graph, vec![edit]).expect_err("taken");
    assert_eq!(faults(&rejection), [(0, Code::DuplicateTask, "A")]);
    let found = graph.find("A").expect("still there");
    assert_eq!((graph.len(), graph.spec(found).idempotent), (1, false));
}

#[test]
fn scenario_g5_both_ends_of_an_edge_exist() {
    let mut graph = built(graph(&["A"], &[]));
    for (from, to) in [("A", "B"), ("B", "A")] {
        let rejection = commit(&mut graph, vec![add_edge(from, to)]).expect_err("unknown end");
        assert_eq!(faults(&rejection), [(0, Code::UnknownTask, "B")], "{from}>{to}");
    }
    assert_eq!(graph.edge_count(), 0);
    commit(&mut graph, vec![add_task("B"), add_edge("A", "B")]).expect("an edit may use an earlier one");
    assert_eq!((graph.len(), graph.edge_count()), (2, 1));
}
