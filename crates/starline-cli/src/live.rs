//! A run as it is seen on a terminal: how far it is and what each slot does, below the lines of what happened.

use std::time::{Duration, Instant};

use starline::types::{DeviceProfile, Envelope, GraphSpec, Millis, Timestamp};

use crate::board::{Board, Lane, Progress};
use crate::drive::{Plan, Watcher};
use crate::line::span;
use crate::output::{BUFFER, Output};
use crate::paint::{Tone, paint};
use crate::screen;

/// Shortest time between two drawings.
const PACE: Duration = Duration::from_millis(100);
/// Rows that are left to the lines above.
const ABOVE: usize = 6;
/// Characters at the end of a line that are left free: an interrupt shows as two.
const ECHO: usize = 4;
/// Characters of the bar.
const BAR: usize = 24;

/// Adds live lines to what another watcher writes.
pub(crate) struct Live<'a, W> {
    inner: W,
    output: &'a Output,
    board: Board,
    /// Time of the last fact, in the time of the run, and when it was here.
    last: (Timestamp, Instant),
    /// Whether the second half of that is still to be found out.
    is_fresh: bool,
    drawn: Instant,
    /// What a person is asked now.
    question: Option<String>,
    over: bool,
}

impl<'a, W> Live<'a, W> {
    /// Live lines about a run of a graph on these devices.
    pub(crate) fn new(inner: W, output: &'a Output, graph: &GraphSpec, devices: &[DeviceProfile]) -> Self {
        let now = now();
        let board = Board::new(graph, devices);
        Self {
            inner,
            output,
            board,
            last: (Timestamp(0), now),
            is_fresh: false,
            drawn: now,
            question: None,
            over: false,
        }
    }

    fn draw(&mut self, now: Instant) {
        self.drawn = now;
        // The clock of the run goes on between its facts.
        let since = u64::try_from((now - self.last.1).as_millis()).unwrap_or(u64::MAX);
        let time = Timestamp(self.last.0.0.saturating_add(since));
        let mut lines = lines(&self.board, time, screen::size(), self.output.progress_colour());
        // The cursor stays behind the last line.
        lines.extend(
            self.question.as_ref().map(|question| fitting(question, screen::size().1.saturating_sub(ECHO))),
        );
        let has_more = self.output.waiting() > 0;
        screen::frame(&lines, has_more.then_some(|| self.output.flush_here()));
    }

    fn end(&mut self) {
        if !self.over {
            self.over = true;
            screen::close();
            self.output.flush();
        }
    }
}

impl<W: Watcher> Watcher for Live<'_, W> {
    fn planned(&mut self, plan: &Plan) {
        self.inner.planned(plan);
    }

    fn past(&mut self, envelope: &Envelope) {
        self.board.observe(envelope);
        self.inner.past(envelope);
        self.last.0 = envelope.t;
    }

    fn event(&mut self, envelope: &Envelope) {
        self.board.observe(envelope);
        self.inner.event(envelope);
        self.last.0 = envelope.t;
        self.is_fresh = true;
        if envelope.event.run_end().is_some() {
            self.end();
        } else if self.output.waiting() > BUFFER / 2 {
            // More would be written by itself, across the lines.
            self.output.flush();
        }
    }

    fn caught_up(&mut self) {
        if self.over {
            return self.inner.caught_up();
        }
        let now = now();
        let is_fresh = std::mem::take(&mut self.is_fresh);
        if is_fresh {
            self.last.1 = now;
        }
        // An answer that is being written stays to be seen as long as nothing happens.
        if now.duration_since(self.drawn) >= PACE && (is_fresh || self.question.is_none()) {
            self.draw(now);
        }
    }

    fn question(&mut self, question: Option<&str>) {
        if self.over || self.question.as_deref() == question {
            return;
        }
        self.question = question.map(str::to_owned);
        self.draw(now());
    }

    fn answered(&mut self) {
        self.question = None;
        if !self.over {
            screen::step_back();
        }
    }

    fn abandoned(&mut self) {
        self.question(None);
    }

    fn pace(&self) -> Option<Duration> {
        (!self.over).then_some(PACE)
    }
}

