//! Checks of what must hold in every graph, worked out anew and independently of how it is kept.

use std::fmt;

use rustc_hash::{FxHashMap, FxHashSet};
use starline_types::{DependencyId, OutcomeStatus, StateCounts, TaskId, TaskIx, TaskState, Verdict};

use crate::TaskGraph;
use crate::graph::EdgeKind;

/// Something that does not hold in a graph. An intact graph has none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Finding {
    /// The number of tasks in a state is not what the tasks say.
    Count {
        /// Word for the state.
        state: &'static str,
        /// What the graph keeps.
        kept: u32,
        /// What was counted.
        counted: u32,
    },
    /// A task runs an attempt or on a device that its record does not have: I1 could not be told.
    Attempt {
        /// The task.
        task: TaskId,
        /// Number of the live attempt.
        live: u32,
        /// Attempts of the record.
        recorded: u32,
    },
    /// Tasks are on a cycle or behind one: against I2.
    Cyclic {
        /// The tasks, in the order of insertion.
        tasks: Vec<TaskId>,
    },
    /// An edge does not go from a lower label to a higher one: the next cycle might not be found.
    Label {
        /// Source.
        from: TaskId,
        /// Target.
        to: TaskId,
        /// Label of the source.
        source: u32,
        /// Label of the target.
        target: u32,
    },
    /// The number of unresolved edges into a task is not what the states of their sources say.
    Open {
        /// The task.
        task: TaskId,
        /// What the graph keeps.
        kept: u32,
        /// What was counted.
        counted: u32,
    },
    /// The number of impossible edges into a task is not what the verdicts say.
    Impossible {
        /// The task.
        task: TaskId,
        /// What the graph keeps.
        kept: u32,
        /// What was counted.
        counted: u32,
    },
    /// A conditional edge has a verdict before its source has ended, or none after.
    Judgement {
        /// The edge.
        edge: DependencyId,
    },
    /// A task started or completed although an edge into it is not satisfied: against the rule behind I3.
    Early {
        /// The task.
        task: TaskId,
    },
    /// A task is not found by its id.
    Name {
        /// The task.
        task: TaskId,
    },
    /// The index of names has another size than the graph: it holds tasks that are gone.
    Names {
        /// What the index holds.
        kept: usize,
        /// Tasks of the graph.
        counted: usize,
    },
    /// Two tasks have the same rank of insertion, so that ties are not broken.
    Order {
        /// The later one by index.
        task: TaskId,
    },
    /// Two edges have the same rank of insertion, so that their order is lost when one of them comes back.
    EdgeOrder {
        /// The later one by index.
        edge: DependencyId,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { state, kept, counted } => write!(f, "{counted} tasks are {state}, kept is {kept}"),
            Self::Attempt { task, live, recorded } => {
                write!(f, "task {task} runs attempt {live}, its record has {recorded}")
            }
            Self::Cyclic { tasks } => {
                f.write_str("tasks on a cycle or behind one:")?;
                tasks.iter().take(20).try_for_each(|task| write!(f, " {task}"))?;
                if tasks.len() > 20 { f.write_str(" …") } else { Ok(()) }
            }
            Self::Label { from, to, source, target } => {
                write!(f, "edge {from}->{to} goes from label {source} to {target}")
            }
            Self::Open { task, kept, counted } => {
                write!(f, "task {task} has {counted} unresolved edges, kept is {kept}")
            }
            Self::Impossible { task, kept, counted } => {
                write!(f, "task {task} has {counted} impossible edges, kept is {kept}")
            }
            Self::Judgement { edge } => write!(f, "edge {edge} is judged too early or not at all"),
            Self::Early { task } => write!(f, "task {task} started before its edges were satisfied"),
            Self::Name { task } => write!(f, "task {task} is not found by its id"),
            Self::Names { kept, counted } => write!(f, "{counted} tasks have names, the index holds {kept}"),
            Self::Order { task } => write!(f, "task {task} has the insertion rank of another task"),
            Self::EdgeOrder { edge } => write!(f, "edge {edge} has the insertion rank of another edge"),
        }
    }
}

/// Everything that does not hold in a graph; empty if it is intact. O(n + m).
#[must_use]
pub fn audit(graph: &TaskGraph) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_states(graph, &mut findings);
    check_structure(graph, &mut findings);
    check_edges(graph, &mut findings);
    check_names(graph, &mut findings);
    check_ranks(graph, &mut findings);
    findings
}

