//! A small driver of the scheduler: virtual time, and devices that answer after given times.
//!
//! It keeps a ledger of its own from the facts, and holds every fact against it: one live attempt for a task,
//! dense numbers of attempts, no more attempts on a device than slots, none on a device that is away.

use std::collections::BTreeMap;

use starline_scheduler::{Answer, DeviceChange, Effect, Fleet, Input, Refusal, Scheduler, Step, Undelivered};
use starline_types::{
    Attempt, ConfirmedBy, DeviceIx, DeviceProfile, Envelope, ErrorKind, Event, EventKind, LossReason,
    Payload, Reading, RunId, RunOutcome, RunState, Seq, TaskError, TaskId, TaskIx, TaskRef, TaskReport,
    Timestamp, UnixMillis, Value,
};

use crate::job::{Job, Maker, device, device_id};

/// How long an attempt takes unless a test says otherwise.
pub(crate) const WORK: u64 = 100;

/// What a device does with an attempt.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Reports after a time.
    Report(u64, TaskReport),
    /// The attempt brings no report.
    Undelivered(u64, Undelivered),
    /// The device will never run it.
    Refused(u64, ErrorKind),
    /// Nothing is ever heard of it.
    Silent,
}

pub(crate) fn done(after: u64) -> Act {
    Act::Report(after, TaskReport::done())
}

pub(crate) fn brings(after: u64, result: Value) -> Act {
    Act::Report(after, TaskReport::completed(result))
}

pub(crate) fn fails(after: u64) -> Act {
    fails_with(after, ErrorKind::DeviceError)
}

pub(crate) fn fails_with(after: u64, kind: ErrorKind) -> Act {
    Act::Report(after, failed(kind))
}

pub(crate) fn refuses(after: u64) -> Act {
    Act::Undelivered(after, Undelivered::NotAccepted)
}

/// The device will never run the attempt.
pub(crate) fn declines(after: u64) -> Act {
    Act::Refused(after, ErrorKind::PermissionDenied)
}

pub(crate) fn failed(kind: ErrorKind) -> TaskReport {
    TaskReport::failed(TaskError::new(kind, "it went wrong"))
}

/// An attempt that was handed to a device.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: u64,
    pub(crate) task: String,
    pub(crate) number: u32,
    pub(crate) device: String,
    pub(crate) payload: Payload,
}

/// A request to stop that was sent to a device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Stop {
    pub(crate) at: u64,
    pub(crate) task: String,
    pub(crate) device: String,
    pub(crate) force: bool,
}

/// One run with everything that came out of it.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) scheduler: Scheduler,
    pub(crate) facts: Vec<(Timestamp, Event)>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) stops: Vec<Stop>,
    pub(crate) acknowledged: Vec<(String, u32)>,
    pub(crate) closed: u32,
    strategy: Maker,
    step: Step,
    live: BTreeMap<TaskId, (u32, DeviceIx)>,
    numbers: BTreeMap<TaskId, u32>,
}

/// Something a device will say.
#[derive(Clone, Debug)]
struct Coming {
    run: usize,
    task: TaskRef,
    attempt: u32,
    device: DeviceIx,
    what: Said,
}

#[derive(Clone, Debug)]
enum Said {
    Report(TaskReport),
    Undelivered(Undelivered),
    Refused(TaskError),
    Stopped,
}

/// A fleet, its runs and the time.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) fleet: Fleet,
    pub(crate) runs: Vec<Played>,
    profiles: Vec<DeviceProfile>,
    agenda: BTreeMap<(Timestamp, u64), Coming>,
    said: u64,
    acts: BTreeMap<String, Vec<Act>>,
    /// How long a device takes to stop an attempt; a device that is not here is silent.
    stop_after: BTreeMap<DeviceIx, u64>,
    busy: BTreeMap<DeviceIx, u32>,
}

impl World {
    /// Connected devices with one slot each.
    pub(crate) fn new(devices: &[&str]) -> Self {
        Self::of(devices.iter().map(|id| device(id)))
    }

