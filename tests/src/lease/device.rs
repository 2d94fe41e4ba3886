//! Devices: what they run, and what they refuse.

use super::message::Message;
use super::rule::{Rule, Rules};
use super::state::{ATTEMPTS, LEASE, NOW, State, past};

/// Ticks after a slow one in which the clock of a device keeps up.
const EVEN_TICKS: u8 = 2;

/// A process group of an attempt.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Group {
    /// On the clock of the device.
    deadline: u8,
    /// Whether the device will find it after its host has died.
    is_noted: bool,
    /// Its host has died.
    is_left_over: bool,
}

/// A device: the machine, and the host program on it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Device {
    /// Ticks in which the clock has to keep up.
    even_ticks: u8,
    pub(crate) incarnation: u8,
    pub(crate) is_up: bool,
    /// Groups by attempt.
    groups: [Option<Group>; ATTEMPTS as usize],
    seen_attempt: u8,
    seen_epoch: u8,
}

impl Device {
    pub(crate) fn first() -> Self {
        Self {
            even_ticks: 0,
            incarnation: 1,
            is_up: true,
            groups: [None; ATTEMPTS as usize],
            seen_attempt: 0,
            seen_epoch: 0,
        }
    }

    /// How often the task runs here.
    pub(crate) fn executions(&self) -> u32 {
        self.groups.iter().flatten().count() as u32
    }

    pub(crate) fn heartbeat(&self, device: u8) -> Option<Message> {
        let alive = |group: &Option<Group>| group.is_some_and(|group| !group.is_left_over);
        let bits = self.groups.iter().enumerate().filter(|(_, group)| alive(group));
        let running = bits.fold(0, |bits, (at, _)| bits | 1 << at);
        let Self { incarnation, is_up, .. } = *self;
        is_up.then_some(Message::Heartbeat { device, incarnation, stamp: NOW, running })
    }

    /// Time passes; a clock that was slow keeps up for some time. What is left over has a watchdog as well.
    pub(crate) fn tick(&mut self, rules: Rules, is_slow: bool) -> bool {
        if is_slow {
            let may = self.even_ticks == 0;
            self.even_ticks = EVEN_TICKS;
            return may;
        }
        self.even_ticks = self.even_ticks.saturating_sub(1);
        for group in &mut self.groups {
            if let Some(group) = group {
                group.deadline = past(group.deadline, NOW);
            }
            *group = group.filter(|group| NOW < group.deadline || !rules.keep(Rule::EndAtDeadline));
        }
        true
    }

    pub(crate) fn note(&mut self, attempt: u8) -> bool {
        let group = &mut self.groups[usize::from(attempt) - 1];
        group
            .as_mut()
            .is_some_and(|group| !group.is_left_over && !std::mem::replace(&mut group.is_noted, true))
    }

    /// The host dies, once.
    pub(crate) fn die(&mut self) -> bool {
        self.groups.iter_mut().flatten().for_each(|group| group.is_left_over = true);
        std::mem::replace(&mut self.is_up, false) && self.incarnation == 1
    }

    pub(crate) fn come_back(&mut self, rules: Rules) -> bool {
        let may = !self.is_up;
        if rules.keep(Rule::EndLeftovers) {
            for group in &mut self.groups {
                *group = group.filter(|group| !group.is_noted);
            }
        }
        (self.is_up, self.incarnation, self.seen_attempt, self.seen_epoch) =
            (true, self.incarnation + 1, 0, 0);
        may
    }

    /// Whether a dispatch that has not come by now is refused whenever it comes.
    pub(crate) fn never_starts(
        &self,
        rules: Rules,
        incarnation: u8,
        epoch: u8,
        attempt: u8,
        deadline: u8,
    ) -> bool {
        let is_late = rules.keep(Rule::DeadlineFromStamp) && rules.keep(Rule::RefuseLate) && NOW >= deadline;
        let is_of_earlier_life = rules.keep(Rule::RefuseIncarnation) && incarnation < self.incarnation;
        // A later life forgets what it has seen.
        let is_seen = rules.keep(Rule::RefuseIncarnation)
            && (rules.keep(Rule::RefuseAttempt) && attempt <= self.seen_attempt
                || rules.keep(Rule::RefuseEpoch) && epoch < self.seen_epoch);
        is_late || is_of_earlier_life || is_seen
    }

    fn refuses(&self, rules: Rules, incarnation: u8, epoch: u8) -> bool {
        !self.is_up
            || rules.keep(Rule::RefuseIncarnation) && incarnation != self.incarnation
            || rules.keep(Rule::RefuseEpoch) && epoch < self.seen_epoch
    }
}

impl State {
    /// A device hears a message. False if nothing comes of it.
    pub(crate) fn receive(&mut self, rules: Rules, at: usize, message: Message) -> bool {
        let device = &mut self.devices[at];
        let before = *device;
        match message {
            Message::Dispatch { incarnation, epoch, attempt, deadline, .. } => {
                if device.refuses(rules, incarnation, epoch)
                    || rules.keep(Rule::RefuseLate) && NOW >= deadline && rules.keep(Rule::DeadlineFromStamp)
                    || rules.keep(Rule::RefuseAttempt) && attempt <= device.seen_attempt
                {
                    return false;
                }
                let deadline = if rules.keep(Rule::DeadlineFromStamp) { deadline } else { NOW + LEASE };
                device.seen_epoch = device.seen_epoch.max(epoch);
                device.seen_attempt = device.seen_attempt.max(attempt);
                let is_noted = rules.keep(Rule::NoteBeforeStart);
                device.groups[usize::from(attempt) - 1].get_or_insert(Group {
                    deadline,
                    is_noted,
                    is_left_over: false,
                });
            }
            Message::Renewal { incarnation, epoch, stamp, attempt, .. } => {
                if device.refuses(rules, incarnation, epoch) {
                    return false;
                }
                device.seen_epoch = device.seen_epoch.max(epoch);
                for (group, number) in device.groups.iter_mut().zip(1..) {
                    if let Some(group) = group
                        && (number == attempt || !rules.keep(Rule::RenewNamed))
                        && !group.is_left_over
                    {
                        group.deadline = group.deadline.max(stamp + LEASE);
                    }
                }
            }
            Message::Cancel { incarnation, epoch, attempt, .. } => {
                if device.refuses(rules, incarnation, epoch) {
                    return false;
                }
                device.seen_epoch = device.seen_epoch.max(epoch);
                // What has not come yet is refused when it comes.
                device.seen_attempt = device.seen_attempt.max(attempt);
                let group = &mut device.groups[usize::from(attempt) - 1];
                *group = group.filter(|group| group.is_left_over);
                let incarnation = device.incarnation;
                self.post(Message::Stopped { device: at as u8, incarnation, attempt });
                return true;
            }
            Message::Heartbeat { .. } | Message::Result { .. } | Message::Stopped { .. } => return false,
        }
        *device != before
    }

    /// A device ends an attempt well.
    pub(crate) fn finish(&mut self, at: usize, attempt: u8) -> bool {
        let device = &mut self.devices[at];
        let group = &mut device.groups[usize::from(attempt) - 1];
        let Some(Group { is_left_over: false, .. }) = group else { return false };
        *group = None;
        let incarnation = device.incarnation;
        self.post(Message::Result { device: at as u8, incarnation, attempt });
        true
    }
}
