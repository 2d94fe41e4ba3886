//! What attempts do on simulated devices.

use std::fmt;

use starline_scheduler::Undelivered;
use starline_types::{EditBatch, ErrorKind, Millis, Payload, TaskError, TaskReport, TaskSpec, Timestamp};

use super::{Answers, Crash, Saying, Seen};

/// Names an attempt by position: run, task in its graph, number.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub(crate) struct Key {
    pub(crate) run: u32,
    pub(crate) task: u32,
    pub(crate) attempt: u32,
}

impl Key {
    pub(crate) fn parts(self) -> [u64; 3] {
        [self.run.into(), self.task.into(), self.attempt.into()]
    }
}

/// What one attempt does on its device.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// How long it takes; `None`: for ever, until it is stopped.
    pub takes: Option<Millis>,
    /// What it reports when it is done.
    pub report: TaskReport,
    /// How long it takes to stop after a polite request; `None`: it does not listen.
    pub polite: Option<Millis>,
    /// How long it takes to stop by force; `None`: it cannot be stopped.
    pub forced: Option<Millis>,
    /// Whether the device refuses it.
    pub refused: bool,
}

impl Work {
    /// Work that takes its time, succeeds without a result, and stops as soon as it is asked to.
    #[must_use]
    pub fn lasting(takes: Millis) -> Self {
        Self {
            takes: Some(takes),
            report: TaskReport::done(),
            polite: Some(Millis::ZERO),
            forced: Some(Millis::ZERO),
            refused: false,
        }
    }

    /// The same work, failing in the end.
    #[must_use]
    pub fn failing(mut self, kind: ErrorKind) -> Self {
        self.report = TaskReport::failed(TaskError::new(kind, "the work failed"));
        self
    }

    /// The same work with another report.
    #[must_use]
    pub fn reporting(mut self, report: TaskReport) -> Self {
        self.report = report;
        self
    }

    /// The same work, deaf to every request to stop.
    #[must_use]
    pub fn deaf(mut self) -> Self {
        (self.polite, self.forced) = (None, None);
        self
    }

    /// What a task does unless something else is said: the time of its estimate or of a `sleep`, and success.
    #[must_use]
    pub fn of(spec: &TaskSpec) -> Self {
        let estimate = spec.estimate.as_ref().and_then(|estimate| estimate.duration);
        Self::lasting(estimate.unwrap_or(match spec.run {
            Payload::Sleep(span) => span,
            _ => Millis::ZERO,
        }))
    }
}

/// How an editor answers a hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Time that it takes.
    pub after: Millis,
    /// The batch, without a base and a hold; `None`: it releases the hold.
    pub batch: Option<EditBatch>,
}

/// What becomes of a message: when it arrives, if it does, and when a second copy does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fate {
    pub(crate) arrives: Option<Millis>,
    pub(crate) again: Option<Millis>,
}

impl Fate {
    pub(crate) const AT_ONCE: Self = Self { arrives: Some(Millis::ZERO), again: None };
}

/// What becomes of a dispatch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DispatchFate {
    pub(crate) message: Fate,
    /// What the connection says instead of waiting for a report, and when.
    pub(crate) said: Option<(Millis, Undelivered)>,
    /// Whether the device says that it began.
    pub(crate) tells: bool,
}

/// How an orchestrator dies that has only just come back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Relapse {
    /// When it has read the journals.
    InReading(Crash),
    /// When it has taken its runs over and heard of its devices, and nothing of that is durable.
    InFirstCommit(Crash),
}

/// How the simulated world behaves where nothing was said about it.
pub(crate) trait Nature: fmt::Debug {
    /// What an attempt does.
    fn work(&mut self, key: Key, spec: &TaskSpec) -> Work;

    /// What becomes of a dispatch.
    fn dispatch(&mut self) -> DispatchFate {
        DispatchFate { message: Fate::AT_ONCE, said: None, tells: false }
    }

    /// What becomes of any other message.
    fn message(&mut self) -> Fate {
        Fate::AT_ONCE
    }

    /// When an attempt puts a checkpoint down, counted from its begin.
    fn checkpoints(&mut self, key: Key, task: &str, takes: Millis) -> Vec<Millis> {
        let _ = (key, task, takes);
        Vec::new()
    }

    /// Whether a device that refuses an attempt will never run it.
    fn declines(&mut self, key: Key, task: &str) -> bool {
        let _ = (key, task);
        false
    }

    /// Whether the orchestrator dies during a commit with facts.
    fn strikes(&mut self, now: Timestamp) -> Option<Crash> {
        let _ = now;
        None
    }

    /// Of the steps of a run that a crash lets become durable: how many do.
    fn steps_kept(&mut self, steps: usize) -> usize {
        steps
    }

    /// How many records of a journal are read at once after a restart.
    fn page(&mut self) -> usize {
        usize::MAX
    }

    /// Whether an orchestrator that has just come back dies again.
    fn relapses(&mut self) -> Option<Relapse> {
        None
    }

    /// Whether a device that is connected again names the attempts it does not have.
    fn confesses(&mut self) -> bool {
        true
    }

    /// From now on nothing goes wrong.
    fn calm(&mut self) {}

    /// Says what the attempts of a task do; the last work is that of all further attempts.
    fn tell(&mut self, run: usize, task: &str, works: Vec<Work>) {
        let _ = (run, task, works);
    }

    /// Says how the editor of a run answers holds, one after the other.
    fn reply(&mut self, run: usize, replies: Vec<Reply>) {
        let _ = (run, replies);
    }

    /// What an editor says about a hold that it was handed, and when.
    fn answer(&mut self, seen: &Seen<'_>) -> Answers {
        let _ = seen;
        Vec::new()
    }

    /// What somebody makes up.
    fn improvise(&mut self, salt: u64, seen: &Seen<'_>) -> Saying {
        let _ = seen;
        Saying::Improvise(salt)
    }

    /// When the editor of a run comes back after a restart.
    fn reattaches(&mut self, run: usize) -> Option<Millis> {
        let _ = run;
        None
    }
}
