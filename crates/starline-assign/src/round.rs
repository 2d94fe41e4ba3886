//! A round: tasks that want a device, devices that could take them, and the placements made.

use std::fmt;

use rustc_hash::FxHashMap;
use starline_types::{DeviceId, DeviceIx, DeviceProfile, TaskId, TaskIx, TaskSpec};

use crate::{Binding, GraphView};

/// Number of a set of requirements: tasks that ask for the same have the same class, and the same candidates.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct ClassIx(pub u32);

/// A task that wants a device.
#[derive(Clone, Copy, Debug)]
pub struct Unplaced<'a> {
    /// The task.
    pub ix: TaskIx,
    /// What it asks of a device.
    pub class: ClassIx,
    /// The device it would rather have.
    pub prefer: Option<DeviceIx>,
    /// The task as specified.
    pub spec: &'a TaskSpec,
}

impl<'a> Unplaced<'a> {
    /// The id of the task.
    #[must_use]
    pub fn id(&self) -> &'a TaskId {
        &self.spec.id
    }
}

/// A device and its load when the round began.
#[derive(Clone, Debug)]
pub struct DeviceLoad<'a> {
    /// The device.
    pub profile: &'a DeviceProfile,
    /// Live attempts, of all runs.
    pub in_flight: u32,
    /// Unstarted tasks planned on it, of all runs.
    pub queued: u32,
    /// Whether it takes new attempts: connected and not draining.
    pub available: bool,
}

/// A device that fits a task.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The device.
    pub ix: DeviceIx,
    /// What it is.
    pub profile: &'a DeviceProfile,
    /// Live attempts, of all runs, and placements of this round.
    pub in_flight: u32,
    /// Unstarted tasks planned on it, of all runs.
    pub queued: u32,
    /// Attempts it runs at the same time.
    pub slots: u32,
}

impl Candidate<'_> {
    /// Work on the device: live, planned and placed in this round.
    #[must_use]
    pub fn load(&self) -> u64 {
        u64::from(self.in_flight) + u64::from(self.queued)
    }

    /// Compares the load for each slot with that of another device, exactly.
    #[must_use]
    pub fn cmp_load_ratio(&self, other: &Self) -> std::cmp::Ordering {
        (self.load() * u64::from(other.slots)).cmp(&(other.load() * u64::from(self.slots)))
    }
}

/// Why a placement was refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlaceError {
    /// The task is not one of the round.
    #[error("task {0:?} is not in this round")]
    UnknownTask(TaskIx),
    /// The task was placed in this round already.
    #[error("task {task} is already placed on {device}")]
    AlreadyPlaced {
        /// The task.
        task: TaskId,
        /// Where it is placed.
        device: DeviceId,
    },
    /// The device does not meet the requirements of the task, is not connected, or is draining.
    #[error("task {task} cannot run on device {device}: candidates are {candidates:?}")]
    NotACandidate {
        /// The task.
        task: TaskId,
        /// The device, as far as it is known.
        device: String,
        /// Devices that fit.
        candidates: Vec<DeviceId>,
    },
    /// Late binding: the device has no free slot left.
    #[error("device {device} has no free slot for task {task}")]
    NoFreeSlot {
        /// The task.
        task: TaskId,
        /// The device.
        device: DeviceId,
    },
}

/// What a round is made of. The scheduler builds it; tests of strategies use [`crate::testing`].
#[derive(Debug)]
pub struct RoundInput<'a> {
    /// When the strategy decides.
    pub binding: Binding,
    /// The graph.
    pub graph: &'a dyn GraphView,
    /// Tasks that want a device: late in serving order, early in insertion order.
    pub tasks: &'a [Unplaced<'a>],
    /// Devices by index, in order of registration.
    pub devices: &'a [DeviceLoad<'a>],
    /// Eligible devices of each class, in order of registration, available or not.
    pub classes: &'a [Vec<DeviceIx>],
}

/// Tasks that want a device, devices that could take them, and the placements made so far.
#[derive(Debug)]
pub struct Round<'a> {
    input: RoundInput<'a>,
    /// Available devices of each class.
    candidates: Vec<Vec<DeviceIx>>,
    placed_on: Vec<u32>,
    placements: Vec<Option<DeviceIx>>,
    /// Position of the task expected next: strategies mostly go in order.
    cursor: usize,
    positions: FxHashMap<TaskIx, usize>,
}

impl<'a> Round<'a> {
    /// Begins a round. O(tasks + devices * classes).
    #[must_use]
    pub fn new(input: RoundInput<'a>) -> Self {
        let available = |ix: &DeviceIx| input.devices.get(ix.at()).is_some_and(|device| device.available);
        let candidates =
            input.classes.iter().map(|class| class.iter().copied().filter(available).collect()).collect();
        Self {
            candidates,
            placed_on: vec![0; input.devices.len()],
            placements: vec![None; input.tasks.len()],
            cursor: 0,
            positions: FxHashMap::default(),
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
            None => Candidates { round: self, devices: &[] },
        }
    }

    /// The devices that may take tasks of a class now.
    #[must_use]
    pub fn candidates_of(&self, class: ClassIx) -> Candidates<'a, '_> {
        let devices = self.candidates.get(class.0 as usize).map_or(&[][..], Vec::as_slice);
        Candidates { round: self, devices }
    }

