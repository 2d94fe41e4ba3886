//! Explanations in words.

use starline::types::{
    Candidate, Cause, Deferral, EdgeReason, Explanation, HoldScope, Millis, Reason, Verdict,
};

use crate::line::{cancel_reason, pause_cause, shortened, skip_reason, span};
use crate::paint::{Tone, paint, printable};

/// The lines of an explanation: the word for the task, each reason, and what comes next.
pub(crate) fn lines(explanation: &Explanation, coloured: bool) -> Vec<String> {
    let word = paint(explanation.status.as_str(), Tone::Busy, coloured);
    let mut lines = vec![format!("{} is {word}", explanation.task)];
    for reason in &explanation.reasons {
        let (head, details) = describe(reason);
        lines.push(printable(&format!("  {:<18} {head}", reason.code())));
        lines.extend(details.iter().map(|detail| printable(&format!("{:21}{detail}", ""))));
    }
    lines.push(printable(&format!("  {:<18} {}", "next", explanation.next)));
    lines
}

/// A reason in one line, with details of one line each.
fn describe(reason: &Reason) -> (String, Vec<String>) {
    let plain = |text: String| (text, Vec::new());
    match reason {
        Reason::NotStarted { state } => plain(format!("the run is {state}")),
        Reason::Waiting { edges } => {
            ("for the end of other tasks".to_owned(), edges.iter().map(edge).collect())
        }
        Reason::Blocked { edges, deferred_by } => {
            let mut details: Vec<String> = edges.iter().map(edge).collect();
            let why: Vec<String> = deferred_by.iter().map(deferral).collect();
            if !why.is_empty() {
                details.push(format!("not skipped yet: {}", why.join(", ")));
            }
            ("a dependency can never be satisfied".to_owned(), details)
        }
        Reason::Held { hold, scope, triggers, editor_attached, remaining_ms } => {
            let what = match scope {
                HoldScope::Descendants => "covers what follows",
                HoldScope::Graph => "covers all that has not started, after",
            };
            let names: Vec<&str> = triggers.iter().map(|task| task.as_str()).collect();
            let who = if *editor_attached { "its editor is to answer" } else { "no editor is attached" };
            let left = left(*remaining_ms, "it is behind another hold");
            plain(format!("{hold} {what} {}; {who}; {left}", names.join(", ")))
        }
        Reason::AwaitingApproval { prompt, asked, remaining_ms, .. } => {
            let state = if *asked { "a person is asked" } else { "a person will be asked" };
            let left = if *asked { format!("; {}", left(*remaining_ms, "for ever")) } else { String::new() };
            plain(format!("{state}: {}{left}", shortened(prompt)))
        }
        Reason::Backoff { retry, max, lost, last_error, remaining_ms } => {
            let what = if *lost { "after a lost device" } else { "after a failure" };
            let details = last_error.iter().map(|error| shortened(&error.to_string())).collect();
            (format!("retry {retry} of {max} {what}, in {}", span(*remaining_ms)), details)
        }
        Reason::Unplaced { devices, more } => {
            let gap = |gap: &starline::types::DeviceGap| {
                let missing = if gap.missing.is_empty() {
                    String::new()
                } else {
                    format!(", lacks {}", gap.missing.join(", "))
                };
                let seen = gap.last_seen_ms.map(|ago| format!(", last seen {} ago", span(ago)));
                format!("{} is {}{}{missing}", gap.device, gap.status, seen.unwrap_or_default())
            };
            (
                "no device that fits is there".to_owned(),
                counted(devices.iter().map(gap).collect(), *more, "device"),
            )
        }
        Reason::Queued { candidates, more, position, parallel_limit, .. } => {
            let limit = parallel_limit.map(|limit| format!("; at most {limit} tasks run at once"));
            let head = format!("place {position} in line{}", limit.unwrap_or_default());
            (head, counted(candidates.iter().map(candidate).collect(), *more, "device"))
        }
        Reason::Ready { candidates, strategy } => {
            (format!("about to be placed by {strategy}"), candidates.iter().map(candidate).collect())
        }
        Reason::Paused { cause, remaining_ms } => {
            let until = remaining_ms.map(|left| format!("; resumes by itself in {}", span(left)));
            plain(format!("the run is paused: {}{}", pause_cause(*cause), until.unwrap_or_default()))
        }
        Reason::Running { attempt, device, elapsed_ms, remaining_ms } => {
            let limit = remaining_ms.map(|left| format!(", asked to stop in {}", span(left)));
            let text = format!("attempt {attempt} on {device} for {}", span(*elapsed_ms));
            plain(format!("{text}{}", limit.unwrap_or_default()))
        }
        Reason::LeaseWait { attempt, device, remaining_ms } => plain(format!(
            "attempt {attempt} on {device} is out of reach; its lease is over in {}",
            span(*remaining_ms)
        )),
        Reason::Cancelling { attempt, device, reason, remaining_ms } => {
            let limit = remaining_ms.map(|left| format!(", certain in {}", span(left)));
            let why = cancel_reason(*reason);
            plain(format!("attempt {attempt} on {device} is to stop, as {why}{}", limit.unwrap_or_default()))
        }
        Reason::Skipped { reason, causes } => {
            (reason.map(skip_reason).unwrap_or("it can never run").to_owned(), chain(causes))
        }
        Reason::Cancelled { reason, confirmed, causes } => {
            let doubt = if *confirmed { "" } else { "; its last attempt may still be running" };
            (format!("{}{doubt}", reason.map(cancel_reason).unwrap_or("it was cancelled")), chain(causes))
        }
        Reason::Failed { error, attempts, device, causes } => {
            let place = device.as_ref().map(|device| format!(" on {device}")).unwrap_or_default();
            let error = error.as_ref().map(|error| shortened(&error.to_string())).unwrap_or_default();
            (format!("attempt {attempts}{place}: {error}"), chain(causes))
        }
        Reason::Completed { attempts, device, duration_ms, causes } => {
            let place = device.as_ref().map(|device| format!(" on {device}")).unwrap_or_default();
            (format!("attempt {attempts}{place} took {}", span(*duration_ms)), chain(causes))
        }
        other => plain(other.code().to_owned()),
    }
}

