//! The state machine of one run.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;

use starline_assign::{AssignmentStrategy, Binding};
use starline_edit::{Limits, Rejection, Surroundings, check_within};
use starline_types::{
    DeviceId, DeviceIx, Edit, EditBatch, Event, GraphSpec, RunId, RunSettings, RunState, Seq, TaskId, TaskIx,
    Timestamp,
};

use crate::bug::Bug;
use crate::queue::Lane;
use crate::state::{Planning, State};
use crate::{Fleet, Input, Step};

/// What a run is made of.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The graph.
    pub graph: Arc<GraphSpec>,
    /// The settings.
    pub settings: Arc<RunSettings>,
    /// Devices of single tasks, chosen by hand.
    pub assignments: Vec<(TaskId, DeviceId)>,
    /// Limits of the graph.
    pub limits: Limits,
}

/// The state machine of one run: pure, single-threaded, equal for equal inputs.
///
/// Inputs go in with a time and the ledger of devices; facts and effects come out. The driver persists the
/// facts, publishes them, and only then acts on the effects. Facts are the only thing that changes state, so
/// a scheduler made by [`recover`](Self::recover) from the facts equals the one that recorded them.
#[derive(Debug)]
pub struct Scheduler {
    pub(crate) state: State,
    pub(crate) strategy: Option<Box<dyn AssignmentStrategy>>,
    pub(crate) early: bool,
    /// Queues of ready tasks: for each device with early binding, for each class with late binding.
    pub(crate) lanes: Vec<Lane>,
    /// Queues to be looked at.
    pub(crate) awake: VecDeque<u32>,
    /// How far the ledger's list of freed devices was read.
    pub(crate) freed_seen: u64,
    /// When ready tasks that no registered device fits fail. No matter of facts: after a replay the wait
    /// begins anew.
    pub(crate) misfits: BTreeMap<TaskIx, Timestamp>,
    /// Whether the last placing stopped at its limit.
    pub(crate) unfinished: bool,
    /// When a run with nothing but unplaced tasks is paused.
    pub(crate) stall_at: Option<Timestamp>,
    /// Whether somebody answers holds.
    pub(crate) attached: bool,
    /// When holds of an earlier life close, unless their editor comes back.
    pub(crate) orphaned: Option<Timestamp>,
    /// When the rate of editors allows another batch. No matter of facts.
    pub(crate) next_batch: Timestamp,
    /// Batches of editors since a task ended. No matter of facts either.
    pub(crate) idle_batches: u32,
    /// Limits of the graph and of its edits.
    pub(crate) limits: Limits,
    pub(crate) bug: Option<Bug>,
}

