//! Which tasks of one run wait for a device, and since when.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use starline_edit::{Touched, install, reapply};
use starline_graph::{Effect, TaskGraph};
use starline_types::{
    Applied, DeviceIx, Edit, EditBatch, GraphSpec, HoldId, HoldScope, Judgement, Millis, OutcomeStatus,
    TaskIx, TaskRef, TaskState, Timestamp,
};

/// Stops that are remembered; a wait that began before the oldest of them is not measured.
const STOPS: usize = 1_024;
/// Ancestors that are looked at to learn whether a hold covered a task; if that is not enough, the wait is not
/// measured.
const ANCESTORS: usize = 512;

/// The graph of a run as far as its facts tell, and who waits in it.
#[derive(Debug)]
pub(crate) struct Waits {
    graph: TaskGraph,
    started: bool,
    /// When each task became ready that has no attempt yet, or when its retry delay is over.
    since: HashMap<TaskIx, Timestamp>,
    /// Pauses and holds, in the order in which they began.
    stops: VecDeque<Stop>,
    /// Waits that began earlier are not measured.
    horizon: Timestamp,
}

/// Time in which tasks are not to be placed.
#[derive(Debug)]
struct Stop {
    from: Timestamp,
    to: Option<Timestamp>,
    covers: Covers,
}

#[derive(Debug)]
enum Covers {
    /// A pause.
    Run,
    /// A hold of every unstarted task.
    Graph(HoldId),
    /// A hold of what is behind these tasks, and of the tasks that were named to be covered.
    Behind { hold: HoldId, triggers: HashSet<TaskIx>, named: HashSet<TaskIx> },
}

impl Covers {
    fn is_of(&self, wanted: HoldId) -> bool {
        match self {
            Self::Run => false,
            Self::Graph(hold) | Self::Behind { hold, .. } => *hold == wanted,
        }
    }
}

/// How long a task waited for its attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Waited {
    /// Since nothing but a device was missing, for the last time.
    pub(crate) dispatch: Millis,
    /// All of the time in which nothing but a device was missing.
    pub(crate) queue: Millis,
}

impl Waits {
    /// A run that was submitted. O(n + m).
    pub(crate) fn new(spec: &Arc<GraphSpec>) -> Self {
        let mut graph = TaskGraph::default();
        let edits = vec![Edit::Build { graph: Arc::clone(spec), clear_existing: true }];
        install(&mut graph, &EditBatch { edits, ..EditBatch::default() });
        Self {
            graph,
            started: false,
            since: HashMap::new(),
            stops: VecDeque::new(),
            horizon: Timestamp::default(),
        }
    }

    /// Tasks of the graph.
    pub(crate) fn tasks(&self) -> usize {
        self.graph.len()
    }

    /// The run began.
    pub(crate) fn start(&mut self, now: Timestamp) {
        self.started = true;
        let tasks: Vec<TaskIx> = self.graph.indices().collect();
        tasks.into_iter().for_each(|task| self.look_at(task, now));
    }

    /// Waits from now on if it is ready, and does not if it is not.
    fn look_at(&mut self, task: TaskIx, now: Timestamp) {
        let ready = self.started
            && self.graph.contains(task)
            && self.graph.state(task) == TaskState::Pending
            && self.graph.waits(task).satisfied();
        if ready {
            self.since.entry(task).or_insert(now);
        } else {
            self.since.remove(&task);
        }
    }

    /// A task has an attempt: how long it waited for it, if that is known.
    pub(crate) fn assign(&mut self, task: &TaskRef, attempt: u32, now: Timestamp) -> Option<Waited> {
        let ix = self.graph.resolve(task)?;
        let since = self.since.remove(&ix);
        // Which device it is makes no difference here.
        self.graph.start(ix, attempt, DeviceIx(0), now);
        self.waited(ix, since?, now)
    }

    /// A task has ended; how long it waited, if it did so until now.
    pub(crate) fn end(
        &mut self,
        task: &TaskRef,
        status: OutcomeStatus,
        edges: &[Judgement],
        now: Timestamp,
    ) -> Option<Waited> {
        let ix = self.graph.resolve(task)?;
        if !matches!(self.graph.state(ix), TaskState::Pending | TaskState::Running { .. }) {
            return None;
        }
        let since = self.since.remove(&ix);
        let mut ready = Vec::new();
        self.graph.end(ix, status, now, edges, |successor, effect| {
            if effect == Effect::Ready {
                ready.push(successor);
            }
        });
        ready.into_iter().for_each(|task| self.look_at(task, now));
        self.waited(ix, since?, now)
    }

