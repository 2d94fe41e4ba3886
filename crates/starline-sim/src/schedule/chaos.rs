//! A world in which things go wrong, as often as its knobs say.

use starline_scheduler::Undelivered;
use starline_types::{ErrorKind, Millis, TaskError, TaskReport, TaskSpec, Timestamp, Value};

use super::Schedule;
use super::editor;
use super::edits::Manner;
use super::extras::Extras;
use crate::chance::Chance;
use crate::sim::{Answers, DispatchFate, Fate, Key, Nature, Relapse, Seen, Work};
use crate::trace::hash;
use crate::{Crash, Saying};

/// How often what goes wrong, in percent unless it says otherwise.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Knobs {
    /// Longest ordinary delay of a message, in ms.
    pub(crate) delay: u64,
    /// Messages that take up to 30 s.
    pub(crate) late: u8,
    pub(crate) lost: u8,
    pub(crate) doubled: u8,
    /// Dispatches of which it is not known whether they arrived.
    pub(crate) unknown: u8,
    /// Dispatches that the device does not understand.
    pub(crate) garbled: u8,
    pub(crate) refused: u8,
    pub(crate) failing: u8,
    /// Attempts that never end by themselves, where they have a time limit.
    pub(crate) hanging: u8,
    /// Attempts that do not hear a polite request to stop, and those that cannot be stopped at all.
    pub(crate) stubborn: u8,
    pub(crate) deaf: u8,
    /// Results without the declared output.
    pub(crate) wanting: u8,
    /// Reconnected devices that do not say which attempts they do not have.
    pub(crate) silent: u8,
    /// Longest attempt, in ms.
    pub(crate) longest: u64,
}

impl Knobs {
    /// All of them by name, to be shown and turned off.
    pub(crate) fn percents(&mut self) -> [(&'static str, &mut u8); 12] {
        [
            ("late", &mut self.late),
            ("lost", &mut self.lost),
            ("doubled", &mut self.doubled),
            ("unknown", &mut self.unknown),
            ("garbled", &mut self.garbled),
            ("refused", &mut self.refused),
            ("failing", &mut self.failing),
            ("hanging", &mut self.hanging),
            ("stubborn", &mut self.stubborn),
            ("deaf", &mut self.deaf),
            ("wanting", &mut self.wanting),
            ("silent", &mut self.silent),
        ]
    }

    /// Draws which knobs are turned, and how far: a random part stays off.
    pub(crate) fn random(chance: &mut Chance) -> Self {
        let mut knobs = Self {
            delay: if chance.percent(50) { chance.within(1, 200) } else { 0 },
            longest: [100, 2_000, 10_000, 40_000][chance.below(4) as usize],
            ..Self::default()
        };
        let most = [5, 20, 20, 15, 5, 30, 50, 20, 40, 30, 20, 50];
        for ((_, knob), most) in knobs.percents().into_iter().zip(most) {
            if chance.percent(45) {
                *knob = chance.within(1, most) as u8;
            }
        }
        knobs
    }
}

/// Crashes during commits with facts in one schedule, at the most.
const STRIKES: u32 = 4;

/// Attempts and messages as chance has it.
#[derive(Debug)]
pub(crate) struct Chaos {
    seed: u64,
    knobs: Knobs,
    extras: Extras,
    messages: Chance,
    /// What happens to the orchestrator.
    mishaps: Chance,
    quiet_at: Timestamp,
    /// Crashes that came of strikes.
    struck: u32,
    calm: bool,
    manners: Vec<Manner>,
    /// Holds that were handed over so far.
    asked: u64,
}

impl Chaos {
    pub(crate) fn new(schedule: &Schedule) -> Self {
        let Schedule { seed, knobs, extras, manners, quiet_at, .. } = schedule;
        Self {
            seed: *seed,
            knobs: *knobs,
            extras: *extras,
            messages: Chance::about(*seed, &[1]),
            mishaps: Chance::about(*seed, &[11]),
            quiet_at: *quiet_at,
            struck: 0,
            calm: false,
            manners: manners.clone(),
            asked: 0,
        }
    }

    fn crash(&mut self, longest: u64) -> Crash {
        Crash {
            persisted: self.mishaps.below(3) as usize,
            acted: if self.mishaps.percent(50) { usize::MAX } else { self.mishaps.below(3) as usize },
            down: Millis(self.mishaps.below(longest)),
            journals_first: self.mishaps.percent(20),
        }
    }

    fn delay(&mut self) -> Millis {
        if self.calm {
            return Millis(self.messages.below(5));
        }
        if self.messages.percent(self.knobs.late) {
            return Millis(self.messages.within(200, 30_000));
        }
        Millis(self.messages.within(0, self.knobs.delay))
    }
}

impl Nature for Chaos {
    fn work(&mut self, key: Key, spec: &TaskSpec) -> Work {
        let [run, _, attempt] = key.parts();
        // By name, so that a task does the same when others are left out.
        let mut chance = Chance::about(self.seed, &[2, run, hash(spec.id.as_str()), attempt]);
        let knobs = if self.calm { Knobs { longest: 1_000, ..Knobs::default() } } else { self.knobs };
        let mut result = serde_json::Map::new();
        result.insert("by".into(), format!("{run}/{}#{attempt}", spec.id).into());
        if !chance.percent(knobs.wanting) {
            result.insert("n".into(), chance.below(100).into());
        }
        let mut work = Work::lasting(Millis(chance.within(0, knobs.longest)))
            .reporting(TaskReport::completed(Value::Object(result)));
        if chance.percent(knobs.failing) {
            work.report = failure(&mut chance);
        }
        if chance.percent(knobs.hanging) && spec.run_timeout.is_some() {
            work.takes = None;
        }
        let (polite, forced) = (chance.below(3_000), chance.below(500));
        (work.polite, work.forced) = (Some(Millis(polite)), Some(Millis(forced)));
        if chance.percent(knobs.stubborn) {
            work.polite = None;
        }
        if chance.percent(knobs.deaf) {
            work = work.deaf();
        }
        work.refused = chance.percent(knobs.refused);
        work
    }

