//! Persist, then act: facts become durable run by run, and only then do their effects leave the process.

use starline_scheduler::{Effect, Undelivered};
use starline_types::{Attempt, Envelope, Event, LossReason, UnixMillis};

use super::{Action, Content, Crash, DispatchFate, Happening, Key, Sim, Work};

impl Sim {
    /// Commits what the runs have recorded since the last commit.
    pub(super) fn commit(&mut self) {
        self.commits += 1;
        let touched = self.office.take_touched();
        if let Some((_, crash)) = self.crash_at.filter(|(commit, _)| *commit == self.commits) {
            self.arm_crash(crash);
        }
        let facts = touched.iter().any(|run| !self.office.seats[*run].step.events.is_empty());
        // The first commits submit the runs: a crash would lose what nobody was told to be safe.
        if facts
            && self.crash.is_none()
            && self.commits > self.runs.len() as u64
            && let Some(crash) = self.nature.strikes(self.now)
        {
            self.trace.circumstance(self.now, &Action::Crash(crash).to_string());
            self.arm_crash(crash);
        }
        let crash = self.crash.take();
        // A crash cuts the commit somewhere: after so many runs, and so many effects of the last one.
        let persisted = crash.map_or(usize::MAX, |crash| crash.persisted);
        for (nth, run) in touched.into_iter().enumerate() {
            if nth >= persisted {
                #[cfg(feature = "seeded-bugs")]
                if self.bug == Some(starline_scheduler::Bug::ActBeforeDurable) {
                    self.act(run, usize::MAX);
                }
                break;
            }
            let (last, steps) = (nth.checked_add(1) == Some(persisted), self.office.seats[run].steps.len());
            let kept = if last { self.nature.steps_kept(steps) } else { steps };
            self.persist(run, kept);
            if kept < steps {
                // Nothing leaves the process before all that led to it is durable.
                self.tally.fault("crash between two steps of a commit");
                continue;
            }
            let acted = crash.filter(|_| last).map_or(usize::MAX, |crash| crash.acted);
            self.act(run, acted);
        }
        match crash {
            Some(crash) => self.go_down(crash),
            None if self.judge.is_some() => {
                let times = self.times();
                self.with_judge(|judge, ground| judge.settled(ground, &times));
                self.compare_edited();
            }
            None => {}
        }
    }

    /// The facts of a run become durable: those of its first steps.
    fn persist(&mut self, run: usize, steps: usize) {
        let seat = &mut self.office.seats[run];
        let boundaries = std::mem::take(&mut seat.steps);
        let facts = steps.checked_sub(1).and_then(|last| boundaries.get(last)).copied().unwrap_or_default();
        let (mut seq, t) = (seat.step.first(seat.scheduler.seq()), seat.time(self.now));
        let revision = seat.scheduler.revision();
        let mut events = std::mem::take(&mut seat.step.events);
        for event in events.drain(..).take(facts) {
            let run_id = self.runs[run].id.clone();
            let envelope = Envelope { seq, run_id, revision, t, at: UnixMillis(t.0), cause: None, event };
            seq = seq.next();
            self.trace.fact(self.now, &envelope);
            self.tally.facts += 1;
            self.with_judge(|judge, ground| judge.hear(run, &envelope, ground));
            self.note_lease(run, &envelope.event);
            if let Event::EditCommitted(applied) = &envelope.event {
                self.runs[run].learn(&applied.batch);
                self.tally.edits += 1;
                self.edited.push(run);
            }
            self.tally.holds += u64::from(matches!(envelope.event, Event::HoldOpened { .. }));
            self.office.seats[run].journal.push(envelope);
        }
        self.office.seats[run].step.events = events;
    }

    /// What a fact means for leases: an attempt that is given up is not renewed.
    fn note_lease(&mut self, run: usize, event: &Event) {
        if let Event::AttemptLost { task, attempt, reason: LossReason::Unknown, .. }
        | Event::TaskCancelRequested { task, attempt, .. } = event
            && let Some(task) = self.runs[run].tasks.get(task.id()).copied()
        {
            self.stop_renewing(Key { run: run as u32, task, attempt: *attempt });
        }
    }

