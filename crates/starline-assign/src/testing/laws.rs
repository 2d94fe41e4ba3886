//! What every strategy keeps, checked over pseudo-random rounds.
//!
//! Each law takes a function that makes a strategy as it is at the beginning of a run, and panics with the
//! seed of the round that broke it: [`random_round`] makes that round again. A test of a strategy calls them:
//!
//! ```
//! # use starline_assign::{AssignmentStrategy, PlaceError, Round};
//! # #[derive(Debug)]
//! # struct First;
//! # impl AssignmentStrategy for First {
//! #     fn name(&self) -> &'static str { "first" }
//! #     fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
//! #         for task in round.tasks() {
//! #             let first = round.candidates(task.ix).iter().next();
//! #             if let Some(device) = first { round.place(task.ix, device.ix)?; }
//! #         }
//! #         Ok(())
//! #     }
//! # }
//! use starline_assign::testing::laws;
//!
//! laws::equal_rounds_give_equal_placements(|| First);
//! laws::placements_fit(|| First);
//! laws::facts_restore_the_strategy(|| First);
//! laws::an_idle_eligible_device_is_used_eventually(|| First);
//! ```

use std::sync::Arc;

use starline_types::{Applied, DeviceIx, Edit, EditBatch, Event, Millis, Revision, RunSettings, TaskIx};

use crate::testing::builder::{RoundBuilder, Stage};
use crate::testing::graph::task_ix;
use crate::testing::random::{SplitMix64, random_world};
use crate::testing::{TestRound, random_round};
use crate::{AssignmentStrategy, Binding};

/// Rounds played for each law.
const ROUNDS: u64 = 256;
/// Runs played from beginning to end.
const WORLDS: u64 = 32;
/// Rounds in a row that a task may wait beside an idle device that fits it.
const PATIENCE: u32 = 64;
/// Longest run of a task, in rounds: well below the patience, so that waiting for a busy device is no fault.
const LONGEST: u32 = 3;

/// Equal rounds give equal placements: the strategy reads no clock, draws no numbers, depends on no order of
/// a hash map, and deciding does not change it.
///
/// # Panics
/// The strategy errs, or places two equal rounds differently.
pub fn equal_rounds_give_equal_placements<S: AssignmentStrategy>(new: impl Fn() -> S) {
    let (binding, lasting) = (new().binding(), new());
    for seed in 0..ROUNDS {
        let (scene, twin) = (random_round(binding, seed), random_round(binding, seed));
        let first = assigned(&lasting, &scene, seed);
        for (strategy, scene) in [(&lasting, &scene), (&new(), &scene), (&new(), &twin)] {
            let again = assigned(strategy, scene, seed);
            assert_eq!(first, again, "equal rounds were placed differently, seed {seed}: {scene:#?}");
        }
    }
}

/// No placement is refused, and each one satisfies requirements, pins, availability and, with late binding,
/// slots, judged by their definition.
///
/// # Panics
/// The strategy errs, or a placement does not fit.
pub fn placements_fit<S: AssignmentStrategy>(new: impl Fn() -> S) {
    let strategy = new();
    let binding = strategy.binding();
    for seed in 0..ROUNDS {
        let scene = random_round(binding, seed);
        let placements = assigned(&strategy, &scene, seed);
        for (task, device) in &placements {
            let (task, name) = (scene.task_ref(*task), scene.device_ref(*device));
            let fits = task.hint().is_some_and(|task| scene.may_take(task, *device));
            assert!(fits, "task {task} cannot run on {name}, seed {seed}: {scene:#?}");
        }
        for (ix, device) in scene.devices().filter(|_| binding == Binding::Late) {
            let placed = placements.iter().filter(|(_, taken)| *taken == ix).count();
            let free = device.profile.slots.saturating_sub(device.in_flight) as usize;
            let name = &device.profile.id;
            assert!(
                placed <= free,
                "{placed} tasks on {name} with {free} free slots, seed {seed}: {scene:#?}"
            );
        }
    }
}

