//! A run comes back from its facts.

use starline_assign::AssignmentStrategy;
use starline_edit::{Limits, Rejection, Surroundings};
use starline_types::{Envelope, Event, Millis, RunId, Seq, TaskIx, Timestamp};

use crate::bug::Bug;
use crate::state::NO_LANE;
use crate::{Fleet, Scheduler, rng};

/// Why a journal does not give a state.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayFault {
    /// The first record does not create the run.
    #[error("record 1 is {0}, not run_created")]
    NotCreated(&'static str),
    /// There is no record.
    #[error("the run has no record")]
    Empty,
    /// The numbers are not dense.
    #[error("record {got} follows record {last}")]
    NotDense {
        /// Last number read.
        last: u64,
        /// Number found.
        got: u64,
    },
    /// The graph in the first record is not one that was ever accepted.
    #[error("the graph in record 1 has faults")]
    InvalidGraph(#[source] Rejection),
    /// The records before do not lead to the state that they led to when they were written.
    #[error("the records before {seq} lead to another state than when they were written")]
    OtherState {
        /// Number of the record that has the hash of the state.
        seq: u64,
    },
    /// A record belongs to another run.
    #[error("record {seq} belongs to run {run}")]
    ForeignRecord {
        /// Its number.
        seq: u64,
        /// Its run.
        run: RunId,
    },
}

/// A run that comes back from its facts, a few at a time: so a journal of any length is read in pages.
///
/// The facts go through the same function that applies them live. Devices that they name and the ledger does
/// not know get a seat of their own, not connected; live attempts are booked.
///
/// # Examples
///
/// ```
/// use starline_scheduler::{Fleet, Recovery, ReplayFault};
/// use starline_types::RunId;
///
/// let run = RunId::new("nightly").expect("an id");
/// let (mut fleet, mut recovery) = (Fleet::new(), Recovery::new(run, None));
/// recovery.replay(&mut fleet, [])?; // page after page
/// assert_eq!(recovery.finish().unwrap_err(), ReplayFault::Empty);
/// # Ok::<(), ReplayFault>(())
/// ```
#[derive(Debug)]
pub struct Recovery {
    scheduler: Scheduler,
    last: Timestamp,
}

impl Recovery {
    /// A run without a fact so far, with the strategy that it goes on with.
    #[must_use]
    pub fn new(run: RunId, strategy: Option<Box<dyn AssignmentStrategy>>) -> Self {
        Self { scheduler: Scheduler::empty(run, strategy), last: Timestamp(0) }
    }

    /// The same, with limits of the graph and of its edits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.scheduler.limits = limits;
        self
    }

    /// The same, as a scheduler with a broken rule would come back.
    #[cfg(feature = "seeded-bugs")]
    #[must_use]
    pub fn with_bug(mut self, bug: Option<Bug>) -> Self {
        self.scheduler.bug = bug;
        self
    }

    /// Applies the next facts. O(facts).
    ///
    /// # Errors
    /// They do not continue those before, or are not of this run. What was booked in the ledger stays there until
    /// [`give_up`](Self::give_up).
    pub fn replay<'e>(
        &mut self,
        fleet: &mut Fleet,
        records: impl IntoIterator<Item = &'e Envelope>,
    ) -> Result<(), ReplayFault> {
        let Self { scheduler, last } = self;
        for record in records {
            *last = record.t;
            let before = scheduler.state.seq;
            if record.run_id != scheduler.state.run {
                return Err(ReplayFault::ForeignRecord { seq: record.seq.0, run: record.run_id.clone() });
            }
            if record.seq != before.next() {
                return Err(ReplayFault::NotDense { last: before.0, got: record.seq.0 });
            }
            if before == Seq(0) && !matches!(record.event, Event::RunCreated { .. }) {
                return Err(ReplayFault::NotCreated(record.event.kind().as_str()));
            }
            if let (Seq(0), Event::RunCreated { graph, .. }) = (before, &record.event) {
                let around = Surroundings { limits: Limits::ceiling(), ..Surroundings::default() };
                scheduler.build(graph, &around).map_err(ReplayFault::InvalidGraph)?;
            }
            if scheduler.has_bug(Bug::DelayRedrawn)
                && let Event::TaskRetryScheduled { delay_ms, .. } = &record.event
            {
                let mut event = record.event.clone();
                if let Event::TaskRetryScheduled { delay_ms: drawn, .. } = &mut event {
                    *drawn = Millis(rng::uniform(record.seq.0, scheduler.state.draws, delay_ms.0));
                }
                scheduler.evolve(record.t, &event, fleet);
                continue;
            }
            if let Event::StateHashed { hash } = &record.event
                && scheduler.state.contradicts(hash, fleet)
            {
                return Err(ReplayFault::OtherState { seq: record.seq.0 });
            }
            scheduler.evolve(record.t, &record.event, fleet);
        }
        Ok(())
    }

    /// Run time of the last fact: the time from which the run goes on.
    #[must_use]
    pub fn last(&self) -> Timestamp {
        self.last
    }

    /// The run as the facts left it, for whoever only looks at it.
    #[must_use]
    pub fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// The run, ready to go on. Holds that are open close after a while unless an editor is attached again.
    ///
    /// # Errors
    /// There was no fact.
    pub fn finish(self) -> Result<Scheduler, ReplayFault> {
        let mut scheduler = self.scheduler;
        if scheduler.state.seq == Seq(0) {
            return Err(ReplayFault::Empty);
        }
        scheduler.reindex();
        scheduler.await_editor(self.last);
        Ok(scheduler)
    }

    /// Takes what was booked out of the ledger.
    pub fn give_up(mut self, fleet: &mut Fleet) {
        self.scheduler.release(fleet);
    }
}

