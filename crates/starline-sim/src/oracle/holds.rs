//! What each fact about a hold must agree with.

use std::sync::Arc;

use starline_scheduler::Scheduler;
use starline_types::{
    Event, FailurePolicy, HoldId, HoldReason, HoldScope, Millis, OutcomeStatus, RunSettings, TaskRef,
    Timestamp,
};

use super::book::{RunBook, Stand};
use super::hear::{Reader, Verdict};
use super::{Judge, hold};

/// How long holds that outlived a restart wait for their editor.
const ORPHANED: Millis = Millis::from_secs(30);

/// An open hold on record.
#[derive(Clone, Debug)]
pub(super) struct HoldBook {
    pub(super) id: HoldId,
    pub(super) scope: HoldScope,
    pub(super) triggers: Vec<usize>,
    pub(super) extended: Vec<usize>,
    pub(super) opened: Timestamp,
    /// Since when it is active, and until when.
    pub(super) active: Option<(Timestamp, Timestamp)>,
    /// Whether the editor was told.
    pub(super) handed: bool,
}

/// Holds on record.
#[derive(Debug)]
pub(super) struct HoldsBook {
    pub(super) open: Vec<HoldBook>,
    pub(super) count: u64,
    pub(super) attached: bool,
    /// When the orchestrator began its present life, if holds outlived the one before.
    pub(super) orphaned: Option<Timestamp>,
    pub(super) timeout: Millis,
    /// What became of triggers: all, completed, expired, cancelled.
    pub(super) triggers: [u64; 4],
    /// A task that has just ended and is to be registered.
    pub(super) wanted: Option<TaskRef>,
    /// The hold that the commit just before this fact closes.
    pub(super) answered: Option<HoldId>,
    pub(super) settings: Arc<RunSettings>,
    /// What was said that closes holds, and not yet seen to do so.
    pub(super) released: Vec<HoldId>,
    pub(super) cleared: bool,
    pub(super) detached: bool,
    /// Whether the fact before this one closed a hold because the run is to end.
    pub(super) ended: bool,
    /// The last fact that may come of it.
    pub(super) until: u64,
}

impl HoldsBook {
    pub(super) fn new(settings: &Arc<RunSettings>) -> Self {
        let timeout = settings.editor.as_ref().map(|editor| editor.hold.modification_timeout);
        Self {
            open: Vec::new(),
            count: 0,
            attached: false,
            orphaned: None,
            timeout: timeout.unwrap_or(Millis::from_secs(600)),
            triggers: [0; 4],
            wanted: None,
            answered: None,
            settings: Arc::clone(settings),
            released: Vec::new(),
            cleared: false,
            detached: false,
            ended: false,
            until: 0,
        }
    }

    fn window(&self) -> Millis {
        self.settings.editor.as_ref().map(|editor| editor.hold.batch_window).unwrap_or_default()
    }

    fn active(&self) -> Option<&HoldBook> {
        self.open.iter().find(|hold| hold.active.is_some())
    }

    fn collecting(&self) -> Option<&HoldBook> {
        self.open.iter().find(|hold| hold.active.is_none())
    }
}

impl RunBook {
    /// Whether an open hold covers a task that has not started: by a search of everything behind its triggers.
    pub(super) fn is_covered(&self, task: usize) -> bool {
        self.tasks[task].stand == Stand::Pending
            && self.holds.open.iter().any(|hold| {
                hold.scope == HoldScope::Graph
                    || hold.extended.contains(&task)
                    || self.is_behind(task, &hold.triggers)
                    || self.is_behind(task, &hold.extended)
            })
    }

    fn is_behind(&self, task: usize, roots: &[usize]) -> bool {
        let mut seen = vec![false; self.tasks.len()];
        let mut open = vec![task];
        while let Some(at) = open.pop() {
            for edge in &self.tasks[at].into {
                if roots.contains(&edge.from) {
                    return true;
                }
                if !std::mem::replace(&mut seen[edge.from], true) {
                    open.push(edge.from);
                }
            }
        }
        false
    }

    /// Whether a task is behind another one.
    pub(super) fn follows(&self, task: usize, of: usize) -> bool {
        self.is_behind(task, &[of])
    }

    /// Whether the end of a task asks the editor.
    fn asks(&self, status: OutcomeStatus) -> bool {
        let fast = self.settings.on_failure == FailurePolicy::FailFast && status == OutcomeStatus::Failed;
        let wanted = self.settings.editor.as_ref().is_none_or(|editor| editor.edit_on.contains(&status));
        self.holds.attached && self.ending.is_none() && !self.undo.is_on() && !fast && wanted
    }
}

