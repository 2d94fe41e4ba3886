//! A round: tasks that want a device, devices that could take them, and the placements made.

use std::cell::{Cell, OnceCell};
use std::fmt;

use rustc_hash::FxHashMap;
use starline_types::{DeviceId, DeviceIx, TaskIx};

use crate::{
    Binding, Candidate, Candidates, ClassIx, DeviceLoad, GraphView, PlaceError, RoundInput, Unplaced,
};

/// Tasks that want a device, devices that could take them, and the placements made so far.
///
/// Calls that name a task are O(1) for a strategy that goes through [`tasks`](Self::tasks) in order. The
/// first call out of order makes a table of all tasks, and from then on every call is O(1) again.
#[derive(Debug)]
pub struct Round<'a> {
    input: RoundInput<'a>,
    /// Available devices of each class.
    candidates: Vec<Vec<DeviceIx>>,
    placed_on: Vec<u32>,
    placements: Vec<Option<DeviceIx>>,
    /// Position of the task named last: the next one named is mostly the same or the one after it.
    cursor: Cell<usize>,
    positions: OnceCell<FxHashMap<TaskIx, usize>>,
}

impl<'a> Round<'a> {
    /// Begins a round. O(tasks + devices of all classes).
    #[must_use]
    pub fn new(input: RoundInput<'a>) -> Self {
        debug_assert!(
            input.classes.iter().all(|class| class.is_sorted_by(|a, b| a < b)),
            "the devices of a class are in order of registration"
        );
        debug_assert!(
            input.classes.iter().flatten().all(|ix| ix.at() < input.devices.len()),
            "the devices of a class are devices of the round"
        );
        let available = |ix: &DeviceIx| input.devices.get(ix.at()).is_some_and(|device| device.available);
        let candidates =
            input.classes.iter().map(|class| class.iter().copied().filter(available).collect()).collect();
        Self {
            candidates,
            placed_on: vec![0; input.devices.len()],
            placements: vec![None; input.tasks.len()],
            cursor: Cell::new(0),
            positions: OnceCell::new(),
            input,
        }
    }

    /// When the strategy decides.
    #[must_use]
    pub fn binding(&self) -> Binding {
        self.input.binding
    }

