//! How a function hears that its attempt should end.

use tokio::sync::watch;

use crate::live::Stop;

/// Tells a function that its attempt should end early: it was cancelled or ran too long.
///
/// Clones hear the same. A function that ends with an error after the request counts as stopped; one that
/// ends with a result has done its work and counts as completed.
#[derive(Clone, Debug)]
pub struct Cancellation(watch::Receiver<Stop>);

impl Cancellation {
    pub(crate) fn new(stop: watch::Receiver<Stop>) -> Self {
        Self(stop)
    }

    /// Whether the attempt should end.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() > Stop::No || self.0.has_changed().is_err()
    }

    /// Waits until the attempt should end, or has ended.
    ///
    /// # Cancellation safety
    /// May be dropped and called again at any time.
    pub async fn requested(&self) {
        // An error means that the attempt is over, which a task that outlives it wants to hear as well.
        let _ = self.0.clone().wait_for(|stop| *stop > Stop::No).await;
    }
}