    fn dispatch(&mut self) -> DispatchFate {
        let message = Fate { arrives: Some(self.delay()), again: None };
        if self.calm {
            return DispatchFate { message, said: None, tells: true };
        }
        if self.messages.percent(self.knobs.garbled) {
            let said = Some((self.delay(), Undelivered::Protocol));
            return DispatchFate { message: Fate::default(), said, tells: false };
        }
        if self.messages.percent(self.knobs.unknown) {
            let said = Some((self.delay(), Undelivered::Unknown));
            let message = if self.messages.percent(50) { message } else { Fate::default() };
            return DispatchFate { message, said, tells: false };
        }
        let again = self.messages.percent(self.knobs.doubled).then(|| self.delay());
        let tells = self.messages.percent(50);
        DispatchFate { message: Fate { again, ..message }, said: None, tells }
    }

    fn message(&mut self) -> Fate {
        if self.calm {
            return Fate { arrives: Some(self.delay()), again: None };
        }
        let arrives = (!self.messages.percent(self.knobs.lost)).then(|| self.delay());
        let again = self.messages.percent(self.knobs.doubled).then(|| self.delay());
        Fate { arrives, again }
    }

    fn checkpoints(&mut self, key: Key, task: &str, takes: Millis) -> Vec<Millis> {
        let [run, _, attempt] = key.parts();
        let mut chance = Chance::about(self.seed, &[12, run, hash(task), attempt]);
        if self.calm || !chance.percent(self.extras.checkpoints) {
            return Vec::new();
        }
        (0..chance.within(1, 4)).map(|_| Millis(chance.within(0, takes.0))).collect()
    }

    fn declines(&mut self, key: Key, task: &str) -> bool {
        let [run, _, attempt] = key.parts();
        let mut chance = Chance::about(self.seed, &[13, run, hash(task), attempt]);
        chance.percent(self.extras.declined)
    }

    fn strikes(&mut self, now: Timestamp) -> Option<Crash> {
        let able = self.extras.strikes > 0 && self.struck < STRIKES && now < self.quiet_at;
        if !able || !self.mishaps.percent(self.extras.strikes) {
            return None;
        }
        self.struck += 1;
        Some(self.crash(30_000))
    }

    fn steps_kept(&mut self, steps: usize) -> usize {
        if !self.mishaps.percent(self.extras.cut) {
            return steps;
        }
        self.mishaps.below(steps as u64 + 1) as usize
    }

    fn page(&mut self) -> usize {
        if !self.mishaps.percent(self.extras.paged) {
            return usize::MAX;
        }
        [1, 2, 7, 50][self.mishaps.below(4) as usize]
    }

    fn relapses(&mut self) -> Option<Relapse> {
        if self.calm || !self.mishaps.percent(self.extras.relapses) {
            return None;
        }
        let crash = self.crash(10_000);
        Some(if self.mishaps.percent(40) { Relapse::InReading(crash) } else { Relapse::InFirstCommit(crash) })
    }

    fn confesses(&mut self) -> bool {
        !self.messages.percent(self.knobs.silent)
    }

    fn calm(&mut self) {
        self.calm = true;
    }

    fn answer(&mut self, seen: &Seen<'_>) -> Answers {
        let manner = self.manners.get(seen.run).copied().unwrap_or_default();
        self.asked += 1;
        let mut chance = Chance::about(self.seed, &[6, seen.run as u64, self.asked]);
        match (self.calm, seen.hold) {
            (false, _) => editor::answers(&mut chance, manner, seen),
            // Nobody adds work for ever, and the dead stay dead.
            (true, Some(hold)) if manner.dead < 50 => vec![(Millis(chance.below(5)), Saying::Release(hold))],
            (true, _) => Vec::new(),
        }
    }

    fn improvise(&mut self, salt: u64, seen: &Seen<'_>) -> Saying {
        let manner = self.manners.get(seen.run).copied().unwrap_or_default();
        editor::improvise(&mut Chance::about(self.seed, &[7, salt]), manner.hostile, seen)
    }

    fn reattaches(&mut self, run: usize) -> Option<Millis> {
        let manner = self.manners.get(run).copied().unwrap_or_default();
        self.asked += 1;
        let mut chance = Chance::about(self.seed, &[8, run as u64, self.asked]);
        chance.percent(manner.returning).then(|| Millis(chance.below(40_000)))
    }
}

fn failure(chance: &mut Chance) -> TaskReport {
    let kind = match chance.below(8) {
        0..4 => ErrorKind::DeviceError,
        4 => ErrorKind::ExitStatus,
        5 => ErrorKind::PermissionDenied,
        6 => ErrorKind::Other("overheated".into()),
        _ => ErrorKind::InvalidRequest,
    };
    let mut error = TaskError::new(kind, "as chance has it");
    if chance.percent(10) {
        error.retryable = Some(false);
    }
    TaskReport::Failed { error, result: Value::Null }
}
