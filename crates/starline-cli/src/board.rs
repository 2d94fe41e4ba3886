//! What is going on in a run at this moment: how far it is, and what each slot of a device does.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use starline::types::{DeviceId, DeviceProfile, Edit, Envelope, Event, GraphSpec, Millis, TaskId, Timestamp};

/// Follows the facts of one run. O(log tasks) for each of them.
#[derive(Debug)]
pub(crate) struct Board {
    total: usize,
    ended: usize,
    failed: usize,
    began: Option<Timestamp>,
    devices: Vec<Lanes>,
    index: BTreeMap<DeviceId, usize>,
    /// Where the live tasks are.
    live: BTreeMap<TaskId, (usize, usize)>,
    /// Estimated times, of tasks that have one and have not ended.
    estimates: BTreeMap<TaskId, Millis>,
    /// The sum of them.
    left: u64,
    /// The sum of those of tasks that have ended.
    done: u64,
}

/// The slots of one device.
#[derive(Debug)]
struct Lanes {
    id: DeviceId,
    slots: Vec<Option<Busy>>,
    /// Empty ones of them, the first one on top.
    free: BinaryHeap<Reverse<usize>>,
    /// Whether lanes are numbered: there is more than one.
    numbered: bool,
}

/// What a slot is busy with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Busy {
    /// The task.
    pub(crate) task: TaskId,
    /// When its attempt was assigned.
    pub(crate) since: Timestamp,
    /// Number of the attempt.
    pub(crate) attempt: u32,
    /// Whether it was asked to stop.
    pub(crate) stopping: bool,
}

/// One slot as it is shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Lane<'b> {
    /// The device, and the slot if it has several.
    pub(crate) name: String,
    /// What it does, if anything.
    pub(crate) busy: Option<&'b Busy>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Progress {
    /// Tasks of the graph.
    pub(crate) total: usize,
    /// Those that have ended, however.
    pub(crate) ended: usize,
    /// Those that have failed.
    pub(crate) failed: usize,
    /// Time since the run began to execute.
    pub(crate) elapsed: Millis,
    /// Time that is left, if enough is estimated to say so.
    pub(crate) left: Option<Millis>,
}

