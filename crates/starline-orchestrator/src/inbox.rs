//! The mailbox of the core, and the place where the core lies while nobody works with it.
//!
//! One lock guards both. Who adds something and finds the core may take it along and work off the mailbox at
//! once ("flat combining": D. Hendler, I. Incze, N. Shavit, M. Tzafrir, 2010); who finds it taken leaves, as
//! the holder looks again before it puts the core back. So there is always exactly one writer, and neither a
//! report nor an edit has to wake another task to be heard.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use starline_device::DeliveryFault;
use starline_types::{
    AttemptId, Checkpoint, ConfirmedBy, DeviceIx, ProgressStream, TaskError, TaskRef, TaskReport, Timestamp,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::RunError;
use crate::command::Command;
use crate::core::Core;
use crate::dispatch::Job;
use crate::sync::{
    AtomicBool, AtomicU64, COMMAND_ROUNDS, COMMANDS, LOCKED_LOOKS, LOOKS, Mutex, MutexGuard, Ordering,
    PoisonError, ROUNDS, Rule, is_broken, processors, spin_loop,
};

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
    pub(crate) reports: VecDeque<Report>,
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
    /// Whoever has the core is done with it soon.
    is_soon_back: bool,
    /// Tells whoever has the core that there are commands.
    is_asked: Arc<AtomicBool>,
    /// Runners that look for the core again and again.
    waiting: usize,
    /// No handle is left.
    abandoned: bool,
    closed: bool,
}

/// The mailbox of the core.
pub(crate) struct Inbox {
    state: Mutex<State>,
    places: Arc<Semaphore>,
    /// Commands so far.
    pub(crate) asked: AtomicU64,
    /// Whether somebody can work with the core while somebody else looks for it.
    is_parallel: bool,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

/// What makes whoever has the core go on after a burst.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Duty {
    /// Commands: others do the rest.
    Commands,
    /// Commands, and reports that the burst left because of them.
    CommandsAndLeft,
    /// Anything.
    All,
}

/// What becomes of a command.
pub(crate) enum Sent {
    /// The core was free: its mailbox is emptied into it, and the sender works with it.
    YourTurn(Box<Core>),
    /// Somebody works with the core, and obeys before anything else.
    AnsweredSoon,
    Accepted,
}

/// What the driver finds.
pub(crate) enum Found {
    /// The core, with the mailbox emptied into it.
    Core(Box<Core>),
    /// Nothing to do until the deadline.
    Nothing(Option<Timestamp>),
}

impl Inbox {
    pub(crate) fn new(workers: usize) -> Self {
        let state = State {
            mail: Mail::default(),
            core: None,
            driver: None,
            timer: None,
            is_soon_back: false,
            is_asked: Arc::default(),
            waiting: 0,
            abandoned: false,
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            places: Arc::new(Semaphore::new(COMMANDS)),
            asked: AtomicU64::new(0),
            is_parallel: workers.min(processors()) > 1,
        }
    }

    /// Whether there are commands: kept up by the mailbox, for whoever has the core.
    pub(crate) fn is_asked(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.lock().is_asked)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a command; waits while the mailbox is full. A sender that finds the core free, and nothing that only
    /// the driver can do, gets the core with the mailbox emptied into it.
    pub(crate) async fn send(&self, command: Command) -> Result<Sent, RunError> {
        let places = || Arc::clone(&self.places);
        let place = match places().try_acquire_owned() {
            Ok(place) => place,
            Err(_) => places().acquire_owned().await.map_err(|_| RunError::ShutDown)?,
        };
        let mut state = self.lock();
        if state.closed && !is_broken(Rule::RefuseWhenClosed) {
            return Err(RunError::ShutDown);
        }
        state.mail.for_driver |= !command.is_prompt();
        state.mail.commands.push((command, place));
        state.is_asked.store(true, Ordering::Relaxed);
        Ok(match state.take_core_or_wake() {
            Some(core) => Sent::YourTurn(core),
            None if self.is_parallel && state.is_soon_back && !state.mail.for_driver => Sent::AnsweredSoon,
            None => Sent::Accepted,
        })
    }

    /// Adds reports. A runner that finds the core free, and nothing that only the driver can do, gets the core
    /// with the mailbox emptied into it. One that has nothing else to do waits for the core for a moment.
    pub(crate) fn deliver(&self, reports: &mut Vec<Report>, has_time: bool) -> Option<Box<Core>> {
        let mut state = self.lock();
        state.mail.reports.extend(reports.drain(..));
        let core = state.take_core_or_wake();
        if core.is_some() || !(has_time && self.is_parallel && state.is_soon_back) {
            return core;
        }
        state.waiting += 1;
        drop(state);
        let mut state = self.look_for_core();
        state.waiting -= 1;
        let has_work = !state.mail.is_empty() || state.core.as_ref().is_some_and(|core| core.more);
        if has_work { state.take_core_or_wake() } else { None }
    }

