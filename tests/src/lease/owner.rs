//! Orchestrators: what they know, and what they dare.

use super::message::Message;
use super::rule::{Rule, Rules};
use super::state::{ATTEMPTS, LEASE, NOW, Record, State, TERM, WAIT, past};

/// An orchestrator. One that is stopped for a while is one to which nothing happens for a while.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Owner {
    /// The ownership it believes to have; 0 for none.
    epoch: u8,
    /// What it believes to be recorded.
    record: Record,
    /// When the lease of the attempt on record ends for certain.
    lease: u8,
    /// The device has said that the attempt on record does not run, or that it has begun another life.
    is_over: bool,
}

impl Owner {
    pub(crate) fn first() -> Self {
        Self { epoch: 1, ..Self::default() }
    }

    /// Time passes on its own clock.
    pub(crate) fn pass(&mut self) {
        self.lease = past(self.lease, if self.lease == 0 { 0 } else { NOW });
    }

    /// Whether the end of the attempt on record is certain.
    fn may_go_on(&self, rules: Rules) -> bool {
        self.record.attempt == 0 || !rules.keep(Rule::WaitForReason) || NOW >= self.lease || self.is_over
    }
}

/// How long an orchestrator counts a lease.
fn wait(rules: Rules) -> u8 {
    if rules.keep(Rule::CountRates) { WAIT } else { LEASE }
}

impl State {
    /// An orchestrator becomes the owner: another one when the term of the last is over, the same one when it starts
    /// again.
    pub(crate) fn take_over(&mut self, rules: Rules, at: usize, epochs: u8) -> bool {
        let is_own = self.owners[at].epoch == self.store.epoch;
        if self.store.epoch == epochs
            || self.store.record.is_done
            || !(is_own || NOW >= self.store.owned_until)
        {
            return false;
        }
        self.store.epoch += 1;
        self.store.owned_until = NOW + TERM;
        let record = self.store.record;
        let lease = if rules.keep(Rule::WaitOut) { NOW + wait(rules) } else { NOW };
        let lease = if record.attempt == 0 { 0 } else { lease };
        self.owners[at] = Owner { epoch: self.store.epoch, record, lease, ..Owner::default() };
        true
    }

    /// Writes for an owner. If another one is the owner by now, it learns that instead.
    fn write(&mut self, rules: Rules, at: usize, record: Record) {
        if self.owners[at].epoch != self.store.epoch {
            if rules.keep(Rule::CompareEpoch) {
                self.owners[at] = Owner::default();
                return;
            }
            self.has_stale_write = true;
        }
        self.store.record = record;
        self.owners[at].record = record;
    }

    pub(crate) fn extend(&mut self, rules: Rules, at: usize) -> bool {
        let Owner { epoch, record, .. } = self.owners[at];
        if epoch == 0 || epoch != self.store.epoch && !rules.keep(Rule::CompareEpoch) {
            return false;
        }
        let before = (self.owners[at].epoch, self.store.owned_until);
        self.write(rules, at, record);
        if self.owners[at].epoch != 0 {
            self.store.owned_until = NOW + TERM;
        }
        before != (self.owners[at].epoch, self.store.owned_until)
    }

    /// An owner that has just heard a heartbeat gives the device the next attempt.
    pub(crate) fn assign(&mut self, rules: Rules, at: usize, message: Message) -> bool {
        let owner = self.owners[at];
        let Message::Heartbeat { device, incarnation, stamp, .. } = message else { return false };
        if owner.epoch == 0
            || owner.record.is_done
            || owner.record.attempt == ATTEMPTS
            || !owner.may_go_on(rules)
            // Devices are alike: the first attempt is on the first one.
            || owner.record.attempt == 0 && device > 0
        {
            return false;
        }
        let attempt = owner.record.attempt + 1;
        let record = Record { attempt, device, incarnation, is_done: false };
        self.write(rules, at, record);
        let owner = &mut self.owners[at];
        if owner.epoch != 0 {
            owner.lease = NOW + wait(rules);
            owner.is_over = false;
            let (epoch, deadline) = (owner.epoch, stamp + LEASE);
            // An owner that stops before it sends is one whose message is late.
            self.post(Message::Dispatch { device, incarnation, epoch, attempt, deadline });
        }
        true
    }

    pub(crate) fn cancel(&mut self, at: usize) -> bool {
        let Owner { epoch, record: Record { attempt, device, incarnation, is_done }, .. } = self.owners[at];
        if epoch == 0 || attempt == 0 || attempt == ATTEMPTS || is_done {
            return false;
        }
        let before = self.messages.len();
        self.post(Message::Cancel { device, incarnation, epoch, attempt });
        self.messages.len() > before
    }

    /// An orchestrator hears a message. False if nothing comes of it.
    pub(crate) fn hear(&mut self, rules: Rules, at: usize, message: Message) -> bool {
        let owner = self.owners[at];
        let Record { attempt: recorded, device: on, incarnation: life, is_done } = owner.record;
        if owner.epoch == 0 || is_done {
            return false;
        }
        let is_owner = owner.epoch == self.store.epoch && NOW < self.store.owned_until;
        match message {
            Message::Heartbeat { device, incarnation, stamp, running } => {
                if !is_owner && rules.keep(Rule::RenewWhileOwner) {
                    return false;
                }
                let lists = recorded > 0 && running & 1 << (recorded - 1) != 0;
                let names = lists && device == on && incarnation == life;
                let count = self.messages.len();
                self.owners[at].is_over |= recorded > 0 && device == on && incarnation > life;
                if names {
                    let lease = &mut self.owners[at].lease;
                    *lease = (*lease).max(NOW + wait(rules));
                }
                if names || !rules.keep(Rule::RenewNamed) {
                    let attempt = if names { recorded } else { 0 };
                    self.post(Message::Renewal { device, incarnation, epoch: owner.epoch, stamp, attempt });
                }
                count != self.messages.len() || self.owners[at] != owner
            }
            Message::Result { device, incarnation, attempt } => {
                let matches = (attempt, device, incarnation) == (recorded, on, life);
                if matches || !rules.keep(Rule::ResultNamesAttempt) {
                    self.write(rules, at, Record { is_done: true, ..owner.record });
                    return true;
                }
                false
            }
            Message::Stopped { device, incarnation, attempt } => {
                let matches = (attempt, device, incarnation) == (recorded, on, life);
                self.owners[at].is_over |= matches;
                matches && !owner.is_over
            }
            Message::Dispatch { .. } | Message::Renewal { .. } | Message::Cancel { .. } => false,
        }
    }
}
