//! Placing: ready tasks onto free slots.

use std::sync::Arc;

use starline_graph::{RenderError, TemplateContext, render_payload, resolve_files};
use starline_types::{
    Attempt, AttemptFile, AttemptId, DeviceIx, ErrorKind, Event, Payload, SparseMap, TaskError, TaskIx,
    TaskSpec, TaskState, Timestamp, Value,
};

use crate::bug::Bug;
use crate::queue::{Lane, Urgency};
use crate::state::NO_LANE;
use crate::timers::Timer;
use crate::{Effect, Fleet, Scheduler, Step};

impl Scheduler {
    /// Gives ready tasks to free slots, at most `limit` of them. Returns whether more could be placed.
    ///
    /// Drivers call it after a burst of inputs, for their runs in turn. Costs what is placed, and what was
    /// freed or became ready since the last call.
    pub fn place(&mut self, now: Timestamp, fleet: &mut Fleet, limit: usize, step: &mut Step) -> bool {
        if self.has_failed_undo() {
            self.settle(now, fleet, step);
        }
        if !self.may_place() {
            return false;
        }
        self.state.ripen(now);
        if self.has_bug(Bug::AnyEdgeSuffices) {
            self.make_half_ready(now);
        }
        self.enqueue_fresh(now, fleet, step);
        self.wake(fleet);
        let more = if self.early {
            self.serve_early(now, fleet, limit, step)
        } else {
            self.serve_late(now, fleet, limit, step)
        };
        self.unfinished = more;
        self.settle(now, fleet, step);
        // A task that was skipped just now may have let others go.
        more || self.may_place() && !self.state.fresh.is_empty()
    }

    /// The wrong rule that one satisfied edge is enough.
    fn make_half_ready(&mut self, now: Timestamp) {
        for task in self.state.graph.indices().collect::<Vec<_>>() {
            let pending = self.state.graph.state(task) == TaskState::Pending && !self.state.slot(task).ready;
            let one = Some(starline_types::Verdict::Satisfied);
            if pending && self.state.graph.incoming(task).any(|edge| edge.verdict() == one) {
                self.state.make_ready(task, now);
            }
        }
    }

    pub(super) fn may_place(&self) -> bool {
        let executing = self.is_executing() || self.has_bug(Bug::PauseIgnored) && !self.is_closed();
        executing && self.state.ending.is_none() && !self.awaits_rollback() && !self.has_failed_undo()
    }

    /// Whether placing has something to look at.
    #[must_use]
    pub fn wants_placing(&self, fleet: &Fleet) -> bool {
        self.may_place()
            && (self.unfinished
                || !self.state.fresh.is_empty()
                || self.state.ready > 0 && self.freed_seen != fleet.freed_total())
    }

    /// Free attempts under `max_parallel`.
    pub(super) fn parallel_room(&self) -> usize {
        let running = self.state.graph.counts().running;
        match self.state.settings.max_parallel {
            Some(max) if !self.has_bug(Bug::ParallelLimitIgnored) => max.saturating_sub(running) as usize,
            _ => usize::MAX,
        }
    }

    /// Puts tasks that became ready, or whose plan changed, where they wait.
    fn enqueue_fresh(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
        while !self.state.fresh.is_empty() {
            let mut fresh = std::mem::take(&mut self.state.fresh);
            let mut unplanned = Vec::new();
            for task in fresh.drain(..) {
                if !self.is_placeable(task, now) {
                    continue;
                }
                if !self.early {
                    let class = fleet.class(self.state.graph.spec(task));
                    if !self.has_taker(task, fleet) {
                        self.note_impossible(now, task, fleet);
                    }
                    self.enqueue(task, class.0);
                    continue;
                }
                let planned = self.state.slot(task).planned;
                if planned.is_none_or(|device| !fleet.is_available(device)) {
                    // The device may have gone since the plan was made.
                    unplanned.push(task);
                }
                // A device that refuses the task is asked again when a timer says so.
                if let Some(device) = planned.filter(|device| !self.state.is_refused(task, *device, now)) {
                    self.enqueue(task, device.0);
                }
            }
            // Keep the memory: this list is filled in every burst.
            if self.state.fresh.is_empty() {
                self.state.fresh = fresh;
            }
            unplanned.sort_by_key(|task| self.state.graph.order(*task));
            unplanned.dedup();
            for task in &unplanned {
                self.note_impossible(now, *task, fleet);
            }
            self.plan(now, &unplanned, fleet, step);
        }
    }

    /// A ready task that no registered device can ever fit does not wait for ever. One that does fit ends the
    /// wait.
    fn note_impossible(&mut self, now: Timestamp, task: TaskIx, fleet: &mut Fleet) {
        if self.has_taker(task, fleet) {
            self.misfits.remove(&task);
        } else if !self.misfits.contains_key(&task) {
            let at = now + self.state.settings.no_device_grace;
            self.misfits.insert(task, at);
            self.state.timers.arm(at, Timer::NoDevice { task });
        }
    }

