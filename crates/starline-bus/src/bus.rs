//! The bus: who is listening, and the call that reaches them all.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use starline_event::{BoxStream, EventFilter, EventSink, EventSource, Gap, Observer, RunId, SharedEnvelope};

use crate::Subscription;
use crate::queue::Queue;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, Ordering, PoisonError, Rule, RwLock, is_broken};

/// Facts that a subscription holds unless told otherwise.
pub const DEFAULT_CAPACITY: usize = 4096;

/// An in-process event bus.
///
/// Share it as an [`Arc`]: as [`EventSink`] with the orchestrator, as [`EventSource`] with those who read.
/// Facts reach each listener in the order in which one publisher publishes them; between two publishers
/// there is no order. Dropping the bus ends every stream after what is queued.
#[derive(Debug, Default)]
pub struct EventBus {
    registry: Arc<Registry>,
}

/// Who is listening.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// Replaced as a whole, so that publishing holds no lock while it runs observers.
    listeners: RwLock<Arc<Listeners>>,
    /// Length of the list, so that a bus without listeners costs one load.
    count: AtomicUsize,
    next_id: AtomicU64,
    panics: AtomicU64,
    last_panic: Mutex<Option<String>>,
}

#[derive(Clone, Debug, Default)]
struct Listeners {
    observers: Vec<Watcher>,
    queues: Vec<(u64, Arc<Queue>)>,
}

#[derive(Clone, Debug)]
struct Watcher {
    id: u64,
    filter: EventFilter,
    observer: Arc<dyn Observer>,
}

impl EventBus {
    /// A bus without listeners.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs an observer with every fact that the filter wants, in the call that publishes it, until the
    /// guard is dropped. A call that is running at that moment may still reach the observer.
    ///
    /// An observer that panics is dropped: see [`observer_panics`](Self::observer_panics).
    #[must_use = "the observer is dropped together with the guard"]
    pub fn observe(&self, filter: EventFilter, observer: Arc<dyn Observer>) -> ObserverGuard {
        let id = self.registry.new_id();
        self.registry.change(|listeners| listeners.observers.push(Watcher { id, filter, observer }));
        ObserverGuard { registry: Arc::downgrade(&self.registry), id }
    }

    /// A stream of the facts published from now on, with room for [`DEFAULT_CAPACITY`] of them.
    pub fn subscribe(&self, filter: EventFilter) -> Subscription {
        self.subscribe_with(filter, DEFAULT_CAPACITY)
    }

    /// A stream of the facts published from now on, with room for `capacity` of them, at least 1. Facts
    /// beyond that are dropped and reported as [`Gap`], until the reader has worked off half of the queue.
    pub fn subscribe_with(&self, filter: EventFilter, capacity: usize) -> Subscription {
        let id = self.registry.new_id();
        let queue = Arc::new(Queue::new(filter, capacity));
        self.registry.change(|listeners| listeners.queues.push((id, Arc::clone(&queue))));
        Subscription::new(queue, Arc::downgrade(&self.registry), id)
    }

    /// Observers and subscriptions at the moment.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.registry.count.load(Ordering::Relaxed)
    }

    /// Facts that wait for the subscription that is furthest behind.
    #[must_use]
    pub fn largest_backlog(&self) -> usize {
        self.registry.largest_backlog()
    }

    /// Observers that were dropped because they panicked.
    #[must_use]
    pub fn observer_panics(&self) -> u64 {
        self.registry.panics.load(Ordering::Relaxed)
    }

    /// What the observer said that panicked last.
    #[must_use]
    pub fn last_observer_panic(&self) -> Option<String> {
        self.registry.last_panic.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl EventSink for EventBus {
    fn wants(&self, run: &RunId) -> bool {
        self.registry.count.load(Ordering::Relaxed) > 0 && self.registry.wants(run)
    }

    fn publish(&self, events: &[SharedEnvelope]) {
        if events.is_empty() || self.registry.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let listeners = self.registry.listeners();
        for watcher in &listeners.observers {
            // The observer is dropped after a panic, so nobody sees what it left half done.
            let seen = catch_unwind(AssertUnwindSafe(|| {
                for event in events.iter().filter(|event| watcher.filter.wants(event)) {
                    watcher.observer.on_event(event);
                }
            }));
            if let Err(panic) = seen {
                self.registry.dismiss(watcher, panic.as_ref());
            }
        }
        for (_, queue) in &listeners.queues {
            queue.offer(events);
        }
    }
}

impl EventSource for EventBus {
    fn subscribe(&self, filter: EventFilter) -> BoxStream<'static, Result<SharedEnvelope, Gap>> {
        Box::pin(self.subscribe_with(filter, DEFAULT_CAPACITY))
    }
}

impl Drop for EventBus {
    fn drop(&mut self) {
        for (_, queue) in &self.registry.listeners().queues {
            queue.end();
        }
        self.registry.change(|listeners| *listeners = Listeners::default());
    }
}

impl Registry {
    pub(crate) fn remove_queue(&self, id: u64) {
        self.change(|listeners| listeners.queues.retain(|(other, _)| *other != id));
    }

    fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn listeners(&self) -> Arc<Listeners> {
        Arc::clone(&self.listeners.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn largest_backlog(&self) -> usize {
        self.listeners().queues.iter().map(|(_, queue)| queue.len()).max().unwrap_or(0)
    }

    fn wants(&self, run: &RunId) -> bool {
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner);
        listeners.queues.iter().any(|(_, queue)| queue.filter().wants_run(run))
            || listeners.observers.iter().any(|watcher| watcher.filter.wants_run(run))
    }

    /// Replaces the list by a changed one. What falls out of it is dropped outside of the lock, since
    /// dropping an observer may run any code.
    fn change(&self, change: impl FnOnce(&mut Listeners)) {
        let known = is_broken(Rule::ChangeUnderLock).then(|| self.listeners());
        let mut slot = self.listeners.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Listeners::clone(known.as_ref().unwrap_or(&slot));
        change(&mut next);
        self.count.store(next.observers.len() + next.queues.len(), Ordering::Relaxed);
        let before = std::mem::replace(&mut *slot, Arc::new(next));
        drop(slot);
        drop(before);
    }

    /// Drops an observer that panicked. Two publishers may see the same one panic; it counts once.
    fn dismiss(&self, watcher: &Watcher, panic: &(dyn Any + Send)) {
        let mut found = false;
        self.change(|listeners| {
            let before = listeners.observers.len();
            listeners.observers.retain(|other| other.id != watcher.id);
            found = listeners.observers.len() < before;
        });
        if found {
            self.panics.fetch_add(1, Ordering::Relaxed);
            let said = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("no message");
            let message = format!("observer panicked: {said}");
            *self.last_panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
        }
    }
}

/// Keeps an observer on its bus; dropping it takes the observer off.
#[derive(Debug)]
#[must_use = "the observer is dropped together with the guard"]
pub struct ObserverGuard {
    registry: Weak<Registry>,
    id: u64,
}

impl ObserverGuard {
    /// Leaves the observer on the bus for as long as the bus lives.
    pub fn keep(mut self) {
        self.registry = Weak::new();
    }

    /// Facts that wait for the subscription of the bus that is furthest behind; 0 once the bus is gone.
    #[must_use]
    pub fn largest_backlog(&self) -> usize {
        self.registry.upgrade().map_or(0, |registry| registry.largest_backlog())
    }
}

impl Drop for ObserverGuard {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.change(|listeners| listeners.observers.retain(|watcher| watcher.id != self.id));
        }
    }
}