/// A strategy that saw the facts of a run decides like one that lived through it: what `assign` learns on the
/// side would be lost in a restart.
///
/// # Panics
/// The strategy errs, or a strategy restored from facts decides differently.
pub fn facts_restore_the_strategy<S: AssignmentStrategy>(new: impl Fn() -> S) {
    const STEPS: u64 = 4;
    for run in 0..ROUNDS {
        let (mut live, mut facts) = (new(), Vec::new());
        for step in 0..STEPS {
            let seed = run * STEPS + step;
            let scene = random_round(live.binding(), seed);
            facts.push(graph_fact(&scene, step));
            live.observe(&facts[facts.len() - 1]);
            let mut restored = new();
            facts.iter().for_each(|fact| restored.observe(fact));

            let mut round = scene.round();
            let said = live.assign(&mut round);
            assert!(said.is_ok(), "the strategy erred, seed {seed}: {said:?}: {scene:#?}");
            assert_eq!(
                round.placements().collect::<Vec<_>>(),
                assigned(&restored, &scene, seed),
                "a strategy restored from facts decides differently after {step} rounds, seed {seed}: {scene:#?}"
            );
            let made = scene.facts(&round);
            made.iter().for_each(|fact| live.observe(fact));
            facts.extend(made);
        }
    }
}

/// With late binding, a device that stays idle takes a task that keeps waiting for it: the strategy may wait
/// for something better, but not for ever. It says nothing about strategies that bind early.
///
/// A task may wait up to 64 rounds beside an idle device that fits it, while tasks run for up to 3 rounds.
///
/// # Panics
/// The strategy errs, or lets a task wait longer.
pub fn an_idle_eligible_device_is_used_eventually<S: AssignmentStrategy>(new: impl Fn() -> S) {
    if new().binding() == Binding::Early {
        return;
    }
    for seed in 0..WORLDS {
        World::new(seed).play(&mut new());
    }
}

/// The placements that a strategy makes in a round at its beginning.
fn assigned<'a, S: AssignmentStrategy>(
    strategy: &S,
    scene: &'a TestRound<'a>,
    seed: u64,
) -> Vec<(TaskIx, DeviceIx)> {
    let mut round = scene.round();
    let said = strategy.assign(&mut round);
    assert!(said.is_ok(), "the strategy erred, seed {seed}: {said:?}: {scene:#?}");
    round.into_placements()
}

/// The fact that made the graph of a round: submission first, then an edit that replaces everything.
fn graph_fact(scene: &TestRound<'_>, step: u64) -> Event {
    let graph = Arc::new(scene.graph_spec());
    if step == 0 {
        return Event::RunCreated { name: "law".into(), graph, settings: Arc::new(RunSettings::default()) };
    }
    let edits = vec![Edit::Build { graph, clear_existing: true }];
    let batch = EditBatch { base: Revision(step - 1), edits, ..EditBatch::default() };
    Event::EditCommitted(Arc::new(Applied { revision: Revision(step), batch, ..Applied::default() }))
}

