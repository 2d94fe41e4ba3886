//! The ledger of devices that all runs of an orchestrator share.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use starline_assign::{ClassIx, DeviceLoad};
use starline_types::{
    DeviceId, DeviceIx, DeviceProfile, DeviceRef, DeviceSelector, DeviceStatus, Explanation, Reason,
    TaskSpec, Timestamp,
};

use crate::wish::{Catalogue, ClassKey, Wish, lacks};

/// Freed slots that a run may be behind before it looks at all of its queues instead.
const FREED_KEPT: usize = 1024;

/// The ledger of devices: who is up, what fits whom, how many slots are taken.
///
/// Shared by the runs of an orchestrator, written by one owner. It holds nothing that a journal must keep:
/// profiles come from the operator, connections from the devices, bookings from the live attempts of the
/// runs.
#[derive(Debug, Default)]
pub struct Fleet {
    seats: Vec<Seat>,
    by_id: FxHashMap<DeviceId, DeviceIx>,
    classes: Vec<Vec<DeviceIx>>,
    wishes: Vec<Wish>,
    catalogue: Catalogue,
    freed: VecDeque<DeviceIx>,
    freed_total: u64,
    shape: u64,
    available: usize,
    /// Devices that became busy or idle, while somebody wants to know.
    turned: Vec<(DeviceIx, DeviceStatus)>,
    watched: bool,
}

/// One device in the ledger.
#[derive(Debug)]
struct Seat {
    profile: Arc<DeviceProfile>,
    /// Known by name alone, from a journal: not part of the fleet until it registers.
    registered: bool,
    connected: bool,
    draining: bool,
    failed: bool,
    /// When it was lost, on the clock of the owner of the ledger.
    lost: Option<Timestamp>,
    in_flight: u32,
    queued: u32,
}

impl Seat {
    fn available(&self) -> bool {
        self.registered && self.connected && !self.draining
    }
}

impl Fleet {
    /// A fleet without devices.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a device, or gives a registered one a new profile. A new device is not connected; one with no
    /// slot at all has one.
    ///
    /// O(classes): every set of requirements is compared once.
    pub fn register(&mut self, profile: DeviceProfile) -> DeviceIx {
        let ix = self.intern(&profile.id);
        let seat = &mut self.seats[ix.at()];
        seat.profile = Arc::new(DeviceProfile { slots: profile.slots.max(1), ..profile });
        seat.registered = true;
        let profile = Arc::clone(&seat.profile);
        self.catalogue.learn(&profile.accepts);
        for (class, wish) in self.classes.iter_mut().zip(&self.wishes) {
            let position = class.binary_search(&ix);
            match (wish.fits(&profile), position) {
                (true, Err(at)) => class.insert(at, ix),
                (false, Ok(at)) => {
                    class.remove(at);
                }
                _ => {}
            }
        }
        self.reshape();
        // It may have more slots now.
        self.note_freed(ix);
        ix
    }

    /// Takes a device out of the fleet; its index stays taken. Live attempts on it stay booked.
    pub fn forget(&mut self, device: DeviceIx) {
        let seat = &mut self.seats[device.at()];
        seat.registered = false;
        seat.connected = false;
        seat.draining = false;
        for class in &mut self.classes {
            if let Ok(at) = class.binary_search(&device) {
                class.remove(at);
            }
        }
        self.reshape();
    }

    /// The index of a device by name: of a registered one, or a seat kept for it.
    pub(crate) fn intern(&mut self, id: &DeviceId) -> DeviceIx {
        if let Some(ix) = self.by_id.get(id) {
            return *ix;
        }
        let ix = DeviceIx(u32::try_from(self.seats.len()).unwrap_or(u32::MAX));
        self.by_id.insert(id.clone(), ix);
        self.seats.push(Seat {
            profile: Arc::new(DeviceProfile::new(id.clone(), "unknown")),
            registered: false,
            connected: false,
            draining: false,
            failed: false,
            lost: None,
            in_flight: 0,
            queued: 0,
        });
        ix
    }

    /// The device that a fact names.
    pub(crate) fn resolve(&mut self, device: &DeviceRef) -> DeviceIx {
        match device.hint() {
            Some(ix) if self.seats.get(ix.at()).is_some_and(|seat| seat.profile.id == *device.id()) => ix,
            _ => self.intern(device.id()),
        }
    }

    /// Finds a registered device.
    #[must_use]
    pub fn find(&self, id: &DeviceId) -> Option<DeviceIx> {
        self.by_id.get(id).copied().filter(|ix| self.seats[ix.at()].registered)
    }

