//! Facts as lines for people: one line each, beginning with a stable word.

mod edits;

pub(crate) use edits::{changes, closed};

use starline::types::{
    CancelReason, DeviceId, Envelope, Event, EventKind, GraphSpec, LossReason, Millis, Outputs, PauseCause,
    Placement, RunEnd, SkipReason, StateCounts, TaskRef, Timestamp,
};

use crate::paint::{Tone, paint, printable};

/// Widest column of task ids, in characters.
const WIDEST: usize = 32;
/// Longest text that a line repeats, in characters.
const LONGEST: usize = 160;

/// Writes facts of one run as lines.
#[derive(Debug)]
pub(crate) struct Lines {
    coloured: bool,
    width: usize,
    /// When execution began: lines count from there.
    began: Option<Timestamp>,
}

impl Lines {
    /// Lines about a graph.
    pub(crate) fn new(graph: &GraphSpec, coloured: bool) -> Self {
        let longest = graph.tasks.iter().map(|task| task.id.as_str().len()).max().unwrap_or(0);
        Self { coloured, width: longest.clamp(8, WIDEST), began: None }
    }

    /// Takes a fact in that has no line.
    pub(crate) fn pass(&mut self, envelope: &Envelope) {
        if matches!(envelope.event, Event::RunStarted { .. }) {
            self.began = Some(envelope.t);
        }
    }

    /// The line of a fact.
    pub(crate) fn line(&mut self, envelope: &Envelope) -> String {
        self.pass(envelope);
        let since = self.began.map_or(Millis::ZERO, |began| envelope.t.since(began));
        let (word, tone, item, text) = describe(envelope);
        // Padded before it is coloured: codes have no width.
        let word = paint(&format!("{word:<10}"), tone, self.coloured);
        let width = self.width;
        let line = format!("{:>9}  {word}  {item:<width$}  {text}", clock(since));
        line.trim_end().to_owned()
    }
}

/// Whether a fact is worth a line where what runs is shown already.
pub(crate) fn is_notable(event: &Event) -> bool {
    !matches!(
        event.kind(),
        EventKind::RunReady
            | EventKind::TasksPlaced
            | EventKind::RunStarted
            | EventKind::TaskAssigned
            | EventKind::TaskStarted
            | EventKind::ResultIgnored
            | EventKind::DeviceConnected
            | EventKind::DeviceStatusChanged
            | EventKind::Progress
    )
}

/// A span as seconds with three decimals.
pub(crate) fn clock(span: Millis) -> String {
    format!("{}.{:03}", span.0 / 1000, span.0 % 1000)
}

