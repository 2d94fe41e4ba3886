//! The runs of an orchestrator.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use starline_journal::{Fence, JournalFault};
use starline_scheduler::{Answer, Scheduler, Step};
use starline_types::{
    DeviceIx, PauseCause, Revision, RunId, RunSettings, RunState, RunStatus, Seq, SharedEnvelope,
    StateCounts, TaskRef, Timestamp, UnixMillis,
};
use tokio::sync::watch;

use crate::clock::RunTime;
use crate::command::Reply;
use crate::inbox::Report;
use crate::{HandedOver, RunError};

/// What handles see of a run without asking the driver.
#[derive(Debug)]
pub(crate) struct RunShared {
    pub(crate) id: RunId,
    pub(crate) name: String,
    pub(crate) settings: Arc<RunSettings>,
    /// Place in the registry.
    pub(crate) at: u32,
    numbers: Mutex<Numbers>,
    /// Becomes true once the end of the run is durable.
    closed: watch::Sender<bool>,
    /// The hold that is in the hands of the editor.
    pub(crate) hands: watch::Sender<Option<Arc<HandedOver>>>,
    /// Tasks whose end waits for an answer.
    pub(crate) pending: watch::Sender<usize>,
    /// Whether somebody answers holds.
    pub(crate) has_editor: AtomicBool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    state: RunState,
    paused: Option<PauseCause>,
    revision: Revision,
    seq: Seq,
    counts: StateCounts,
}

impl RunShared {
    pub(crate) fn new(id: RunId, name: String, settings: Arc<RunSettings>, at: u32) -> Self {
        Self {
            id,
            name,
            settings,
            at,
            numbers: Mutex::default(),
            closed: watch::Sender::new(false),
            hands: watch::Sender::new(None),
            pending: watch::Sender::new(0),
            has_editor: AtomicBool::new(false),
        }
    }

    pub(crate) fn update(&self, scheduler: &Scheduler) {
        let numbers = Numbers {
            state: scheduler.run_state(),
            paused: scheduler.paused(),
            revision: scheduler.revision(),
            seq: scheduler.seq(),
            counts: scheduler.graph().counts(),
        };
        *self.numbers.lock().unwrap_or_else(PoisonError::into_inner) = numbers;
        let pending = scheduler.pending_triggers();
        self.pending.send_if_modified(|known| std::mem::replace(known, pending) != pending);
        if scheduler.is_closed() {
            self.closed.send_replace(true);
        }
    }

    pub(crate) fn status(&self) -> RunStatus {
        let numbers = *self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        RunStatus {
            run_id: self.id.clone(),
            name: self.name.clone(),
            state: numbers.state,
            paused: numbers.paused,
            revision: numbers.revision,
            seq: numbers.seq,
            counts: numbers.counts,
        }
    }

    /// Nobody drives the run any more.
    pub(crate) fn give_up(&self) {
        self.closed.send_replace(true);
        self.pending.send_replace(0);
    }

    /// Waits until the end of the run is durable, or nobody drives the run any more.
    pub(crate) async fn closed(&self) {
        let mut closed = self.closed.subscribe();
        // The sender lives in `self`, so this cannot fail.
        let _ = closed.wait_for(|closed| *closed).await;
    }
}

/// What a command came to.
pub(crate) type Answered = Result<Answer, RunError>;

/// A run that the journal takes no records of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Halt {
    pub(crate) fault: JournalFault,
    /// When the journal is asked again; never if it failed for good.
    pub(crate) again: Option<Timestamp>,
}

/// A run as the core keeps it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) scheduler: Scheduler,
    pub(crate) shared: Arc<RunShared>,
    pub(crate) fence: Fence,
    /// Facts and effects that are not persisted yet.
    pub(crate) step: Step,
    /// Envelopes of the present burst.
    pub(crate) envelopes: Vec<SharedEnvelope>,
    /// Answers that wait until the facts are durable.
    pub(crate) replies: Vec<(Reply<Answered>, Answered)>,
    /// Whether the run is on the list of those with something to persist.
    pub(crate) touched: bool,
    /// It could place more than one burst may.
    pub(crate) wants_more: bool,
    /// The journal refused: the run stands still.
    pub(crate) halted: Option<Halt>,
    /// Reports that are not durable yet: if the journal refuses, they are heard again once it takes records.
    pub(crate) unsettled: Vec<Report>,
    /// Attempts that an earlier process began, on devices that have not said what became of them.
    pub(crate) inherited: Vec<(TaskRef, u32, DeviceIx)>,
    /// The time of the run.
    pub(crate) time: RunTime,
    /// Wall time of the start, if an earlier process started the run.
    pub(crate) started_at: Option<UnixMillis>,
    /// The last snapshot, and the fact it shows.
    pub(crate) snapshot: Option<(Seq, Arc<starline_types::Snapshot>)>,
}

impl Entry {
    /// A run that is driven from now on, with facts that are to be persisted.
    pub(crate) fn new(
        scheduler: Scheduler,
        shared: Arc<RunShared>,
        fence: Fence,
        time: RunTime,
        step: Step,
    ) -> Self {
        Self {
            scheduler,
            shared,
            fence,
            step,
            envelopes: Vec::new(),
            replies: Vec::new(),
            touched: true,
            wants_more: false,
            halted: None,
            unsettled: Vec::new(),
            inherited: Vec::new(),
            time,
            started_at: None,
            snapshot: None,
        }
    }

    /// When it has something to do by itself, on the clock of the orchestrator.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        match self.halted {
            Some(halt) => halt.again,
            None => self.scheduler.next_deadline().map(|at| self.time.moment(at)),
        }
    }
}
