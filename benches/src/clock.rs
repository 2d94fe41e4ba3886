//! The only place that reads clocks.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

/// What one run took.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Measurement {
    /// Time on the wall.
    pub wall: Duration,
    /// Processor time of the whole process, user and system, all threads.
    pub cpu: Duration,
}

/// Both clocks, running.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    wall: Instant,
    cpu: ProcessTime,
}

impl Stopwatch {
    /// Starts both clocks.
    ///
    /// # Panics
    ///
    /// When the operating system has no clock for the processor time of a process.
    #[expect(
        clippy::disallowed_methods,
        reason = "measuring is what this crate is for, and this is its one clock"
    )]
    pub fn start() -> Self {
        // The wall clock is read last here and first in `stop`, so it never contains the slower one.
        let cpu = ProcessTime::now();
        Self { cpu, wall: Instant::now() }
    }

    /// What has passed since the start.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn stop(self) -> Measurement {
        let wall = self.wall.elapsed();
        Measurement { wall, cpu: self.cpu.elapsed() }
    }
}

/// The moment as a steady clock knows it, for times of single operations. Reading it costs some 20 ns.
#[expect(
    clippy::disallowed_methods,
    reason = "measuring is what this crate is for, and this is its one clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