    /// Whether a registered device fits a task and has not refused it for good.
    pub(super) fn has_taker(&self, task: TaskIx, fleet: &mut Fleet) -> bool {
        let class = fleet.class(self.state.graph.spec(task));
        fleet.eligible(class).iter().any(|device| !self.state.is_refused_for_good(task, *device))
    }

    /// The fleet has changed: ready tasks may have lost the last device that fits, or found one. O(tasks).
    pub(super) fn note_all_impossible(&mut self, now: Timestamp, fleet: &mut Fleet) {
        if !self.may_place() {
            return;
        }
        for task in self.state.graph.indices().collect::<Vec<_>>() {
            if self.state.slot(task).ready {
                self.note_impossible(now, task, fleet);
                self.requeue(now, task, fleet);
            }
        }
    }

    /// With late binding a queue is that of a class, and the lists of a new device may tell programs apart that
    /// waited together.
    fn requeue(&mut self, now: Timestamp, task: TaskIx, fleet: &mut Fleet) {
        if self.early || self.state.slot(task).lane == NO_LANE || !self.is_placeable(task, now) {
            return;
        }
        let class = fleet.class(self.state.graph.spec(task));
        if self.state.slot(task).lane != class.0 {
            self.enqueue(task, class.0);
        }
    }

    pub(super) fn is_placeable(&self, task: TaskIx, now: Timestamp) -> bool {
        self.state.graph.contains(task)
            && self.state.slot(task).ready
            && self.state.graph.state(task) == TaskState::Pending
            && (self.state.graph.waits(task).satisfied() || self.has_bug(Bug::AnyEdgeSuffices))
            && !self.state.slot(task).gated
            && !self.state.in_backoff(task, now)
            && (!self.state.is_held(task) || self.has_bug(Bug::HoldIgnored))
    }

    pub(super) fn urgency(&self, task: TaskIx) -> Urgency {
        let graph = &self.state.graph;
        Urgency::new(graph.priority(task), self.state.slot(task).ready_since, graph.order(task))
    }

    pub(super) fn enqueue(&mut self, task: TaskIx, lane: u32) {
        self.put_back(task, lane);
        self.wake_lane(lane);
    }

    /// Puts a task into a queue that need not be looked at for that.
    pub(super) fn put_back(&mut self, task: TaskIx, lane: u32) {
        let at = lane as usize;
        if at >= self.lanes.len() {
            self.lanes.resize_with(at + 1, Lane::default);
        }
        let urgency = self.urgency(task);
        self.lanes[at].push(urgency, task);
        self.state.tasks[task.at()].lane = lane;
    }

    fn wake_lane(&mut self, lane: u32) {
        if let Some(queue) = self.lanes.get_mut(lane as usize)
            && !queue.awake
            && !queue.is_empty()
        {
            queue.awake = true;
            self.awake.push_back(lane);
        }
    }

    /// Looks at the queues that could be served because a device gained room.
    fn wake(&mut self, fleet: &Fleet) {
        let seen = std::mem::replace(&mut self.freed_seen, fleet.freed_total());
        if seen == self.freed_seen {
            return;
        }
        if !self.early {
            self.wake_all();
            return;
        }
        match fleet.freed_since(seen) {
            Some(freed) => {
                for device in freed {
                    self.wake_lane(device.0);
                }
            }
            None => self.wake_all(),
        }
    }

    fn wake_all(&mut self) {
        for lane in 0..self.lanes.len() {
            self.wake_lane(u32::try_from(lane).unwrap_or(NO_LANE));
        }
    }

    /// Whether an entry of a queue still holds.
    pub(super) fn is_current(&self, task: TaskIx, lane: u32, urgency: Urgency, now: Timestamp) -> bool {
        self.is_placeable(task, now) && self.state.slot(task).lane == lane && self.urgency(task) == urgency
    }

    /// Serves the queue of each device that has room.
    fn serve_early(&mut self, now: Timestamp, fleet: &mut Fleet, limit: usize, step: &mut Step) -> bool {
        let mut left = limit.min(self.parallel_room());
        if self.parallel_room() != usize::MAX {
            return self.serve_by_urgency(now, fleet, limit, step);
        }
        // In turns, so that no device waits until another one is full.
        let turn = (limit / self.awake.len().max(1)).max(1);
        while let Some(lane) = self.awake.pop_front() {
            let device = DeviceIx(lane);
            let mut served = 0;
            // One that could not be filled in may have paused the run.
            while left > 0
                && served < turn
                && self.may_place()
                && (fleet.free(device) > 0 || self.has_bug(Bug::SlotsIgnored) && fleet.is_available(device))
            {
                let Some((urgency, task)) = self.lanes[lane as usize].pop() else { break };
                if !self.is_current(task, lane, urgency, now) {
                    continue;
                }
                if self.assign(now, task, device, fleet, step) {
                    left -= 1;
                    served += 1;
                } else if self.has_let_go() {
                    self.awake.push_front(lane);
                    return true;
                }
            }
            if left == 0 || served == turn || !self.may_place() {
                self.awake.push_back(lane);
                if left == 0 || !self.may_place() {
                    return true;
                }
                continue;
            }
            self.lanes[lane as usize].awake = false;
        }
        false
    }

