//! Attempts to run.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use starline_device::{
    Attempt, AttemptId, Device, DeviceError, DeviceId, DeviceProfile, ErrorKind, Millis, Payload, SparseMap,
    TaskId, TaskReport, TaskSpec, Value,
};
use starline_transport_local::LocalDevice;

pub(crate) fn device() -> LocalDevice {
    LocalDevice::new(profile())
}

pub(crate) fn profile() -> DeviceProfile {
    DeviceProfile::new(DeviceId::new("here").expect("id"), "whatever")
}

pub(crate) fn attempt(task: &str, payload: Payload) -> Attempt {
    let task = TaskId::new(task).expect("id");
    Attempt {
        id: AttemptId { run: "r".parse().expect("id"), task: task.clone().into(), number: 1 },
        payload: payload.clone(),
        timeout: None,
        files: SparseMap::default(),
        checkpoint: None,
        spec: Arc::new(TaskSpec::new(task, payload)),
    }
}

pub(crate) fn call(name: &str, arguments: impl Into<Value>) -> Attempt {
    attempt(name, Payload::Call { name: name.into(), arguments: Arc::new(arguments.into()) })
}

pub(crate) fn within(mut attempt: Attempt, limit: Millis) -> Attempt {
    attempt.timeout = Some(limit);
    attempt
}

/// Begins an attempt.
pub(crate) fn begin(
    device: &Arc<LocalDevice>,
    attempt: Attempt,
) -> BoxFuture<'static, Result<TaskReport, DeviceError>> {
    Arc::clone(device).run(attempt)
}

/// Runs an attempt to its report.
pub(crate) async fn run(device: &Arc<LocalDevice>, attempt: Attempt) -> TaskReport {
    begin(device, attempt).await.unwrap_or_else(|error| {
        TaskReport::failed(error.into_refusal().expect("a report, or a refusal that says why"))
    })
}

/// Kind and message of a failure.
pub(crate) fn failure(report: TaskReport) -> (ErrorKind, String) {
    match report {
        TaskReport::Failed { error, .. } => (error.kind, error.message),
        other => panic!("not a failure: {other:?}"),
    }
}
