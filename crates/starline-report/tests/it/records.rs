//! Records of a run, written by hand.

use std::sync::Arc;

use starline_types::{
    DependencyKind, DeviceId, DeviceRef, Envelope, ErrorKind, Event, GraphSpec, Millis, Payload, Revision,
    RunEnd, RunId, RunSettings, RunState, Seq, StateCounts, TaskError, TaskId, TaskRef, TaskSpec, Timestamp,
    UnixMillis,
};

/// Wall time at the start of the runs in these tests.
pub(crate) const BEGIN: u64 = 1_770_000_000_000;

/// Records of a run, numbered as they come.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) run: RunId,
    pub(crate) revision: Revision,
    pub(crate) all: Vec<Envelope>,
}

impl Records {
    /// The record that creates a run.
    pub(crate) fn new(name: &str, graph: GraphSpec, settings: RunSettings) -> Self {
        let mut records =
            Self { run: RunId::new("run-1").expect("id"), revision: Revision(0), all: Vec::new() };
        let (graph, settings) = (Arc::new(graph), Arc::new(settings));
        records.at(0, Event::RunCreated { name: name.into(), graph, settings });
        records
    }

    /// Adds a record.
    pub(crate) fn at(&mut self, t: u64, event: Event) {
        // Progress carries the number of the last fact.
        let facts = self.all.iter().filter(|record| !matches!(record.event, Event::Progress { .. })).count();
        let is_fact = !matches!(event, Event::Progress { .. });
        self.all.push(Envelope {
            seq: Seq(facts as u64 + u64::from(is_fact)),
            run_id: self.run.clone(),
            revision: self.revision,
            t: Timestamp(t),
            at: UnixMillis(BEGIN + t),
            cause: None,
            event,
        });
    }

    pub(crate) fn assign(&mut self, t: u64, task: &str, attempt: u32, device: &str) {
        let (task, device) = (of(task), on(device));
        self.at(
            t,
            Event::TaskAssigned { task: task.clone(), attempt, device: device.clone(), deadline: None },
        );
        self.at(t, Event::TaskStarted { task, attempt, device });
    }

    pub(crate) fn complete(&mut self, t: u64, task: &str, attempt: u32, device: &str) {
        self.at(
            t,
            Event::TaskCompleted {
                task: of(task),
                attempt,
                device: on(device),
                result: None,
                outputs: None,
                duration_ms: Millis(1),
                edges: Box::default(),
            },
        );
    }

    pub(crate) fn fail(&mut self, t: u64, task: &str, attempt: u32, error: (ErrorKind, &str), said: &str) {
        self.at(
            t,
            Event::TaskFailed {
                task: of(task),
                attempt,
                device: None,
                error: Arc::new(TaskError::new(error.0, error.1)),
                result: Some(Arc::new(serde_json::json!({ "exit_code": 3, "stdout": said, "stderr": "" }))),
                duration_ms: Millis(1),
                edges: Box::default(),
            },
        );
    }

    pub(crate) fn end(&mut self, t: u64, state: RunState, counts: StateCounts) {
        let end = Box::new(RunEnd {
            state,
            total_tasks: 0,
            counts,
            duration_ms: Millis(t),
            reason: None,
            unconfirmed: Vec::new(),
        });
        self.at(
            t,
            match state {
                RunState::Failed => Event::RunFailed(end),
                RunState::Cancelled => Event::RunCancelled(end),
                _ => Event::RunCompleted(end),
            },
        );
    }
}

pub(crate) fn id(text: &str) -> TaskId {
    TaskId::new(text).expect("id")
}

pub(crate) fn of(task: &str) -> TaskRef {
    TaskRef::unresolved(id(task))
}

pub(crate) fn on(device: &str) -> DeviceRef {
    DeviceRef::unresolved(DeviceId::new(device).expect("id"))
}

pub(crate) fn task(text: &str) -> TaskSpec {
    TaskSpec::new(id(text), Payload::Noop)
}

/// A graph of tasks and edges.
pub(crate) fn graph(tasks: Vec<TaskSpec>, edges: &[(&str, &str, DependencyKind)]) -> GraphSpec {
    GraphSpec {
        tasks: tasks.into_iter().map(Arc::new).collect(),
        dependencies: edges
            .iter()
            .map(|(from, to, kind)| {
                starline_types::Dependency::success(id(from), id(to)).with_kind(kind.clone())
            })
            .collect(),
        ..GraphSpec::default()
    }
}
