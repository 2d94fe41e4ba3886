//! The mailbox of the core, and the place where the core lies while nobody works with it.
//!
//! One lock guards both. Who adds something and finds the core may take it along and work off the mailbox at
//! once ("flat combining": D. Hendler, I. Incze, N. Shavit, M. Tzafrir, 2010); who finds it taken leaves, as
//! the holder looks again before it puts the core back. So there is always exactly one writer, and a report
//! does not have to wake another task to be heard.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use starline_device::DeliveryFault;
use starline_types::{
    AttemptId, ConfirmedBy, DeviceIx, ProgressStream, TaskError, TaskRef, TaskReport, Timestamp,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::RunError;
use crate::command::Command;
use crate::core::Core;

/// Commands that wait for the core; a sender waits when there are more.
const COMMANDS: usize = 65_536;
/// Progress messages kept while the core is busy; more are dropped, as progress may be.
const PROGRESS_KEPT: usize = 1024;

/// Something a device said about an attempt. There are never more than live attempts.
#[derive(Debug)]
pub(crate) struct Report {
    /// Place of the run in the registry.
    pub(crate) run: u32,
    pub(crate) task: TaskRef,
    pub(crate) attempt: u32,
    pub(crate) device: DeviceIx,
    pub(crate) content: Content,
}

/// What it said.
#[derive(Debug)]
pub(crate) enum Content {
    Ended(TaskReport),
    Undelivered(DeliveryFault),
    /// The device will not run it, now or later.
    Refused(TaskError),
    Stopped(ConfirmedBy),
}

/// What somebody said who wants no answer.
#[derive(Debug)]
pub(crate) enum Said {
    /// Nobody answers the holds of a run any more.
    EditorGone {
        run: u32,
    },
    Progress {
        attempt: AttemptId,
        stream: ProgressStream,
        text: Arc<str>,
    },
    Lost {
        device: DeviceIx,
        reason: Option<String>,
        certain: bool,
    },
}

/// Everything that waits for the core.
#[derive(Default)]
pub(crate) struct Mail {
    pub(crate) reports: Vec<Report>,
    pub(crate) said: Vec<Said>,
    /// Each with its place in the mailbox, which it gives back when it is done.
    pub(crate) commands: Vec<(Command, OwnedSemaphorePermit)>,
}

impl Mail {
    fn is_empty(&self) -> bool {
        self.reports.is_empty() && self.said.is_empty() && self.commands.is_empty()
    }
}

struct State {
    mail: Mail,
    /// The core, while nobody works with it.
    core: Option<Box<Core>>,
    driver: Option<Waker>,
    /// The deadline for which the driver's timer is set.
    timer: Option<Timestamp>,
    /// No handle is left.
    abandoned: bool,
    closed: bool,
}

/// The mailbox of the core.
pub(crate) struct Inbox {
    state: Mutex<State>,
    places: Arc<Semaphore>,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

/// What the driver finds.
pub(crate) enum Found {
    /// The core, with the mailbox emptied into it.
    Core(Box<Core>),
    /// Nothing to do until the deadline.
    Nothing(Option<Timestamp>),
}

impl Inbox {
    pub(crate) fn new() -> Self {
        let state = State {
            mail: Mail::default(),
            core: None,
            driver: None,
            timer: None,
            abandoned: false,
            closed: false,
        };
        Self { state: Mutex::new(state), places: Arc::new(Semaphore::new(COMMANDS)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a command; waits while the mailbox is full.
    pub(crate) async fn send(&self, command: Command) -> Result<(), RunError> {
        let places = Arc::clone(&self.places);
        let place = places.acquire_owned().await.map_err(|_| RunError::ShutDown)?;
        let mut state = self.lock();
        if state.closed {
            return Err(RunError::ShutDown);
        }
        state.mail.commands.push((command, place));
        state.wake();
        Ok(())
    }

    /// Adds reports. A runner that finds the core free, and nothing that only the driver can do, gets the core
    /// with the mailbox emptied into it.
    pub(crate) fn deliver(&self, reports: &mut Vec<Report>) -> Option<Box<Core>> {
        let mut state = self.lock();
        state.mail.reports.append(reports);
        if state.mail.commands.is_empty()
            && let Some(mut core) = state.core.take_if(|core| core.works_anywhere())
        {
            std::mem::swap(&mut core.mail.reports, &mut state.mail.reports);
            std::mem::swap(&mut core.mail.said, &mut state.mail.said);
            return Some(core);
        }
        state.wake();
        None
    }

    /// Gives the core back after a burst, unless there is more that a runner can do: then it comes back with
    /// that.
    pub(crate) fn put_back(&self, mut core: Box<Core>, go_on: bool) -> Option<Box<Core>> {
        let mut state = self.lock();
        state.mail.reports.append(&mut core.mail.reports);
        if go_on && state.mail.commands.is_empty() && !state.mail.is_empty() && !core.is_ending() {
            std::mem::swap(&mut core.mail.reports, &mut state.mail.reports);
            std::mem::swap(&mut core.mail.said, &mut state.mail.said);
            return Some(core);
        }
        let earlier = match (core.deadline(), state.timer) {
            (Some(at), Some(timer)) => at < timer,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let urgent = earlier || core.more || !state.mail.is_empty() || core.is_ending();
        state.core = Some(core);
        if urgent {
            state.wake();
        }
        None
    }

    /// Adds a report from a task that has no use for the core.
    pub(crate) fn add(&self, report: Report) {
        let mut state = self.lock();
        state.mail.reports.push(report);
        state.wake();
    }

    pub(crate) fn say(&self, said: Said) {
        let mut state = self.lock();
        let droppable = matches!(said, Said::Progress { .. });
        if !(droppable && state.mail.said.len() >= PROGRESS_KEPT) {
            state.mail.said.push(said);
        }
        state.wake();
    }

    /// What the driver has to do now; it is woken when that changes.
    pub(crate) fn look(&self, now: Timestamp, driver: &Waker) -> Found {
        let mut state = self.lock();
        let abandoned = state.abandoned;
        let busy = !state.mail.is_empty() || abandoned;
        let found =
            state.core.take_if(|core| busy || core.more || core.deadline().is_some_and(|at| at <= now));
        if let Some(mut core) = found {
            std::mem::swap(&mut core.mail, &mut state.mail);
            core.abandoned |= abandoned;
            return Found::Core(core);
        }
        if !state.driver.as_ref().is_some_and(|known| known.will_wake(driver)) {
            state.driver = Some(driver.clone());
        }
        state.timer = state.core.as_ref().and_then(|core| core.deadline());
        Found::Nothing(state.timer)
    }

    /// The driver gives the core back.
    pub(crate) fn rest(&self, mut core: Box<Core>) {
        let mut state = self.lock();
        state.mail.reports.append(&mut core.mail.reports);
        state.core = Some(core);
    }

    /// The last handle is gone.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.abandoned = true;
        state.wake();
    }

    /// Refuses everything from now on.
    pub(crate) fn close(&self) {
        self.places.close();
        let mut state = self.lock();
        state.closed = true;
        state.mail = Mail::default();
    }
}

impl State {
    /// Wakes the driver, unless somebody works with the core: the holder looks again.
    fn wake(&self) {
        if self.core.is_some()
            && let Some(driver) = &self.driver
        {
            driver.wake_by_ref();
        }
    }
}
