//! Batches against a naive reference: the same verdicts, and nothing left behind by a refusal.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use starline_edit::{
    CheckedBatch, Code, Edit, EditBatch, GraphSpec, Place, Rejection, Revision, TaskGraph, check,
};
use starline_graph::audit;
use starline_types::{
    Dependency, DependencyId, DependencyKind, Exec, Millis, Payload, Shell, TaskId, TaskSpec,
};

fn id(n: u8) -> TaskId {
    TaskId::new(format!("t{n}")).expect("id")
}

fn task(n: u8) -> Arc<TaskSpec> {
    Arc::new(TaskSpec::new(id(n), Payload::Noop))
}

fn add(n: u8) -> Edit {
    Edit::AddTask { task: task(n), after: vec![] }
}

fn edge(from: u8, to: u8) -> Edit {
    Edit::AddDependency(Dependency::success(id(from), id(to)))
}

/// Checks edits by an author who has seen the graph as it is.
fn check_on(graph: &mut TaskGraph, edits: Vec<Edit>) -> Result<CheckedBatch<'_>, Rejection> {
    let base = graph.revision();
    check(graph, &EditBatch { base, edits, ..EditBatch::default() })
}

fn codes(graph: &mut TaskGraph, edits: Vec<Edit>) -> Vec<(usize, Code)> {
    match check_on(graph, edits) {
        Ok(_) => vec![],
        Err(rejection) => rejection.faults.iter().map(|fault| (fault.edit, fault.code)).collect(),
    }
}

/// The reference: sets of names and edges, a full search for every edge.
#[derive(Clone, Default)]
struct Naive {
    tasks: Vec<u8>,
    edges: Vec<(u8, u8)>,
}

impl Naive {
    fn reaches(&self, from: u8, to: u8) -> bool {
        from == to || self.edges.iter().any(|(a, b)| *a == from && self.reaches(*b, to))
    }

    /// The faults of a batch, with the edges judged at its end.
    fn apply(&mut self, edits: &[Edit]) -> Vec<(usize, Code)> {
        let before = self.clone();
        let mut faults = Vec::new();
        let mut edges = Vec::new();
        let number = |id: &TaskId| id.as_str()[1..].parse::<u8>().expect("number");
        for (at, edit) in edits.iter().enumerate() {
            match edit {
                Edit::AddTask { task, .. } if self.tasks.contains(&number(&task.id)) => {
                    faults.push((at, Code::DuplicateTask));
                }
                Edit::AddTask { task, .. } => self.tasks.push(number(&task.id)),
                Edit::AddDependency(dependency) => {
                    let (from, to) = (number(&dependency.from), number(&dependency.to));
                    let unknown = [from, to].iter().filter(|n| !self.tasks.contains(n)).count();
                    faults.extend(std::iter::repeat_n((at, Code::UnknownTask), unknown));
                    if unknown == 0 && from == to {
                        faults.push((at, Code::SelfDependency));
                    } else if unknown == 0 {
                        edges.push((at, from, to));
                    }
                }
                other => unreachable!("{} is not made here", other.op()),
            }
        }
        for (at, from, to) in edges {
            if self.reaches(to, from) {
                faults.push((at, Code::WouldCycle));
            } else {
                self.edges.push((from, to));
            }
        }
        faults.sort_by_key(|(at, _)| *at);
        if !faults.is_empty() {
            *self = before;
        }
        faults
    }
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let one = prop_oneof![(0..9_u8).prop_map(add), (0..9_u8, 0..9_u8).prop_map(|(from, to)| edge(from, to))];
    prop::collection::vec(one, 0..8)
}

/// Everything that can be seen of a graph. Labels may stay raised: the audit says that they are valid.
fn picture(graph: &TaskGraph) -> (GraphSpec, Revision, Vec<u32>) {
    let open = graph.in_order().iter().map(|task| graph.waits(*task).open).collect();
    (graph.to_spec(), graph.revision(), open)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn verdicts_are_those_of_the_reference(batches in prop::collection::vec(edits(), 1..6)) {
        let (mut graph, mut naive) = (TaskGraph::default(), Naive::default());
        for edits in batches {
            let before = picture(&graph);
            let expected = naive.apply(&edits);
            let verdict = check_on(&mut graph, edits.clone()).map(CheckedBatch::commit);
            match verdict {
                Ok(applied) => {
                    prop_assert_eq!(&expected, &vec![]);
                    prop_assert_eq!(applied.revision.0, before.1.0 + u64::from(!edits.is_empty()));
                }
                Err(rejection) => {
                    let found: Vec<_> = rejection.faults.iter().map(|fault| (fault.edit, fault.code)).collect();
                    prop_assert_eq!(found, expected);
                    prop_assert_eq!(picture(&graph), before);
                }
            }
            prop_assert_eq!((graph.len(), graph.edge_count()), (naive.tasks.len(), naive.edges.len()));
            prop_assert_eq!(audit(&graph), vec![]);
        }
    }

    #[test]
    fn a_dropped_check_leaves_nothing(first in edits(), second in edits()) {
        let mut graph = TaskGraph::default();
        if let Ok(checked) = check_on(&mut graph, first) {
            let _ = checked.commit();
        }
        let before = picture(&graph);
        drop(check_on(&mut graph, second));
        prop_assert_eq!(picture(&graph), before);
        prop_assert_eq!(audit(&graph), vec![]);
    }
}