/// A span as people say it.
pub(crate) fn span(span: Millis) -> String {
    match span.0 {
        ms @ 0..1000 => format!("{ms} ms"),
        ms @ 1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms @ 60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
        ms => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// The beginning of a text, as one line.
pub(crate) fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    printable(&shown)
}

/// Word, tone, subject and rest of the line of a fact.
fn describe(envelope: &Envelope) -> (&'static str, Tone, String, String) {
    let run = || "run".to_owned();
    let of = |task: &TaskRef| task.id().to_string();
    match &envelope.event {
        Event::RunCreated { name, graph, .. } => {
            let name = if name.is_empty() { String::new() } else { format!("{}: ", shortened(name)) };
            let text = format!("{name}{} in {}", tasks(graph.tasks.len()), envelope.run_id);
            ("created", Tone::Plain, run(), text)
        }
        Event::RunReady { strategy, assignments } => {
            ("ready", Tone::Plain, run(), format!("strategy {strategy}, {}", planned(assignments)))
        }
        Event::TasksPlaced { assignments } => ("planned", Tone::Plain, run(), planned(assignments)),
        Event::RunStarted { total_tasks, .. } => {
            ("executing", Tone::Busy, run(), tasks(*total_tasks as usize))
        }
        Event::RunPaused { cause, reason, .. } => {
            let reason = reason.as_deref().map(|reason| format!(": {}", shortened(reason)));
            let text = format!("{}{}", pause_cause(*cause), reason.unwrap_or_default());
            ("paused", Tone::Attention, run(), text)
        }
        Event::RunResumed { by } => ("executing", Tone::Busy, run(), format!("resumed by {}", shortened(by))),
        Event::RollbackRequested { by } => {
            ("rollback", Tone::Attention, run(), format!("asked for by {}", shortened(by)))
        }
        Event::RunCompleted(end) | Event::RunFailed(end) | Event::RunCancelled(end) => {
            let tone = match end.state {
                starline::types::RunState::Completed => Tone::Good,
                starline::types::RunState::Cancelled => Tone::Attention,
                _ => Tone::Bad,
            };
            (end.state.as_str(), tone, run(), ended(end))
        }
        Event::TaskAssigned { task, attempt, device, .. } => {
            ("assigned", Tone::Plain, of(task), format!("to {}{}", device.id(), nth(*attempt)))
        }
        Event::TaskStarted { task, attempt, device } => {
            ("running", Tone::Busy, of(task), format!("on {}{}", device.id(), nth(*attempt)))
        }
        Event::TaskCompleted { task, device, outputs, duration_ms, .. } => {
            let outputs = outputs.as_deref().map(values).unwrap_or_default();
            let text = format!("on {} after {}{outputs}", device.id(), span(*duration_ms));
            ("completed", Tone::Good, of(task), text)
        }
        Event::TaskFailed { task, device, error, duration_ms, .. } => {
            let place = device.as_ref().map(|device| place(device.id(), *duration_ms)).unwrap_or_default();
            let text = format!("{place}{}: {}", error.kind, shortened(&error.message));
            ("failed", Tone::Bad, of(task), text)
        }
        Event::TaskRetryScheduled { task, attempt, retry, delay_ms, error, .. } => {
            let text = format!(
                "retry {retry} in {}; attempt {attempt} failed: {}: {}",
                span(*delay_ms),
                error.kind,
                shortened(&error.message)
            );
            ("backoff", Tone::Attention, of(task), text)
        }
        Event::TaskCancelRequested { task, attempt, reason } => {
            let text = format!("attempt {attempt}: {}", cancel_reason(*reason));
            ("cancelling", Tone::Attention, of(task), text)
        }
        Event::TaskCancelled { task, reason, confirmed, .. } => {
            let doubt = if *confirmed { "" } else { "; its last attempt may still be running" };
            ("cancelled", Tone::Attention, of(task), format!("{}{doubt}", cancel_reason(*reason)))
        }
        Event::TaskSkipped { task, edge, reason, message, .. } => {
            let edge = edge.as_ref().map(|edge| format!(" by {edge}")).unwrap_or_default();
            let message = message.as_deref().map(|message| format!(": {}", shortened(message)));
            let text = format!("{}{edge}{}", skip_reason(*reason), message.unwrap_or_default());
            ("skipped", Tone::Attention, of(task), text)
        }
        Event::ApprovalRequested { task, prompt, .. } => {
            ("awaiting_approval", Tone::Attention, of(task), shortened(prompt))
        }
        Event::ApprovalGranted { task, by, .. } => ("approved", Tone::Plain, of(task), answered(by)),
        Event::ApprovalRefused { task, by } => {
            ("refused", Tone::Attention, of(task), format!("by {}", shortened(by)))
        }
        Event::ApprovalExpired { task } => {
            ("expired", Tone::Attention, of(task), "nobody decided in time".to_owned())
        }
        Event::AttemptLost { task, attempt, device, reason, error, .. } => {
            let reason = match reason {
                LossReason::NotAccepted => match error {
                    Some(error) => format!("was not accepted: {}", shortened(&error.message)),
                    None => "was not accepted".to_owned(),
                },
                LossReason::DeviceLost => "was lost with its device".to_owned(),
                LossReason::Unknown => "is out of reach".to_owned(),
            };
            ("lost", Tone::Attention, of(task), format!("attempt {attempt} on {} {reason}", device.id()))
        }
        Event::ResultIgnored { task, attempt, .. } => {
            ("ignored", Tone::Faint, of(task), format!("a report on attempt {attempt}, which had ended"))
        }
        Event::EditCommitted(_)
        | Event::EditRejected(_)
        | Event::HoldOpened { .. }
        | Event::HoldJoined { .. }
        | Event::HoldExtended { .. }
        | Event::HoldActivated { .. }
        | Event::HoldClosed { .. }
        | Event::HoldTimeoutSet { .. }
        | Event::PlannerFaulted { .. } => edits::describe(&envelope.event),
        Event::BackoffEnded { task, by } => {
            ("ready", Tone::Plain, of(task), format!("its delay was ended {}", answered(by)))
        }
        Event::TaskCheckpoint { task, attempt, content } => {
            let bytes = content.as_bytes().len();
            ("checkpoint", Tone::Faint, of(task), format!("{bytes} bytes, put down by attempt {attempt}"))
        }
        Event::OwnerChanged { epoch } => (
            "run",
            Tone::Attention,
            String::new(),
            format!("another process goes on with it (ownership {epoch})"),
        ),
        Event::StateHashed { hash } => ("run", Tone::Faint, String::new(), format!("its state is {hash}")),
        Event::StrategyFaulted { strategy, message } => {
            ("strategy", Tone::Bad, strategy.to_string(), shortened(message))
        }
        Event::Progress { task, text, .. } => ("output", Tone::Faint, of(task), shortened(text)),
        Event::DeviceConnected { device, .. } => {
            ("device", Tone::Plain, device.to_string(), "connected".to_owned())
        }
        Event::DeviceDisconnected { device, reason, .. } => {
            let reason = reason.as_deref().map(|reason| format!(": {}", shortened(reason)));
            let text = format!("disconnected{}", reason.unwrap_or_default());
            ("device", Tone::Attention, device.to_string(), text)
        }
        Event::DeviceStatusChanged { device, status } => {
            ("device", Tone::Plain, device.to_string(), status.to_string())
        }
    }
}

/// Who has answered.
fn answered(by: &str) -> String {
    if by == "approved in advance" { "in advance".to_owned() } else { format!("by {}", shortened(by)) }
}

/// A number of tasks in words.
pub(crate) fn tasks(count: usize) -> String {
    if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") }
}

fn planned(assignments: &[Placement]) -> String {
    match assignments {
        [Placement { task, device: Some(device) }] => format!("{} on {}", task.id(), device.id()),
        [Placement { task, device: None }] => format!("{} on no device", task.id()),
        all => format!("{} planned", tasks(all.len())),
    }
}

fn nth(attempt: u32) -> String {
    if attempt > 1 { format!(", attempt {attempt}") } else { String::new() }
}

fn place(device: &DeviceId, duration: Millis) -> String {
    format!("on {device} after {}: ", span(duration))
}

fn values(outputs: &Outputs) -> String {
    let listed: Vec<String> = outputs
        .iter()
        .take(4)
        .map(|(name, value)| format!("{}={}", printable(name), shortened(&value.to_string())))
        .collect();
    if listed.is_empty() { String::new() } else { format!(": {}", listed.join(" ")) }
}

fn ended(end: &RunEnd) -> String {
    let reason = end.reason.as_deref().filter(|reason| *reason != end.state.as_str());
    let reason = reason.map(|reason| format!(" ({})", shortened(reason))).unwrap_or_default();
    format!("{}{reason}", counted(end.total_tasks as usize, &end.counts))
}

/// A number of tasks, and how many of them are in each state.
pub(crate) fn counted(total: usize, counts: &StateCounts) -> String {
    let counts: Vec<String> = counts.occurring().map(|(word, count)| format!("{count} {word}")).collect();
    if counts.is_empty() { tasks(total) } else { format!("{}: {}", tasks(total), counts.join(", ")) }
}

pub(crate) fn pause_cause(cause: PauseCause) -> &'static str {
    match cause {
        PauseCause::Operator => "by an operator",
        PauseCause::NeedsEdit => "needs an edit",
        PauseCause::NeedsOperator => "needs an operator",
    }
}