fn edge(edge: &EdgeReason) -> String {
    let verdict = match edge.verdict {
        Some(Verdict::Satisfied) => ", satisfied",
        Some(Verdict::Impossible) => ", impossible",
        None => "",
    };
    let message = edge.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    format!("{} ({}) is {}{verdict}{message}", edge.from, edge.kind, edge.state)
}

fn deferral(deferral: &Deferral) -> String {
    match deferral {
        Deferral::Hold(hold) => format!("hold {hold} is open"),
        Deferral::WaitForEdit => "the run waits for an edit".to_owned(),
        Deferral::Paused => "the run is paused".to_owned(),
        Deferral::NotStarted => "the run has not started".to_owned(),
    }
}

fn candidate(candidate: &Candidate) -> String {
    let names: Vec<&str> = candidate.runs.iter().map(|task| task.as_str()).collect();
    let runs = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    let avoided = if candidate.avoided { ", avoided after the last attempt" } else { "" };
    format!("{} runs {} of {}{runs}{avoided}", candidate.device, candidate.running, candidate.slots)
}

/// The chain of causes, back to the first.
fn chain(causes: &[Cause]) -> Vec<String> {
    let said = |cause: &Cause| {
        let number = cause.seq.map(|seq| format!(" (fact {})", seq.0)).unwrap_or_default();
        let edge = cause.edge.as_ref().map(|edge| format!(", by {edge}")).unwrap_or_default();
        format!("{} {}{number}{edge}", cause.task, cause.status)
    };
    causes.iter().map(said).collect()
}

fn counted(mut lines: Vec<String>, more: usize, what: &str) -> Vec<String> {
    if more > 0 {
        lines.push(format!("and {more} more {what}s"));
    }
    lines
}

fn left(remaining: Option<Millis>, without: &str) -> String {
    remaining.map_or_else(|| without.to_owned(), |left| format!("{} left", span(left)))
}
