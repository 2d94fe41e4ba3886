//! A simulated world: an orchestrator, its devices and the messages between them.

mod command;
mod commit;
mod crash;
mod device;
mod devices;
mod editors;
mod happening;
mod judged;
mod lies;
mod saying;
mod scripted;
mod truth;
mod view;
mod work;

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use starline_scheduler::{Answer, Plan, Refusal, Rejection};
use starline_types::{DeviceProfile, Envelope, Payload, RunId, TaskId, Timestamp};

pub(crate) use command::TRY_AGAIN;
pub(crate) use device::SimDevice;
pub(crate) use editors::{Answers, Seen};
pub use happening::{Action, Crash, Forged};
pub(crate) use happening::{Content, Happening};
pub use saying::{Saying, Speaker};
pub(crate) use truth::{Ended, Truth};
pub(crate) use work::{DispatchFate, Fate, Key, Nature, Relapse};
pub use work::{Reply, Work};

use crate::agenda::Agenda;
use crate::office::Office;
use crate::oracle::{Ground, Judge, Oracle, Violation};
use crate::trace::Trace;
use crate::{Strategist, Tally};

/// Commits at one and the same time after which a simulation is taken to spin.
const SPIN: u32 = 2_000;

/// Facts after which a simulation is taken to be a flood.
const FLOOD: u64 = 100_000;

/// A simulated world: an orchestrator with any number of runs over one fleet, devices that execute attempts in
/// virtual time, and messages between them.
///
/// It keeps to the loop of a real orchestrator: take what is due, step, place for the runs in turn, persist,
/// act. Equal calls give equal traces, byte for byte.
#[derive(Debug)]
pub struct Sim {
    now: Timestamp,
    agenda: Agenda<Happening>,
    office: Office,
    /// Whether the orchestrator is up; if not, the journals are all that is left of it.
    up: bool,
    archive: Vec<(Vec<Envelope>, Strategist)>,
    devices: Vec<SimDevice>,
    by_ix: FxHashMap<u32, usize>,
    runs: Vec<RunFile>,
    nature: Box<dyn Nature>,
    /// Attempts whose lease is not renewed any more.
    unrenewed: BTreeSet<Key>,
    /// Number of the life of the orchestrator: its ownership of the runs.
    epoch: u64,
    crash: Option<Crash>,
    crash_at: Option<(u64, Crash)>,
    truth: Truth,
    judge: Option<Box<Judge>>,
    violation: Option<Violation>,
    trace: Trace,
    tally: Tally,
    answer: Option<Result<Answer, Refusal>>,
    /// Runs whose graph was edited in this commit.
    edited: Vec<usize>,
    /// Commits so far, and those at the present time.
    commits: u64,
    spin: u32,
    #[cfg(feature = "seeded-bugs")]
    bug: Option<starline_scheduler::Bug>,
}

/// What is known about a run outside its scheduler.
#[derive(Debug)]
struct RunFile {
    id: RunId,
    tasks: FxHashMap<TaskId, u32>,
    /// Every name that a task ever had, by number.
    names: Vec<TaskId>,
    /// Numbers of tasks that may run twice, or might once.
    harmless: BTreeSet<u32>,
    /// Whether an editor is there, as far as the editor knows.
    attached: bool,
    /// Whether somebody asked for the run to start.
    wanted: bool,
    /// The payload that was last sent for a task.
    sent: FxHashMap<u32, Payload>,
}