impl Scheduler {
    /// Creates a run from a plan: the same checks as any batch of edits, against the empty graph.
    ///
    /// The first fact is in `step`. The run is `Created`; [`Input::Prepare`] makes it `Ready`.
    ///
    /// # Errors
    /// Every fault of the graph. Nothing was recorded.
    pub fn create(
        run: RunId,
        plan: Plan,
        strategy: Option<Box<dyn AssignmentStrategy>>,
        now: Timestamp,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Self, Rejection> {
        let mut scheduler = Self::empty(run, strategy);
        let devices = fleet.ids();
        let around =
            Surroundings { devices: Some(&devices), limits: plan.limits.clone(), ..Surroundings::default() };
        scheduler.limits = plan.limits;
        // The checked graph is kept: building it a second time from the fact would give the same one.
        scheduler.build(&plan.graph, &around)?;
        let mut settings = plan.settings;
        if !plan.assignments.is_empty() {
            // Part of the first fact, so that they outlive a restart before the run is ready.
            Arc::make_mut(&mut settings).assignments.extend(plan.assignments);
        }
        let event = Event::RunCreated { name: plan.graph.name.as_str().into(), graph: plan.graph, settings };
        scheduler.record(now, event, fleet, step);
        Ok(scheduler)
    }

    /// Checks a graph and puts it in the place of the empty one.
    pub(crate) fn build(
        &mut self,
        graph: &Arc<GraphSpec>,
        around: &Surroundings<'_>,
    ) -> Result<(), Rejection> {
        let edits = vec![Edit::Build { graph: Arc::clone(graph), clear_existing: true }];
        let batch = EditBatch { edits, ..EditBatch::default() };
        check_within(&mut self.state.graph, &batch, around)?.install();
        Ok(())
    }

    pub(crate) fn empty(run: RunId, strategy: Option<Box<dyn AssignmentStrategy>>) -> Self {
        let early = strategy.as_ref().is_none_or(|strategy| strategy.binding() == Binding::Early);
        Self {
            state: State::new(run),
            strategy,
            early,
            lanes: Vec::new(),
            awake: VecDeque::new(),
            freed_seen: 0,
            misfits: BTreeMap::new(),
            unfinished: false,
            stall_at: None,
            attached: false,
            orphaned: None,
            next_batch: Timestamp(0),
            idle_batches: 0,
            limits: Limits::default(),
            bug: None,
        }
    }

    /// Handles one input. Equal inputs in equal order give equal steps.
    ///
    /// Facts and effects are appended to `step`. Placing what became ready is a step of its own, so that a
    /// driver can take a burst of inputs first: see [`place`](Self::place).
    pub fn step_into(&mut self, now: Timestamp, input: Input, fleet: &mut Fleet, step: &mut Step) {
        self.decide(now, input, fleet, step);
    }

    /// Records a fact: the state changes, the strategy learns, the step grows.
    pub(crate) fn record(&mut self, now: Timestamp, event: Event, fleet: &mut Fleet, step: &mut Step) {
        self.evolve(now, &event, fleet);
        step.events.push(event);
    }

    /// Applies a fact. The only function that changes state, live and in replay.
    pub(crate) fn evolve(&mut self, now: Timestamp, event: &Event, fleet: &mut Fleet) {
        let planning = match (&self.strategy, self.early) {
            (None, _) => Planning::ByHand,
            (Some(_), true) => Planning::Early,
            (Some(_), false) => Planning::Late,
        };
        self.state.apply(now, event, planning, fleet);
        let ends = matches!(
            event,
            Event::TaskCompleted { .. }
                | Event::TaskFailed { .. }
                | Event::TaskCancelled { .. }
                | Event::TaskSkipped { .. }
                | Event::RunResumed { .. }
        );
        if ends {
            self.idle_batches = 0;
        }
        if let Some(strategy) = &mut self.strategy {
            strategy.observe(event);
        }
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.state.run
    }

    /// Number of the last fact.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.state.seq
    }

    /// Commits so far.
    #[must_use]
    pub fn revision(&self) -> starline_types::Revision {
        self.state.graph.revision()
    }

    /// The settings, fixed when the run was created.
    #[must_use]
    pub fn settings(&self) -> &Arc<RunSettings> {
        &self.state.settings
    }

    /// State of the run.
    #[must_use]
    pub fn run_state(&self) -> RunState {
        self.state.run_state
    }

    /// Whether the run has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state.run_state.is_terminal()
    }

    /// The earliest time at which [`Input::Tick`] has something to do, as far as it is known.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if self.is_closed() {
            return None;
        }
        [self.state.timers.next(), self.stall_at, self.orphaned].into_iter().flatten().min()
    }

    /// Name of the strategy.
    #[must_use]
    pub fn strategy(&self) -> &'static str {
        self.strategy.as_ref().map_or("none", |strategy| strategy.name())
    }

    /// The live attempts: task, number, device. O(tasks).
    #[must_use]
    pub fn live_attempts(&self) -> Vec<(TaskIx, u32, DeviceIx)> {
        let tasks = self.state.graph.indices();
        tasks
            .filter_map(|task| self.state.live(task).map(|(attempt, device)| (task, attempt, device)))
            .collect()
    }

    /// Whether a rule is deliberately wrong.
    pub(crate) fn has_bug(&self, bug: Bug) -> bool {
        cfg!(feature = "seeded-bugs") && self.bug == Some(bug)
    }

    /// Breaks one rule on purpose, to test the tests.
    #[cfg(feature = "seeded-bugs")]
    pub fn set_bug(&mut self, bug: Option<Bug>) {
        self.bug = bug;
    }
}