#[test]
fn a_cycle_names_its_whole_path() {
    let mut graph = TaskGraph::default();
    let _ =
        check_on(&mut graph, vec![add(1), add(2), add(3), edge(1, 2), edge(2, 3)]).expect("valid").commit();
    let rejection = check_on(&mut graph, vec![edge(3, 1)]).expect_err("cycle");
    let fault = &rejection.faults[0];
    assert_eq!(fault.path, [id(3), id(1), id(2)]);
    assert_eq!(fault.rule, Some("I2"));
    assert_eq!(fault.to_string(), "edit 0: would_cycle: t3 -> t1 closes t1 -> t2 -> t3 -> t1");
}

#[test]
fn a_whole_graph_is_told_every_fault_at_its_place() {
    let mut slow = TaskSpec::new(id(7), Payload::Noop);
    slow.run_timeout = Some(Millis::ZERO);
    let spec = GraphSpec {
        tasks: vec![task(1), task(2), task(1), Arc::new(slow)],
        dependencies: vec![
            Dependency::success(id(1), id(2)),
            Dependency::success(id(1), id(9)),
            Dependency::success(id(2), id(2)),
            Dependency::success(id(2), id(7)),
        ],
        ..GraphSpec::default()
    };
    let build = Edit::Build { graph: Arc::new(spec), clear_existing: true };
    let mut empty = TaskGraph::default();
    let rejection = check_on(&mut empty, vec![build]).expect_err("faults");
    let found: Vec<_> = rejection.faults.iter().map(|fault| (fault.code, fault.place)).collect();
    assert_eq!(
        found,
        [
            (Code::DuplicateTask, Some(Place::Task(2))),
            (Code::InvalidValue, Some(Place::Task(3))),
            (Code::UnknownTask, Some(Place::Dependency(1))),
            (Code::SelfDependency, Some(Place::Dependency(2))),
        ],
        "{rejection}"
    );
}

#[test]
fn cycles_of_a_large_graph_are_found_in_one_pass_and_unwound() {
    let ids: Vec<TaskId> = (0..3_000).map(|n| TaskId::new(format!("t{n}")).expect("id")).collect();
    let mut dependencies: Vec<Dependency> =
        ids.windows(2).map(|pair| Dependency::success(pair[0].clone(), pair[1].clone())).collect();
    dependencies.push(Dependency::success(ids[2_999].clone(), ids[0].clone()));
    let tasks = ids.iter().map(|id| Arc::new(TaskSpec::new(id.clone(), Payload::Noop))).collect();
    let spec = GraphSpec { tasks, dependencies, ..GraphSpec::default() };
    let build = Edit::Build { graph: Arc::new(spec), clear_existing: false };
    let mut graph = TaskGraph::default();
    let _ = check_on(&mut graph, vec![add(250)]).expect("valid").commit();
    let before = picture(&graph);
    let clash = check_on(&mut graph, vec![build.clone()]).expect_err("t250 is there");
    assert_eq!(clash.faults[0].code, Code::DuplicateTask);
    let mut empty = TaskGraph::default();
    let rejection = check_on(&mut empty, vec![build]).expect_err("cycle");
    assert_eq!(rejection.faults.len(), 1, "{rejection}");
    assert_eq!(rejection.faults[0].path.len(), 3_000);
    assert_eq!(rejection.faults[0].place, Some(Place::Dependency(2_999)));
    assert_eq!(picture(&graph), before);
    assert_eq!(audit(&graph), []);
}

