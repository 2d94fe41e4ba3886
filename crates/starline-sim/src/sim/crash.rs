//! The death of an orchestrator, and its next life.

use starline_scheduler::{DeviceChange, Fleet, Input, Recovery, ReplayFault, Scheduler, Undelivered};
use starline_types::{ConfirmedBy, DeviceIx, Envelope, RunState, TaskRef, Timestamp};

use super::{Action, Crash, Ended, Happening, Key, Relapse, Sim};
use crate::Strategist;
use crate::office::Office;
use crate::oracle::Oracle;

impl Sim {
    /// Everything in the process is gone; what is durable stays, and so do the devices.
    pub(super) fn go_down(&mut self, crash: Crash) {
        let mut office = std::mem::take(&mut self.office);
        self.office.coverage = office.coverage.take();
        self.edited.clear();
        #[cfg(feature = "seeded-bugs")]
        if self.bug == Some(starline_scheduler::Bug::AnswerBeforeDurable) {
            self.with_judge(|judge, _| judge.nothing_promised());
        }
        self.archive = office.seats.into_iter().map(|seat| (seat.journal, seat.strategist)).collect();
        self.up = false;
        let now = self.now;
        for device in 0..self.devices.len() {
            let seat = &mut self.devices[device];
            seat.connection += 1;
            let executing: Vec<Key> = seat.executing.keys().copied().collect();
            if seat.profile.local {
                // It lived in the same process.
                seat.executing.clear();
                seat.outbox.clear();
                seat.life += 1;
                executing.into_iter().for_each(|key| self.truth.end(key, now, Ended::Killed));
            } else {
                executing.into_iter().for_each(|key| self.start_lease(device, key, now));
            }
        }
        let journals_first = crash.journals_first;
        self.agenda.add(now + crash.down, Happening::Restart { journals_first });
    }

    /// A new life: the journals are read, the devices registered, and every attempt is accounted for.
    pub(super) fn restart(&mut self, journals_first: bool) {
        let coverage = self.office.coverage.take();
        self.office = Office::default();
        self.office.coverage = coverage;
        self.up = true;
        self.epoch += 1;
        self.tally.restarts += 1;
        self.trace.circumstance(self.now, "the orchestrator starts again");
        let mut fleet = Fleet::new();
        if !journals_first {
            self.register_all(&mut fleet);
        }
        let archive = std::mem::take(&mut self.archive);
        let schedulers = match self.read(&archive, &mut fleet) {
            Ok(schedulers) => schedulers,
            Err(message) => {
                self.up = false;
                return self.object(Oracle::O8, message);
            }
        };
        for ((journal, strategist), scheduler) in archive.into_iter().zip(schedulers) {
            self.office.reopen(journal, scheduler, strategist, self.now);
        }
        if journals_first {
            self.register_all(&mut fleet);
        }
        self.by_ix = self.devices.iter().enumerate().map(|(at, seat)| (seat.ix.0, at)).collect();
        self.office.fleet = fleet;
        let epoch = self.epoch;
        self.with_judge(|judge, _| {
            judge.restarted(journals_first, epoch);
            Ok(())
        });
        match self.nature.relapses() {
            Some(Relapse::InReading(crash)) => {
                self.tally.fault("orchestrator crashed during recovery");
                self.trace.circumstance(self.now, "the orchestrator dies when it has read the journals");
                return self.go_down(crash);
            }
            Some(Relapse::InFirstCommit(crash)) => {
                self.tally.fault("orchestrator crashed before its first commit");
                self.crash = Some(crash);
            }
            None => {}
        }
        for run in 0..self.office.seats.len() {
            if !self.office.seats[run].scheduler.is_closed() {
                self.office.input(self.now, run, Input::TakenOver { epoch });
            }
        }
        for device in 0..self.devices.len() {
            let seat = &self.devices[device];
            if seat.registered && seat.answers() {
                self.take_over(device);
                self.greet(device);
            } else if seat.registered {
                let ix = seat.ix;
                let certain = seat.profile.local;
                self.office.tell_all(self.now, ix, DeviceChange::Down { certain });
            } else {
                let ix = seat.ix;
                self.office.tell_all(self.now, ix, DeviceChange::Down { certain: false });
                self.office.tell_all(self.now, ix, DeviceChange::Forgotten);
            }
        }
        self.reattach();
        for run in 0..self.runs.len() {
            let state = self.office.seats[run].scheduler.run_state();
            if self.runs[run].wanted && matches!(state, RunState::Created | RunState::Ready) {
                self.at(Timestamp(self.now.0 + 1000), Action::Start(run));
            }
        }
    }

