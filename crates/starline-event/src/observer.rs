//! Code that runs with every fact.

use std::fmt;

use starline_types::Envelope;

/// Code that runs with every fact, in the place where it is published.
///
/// Must be quick and must not wait: the publisher runs it. What takes time belongs behind a subscription.
///
/// ```
/// use starline_event::{Envelope, Observer};
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// #[derive(Debug, Default)]
/// struct Counter(AtomicU64);
///
/// impl Observer for Counter {
///     fn on_event(&self, _: &Envelope) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
/// ```
pub trait Observer: fmt::Debug + Send + Sync {
    /// Sees one fact. Called in the order of the stream of each run.
    fn on_event(&self, event: &Envelope);
}