/// A run, round by round.
struct World {
    seed: u64,
    rng: SplitMix64,
    draft: RoundBuilder,
    /// When each task ends, once it runs.
    ends: Vec<Option<u32>>,
    /// Rounds in a row that each task has waited beside each device.
    waits: Vec<Vec<u32>>,
    ended: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let draft = random_world(seed);
        let (tasks, devices) = (draft.tasks.len(), draft.devices.len());
        Self {
            seed,
            rng: SplitMix64::new(!seed),
            draft,
            ends: vec![None; tasks],
            waits: vec![vec![0; devices]; tasks],
            ended: 0,
        }
    }

    fn play(mut self, strategy: &mut impl AssignmentStrategy) {
        let mut now = 0;
        // Ends: while tasks wait that fit some device, either one runs, or patience does.
        while self.step(strategy, now) {
            now += 1;
        }
    }

    /// Plays a round; false if nothing runs any more and no waiting task fits a device.
    fn step(&mut self, strategy: &mut impl AssignmentStrategy, now: u32) -> bool {
        self.end_tasks(strategy, now);
        let scene = self.draft.build();
        let mut round = scene.round();
        let said = strategy.assign(&mut round);
        assert!(said.is_ok(), "the strategy erred, world {}, round {now}: {said:?}: {scene:#?}", self.seed);
        for fact in scene.facts(&round) {
            strategy.observe(&fact);
        }
        for (task, device) in round.placements() {
            let (task_ref, device_ref) = (scene.task_ref(task), scene.device_ref(device));
            self.draft.tasks[task.at()].stage = Stage::Running(device_ref.id().clone());
            self.ends[task.at()] = Some(now + 1 + self.rng.below(LONGEST));
            strategy.observe(&Event::TaskStarted { task: task_ref, attempt: 1, device: device_ref });
        }
        let running = self.draft.tasks.iter().any(|task| matches!(task.stage, Stage::Running(_)));
        let waiting = round.tasks().iter().filter(|task| round.placement(task.ix).is_none());
        let mut placeable = false;
        for task in waiting {
            for (ix, device) in scene.devices() {
                let taken = round.placements().any(|(_, taken)| taken == ix);
                let idle = device.in_flight == 0 && !taken && scene.may_take(task.ix, ix);
                let wait = &mut self.waits[task.ix.at()][ix.at()];
                *wait = if idle { *wait + 1 } else { 0 };
                placeable |= scene.may_take(task.ix, ix);
                assert!(
                    *wait <= PATIENCE,
                    "task {} waits beside the idle device {} for {wait} rounds, world {}, round {now}: {scene:#?}",
                    task.id(),
                    device.profile.id,
                    self.seed,
                );
            }
        }
        running || placeable
    }

    fn end_tasks(&mut self, strategy: &mut impl AssignmentStrategy, now: u32) {
        let scene = self.draft.build();
        for (place, task) in self.draft.tasks.iter_mut().enumerate() {
            if let Stage::Running(device) = &task.stage
                && self.ends[place] == Some(now)
            {
                let device = device.clone();
                strategy.observe(&Event::TaskCompleted {
                    task: scene.task_ref(task_ix(place)),
                    attempt: 1,
                    device: scene.device_ref(scene.device(device.as_str())),
                    result: None,
                    outputs: None,
                    duration_ms: Millis::from_secs(1),
                    edges: Box::default(),
                });
                task.stage = Stage::Done(device, self.ended);
                self.ended += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{Candidate, PlaceError, Round};

    /// Strategies that keep the laws or break one of them.
    #[derive(Clone, Debug)]
    enum Habit {
        LeastBusy,
        Early,
        /// Counts rounds in `assign`.
        Counts(Cell<u32>),
        /// Starts with the device that facts name.
        Learns(Option<DeviceIx>),
        /// Places on the first device, fit or not.
        Reckless,
        /// Never uses any device but the first.
        Loyal,
        /// Waits for better days.
        Lazy,
    }

    impl AssignmentStrategy for Habit {
        fn name(&self) -> &'static str {
            "habit"
        }

        fn binding(&self) -> Binding {
            if matches!(self, Self::Early) { Binding::Early } else { Binding::Late }
        }

        fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
            if let Self::Counts(rounds) = self {
                rounds.set(rounds.get() + 1);
            }
            for task in round.tasks() {
                let candidates = round.candidates(task.ix);
                let least = |turn: u32| {
                    let key = |device: &Candidate<'_>| (device.in_flight, device.ix.0 ^ (turn & 1));
                    candidates.iter().min_by_key(key).map(|device| device.ix)
                };
                let device = match self {
                    Self::LeastBusy | Self::Early => least(0),
                    Self::Counts(rounds) => least(rounds.get()),
                    Self::Learns(known) => {
                        known.filter(|ix| candidates.find(*ix).is_some()).or_else(|| least(0))
                    }
                    Self::Reckless => Some(DeviceIx(0)),
                    Self::Loyal => candidates.find(DeviceIx(0)).map(|device| device.ix),
                    Self::Lazy => None,
                };
                if let Some(device) = device {
                    round.place(task.ix, device)?;
                }
            }
            Ok(())
        }

        fn observe(&mut self, event: &Event) {
            if let (Self::Learns(known), Event::TaskAssigned { device, .. }) = (self, event) {
                *known = device.hint();
            }
        }
    }

    #[test]
    fn good_habits_keep_all_laws() {
        for habit in [Habit::LeastBusy, Habit::Early, Habit::Learns(None)] {
            equal_rounds_give_equal_placements(|| habit.clone());
            placements_fit(|| habit.clone());
            facts_restore_the_strategy(|| habit.clone());
            an_idle_eligible_device_is_used_eventually(|| Box::new(habit.clone()));
        }
    }

    #[test]
    #[should_panic(expected = "equal rounds were placed differently")]
    fn a_change_in_assign_is_noticed() {
        equal_rounds_give_equal_placements(|| Habit::Counts(Cell::new(0)));
    }

    #[test]
    #[should_panic(expected = "restored from facts decides differently")]
    fn memory_beside_the_facts_is_noticed() {
        facts_restore_the_strategy(|| Habit::Counts(Cell::new(0)));
    }

    #[test]
    #[should_panic(expected = "the strategy erred")]
    fn a_refused_placement_is_noticed() {
        placements_fit(|| Habit::Reckless);
    }

    #[test]
    #[should_panic(expected = "waits beside the idle device")]
    fn a_device_that_is_never_used_is_noticed() {
        an_idle_eligible_device_is_used_eventually(|| Habit::Loyal);
    }

    #[test]
    #[should_panic(expected = "waits beside the idle device")]
    fn tasks_that_wait_for_ever_are_noticed() {
        an_idle_eligible_device_is_used_eventually(|| Habit::Lazy);
    }
}
