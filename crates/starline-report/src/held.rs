//! What a hold kept from starting.

use starline_types::{HoldScope, Millis, TaskId};

use crate::{History, Hold};

/// Tasks of one hold that are looked at closely.
const JUDGED: usize = 1_000;

impl History {
    /// Tasks that were ready while the hold covered them and started once it had closed, each with the time it waited
    /// for the hold, in the order of the tasks; of very many the first ones. O(tasks), and a search of the graph for
    /// each candidate.
    #[must_use]
    pub fn held_back(&self, hold: &Hold) -> Vec<(TaskId, Millis)> {
        let until = hold.closed.map_or_else(|| self.until(), |(at, _)| at);
        let graph = self.graph();
        let covers = |task: &TaskId| {
            let Some(task) = graph.find(task.as_str()) else { return false };
            let behind = |trigger: &TaskId| {
                graph.find(trigger.as_str()).is_some_and(|trigger| graph.is_upstream(trigger, task))
            };
            hold.scope == HoldScope::Graph || hold.triggers.iter().any(behind)
        };
        let waited = self.tasks().iter().filter_map(|task| {
            let (ready, assigned) = (task.ready_at?, task.attempts.first()?.assigned_at);
            let since = ready.max(hold.opened_at);
            (since < until && assigned >= until).then(|| (task.spec.id.clone(), until.since(since)))
        });
        waited.take(JUDGED).filter(|(task, _)| covers(task)).collect()
    }
}