impl Scheduler {
    /// Rebuilds a run from its facts: a whole [`Recovery`] at once.
    ///
    /// # Errors
    /// The records are not those of one run from its first record on.
    pub fn recover<'e>(
        run: RunId,
        strategy: Option<Box<dyn AssignmentStrategy>>,
        fleet: &mut Fleet,
        records: impl IntoIterator<Item = &'e Envelope>,
    ) -> Result<Self, ReplayFault> {
        let mut recovery = Recovery::new(run, strategy);
        recovery.replay(fleet, records)?;
        recovery.finish()
    }

    /// Rebuilds a run as a scheduler with a broken rule would.
    ///
    /// # Errors
    /// As for [`recover`](Self::recover).
    #[cfg(feature = "seeded-bugs")]
    pub fn recover_with<'e>(
        run: RunId,
        strategy: Option<Box<dyn AssignmentStrategy>>,
        bug: Option<Bug>,
        fleet: &mut Fleet,
        records: impl IntoIterator<Item = &'e Envelope>,
    ) -> Result<Self, ReplayFault> {
        let mut recovery = Recovery::new(run, strategy).with_bug(bug);
        recovery.replay(fleet, records)?;
        recovery.finish()
    }

    /// Gives the strategy and the limits away, to the run as it comes back from its facts.
    pub fn hand_on(&mut self) -> (Option<Box<dyn AssignmentStrategy>>, Limits) {
        (self.strategy.take(), self.limits.clone())
    }

    /// Takes everything that the run has booked out of the ledger: it is given up, or comes back from its facts.
    pub fn release(&mut self, fleet: &mut Fleet) {
        self.release_plans(fleet);
        for (_, _, device) in self.live_attempts() {
            fleet.release(device);
        }
    }

    /// After a replay: everything that is ready or wants a plan is looked at again.
    fn reindex(&mut self) {
        self.state.fresh.clear();
        let open: Vec<TaskIx> =
            self.state.graph.indices().filter(|task| self.state.graph.state(*task).is_unstarted()).collect();
        for task in open {
            if self.state.slot(task).ready {
                self.state.tasks[task.at()].lane = NO_LANE;
                self.state.fresh.push(task);
            }
        }
    }
}