    /// Connected devices.
    pub(crate) fn of(profiles: impl IntoIterator<Item = DeviceProfile>) -> Self {
        let mut world = Self {
            now: Timestamp(0),
            fleet: Fleet::new(),
            runs: Vec::new(),
            profiles: profiles.into_iter().collect(),
            agenda: BTreeMap::new(),
            said: 0,
            acts: BTreeMap::new(),
            stop_after: BTreeMap::new(),
            busy: BTreeMap::new(),
        };
        world.fleet = world.fleet_again();
        world
    }

    /// The same devices in a ledger of their own.
    fn fleet_again(&self) -> Fleet {
        let mut fleet = Fleet::new();
        for profile in &self.profiles {
            let device = fleet.register(profile.clone());
            fleet.set_connected(device, true);
        }
        fleet
    }

    /// What becomes of the attempts of a task, in order; the last one is repeated.
    pub(crate) fn acts(&mut self, task: &str, acts: impl IntoIterator<Item = Act>) {
        self.acts.insert(task.into(), acts.into_iter().collect());
    }

    /// How long a device takes to stop an attempt when asked to.
    pub(crate) fn stops_after(&mut self, device: &str, after: u64) {
        let device = self.ix(device);
        self.stop_after.insert(device, after);
    }

    pub(crate) fn ix(&self, device: &str) -> DeviceIx {
        self.fleet.find(&device_id(device)).expect("a registered device")
    }

    pub(crate) fn task(&self, task: &str) -> TaskIx {
        self.runs[0].scheduler.graph().find(task).expect("a task of the graph")
    }

    fn reference(&self, run: usize, task: &str) -> TaskRef {
        let graph = self.runs[run].scheduler.graph();
        graph.reference(graph.find(task).expect("a task of the graph"))
    }

    /// Creates a run.
    pub(crate) fn submit(&mut self, job: &Job) -> usize {
        let run = self.runs.len();
        let id = RunId::new(format!("r{run}")).expect("the name of a run");
        let mut step = Step::default();
        let scheduler =
            Scheduler::create(id, job.plan(), (job.strategy)(), self.now, &mut self.fleet, &mut step)
                .expect("a graph without faults");
        self.runs.push(Played {
            scheduler,
            facts: Vec::new(),
            sent: Vec::new(),
            stops: Vec::new(),
            acknowledged: Vec::new(),
            closed: 0,
            strategy: job.strategy,
            step,
            live: BTreeMap::new(),
            numbers: BTreeMap::new(),
        });
        self.collect(run);
        run
    }

    /// Creates a run and starts it.
    pub(crate) fn start(&mut self, job: &Job) -> usize {
        let run = self.submit(job);
        assert_eq!(self.command_to(run, Input::Start), Ok(Answer::Done));
        run
    }

    /// Gives an input to a run and lets all runs place.
    pub(crate) fn tell(&mut self, run: usize, input: Input) -> Option<Result<Answer, Refusal>> {
        let played = &mut self.runs[run];
        played.scheduler.step_into(self.now, input, &mut self.fleet, &mut played.step);
        let answer = played.step.answer.take();
        self.collect(run);
        self.place();
        answer
    }

    /// Gives a command to the first run.
    pub(crate) fn command(&mut self, input: Input) -> Result<Answer, Refusal> {
        self.command_to(0, input)
    }

    pub(crate) fn command_to(&mut self, run: usize, input: Input) -> Result<Answer, Refusal> {
        self.tell(run, input).expect("commands are answered")
    }

    /// Lets every run place in turns, until none wants to.
    fn place(&mut self) {
        for turn in 0.. {
            let mut more = false;
            for run in 0..self.runs.len() {
                let played = &mut self.runs[run];
                if played.scheduler.wants_placing(&self.fleet) {
                    more |= played.scheduler.place(self.now, &mut self.fleet, 64, &mut played.step);
                    more |= played.scheduler.wants_placing(&self.fleet);
                    self.collect(run);
                }
            }
            if !more {
                return;
            }
            assert!(turn < 10_000, "placing spins at {}", self.now);
        }
    }