    /// The tasks: with late binding those that are ready, most urgent first; with early binding those
    /// without a device, in insertion order.
    #[must_use]
    pub fn tasks(&self) -> &'a [Unplaced<'a>] {
        self.input.tasks
    }

    /// The graph around them.
    #[must_use]
    pub fn graph(&self) -> &'a dyn GraphView {
        self.input.graph
    }

    /// The devices that may take a task now, in order of registration; none for a task of another round.
    /// With late binding only those with a free slot.
    #[must_use]
    pub fn candidates(&self, task: TaskIx) -> Candidates<'a, '_> {
        match self.position(task) {
            Some(position) => self.candidates_of(self.input.tasks[position].class),
            None => Candidates::new(self, &[]),
        }
    }

    /// The devices that may take tasks of a class now; none for a class of another round. O(1).
    #[must_use]
    pub fn candidates_of(&self, class: ClassIx) -> Candidates<'a, '_> {
        Candidates::new(self, self.devices_of(class))
    }

    /// Places a task. O(log devices) beside finding the task.
    ///
    /// # Errors
    /// The task is not of this round or already placed, or the device does not fit, is not available, or
    /// (late binding) is full. The round is unchanged then.
    pub fn place(&mut self, task: TaskIx, device: DeviceIx) -> Result<(), PlaceError> {
        let position = self.position(task).ok_or(PlaceError::UnknownTask(task))?;
        let unplaced = &self.input.tasks[position];
        if let Some(already) = self.placements[position] {
            return Err(PlaceError::AlreadyPlaced {
                task: unplaced.id().clone(),
                device: self.device_id(already),
            });
        }
        if self.devices_of(unplaced.class).binary_search(&device).is_err() {
            return Err(self.not_a_candidate(unplaced, device));
        }
        if self.input.binding == Binding::Late && self.candidate(device).free_slots() == 0 {
            return Err(PlaceError::NoFreeSlot {
                task: unplaced.id().clone(),
                device: self.device_id(device),
            });
        }
        self.placements[position] = Some(device);
        self.placed_on[device.at()] += 1;
        Ok(())
    }

    /// Where a task of this round was placed.
    #[must_use]
    pub fn placement(&self, task: TaskIx) -> Option<DeviceIx> {
        self.position(task).and_then(|position| self.placements[position])
    }

    /// The placements made so far, in the order of [`tasks`](Self::tasks).
    pub fn placements(&self) -> impl Iterator<Item = (TaskIx, DeviceIx)> {
        let placed = self.input.tasks.iter().zip(&self.placements);
        placed.filter_map(|(task, device)| device.map(|device| (task.ix, device)))
    }

    /// The placements made, in the order of [`tasks`](Self::tasks).
    #[must_use]
    pub fn into_placements(self) -> Vec<(TaskIx, DeviceIx)> {
        self.placements().collect()
    }

    /// A device of the round, with its load as of now.
    pub(crate) fn candidate(&self, ix: DeviceIx) -> Candidate<'a> {
        let load: &DeviceLoad<'a> = &self.input.devices[ix.at()];
        Candidate {
            ix,
            profile: load.profile,
            in_flight: load.in_flight.saturating_add(self.placed_on[ix.at()]),
            queued: load.queued,
            slots: load.slots(),
        }
    }

    fn devices_of(&self, class: ClassIx) -> &[DeviceIx] {
        self.candidates.get(class.at()).map_or(&[], Vec::as_slice)
    }

    fn device_id(&self, ix: DeviceIx) -> DeviceId {
        self.input.devices[ix.at()].profile.id.clone()
    }

    fn not_a_candidate(&self, task: &Unplaced<'_>, device: DeviceIx) -> PlaceError {
        let known = self.input.devices.get(device.at());
        PlaceError::NotACandidate {
            task: task.id().clone(),
            device: known.map_or_else(|| format!("{device:?}"), |known| known.profile.id.to_string()),
            candidates: self.candidates_of(task.class).iter().map(|found| found.profile.id.clone()).collect(),
        }
    }

    /// Where a task stands in the round: at the cursor, right after it, or as the table says.
    fn position(&self, task: TaskIx) -> Option<usize> {
        let at = |position: &usize| self.input.tasks.get(*position).is_some_and(|found| found.ix == task);
        let cursor = self.cursor.get();
        let position = [cursor, cursor + 1].into_iter().find(at).or_else(|| {
            let table = self.positions.get_or_init(|| {
                self.input.tasks.iter().enumerate().map(|(position, found)| (found.ix, position)).collect()
            });
            table.get(&task).copied()
        })?;
        self.cursor.set(position);
        Some(position)
    }
}

