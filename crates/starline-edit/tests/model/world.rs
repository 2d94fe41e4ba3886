//! A graph beside its reference: both live through the same, and are compared by all that can be seen.

use std::sync::Arc;

use starline_edit::{
    Applied, CheckedBatch, Code, Edit, EditBatch, Rejection, Surroundings, TaskGraph, check, check_within,
};
use starline_graph::{Condition, audit, default_id};
use starline_types::{
    DeviceIx, GraphSpec, Judgement, OutcomeStatus, TaskId, TaskIx, TaskState, Timestamp, Verdict,
};

use crate::choices::Choices;
use crate::generate;
use crate::judge::{Found, Rules, judge};
use crate::reference::{CONDITIONS, Model, satisfies};

/// A graph and its reference.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) graph: TaskGraph,
    pub(crate) model: Model,
}

/// All of a graph that can be seen, by names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    pub(crate) spec: GraphSpec,
    pub(crate) revision: u64,
    /// State, attempts, unresolved and impossible edges.
    pub(crate) tasks: Vec<(TaskId, &'static str, u32, u32, u32)>,
    /// Revisions that last changed tasks and edges.
    pub(crate) changed: (Vec<u64>, Vec<u64>),
    pub(crate) ready: Vec<TaskId>,
}

impl Picture {
    /// The same without the revision, which goes on when a commit is taken back.
    pub(crate) fn timeless(mut self) -> Self {
        self.revision = 0;
        self.changed = <_>::default();
        self
    }
}

pub(crate) fn picture(graph: &TaskGraph) -> Picture {
    let mut spec = graph.to_spec();
    for edge in &mut spec.dependencies {
        let default = default_id(&edge.from, &edge.to);
        edge.id.get_or_insert(default);
    }
    let tasks = graph.in_order();
    let seen = |task: &TaskIx| {
        let waits = graph.waits(*task);
        let record = graph.record(*task);
        (graph.id(*task).clone(), record.state.as_str(), record.attempts, waits.open, waits.impossible)
    };
    let mut edges: Vec<_> = graph.all_edges().collect();
    edges.sort_by_key(starline_graph::EdgeView::order);
    let changed = edges.iter().map(|edge| graph.edge_changed(edge.ix).0).collect();
    let ready = |task: &&TaskIx| graph.state(**task).is_unstarted() && graph.waits(**task).satisfied();
    Picture {
        spec,
        revision: graph.revision().0,
        tasks: tasks.iter().map(seen).collect(),
        changed: (tasks.iter().map(|task| graph.task_changed(*task).0).collect(), changed),
        ready: tasks.iter().filter(ready).map(|task| graph.id(*task).clone()).collect(),
    }
}

pub(crate) fn expected(model: &Model) -> Picture {
    let seen = |task: &crate::reference::Task| {
        let id = &task.spec.id;
        let (open, impossible) = model.waits(id);
        (id.clone(), task.state.as_str(), model.attempts.get(id).copied().unwrap_or(0), open, impossible)
    };
    let ready = |task: &&crate::reference::Task| {
        task.state == TaskState::Pending && model.waits(&task.spec.id) == (0, 0)
    };
    Picture {
        spec: model.spec(),
        revision: model.revision,
        tasks: model.tasks.iter().map(seen).collect(),
        changed: (
            model.tasks.iter().map(|task| task.changed).collect(),
            model.edges.iter().map(|edge| edge.changed).collect(),
        ),
        ready: model.tasks.iter().filter(ready).map(|task| task.spec.id.clone()).collect(),
    }
}

/// What a conditional edge says, as the reference has it.
pub(crate) fn condition(graph: &TaskGraph, task: TaskIx, condition: &Condition) -> Result<bool, String> {
    let status = graph.state(task).outcome().ok_or("not ended")?;
    let known = CONDITIONS.iter().find(|(text, _)| *text == &**condition.text());
    let (_, holds) = known.ok_or("unknown condition")?;
    if holds.is_empty() { Err("always an error".to_owned()) } else { Ok(holds.contains(&status)) }
}

pub(crate) fn around(rules: &Rules) -> Surroundings<'_> {
    Surroundings {
        gates: rules.gates,
        devices: rules.devices.as_deref(),
        limits: rules.limits.clone(),
        policy: rules.policy.as_ref(),
        usage: rules.usage,
        judge: Some(&condition),
        inputs: None,
        unread: None,
    }
}

/// Position and code of each fault, sorted: within one edit the order means nothing.
pub(crate) fn found(rejection: &Rejection) -> Vec<Found> {
    sorted(rejection.faults.iter().map(|fault| (fault.edit, fault.code)).collect())
}

pub(crate) fn sorted(mut faults: Vec<Found>) -> Vec<Found> {
    for (at, code) in &mut faults {
        // Which of several edits broke a reference is a matter of taste.
        if *code == Code::ReferenceNotUpstream {
            *at = 0;
        }
    }
    faults.sort_by_key(|(at, code)| (*at, code.as_str()));
    faults
}

/// What came of a batch.
#[derive(Debug)]
pub(crate) enum Answer {
    Committed(Box<Applied>),
    Refused,
}