    fn register_all(&mut self, fleet: &mut Fleet) {
        for seat in &mut self.devices {
            seat.ix = fleet.register(seat.profile.clone());
            fleet.set_draining(seat.ix, seat.draining);
            if !seat.registered {
                fleet.forget(seat.ix);
            }
        }
    }

    /// Brings all runs back from their journals, a page of each in turn.
    fn read(
        &mut self,
        archive: &[(Vec<Envelope>, Strategist)],
        fleet: &mut Fleet,
    ) -> Result<Vec<Scheduler>, String> {
        let page = self.nature.page();
        let fault = |run: usize, fault: ReplayFault| {
            format!("run {} cannot be recovered: {fault}", self.runs[run].id)
        };
        let mut recoveries = Vec::new();
        for (run, (_, strategist)) in archive.iter().enumerate() {
            let recovery = Recovery::new(self.runs[run].id.clone(), strategist.make());
            #[cfg(feature = "seeded-bugs")]
            let recovery = recovery.with_bug(self.bug);
            recoveries.push(recovery);
        }
        let longest = archive.iter().map(|(journal, _)| journal.len()).max().unwrap_or_default();
        let mut from = 0;
        while from < longest {
            for (run, (recovery, (journal, _))) in recoveries.iter_mut().zip(archive).enumerate() {
                let records = journal.iter().skip(from).take(page);
                recovery.replay(fleet, records).map_err(|said| fault(run, said))?;
            }
            from = from.saturating_add(page);
        }
        let done = recoveries.into_iter().enumerate();
        done.map(|(run, recovery)| recovery.finish().map_err(|said| fault(run, said))).collect()
    }

    /// Attempts that a device still has go on; their leases are renewed unless they were given up before.
    fn take_over(&mut self, device: usize) {
        let (live, all) = (self.live_on(self.devices[device].ix), self.renews_devices());
        let seat = &mut self.devices[device];
        for (key, execution) in &mut seat.executing {
            let renewed = live.iter().any(|(live, _)| live == key) && !self.unrenewed.contains(key);
            if renewed || all {
                execution.lease_end = None;
            }
        }
    }

    /// A device is connected: it says what it has, and sends what was not acknowledged.
    pub(super) fn greet(&mut self, device: usize) {
        let seat = &mut self.devices[device];
        let (ix, local) = (seat.ix, seat.profile.local);
        let reborn = std::mem::replace(&mut seat.known_life, seat.life) != seat.life;
        for (key, task) in self.live_on(ix) {
            let seat = &self.devices[device];
            if seat.executing.contains_key(&key) || seat.outbox.contains_key(&key) {
                continue;
            }
            let (attempt, run) = (key.attempt, key.run as usize);
            if local || !reborn && self.nature.confesses() {
                let input = Input::Undelivered { task, attempt, device: ix, fault: Undelivered::Lost };
                self.office.input(self.now, run, input);
            } else if reborn {
                let input = Input::Stopped { task, attempt, by: ConfirmedBy::Incarnation };
                self.office.input(self.now, run, input);
            } else {
                // It says nothing about the attempt: it has to be taken for lost, which takes a lease.
                let input = Input::Undelivered { task, attempt, device: ix, fault: Undelivered::Unknown };
                self.office.input(self.now, run, input);
            }
        }
        self.office.fleet.set_connected(ix, true);
        self.office.tell_all(self.now, ix, DeviceChange::Up);
        for key in self.devices[device].outbox.keys().copied().collect::<Vec<_>>() {
            let life = self.devices[device].life;
            self.resend(device, key, life, starline_types::Millis::from_secs(1));
        }
    }

    /// The attempts that the orchestrator takes to be live on a device.
    fn live_on(&self, ix: DeviceIx) -> Vec<(Key, TaskRef)> {
        let mut found = Vec::new();
        for (run, seat) in self.office.seats.iter().enumerate() {
            for (task, attempt, device) in seat.scheduler.live_attempts() {
                let task = seat.scheduler.graph().reference(task);
                if device == ix
                    && let Some(place) = self.runs[run].tasks.get(task.id())
                {
                    found.push((Key { run: run as u32, task: *place, attempt }, task));
                }
            }
        }
        found
    }
}
