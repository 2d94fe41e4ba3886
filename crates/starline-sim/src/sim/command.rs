//! What people and circumstances do to a simulated world.

use smol_str::SmolStr;
use starline_scheduler::{DeviceChange, Input};
use starline_types::{DeviceId, Millis, TaskId, TaskRef};

use super::{Action, Ended, Forged, Happening, Key, Sim};

/// How long somebody waits before trying again while the orchestrator is down.
pub(crate) const TRY_AGAIN: Millis = Millis(500);

impl Sim {
    /// Does something now. A command whose task or device is no id at all is ignored.
    pub(super) fn perform(&mut self, action: Action) {
        self.with_judge(|judge, _| {
            judge.heed(&action);
            Ok(())
        });
        if let Some(text) = self.circumstance(&action) {
            self.trace.circumstance(self.now, &text);
        }
        match action {
            Action::Kill { device, certain } => self.kill(device, certain),
            Action::Cut { device } => self.cut(device),
            Action::Return { device } => self.bring_back(device),
            Action::Drain { device, draining } => self.drain(device, draining),
            Action::Forget { device } => self.forget(device),
            Action::Join { device } => self.join(device),
            Action::Mislead { run, device, salt } => self.mislead(run, device, salt),
            Action::Forge(forged) => self.forge(forged),
            Action::Crash(crash) if self.up => self.arm_crash(crash),
            Action::Crash(_) => {}
            Action::Calm => self.calm(),
            Action::Say { run, saying } => self.say_to(run, saying),
            command => self.command(command),
        }
    }

    /// An action that is no command to a run, in words.
    fn circumstance(&self, action: &Action) -> Option<String> {
        let device = match action {
            Action::Kill { device, .. }
            | Action::Cut { device }
            | Action::Return { device }
            | Action::Drain { device, .. }
            | Action::Forget { device }
            | Action::Join { device }
            | Action::Mislead { device, .. }
            | Action::Forge(Forged { device, .. }) => *device,
            Action::Crash(_) | Action::Calm => return Some(action.to_string()),
            _ => return None,
        };
        let id = self.devices.get(device).map_or("?", |seat| seat.profile.id.as_str());
        Some(action.to_string().replacen(&device.to_string(), id, 1))
    }

    fn command(&mut self, action: Action) {
        if !self.up {
            return self.agenda.add(self.now + TRY_AGAIN, Happening::Act(action));
        }
        let task = |task: &String| TaskId::new(task).ok();
        let (run, input) = match &action {
            Action::Prepare(run) => (*run, Some(Input::Prepare)),
            Action::Start(run) => (*run, Some(Input::Start)),
            Action::Pause(run) => (*run, Some(Input::Pause)),
            Action::Resume(run) => (*run, Some(Input::Resume)),
            Action::ClearAssignments(run) => (*run, Some(Input::ClearAssignments)),
            Action::CancelRun { run, force } => (*run, Some(Input::CancelRun { force: *force })),
            Action::Rollback { run, force } => {
                (*run, Some(Input::Rollback { force: *force, by: SmolStr::new_static("somebody") }))
            }
            Action::CancelTask { run, task: id } => (*run, task(id).map(|task| Input::CancelTask { task })),
            Action::SkipTask { run, task: id } => (*run, task(id).map(|task| Input::SkipTask { task })),
            Action::Answer { run, task: id, approve } => {
                let by = SmolStr::new_static("somebody");
                let answer =
                    |task| if *approve { Input::Approve { task, by } } else { Input::Reject { task, by } };
                (*run, task(id).map(answer))
            }
            Action::Reassign { run, task: id, device } => {
                let device = DeviceId::new(device).ok();
                (*run, task(id).zip(device).map(|(task, device)| Input::Reassign { task, device }))
            }
            Action::Kill { .. }
            | Action::Cut { .. }
            | Action::Return { .. }
            | Action::Drain { .. }
            | Action::Forget { .. }
            | Action::Join { .. }
            | Action::Mislead { .. }
            | Action::Forge(_)
            | Action::Crash(_)
            | Action::Say { .. }
            | Action::Calm => return,
        };
        let Some(input) = input.filter(|_| run < self.office.seats.len()) else { return };
        if matches!(input, Input::Start) {
            self.runs[run].wanted = true;
        }
        self.office.input(self.now, run, input);
        self.answer = self.office.seats[run].step.answer.take();
        let Self { trace, answer, runs, now, .. } = self;
        trace.answer(*now, &runs[run].id, &action, answer.as_ref());
    }

