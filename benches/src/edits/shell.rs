//! Devices that note when attempts begin and end, and an orchestrator over them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use starline::bus::EventBus;
use starline::device::{Attempt, AttemptId, Device, DeviceError, DeviceProfile, TaskReport};
use starline::orchestrator::{Limits, Orchestrator, RunOptions};
use starline::types::{
    DeviceId, EditorSettings, ErrorKind, Millis, Payload, RunSettings, TaskError, TaskId, TaskSpec,
};

use crate::{RunError, clock};

const NAME: &str = "starline";

pub(super) fn failed(error: impl std::fmt::Display) -> RunError {
    RunError::failed(NAME, error.to_string())
}

/// When the attempt of each task began and ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<Vec<(TaskId, Instant, Instant)>>>);

impl Log {
    fn add(&self, task: TaskId, begin: Instant) {
        let end = clock::now();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((task, begin, end));
    }

    /// Begin and end by task.
    pub(super) fn by_task(&self) -> BTreeMap<String, (Instant, Instant)> {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().map(|(task, begin, end)| (task.to_string(), (*begin, *end))).collect()
    }
}

/// A device that does nothing, sleeps, or fails, and notes when.
#[derive(Debug)]
struct NotingDevice {
    profile: DeviceProfile,
    log: Log,
}

#[async_trait]
impl Device for NotingDevice {
    fn profile(&self) -> &DeviceProfile {
        &self.profile
    }

    async fn run(self: Arc<Self>, attempt: Attempt) -> Result<TaskReport, DeviceError> {
        let begin = clock::now();
        let report = match attempt.payload {
            Payload::Sleep(span) => {
                tokio::time::sleep(span.into()).await;
                TaskReport::done()
            }
            Payload::Call { name, .. } => {
                TaskReport::failed(TaskError::new(ErrorKind::InvalidRequest, name.to_string()))
            }
            _ => TaskReport::done(),
        };
        self.log.add(attempt.id.task.id().clone(), begin);
        Ok(report)
    }

    async fn cancel(&self, _: AttemptId, _: bool) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// An orchestrator over so many devices of one slot each.
pub(super) async fn orchestrator(devices: usize) -> Result<(Orchestrator, Arc<EventBus>, Log), RunError> {
    let (orchestrator, bus) = starline::embedded();
    let log = Log::default();
    for device in 0..devices {
        let id = DeviceId::new(format!("d{device}")).map_err(failed)?;
        let mut profile = DeviceProfile::new(id, "local").with_slots(1);
        profile.local = true;
        let device = NotingDevice { profile, log: log.clone() };
        orchestrator.fleet().connect(Arc::new(device)).await.map_err(failed)?;
    }
    Ok((orchestrator, bus, log))
}

/// A run with or without an editor.
pub(super) fn options(editor: Option<EditorSettings>) -> RunOptions {
    let settings = RunSettings { editor: editor.map(Arc::new), ..RunSettings::default() };
    RunOptions { limits: Limits::ceiling(), settings, ..RunOptions::default() }
}

pub(super) fn id(name: &str) -> Result<TaskId, RunError> {
    TaskId::new(name).map_err(failed)
}

pub(super) fn task(name: &str, run: Payload) -> Result<Arc<TaskSpec>, RunError> {
    Ok(Arc::new(TaskSpec::new(id(name)?, run)))
}

/// A task that takes so long.
pub(super) fn sleep(name: &str, ms: u64) -> Result<Arc<TaskSpec>, RunError> {
    task(name, Payload::Sleep(Millis(ms)))
}
