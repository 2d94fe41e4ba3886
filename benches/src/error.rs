//! Why a run has no measurement.

/// Why a run has no measurement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The system cannot run this graph, or not on this platform.
    #[error("{system} cannot run {workload}: {reason}")]
    Unsupported {
        /// The system that was asked.
        system: &'static str,
        /// The graph it was asked to run.
        workload: &'static str,
        /// What is in the way.
        reason: &'static str,
    },
    /// Not every task completed.
    #[error("{system} completed {completed} of {tasks} tasks")]
    Incomplete {
        /// The system that was asked.
        system: &'static str,
        /// Tasks that completed.
        completed: usize,
        /// Tasks of the graph.
        tasks: usize,
    },
    /// The system reported an error of its own.
    #[error("{system} failed")]
    Failed {
        /// The system that was asked.
        system: &'static str,
        /// What it reported.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl RunError {
    /// Refuses a run in which some tasks did not complete.
    ///
    /// # Errors
    ///
    /// [`RunError::Incomplete`] unless both numbers are equal.
    pub fn unless_complete(system: &'static str, completed: usize, tasks: usize) -> Result<(), Self> {
        if completed == tasks { Ok(()) } else { Err(Self::Incomplete { system, completed, tasks }) }
    }

    /// Wraps an error that a system reported.
    pub fn failed(system: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed { system, source: source.into() }
    }
}
