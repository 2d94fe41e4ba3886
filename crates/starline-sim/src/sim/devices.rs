//! The devices' side: messages that reach them, and what they do by themselves.

use starline_scheduler::{Input, Undelivered};
use starline_types::{Checkpoint, ErrorKind, Millis, TaskError, TaskRef, TaskReport, Timestamp};

use super::device::{Execution, Kept, LEASE};
use super::{Content, Ended, Happening, Key, Sim, Work};
use crate::oracle::Oracle;

/// First wait before a report is sent again.
const RESEND: Millis = Millis::from_secs(2);
/// Longest wait before a report is sent again.
const RESEND_CAP: Millis = Millis::from_secs(30);

impl Sim {
    #[expect(clippy::too_many_arguments, reason = "the fields of one message")]
    pub(super) fn dispatch_came(
        &mut self,
        device: usize,
        key: Key,
        task: TaskRef,
        work: Work,
        sent: Timestamp,
        connection: u32,
        tells: bool,
    ) {
        let now = self.now;
        let seat = &mut self.devices[device];
        if seat.connection != connection || !seat.answers() || !seat.is_news(key) {
            return;
        }
        // A device knows the end of the lease from the dispatch itself.
        let (fenced, slots) = (seat.profile.fenced, seat.profile.slots);
        let late = fenced && now > sent + LEASE;
        let full = seat.executing.len() >= slots as usize;
        if late || work.refused || full && !fenced {
            let for_good = work.refused && !late && self.nature.declines(key, task.id().as_str());
            let content = if for_good {
                self.tally.fault("attempt refused for good");
                Content::Refused(TaskError::new(ErrorKind::PermissionDenied, "the device will not run it"))
            } else {
                Content::Undelivered(Undelivered::NotAccepted)
            };
            self.say(device, key, task, content);
            return;
        }
        if full {
            let id = seat.profile.id.clone();
            let message = format!("device {id} got {} beyond its slots", self.name(key));
            return self.object(Oracle::O7, message);
        }
        self.begin(device, key, task.clone(), work, sent);
        if tells {
            self.say(device, key, task, Content::Began);
        }
    }

    fn begin(&mut self, device: usize, key: Key, task: TaskRef, work: Work, sent: Timestamp) {
        let now = self.now;
        for other in self.truth.executing(key.run, key.task).collect::<Vec<_>>() {
            let on = self.truth.deed(other).map_or(device, |deed| deed.device);
            // Where a device keeps to no lease, nobody can know; a task that may run twice is tried again then.
            let unknowable = [on, device].iter().any(|at| !self.devices[*at].profile.fenced);
            let excused = unknowable && self.is_idempotent(key);
            if !excused {
                let message =
                    format!("{} begins while {} is still executed", self.name(key), self.name(other));
                return self.object(Oracle::O1, message);
            }
        }
        self.trace.note(now, || format!("device {device} begins {key:?}"));
        self.truth.begin(key, device, work.report.clone());
        let seat = &mut self.devices[device];
        let life = seat.life;
        if let Some(takes) = work.takes {
            self.agenda.add(now + takes, Happening::WorkEnds { device, key, life });
        }
        for (after, nth) in
            self.nature.checkpoints(key, task.id().as_str(), work.takes.unwrap_or(LEASE)).into_iter().zip(1..)
        {
            self.agenda.add(now + after, Happening::PutsDown { device, key, life, nth });
        }
        let lease_end = (self.unrenewed.contains(&key) && seat.profile.fenced).then(|| seat.lease_from(sent));
        if let Some(at) = lease_end {
            self.agenda.add(at, Happening::LeaseEnds { device, key, life });
        }
        self.devices[device].executing.insert(key, Execution { task, work, lease_end });
    }

    pub(super) fn cancel_came(
        &mut self,
        device: usize,
        key: Key,
        task: TaskRef,
        force: bool,
        connection: u32,
    ) {
        let seat = &mut self.devices[device];
        if seat.connection != connection || !seat.answers() {
            return;
        }
        let life = seat.life;
        if let Some(execution) = seat.executing.get(&key) {
            let stops = if force { execution.work.forced } else { execution.work.polite };
            if let Some(after) = stops {
                self.agenda.add(self.now + after, Happening::StopEnds { device, key, life });
            }
        } else if seat.outbox.contains_key(&key) {
            self.send(device, key);
        } else {
            // Whether it never came or was given up: it does not run, and it will not.
            seat.is_news(key);
            self.say(device, key, task, Content::Stopped(starline_types::ConfirmedBy::Ack));
        }
    }

    /// An attempt puts down how far it has come, if it still runs.
    pub(super) fn puts_down(&mut self, device: usize, key: Key, life: u32, nth: u32) {
        let seat = &self.devices[device];
        let Some(execution) = seat.executing.get(&key).filter(|_| seat.life == life) else { return };
        let task = execution.task.clone();
        let text = format!("{} has come to {nth}", self.name(key));
        let Some(content) = Checkpoint::new(text.into_bytes()) else { return };
        self.tally.checkpoints += 1;
        self.truth.put_down(key, content.clone());
        self.say(device, key, task, Content::PutDown(content));
    }

    pub(super) fn work_ends(&mut self, device: usize, key: Key, life: u32) {
        self.finish(device, key, life, Ended::Done, |work| work.report.clone());
    }

    pub(super) fn stop_ends(&mut self, device: usize, key: Key, life: u32) {
        self.finish(device, key, life, Ended::Stopped, |_| TaskReport::Stopped);
    }