    /// An attempt ended, and another one may begin at `from`.
    pub(crate) fn again(&mut self, task: &TaskRef, from: Timestamp) {
        let Some(ix) = self.graph.resolve(task) else { return };
        if matches!(self.graph.state(ix), TaskState::Running { .. }) {
            self.graph.suspend(ix);
            self.since.insert(ix, from);
        }
    }

    /// A retry delay was ended, or a gate opened: the task waits from now on.
    pub(crate) fn admit(&mut self, task: &TaskRef, now: Timestamp) {
        if let Some(ix) = self.graph.resolve(task) {
            self.since.remove(&ix);
            self.look_at(ix, now);
        }
    }

    /// A person is asked: the task does not wait for a device.
    pub(crate) fn gate(&mut self, task: &TaskRef) {
        if let Some(ix) = self.graph.resolve(task) {
            self.since.remove(&ix);
        }
    }

    /// A batch is in force. As costly as its check.
    pub(crate) fn edit(&mut self, applied: &Applied, now: Timestamp) {
        let Touched { added, removed, updated, rewired, replaced } = reapply(&mut self.graph, applied);
        if replaced {
            self.since.clear();
            return self.start_if_started(now);
        }
        // An index may have gone from a task that was removed to one that was added.
        for task in removed {
            self.since.remove(&task);
        }
        for task in added.into_iter().chain(rewired).chain(updated) {
            self.look_at(task, now);
        }
    }

    fn start_if_started(&mut self, now: Timestamp) {
        if self.started {
            self.start(now);
        }
    }

    /// Nothing is placed from now on.
    pub(crate) fn pause(&mut self, now: Timestamp) {
        self.stop(now, Covers::Run);
    }

    /// The run goes on.
    pub(crate) fn resume(&mut self, now: Timestamp) {
        self.go_on(now, |covers| matches!(covers, Covers::Run));
    }

    /// A hold was opened.
    pub(crate) fn hold(&mut self, hold: HoldId, scope: HoldScope, triggers: &[TaskRef], now: Timestamp) {
        let covers = match scope {
            HoldScope::Graph => Covers::Graph(hold),
            HoldScope::Descendants => {
                let triggers = self.indices(triggers);
                Covers::Behind { hold, triggers, named: HashSet::new() }
            }
        };
        self.stop(now, covers);
    }

    /// A hold covers what is behind one more task, or more tasks and what is behind them.
    pub(crate) fn cover(&mut self, wanted: HoldId, tasks: &[TaskRef], themselves: bool) {
        let tasks = self.indices(tasks);
        let stop = self.stops.iter_mut().rev().find(|stop| stop.to.is_none() && stop.covers.is_of(wanted));
        if let Some(Stop { covers: Covers::Behind { triggers, named, .. }, .. }) = stop {
            if themselves {
                named.extend(&tasks);
            }
            triggers.extend(tasks);
        }
    }

    /// A hold is closed.
    pub(crate) fn release(&mut self, hold: HoldId, now: Timestamp) {
        self.go_on(now, |covers| covers.is_of(hold));
    }

    fn indices(&self, tasks: &[TaskRef]) -> HashSet<TaskIx> {
        tasks.iter().filter_map(|task| self.graph.resolve(task)).collect()
    }

    fn stop(&mut self, from: Timestamp, covers: Covers) {
        if self.stops.len() == STOPS
            && let Some(oldest) = self.stops.pop_front()
        {
            // One that is still open may cover tasks for ever.
            self.horizon = self.horizon.max(oldest.to.unwrap_or(Timestamp(u64::MAX)));
        }
        self.stops.push_back(Stop { from, to: None, covers });
    }

    fn go_on(&mut self, now: Timestamp, wanted: impl Fn(&Covers) -> bool) {
        for stop in &mut self.stops {
            if stop.to.is_none() && wanted(&stop.covers) {
                stop.to = Some(now);
            }
        }
        if self.since.is_empty() {
            // Nobody waits: what is over concerns no wait that is still to come.
            self.stops.retain(|stop| stop.to.is_none());
        }
    }

    /// How long a task waited that waits no more.
    fn waited(&self, task: TaskIx, since: Timestamp, now: Timestamp) -> Option<Waited> {
        if since < self.horizon {
            return None;
        }
        let mut above = None;
        let (mut stopped, mut free_from) = (0, since);
        for stop in &self.stops {
            let to = stop.to.unwrap_or(now);
            if to <= free_from {
                continue;
            }
            let covered = match &stop.covers {
                Covers::Run | Covers::Graph(_) => true,
                Covers::Behind { triggers, named, .. } => {
                    let above = above.get_or_insert_with(|| self.above(task));
                    let found = named.contains(&task) || above.tasks.iter().any(|up| triggers.contains(up));
                    if !found && above.cut {
                        return None;
                    }
                    found
                }
            };
            if covered {
                // Placed all the same: whatever made that so is not known here.
                stop.to?;
                // Stops are in the order in which they began, so that each one adds what is behind the last.
                stopped += to.since(stop.from.max(free_from)).0;
                free_from = to;
            }
        }
        let queue = Millis(now.since(since).0.saturating_sub(stopped));
        Some(Waited { dispatch: now.since(free_from), queue })
    }