    /// Takes the facts and effects of a step.
    fn collect(&mut self, run: usize) {
        let events = std::mem::take(&mut self.runs[run].step.events);
        for event in events {
            self.check(run, &event);
            self.runs[run].facts.push((self.now, event));
        }
        let effects = std::mem::take(&mut self.runs[run].step.effects);
        for effect in effects {
            match effect {
                Effect::Dispatch { device, attempt } => self.dispatch(run, device, attempt),
                Effect::Cancel { device, attempt, force } => {
                    let task = attempt.task.clone();
                    self.runs[run].stops.push(Stop {
                        at: self.now.0,
                        task: task.to_string(),
                        device: self.fleet.id(device).to_string(),
                        force,
                    });
                    if let Some(after) = self.stop_after.get(&device).copied() {
                        self.will_say(run, task, attempt.number, device, after, Said::Stopped);
                    }
                }
                Effect::Acknowledge { attempt, .. } => {
                    self.runs[run].acknowledged.push((attempt.task.to_string(), attempt.number));
                }
                Effect::HandOver(_) | Effect::HoldOver { .. } => {}
                Effect::Close => self.runs[run].closed += 1,
            }
        }
    }

    fn dispatch(&mut self, run: usize, device: DeviceIx, attempt: Attempt) {
        let Attempt { id, payload, .. } = attempt;
        self.runs[run].sent.push(Sent {
            at: self.now.0,
            task: id.task.to_string(),
            number: id.number,
            device: self.fleet.id(device).to_string(),
            payload,
        });
        let acts = self.acts.get(id.task.id().as_str());
        let act = acts.and_then(|acts| acts.get(id.number as usize - 1).or_else(|| acts.last()));
        match act.cloned().unwrap_or_else(|| done(WORK)) {
            Act::Report(after, report) => {
                self.will_say(run, id.task, id.number, device, after, Said::Report(report));
            }
            Act::Undelivered(after, fault) => {
                self.will_say(run, id.task, id.number, device, after, Said::Undelivered(fault));
            }
            Act::Refused(after, kind) => {
                let error = TaskError::new(kind, format!("{} may not", self.fleet.id(device)));
                self.will_say(run, id.task, id.number, device, after, Said::Refused(error));
            }
            Act::Silent => {}
        }
    }

    fn will_say(
        &mut self,
        run: usize,
        task: TaskRef,
        attempt: u32,
        device: DeviceIx,
        after: u64,
        what: Said,
    ) {
        self.said += 1;
        let at = Timestamp(self.now.0 + after);
        self.agenda.insert((at, self.said), Coming { run, task, attempt, device, what });
    }

    /// Holds a fact against what the facts before it said.
    fn check(&mut self, run: usize, event: &Event) {
        let Played { live, numbers, .. } = &mut self.runs[run];
        let mut over = |task: &TaskRef, attempt: u32| {
            if attempt > 0 {
                let (number, device) = live.remove(task.id()).expect("a live attempt");
                assert_eq!(number, attempt, "the end of another attempt of {task}");
                *self.busy.entry(device).or_default() -= 1;
            }
        };
        match event {
            Event::TaskAssigned { task, attempt, device, .. } => {
                let on = device.hint().expect("a resolved device");
                assert!(self.fleet.is_available(on), "{task} was assigned to {device}, which is away");
                assert_eq!(live.insert(task.id().clone(), (*attempt, on)), None, "{task} has two attempts");
                let last = numbers.insert(task.id().clone(), *attempt).unwrap_or(0);
                assert_eq!(*attempt, last + 1, "numbers of attempts of {task} are dense");
                let busy = self.busy.entry(on).or_default();
                *busy += 1;
                assert!(*busy <= self.fleet.profile(on).slots, "{device} has more attempts than slots");
            }
            Event::TaskCompleted { task, attempt, .. }
            | Event::TaskFailed { task, attempt, .. }
            | Event::TaskCancelled { task, attempt, .. }
            | Event::TaskRetryScheduled { task, attempt, .. } => over(task, *attempt),
            Event::AttemptLost { task, attempt, reason: LossReason::NotAccepted, .. } => over(task, *attempt),
            _ => {}
        }
    }

    /// Goes on to a moment, with everything that happens until then and at it.
    pub(crate) fn run_until(&mut self, at: u64) {
        self.advance(Some(Timestamp(at)));
        self.now = Timestamp(at);
    }

    /// Goes on until nothing is left to happen, and holds every run against its replay.
    pub(crate) fn run(&mut self) {
        self.advance(None);
        for run in 0..self.runs.len() {
            self.check_replay(run);
        }
    }