    /// Places a task. O(1) if tasks are placed in the order of [`tasks`](Self::tasks).
    ///
    /// # Errors
    /// The task is not of this round or already placed, or the device does not fit, is not available, or
    /// (late binding) is full. The round is unchanged then.
    pub fn place(&mut self, task: TaskIx, device: DeviceIx) -> Result<(), PlaceError> {
        let position = self.find(task).ok_or(PlaceError::UnknownTask(task))?;
        let unplaced = &self.input.tasks[position];
        if let Some(already) = self.placements[position] {
            return Err(PlaceError::AlreadyPlaced {
                task: unplaced.id().clone(),
                device: self.input.devices[already.at()].profile.id.clone(),
            });
        }
        let fits = self.candidates_of(unplaced.class).devices.binary_search(&device).is_ok();
        if !fits {
            return Err(PlaceError::NotACandidate {
                task: unplaced.id().clone(),
                device: self
                    .input
                    .devices
                    .get(device.at())
                    .map_or_else(|| format!("{device:?}"), |known| known.profile.id.to_string()),
                candidates: self
                    .candidates_of(unplaced.class)
                    .iter()
                    .map(|candidate| candidate.profile.id.clone())
                    .collect(),
            });
        }
        if self.input.binding == Binding::Late && !self.has_free_slot(device) {
            return Err(PlaceError::NoFreeSlot {
                task: unplaced.id().clone(),
                device: self.input.devices[device.at()].profile.id.clone(),
            });
        }
        self.placements[position] = Some(device);
        self.placed_on[device.at()] += 1;
        self.cursor = position + 1;
        Ok(())
    }

    /// Where a task of this round was placed.
    #[must_use]
    pub fn placement(&self, task: TaskIx) -> Option<DeviceIx> {
        self.position(task).and_then(|position| self.placements[position])
    }

    /// The placements made, in the order of [`tasks`](Self::tasks).
    #[must_use]
    pub fn into_placements(self) -> Vec<(TaskIx, DeviceIx)> {
        let placed = self.input.tasks.iter().zip(&self.placements);
        placed.filter_map(|(task, device)| device.map(|device| (task.ix, device))).collect()
    }

    fn has_free_slot(&self, device: DeviceIx) -> bool {
        let load = &self.input.devices[device.at()];
        load.in_flight + self.placed_on[device.at()] < load.profile.slots
    }

    fn candidate(&self, ix: DeviceIx) -> Candidate<'a> {
        let load = &self.input.devices[ix.at()];
        Candidate {
            ix,
            profile: load.profile,
            in_flight: load.in_flight + self.placed_on[ix.at()],
            queued: load.queued,
            slots: load.profile.slots.max(1),
        }
    }

    /// Where a task stands in the round, without a table: the cursor, else a search.
    fn position(&self, task: TaskIx) -> Option<usize> {
        let at = |position: usize| self.input.tasks.get(position).is_some_and(|found| found.ix == task);
        if at(self.cursor) {
            return Some(self.cursor);
        }
        if self.cursor > 0 && at(self.cursor - 1) {
            return Some(self.cursor - 1);
        }
        if let Some(position) = self.positions.get(&task) {
            return Some(*position);
        }
        self.input.tasks.iter().position(|found| found.ix == task)
    }

    /// The same, making the table once tasks come out of order.
    fn find(&mut self, task: TaskIx) -> Option<usize> {
        let expected = self.input.tasks.get(self.cursor).is_some_and(|found| found.ix == task);
        if expected {
            return Some(self.cursor);
        }
        if self.positions.is_empty() {
            self.positions = self.input.tasks.iter().enumerate().map(|(at, task)| (task.ix, at)).collect();
        }
        self.positions.get(&task).copied()
    }
}

impl fmt::Display for Round<'_> {
    /// Writes one `task -> device` line for each placement.
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

/// The devices that may take a task, in order of registration.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a, 'r> {
    round: &'r Round<'a>,
    devices: &'r [DeviceIx],
}

impl<'a, 'r> Candidates<'a, 'r> {
    /// The devices, with their load as of now.
    pub fn iter(&self) -> impl Iterator<Item = Candidate<'a>> + use<'a, 'r> {
        let round = self.round;
        let late = round.input.binding == Binding::Late;
        self.devices
            .iter()
            .filter(move |ix| !late || round.has_free_slot(**ix))
            .map(move |ix| round.candidate(*ix))
    }

    /// The device at a place among the eligible and available ones, whether it is full or not. O(1).
    #[must_use]
    pub fn nth(&self, place: usize) -> Option<Candidate<'a>> {
        self.devices.get(place).map(|ix| self.round.candidate(*ix))
    }

    /// Number of eligible and available devices, full ones included. O(1).
    #[must_use]
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// Whether no device is eligible and available.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// One device, if it may take the task now. O(log devices).
    #[must_use]
    pub fn find(&self, device: DeviceIx) -> Option<Candidate<'a>> {
        let free = self.round.input.binding == Binding::Early || self.round.has_free_slot_checked(device);
        (free && self.devices.binary_search(&device).is_ok()).then(|| self.round.candidate(device))
    }
}

impl Round<'_> {
    fn has_free_slot_checked(&self, device: DeviceIx) -> bool {
        device.at() < self.input.devices.len() && self.has_free_slot(device)
    }
}