fn check_states(graph: &TaskGraph, findings: &mut Vec<Finding>) {
    let mut counted = StateCounts::default();
    for task in graph.indices() {
        let record = graph.record(task);
        *counted.of(record.state) += 1;
        if let TaskState::Running { attempt, device } = record.state
            && (record.attempts != attempt || record.device != Some(device))
        {
            let task = graph.id(task).clone();
            findings.push(Finding::Attempt { task, live: attempt, recorded: record.attempts });
        }
    }
    let kept = graph.counts();
    for (state, kept, counted) in [
        ("pending", kept.pending, counted.pending),
        ("running", kept.running, counted.running),
        ("completed", kept.completed, counted.completed),
        ("failed", kept.failed, counted.failed),
        ("cancelled", kept.cancelled, counted.cancelled),
        ("skipped", kept.skipped, counted.skipped),
    ] {
        if kept != counted {
            findings.push(Finding::Count { state, kept, counted });
        }
    }
}

/// A full sort that looks at no label, and the labels of every edge.
fn check_structure(graph: &TaskGraph, findings: &mut Vec<Finding>) {
    let mut missing: FxHashMap<TaskIx, usize> = graph.indices().map(|task| (task, 0)).collect();
    for edge in graph.all_edges() {
        *missing.entry(edge.to).or_default() += 1;
        let (source, target) = (graph.level(edge.from), graph.level(edge.to));
        if source >= target {
            let (from, to) = (graph.id(edge.from).clone(), graph.id(edge.to).clone());
            findings.push(Finding::Label { from, to, source, target });
        }
    }
    let mut free: Vec<TaskIx> = graph.indices().filter(|task| missing[task] == 0).collect();
    while let Some(task) = free.pop() {
        missing.remove(&task);
        for edge in graph.outgoing(task) {
            if let Some(left) = missing.get_mut(&edge.to) {
                *left -= 1;
                if *left == 0 {
                    free.push(edge.to);
                }
            }
        }
    }
    if !missing.is_empty() {
        let stuck = graph.in_order().into_iter().filter(|task| missing.contains_key(task));
        findings.push(Finding::Cyclic { tasks: stuck.map(|task| graph.id(task).clone()).collect() });
    }
}

/// Recounts the edges into every task from the states of their sources.
fn check_edges(graph: &TaskGraph, findings: &mut Vec<Finding>) {
    for task in graph.indices() {
        let (mut open, mut impossible) = (0, 0);
        for edge in graph.incoming(task) {
            let weight = edge.weight();
            let ended = graph.state(edge.from).outcome();
            let conditional = weight.kind == EdgeKind::When;
            if conditional && ended.is_some() != weight.judged.is_some()
                || !conditional && weight.judged.is_some()
            {
                findings.push(Finding::Judgement { edge: edge.id() });
            }
            let satisfied = match (weight.kind, ended) {
                (_, None) => None,
                (EdgeKind::Success, Some(status)) => Some(status == OutcomeStatus::Completed),
                (EdgeKind::Failure, Some(status)) => Some(status == OutcomeStatus::Failed),
                (EdgeKind::Completion, Some(_)) => Some(true),
                (EdgeKind::When, Some(_)) => weight.judged.map(|verdict| verdict == Verdict::Satisfied),
            };
            open += u32::from(satisfied.is_none());
            impossible += u32::from(satisfied == Some(false));
        }
        let record = graph.record(task);
        let id = || graph.id(task).clone();
        let waits = graph.waits(task);
        if waits.open != open {
            findings.push(Finding::Open { task: id(), kept: waits.open, counted: open });
        }
        if waits.impossible != impossible {
            findings.push(Finding::Impossible { task: id(), kept: waits.impossible, counted: impossible });
        }
        let began = matches!(record.state, TaskState::Running { .. } | TaskState::Completed);
        if began && open + impossible > 0 {
            findings.push(Finding::Early { task: id() });
        }
    }
}

fn check_names(graph: &TaskGraph, findings: &mut Vec<Finding>) {
    for task in graph.indices() {
        let id = graph.id(task);
        if graph.find(id.as_str()) != Some(task) {
            findings.push(Finding::Name { task: id.clone() });
        }
    }
    if graph.name_count() != graph.len() {
        findings.push(Finding::Names { kept: graph.name_count(), counted: graph.len() });
    }
}

