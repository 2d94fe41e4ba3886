//! What a subscriber wants to see.

use starline_types::{Envelope, EventKind, RunId};

/// What a subscriber wants to see: everything, unless narrowed by run or kind.
///
/// ```
/// use starline_event::{EventFilter, EventKind, RunId};
///
/// let filter = EventFilter::all().run(RunId::new("nightly")?).kinds([EventKind::TaskFailed]);
/// assert!(filter.wants_run(&RunId::new("nightly")?));
/// assert!(!filter.wants_run(&RunId::new("other")?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EventFilter {
    run: Option<RunId>,
    /// One bit for each kind; `None`: all kinds.
    kinds: Option<u64>,
}

impl EventFilter {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Facts of one run only; the reserved run `system` has the facts about devices.
    #[must_use]
    pub fn run(mut self, run: RunId) -> Self {
        self.run = Some(run);
        self
    }

    /// These kinds only, beside those named before.
    #[must_use]
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = EventKind>) -> Self {
        let mask = kinds.into_iter().fold(self.kinds.unwrap_or(0), |mask, kind| mask | 1 << kind as u64);
        self.kinds = Some(mask);
        self
    }

    /// Whether any fact of a run could pass.
    #[must_use]
    pub fn wants_run(&self, run: &RunId) -> bool {
        self.run.as_ref().is_none_or(|wanted| wanted == run)
    }

    /// Whether a kind could pass.
    #[must_use]
    pub fn wants_kind(&self, kind: EventKind) -> bool {
        self.kinds.is_none_or(|mask| mask & (1 << kind as u64) != 0)
    }

    /// Whether a fact passes.
    #[must_use]
    pub fn wants(&self, envelope: &Envelope) -> bool {
        self.wants_run(&envelope.run_id) && self.wants_kind(envelope.event.kind())
    }
}
