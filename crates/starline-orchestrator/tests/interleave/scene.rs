//! An orchestrator without runs: driver, runners, mailbox, and a device that has nothing to do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use starline_device::{Attempt, AttemptId, Device, DeviceError, DeviceProfile, TaskReport};
use starline_types::DeviceId;
use tokio::sync::oneshot;

use crate::RunError;
use crate::clock::Clock;
use crate::command::Command;
use crate::core::{Core, Ledger, SharedLedger};
use crate::dispatch::Dispatcher;
use crate::driver::Driver;
use crate::inbox::Inbox;
use crate::shuttle::future::{self, JoinHandle, block_on};
use crate::sync::{Handle, Sleep, set_workers};

/// A device whose even attempts have to wait: they become tasks of their own.
#[derive(Debug)]
struct Idle {
    profile: DeviceProfile,
}

#[async_trait]
impl Device for Idle {
    fn profile(&self) -> &DeviceProfile {
        &self.profile
    }

    async fn run(self: Arc<Self>, attempt: Attempt) -> Result<TaskReport, DeviceError> {
        if attempt.id.number.is_multiple_of(2) {
            future::yield_now().await;
        }
        Ok(TaskReport::done())
    }

    async fn cancel(&self, _: AttemptId, _: bool) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// What the threads of a law share.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) clock: Clock,
    ledger: SharedLedger,
}

impl Scene {
    /// Starts driver and runners; with `keeps`, only the driver works, as with a journal.
    pub(crate) fn start(workers: usize, keeps: bool) -> (Self, JoinHandle<()>) {
        set_workers(workers);
        let inbox = Arc::new(Inbox::new(Handle::current().metrics().num_workers()));
        let (clock, ledger) = (Clock::default(), Arc::new(Mutex::new(Ledger::default())));
        let (dispatcher, runners) = Dispatcher::start(Arc::clone(&inbox));
        let profile = DeviceProfile::new(DeviceId::new("idle").expect("an id"), "idle");
        let device: Arc<dyn Device> = Arc::new(Idle { profile });
        inbox.rest(Box::new(Core::new(dispatcher, clock.clone(), Arc::clone(&ledger), device, keeps)));
        let timer = Box::pin(Sleep::new(clock.clone()));
        let driver =
            Driver { clock: clock.clone(), inbox: Arc::clone(&inbox), runners, timer, timer_at: None };
        (Self { inbox, clock, ledger }, future::spawn(driver.run()))
    }

    /// Sends a command and waits for its answer.
    pub(crate) fn ask(&self, command: impl FnOnce(oneshot::Sender<()>) -> Command) -> Result<(), RunError> {
        block_on(self.inbox.ask(command))
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