    fn kill(&mut self, device: usize, certain: bool) {
        let now = self.now;
        let Some(seat) = self.devices.get_mut(device).filter(|seat| seat.alive) else { return };
        seat.alive = false;
        seat.life += 1;
        seat.connection += 1;
        seat.outbox.clear();
        if certain {
            seat.known_life = seat.life;
        }
        for key in std::mem::take(&mut seat.executing).into_keys() {
            self.truth.end(key, now, Ended::Killed);
        }
        self.tally.fault(if certain { "device died for certain" } else { "device died" });
        self.lose(device, certain);
        if certain && self.up && self.devices[device].registered {
            self.with_judge(|judge, _| {
                judge.lost_for_certain(device);
                Ok(())
            });
        }
    }

    fn cut(&mut self, device: usize) {
        let now = self.now;
        let Some(seat) = self.devices.get_mut(device).filter(|seat| seat.reachable && !seat.profile.local)
        else {
            return;
        };
        seat.reachable = false;
        seat.connection += 1;
        let executing: Vec<Key> = seat.executing.keys().copied().collect();
        executing.into_iter().for_each(|key| self.start_lease(device, key, now));
        self.tally.fault("connection cut");
        self.lose(device, false);
    }

    /// The orchestrator notices that a device is gone.
    fn lose(&mut self, device: usize, certain: bool) {
        let seat = &self.devices[device];
        let ix = seat.ix;
        if self.up && seat.registered && (certain || self.office.fleet.is_connected(ix)) {
            self.office.fleet.set_connected(ix, false);
            self.office.tell_all(self.now, ix, DeviceChange::Down { certain });
        }
    }

    fn bring_back(&mut self, device: usize) {
        let Some(seat) = self.devices.get_mut(device) else { return };
        if seat.alive && seat.reachable {
            return;
        }
        (seat.alive, seat.reachable) = (true, true);
        seat.connection += 1;
        if self.up && seat.registered {
            self.greet(device);
        }
    }

    fn drain(&mut self, device: usize, draining: bool) {
        let Some(seat) = self.devices.get_mut(device).filter(|seat| seat.registered) else { return };
        seat.draining = draining;
        let ix = seat.ix;
        self.tally.fault("device drained");
        if self.up {
            self.office.fleet.set_draining(ix, draining);
            self.office.tell_all(self.now, ix, DeviceChange::Draining);
        }
    }

    fn forget(&mut self, device: usize) {
        let now = self.now;
        let Some(seat) = self.devices.get_mut(device).filter(|seat| seat.registered) else { return };
        let local = seat.profile.local;
        if local {
            self.kill(device, true);
        } else {
            seat.connection += 1;
            let executing: Vec<Key> = seat.executing.keys().copied().collect();
            executing.into_iter().for_each(|key| self.start_lease(device, key, now));
            self.lose(device, false);
        }
        self.tally.fault("device forgotten");
        let seat = &mut self.devices[device];
        seat.registered = false;
        seat.draining = false;
        let ix = seat.ix;
        if self.up {
            self.office.fleet.forget(ix);
            self.office.tell_all(now, ix, DeviceChange::Forgotten);
        }
    }

    fn join(&mut self, device: usize) {
        let Some(seat) = self.devices.get_mut(device).filter(|seat| !seat.registered) else { return };
        seat.registered = true;
        (seat.alive, seat.reachable) = (true, true);
        seat.connection += 1;
        if self.up {
            seat.ix = self.office.fleet.register(seat.profile.clone());
            self.by_ix.insert(seat.ix.0, device);
            self.greet(device);
        }
    }

    /// Nothing goes wrong from now on, and what went wrong on devices comes to an end: attempts hear, and those
    /// that nobody waits for are over soon.
    fn calm(&mut self) {
        self.nature.calm();
        let soon = self.now + Millis::from_secs(1);
        for (device, seat) in self.devices.iter_mut().enumerate() {
            for (key, execution) in &mut seat.executing {
                execution.work.polite = Some(Millis::ZERO);
                execution.work.forced = Some(Millis::ZERO);
                if self.unrenewed.contains(key) && execution.lease_end.is_none() {
                    execution.lease_end = Some(soon);
                    let (key, life) = (*key, seat.life);
                    self.agenda.add(soon, Happening::LeaseEnds { device, key, life });
                }
            }
        }
    }

    fn forge(&mut self, forged: Forged) {
        let Forged { run, task, attempt, device, report } = forged;
        let (Some(seat), Ok(task)) = (self.devices.get(device), TaskId::new(&task)) else { return };
        if self.up && run < self.office.seats.len() {
            self.tally.fault("report forged");
            let (task, device) = (TaskRef::unresolved(task), seat.ix);
            self.office.input(self.now, run, Input::Reported { task, attempt, device, report });
        }
    }
}