    /// Registered devices, in order of registration.
    pub fn devices(&self) -> impl Iterator<Item = DeviceIx> + '_ {
        let seats = self.seats.iter().enumerate().filter(|(_, seat)| seat.registered);
        seats.map(|(at, _)| DeviceIx(u32::try_from(at).unwrap_or(u32::MAX)))
    }

    /// Ids of the registered devices, in order of registration.
    #[must_use]
    pub fn ids(&self) -> Vec<DeviceId> {
        self.devices().map(|ix| self.id(ix).clone()).collect()
    }

    /// Profile of a device.
    ///
    /// # Panics
    /// The index is not of this fleet.
    #[must_use]
    pub fn profile(&self, device: DeviceIx) -> &Arc<DeviceProfile> {
        &self.seats[device.at()].profile
    }

    /// Id of a device.
    ///
    /// # Panics
    /// The index is not of this fleet.
    #[must_use]
    pub fn id(&self, device: DeviceIx) -> &DeviceId {
        &self.seats[device.at()].profile.id
    }

    /// A device as facts name it.
    ///
    /// # Panics
    /// The index is not of this fleet.
    #[must_use]
    pub fn reference(&self, device: DeviceIx) -> DeviceRef {
        DeviceRef::new(self.id(device).clone(), device)
    }

    /// What a device is doing.
    ///
    /// # Panics
    /// The index is not of this fleet.
    #[must_use]
    pub fn status(&self, device: DeviceIx) -> DeviceStatus {
        let seat = &self.seats[device.at()];
        if !seat.connected {
            return if seat.failed { DeviceStatus::Failed } else { DeviceStatus::Disconnected };
        }
        if seat.draining {
            DeviceStatus::Draining
        } else if seat.in_flight > 0 {
            DeviceStatus::Busy
        } else {
            DeviceStatus::Idle
        }
    }

    /// Live attempts on a device, and unstarted tasks planned on it.
    ///
    /// # Panics
    /// The index is not of this fleet.
    #[must_use]
    pub fn load(&self, device: DeviceIx) -> (u32, u32) {
        let seat = &self.seats[device.at()];
        (seat.in_flight, seat.queued)
    }

    /// Says whether a device is connected.
    pub fn set_connected(&mut self, device: DeviceIx, connected: bool) {
        self.change(device, |seat| {
            seat.connected = connected;
            seat.failed &= !connected;
        });
    }

    /// Says when the connection of a device was lost, on the clock of the owner of the ledger.
    ///
    /// # Panics
    /// The index is not of this fleet.
    pub fn set_lost(&mut self, device: DeviceIx, at: Timestamp) {
        self.seats[device.at()].lost = Some(at);
    }

    /// Adds to an explanation how long ago its devices that are not there were lost, as far as
    /// [`set_lost`](Self::set_lost) told. `now` is on the clock of the owner of the ledger, and not on that of a run.
    /// O(devices named).
    pub fn tell_last_seen(&self, explanation: &mut Explanation, now: Timestamp) {
        let gaps = explanation.reasons.iter_mut().filter_map(|reason| match reason {
            Reason::Unplaced { devices, .. } => Some(devices),
            _ => None,
        });
        for gap in gaps.flatten() {
            let seat = self.find(&gap.device).map(|device| &self.seats[device.at()]);
            let lost = seat.filter(|seat| !seat.connected).and_then(|seat| seat.lost);
            gap.last_seen_ms = lost.map(|lost| now.since(lost));
        }
    }

    /// Says that no further try to connect a device will be made.
    pub fn set_failed(&mut self, device: DeviceIx) {
        self.change(device, |seat| {
            seat.connected = false;
            seat.failed = true;
        });
    }

    /// Says whether a device takes new attempts.
    pub fn set_draining(&mut self, device: DeviceIx, draining: bool) {
        self.change(device, |seat| seat.draining = draining);
    }

    fn change(&mut self, device: DeviceIx, act: impl FnOnce(&mut Seat)) {
        act(&mut self.seats[device.at()]);
        self.reshape();
        self.note_freed(device);
    }

    fn reshape(&mut self) {
        self.shape += 1;
        self.available = self.seats.iter().filter(|seat| seat.available()).count();
    }

    /// Whether a device is connected and takes new attempts.
    #[must_use]
    pub fn is_available(&self, device: DeviceIx) -> bool {
        self.seats.get(device.at()).is_some_and(Seat::available)
    }

    /// Whether a device belongs to the fleet.
    pub(crate) fn is_registered(&self, device: DeviceIx) -> bool {
        self.seats.get(device.at()).is_some_and(|seat| seat.registered)
    }

    /// Whether a device is connected.
    #[must_use]
    pub fn is_connected(&self, device: DeviceIx) -> bool {
        self.seats.get(device.at()).is_some_and(|seat| seat.registered && seat.connected)
    }

    /// Number of devices that are connected and take new attempts.
    #[must_use]
    pub fn available(&self) -> usize {
        self.available
    }

    /// Grows whenever a device comes, goes, drains or changes.
    #[must_use]
    pub fn shape(&self) -> u64 {
        self.shape
    }

    /// Free slots of a device: none if it takes nothing new.
    #[must_use]
    pub fn free(&self, device: DeviceIx) -> u32 {
        let seat = &self.seats[device.at()];
        if seat.available() { seat.profile.slots.saturating_sub(seat.in_flight) } else { 0 }
    }

    /// The class of what a task requires of a device. O(1) for a known one, else O(devices).
    pub fn class(&mut self, task: &TaskSpec) -> ClassIx {
        self.class_within(task, task.device.as_ref())
    }

    /// The class of a task as if it had other requirements.
    pub(crate) fn class_within(
        &mut self,
        task: &TaskSpec,
        selector: Option<&Arc<DeviceSelector>>,
    ) -> ClassIx {
        let key = self.catalogue.key(task, selector);
        self.catalogue.find(key).unwrap_or_else(|| self.add_class(key))
    }

    fn add_class(&mut self, key: ClassKey) -> ClassIx {
        let class = ClassIx(u32::try_from(self.classes.len()).unwrap_or(u32::MAX));
        let wish = self.catalogue.wish(key);
        let eligible = self.devices().filter(|ix| wish.fits(&self.seats[ix.at()].profile)).collect();
        self.classes.push(eligible);
        self.wishes.push(wish);
        self.catalogue.add(key, class);
        class
    }

    /// Registered devices that fit a class, in order of registration, connected or not.
    #[must_use]
    pub fn eligible(&self, class: ClassIx) -> &[DeviceIx] {
        self.classes.get(class.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// All classes, for a round.
    pub(crate) fn classes(&self) -> &[Vec<DeviceIx>] {
        &self.classes
    }

    /// The loads of all devices, for a round. O(devices).
    pub(crate) fn loads(&self) -> Vec<DeviceLoad<'_>> {
        self.seats
            .iter()
            .map(|seat| DeviceLoad {
                profile: &seat.profile,
                in_flight: seat.in_flight,
                queued: seat.queued,
                available: seat.available(),
            })
            .collect()
    }

    /// What a task asks for and a device lacks, in words; for messages.
    #[must_use]
    pub fn missing(&self, device: DeviceIx, task: &TaskSpec) -> Vec<String> {
        lacks(&self.seats[device.at()].profile, task)
    }

    /// What a task asks for and the device lacks that it is pinned to, or else the one that comes nearest.
    #[must_use]
    pub fn missing_everywhere(&self, task: &TaskSpec) -> Vec<String> {
        if let Some(pinned) = task.pin().and_then(|pin| self.find(pin)) {
            return self.missing(pinned, task);
        }
        let lacks = self.devices().map(|device| self.missing(device, task));
        lacks.min_by_key(Vec::len).unwrap_or_else(|| vec!["a device".into()])
    }

    /// Takes a slot for an attempt.
    pub(crate) fn book(&mut self, device: DeviceIx) {
        let seat = &mut self.seats[device.at()];
        seat.in_flight += 1;
        if self.watched && seat.in_flight == 1 {
            self.note_turn(device);
        }
    }

    /// Gives a slot back.
    pub(crate) fn release(&mut self, device: DeviceIx) {
        let seat = &mut self.seats[device.at()];
        seat.in_flight = seat.in_flight.saturating_sub(1);
        if self.watched && seat.in_flight == 0 {
            self.note_turn(device);
        }
        self.note_freed(device);
    }

    fn note_turn(&mut self, device: DeviceIx) {
        let status = self.status(device);
        self.turned.push((device, status));
    }

    /// Says whether anybody wants to know when devices become busy or idle.
    pub fn watch(&mut self, watched: bool) {
        self.watched = watched;
    }

    /// The devices that became busy or idle since the last call, in order.
    pub fn turned(&mut self) -> Vec<(DeviceIx, DeviceStatus)> {
        std::mem::take(&mut self.turned)
    }

    /// Counts a planned task.
    pub(crate) fn plan(&mut self, device: DeviceIx) {
        self.seats[device.at()].queued += 1;
    }

    /// Counts a planned task no more.
    pub(crate) fn unplan(&mut self, device: DeviceIx) {
        let seat = &mut self.seats[device.at()];
        seat.queued = seat.queued.saturating_sub(1);
    }

    fn note_freed(&mut self, device: DeviceIx) {
        if self.freed.len() == FREED_KEPT {
            self.freed.pop_front();
        }
        self.freed.push_back(device);
        self.freed_total += 1;
    }

    /// The devices that gained room since a run last looked, oldest first; `None` if it looked too long ago.
    pub(crate) fn freed_since(&self, seen: u64) -> Option<impl Iterator<Item = DeviceIx> + '_> {
        let behind = usize::try_from(self.freed_total - seen).unwrap_or(usize::MAX);
        let first = self.freed.len().checked_sub(behind)?;
        Some(self.freed.iter().skip(first).copied())
    }

    /// The moment up to which a run has looked.
    pub(crate) fn freed_total(&self) -> u64 {
        self.freed_total
    }
}