    fn advance(&mut self, until: Option<Timestamp>) {
        let mut ticks = 0;
        loop {
            let coming = self.agenda.first_key_value().map(|((at, _), _)| *at);
            let due = self.runs.iter().filter_map(|played| played.scheduler.next_deadline()).min();
            let Some(at) = [coming, due].into_iter().flatten().min() else { return };
            if until.is_some_and(|until| at > until) {
                return;
            }
            if at > self.now {
                self.now = at;
                ticks = 0;
            }
            if coming == Some(at)
                && let Some((_, coming)) = self.agenda.pop_first()
            {
                self.say(coming);
                continue;
            }
            ticks += 1;
            assert!(ticks < 1000, "a deadline spins at {}", self.now);
            for run in 0..self.runs.len() {
                if self.runs[run].scheduler.next_deadline().is_some_and(|due| due <= at) {
                    self.tell(run, Input::Tick);
                }
            }
        }
    }

    fn say(&mut self, coming: Coming) {
        let Coming { run, task, attempt, device, what } = coming;
        let input = match what {
            Said::Report(report) => Input::Reported { task, attempt, device, report },
            Said::Undelivered(fault) => Input::Undelivered { task, attempt, device, fault },
            Said::Refused(error) => Input::Refused { task, attempt, device, error },
            Said::Stopped => {
                // What was stopped says nothing any more.
                self.agenda
                    .retain(|_, other| (other.run, &other.task, other.attempt) != (run, &task, attempt));
                Input::Stopped { task, attempt, by: ConfirmedBy::Ack }
            }
        };
        self.tell(run, input);
    }

    /// A report from outside the script.
    pub(crate) fn report(&mut self, task: &str, attempt: u32, device: &str, report: TaskReport) {
        let (task, device) = (self.reference(0, task), self.ix(device));
        self.tell(0, Input::Reported { task, attempt, device, report });
    }

    /// An attempt brings no report, in the middle of the script.
    pub(crate) fn undelivered(&mut self, task: &str, attempt: u32, device: &str, fault: Undelivered) {
        let (task, device) = (self.reference(0, task), self.ix(device));
        self.tell(0, Input::Undelivered { task, attempt, device, fault });
    }

    pub(crate) fn cancel(&mut self, task: &str) -> Result<Answer, Refusal> {
        self.command(Input::CancelTask { task: crate::job::task_id(task) })
    }

    pub(crate) fn skip(&mut self, task: &str) -> Result<Answer, Refusal> {
        self.command(Input::SkipTask { task: crate::job::task_id(task) })
    }

    pub(crate) fn reassign(&mut self, task: &str, device: &str) -> Result<Answer, Refusal> {
        self.command(Input::Reassign { task: crate::job::task_id(task), device: device_id(device) })
    }

    /// Registers a device, connected or not.
    pub(crate) fn register(&mut self, profile: DeviceProfile, connected: bool) {
        self.profiles.push(profile.clone());
        let device = self.fleet.register(profile);
        if connected {
            self.fleet.set_connected(device, true);
            self.tell_all(device, DeviceChange::Up);
        }
    }

    pub(crate) fn connect(&mut self, device: &str) {
        let device = self.ix(device);
        self.fleet.set_connected(device, true);
        self.tell_all(device, DeviceChange::Up);
    }

    /// A device goes away; what it had in hand is never heard of.
    pub(crate) fn disconnect(&mut self, device: &str, certain: bool) {
        let device = self.ix(device);
        self.agenda.retain(|_, coming| coming.device != device);
        self.fleet.set_connected(device, false);
        self.tell_all(device, DeviceChange::Down { certain });
    }

    pub(crate) fn forget(&mut self, device: &str) {
        let device = self.ix(device);
        self.agenda.retain(|_, coming| coming.device != device);
        self.fleet.forget(device);
        self.tell_all(device, DeviceChange::Forgotten);
    }

    pub(crate) fn drain(&mut self, device: &str, draining: bool) {
        let device = self.ix(device);
        self.fleet.set_draining(device, draining);
        self.tell_all(device, DeviceChange::Draining);
    }

