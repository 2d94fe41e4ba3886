//! Records in which order tasks ran.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Dag;

/// Stamps each task with the position at which it ran.
#[derive(Clone, Debug)]
pub(super) struct Order {
    clock: Arc<AtomicU32>,
    stamps: Arc<[AtomicU32]>,
}

impl Order {
    pub(super) fn of(dag: &Dag) -> Self {
        Self { clock: Arc::default(), stamps: (0..dag.tasks).map(|_| AtomicU32::new(0)).collect() }
    }

    /// The body of a task: stamps it.
    pub(super) fn body(&self) -> impl Fn(u32) + Clone + Send + Sync + 'static {
        let order = self.clone();
        move |task| {
            let now = order.clock.fetch_add(1, Ordering::SeqCst) + 1;
            let earlier = order.stamps[task as usize].swap(now, Ordering::SeqCst);
            assert_eq!(earlier, 0, "task {task} ran twice");
        }
    }

    /// Every task ran once, and each edge was respected.
    pub(super) fn check(&self, dag: &Dag) {
        let stamp = |task: u32| self.stamps[task as usize].load(Ordering::SeqCst);
        assert!((0..dag.tasks as u32).all(|task| stamp(task) > 0), "a task of {} did not run", dag.name);
        for &(before, after) in &dag.edges {
            assert!(stamp(before) < stamp(after), "{}: {after} ran before {before}", dag.name);
        }
    }
}

/// Graphs that cover forks, joins, chains and many roots, small enough for a debug build.
pub(super) fn graphs() -> impl Iterator<Item = Dag> {
    ["chain_1000", "fan_998", "layered_1000"].into_iter().map(|name| Dag::named(name).expect("a listed name"))
}