    /// Under `max_parallel` the devices compete: the most urgent task of all queues goes first.
    fn serve_by_urgency(&mut self, now: Timestamp, fleet: &mut Fleet, limit: usize, step: &mut Step) -> bool {
        let mut left = limit;
        while left > 0 && self.parallel_room() > 0 && self.may_place() {
            let mut best: Option<(Urgency, u32)> = None;
            for at in (0..self.awake.len()).rev() {
                let lane = self.awake[at];
                self.drop_stale(lane, now);
                let head = self.lanes[lane as usize].peek();
                match head.filter(|_| fleet.free(DeviceIx(lane)) > 0) {
                    Some((urgency, _)) => best = best.max(Some((urgency, lane))),
                    None => {
                        self.awake.swap_remove_back(at);
                        self.lanes[lane as usize].awake = false;
                    }
                }
            }
            let Some((_, lane)) = best else { return false };
            let Some((_, task)) = self.lanes[lane as usize].pop() else { continue };
            if self.assign(now, task, DeviceIx(lane), fleet, step) {
                left -= 1;
            } else if self.has_let_go() {
                return true;
            }
        }
        // What is left when the run is paused in the midst of it is looked at when it goes on.
        left == 0 || !self.may_place()
    }

    /// Whether a task that could not be rendered may have let others go. They are queued, or skipped, before anything
    /// else is served: one of them may be more urgent than what stood behind it.
    pub(super) fn has_let_go(&self) -> bool {
        !self.state.fresh.is_empty() || !self.state.blocked.is_empty()
    }

    pub(super) fn drop_stale(&mut self, lane: u32, now: Timestamp) {
        while let Some((urgency, task)) = self.lanes[lane as usize].peek() {
            if self.is_current(task, lane, urgency, now) {
                return;
            }
            self.lanes[lane as usize].pop();
        }
    }

    /// The payload of a task with its templates filled in, and its files; or why that cannot be done.
    pub(super) fn render(
        &self,
        task: TaskIx,
        spec: &TaskSpec,
        fleet: &Fleet,
    ) -> Result<(Payload, SparseMap<AttemptFile>), RenderError> {
        if !self.state.slot(task).templated {
            return Ok((spec.run.clone(), SparseMap::new()));
        }
        let graph = &self.state.graph;
        // Only tasks upstream are visible: their outcomes are there, whatever the order of execution was.
        let lookup = |id: &str| {
            let source = graph.find(id).filter(|source| graph.is_upstream(*source, task))?;
            self.state.outcome(source, fleet)
        };
        let files = resolve_files(spec, &lookup)?;
        let (run, task) = (&self.state.settings.inputs, &*spec.inputs);
        let context = TemplateContext { run, task, files: &files, outcome: &lookup };
        Ok((render_payload(&spec.run, &context)?, files.into()))
    }

    /// Assigns a ready task to a device with a free slot. False if the task failed instead, because its
    /// payload could not be rendered.
    pub(super) fn assign(
        &mut self,
        now: Timestamp,
        task: TaskIx,
        device: DeviceIx,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> bool {
        let spec = Arc::clone(self.state.graph.spec(task));
        let (payload, files) = match self.render(task, &spec, fleet) {
            Ok(rendered) => rendered,
            Err(error) => {
                self.fail_render(now, task, &error, fleet, step);
                return false;
            }
        };
        let number = self.state.graph.record(task).attempts + 1;
        let reference = self.state.graph.reference(task);
        let local = fleet.profile(device).local;
        let timeout = spec.run_timeout;
        let event = Event::TaskAssigned {
            task: reference.clone(),
            attempt: number,
            device: fleet.reference(device),
            deadline: timeout.map(|limit| now + limit),
        };
        self.record(now, event, fleet, step);
        if local {
            let event = Event::TaskStarted {
                task: reference.clone(),
                attempt: number,
                device: fleet.reference(device),
            };
            self.record(now, event, fleet, step);
        }
        let id = AttemptId { run: self.state.run.clone(), task: reference, number };
        let checkpoint = self.state.rare_ref(task).and_then(|rare| rare.checkpoint.clone());
        let checkpoint = checkpoint.filter(|_| !self.has_bug(Bug::CheckpointForgotten));
        step.effects.push(Effect::Dispatch {
            device,
            attempt: Attempt { id, payload, timeout, files, checkpoint, spec },
        });
        true
    }

    /// A task that cannot be rendered has failed without an attempt.
    pub(super) fn fail_render(
        &mut self,
        now: Timestamp,
        task: TaskIx,
        error: &RenderError,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let error = TaskError::new(ErrorKind::RenderError, error.to_string());
        self.fail_task(now, task, 0, error, Value::Null, fleet, step);
    }
}
