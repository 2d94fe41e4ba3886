//! How long things take in runs, measured by the times of their facts.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use starline_event::{Envelope, Event, RunId};
use starline_types::{
    ErrorKind, HoldId, IgnoreReason, LossReason, Millis, OutcomeStatus, RunState, TaskId, TaskRef, Timestamp,
};

use crate::histogram::Histogram;
use crate::waits::{Waited, Waits};

/// Tasks of all runs whose graphs are followed at the same time. The waits of runs beyond that are not measured.
const TASKS: usize = 200_000;

/// How long things take. What is kept is bounded: live runs alone, and of their graphs so many tasks in all.
#[derive(Debug, Default)]
pub(crate) struct Timings(Mutex<Timed>);

#[derive(Debug, Default)]
struct Timed {
    runs: HashMap<RunId, Course>,
    figures: Figures,
}

/// What there is to tell.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) dispatch_latency: Histogram,
    pub(crate) queue_time: Histogram,
    pub(crate) hold_time: Histogram,
    pub(crate) edit_turnaround: Histogram,
    pub(crate) cancel_confirm: Histogram,
    /// By what ended the attempt before.
    pub(crate) retries: BTreeMap<&'static str, u64>,
    pub(crate) ignored: BTreeMap<&'static str, u64>,
    /// With the time of all of them.
    pub(crate) ended: BTreeMap<RunState, u64>,
    pub(crate) run_time: Millis,
    /// Runs whose graphs are not followed.
    pub(crate) unmeasured: u64,
}

/// One run that goes on.
#[derive(Debug, Default)]
struct Course {
    now: Timestamp,
    waits: Option<Waits>,
    handed: HashMap<HoldId, Timestamp>,
    asked: HashMap<TaskId, Timestamp>,
}

impl Timings {
    fn timed(&self) -> MutexGuard<'_, Timed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fact was published. O(1) for most; an edit costs what its check costs.
    pub(crate) fn note(&self, envelope: &Envelope) {
        if matches!(envelope.event, Event::Progress { .. }) || envelope.run_id == RunId::system() {
            return;
        }
        self.timed().note(envelope);
    }

    /// Looks at the figures.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Figures) -> T) -> T {
        look(&self.timed().figures)
    }

    /// Tasks that wait for a device, and tasks that would if no hold covered them.
    pub(crate) fn census(&self) -> (u64, u64) {
        let timed = self.timed();
        let counts = timed.runs.values().filter_map(|run| Some(run.waits.as_ref()?.census(run.now)));
        counts.fold((0, 0), |(ready, held), (more, also)| (ready + more, held + also))
    }
}

impl Timed {
    fn note(&mut self, envelope: &Envelope) {
        let now = envelope.t;
        if let Event::RunCreated { graph, .. } = &envelope.event {
            let followed: usize =
                self.runs.values().filter_map(|run| run.waits.as_ref()).map(Waits::tasks).sum();
            let fits = followed + graph.tasks.len() <= TASKS;
            self.figures.unmeasured += u64::from(!fits);
            let course = Course { now, waits: fits.then(|| Waits::new(graph)), ..Course::default() };
            self.runs.insert(envelope.run_id.clone(), course);
            return;
        }
        if let Some(end) = envelope.event.run_end() {
            self.runs.remove(&envelope.run_id);
            *self.figures.ended.entry(end.state).or_default() += 1;
            self.figures.run_time.0 = self.figures.run_time.0.saturating_add(end.duration_ms.0);
            return;
        }
        // Of a run from before the graph is not known, and what needs none is measured. A late report of one that has
        // ended begins nothing that would be kept for ever.
        let begins =
            matches!(envelope.event, Event::HoldActivated { .. } | Event::TaskCancelRequested { .. });
        let mut unknown = Course::default();
        let course = match self.runs.get_mut(&envelope.run_id) {
            Some(course) => course,
            None if begins => self.runs.entry(envelope.run_id.clone()).or_default(),
            None => &mut unknown,
        };
        course.now = course.now.max(now);
        course.note(&envelope.event, now, &mut self.figures);
    }
}