    /// Tells all runs of a change before any of them places, as an owner does.
    fn tell_all(&mut self, device: DeviceIx, change: DeviceChange) {
        for run in 0..self.runs.len() {
            let played = &mut self.runs[run];
            let input = Input::DeviceChanged { device, change };
            played.scheduler.step_into(self.now, input, &mut self.fleet, &mut played.step);
            self.collect(run);
        }
        self.place();
    }

    pub(crate) fn scheduler(&self) -> &Scheduler {
        &self.runs[0].scheduler
    }

    pub(crate) fn state(&self) -> RunState {
        self.scheduler().run_state()
    }

    pub(crate) fn reading(&mut self, task: &str) -> Reading {
        let task = self.task(task);
        self.runs[0].scheduler.reading(task, self.now, &mut self.fleet)
    }

    pub(crate) fn outcome(&self) -> RunOutcome {
        self.scheduler().outcome(&self.fleet).expect("a run that has ended")
    }

    /// The facts of one kind, with their times.
    pub(crate) fn facts(&self, kind: EventKind) -> Vec<(u64, &Event)> {
        let facts = self.runs[0].facts.iter();
        facts.filter(|(_, event)| event.kind() == kind).map(|(at, event)| (at.0, event)).collect()
    }

    /// The times and tasks of the facts of one kind.
    pub(crate) fn times(&self, kind: EventKind) -> Vec<(u64, String)> {
        let name = |event: &Event| event.task().map(ToString::to_string).unwrap_or_default();
        self.facts(kind).into_iter().map(|(at, event)| (at, name(event))).collect()
    }

    /// Times, tasks and devices of all attempts of a run, as `0 A d1`.
    pub(crate) fn starts(&self, run: usize) -> Vec<String> {
        self.runs[run].sent.iter().map(|sent| format!("{} {} {}", sent.at, sent.task, sent.device)).collect()
    }

    /// Tasks in the order in which they were started.
    pub(crate) fn order(&self) -> Vec<&str> {
        self.runs[0].sent.iter().map(|sent| sent.task.as_str()).collect()
    }

    /// The kind of error with which a task failed.
    pub(crate) fn error(&self, task: &str) -> ErrorKind {
        let found = self.scheduler().task_outcome(self.task(task), &self.fleet);
        found.and_then(|outcome| outcome.error).expect("a failed task").kind
    }

    /// The records of a run as a journal keeps them, read back from their text.
    pub(crate) fn journal(&self, run: usize) -> Vec<Envelope> {
        let played = &self.runs[run];
        let records = played.facts.iter().zip(1..).map(|((t, event), seq)| Envelope {
            seq: Seq(seq),
            run_id: played.scheduler.run().clone(),
            revision: played.scheduler.revision(),
            t: *t,
            at: UnixMillis(t.0),
            cause: None,
            event: event.clone(),
        });
        records
            .map(|record| {
                let text = serde_json::to_string(&record).expect("a record is JSON");
                serde_json::from_str(&text).expect("a record reads as it was written")
            })
            .collect()
    }

    /// A run rebuilt from its journal, over a ledger of its own.
    pub(crate) fn replayed(&self, run: usize) -> (Scheduler, Fleet) {
        let played = &self.runs[run];
        let mut fleet = self.fleet_again();
        let records = self.journal(run);
        let id = played.scheduler.run().clone();
        let scheduler = Scheduler::recover(id, (played.strategy)(), &mut fleet, &records)
            .expect("a journal that replays");
        (scheduler, fleet)
    }

    /// The state rebuilt from the journal equals the live one.
    pub(crate) fn check_replay(&self, run: usize) {
        let (replayed, fleet) = self.replayed(run);
        let live = &self.runs[run].scheduler;
        assert_eq!(replayed.fingerprint(), live.fingerprint());
        assert_eq!(replayed.state_hash(&fleet), live.state_hash(&self.fleet));
    }

    /// Replaces the first run by one rebuilt from its journal, as after a restart; devices and time go on.
    pub(crate) fn restart(&mut self) {
        let (scheduler, mut fleet) = self.replayed(0);
        for device in self.fleet.devices() {
            fleet.set_connected(device, self.fleet.is_connected(device));
        }
        self.fleet = fleet;
        self.runs[0].scheduler = scheduler;
        self.place();
    }
}