fn check_ranks(graph: &TaskGraph, findings: &mut Vec<Finding>) {
    let mut ranks = FxHashSet::default();
    for task in graph.indices() {
        if !ranks.insert(graph.order(task)) {
            findings.push(Finding::Order { task: graph.id(task).clone() });
        }
    }
    ranks.clear();
    for edge in graph.all_edges() {
        if !ranks.insert(edge.order()) {
            findings.push(Finding::EdgeOrder { edge: edge.id() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use starline_types::{DependencyKind, DeviceIx, Payload, TaskSpec};

    use super::*;
    use crate::graph::node;
    use crate::{Condition, NewEdge};

    /// a -> b, a -when-> b, c
    fn graph() -> (TaskGraph, [TaskIx; 3]) {
        let mut graph = TaskGraph::default();
        let tasks = ["a", "b", "c"].map(|id| {
            graph.insert_task(Arc::new(TaskSpec::new(TaskId::new(id).expect("id"), Payload::Noop)))
        });
        let text: Arc<str> = Arc::from("status == 'completed'");
        let condition = Some(Condition::compile(Arc::clone(&text)).expect("a condition"));
        let plain = NewEdge {
            from: tasks[0],
            to: tasks[1],
            id: None,
            kind: DependencyKind::Success,
            condition: None,
            note: None,
        };
        let when = NewEdge { kind: DependencyKind::When(text), condition, ..plain.clone() };
        for edge in [plain, when] {
            graph.insert_edge(edge).expect("no cycle");
        }
        assert_eq!(audit(&graph), []);
        (graph, tasks)
    }

    fn found(break_it: impl FnOnce(&mut TaskGraph, [TaskIx; 3])) -> Vec<String> {
        let (mut graph, tasks) = graph();
        break_it(&mut graph, tasks);
        audit(&graph).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn whatever_is_broken_is_found() {
        assert_eq!(found(|graph, _| graph.counts.pending += 1), ["3 tasks are pending, kept is 4"]);
        assert_eq!(
            found(|graph, [_, b, _]| graph.waits[b.at()].open = 1),
            ["task b has 2 unresolved edges, kept is 1"]
        );
        assert_eq!(
            found(|graph, [_, b, _]| graph.waits[b.at()].impossible = 1),
            ["task b has 0 impossible edges, kept is 1"]
        );
        assert_eq!(
            found(|graph, [_, b, _]| graph.dag[node(b)].level = 0),
            ["edge a->b goes from label 0 to 0", "edge a->b goes from label 0 to 0"]
        );
        assert_eq!(
            found(|graph, [_, _, c]| graph.dag[node(c)].order = 0),
            ["task c has the insertion rank of another task"]
        );
        assert_eq!(
            found(|graph, _| graph.rank_edge(crate::EdgeIx(1), 0)),
            ["edge a->b has the insertion rank of another edge"]
        );
        assert_eq!(
            found(|graph, [_, _, c]| {
                graph.start(c, 2, DeviceIx(0), starline_types::Timestamp(1));
                graph.records[c.at()].attempts = 1;
            }),
            ["task c runs attempt 2, its record has 1"]
        );
        assert_eq!(
            found(|graph, [_, b, _]| graph.start(b, 1, DeviceIx(0), starline_types::Timestamp(1))),
            ["task b started before its edges were satisfied"]
        );
        assert_eq!(
            found(|graph, [a, ..]| {
                graph.records[a.at()].state = TaskState::Completed;
                graph.counts.pending -= 1;
                graph.counts.completed += 1;
                graph.waits[1].open = 1;
            }),
            ["edge a->b is judged too early or not at all"]
        );
    }

    #[test]
    fn cycles_and_lost_names_are_found() {
        let (mut graph, [a, b, c]) = graph();
        let back = NewEdge {
            from: b,
            to: a,
            id: None,
            kind: DependencyKind::Completion,
            condition: None,
            note: None,
        };
        graph.insert_unchecked(back.clone());
        graph.insert_unchecked(NewEdge { from: b, to: c, ..back });
        let texts: Vec<String> = audit(&graph).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "edge b->a goes from label 64 to 0",
                "edge b->c goes from label 64 to 0",
                "tasks on a cycle or behind one: a b c",
            ]
        );
        let (mut graph, [_, _, c]) = self::graph();
        let renamed = TaskSpec::new(TaskId::new("d").expect("id"), Payload::Noop);
        graph.dag[node(c)].spec = Arc::new(renamed);
        assert_eq!(audit(&graph), [Finding::Name { task: TaskId::new("d").expect("id") }]);
    }
}
