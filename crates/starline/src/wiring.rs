//! Default wiring: an orchestrator with a bus and the strategy `load_balance`.

use std::sync::Arc;

use starline_bus::EventBus;
use starline_journal::{Journal, NoJournal};
use starline_orchestrator::Orchestrator;
use starline_strategies::LoadBalance;

/// An orchestrator that keeps nothing, with its bus.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn embedded() -> (Orchestrator, Arc<EventBus>) {
    with_journal(Arc::new(NoJournal))
}

/// An orchestrator over a journal, with its bus.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn with_journal(journal: Arc<dyn Journal>) -> (Orchestrator, Arc<EventBus>) {
    let bus = Arc::new(EventBus::new());
    let orchestrator =
        Orchestrator::builder(journal, Arc::clone(&bus) as _, || Box::new(LoadBalance)).build();
    (orchestrator, bus)
}