impl Reader<'_> {
    /// A task that ends is registered in the very next fact; what else follows follows at once as well.
    pub(super) fn is_expected(&mut self, event: &Event) -> Verdict {
        let wanted = self.book.holds.wanted.take();
        let registered = match event {
            Event::HoldOpened { triggers, .. } => triggers.first().filter(|_| triggers.len() == 1),
            Event::HoldJoined { task, .. } => Some(task),
            _ => None,
        };
        let same = wanted.as_ref().map(TaskRef::id) == registered.map(TaskRef::id);
        let opens = matches!(event, Event::HoldOpened { .. } | Event::HoldJoined { .. });
        hold!(
            O10,
            same && opens == registered.is_some(),
            "{wanted:?} has ended, and what is registered is {registered:?}"
        );
        Ok(())
    }

    /// What the next fact has to be because of this one.
    pub(super) fn note_consequence(&mut self, event: &Event) {
        self.book.holds.answered = match event {
            Event::EditCommitted(applied) if !applied.batch.keep_open && !applied.late => applied.batch.hold,
            _ => None,
        };
        self.book.holds.ended = matches!(event, Event::HoldClosed { reason: HoldReason::RunEnding, .. });
        let ended = match event {
            Event::TaskCompleted { task, .. } => Some((task, OutcomeStatus::Completed)),
            Event::TaskFailed { task, .. } => Some((task, OutcomeStatus::Failed)),
            _ => None,
        };
        let wanted = ended.filter(|(_, status)| self.book.asks(*status));
        self.book.holds.wanted = wanted.map(|(task, _)| task.clone());
    }

    pub(super) fn opened(&mut self, hold: HoldId, scope: HoldScope, triggers: &[TaskRef]) -> Verdict {
        let triggers =
            triggers.iter().map(|task| self.task(task)).collect::<Result<Vec<usize>, super::Finding>>()?;
        let (t, window) = (self.t, self.book.holds.window());
        let holds = &mut self.book.holds;
        hold!(O10, hold.0 == holds.count + 1, "hold {hold} follows hold {}", holds.count);
        let gathers = holds.active().and_then(|active| active.active).is_some_and(|(at, _)| at + window > t);
        hold!(O10, !gathers && holds.collecting().is_none(), "hold {hold} is opened beside one that gathers");
        let wanted = holds.settings.editor.as_ref().map(|editor| editor.hold.scope).unwrap_or_default();
        hold!(O10, scope == wanted, "hold {hold} has the scope {scope:?}");
        holds.count += 1;
        holds.triggers[0] += triggers.len() as u64;
        let (extended, handed) = (Vec::new(), false);
        holds.open.push(HoldBook { id: hold, scope, triggers, extended, opened: t, active: None, handed });
        Ok(())
    }

    fn hold(&mut self, hold: HoldId) -> Result<&mut HoldBook, super::Finding> {
        let found = self.book.holds.open.iter_mut().find(|open| open.id == hold);
        found.ok_or_else(|| (super::Oracle::O10, format!("hold {hold} is not open")))
    }

    pub(super) fn joined(&mut self, hold: HoldId, task: &TaskRef) -> Verdict {
        let (at, t, window) = (self.task(task)?, self.t, self.book.holds.window());
        let known = self.book.holds.open.iter().any(|hold| hold.triggers.contains(&at));
        hold!(O10, !known, "{task} is registered twice");
        let open = self.hold(hold)?;
        let handed = open.active.is_some_and(|(since, _)| since + window <= t);
        hold!(O10, !handed, "{task} joins hold {hold}, which was handed over");
        open.triggers.push(at);
        self.book.holds.triggers[0] += 1;
        Ok(())
    }

    pub(super) fn extended(&mut self, hold: HoldId, tasks: &[TaskRef]) -> Verdict {
        let tasks =
            tasks.iter().map(|task| self.task(task)).collect::<Result<Vec<usize>, super::Finding>>()?;
        let open = self.hold(hold)?;
        hold!(O10, open.active.is_some(), "hold {hold} is extended and not active");
        open.extended.extend(tasks);
        Ok(())
    }

    pub(super) fn activated(&mut self, hold: HoldId, deadline: Timestamp) -> Verdict {
        let (t, timeout) = (self.t, self.book.holds.timeout);
        let active = self.book.holds.active().map(|hold| hold.id);
        hold!(O10, active.is_none(), "hold {hold} becomes active beside {active:?}");
        hold!(O10, deadline == t + timeout, "hold {hold} lasts until {deadline}, not for {timeout}");
        hold!(O10, self.book.holds.attached, "hold {hold} becomes active, and nobody is there");
        self.hold(hold)?.active = Some((t, deadline));
        Ok(())
    }

    pub(super) fn closed(&mut self, hold: HoldId, reason: HoldReason, held_ms: Millis) -> Verdict {
        let t = self.t;
        let open = self.hold(hold)?.clone();
        hold!(
            O10,
            held_ms == t.since(open.opened),
            "hold {hold} was open for {held_ms} since {}",
            open.opened
        );
        let holds = &self.book.holds;
        let wanted = match reason {
            HoldReason::Expired => open.active.is_some_and(|(_, deadline)| deadline == t),
            HoldReason::Committed => holds.answered == Some(hold) && open.active.is_some(),
            HoldReason::Released => holds.released.contains(&hold),
            HoldReason::Cleared => holds.cleared,
            HoldReason::EditorLost => {
                holds.detached || holds.orphaned.is_some_and(|since| since + ORPHANED <= t)
            }
            HoldReason::RunEnding => {
                let due = self.book.started.zip(self.book.settings.deadline);
                self.book.cancel_run
                    || self.book.undo.asked
                    || due.is_some_and(|(started, limit)| started + limit <= t)
                    || self.book.settings.on_failure == FailurePolicy::FailFast
                        && self.book.count(OutcomeStatus::Failed) > 0
            }
        };
        hold!(O10, wanted, "hold {hold} closes as {reason:?}, for which there is no reason");
        let count = open.triggers.len() as u64;
        let holds = &mut self.book.holds;
        let counter = match reason {
            HoldReason::Committed | HoldReason::Released => 1,
            HoldReason::Expired => 2,
            HoldReason::Cleared | HoldReason::EditorLost | HoldReason::RunEnding => 3,
        };
        holds.triggers[counter] += count;
        holds.open.retain(|open| open.id != hold);
        holds.released.retain(|released| *released != hold);
        Ok(())
    }
}