impl fmt::Display for Round<'_> {
    /// Writes one `task -> device` line for each placement, in the order of the tasks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (task, device) in self.input.tasks.iter().zip(&self.placements) {
            let Some(device) = device else { continue };
            if !first {
                f.write_str("\n")?;
            }
            first = false;
            write!(f, "{} -> {}", task.id(), self.input.devices[device.at()].profile.id)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use starline_types::{DeviceProfile, Payload, TaskId, TaskSpec};

    use super::*;
    use crate::testing::{TestGraph, TestRound, random_round, round};

    fn names(ids: &[&str]) -> Vec<DeviceId> {
        ids.iter().map(|id| DeviceId::new(id).expect("id")).collect()
    }

    #[test]
    fn each_refusal_names_its_reason_and_changes_nothing() {
        let scene = round()
            .device("lin", 1)
            .os("linux")
            .device("win", 1)
            .os("windows")
            .device("gone", 9)
            .os("linux")
            .unavailable()
            .done("old", "lin")
            .ready("a", [])
            .needs_os("linux")
            .ready("b", [])
            .build();
        let (a, b, old) = (scene.task("a"), scene.task("b"), scene.task("old"));
        let (lin, win, gone) = (scene.device("lin"), scene.device("win"), scene.device("gone"));
        let task = |id: &str| TaskId::new(id).expect("id");
        let mut round = scene.round();
        let misfit = |device: &str, candidates: &[&str]| PlaceError::NotACandidate {
            task: task("a"),
            device: device.to_owned(),
            candidates: names(candidates),
        };

        for unknown in [old, TaskIx(u32::MAX)] {
            assert_eq!(round.place(unknown, lin), Err(PlaceError::UnknownTask(unknown)));
            assert!(round.candidates(unknown).is_empty());
            assert_eq!(round.placement(unknown), None);
        }
        assert_eq!(round.place(a, win), Err(misfit("win", &["lin"])));
        assert_eq!(round.place(a, gone), Err(misfit("gone", &["lin"])));
        assert_eq!(round.place(a, DeviceIx(77)), Err(misfit("DeviceIx(77)", &["lin"])));
        assert_eq!((round.to_string().as_str(), round.placement(a)), ("", None));

        assert_eq!(round.place(b, lin), Ok(()));
        let full = PlaceError::NoFreeSlot { task: task("a"), device: names(&["lin"]).remove(0) };
        assert_eq!(round.place(a, lin), Err(full));
        assert_eq!(round.place(a, win), Err(misfit("win", &[])));
        let twice = PlaceError::AlreadyPlaced { task: task("b"), device: names(&["lin"]).remove(0) };
        for device in [lin, win, gone] {
            assert_eq!(round.place(b, device), Err(twice.clone()));
        }
        assert_eq!((round.to_string().as_str(), round.placement(b)), ("b -> lin", Some(lin)));
        assert_eq!(round.into_placements(), [(b, lin)]);
    }

    #[test]
    fn refusals_read_as_a_sentence() {
        let scene = round().device("lin", 1).device("win", 1).ready("a", []).on("lin").ready("b", []).build();
        let mut round = scene.round();
        let (a, lin) = (scene.task("a"), scene.device("lin"));
        let said = |error: Result<(), PlaceError>| error.expect_err("refused").to_string();
        assert_eq!(
            said(round.place(a, scene.device("win"))),
            "task a cannot run on device win: candidates are [\"lin\"]"
        );
        assert_eq!(said(round.place(TaskIx(9), lin)), "task TaskIx(9) is not in this round");
        round.place(a, lin).expect("it fits");
        assert_eq!(said(round.place(a, lin)), "task a is already placed on lin");
        assert_eq!(said(round.place(scene.task("b"), lin)), "device lin has no free slot for task b");
    }

    #[test]
    fn slots_limit_late_placements_and_not_early_ones() {
        let draft = round().device("a", 2).in_flight(1).queued(5).ready("x", []).ready("y", []);
        let late = draft.build();
        let mut round = late.round();
        let (x, y, a) = (late.task("x"), late.task("y"), late.device("a"));
        assert_eq!(round.candidates(x).find(a).map(|a| (a.load(), a.free_slots())), Some((6, 1)));
        round.place(x, a).expect("one slot is free");
        assert!(round.candidates(y).find(a).is_none());
        assert_eq!((round.candidates(y).iter().count(), round.candidates(y).len()), (0, 1));
        assert_eq!(round.candidates(y).nth(0).map(|a| a.free_slots()), Some(0));

        let early = draft.early().build();
        let mut round = early.round();
        round.place(x, a).expect("a plan");
        round.place(y, a).expect("slots do not limit a plan");
        assert_eq!(round.candidates(y).find(a).map(|a| a.load()), Some(8));
        assert_eq!(round.to_string(), "x -> a\ny -> a");
    }

    #[test]
    fn a_device_without_slots_counts_as_one_slot() {
        let scene = round().device("a", 1).profile(|profile| profile.slots = 0).ready("x", []).build();
        let mut round = scene.round();
        assert_eq!(round.candidates(scene.task("x")).iter().map(|a| a.slots).collect::<Vec<_>>(), [1]);
        assert_eq!(round.place(scene.task("x"), scene.device("a")), Ok(()));
    }

    /// Tasks of one class without a test graph for each, which would be slow to build.
    fn many_tasks(spec: &TaskSpec, count: u32) -> Vec<Unplaced<'_>> {
        (0..count).map(|n| Unplaced { ix: TaskIx(n), class: ClassIx(0), prefer: None, spec }).collect()
    }

    #[test]
    fn a_million_tasks_are_placed_in_any_order() {
        const TASKS: u32 = 1_000_000;
        let spec = TaskSpec::new(TaskId::new("t").expect("id"), Payload::Noop);
        let profile = DeviceProfile::new(DeviceId::new("d").expect("id"), "test");
        let tasks = many_tasks(&spec, TASKS);
        let devices = [DeviceLoad { profile: &profile, in_flight: 0, queued: 0, available: true }];
        let graph = TestGraph { nodes: Vec::new() };
        let classes = [vec![DeviceIx(0)]];
        let input = || RoundInput {
            binding: Binding::Early,
            graph: &graph,
            tasks: &tasks,
            devices: &devices,
            classes: &classes,
        };
        let backwards = || (0..TASKS).rev().map(TaskIx);
        for order in [(0..TASKS).map(TaskIx).collect::<Vec<_>>(), backwards().collect()] {
            let mut round = Round::new(input());
            for task in order {
                assert_eq!(round.candidates(task).len(), 1);
                round.place(task, DeviceIx(0)).expect("it fits");
                assert_eq!(round.placement(task), Some(DeviceIx(0)));
            }
            assert_eq!(round.placements().count(), TASKS as usize);
        }
    }

    #[test]
    #[should_panic(expected = "in order of registration")]
    #[cfg(debug_assertions)]
    fn classes_out_of_order_are_a_bug_of_the_caller() {
        let graph = TestGraph { nodes: Vec::new() };
        let classes = [vec![DeviceIx(1), DeviceIx(0)]];
        let _ = Round::new(RoundInput {
            binding: Binding::Late,
            graph: &graph,
            tasks: &[],
            devices: &[],
            classes: &classes,
        });
    }

    /// What `place` should say, straight from its documentation and the description of the round.
    fn allowed<'a>(
        scene: &TestRound<'a>,
        round: &Round<'a>,
        made: &[(TaskIx, DeviceIx)],
        (task, device): (TaskIx, DeviceIx),
    ) -> bool {
        let of_round = round.tasks().iter().any(|unplaced| unplaced.ix == task);
        let known = scene.devices().find(|(ix, _)| *ix == device);
        let placed = made.iter().any(|(other, _)| *other == task);
        let load = made.iter().filter(|(_, other)| *other == device).count();
        of_round
            && !placed
            && known.is_some_and(|(ix, draft)| {
                let free = (draft.profile.slots as usize).saturating_sub(draft.in_flight as usize + load);
                scene.may_take(task, ix) && (round.binding() == Binding::Early || free > 0)
            })
    }

    proptest! {
        #[test]
        fn a_round_accepts_what_fits_and_nothing_else(
            seed: u64,
            early: bool,
            calls in prop::collection::vec((0..32_u32, 0..7_u32), 0..80),
        ) {
            let scene = random_round(if early { Binding::Early } else { Binding::Late }, seed);
            let mut round = scene.round();
            let mut made = Vec::new();
            for call in calls.into_iter().map(|(task, device)| (TaskIx(task), DeviceIx(device))) {
                let expected = allowed(&scene, &round, &made, call);
                let offered = round.candidates(call.0).find(call.1).is_some();
                let placed = round.placement(call.0).is_some();
                prop_assert_eq!(offered && !placed, expected, "{:?}", call);
                let listed: Vec<_> = round.candidates(call.0).iter().map(|found| found.ix).collect();
                prop_assert_eq!(listed.contains(&call.1), offered);
                prop_assert!(listed.is_sorted());
                prop_assert_eq!(round.place(call.0, call.1).is_ok(), expected, "{:?}", call);
                if expected {
                    made.push(call);
                }
            }
            made.sort_unstable_by_key(|(task, _)| round.tasks().iter().position(|found| found.ix == *task));
            prop_assert_eq!(round.into_placements(), made);
        }
    }
}
