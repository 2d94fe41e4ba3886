//! What the tests build from.

use std::sync::Arc;

use starline_bus::EventBus;
use starline_journal::{Journal, NoJournal};
use starline_orchestrator::{Orchestrator, Run, RunOptions};
use starline_strategies::LoadBalance;
use starline_transport_local::LocalDevice;
use starline_types::{
    Dependency, DeviceId, DeviceProfile, ErrorKind, GraphSpec, Payload, TaskError, TaskId, TaskSpec, Value,
};

pub(crate) fn task_id(name: &str) -> TaskId {
    TaskId::new(name).expect("id")
}

pub(crate) fn device_id(name: &str) -> DeviceId {
    DeviceId::new(name).expect("id")
}

/// A task that calls a function of the test device.
pub(crate) fn call(name: &str, function: &str, argument: impl Into<Value>) -> TaskSpec {
    let arguments = Arc::new(argument.into());
    TaskSpec::new(task_id(name), Payload::Call { name: function.into(), arguments })
}

pub(crate) fn noop(name: &str) -> TaskSpec {
    TaskSpec::new(task_id(name), Payload::Noop)
}

pub(crate) fn graph(tasks: Vec<TaskSpec>, edges: &[(&str, &str)]) -> GraphSpec {
    GraphSpec {
        name: "test".into(),
        tasks: tasks.into_iter().map(Arc::new).collect(),
        dependencies: edges.iter().map(|(a, b)| Dependency::success(task_id(a), task_id(b))).collect(),
        ..GraphSpec::default()
    }
}

/// A device that can `echo` its argument, `fail`, `sleep` for a number of milliseconds, and `hang`.
pub(crate) fn device(name: &str, slots: u32) -> Arc<LocalDevice> {
    let profile = DeviceProfile::new(device_id(name), "local").with_slots(slots);
    let device = LocalDevice::new(profile)
        .function("echo", |argument: Value| async move { Ok(argument) })
        .function("fail", |argument: Value| async move {
            Err(TaskError::new(ErrorKind::DeviceError, argument.to_string()))
        })
        .function("sleep", |argument: Value| async move {
            let span = std::time::Duration::from_millis(argument.as_u64().unwrap_or_default());
            tokio::time::sleep(span).await;
            Ok(Value::Null)
        })
        .function("hang", |_: Value| std::future::pending());
    Arc::new(device)
}

pub(crate) struct Setup {
    pub(crate) orchestrator: Orchestrator,
    pub(crate) bus: Arc<EventBus>,
}

pub(crate) fn with_journal(journal: Arc<dyn Journal>) -> Setup {
    let bus = Arc::new(EventBus::new());
    let orchestrator =
        Orchestrator::builder(journal, Arc::clone(&bus) as _, || Box::new(LoadBalance)).build();
    Setup { orchestrator, bus }
}

pub(crate) async fn with_devices(names: &[&str]) -> Setup {
    let setup = with_journal(Arc::new(NoJournal));
    for name in names {
        setup.orchestrator.fleet().connect(device(name, 1)).await.expect("connected");
    }
    setup
}

impl Setup {
    pub(crate) async fn submit(&self, graph: GraphSpec) -> Run {
        self.orchestrator.submit(graph, RunOptions::default()).await.expect("accepted")
    }

    pub(crate) async fn run(&self, graph: GraphSpec) -> Run {
        let run = self.submit(graph).await;
        run.start().await.expect("started");
        run
    }
}