impl Judge {
    /// A hold was handed to the editor.
    pub(crate) fn handed_over(&mut self, run: usize, hold: HoldId) -> Verdict {
        let Some(book) = self.books.get_mut(run) else { return Ok(()) };
        let (t, window) = (book.t, book.holds.window());
        let open = book.holds.open.iter_mut().find(|open| open.id == hold);
        // One that was closed in the same commit may still be handed over: an answer is late then.
        let Some(open) = open else { return Ok(()) };
        let _ = t;
        hold!(O10, open.active.is_some(), "hold {hold} of run {run} is handed over and not active");
        let _ = window;
        open.handed = true;
        Ok(())
    }
}

/// No hold outlives its deadline, and none is forgotten.
pub(super) fn are_on_time(run: usize, book: &RunBook, t: Timestamp) -> Verdict {
    let holds = &book.holds;
    if book.state.is_terminal() {
        return Ok(());
    }
    hold!(O10, holds.open.len() <= 2, "run {run} has {} open holds", holds.open.len());
    for hold in &holds.open {
        let id = hold.id;
        if let Some((since, deadline)) = hold.active {
            hold!(O9, deadline > t, "hold {id} of run {run} stays open beyond {deadline}");
            let due = holds.attached && since + holds.window() <= t;
            hold!(O9, !due || hold.handed, "hold {id} of run {run} is not handed over");
        }
    }
    let idle = holds.attached && !holds.open.is_empty() && holds.active().is_none();
    hold!(O9, !idle, "run {run} has a hold and none is active");
    if !holds.open.is_empty() && !holds.attached {
        let until = holds.orphaned.map(|since| since + ORPHANED);
        hold!(O9, until.is_some_and(|until| until > t), "run {run} has holds and no editor");
    }
    Ok(())
}

impl Judge {
    /// The holds of a run are those on record, and its figures agree.
    pub(crate) fn compare_holds(&mut self, run: usize, scheduler: &Scheduler) -> Verdict {
        let Some(book) = self.books.get(run) else { return Ok(()) };
        let (holds, graph) = (scheduler.synchronizer(), scheduler.graph());
        let found: Vec<(HoldId, Vec<&str>)> = holds
            .holds()
            .map(|(id, hold)| (id, hold.triggers.iter().map(|task| graph.id(*task).as_str()).collect()))
            .collect();
        let name = |at: &usize| book.tasks[*at].spec.id.as_str();
        let wanted: Vec<(HoldId, Vec<&str>)> =
            book.holds.open.iter().map(|hold| (hold.id, hold.triggers.iter().map(name).collect())).collect();
        hold!(O10, found == wanted, "run {run} has the holds {found:?} instead of {wanted:?}");
        let pending = wanted.iter().map(|(_, triggers)| triggers.len() as u64).sum::<u64>();
        let [all, completed, expired, cancelled] = book.holds.triggers;
        let figures = holds.statistics();
        let agrees = figures.total_modifications == all
            && figures.completed_modifications == completed
            && figures.timeout_modifications == expired
            && figures.cancelled_modifications == cancelled
            && all == completed + expired + cancelled + pending;
        hold!(O10, agrees, "run {run} counts {figures:?} instead of {:?}", book.holds.triggers);
        Ok(())
    }
}
