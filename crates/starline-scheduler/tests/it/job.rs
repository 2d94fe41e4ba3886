//! A run in a few words.

use std::sync::Arc;

use starline_scheduler::{AssignmentStrategy, Limits, Plan};
use starline_strategies::by_name;
use starline_types::{
    Dependency, DependencyKind, DeviceId, DeviceProfile, DeviceSelector, GraphSpec, Jitter, Millis,
    OutputSource, OutputSpec, OutputType, Payload, RetryPolicy, RunSettings, Shell, TaskId, TaskSpec,
};

/// Makes the strategy of a run, and makes it again for a replay.
pub(crate) type Maker = fn() -> Option<Box<dyn AssignmentStrategy>>;

pub(crate) fn task_id(id: &str) -> TaskId {
    TaskId::new(id).expect("the name of a task")
}

pub(crate) fn device_id(id: &str) -> DeviceId {
    DeviceId::new(id).expect("the name of a device")
}

/// A device with one slot.
pub(crate) fn device(id: &str) -> DeviceProfile {
    DeviceProfile::new(device_id(id), "test")
}

pub(crate) fn round_robin() -> Option<Box<dyn AssignmentStrategy>> {
    by_name("round_robin").ok()
}

pub(crate) fn capability_match() -> Option<Box<dyn AssignmentStrategy>> {
    by_name("capability_match").ok()
}

pub(crate) fn load_balance() -> Option<Box<dyn AssignmentStrategy>> {
    by_name("load_balance").ok()
}

/// No strategy: every task has its device by hand.
pub(crate) fn by_hand() -> Option<Box<dyn AssignmentStrategy>> {
    None
}

/// What a run is made of.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) graph: GraphSpec,
    pub(crate) settings: RunSettings,
    pub(crate) assignments: Vec<(TaskId, DeviceId)>,
    pub(crate) strategy: Maker,
}

impl Job {
    /// Tasks and edges in words: `A` is a task, `A>B` an edge of kind success, `A!B` one of kind failure and
    /// `A~B` one of kind completion. Tasks come in the order in which they are named first.
    pub(crate) fn new(words: &str) -> Self {
        let mut job = Self {
            graph: GraphSpec { name: "test".into(), ..GraphSpec::default() },
            settings: RunSettings::default(),
            assignments: Vec::new(),
            strategy: round_robin,
        };
        for word in words.split_whitespace() {
            let kinds = [
                ('>', DependencyKind::Success),
                ('!', DependencyKind::Failure),
                ('~', DependencyKind::Completion),
            ];
            let edge = kinds.into_iter().find_map(|(sign, kind)| Some((word.split_once(sign)?, kind)));
            match edge {
                Some(((from, to), kind)) => job = job.edge(from, to, kind),
                None => job.mention(word),
            }
        }
        job
    }

    fn mention(&mut self, id: &str) {
        if self.graph.tasks.iter().all(|task| task.id.as_str() != id) {
            self.push(id);
        }
    }

    /// An edge of any kind.
    pub(crate) fn edge(mut self, from: &str, to: &str, kind: DependencyKind) -> Self {
        self.mention(from);
        self.mention(to);
        self.join(from, to, kind);
        self
    }

    /// Adds a task that is known to be new.
    pub(crate) fn push(&mut self, id: &str) {
        self.graph.tasks.push(Arc::new(TaskSpec::new(task_id(id), Payload::Noop)));
    }

    /// Adds an edge between tasks that are known to be there.
    pub(crate) fn join(&mut self, from: &str, to: &str, kind: DependencyKind) {
        self.graph.dependencies.push(Dependency::success(task_id(from), task_id(to)).with_kind(kind));
    }

    /// An edge with a condition.
    pub(crate) fn when(self, from: &str, to: &str, condition: &str) -> Self {
        self.edge(from, to, DependencyKind::When(condition.into()))
    }

    /// Changes the specification of a task.
    pub(crate) fn task(mut self, id: &str, change: impl FnOnce(&mut TaskSpec)) -> Self {
        self.mention(id);
        let found = self.graph.tasks.iter_mut().find(|task| task.id.as_str() == id);
        change(Arc::make_mut(found.expect("mentioned above")));
        self
    }

    pub(crate) fn priority(self, id: &str, priority: u64) -> Self {
        let priority = starline_types::Priority::new(priority).expect("a priority");
        self.task(id, |task| task.priority = priority)
    }

    pub(crate) fn pin(self, id: &str, device: &str) -> Self {
        self.select(id, |selector| selector.on = Some(device_id(device)))
    }

    pub(crate) fn prefer(self, id: &str, device: &str) -> Self {
        self.select(id, |selector| selector.prefer = Some(device_id(device)))
    }

    /// Changes what a task asks of a device.
    pub(crate) fn select(self, id: &str, change: impl FnOnce(&mut DeviceSelector)) -> Self {
        self.task(id, |task| change(Arc::make_mut(task.device.get_or_insert_default())))
    }

    pub(crate) fn retry(self, id: &str, policy: RetryPolicy) -> Self {
        self.task(id, |task| task.retry = Some(Arc::new(policy)))
    }

    /// An output of a task, taken from a field of its result.
    pub(crate) fn output(self, id: &str, name: &str, kind: OutputType) -> Self {
        let from = OutputSource::Pointer(format!("/{name}").into());
        self.task(id, |task| {
            task.outputs.insert(name.into(), OutputSpec { from, kind });
        })
    }

    pub(crate) fn script(self, id: &str, script: &str) -> Self {
        let shell = Shell { script: script.into(), ..Shell::default() };
        self.task(id, |task| task.run = Payload::Sh(Arc::new(shell)))
    }

    pub(crate) fn settings(mut self, change: impl FnOnce(&mut RunSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub(crate) fn strategy(mut self, strategy: Maker) -> Self {
        self.strategy = strategy;
        self
    }

    pub(crate) fn assign(mut self, task: &str, device: &str) -> Self {
        self.assignments.push((task_id(task), device_id(device)));
        self
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan {
            graph: Arc::new(self.graph.clone()),
            settings: Arc::new(self.settings.clone()),
            assignments: self.assignments.clone(),
            limits: Limits::ceiling(),
        }
    }
}

/// A policy of that many retries whose delays are known: 1 s, 2 s, 4 s and so on.
pub(crate) fn retries(max: u32) -> RetryPolicy {
    RetryPolicy { max, base: Millis(1000), jitter: Jitter::None, ..RetryPolicy::default() }
}