impl Course {
    fn note(&mut self, event: &Event, now: Timestamp, figures: &mut Figures) {
        self.follow(event, now, figures);
        match event {
            Event::HoldActivated { hold, .. } => {
                self.handed.insert(*hold, now);
            }
            Event::HoldClosed { hold, held_ms, .. } => {
                self.handed.remove(hold);
                figures.hold_time.observe(*held_ms);
            }
            Event::EditCommitted(applied) => {
                let handed = applied.batch.hold.and_then(|hold| self.handed.get(&hold));
                if let Some(handed) = handed {
                    figures.edit_turnaround.observe(now.since(*handed));
                }
            }
            Event::TaskCancelRequested { task, .. } => {
                self.asked.entry(task.id().clone()).or_insert(now);
            }
            Event::TaskCancelled { task, confirmed, .. } => self.stopped(task, *confirmed, now, figures),
            Event::TaskCompleted { task, .. } | Event::TaskFailed { task, .. } => {
                self.stopped(task, true, now, figures);
            }
            Event::TaskRetryScheduled { task, error, .. } => {
                // A device that is lost confirms nothing.
                self.stopped(task, error.kind != ErrorKind::DeviceLost, now, figures);
                *figures.retries.entry(word(&error.kind)).or_default() += 1;
            }
            Event::ResultIgnored { reason, .. } => {
                let word = match reason {
                    IgnoreReason::UnknownTask => "unknown_task",
                    IgnoreReason::StaleAttempt => "stale_attempt",
                    IgnoreReason::ForeignDevice => "foreign_device",
                    IgnoreReason::RunEnded => "run_ended",
                };
                *figures.ignored.entry(word).or_default() += 1;
            }
            _ => {}
        }
    }

    /// An attempt ended, and may have been asked to.
    fn stopped(&mut self, task: &TaskRef, confirmed: bool, now: Timestamp, figures: &mut Figures) {
        if let Some(asked) = self.asked.remove(task.id())
            && confirmed
        {
            figures.cancel_confirm.observe(now.since(asked));
        }
    }

    /// Follows who waits.
    fn follow(&mut self, event: &Event, now: Timestamp, figures: &mut Figures) {
        let Some(waits) = &mut self.waits else { return };
        match event {
            Event::RunStarted { .. } => waits.start(now),
            Event::RunPaused { .. } => waits.pause(now),
            Event::RunResumed { .. } => waits.resume(now),
            Event::TaskAssigned { task, attempt, .. } => {
                if let Some(Waited { dispatch, queue }) = waits.assign(task, *attempt, now) {
                    figures.dispatch_latency.observe(dispatch);
                    figures.queue_time.observe(queue);
                }
            }
            Event::TaskCompleted { task, edges, .. } => {
                waits.end(task, OutcomeStatus::Completed, edges, now);
            }
            Event::TaskFailed { task, error, edges, .. } => {
                let waited = waits.end(task, OutcomeStatus::Failed, edges, now);
                if let (Some(waited), ErrorKind::QueueTimeout) = (waited, &error.kind) {
                    figures.queue_time.observe(waited.queue);
                }
            }
            Event::TaskCancelled { task, edges, .. } => {
                waits.end(task, OutcomeStatus::Cancelled, edges, now);
            }
            Event::TaskSkipped { task, edges, .. } => {
                waits.end(task, OutcomeStatus::Skipped, edges, now);
            }
            Event::TaskRetryScheduled { task, delay_ms, .. } => waits.again(task, now + *delay_ms),
            Event::AttemptLost { task, reason: LossReason::NotAccepted, .. } => waits.again(task, now),
            Event::BackoffEnded { task, .. } | Event::ApprovalGranted { task, .. } => waits.admit(task, now),
            Event::ApprovalRequested { task, .. } => waits.gate(task),
            Event::EditCommitted(applied) => waits.edit(applied, now),
            Event::HoldOpened { hold, scope, triggers } => waits.hold(*hold, *scope, triggers, now),
            Event::HoldJoined { hold, task } => waits.cover(*hold, std::slice::from_ref(task), false),
            Event::HoldExtended { hold, tasks } => waits.cover(*hold, tasks, true),
            Event::HoldClosed { hold, .. } => waits.release(*hold, now),
            _ => {}
        }
    }
}

