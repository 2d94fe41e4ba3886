//! The mailbox of the core, and the place where the core lies while nobody works with it.
//!
//! One lock guards both. Who adds something and finds the core may take it along and work off the mailbox at
//! once ("flat combining": D. Hendler, I. Incze, N. Shavit, M. Tzafrir, 2010); who finds it taken leaves, as
//! the holder looks again before it puts the core back. So there is always exactly one writer, and neither a
//! report nor an edit has to wake another task to be heard.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use starline_device::DeliveryFault;
use starline_types::{
    AttemptId, Checkpoint, ConfirmedBy, DeviceIx, ProgressStream, TaskError, TaskRef, TaskReport, Timestamp,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::RunError;
use crate::command::Command;
use crate::core::Core;
use crate::dispatch::Job;

/// Commands that wait for the core; a sender waits when there are more.
const COMMANDS: usize = 65_536;
/// Bursts after which whoever is not the driver lets go of the core.
const ROUNDS: usize = 16;
/// Progress messages kept while the core is busy; more are dropped, as progress may be.
const PROGRESS_KEPT: usize = 1024;

/// Something a device said about an attempt. There are never more than live attempts.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Place of the run in the registry.
    pub(crate) run: u32,
    pub(crate) task: TaskRef,
    pub(crate) attempt: u32,
    pub(crate) device: DeviceIx,
    pub(crate) content: Content,
}

/// What it said.
#[derive(Clone, Debug)]
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
    Checkpoint {
        attempt: AttemptId,
        content: Checkpoint,
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
    /// One of the commands is not prompt. As they are obeyed in order, all of them wait for the driver.
    pub(crate) for_driver: bool,
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

/// What becomes of the core after a burst.
enum Back {
    /// It comes back with more that whoever holds it can do.
    Again(Box<Core>),
    /// It lies in the mailbox.
    Free {
        /// There is something that only the driver can do.
        driver_woken: bool,
    },
}

/// What happened while somebody worked with the core.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Worked {
    /// Commands that were obeyed; their senders are awake, if they waited.
    pub(crate) obeyed: usize,
    /// Other tasks of the orchestrator were woken.
    pub(crate) woke: bool,
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

    /// Sends a command; waits while the mailbox is full. A sender that finds the core free, and nothing that only
    /// the driver can do, gets the core with the mailbox emptied into it.
    pub(crate) async fn send(&self, command: Command) -> Result<Option<Box<Core>>, RunError> {
        let places = || Arc::clone(&self.places);
        let place = match places().try_acquire_owned() {
            Ok(place) => place,
            Err(_) => places().acquire_owned().await.map_err(|_| RunError::ShutDown)?,
        };
        let mut state = self.lock();
        if state.closed {
            return Err(RunError::ShutDown);
        }
        state.mail.for_driver |= !command.is_prompt();
        state.mail.commands.push((command, place));
        Ok(state.take_core_or_wake())
    }

    /// Adds reports. A runner that finds the core free, and nothing that only the driver can do, gets the core
    /// with the mailbox emptied into it.
    pub(crate) fn deliver(&self, reports: &mut Vec<Report>) -> Option<Box<Core>> {
        let mut state = self.lock();
        state.mail.reports.append(reports);
        state.take_core_or_wake()
    }

    /// Works off the mailbox until it is empty, or others should have their turn, and gives the core back. What is
    /// to be run is put in hand, or left to the dispatcher where there is none.
    pub(crate) fn work_off(&self, mut core: Box<Core>, mut hand: Option<&mut Vec<Job>>) -> Worked {
        let mut worked = Worked::default();
        for round in 1.. {
            core.work(hand.as_deref_mut(), &mut worked);
            let is_free = hand.as_ref().is_none_or(|hand| hand.is_empty());
            match self.put_back(core, round < ROUNDS, is_free) {
                Back::Again(again) => core = again,
                Back::Free { driver_woken } => {
                    worked.woke |= driver_woken;
                    break;
                }
            }
        }
        worked
    }

    /// Gives the core back after a burst, unless there is more that its holder can do: commands, or anything if
    /// the holder has its hands free.
    fn put_back(&self, mut core: Box<Core>, go_on: bool, is_free: bool) -> Back {
        let mut state = self.lock();
        state.mail.reports.append(&mut core.mail.reports);
        let more = if is_free { !state.mail.is_empty() } else { !state.mail.commands.is_empty() };
        if go_on && more && !state.mail.for_driver && !core.is_ending() {
            std::mem::swap(&mut core.mail, &mut state.mail);
            return Back::Again(core);
        }
        let earlier = match (core.deadline(), state.timer) {
            (Some(at), Some(timer)) => at < timer,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let driver_woken = earlier || core.more || !state.mail.is_empty() || core.is_ending();
        state.core = Some(core);
        if driver_woken {
            state.wake();
        }
        Back::Free { driver_woken }
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
    /// The core with the mailbox emptied into it, for somebody who is not the driver; else the driver is woken.
    fn take_core_or_wake(&mut self) -> Option<Box<Core>> {
        let may = !self.mail.for_driver;
        let Some(mut core) = self.core.take_if(|core| may && core.works_anywhere()) else {
            self.wake();
            return None;
        };
        std::mem::swap(&mut core.mail, &mut self.mail);
        Some(core)
    }

    /// Wakes the driver, unless somebody works with the core: the holder looks again.
    fn wake(&self) {
        if self.core.is_some()
            && let Some(driver) = &self.driver
        {
            driver.wake_by_ref();
        }
    }
}
