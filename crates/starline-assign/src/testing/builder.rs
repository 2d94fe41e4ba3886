//! A round, described.

use std::sync::Arc;

use starline_types::{DeviceId, DeviceProfile, DeviceSelector, Payload, TaskId, TaskSpec};

use crate::Binding;
use crate::testing::TestRound;

/// Begins the description of a round: late binding, no devices, no tasks.
pub fn round() -> RoundBuilder {
    RoundBuilder { binding: Binding::Late, devices: Vec::new(), tasks: Vec::new() }
}

/// A round in the making.
///
/// Devices and tasks are numbered in the order in which they are named, and may be mentioned before that.
/// Calls that describe a device or a task are about the one named last.
///
/// ```
/// use starline_assign::testing::round;
///
/// let scene = round()
///     .early()
///     .device("lin", 1).os("linux").capabilities(["gpu"])
///     .device("win", 2).os("windows").in_flight(1).queued(3)
///     .ready("train", []).needs(["gpu"])
///     .ready("report", ["train"]).needs_os("windows").prefer("win")
///     .build();
/// let round = scene.round();
/// assert_eq!(round.candidates(scene.task("train")).len(), 1);
/// assert_eq!(round.candidates(scene.task("report")).find(scene.device("win")).map(|win| win.load()), Some(4));
/// ```
///
/// # Panics
/// A test that is wrong should say so at once: every call panics on a text that is no id, a call about the
/// device or task named last panics if there is none, and [`build`](Self::build) panics on names that occur
/// twice or are unknown.
#[derive(Clone, Debug)]
#[must_use = "a round is made by `build`"]
pub struct RoundBuilder {
    pub(crate) binding: Binding,
    pub(crate) devices: Vec<DeviceDraft>,
    pub(crate) tasks: Vec<TaskDraft>,
}

#[derive(Clone, Debug)]
pub(crate) struct DeviceDraft {
    pub(crate) profile: DeviceProfile,
    pub(crate) in_flight: u32,
    pub(crate) queued: u32,
    pub(crate) available: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct TaskDraft {
    pub(crate) spec: TaskSpec,
    pub(crate) after: Vec<TaskId>,
    pub(crate) stage: Stage,
}

/// How far a task is.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// It wants a device.
    Unplaced,
    /// It has a live attempt.
    Running(DeviceId),
    /// It has ended; of two, the one with the larger number ended later.
    Done(DeviceId, u64),
}

impl RoundBuilder {
    /// The round is for a strategy that binds early: slots are no limit.
    pub fn early(self) -> Self {
        self.binding(Binding::Early)
    }

    /// The round is for a strategy that binds so.
    pub fn binding(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    /// Registers a device: available, idle, with this many slots.
    pub fn device(mut self, id: &str, slots: u32) -> Self {
        let profile = DeviceProfile::new(device_id(id), "test").with_slots(slots);
        self.devices.push(DeviceDraft { profile, in_flight: 0, queued: 0, available: true });
        self
    }

    /// The device has these capabilities.
    pub fn capabilities<'s>(self, capabilities: impl IntoIterator<Item = &'s str>) -> Self {
        self.profile(|profile| profile.capabilities = capabilities.into_iter().map(str::to_owned).collect())
    }

    /// The device has this operating system.
    pub fn os(self, os: &str) -> Self {
        self.profile(|profile| profile.os = Some(os.to_owned()))
    }

    /// The device runs this many attempts besides those of running tasks of the round.
    pub fn in_flight(mut self, attempts: u32) -> Self {
        self.last_device().in_flight = attempts;
        self
    }

    /// This many unstarted tasks are planned on the device.
    pub fn queued(mut self, tasks: u32) -> Self {
        self.last_device().queued = tasks;
        self
    }

    /// The device is registered, but not connected, or it is draining.
    pub fn unavailable(mut self) -> Self {
        self.last_device().available = false;
        self
    }

    /// Changes anything about the device.
    pub fn profile(mut self, change: impl FnOnce(&mut DeviceProfile)) -> Self {
        change(&mut self.last_device().profile);
        self
    }

