//! What a batch is checked against beside the graph.

use starline_types::DeviceId;

/// Limits of one run. The defaults can be raised up to ten times.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Tasks of the graph.
    pub tasks: usize,
    /// Edges of the graph.
    pub dependencies: usize,
    /// Edges into one task, and edges out of one task.
    pub degree: usize,
    /// Edits of one batch.
    pub edits: usize,
    /// Bytes of one task's metadata, written as JSON.
    pub metadata_bytes: usize,
    /// Bytes of one text of a task.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tasks: 100_000,
            dependencies: 1_000_000,
            degree: 10_000,
            edits: 1_000,
            metadata_bytes: 64 * 1024,
            text_bytes: 256 * 1024,
        }
    }
}

impl Limits {
    /// The largest limits that may be set: a million tasks, ten million edges.
    #[must_use]
    pub fn ceiling() -> Self {
        Self {
            tasks: 1_000_000,
            dependencies: 10_000_000,
            degree: 1_000_000,
            edits: 10_000,
            ..Self::default()
        }
    }
}

/// What a batch is checked against beside the graph.
#[derive(Clone, Debug, Default)]
pub struct Surroundings<'a> {
    /// Known devices; `None`: pins are not checked.
    pub devices: Option<&'a [DeviceId]>,
    /// Limits.
    pub limits: Limits,
}