    /// The state, once the core is free, or after some time.
    fn look_for_core(&self) -> MutexGuard<'_, State> {
        for look in 1..=LOOKS {
            spin_loop();
            if look.is_multiple_of(LOCKED_LOOKS)
                && let Ok(state) = self.state.try_lock()
                && state.core.is_some()
            {
                return state;
            }
        }
        self.lock()
    }

    /// Looks for an answer that comes soon.
    pub(crate) fn look_for<T>(answer: &oneshot::Receiver<T>) {
        for _ in 0..LOOKS {
            if !answer.is_empty() || answer.is_terminated() {
                return;
            }
            spin_loop();
        }
    }

    /// Works off the mailbox until it is empty, or others should have their turn, and gives the core back. What is
    /// to be run is put in hand, or left to the dispatcher where there is none. Who has no hand goes no further than
    /// its commands while runners are about, which do the rest. Returns how many senders were answered that may wait for
    /// this thread.
    pub(crate) fn work_off(&self, mut core: Box<Core>, mut hand: Option<&mut Vec<Job>>) -> usize {
        let mut answered = 0;
        for round in 1.. {
            answered += core.work(hand.as_deref_mut());
            let duty = match &hand {
                Some(hand) if hand.is_empty() => Duty::All,
                Some(_) => Duty::CommandsAndLeft,
                None if core.dispatcher.has_awake_runners() => Duty::Commands,
                None => Duty::All,
            };
            match self.put_back(core, round, duty) {
                Some(again) => core = again,
                None => break,
            }
        }
        answered
    }

    /// Gives the core back after a burst, unless there is more for its holder to do.
    fn put_back(&self, mut core: Box<Core>, round: usize, duty: Duty) -> Option<Box<Core>> {
        let mut state = self.lock();
        let has_left = !core.mail.reports.is_empty();
        state.return_reports(&mut core);
        let looks = !is_broken(Rule::LookAgain);
        let has_commands = looks && !state.mail.commands.is_empty();
        let has_any = core.more || looks && !state.mail.is_empty();
        let goes_on = match duty {
            Duty::Commands => has_commands,
            Duty::CommandsAndLeft => has_commands || has_left,
            Duty::All => has_any,
        };
        let last = if has_commands { COMMAND_ROUNDS } else { ROUNDS };
        if goes_on && round < last && !state.mail.for_driver && !core.is_ending() {
            state.empty_into(&mut core);
            return Some(core);
        }
        let earlier = match (core.deadline(), state.timer) {
            _ if is_broken(Rule::WakeForDeadline) => false,
            (Some(at), Some(timer)) => at < timer,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let is_left_to_driver = has_any && state.waiting == 0;
        let wakes = earlier || is_left_to_driver || state.mail.for_driver || core.is_ending();
        state.core = Some(core);
        if wakes {
            state.wake();
        }
        None
    }

    /// Adds a report from a task that has no use for the core.
    pub(crate) fn add(&self, report: Report) {
        let mut state = self.lock();
        state.mail.reports.push_back(report);
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
            state.is_soon_back = core.works_anywhere() && !state.mail.for_driver;
            state.empty_into(&mut core);
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
        state.return_reports(&mut core);
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
        if !is_broken(Rule::DropWhatWaits) {
            state.mail = Mail::default();
        }
    }
}

impl State {
    /// Hands over what is in the mailbox.
    fn empty_into(&mut self, core: &mut Core) {
        std::mem::swap(&mut core.mail, &mut self.mail);
        self.is_asked.store(false, Ordering::Relaxed);
    }

    /// Takes back what was not heard, before what came since.
    fn return_reports(&mut self, core: &mut Core) {
        core.mail.reports.append(&mut self.mail.reports);
        std::mem::swap(&mut core.mail.reports, &mut self.mail.reports);
    }

    /// The core with the mailbox emptied into it, for somebody who is not the driver; else the driver is woken.
    fn take_core_or_wake(&mut self) -> Option<Box<Core>> {
        let may = !self.mail.for_driver;
        let Some(mut core) = self.core.take_if(|core| may && core.works_anywhere()) else {
            self.wake();
            return None;
        };
        self.empty_into(&mut core);
        self.is_soon_back = true;
        Some(core)
    }

    /// Wakes the driver, unless somebody works with the core: the holder looks again.
    fn wake(&self) {
        if self.core.is_some()
            && !is_broken(Rule::WakeDriver)
            && let Some(driver) = &self.driver
        {
            driver.wake_by_ref();
        }
    }
}