pub(crate) fn cancel_reason(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Task => "the task was cancelled",
        CancelReason::Run => "the run is cancelled",
        CancelReason::Deadline => "the deadline of the run has passed",
        CancelReason::FailFast => "another task failed",
        CancelReason::Timeout => "ran longer than it may",
        CancelReason::ApprovalRefused => "it was not approved",
        CancelReason::Rollback => "the run is rolled back",
    }
}

/// Why a task was skipped, in words.
pub(crate) fn skip_reason(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::SourceCompleted => "source_completed",
        SkipReason::SourceFailed => "source_failed",
        SkipReason::SourceCancelled => "source_cancelled",
        SkipReason::SourceSkipped => "source_skipped",
        SkipReason::ConditionFalse => "condition_false",
        SkipReason::ConditionError => "condition_error",
        SkipReason::Operator => "operator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn envelope(kind: &str, data: &serde_json::Value) -> Envelope {
        let value =
            json!({"seq": 1, "run_id": "r", "revision": 0, "t": 1500, "at": 0, "kind": kind, "data": data});
        serde_json::from_value(value).expect("an envelope")
    }

    #[test]
    fn lines_have_columns_and_no_codes() {
        let mut lines = Lines::new(&GraphSpec::default(), false);
        let mut line = |kind: &str, data: serde_json::Value| lines.line(&envelope(kind, &data));
        assert_eq!(
            line("run_started", json!({"total_tasks": 1, "strategy": "load_balance"})),
            "    0.000  executing   run       1 task"
        );
        assert_eq!(
            line("task_started", json!({"task": "scan", "attempt": 2, "device": "north"})),
            "    0.000  running     scan      on north, attempt 2"
        );
        let error = json!({"kind": "exit_status", "message": "exit status 1: \u{1b}[31mno"});
        assert_eq!(
            line("task_failed", json!({"task": "scan", "attempt": 1, "error": error, "duration_ms": 0})),
            "    0.000  failed      scan      exit_status: exit status 1: \u{FFFD}[31mno"
        );
        let skip = json!({"task": "scan", "edge": "a->scan", "reason": "source_failed"});
        assert_eq!(line("task_skipped", skip), "    0.000  skipped     scan      source_failed by a->scan");
    }

    #[test]
    fn spans_read_well() {
        let spans = [0, 999, 1000, 59_999, 60_000, 3_599_999, 7_260_000].map(|ms| span(Millis(ms)));
        assert_eq!(spans, ["0 ms", "999 ms", "1.0 s", "59.9 s", "1 min 0 s", "59 min 59 s", "2 h 1 min"]);
        assert_eq!(clock(Millis(61_005)), "61.005");
    }
}
