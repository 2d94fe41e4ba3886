//! The only place where clocks are read.

use std::time::{SystemTime, UNIX_EPOCH};

use starline_types::{Timestamp, UnixMillis};
use tokio::time::Instant;

/// Monotonic time since the orchestrator began, and the wall time that goes with it.
///
/// The runtime's clock is used, so that tests can pause it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: Instant,
    epoch_ms: u64,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock of the orchestrator")]
    pub(crate) fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), epoch_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) }
    }

    /// Milliseconds since the orchestrator began.
    pub(crate) fn now(&self) -> Timestamp {
        let elapsed = self.began.elapsed();
        Timestamp(elapsed.as_secs() * 1000 + u64::from(elapsed.subsec_millis()))
    }

    /// The wall time of a moment; display only.
    pub(crate) fn wall(&self, at: Timestamp) -> UnixMillis {
        UnixMillis(self.epoch_ms + at.0)
    }

    /// The moment as the runtime's timers know it.
    pub(crate) fn instant(&self, at: Timestamp) -> Instant {
        self.began + std::time::Duration::from_millis(at.0)
    }
}

/// Measures one step, finer than times of facts are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> std::time::Duration {
        self.0.elapsed()
    }
}

/// The time of one run: it begins at 0, and stands still while nobody drives the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunTime {
    /// When this process began to drive the run, on the clock of the orchestrator.
    began: Timestamp,
    /// The time of the run then.
    from: Timestamp,
}

impl RunTime {
    /// A run that is at some time now.
    pub(crate) fn going_on(from: Timestamp, now: Timestamp) -> Self {
        Self { began: now, from }
    }

    /// The time of the run at a moment of the orchestrator.
    pub(crate) fn at(self, now: Timestamp) -> Timestamp {
        self.from + now.since(self.began)
    }

    /// The moment of the orchestrator at a time of the run; the beginning for what was before.
    pub(crate) fn moment(self, at: Timestamp) -> Timestamp {
        self.began + at.since(self.from)
    }
}