impl World {
    /// A world with a graph that was submitted.
    pub(crate) fn submitted(choices: &mut Choices, most: usize) -> Self {
        for _ in 0..8 {
            let size = choices.below(most + 1);
            let graph = Arc::new(generate::whole(choices, &Model::default(), size));
            let build = Edit::Build { graph, clear_existing: true };
            let batch = EditBatch { edits: vec![build], ..EditBatch::default() };
            let mut world = Self::default();
            let Ok(checked) = check(&mut world.graph, &batch) else { continue };
            checked.install();
            world.model = judge(&Model::default(), &batch, &Rules::default()).expect("the graph took it");
            world.model.revision = 0;
            world.model.tasks.iter_mut().for_each(|task| task.changed = 0);
            world.model.edges.iter_mut().for_each(|edge| edge.changed = 0);
            world.agree();
            return world;
        }
        Self::default()
    }

    #[track_caller]
    pub(crate) fn agree(&self) {
        assert_eq!(picture(&self.graph), expected(&self.model));
        assert_eq!(audit(&self.graph), []);
    }

    fn ix(&self, id: &TaskId) -> TaskIx {
        self.graph.find(id.as_str()).expect("a known task")
    }

    pub(crate) fn start(&mut self, id: &TaskId) {
        let attempt = self.model.attempts.get(id).copied().unwrap_or(0) + 1;
        self.model.attempts.insert(id.clone(), attempt);
        let state = TaskState::Running { attempt, device: DeviceIx(0) };
        self.model.task_mut(id).state = state;
        self.graph.start(self.ix(id), attempt, DeviceIx(0), Timestamp(1));
    }

    pub(crate) fn suspend(&mut self, id: &TaskId) {
        self.model.task_mut(id).state = TaskState::Pending;
        self.graph.suspend(self.ix(id));
    }

    /// Ends a task as the owner of a graph does: conditions are judged and recorded.
    pub(crate) fn end(&mut self, id: &TaskId, status: OutcomeStatus) {
        let ix = self.ix(id);
        let judge = |edge: starline_graph::EdgeView<'_>| {
            let verdict =
                if satisfies(&edge.kind(), status) { Verdict::Satisfied } else { Verdict::Impossible };
            Judgement { id: edge.id(), verdict, error: None }
        };
        let judgements: Vec<Judgement> = self.graph.conditional_edges(ix).map(judge).collect();
        self.graph.end(ix, status, Timestamp(2), &judgements, |_, _| {});
        self.model.task_mut(id).state = status.into();
    }

    /// Skips what can never run, as long as there is any.
    pub(crate) fn skip(&mut self) {
        let blocked = |model: &Model| {
            let mut tasks = model.tasks.iter().map(|task| task.spec.id.clone());
            tasks.find(|id| model.unstarted(id) && model.waits(id).1 > 0)
        };
        while let Some(id) = blocked(&self.model) {
            self.end(&id, OutcomeStatus::Skipped);
        }
    }

    /// A legal step of execution, if there is one of the kind that was chosen.
    pub(crate) fn execute(&mut self, choices: &mut Choices) {
        use OutcomeStatus::{Cancelled, Completed, Failed, Skipped};
        let tasks: Vec<(TaskId, TaskState)> =
            self.model.tasks.iter().map(|task| (task.spec.id.clone(), task.state)).collect();
        let Some((id, state)) = choices.one(&tasks) else { return };
        let ready = self.model.waits(id) == (0, 0);
        match (state, choices.below(8)) {
            (TaskState::Pending, 6) => self.end(id, Cancelled),
            (TaskState::Pending, 7) => self.end(id, Skipped),
            (TaskState::Pending, 5) if ready => self.end(id, Failed),
            (TaskState::Pending, _) if ready => self.start(id),
            (TaskState::Running { .. }, 0..=2) => self.end(id, Completed),
            (TaskState::Running { .. }, 3..=4) => self.end(id, Failed),
            (TaskState::Running { .. }, 5) => self.end(id, Cancelled),
            (TaskState::Running { .. }, 6) => self.suspend(id),
            _ => {}
        }
        if !choices.one_in(4) {
            self.skip();
        }
    }

    /// Checks a batch on both sides and compares all that follows.
    pub(crate) fn submit(&mut self, batch: &EditBatch, rules: &Rules) -> Answer {
        let before = picture(&self.graph);
        let verdict = judge(&self.model, batch, rules);
        let around = around(rules);
        match (check_within(&mut self.graph, batch, &around).map(CheckedBatch::commit), verdict) {
            (Ok(applied), Ok(after)) => {
                self.model = after;
                self.agree();
                Answer::Committed(Box::new(applied))
            }
            (Err(rejection), Err(faults)) => {
                assert_eq!(found(&rejection), sorted(faults), "{rejection}");
                assert!(rejection.faults.is_sorted_by_key(|fault| fault.edit), "{rejection}");
                assert_eq!(rejection.current.0, self.model.revision);
                assert_eq!(picture(&self.graph), before);
                self.agree();
                Answer::Refused
            }
            (Ok(applied), Err(faults)) => panic!("accepted, but {faults:?}: {:#?}", applied.batch),
            (Err(rejection), Ok(_)) => panic!("refused: {rejection}: {batch:#?}"),
        }
    }
}
