//! Building an orchestrator, and the options of a run.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use starline_assign::AssignmentStrategy;
use starline_event::EventSink;
use starline_journal::Journal;
use starline_planner::Planner;
use starline_scheduler::{Fleet, Limits};
use starline_types::{DeviceId, RunId, RunSettings, Seq, SharedEnvelope, TaskId};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::core::Core;
use crate::dispatch::Dispatcher;
use crate::driver::Driver;
use crate::inbox::{Inbox, Mail};
use crate::orchestrator::{Inner, Orchestrator};

/// Makes a strategy for a run.
pub(crate) type StrategyFactory = Arc<dyn Fn() -> Box<dyn AssignmentStrategy> + Send + Sync>;

/// What the driver uses where a run does not say otherwise.
#[derive(Clone)]
pub(crate) struct Defaults {
    pub(crate) strategy: StrategyFactory,
    pub(crate) max_runs: usize,
}

/// Builds an [`Orchestrator`]; see [`Orchestrator::builder`].
#[derive(Clone)]
pub struct Builder {
    journal: Arc<dyn Journal>,
    sink: Arc<dyn EventSink>,
    defaults: Defaults,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("journal", &self.journal)
            .field("sink", &self.sink)
            .finish_non_exhaustive()
    }
}

impl Builder {
    pub(crate) fn new(
        journal: Arc<dyn Journal>,
        sink: Arc<dyn EventSink>,
        strategy: impl Fn() -> Box<dyn AssignmentStrategy> + Send + Sync + 'static,
    ) -> Self {
        Self { journal, sink, defaults: Defaults { strategy: Arc::new(strategy), max_runs: 1000 } }
    }

    /// Runs kept at the same time, ended ones included until they are forgotten; 1000 by default.
    #[must_use]
    pub fn max_runs(mut self, max: usize) -> Self {
        self.defaults.max_runs = max;
        self
    }

    /// Starts the orchestrator on the present tokio runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the driver is the one task that owns the runs")]
    pub fn build(self) -> Orchestrator {
        let inbox = Arc::new(Inbox::new(tokio::runtime::Handle::current().metrics().num_workers()));
        let directory = Arc::new(dashmap::DashMap::new());
        let clock = Clock::start();
        let (dispatcher, runners) = Dispatcher::start(Arc::clone(&inbox));
        let journal = self.journal;
        let timers = Arc::default();
        inbox.rest(Box::new(Core {
            clock,
            journal: Arc::clone(&journal),
            sink: self.sink,
            settings: self.defaults,
            fleet: Fleet::new(),
            devices: Vec::new(),
            runs: Vec::new(),
            by_id: FxHashMap::default(),
            directory: Arc::clone(&directory),
            mail: Mail::default(),
            dispatcher,
            touched: Vec::new(),
            jobs: Vec::new(),
            system_seq: Seq(0),
            system_events: Vec::new(),
            armed: None,
            closing: None,
            abandoned: false,
            more: false,
            first_run: 0,
            is_asked: inbox.is_asked(),
            timers: Arc::clone(&timers),
        }));
        let timer = Box::pin(tokio::time::sleep(std::time::Duration::ZERO));
        let driver = Driver { clock, inbox: Arc::clone(&inbox), runners, timer, timer_at: None };
        let task = tokio::spawn(driver.run());
        Orchestrator::new(Inner::new(inbox, journal, directory, timers), task)
    }
}

/// Which strategy a run uses.
#[derive(Debug, Default)]
pub enum StrategyChoice {
    /// The one of the orchestrator.
    #[default]
    Default,
    /// None: every task is pinned or assigned by hand.
    None,
    /// This one.
    Own(Box<dyn AssignmentStrategy>),
}

/// What a run that [comes back](crate::Orchestrator::recover) is told beside its records.
#[derive(Debug, Default)]
pub struct RecoverOptions {
    /// Strategy: the one that the run had, if it is to go on as it began.
    pub strategy: StrategyChoice,
    /// Limits of the graph.
    pub limits: Limits,
    /// Who answers holds.
    pub planner: Option<Arc<dyn Planner>>,
    /// Where the records go as they are read, page after page, for whoever wants to know the past as well. Reading
    /// waits for a reader that is slower.
    pub records: Option<mpsc::Sender<Vec<SharedEnvelope>>>,
}

/// What a run is told beside its graph.
#[derive(Debug, Default)]
pub struct RunOptions {
    /// Id; made up if there is none.
    pub id: Option<RunId>,
    /// Settings, recorded with the run.
    pub settings: RunSettings,
    /// Strategy.
    pub strategy: StrategyChoice,
    /// Devices of single tasks, chosen by hand.
    pub assignments: Vec<(TaskId, DeviceId)>,
    /// Limits of the graph.
    pub limits: Limits,
    /// Who answers holds; none: ends of tasks open none until an editor is attached.
    pub planner: Option<Arc<dyn Planner>>,
}
