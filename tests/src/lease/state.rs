//! Everything there is at a moment.

use super::device::Device;
use super::message::Message;
use super::owner::Owner;
use super::rule::{Rule, Rules};

/// Attempts of the task.
pub(crate) const ATTEMPTS: u8 = 2;
/// Length of a lease, on the clock of a device.
pub(crate) const LEASE: u8 = 2;
/// The same on the clock of an orchestrator: a device is slower by one part in three at the most.
pub(crate) const WAIT: u8 = 3;
/// For how long nobody else may own the run after its owner said that it is there.
pub(crate) const TERM: u8 = 1;
/// What every clock says: when time passes, all that was noted moves into the past instead. So a state is the same
/// state at any time, and time has no end.
pub(crate) const NOW: u8 = 8;
/// Ownerships.
const EPOCHS: u8 = 2;
/// Age beyond which a heartbeat that lists an attempt is lost, on the clock of its device; others are lost at once.
const HEARTBEAT_AGE: u8 = 1;

/// What is recorded of the task.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Record {
    /// The last attempt; 0 before the first.
    pub(crate) attempt: u8,
    pub(crate) device: u8,
    pub(crate) incarnation: u8,
    pub(crate) is_done: bool,
}

/// What the orchestrators share.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Store {
    pub(crate) epoch: u8,
    pub(crate) owned_until: u8,
    pub(crate) record: Record,
}

/// A state of the model.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) owners: [Owner; 2],
    pub(crate) devices: [Device; 2],
    /// Sorted.
    pub(crate) messages: Vec<Message>,
    /// A write of an owner that was not the owner any more has landed.
    pub(crate) has_stale_write: bool,
}

/// Something that happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// Time passes; the clock of the first device may stand still meanwhile.
    Tick { is_slow: bool },
    /// An orchestrator becomes the owner, or starts again.
    TakeOver { owner: u8 },
    /// An owner says that it is there.
    Extend { owner: u8 },
    /// An owner hears a heartbeat and gives the device an attempt.
    Assign { owner: u8, message: Message },
    /// An owner asks a device to stop the attempt.
    Cancel { owner: u8 },
    /// An orchestrator hears a message.
    Hear { owner: u8, message: Message },
    /// A device hears a message.
    Receive { message: Message },
    /// A device ends an attempt well.
    Finish { device: u8, attempt: u8 },
    /// A device notes a group that it has started.
    Note { device: u8, attempt: u8 },
    /// The host of the first device dies and leaves its groups behind.
    Die,
    /// It starts again.
    Return,
}

impl State {
    pub(crate) fn first() -> Self {
        let mut state = Self {
            store: Store { epoch: 1, owned_until: NOW + TERM, record: Record::default() },
            owners: [Owner::first(), Owner::default()],
            devices: [Device::first(); 2],
            messages: Vec::new(),
            has_stale_write: false,
        };
        state.beat();
        state
    }

    /// What is wrong with this state.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let running: u32 = self.devices.iter().map(Device::executions).sum();
        if self.has_stale_write {
            Some("a write of an earlier owner has landed")
        } else if running > 1 {
            Some("the task runs twice at the same time")
        } else if self.store.record.is_done && running > 0 {
            Some("the task runs although it has finished")
        } else {
            None
        }
    }

    /// Calls `visit` with everything that may happen next.
    pub(crate) fn successors(&self, rules: Rules, mut visit: impl FnMut(Action, Self)) {
        let mut offer = |action: Action, change: &dyn Fn(&mut Self) -> bool| {
            let mut next = self.clone();
            if change(&mut next) {
                next.beat();
                next.forget(rules);
                visit(action, next);
            }
        };
        for is_slow in [false, true] {
            offer(Action::Tick { is_slow }, &|next| next.tick(rules, is_slow));
        }
        for owner in 0..2 {
            let at = usize::from(owner);
            offer(Action::TakeOver { owner }, &|next| next.take_over(rules, at, EPOCHS));
            offer(Action::Extend { owner }, &|next| next.extend(rules, at));
            offer(Action::Cancel { owner }, &|next| next.cancel(at));
            for message in self.messages.iter().filter(|message| message.for_device().is_none()) {
                let message = *message;
                offer(Action::Hear { owner, message }, &|next| next.hear(rules, at, message));
                offer(Action::Assign { owner, message }, &|next| next.assign(rules, at, message));
            }
        }
        for message in &self.messages {
            if let Some(device) = message.for_device() {
                let message = *message;
                offer(Action::Receive { message }, &|next| next.receive(rules, device, message));
            }
        }
        for device in 0..2 {
            let at = usize::from(device);
            for attempt in 1..=ATTEMPTS {
                offer(Action::Finish { device, attempt }, &|next| next.finish(at, attempt));
                offer(Action::Note { device, attempt }, &|next| next.devices[at].note(attempt));
            }
        }
        offer(Action::Die, &|next| next.devices[0].die());
        offer(Action::Return, &|next| next.devices[0].come_back(rules));
    }

    pub(crate) fn post(&mut self, message: Message) {
        if let Err(at) = self.messages.binary_search(&message) {
            self.messages.insert(at, message);
        }
    }

    fn tick(&mut self, rules: Rules, is_slow: bool) -> bool {
        self.store.owned_until = past(self.store.owned_until, NOW);
        for owner in &mut self.owners {
            owner.pass();
        }
        for at in 0..2 {
            let is_slow = is_slow && at == 0;
            if !self.devices[at].tick(rules, is_slow) {
                return false;
            }
            if !is_slow {
                self.messages.iter_mut().for_each(|message| message.pass_on(at));
            }
        }
        self.messages.sort_unstable();
        self.messages.dedup();
        true
    }

    /// Each device says at each moment what it is doing: a heartbeat that is not sent is one that is lost.
    fn beat(&mut self) {
        for at in 0..2 {
            if let Some(message) = self.devices[at].heartbeat(at as u8) {
                self.post(message);
            }
        }
    }

    /// Forgets messages that nobody will do anything about, and heartbeats that are too old.
    fn forget(&mut self, rules: Rules) {
        let (devices, record) = (self.devices, self.store.record);
        let is_over =
            record.is_done || rules.keep(Rule::CompareEpoch) && rules.keep(Rule::ResultNamesAttempt);
        self.messages.retain(|message| match *message {
            Message::Heartbeat { device, stamp, running, .. } => {
                let age = if running == 0 { 0 } else { HEARTBEAT_AGE };
                // The last attempt is never given up, so that nobody asks whether it runs.
                let is_wanted = record.attempt < ATTEMPTS || running & 1 != 0;
                !record.is_done && is_wanted && NOW - stamp <= age && devices[usize::from(device)].is_up
            }
            Message::Result { attempt, .. } | Message::Stopped { attempt, .. } => {
                !(record.is_done || is_over && attempt < record.attempt)
            }
            Message::Dispatch { device, incarnation, epoch, attempt, deadline } => {
                !devices[usize::from(device)].never_starts(rules, incarnation, epoch, attempt, deadline)
            }
            Message::Renewal { stamp, .. } => NOW < stamp + LEASE,
            Message::Cancel { .. } => !record.is_done && record.attempt < ATTEMPTS,
        });
    }
}

/// A time that is one further in the past, and no further than that.
pub(crate) fn past(time: u8, floor: u8) -> u8 {
    time.saturating_sub(1).max(floor)
}