    /// The ancestors of a task, nearest first.
    fn above(&self, task: TaskIx) -> Above {
        let (mut found, mut tasks) = (HashSet::new(), Vec::new());
        let mut queue = VecDeque::from([task]);
        while let Some(next) = queue.pop_front() {
            for up in self.graph.predecessors(next) {
                if tasks.len() == ANCESTORS {
                    return Above { tasks, cut: true };
                }
                if found.insert(up) {
                    tasks.push(up);
                    queue.push_back(up);
                }
            }
        }
        Above { tasks, cut: false }
    }

    /// Tasks that wait for a device, and tasks that would if no hold covered them. O(waiting tasks), and a search of
    /// the finished part behind each open hold.
    pub(crate) fn census(&self, now: Timestamp) -> (u64, u64) {
        let mut held = HashSet::new();
        let mut all = false;
        for stop in self.stops.iter().filter(|stop| stop.to.is_none()) {
            match &stop.covers {
                Covers::Run => {}
                Covers::Graph(_) => all = true,
                Covers::Behind { triggers, named, .. } => {
                    held.extend(named.iter().copied());
                    self.below(triggers, &mut held);
                }
            }
        }
        let due = self.since.iter().filter(|(_, since)| **since <= now);
        let (held, ready): (Vec<_>, Vec<_>) = due.partition(|(task, _)| all || held.contains(task));
        (ready.len() as u64, held.len() as u64)
    }

    /// Adds the tasks behind others that may be ready: there is nothing ready behind a task that has not ended.
    fn below(&self, tasks: &HashSet<TaskIx>, found: &mut HashSet<TaskIx>) {
        let mut queue: Vec<TaskIx> = tasks.iter().copied().collect();
        while let Some(next) = queue.pop() {
            if !self.graph.contains(next)
                || matches!(self.graph.state(next), TaskState::Pending | TaskState::Running { .. })
            {
                continue;
            }
            for down in self.graph.successors(next) {
                if found.insert(down) {
                    queue.push(down);
                }
            }
        }
    }
}

#[derive(Debug)]
struct Above {
    tasks: Vec<TaskIx>,
    /// There are more.
    cut: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use starline_types::{Dependency, Payload, TaskId, TaskSpec};

    fn task(name: &str) -> TaskRef {
        TaskRef::unresolved(TaskId::new(name).expect("id"))
    }

    /// A run that began at 0.
    fn begun(tasks: &[&str], edges: &[(&str, &str)]) -> Waits {
        let id = |name: &str| TaskId::new(name).expect("id");
        let tasks = tasks.iter().map(|name| Arc::new(TaskSpec::new(id(name), Payload::Noop))).collect();
        let dependencies = edges.iter().map(|(from, to)| Dependency::success(id(from), id(to))).collect();
        let spec = GraphSpec { tasks, dependencies, ..GraphSpec::default() };
        let mut waits = Waits::new(&Arc::new(spec));
        waits.start(Timestamp(0));
        waits
    }

    fn complete(waits: &mut Waits, name: &str, now: u64) {
        waits.end(&task(name), OutcomeStatus::Completed, &[], Timestamp(now));
    }

    /// The latency and the time in the queue of an attempt, in milliseconds.
    fn assign(waits: &mut Waits, name: &str, attempt: u32, now: u64) -> Option<(u64, u64)> {
        let waited = waits.assign(&task(name), attempt, Timestamp(now))?;
        Some((waited.dispatch.0, waited.queue.0))
    }

    #[test]
    fn a_task_waits_from_the_end_of_its_last_source() {
        let mut waits = begun(&["a", "b", "c"], &[("a", "c"), ("b", "c")]);
        assert_eq!(assign(&mut waits, "a", 1, 3), Some((3, 3)));
        assert_eq!(assign(&mut waits, "b", 1, 4), Some((4, 4)));
        complete(&mut waits, "a", 10);
        complete(&mut waits, "b", 20);
        assert_eq!(waits.census(Timestamp(20)), (1, 0));
        assert_eq!(assign(&mut waits, "c", 1, 27), Some((7, 7)));
        assert_eq!(waits.census(Timestamp(27)), (0, 0));
    }