impl Board {
    /// A run of a graph that has not begun.
    pub(crate) fn new<'d>(graph: &GraphSpec, devices: impl IntoIterator<Item = &'d DeviceProfile>) -> Self {
        let mut board = Self {
            total: graph.tasks.len(),
            ended: 0,
            failed: 0,
            began: None,
            devices: Vec::new(),
            index: BTreeMap::new(),
            live: BTreeMap::new(),
            estimates: BTreeMap::new(),
            left: 0,
            done: 0,
        };
        for profile in devices {
            board.add_device(&profile.id, profile.slots);
        }
        for task in &graph.tasks {
            let estimate = task.estimate.as_ref().and_then(|estimate| estimate.duration);
            if let Some(estimate) = estimate.filter(|estimate| *estimate > Millis::ZERO) {
                board.left = board.left.saturating_add(estimate.0);
                board.estimates.insert(task.id.clone(), estimate);
            }
        }
        board
    }

    fn add_device(&mut self, id: &DeviceId, slots: u32) -> usize {
        let place = self.devices.len();
        let lanes = Lanes { id: id.clone(), slots: Vec::new(), free: BinaryHeap::new(), numbered: slots > 1 };
        self.devices.push(lanes);
        self.index.insert(id.clone(), place);
        // More lanes than any terminal has rows are made when they are used.
        for _ in 0..slots.min(256) {
            self.devices[place].add();
        }
        place
    }

    /// Takes a fact in.
    pub(crate) fn observe(&mut self, envelope: &Envelope) {
        match &envelope.event {
            Event::RunStarted { total_tasks, .. } => {
                self.began = Some(envelope.t);
                self.total = *total_tasks as usize;
            }
            Event::TaskAssigned { task, attempt, device, .. } => {
                let busy =
                    Busy { task: task.id().clone(), since: envelope.t, attempt: *attempt, stopping: false };
                self.occupy(device.id(), busy);
            }
            Event::TaskCancelRequested { task, .. } => {
                if let Some((device, slot)) = self.live.get(task.id())
                    && let Some(Some(busy)) = self.devices[*device].slots.get_mut(*slot)
                {
                    busy.stopping = true;
                }
            }
            Event::TaskRetryScheduled { task, .. } | Event::AttemptLost { task, .. } => {
                self.release(task.id());
            }
            Event::TaskFailed { task, .. } => {
                self.failed += 1;
                self.end(task.id());
            }
            Event::TaskCompleted { task, .. }
            | Event::TaskCancelled { task, .. }
            | Event::TaskSkipped { task, .. } => self.end(task.id()),
            // The graph is another one now; what is added has no estimate here.
            Event::EditCommitted(applied) => {
                let edits = &applied.batch.edits;
                let added = edits.iter().map(|edit| match edit {
                    Edit::AddTask { .. } => 1,
                    Edit::Build { graph, .. } => graph.tasks.len(),
                    _ => 0,
                });
                self.total += added.sum::<usize>();
            }
            _ => {}
        }
    }

    fn occupy(&mut self, device: &DeviceId, busy: Busy) {
        let place = self.index.get(device).copied().unwrap_or_else(|| self.add_device(device, 1));
        let task = busy.task.clone();
        let slot = self.devices[place].occupy(busy);
        self.live.insert(task, (place, slot));
    }

    fn release(&mut self, task: &TaskId) {
        if let Some((device, slot)) = self.live.remove(task) {
            let lanes = &mut self.devices[device];
            lanes.slots[slot] = None;
            lanes.free.push(Reverse(slot));
        }
    }

    fn end(&mut self, task: &TaskId) {
        self.ended += 1;
        self.release(task);
        if let Some(estimate) = self.estimates.remove(task) {
            self.left = self.left.saturating_sub(estimate.0);
            self.done = self.done.saturating_add(estimate.0);
        }
    }

    /// How far the run is at a time.
    pub(crate) fn progress(&self, now: Timestamp) -> Progress {
        let elapsed = self.began.map_or(Millis::ZERO, |began| now.since(began));
        Progress {
            total: self.total,
            ended: self.ended,
            failed: self.failed,
            elapsed,
            left: self.remaining(now, elapsed),
        }
    }

    /// The time left, if work goes on as fast as so far.
    fn remaining(&self, now: Timestamp, elapsed: Millis) -> Option<Millis> {
        if self.estimates.is_empty() {
            return None;
        }
        let begun = self.devices.iter().flat_map(|lanes| lanes.slots.iter().flatten()).map(|busy| {
            let estimate = self.estimates.get(&busy.task).copied().unwrap_or_default();
            now.since(busy.since).min(estimate).0
        });
        let begun: u64 = begun.sum();
        let (done, left) = (self.done + begun, self.left.saturating_sub(begun));
        (done > 0).then(|| Millis((elapsed.0 as f64 / done as f64 * left as f64) as u64))
    }

    /// Slots to show, at most as many as there is room for, and how many busy ones are not among them. Where
    /// not all fit, those that do something go first.
    pub(crate) fn lanes(&self, room: usize) -> (Vec<Lane<'_>>, usize) {
        let slots: usize = self.devices.iter().map(|lanes| lanes.slots.len()).sum();
        if slots <= room {
            return (self.devices.iter().flat_map(|lanes| lanes.shown(false)).collect(), 0);
        }
        let shown: Vec<_> = self.devices.iter().flat_map(|lanes| lanes.shown(true)).take(room).collect();
        let more = self.live.len().saturating_sub(shown.len());
        (shown, more)
    }
}

impl Lanes {
    fn add(&mut self) {
        self.free.push(Reverse(self.slots.len()));
        self.slots.push(None);
    }

    fn occupy(&mut self, busy: Busy) -> usize {
        if self.free.is_empty() {
            self.add();
        }
        let slot = self.free.pop().map_or(0, |Reverse(slot)| slot);
        self.slots[slot] = Some(busy);
        slot
    }