    /// Adds a task that wants a device, with edges from the tasks `after`.
    pub fn ready<'s>(self, id: &str, after: impl IntoIterator<Item = &'s str>) -> Self {
        self.add(id, Stage::Unplaced).after(after)
    }

    /// Adds a task that ran on a device and ended, later than every such task before.
    pub fn done(self, id: &str, device: &str) -> Self {
        let order = self.tasks.len() as u64;
        self.add(id, Stage::Done(device_id(device), order))
    }

    /// Adds a task that runs on a device, where it takes a slot.
    pub fn running(self, id: &str, device: &str) -> Self {
        self.add(id, Stage::Running(device_id(device)))
    }

    /// Adds edges into the task.
    pub fn after<'s>(mut self, tasks: impl IntoIterator<Item = &'s str>) -> Self {
        self.last_task().after.extend(tasks.into_iter().map(task_id));
        self
    }

    /// The task is pinned to a device.
    pub fn on(self, device: &str) -> Self {
        self.selector(|selector| selector.on = Some(device_id(device)))
    }

    /// The task would rather run on a device.
    pub fn prefer(self, device: &str) -> Self {
        self.selector(|selector| selector.prefer = Some(device_id(device)))
    }

    /// The task needs these capabilities, all of them.
    pub fn needs<'s>(self, capabilities: impl IntoIterator<Item = &'s str>) -> Self {
        self.selector(|selector| selector.needs = capabilities.into_iter().map(str::to_owned).collect())
    }

    /// The task needs this operating system.
    pub fn needs_os(self, os: &str) -> Self {
        self.selector(|selector| selector.os = Some(os.to_owned()))
    }

    /// Changes anything about the task.
    pub fn spec(mut self, change: impl FnOnce(&mut TaskSpec)) -> Self {
        change(&mut self.last_task().spec);
        self
    }

    /// Makes the round.
    #[must_use]
    pub fn build<'a>(&self) -> TestRound<'a> {
        TestRound::new(self)
    }

    fn add(mut self, id: &str, stage: Stage) -> Self {
        let spec = TaskSpec::new(task_id(id), Payload::Noop);
        self.tasks.push(TaskDraft { spec, after: Vec::new(), stage });
        self
    }

    fn selector(self, change: impl FnOnce(&mut DeviceSelector)) -> Self {
        self.spec(|spec| {
            let mut selector = spec.device.as_deref().cloned().unwrap_or_default();
            change(&mut selector);
            spec.device = Some(Arc::new(selector));
        })
    }

    fn last_device(&mut self) -> &mut DeviceDraft {
        self.devices.last_mut().expect("name a device first: `.device(\"laptop\", 1)`")
    }

    fn last_task(&mut self) -> &mut TaskDraft {
        self.tasks.last_mut().expect("name a task first: `.ready(\"parse\", [])`")
    }
}

fn device_id(text: &str) -> DeviceId {
    DeviceId::new(text).unwrap_or_else(|error| panic!("{error}"))
}

fn task_id(text: &str) -> TaskId {
    TaskId::new(text).unwrap_or_else(|error| panic!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GraphView as _;

    #[test]
    fn the_graph_of_a_round_knows_its_neighbours_and_where_things_ran() {
        let scene = round()
            .device("a", 1)
            .device("b", 1)
            .done("late", "b")
            .done("first", "a")
            .running("busy", "b")
            .ready("join", ["late", "first", "busy"])
            .ready("lone", [])
            .build();
        let (graph, join) = (scene.graph(), scene.task("join"));
        assert_eq!(graph.predecessors(join), ["late", "first", "busy"].map(|id| scene.task(id)));
        assert_eq!(graph.successors(scene.task("busy")), [join]);
        assert_eq!(graph.last_device_before(join), Some(scene.device("a")));
        assert_eq!(graph.last_device_before(scene.task("lone")), None);
        assert_eq!(graph.device(scene.task("busy")), Some(scene.device("b")));
        assert_eq!((graph.device(join), graph.len(), graph.tasks().len()), (None, 5, 5));
        assert_eq!(graph.spec(join).id.as_str(), "join");
        let names: Vec<_> = scene.round().tasks().iter().map(|task| task.id().as_str()).collect();
        assert_eq!(names, ["join", "lone"]);
        // The running task takes the only slot of `b`.
        assert_eq!(scene.round().candidates(join).iter().count(), 1);
    }

    #[test]
    fn requirements_pins_and_resources_are_hard_and_case_of_the_os_is_not() {
        let scene = round()
            .device("lin", 1)
            .os("Linux")
            .capabilities(["gpu", "camera"])
            .profile(|profile| profile.resources.0.extend([("memory".to_owned(), 8)]))
            .device("win", 1)
            .os("windows")
            .capabilities(["gpu"])
            .device("gone", 1)
            .os("linux")
            .unavailable()
            .ready("any", [])
            .ready("both", [])
            .needs(["camera", "gpu"])
            .ready("os", [])
            .needs_os("linux")
            .ready("pin", [])
            .on("win")
            .ready("pinned_wrong", [])
            .on("win")
            .needs(["camera"])
            .ready("memory", [])
            .spec(|spec| {
                let mut selector = DeviceSelector::default();
                selector.resources.0.insert("memory".to_owned(), 8);
                spec.device = Some(Arc::new(selector));
            })
            .build();
        let round = scene.round();
        let names = |task: &str| -> Vec<&str> {
            round.candidates(scene.task(task)).iter().map(|found| found.profile.id.as_str()).collect()
        };
        assert_eq!(names("any"), ["lin", "win"]);
        assert_eq!(names("both"), ["lin"]);
        assert_eq!(names("os"), ["lin"]);
        assert_eq!(names("pin"), ["win"]);
        assert_eq!(names("pinned_wrong"), [""; 0]);
        assert_eq!(names("memory"), ["lin"]);
    }

    #[test]
    #[should_panic(expected = "device \"desk\" is not named: there are [\"laptop\"]")]
    fn an_unknown_device_is_named() {
        let _ = round().device("laptop", 1).ready("a", []).prefer("desk").build();
    }

    #[test]
    #[should_panic(expected = "task \"b\" is not named")]
    fn an_unknown_task_is_named() {
        let _ = round().ready("a", ["b"]).build();
    }

    #[test]
    #[should_panic(expected = "task \"a\" is named twice")]
    fn a_task_named_twice_is_refused() {
        let _ = round().ready("a", []).done("a", "x").build();
    }
}
