//! What can be asked about a simulated world.

use starline_scheduler::{Answer, Fleet, Input, Refusal, Scheduler};
use starline_types::{
    AttemptId, DeviceId, DeviceStatus, Envelope, Payload, Reading, RunOutcome, Statistics, TaskId,
};

use super::{Key, Reply, Sim, Work};
use crate::Violation;

impl Sim {
    /// Says what the attempts of a task do, one after the other; the last work is that of all further ones.
    /// A task that does not exist yet may be added by an edit.
    pub fn tell(&mut self, run: usize, task: &str, works: Vec<Work>) {
        self.nature.tell(run, task, works);
    }

    /// Says how the editor of a run answers holds, one after the other; the last reply is that to all further ones.
    pub fn reply(&mut self, run: usize, replies: Vec<Reply>) {
        self.nature.reply(run, replies);
    }

    /// Position of a run.
    #[must_use]
    pub fn run(&self, id: &str) -> Option<usize> {
        self.runs.iter().position(|file| file.id.as_str() == id)
    }

    /// Number of runs.
    #[must_use]
    pub fn run_count(&self) -> usize {
        self.runs.len()
    }

    /// Position of a device.
    #[must_use]
    pub fn device_of(&self, id: &str) -> Option<usize> {
        self.devices.iter().position(|seat| seat.profile.id.as_str() == id)
    }

    /// The scheduler of a run; `None` while the orchestrator is down.
    #[must_use]
    pub fn scheduler(&self, run: usize) -> Option<&Scheduler> {
        self.office.seats.get(run).map(|seat| &seat.scheduler)
    }

    /// The ledger of devices.
    #[must_use]
    pub fn fleet(&self) -> &Fleet {
        &self.office.fleet
    }

    /// What a device is doing, as the ledger sees it.
    #[must_use]
    pub fn device_status(&self, device: usize) -> Option<DeviceStatus> {
        self.devices.get(device).map(|seat| self.office.fleet.status(seat.ix))
    }

    /// How a task reads now.
    #[must_use]
    pub fn reading(&mut self, run: usize, task: &str) -> Option<Reading> {
        let seat = self.office.seats.get(run)?;
        let ix = seat.scheduler.graph().find(task)?;
        Some(seat.scheduler.reading(ix, seat.time(self.now), &mut self.office.fleet))
    }

    /// Where a task runs or ran last, and how many attempts it had.
    #[must_use]
    pub fn whereabouts(&self, run: usize, task: &str) -> Option<(Option<DeviceId>, u32)> {
        let scheduler = self.scheduler(run)?;
        let record = scheduler.graph().record(scheduler.graph().find(task)?);
        Some((record.device.map(|device| self.office.fleet.id(device).clone()), record.attempts))
    }

    /// Figures of a run.
    #[must_use]
    pub fn statistics(&self, run: usize) -> Option<Statistics> {
        let seat = self.office.seats.get(run)?;
        Some(seat.scheduler.statistics(seat.time(self.now)))
    }

    /// How a run ended, if it has.
    #[must_use]
    pub fn outcome(&self, run: usize) -> Option<RunOutcome> {
        self.scheduler(run)?.outcome(&self.office.fleet)
    }

    /// What is durable of a run.
    #[must_use]
    pub fn journal(&self, run: usize) -> &[Envelope] {
        match self.office.seats.get(run) {
            Some(seat) => &seat.journal,
            None => self.archive.get(run).map_or(&[], |(journal, _)| journal),
        }
    }

    /// The payload that was last sent to a device for a task.
    #[must_use]
    pub fn sent(&self, run: usize, task: &str) -> Option<&Payload> {
        self.runs.get(run)?.sent.get(&self.place(run, task)?)
    }

    /// What was found to be wrong: without oracles only an orchestrator that works without end, or attempts
    /// that a device must not have.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// What the last command came to.
    #[must_use]
    pub fn answer(&self) -> Option<&Result<Answer, Refusal>> {
        self.answer.as_ref()
    }

    /// Feeds one input to a run at the present time, and commits what it leads to. Its answer, if it is a
    /// command.
    pub fn input(&mut self, run: usize, input: Input) -> Option<Result<Answer, Refusal>> {
        if run >= self.office.seats.len() {
            return None;
        }
        self.office.input(self.now, run, input);
        let answer = self.office.seats[run].step.answer.take();
        self.office.place(self.now);
        self.commit();
        answer
    }

    /// Every fact so far, one for each line, in the order in which they became durable.
    #[must_use]
    pub fn trace(&self) -> &str {
        self.trace.text()
    }

    /// From now on keeps a trace.
    pub fn keep_trace(&mut self) {
        self.trace.keep();
    }

    /// How often the orchestrator was awake: bursts of inputs that it worked off and committed.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// Compares the state of a run with the state that its journal gives: the fingerprints of both, and their hashes.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn replayed(&self, run: usize) -> Result<(String, String), String> {
        let Some(seat) = self.office.seats.get(run) else { return Err("the orchestrator is down".into()) };
        let mut fleet = self.blank_fleet();
        let id = self.runs[run].id.clone();
        let made = seat.strategist.make();
        #[cfg(feature = "seeded-bugs")]
        let read = Scheduler::recover_with(id, made, self.bug, &mut fleet, &seat.journal);
        #[cfg(not(feature = "seeded-bugs"))]
        let read = Scheduler::recover(id, made, &mut fleet, &seat.journal);
        let read = read.map_err(|fault| fault.to_string())?;
        let of = |scheduler: &Scheduler, fleet: &Fleet| {
            format!("{}\nhash={}", scheduler.fingerprint(), scheduler.state_hash(fleet))
        };
        Ok((of(&seat.scheduler, &self.office.fleet), of(&read, &fleet)))
    }

    /// A fleet with the same devices in the same seats, as a replay needs it.
    pub(crate) fn blank_fleet(&self) -> Fleet {
        let mut seats: Vec<_> = self.devices.iter().collect();
        seats.sort_by_key(|seat| seat.ix);
        let mut fleet = Fleet::new();
        for seat in seats {
            let ix = fleet.register(seat.profile.clone());
            if !seat.registered {
                fleet.forget(ix);
            }
        }
        fleet
    }

    pub(super) fn place(&self, run: usize, task: &str) -> Option<u32> {
        self.runs.get(run)?.tasks.get(task).copied()
    }

    pub(super) fn key(&self, run: usize, attempt: &AttemptId) -> Option<Key> {
        let task = *self.runs.get(run)?.tasks.get(attempt.task.id())?;
        Some(Key { run: run as u32, task, attempt: attempt.number })
    }

    /// An attempt in words.
    pub(super) fn name(&self, key: Key) -> String {
        let file = self.runs.get(key.run as usize);
        let task = file.and_then(|file| file.names.get(key.task as usize));
        let task = task.map_or("?", TaskId::as_str);
        format!("{}/{task}#{}", file.map_or("?", |file| file.id.as_str()), key.attempt)
    }

    /// Whether a task may run twice, or might when one of its attempts was sent.
    pub(super) fn is_idempotent(&self, key: Key) -> bool {
        self.runs.get(key.run as usize).is_some_and(|file| file.harmless.contains(&key.task))
    }
}