    fn shown(&self, busy_only: bool) -> impl Iterator<Item = Lane<'_>> {
        let slots = self.slots.iter().enumerate().filter(move |(_, busy)| !busy_only || busy.is_some());
        slots.map(|(slot, busy)| Lane {
            name: if self.numbered { format!("{}/{}", self.id, slot + 1) } else { self.id.to_string() },
            busy: busy.as_ref(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use starline::types::{Estimate, Payload, TaskSpec};
    use std::sync::Arc;

    fn board(slots: u32) -> Board {
        let task = |id: &str| {
            let mut task = TaskSpec::new(TaskId::new(id).expect("id"), Payload::Noop);
            task.estimate = Some(Arc::new(Estimate { duration: Some(Millis(1000)), ..Estimate::default() }));
            Arc::new(task)
        };
        let graph = GraphSpec { tasks: ["a", "b", "c", "d"].map(task).to_vec(), ..GraphSpec::default() };
        let device =
            |id: &str, slots| DeviceProfile::new(DeviceId::new(id).expect("id"), "x").with_slots(slots);
        Board::new(&graph, &[device("north", slots), device("south", 1)])
    }

    fn fact(board: &mut Board, t: u64, kind: &str, data: &Value) {
        let value =
            json!({"seq": 1, "run_id": "r", "revision": 0, "t": t, "at": 0, "kind": kind, "data": data});
        board.observe(&serde_json::from_value(value).expect("an envelope"));
    }

    fn assigned(board: &mut Board, t: u64, task: &str, device: &str) {
        fact(board, t, "task_assigned", &json!({"task": task, "attempt": 1, "device": device}));
    }

    fn completed(board: &mut Board, t: u64, task: &str, device: &str) {
        let data = json!({"task": task, "attempt": 1, "device": device, "duration_ms": 0});
        fact(board, t, "task_completed", &data);
    }

    #[test]
    fn tasks_keep_their_lane_and_leave_it_to_the_next() {
        let mut board = board(2);
        fact(&mut board, 100, "run_started", &json!({"total_tasks": 4, "strategy": "load_balance"}));
        assigned(&mut board, 100, "a", "north");
        assigned(&mut board, 200, "b", "north");
        completed(&mut board, 600, "a", "north");
        assigned(&mut board, 700, "c", "north");
        let (lanes, more) = board.lanes(10);
        let shown = lanes
            .iter()
            .map(|lane| (lane.name.as_str(), lane.busy.map(|busy| (busy.task.as_str(), busy.since.0))));
        let expected = [("north/1", Some(("c", 700))), ("north/2", Some(("b", 200))), ("south", None)];
        assert_eq!((shown.collect::<Vec<_>>(), more), (expected.to_vec(), 0));
        let progress = board.progress(Timestamp(1100));
        assert_eq!((progress.ended, progress.total, progress.elapsed), (1, 4, Millis(1000)));
        // One second of `a`, 0.4 of `c` and 0.9 of `b` are done; 1.7 are left.
        assert_eq!(progress.left, Some(Millis(739)));
    }

    #[test]
    fn where_there_is_little_room_busy_lanes_go_first() {
        let mut board = board(300);
        for task in ["a", "b"] {
            assigned(&mut board, 0, task, "north");
        }
        assigned(&mut board, 0, "c", "south");
        let (lanes, more) = board.lanes(2);
        assert!(lanes.iter().all(|lane| lane.busy.is_some()));
        assert_eq!((lanes.len(), more), (2, 1));
        fact(
            &mut board,
            5,
            "task_failed",
            &json!({"task": "c", "attempt": 1, "error": {"kind": "timeout", "message": "x"}, "duration_ms": 0}),
        );
        assert_eq!((board.lanes(2).1, board.progress(Timestamp(5)).failed), (0, 1));
        assigned(&mut board, 9, "d", "a-stranger");
        assert_eq!(board.lanes(3).0[2].name, "a-stranger");
    }
}