#[test]
fn every_cycle_of_a_large_graph_is_told() {
    // A chain of 2,000 tasks with three edges back, of which two share a task, and one of them twice.
    let ids: Vec<TaskId> = (0..2_000).map(|n| TaskId::new(format!("t{n}")).expect("id")).collect();
    let link = |from: usize, to: usize| Dependency::success(ids[from].clone(), ids[to].clone());
    let mut dependencies: Vec<Dependency> = (1..2_000).map(|n| link(n - 1, n)).collect();
    dependencies.extend([link(20, 10), link(30, 20), link(30, 20), link(1_500, 1_000)]);
    let tasks = ids.iter().map(|id| Arc::new(TaskSpec::new(id.clone(), Payload::Noop))).collect();
    let spec = GraphSpec { tasks, dependencies, ..GraphSpec::default() };
    let build = Edit::Build { graph: Arc::new(spec), clear_existing: false };
    let mut graph = TaskGraph::default();
    let before = picture(&graph);
    let rejection = check_on(&mut graph, vec![build]).expect_err("cycles");
    let mut found: Vec<_> = rejection.faults.iter().map(|fault| (fault.place, fault.path.len())).collect();
    found.sort_by_key(|(_, length)| *length);
    let at = |n: usize| Some(Place::Dependency(1_999 + n));
    assert_eq!(found, [(at(0), 11), (at(1), 11), (at(2), 11), (at(3), 501)], "{rejection}");
    assert!(rejection.faults.iter().all(|fault| fault.code == Code::WouldCycle));
    assert_eq!(picture(&graph), before);
    assert_eq!(audit(&graph), []);
}

#[test]
fn wrong_names_of_a_large_graph_are_all_told_and_some_with_hints() {
    let ids: Vec<TaskId> = (0..20_000).map(|n| TaskId::new(format!("t{n}")).expect("id")).collect();
    let wrong = |n: usize| TaskId::new(format!("x{n}")).expect("id");
    let dependencies =
        ids.iter().enumerate().map(|(n, id)| Dependency::success(wrong(n), id.clone())).collect();
    let tasks = ids.iter().map(|id| Arc::new(TaskSpec::new(id.clone(), Payload::Noop))).collect();
    let spec = GraphSpec { tasks, dependencies, ..GraphSpec::default() };
    let build = Edit::Build { graph: Arc::new(spec), clear_existing: false };
    let mut empty = TaskGraph::default();
    let rejection = check_on(&mut empty, vec![build]).expect_err("unknown tasks");
    assert_eq!(rejection.faults.len(), ids.len());
    assert!(rejection.faults.iter().all(|fault| fault.code == Code::UnknownTask));
    let hints: Vec<&String> = rejection.faults.iter().filter_map(|fault| fault.hint.as_ref()).collect();
    assert!(!hints.is_empty() && hints.len() < ids.len(), "hints cost less than the batch");
    assert!(hints.iter().all(|hint| hint.starts_with("known are t")), "{hints:?}");
}

#[test]
fn parallel_edges_get_numbers_and_given_ids_are_unique() {
    let mut graph = TaskGraph::default();
    let named = |name: &str| {
        let id_ = Some(DependencyId::new(name).expect("id"));
        Edit::AddDependency(Dependency { id: id_, ..Dependency::success(id(1), id(2)) })
    };
    let edits = vec![add(1), add(2), edge(1, 2), edge(1, 2), named("own")];
    let _ = check_on(&mut graph, edits).expect("valid").commit();
    let mut ids: Vec<String> = graph.all_edges().map(|edge| edge.id().to_string()).collect();
    ids.sort();
    assert_eq!(ids, ["own", "t1->t2", "t1->t2#2"]);
    assert_eq!(codes(&mut graph, vec![named("own")]), [(0, Code::DuplicateDependency)]);
    assert_eq!(codes(&mut graph, vec![named("t1->t2#2")]), [(0, Code::DuplicateDependency)]);
}

#[test]
fn what_depends_on_a_refused_edit_says_so_and_no_more() {
    let mut bad = TaskSpec::new(id(2), Payload::Exec(Arc::default()));
    bad.queue_timeout = Some(Millis(5));
    let edits = vec![add(1), Edit::AddTask { task: Arc::new(bad), after: vec![] }, edge(1, 2)];
    assert_eq!(
        codes(&mut TaskGraph::default(), edits),
        [(1, Code::InvalidValue), (2, Code::DependsOnRejected)]
    );
}

