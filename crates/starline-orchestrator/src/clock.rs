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