    fn finish(
        &mut self,
        device: usize,
        key: Key,
        life: u32,
        how: Ended,
        report: impl Fn(&Work) -> TaskReport,
    ) {
        let seat = &mut self.devices[device];
        if seat.life != life {
            return;
        }
        let Some(Execution { task, work, .. }) = seat.executing.remove(&key) else { return };
        self.truth.end(key, self.now, how);
        self.trace.note(self.now, || format!("device {device} ends {key:?}: {how:?}"));
        let report = report(&work);
        seat.outbox.insert(key, Kept { task, report });
        self.send(device, key);
        if !self.devices[device].profile.local {
            let again = Happening::Resend { device, key, life, wait: RESEND };
            self.agenda.add(self.now + RESEND, again);
        }
    }

    pub(super) fn lease_ends(&mut self, device: usize, key: Key, life: u32) {
        let seat = &mut self.devices[device];
        let over = |execution: &Execution| execution.lease_end.is_some_and(|end| end <= self.now);
        if seat.life == life && seat.executing.get(&key).is_some_and(over) {
            seat.executing.remove(&key);
            self.truth.end(key, self.now, Ended::Abandoned);
            self.tally.fault("lease ended");
            self.trace.note(self.now, || format!("device {device} gives {key:?} up"));
        }
    }

    /// The lease of an attempt is not renewed from now on.
    pub(super) fn stop_renewing(&mut self, key: Key) {
        if self.renews_devices() {
            return;
        }
        self.unrenewed.insert(key);
        let now = self.now;
        for device in 0..self.devices.len() {
            self.start_lease(device, key, now);
        }
    }

    /// Whether leases of devices are renewed instead of those of attempts: a wrong rule.
    pub(super) fn renews_devices(&self) -> bool {
        #[cfg(feature = "seeded-bugs")]
        return self.bug == Some(starline_scheduler::Bug::DeviceRenewed);
        #[cfg(not(feature = "seeded-bugs"))]
        false
    }

    /// The lease of an attempt, last renewed at a time, runs out.
    pub(super) fn start_lease(&mut self, device: usize, key: Key, renewed: Timestamp) {
        let seat = &mut self.devices[device];
        let (end, life) = (seat.lease_from(renewed), seat.life);
        if seat.profile.fenced
            && let Some(execution) = seat.executing.get_mut(&key)
            && execution.lease_end.is_none()
        {
            execution.lease_end = Some(end);
            self.agenda.add(end, Happening::LeaseEnds { device, key, life });
        }
    }

    pub(super) fn resend(&mut self, device: usize, key: Key, life: u32, wait: Millis) {
        let seat = &self.devices[device];
        // A device that is connected again sends everything it has.
        if seat.life != life || !seat.answers() || !self.up || !seat.outbox.contains_key(&key) {
            return;
        }
        self.tally.fault("report sent again");
        self.send(device, key);
        let wait = Millis(wait.0 * 2).min(RESEND_CAP);
        self.agenda.add(self.now + wait, Happening::Resend { device, key, life, wait });
    }

    /// Sends a report that is kept.
    pub(super) fn send(&mut self, device: usize, key: Key) {
        if let Some(Kept { task, report }) = self.devices[device].outbox.get(&key).cloned() {
            self.say(device, key, task, Content::Ended(report));
        }
    }

    /// A message on its way to the orchestrator.
    pub(super) fn say(&mut self, device: usize, key: Key, task: TaskRef, content: Content) {
        let seat = &self.devices[device];
        if !seat.answers() || !self.up {
            return;
        }
        let connection = Some(seat.connection);
        if seat.profile.local {
            self.agenda.add(self.now, Happening::Heard { device, key, task, content, connection });
            return;
        }
        let fate = self.nature.message();
        if let Some(again) = fate.again {
            self.tally.fault("message doubled");
            // A refusal is true for a moment only; a report stays true for ever.
            let connection = if matches!(content, Content::Ended(_)) { None } else { connection };
            let (task, content) = (task.clone(), content.clone());
            self.agenda.add(self.now + again, Happening::Heard { device, key, task, content, connection });
        }
        // A call that is refused fails with its connection at the latest: a refusal cannot be lost alone.
        let kept = matches!(content, Content::Undelivered(_) | Content::Refused(_)).then_some(Millis::ZERO);
        match fate.arrives.or(kept) {
            Some(after) => {
                self.agenda
                    .add(self.now + after, Happening::Heard { device, key, task, content, connection });
            }
            None => self.tally.fault("message lost"),
        }
    }

    /// A message reaches the orchestrator.
    pub(super) fn heard(
        &mut self,
        device: usize,
        key: Key,
        task: TaskRef,
        content: Content,
        connection: Option<u32>,
    ) {
        let seat = &mut self.devices[device];
        if !self.up || connection.is_some_and(|connection| connection != seat.connection) {
            return;
        }
        if seat.profile.local && !matches!(content, Content::PutDown(_)) {
            seat.outbox.remove(&key);
        }
        let (attempt, device) = (key.attempt, seat.ix);
        let input = match content {
            Content::Began => Input::Began { task, attempt },
            Content::Ended(report) => Input::Reported { task, attempt, device, report },
            Content::PutDown(content) => Input::Checkpoint { task, attempt, content },
            Content::Refused(error) => Input::Refused { task, attempt, device, error },
            Content::Undelivered(fault) => Input::Undelivered { task, attempt, device, fault },
            Content::Stopped(by) => Input::Stopped { task, attempt, by },
        };
        self.office.input(self.now, key.run as usize, input);
    }
}