#[test]
fn conditions_and_references_are_checked_on_the_finished_draft() {
    let when =
        |text: &str| Edit::AddTask { task: task(2), after: vec![(id(1), DependencyKind::When(text.into()))] };
    let mut graph = TaskGraph::default();
    assert_eq!(codes(&mut graph, vec![add(1), when("outputs.x >")]), [(1, Code::InvalidCondition)]);
    assert_eq!(codes(&mut graph, vec![add(1), when("outputs.x > 1")]), []);
    let shell =
        Shell { script: "echo {{ tasks.t1.outputs.n }}".into(), env: BTreeMap::new(), ..Default::default() };
    let reader = Arc::new(TaskSpec::new(id(3), Payload::Sh(Arc::new(shell))));
    let reads = |after: Vec<(TaskId, DependencyKind)>| Edit::AddTask { task: Arc::clone(&reader), after };
    assert_eq!(codes(&mut graph, vec![add(1), reads(vec![])]), [(1, Code::ReferenceNotUpstream)]);
    assert_eq!(codes(&mut graph, vec![add(1), reads(vec![(id(1), DependencyKind::Success)])]), []);
}

#[test]
fn a_graph_of_nothing_but_faults_is_refused_in_bounded_memory() {
    let unknown = |n: usize| Dependency::success(TaskId::new(format!("u{n}")).expect("id"), id(0));
    let graph = GraphSpec {
        tasks: vec![task(0)],
        dependencies: (0..50_000).map(unknown).collect(),
        ..GraphSpec::default()
    };
    let edit = Edit::Build { graph: Arc::new(graph), clear_existing: false };
    let faults = check(&mut TaskGraph::default(), &EditBatch { edits: vec![edit], ..EditBatch::default() })
        .expect_err("refused")
        .faults;
    let (last, listed) = faults.split_last().expect("faults");
    assert_eq!(listed.len(), 20_000);
    assert!(listed.iter().all(|fault| fault.code == Code::UnknownTask));
    let said = "after 20000 faults, 30000 more dependencies were not looked at";
    assert_eq!((last.code, last.message.as_str()), (Code::LimitExceeded, said));
}

#[test]
fn what_no_program_can_be_given_is_a_fault() {
    let texts = |texts: &[(&str, &str)]| -> BTreeMap<String, String> {
        texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    let shell = |change: &dyn Fn(&mut Shell)| {
        let mut shell = Shell { script: "true".to_owned(), ..Shell::default() };
        change(&mut shell);
        Payload::Sh(Arc::new(shell))
    };
    let exec = |argv: &[&str]| {
        let argv = argv.iter().map(|text| (*text).to_owned()).collect();
        Payload::Exec(Arc::new(Exec { argv, ..Exec::default() }))
    };
    for (run, said) in [
        (shell(&|sh| sh.env = texts(&[("", "y")])), Some("run.env of task t1: \"\" is no name of")),
        (shell(&|sh| sh.env = texts(&[("A=B", "x")])), Some("run.env of task t1: \"A=B\" is no name of")),
        (shell(&|sh| sh.env = texts(&[("A\0", "x")])), Some("run.env of task t1: \"A\\0\" is no name of")),
        (
            shell(&|sh| sh.secrets = texts(&[("A=B", "S")])),
            Some("run.secrets of task t1: \"A=B\" is no name of"),
        ),
        (
            shell(&|sh| sh.env = texts(&[("A", "x\0")])),
            Some("run.env of task t1: the value of \"A\" has a NUL"),
        ),
        (
            shell(&|sh| sh.script = "echo {{ inputs.x }}\0".into()),
            Some("run.sh of task t1: the script has a NUL"),
        ),
        (shell(&|sh| sh.cwd = Some("a\0".into())), Some("run.cwd of task t1: the folder has a NUL")),
        (
            shell(&|sh| sh.collect = vec!["a\0".into()]),
            Some("run.collect of task t1: the path \"a\\0\" has a NUL"),
        ),
        (exec(&["echo", "a\0b"]), Some("run.exec of task t1: item 1 has a NUL")),
        (shell(&|sh| sh.stdin = Some("a\0".into())), None),
        (shell(&|sh| sh.env = texts(&[("a-b", "=")])), None),
        (exec(&["echo", ""]), None),
    ] {
        let mut graph = TaskGraph::default();
        let edit = Edit::AddTask { task: Arc::new(TaskSpec::new(id(1), run)), after: vec![] };
        let faults =
            check_on(&mut graph, vec![edit]).map_or_else(|rejection| rejection.faults, |_| Vec::new());
        let found: Vec<_> = faults.iter().map(|fault| (fault.code, fault.message.as_str())).collect();
        match said {
            Some(said) => {
                assert!(
                    matches!(found[..], [(Code::InvalidValue, text)] if text.starts_with(said)),
                    "{found:?}"
                );
            }
            None => assert_eq!(found, []),
        }
    }
}
