//! Words for what happened, and for times.

use crate::Commit;
use jiff::Timestamp;
use starline_types::{
    CancelReason, HoldReason, HoldScope, LossReason, Millis, Origin, PauseCause, Reading, RunState,
    SkipReason, UnixMillis,
};

/// A span as people read it: `12 ms`, `3.40 s`, `2 min 5 s`, `1 h 3 min`, `2 d 4 h`.
pub(crate) fn span(span: Millis) -> String {
    let ms = span.0;
    let seconds = ms / 1000;
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..10_000 => format!("{}.{:02} s", seconds, ms % 1000 / 10),
        10_000..60_000 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60_000..3_600_000 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600_000..86_400_000 => two(seconds / 3600, "h", seconds / 60 % 60, "min"),
        _ => two(seconds / 86_400, "d", seconds / 3600 % 24, "h"),
    }
}

fn two(large: u64, unit: &str, small: u64, subunit: &str) -> String {
    if small == 0 { format!("{large} {unit}") } else { format!("{large} {unit} {small} {subunit}") }
}

/// Before this, in epoch milliseconds, a time is one of a simulation, which begins at zero: 1990.
const SIMULATED: u64 = 631_152_000_000;

/// A moment as `2026-01-31 08:15:00 UTC`; `None` for moments that are on no calendar, such as simulated ones.
pub(crate) fn date(at: UnixMillis) -> Option<String> {
    if at.0 < SIMULATED {
        return None;
    }
    let moment = Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?;
    Some(moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// A share as `67 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).clamp(0.0, 999.0))
}

/// `1 task`, `2 tasks`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The stable word of a reading.
pub(crate) fn reading(reading: Reading) -> &'static str {
    match reading {
        Reading::Blocked => "blocked",
        Reading::Waiting => "waiting",
        Reading::Held => "held",
        Reading::AwaitingApproval => "awaiting_approval",
        Reading::Backoff => "backoff",
        Reading::Unplaced => "unplaced",
        Reading::Queued => "queued",
        Reading::Ready => "ready",
        Reading::Running => "running",
        Reading::Cancelling => "cancelling",
        Reading::Completed => "completed",
        Reading::Failed => "failed",
        Reading::Cancelled => "cancelled",
        Reading::Skipped => "skipped",
    }
}

/// The state of a run for people.
pub(crate) fn run_state(state: RunState) -> &'static str {
    match state {
        RunState::PartiallyFailed => "partially failed",
        other => other.as_str(),
    }
}

/// Why a task was skipped, beside what its source did; empty if that says it all.
pub(crate) fn skip(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::SourceFailed | SkipReason::SourceCancelled | SkipReason::SourceSkipped => "",
        SkipReason::SourceCompleted => "it waits for a failure",
        SkipReason::ConditionFalse => "the condition is false",
        SkipReason::ConditionError => "the condition cannot be evaluated",
        SkipReason::Operator => "by an operator",
    }
}

/// Why something was cancelled.
pub(crate) fn cancel(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Task => "the task was cancelled",
        CancelReason::Run => "the run was cancelled",
        CancelReason::Deadline => "the run reached its deadline",
        CancelReason::Rollback => "the run is rolled back",
        CancelReason::ApprovalRefused => "approval was refused",
        CancelReason::FailFast => "another task failed",
        CancelReason::Timeout => "it ran too long",
    }
}

/// What happened to an attempt without a report.
pub(crate) fn loss(reason: LossReason) -> &'static str {
    match reason {
        LossReason::NotAccepted => "the device did not accept it",
        LossReason::DeviceLost => "the device was lost",
        LossReason::Unknown => "the connection was lost",
    }
}

/// Why a hold ended.
pub(crate) fn hold(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::Committed => "committed",
        HoldReason::Released => "released",
        HoldReason::Expired => "expired",
        HoldReason::Cleared => "cleared",
        HoldReason::EditorLost => "editor_lost",
        HoldReason::RunEnding => "run_ending",
    }
}

/// What a hold covers.
pub(crate) fn scope(scope: HoldScope) -> &'static str {
    match scope {
        HoldScope::Descendants => "descendants",
        HoldScope::Graph => "graph",
    }
}

/// Why a run is paused.
pub(crate) fn pause(cause: PauseCause) -> &'static str {
    match cause {
        PauseCause::Operator => "operator",
        PauseCause::NeedsEdit => "needs_edit",
        PauseCause::NeedsOperator => "needs_operator",
    }
}

/// Who made a commit, and what it answers.
pub(crate) fn authorship(commit: &Commit) -> String {
    let mut text = String::new();
    if !commit.author.is_empty() {
        text.push_str(&format!(", by {}", commit.author));
    }
    match commit.origin {
        Origin::Edit => {}
        Origin::Undo => text.push_str(", takes a commit back"),
        Origin::Redo => text.push_str(", brings a commit back"),
        Origin::Rollback => text.push_str(", undoes what was done"),
    }
    if let Some(hold) = commit.hold {
        text.push_str(&format!(", answers hold {hold}"));
    }
    if commit.late {
        text.push_str(" late");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1.00 s"),
            (9999, "9.99 s"),
            (59_999, "59.9 s"),
            (60_000, "1 min"),
            (125_000, "2 min 5 s"),
            (3_780_000, "1 h 3 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(span(Millis(ms)), text);
        }
        assert_eq!(date(UnixMillis(1_795_162_831_686)).as_deref(), Some("2026-11-20 08:20:31 UTC"));
        assert_eq!((date(UnixMillis(5000)), date(UnixMillis(u64::MAX))), (None, None));
        assert_eq!((percent(0.667), percent(f64::INFINITY)), ("67 %".to_owned(), "999 %".to_owned()));
    }
}