    fn act(&mut self, run: usize, at_most: usize) {
        let mut effects = std::mem::take(&mut self.office.seats[run].step.effects);
        for effect in effects.drain(..).take(at_most) {
            match effect {
                Effect::Dispatch { device, attempt } => {
                    let device = self.by_ix.get(&device.0).copied();
                    if let (Some(device), Some(key)) = (device, self.key(run, &attempt.id)) {
                        self.dispatch(device, key, attempt);
                    }
                }
                Effect::Cancel { device, attempt, force } => {
                    let device = self.by_ix.get(&device.0).copied();
                    if let (Some(device), Some(key)) = (device, self.key(run, &attempt)) {
                        let connection = self.devices[device].connection;
                        let task = attempt.task;
                        let came = Happening::CancelCame { device, key, task, force, connection };
                        self.post(device, came);
                    }
                }
                Effect::Acknowledge { device, attempt } => {
                    let device = self.by_ix.get(&device.0).copied();
                    if let (Some(device), Some(key)) = (device, self.key(run, &attempt)) {
                        let connection = self.devices[device].connection;
                        self.post(device, Happening::AckCame { device, key, connection });
                    }
                }
                Effect::HandOver(hold) => self.ask_editor(run, hold),
                Effect::HoldOver { .. } | Effect::Close => {}
            }
        }
        self.office.seats[run].step.effects = effects;
    }

    /// A message on its way to a device.
    fn post(&mut self, device: usize, came: Happening) {
        let seat = &self.devices[device];
        if !seat.answers() {
            return;
        }
        let fate = if seat.profile.local { super::Fate::AT_ONCE } else { self.nature.message() };
        if let Some(again) = fate.again {
            self.agenda.add(self.now + again, came.clone());
        }
        match fate.arrives {
            Some(after) => self.agenda.add(self.now + after, came),
            None => self.tally.fault("message lost"),
        }
    }

    fn dispatch(&mut self, device: usize, key: Key, attempt: Attempt) {
        self.tally.attempts += 1;
        let Attempt { id, payload, spec, checkpoint, .. } = attempt;
        let task = id.task;
        if spec.idempotent {
            self.runs[key.run as usize].harmless.insert(key.task);
        }
        self.with_judge(|judge, _| judge.dispatched(key, &spec, &payload, checkpoint.as_ref()));
        let work: Box<Work> = Box::new(self.nature.work(key, &spec));
        self.runs[key.run as usize].sent.insert(key.task, payload);
        let seat = &self.devices[device];
        let (sent, connection) = (self.now, seat.connection);
        let refusal = Content::Undelivered(Undelivered::NotAccepted);
        if !seat.answers() {
            self.agenda.add(sent, Happening::Heard { device, key, task, content: refusal, connection: None });
            return;
        }
        let fate = if seat.profile.local {
            DispatchFate { message: super::Fate::AT_ONCE, said: None, tells: false }
        } else {
            self.nature.dispatch()
        };
        if let Some((after, fault)) = fate.said {
            self.tally.fault("dispatch undelivered");
            let content = Content::Undelivered(fault);
            let (task, connection) = (task.clone(), Some(connection));
            self.agenda.add(sent + after, Happening::Heard { device, key, task, content, connection });
        }
        let tells = fate.tells;
        for after in [fate.message.arrives, fate.message.again].into_iter().flatten() {
            let (task, work) = (task.clone(), work.clone());
            let came = Happening::DispatchCame { device, key, task, work, sent, connection, tells };
            self.agenda.add(sent + after, came);
        }
    }

    pub(super) fn arm_crash(&mut self, crash: Crash) {
        self.tally.fault("orchestrator crashed");
        self.crash = Some(crash);
    }
}