impl Sim {
    /// A world without devices and runs, in which nothing goes wrong by itself. Its clock is at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::with_nature(Box::new(scripted::Scripted::default()))
    }

    pub(crate) fn with_nature(nature: Box<dyn Nature>) -> Self {
        Self {
            now: Timestamp(0),
            agenda: Agenda::default(),
            office: Office::default(),
            up: true,
            archive: Vec::new(),
            devices: Vec::new(),
            by_ix: FxHashMap::default(),
            runs: Vec::new(),
            nature,
            unrenewed: BTreeSet::new(),
            epoch: 1,
            crash: None,
            crash_at: None,
            truth: Truth::default(),
            judge: None,
            violation: None,
            trace: Trace::default(),
            tally: Tally::default(),
            answer: None,
            edited: Vec::new(),
            commits: 0,
            spin: 0,
            #[cfg(feature = "seeded-bugs")]
            bug: None,
        }
    }

    /// Adds a device; its position is the answer. It is registered and connected.
    pub fn device(&mut self, profile: DeviceProfile) -> usize {
        self.device_with_clock(profile, 1000)
    }

    pub(crate) fn device_with_clock(&mut self, profile: DeviceProfile, rate: u64) -> usize {
        let ix = self.office.fleet.register(profile.clone());
        self.office.fleet.set_connected(ix, true);
        self.devices.push(SimDevice::new(profile, ix, rate));
        let device = self.devices.len() - 1;
        self.by_ix.insert(ix.0, device);
        device
    }

    /// Submits a run; its position is the answer. It is created, not started.
    ///
    /// # Errors
    /// The graph has faults; nothing has changed.
    pub fn submit(&mut self, id: RunId, plan: Plan, strategist: Strategist) -> Result<usize, Rejection> {
        let tasks = plan.graph.tasks.iter().zip(0..).map(|(task, at)| (task.id.clone(), at)).collect();
        let names = plan.graph.tasks.iter().map(|task| task.id.clone()).collect();
        let run = self.office.open(self.now, id.clone(), plan, strategist)?;
        #[cfg(feature = "seeded-bugs")]
        self.office.seats[run].scheduler.set_bug(self.bug);
        self.runs.push(RunFile {
            id,
            tasks,
            names,
            harmless: BTreeSet::new(),
            attached: false,
            wanted: false,
            sent: FxHashMap::default(),
        });
        self.commit();
        Ok(run)
    }

    /// Plans an action.
    pub fn at(&mut self, at: Timestamp, action: Action) {
        self.agenda.add(at.max(self.now), Happening::Act(action));
    }

    /// The time up to which everything has happened.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Lets everything happen up to and at a time.
    pub fn run_until(&mut self, at: Timestamp) {
        while self.next().is_some_and(|next| next <= at) {
            self.step();
        }
        self.now = self.now.max(at);
    }

    /// Lets everything happen until nothing is left to happen, or something was found to be wrong.
    pub fn run_to_end(&mut self) {
        while self.step() {}
    }

    /// When something happens next.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        if self.violation.is_some() {
            return None;
        }
        let deadline = self.up.then(|| self.office.next_deadline()).flatten();
        [self.agenda.next(), deadline].into_iter().flatten().min()
    }

    /// Takes everything that is due next, in one burst of the loop. False if nothing is left.
    pub fn step(&mut self) -> bool {
        let Some(next) = self.next() else { return false };
        if next > self.now {
            self.now = next;
            self.spin = 0;
        }
        self.spin += 1;
        if self.spin > SPIN || self.tally.facts > FLOOD {
            self.object(Oracle::O9, format!("the orchestrator spins at {}", self.now));
            return false;
        }
        while let Some(happening) = self.agenda.pop_due(self.now) {
            self.happen(happening);
        }
        if self.up {
            self.office.tick(self.now);
            self.office.place(self.now);
            self.commit();
        }
        self.violation.is_none()
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Act(action) => self.perform(action),
            Happening::DispatchCame { device, key, task, work, sent, connection, tells } => {
                self.dispatch_came(device, key, task, *work, sent, connection, tells);
            }
            Happening::CancelCame { device, key, task, force, connection } => {
                self.cancel_came(device, key, task, force, connection);
            }
            Happening::AckCame { device, key, connection } => {
                if self.devices[device].connection == connection {
                    self.devices[device].outbox.remove(&key);
                }
            }
            Happening::WorkEnds { device, key, life } => self.work_ends(device, key, life),
            Happening::StopEnds { device, key, life } => self.stop_ends(device, key, life),
            Happening::PutsDown { device, key, life, nth } => self.puts_down(device, key, life, nth),
            Happening::LeaseEnds { device, key, life } => self.lease_ends(device, key, life),
            Happening::Heard { device, key, task, content, connection } => {
                self.heard(device, key, task, content, connection);
            }
            Happening::Resend { device, key, life, wait } => self.resend(device, key, life, wait),
            Happening::Restart { journals_first } => self.restart(journals_first),
        }
    }

    /// Notes that a rule was broken. The first time counts.
    fn object(&mut self, oracle: Oracle, message: String) {
        if self.violation.is_none() {
            self.violation = Some(Violation { oracle, message, at: self.now, step: self.commits });
        }
    }

    fn with_judge(&mut self, ask: impl FnOnce(&mut Judge, &Ground<'_>) -> Result<(), (Oracle, String)>) {
        let Some(mut judge) = self.judge.take() else { return };
        let ground = Ground { truth: &self.truth, devices: &self.devices };
        let verdict = ask(&mut judge, &ground);
        self.judge = Some(judge);
        if let Err((oracle, message)) = verdict {
            self.object(oracle, message);
        }
    }
}

impl Default for Sim {
    fn default() -> Self {
        Self::new()
    }
}