    #[test]
    fn holds_and_pauses_are_no_waits() {
        let mut waits = begun(&["a", "b", "c", "x"], &[("a", "b"), ("b", "c")]);
        assert_eq!(assign(&mut waits, "a", 1, 0), Some((0, 0)));
        complete(&mut waits, "a", 10);
        waits.hold(HoldId(1), HoldScope::Descendants, &[task("a")], Timestamp(12));
        assert_eq!(waits.census(Timestamp(12)), (1, 1), "x and b");
        waits.pause(Timestamp(15));
        waits.release(HoldId(1), Timestamp(20));
        waits.resume(Timestamp(30));
        // Ready from 10 to 12, held or paused until 30.
        assert_eq!(assign(&mut waits, "b", 1, 35), Some((5, 7)));
        // The hold was none of its business, the pause was.
        assert_eq!(assign(&mut waits, "x", 1, 36), Some((6, 21)));
        complete(&mut waits, "b", 40);
        assert_eq!(assign(&mut waits, "c", 1, 41), Some((1, 1)), "what is over before does not count");
    }

    #[test]
    fn a_hold_covers_what_is_behind_it_and_what_it_was_extended_to() {
        let mut waits = begun(&["a", "b", "c", "x", "y"], &[("a", "b"), ("b", "c"), ("y", "c")]);
        assert_eq!(assign(&mut waits, "a", 1, 0), Some((0, 0)));
        assert_eq!(assign(&mut waits, "y", 1, 0), Some((0, 0)));
        complete(&mut waits, "a", 0);
        assert_eq!(assign(&mut waits, "b", 1, 0), Some((0, 0)));
        waits.hold(HoldId(1), HoldScope::Descendants, &[task("a")], Timestamp(5));
        waits.cover(HoldId(1), &[task("x")], true);
        complete(&mut waits, "b", 10);
        complete(&mut waits, "y", 11);
        assert_eq!(waits.census(Timestamp(11)), (0, 2), "x, and c behind b");
        waits.release(HoldId(1), Timestamp(50));
        assert_eq!(assign(&mut waits, "c", 1, 51), Some((1, 1)));
        assert_eq!(assign(&mut waits, "x", 1, 52), Some((2, 7)));
    }

    #[test]
    fn each_retry_waits_anew_behind_its_delay() {
        let mut waits = begun(&["a"], &[]);
        assert_eq!(assign(&mut waits, "a", 1, 5), Some((5, 5)));
        waits.again(&task("a"), Timestamp(100));
        assert_eq!(waits.census(Timestamp(50)), (0, 0), "in its delay");
        assert_eq!(assign(&mut waits, "a", 2, 101), Some((1, 1)));
        waits.again(&task("a"), Timestamp(1_000));
        waits.admit(&task("a"), Timestamp(200));
        waits.gate(&task("a"));
        waits.admit(&task("a"), Timestamp(300));
        assert_eq!(assign(&mut waits, "a", 3, 302), Some((2, 2)), "asked, and allowed at 300");
    }

    #[test]
    fn an_edit_frees_and_binds() {
        let mut waits = begun(&["a", "b"], &[("a", "b")]);
        let edit = |edits: &str| {
            let edits = serde_json::from_str(edits).expect("edits");
            Applied {
                revision: starline_types::Revision(1),
                batch: EditBatch { edits, ..EditBatch::default() },
                ..Applied::default()
            }
        };
        waits.edit(&edit(r#"[{"op": "remove_dependency", "from": "a", "to": "b"}]"#), Timestamp(7));
        waits.edit(&edit(r#"[{"op": "remove_task", "id": "a"}]"#), Timestamp(8));
        waits.edit(&edit(r#"[{"op": "add_task", "task": {"id": "c"}}]"#), Timestamp(9));
        assert_eq!(waits.census(Timestamp(9)), (2, 0));
        assert_eq!(assign(&mut waits, "b", 1, 10), Some((3, 3)));
        assert_eq!(assign(&mut waits, "c", 1, 10), Some((1, 1)));
    }

    #[test]
    fn what_cannot_be_known_is_not_measured() {
        let mut waits = begun(&["a", "b"], &[]);
        waits.hold(HoldId(0), HoldScope::Graph, &[], Timestamp(0));
        for hold in 1..=STOPS as u64 {
            waits.hold(HoldId(hold), HoldScope::Graph, &[], Timestamp(hold));
            waits.release(HoldId(hold), Timestamp(hold));
        }
        assert!(waits.stops.len() <= STOPS);
        assert_eq!(assign(&mut waits, "a", 1, 9_999), None, "a hold that is open was forgotten");
    }
}