/// The word of a kind; kinds that devices make up share one, so that there are few.
fn word(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::DeviceError => "device_error",
        ErrorKind::ExitStatus => "exit_status",
        ErrorKind::Timeout => "timeout",
        ErrorKind::DeviceLost => "device_lost",
        ErrorKind::BadOutput => "bad_output",
        ErrorKind::RenderError => "render_error",
        ErrorKind::InvalidRequest => "invalid_request",
        ErrorKind::PermissionDenied => "permission_denied",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::QueueTimeout => "queue_timeout",
        ErrorKind::NoEligibleDevice => "no_eligible_device",
        ErrorKind::Other(_) => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use starline_types::{CancelReason, GraphSpec, Payload, RunEnd, TaskSpec};
    use std::sync::Arc;

    fn fact(run: &str, t: u64, event: Event) -> Envelope {
        Envelope {
            seq: starline_types::Seq(1),
            run_id: RunId::new(run).expect("id"),
            revision: Default::default(),
            t: Timestamp(t),
            at: Default::default(),
            cause: None,
            event,
        }
    }

    fn task() -> TaskRef {
        TaskRef::unresolved(TaskId::new("a").expect("id"))
    }

    fn created(tasks: usize) -> Event {
        let spec = |at| Arc::new(TaskSpec::new(TaskId::new(format!("t{at}")).expect("id"), Payload::Noop));
        let graph = GraphSpec { tasks: (0..tasks).map(spec).collect(), ..GraphSpec::default() };
        Event::RunCreated { name: "r".into(), graph: Arc::new(graph), settings: Arc::default() }
    }

    fn ended() -> Event {
        Event::RunCompleted(Box::new(RunEnd {
            state: RunState::Completed,
            total_tasks: 1,
            counts: Default::default(),
            duration_ms: Millis(1_500),
            reason: None,
            unconfirmed: Vec::new(),
        }))
    }

    #[test]
    fn nothing_is_kept_of_runs_that_have_ended() {
        let timings = Timings::default();
        for run in 0..10 {
            let name = format!("r-{run}");
            timings.note(&fact(&name, 0, created(1)));
            timings.note(&fact(&name, 5, ended()));
            let late = Event::ResultIgnored { task: task(), attempt: 1, reason: IgnoreReason::RunEnded };
            timings.note(&fact(&name, 6, late));
        }
        assert!(timings.timed().runs.is_empty());
        timings.read(|figures| {
            assert_eq!((figures.ignored["run_ended"], figures.run_time), (10, Millis(15_000)));
        });
    }

    #[test]
    fn graphs_are_followed_up_to_a_number_of_tasks_in_all() {
        let timings = Timings::default();
        timings.note(&fact("large", 0, created(TASKS)));
        timings.note(&fact("more", 0, created(1)));
        timings.read(|figures| assert_eq!(figures.unmeasured, 1));
        timings.note(&fact("large", 9, ended()));
        timings.note(&fact("then", 0, created(1)));
        timings.read(|figures| assert_eq!(figures.unmeasured, 1, "there is room again"));
    }

    #[test]
    fn a_run_from_before_is_measured_where_no_graph_is_needed() {
        let timings = Timings::default();
        let reason = CancelReason::Task;
        timings.note(&fact("r", 10, Event::TaskCancelRequested { task: task(), attempt: 2, reason }));
        let cancelled = Event::TaskCancelled {
            task: task(),
            attempt: 2,
            reason,
            confirmed: true,
            confirmed_by: None,
            edges: Box::default(),
        };
        timings.note(&fact("r", 35, cancelled));
        timings.read(|figures| {
            let text = figures.cancel_confirm.samples("x");
            assert!(text.contains("x_sum 0.025\nx_count 1"), "{text}");
        });
    }
}