impl<W> Drop for Live<'_, W> {
    fn drop(&mut self) {
        self.end();
    }
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "how often a terminal is drawn on; no decision reads it")]
    Instant::now()
}

/// The lines of a moment, none wider than the terminal.
fn lines(board: &Board, now: Timestamp, (rows, columns): (usize, usize), coloured: bool) -> Vec<String> {
    let room = rows.saturating_sub(ABOVE).max(1);
    let (lanes, more) = board.lanes(room);
    // There is room left for what the terminal echoes by itself.
    let width = columns.saturating_sub(ECHO).max(8);
    let mut lines = vec![fitting(&headline(&board.progress(now)), width)];
    let widest = lanes.iter().map(|lane| lane.name.chars().count()).max().unwrap_or(0).min(width / 3);
    for lane in &lanes {
        let tone = match lane.busy {
            None => Tone::Faint,
            Some(busy) if busy.stopping => Tone::Attention,
            Some(_) => Tone::Plain,
        };
        lines.push(paint(&fitting(&lane_line(lane, widest, now), width), tone, coloured));
    }
    if more > 0 {
        lines.push(fitting(&format!("  + {more} more"), width));
    }
    lines
}

fn headline(progress: &Progress) -> String {
    let Progress { total, ended, failed, elapsed, left } = *progress;
    let filled = BAR * ended.min(total) / total.max(1);
    let bar = format!("{}{}", "#".repeat(filled), "-".repeat(BAR - filled));
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    let left = left.map(|left| format!(", about {} left", span(whole(left)))).unwrap_or_default();
    format!("[{bar}] {ended}/{total}{failed}, {}{left}", span(elapsed))
}

/// An estimate, without the tenths that it does not have.
fn whole(span: Millis) -> Millis {
    Millis(span.0.div_ceil(1000) * 1000)
}

fn lane_line(lane: &Lane<'_>, widest: usize, now: Timestamp) -> String {
    let name = fitting(&lane.name, widest);
    let Some(busy) = lane.busy else { return format!("  {name:<widest$}  idle") };
    let attempt = if busy.attempt > 1 { format!(", attempt {}", busy.attempt) } else { String::new() };
    let stopping = if busy.stopping { ", cancelling" } else { "" };
    format!("  {name:<widest$}  {}  {}{attempt}{stopping}", busy.task, span(now.since(busy.since)))
}

/// A text that is cut where the room ends.
fn fitting(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use starline::types::DeviceId;

    #[test]
    fn lines_say_what_runs_and_fit_the_terminal() {
        let device = DeviceProfile::new(DeviceId::new("north").expect("id"), "x").with_slots(9);
        let mut board = Board::new(&GraphSpec::default(), &[device]);
        let mut fact = |t: u64, kind: &str, data: serde_json::Value| {
            let value =
                json!({"seq": 1, "run_id": "r", "revision": 0, "t": t, "at": 0, "kind": kind, "data": data});
            board.observe(&serde_json::from_value(value).expect("an envelope"));
        };
        fact(0, "run_started", json!({"total_tasks": 4, "strategy": "x"}));
        let failed =
            json!({"task": "z", "attempt": 0, "error": {"kind": "timeout", "message": ""}, "duration_ms": 0});
        fact(10, "task_failed", failed);
        for task in ["scan", "merge", "a-task-with-a-name-that-is-longer-than-this-terminal-is-wide"] {
            fact(1000, "task_assigned", json!({"task": task, "attempt": 2, "device": "north"}));
        }
        fact(1500, "task_cancel_requested", json!({"task": "scan", "attempt": 2, "reason": "timeout"}));
        let expected = [
            "[######------------------] 1/4, 1 failed, 2.5 s",
            "  north/1  scan  1.5 s, attempt 2, cancelling",
            "  north/2  merge  1.5 s, attempt 2",
            "  + 1 more",
        ];
        let shown = lines(&board, Timestamp(2500), (ABOVE + 2, 60), false);
        assert_eq!(shown, expected);
        let shown = lines(&board, Timestamp(2500), (40, 30), false);
        assert_eq!((shown.len(), shown[9].as_str()), (10, "  north/9  idle"));
        assert!(shown.iter().all(|line| line.chars().count() < 30), "{shown:?}");
        assert!(shown[3].ends_with('…'), "{shown:?}");
    }
}
