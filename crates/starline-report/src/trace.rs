//! A run as a trace for Perfetto and its like.

use std::fmt::Write as _;

use rustc_hash::FxHashMap;
use starline_types::{DeviceId, TaskId, Timestamp};

use crate::task::AttemptHistory;
use crate::text::clean;
use crate::{Change, History, words};

/// Number of the process that stands for the run itself; devices come after it.
const RUN: usize = 1;

/// The run as JSON in the Trace Event Format, which Perfetto and the tracing pages of browsers open.
///
/// A process for each device, a thread for each of its lanes, a slice for each attempt, arrows from the last
/// attempt of a task to the first of its dependents, and marks for holds, edits, pauses and approvals. Times
/// count from the start of the run. Attempts that have not ended reach to the last record. Source: *Trace Event
/// Format* (N. Duca, D. Sinclair, 2016). O(k log k + m) for k attempts.
#[must_use]
pub fn to_chrome_trace(history: &History) -> String {
    let mut trace =
        Trace { text: String::from("{\"displayTimeUnit\":\"ms\",\"traceEvents\":["), begun: false };
    trace.name_processes(history);
    let numbers: FxHashMap<&DeviceId, usize> =
        history.devices().iter().enumerate().map(|(at, device)| (&device.id, at + RUN + 1)).collect();
    for (task, attempt) in history.attempts() {
        trace.slice(history, task.id(), attempt, numbers.get(&attempt.device).copied().unwrap_or(RUN));
    }
    trace.arrows(history, &numbers);
    trace.marks(history);
    trace.text.push_str("\n],\n\"otherData\":{");
    // Writing to a string cannot fail.
    let _ = writeln!(
        trace.text,
        "\"run\":{},\"name\":{},\"state\":{}}}}}",
        quoted(history.run().as_str()),
        quoted(history.name()),
        quoted(history.state().as_str())
    );
    trace.text
}

#[derive(Debug)]
struct Trace {
    text: String,
    begun: bool,
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::String(clean(text).into_owned()).to_string()
}

fn micros(history: &History, at: Timestamp) -> u64 {
    at.since(history.origin()).0.saturating_mul(1000)
}

/// Begin and length of the slice of an attempt in microseconds; never empty, as arrows need something to hold on.
fn extent(history: &History, attempt: &AttemptHistory) -> (u64, u64) {
    let spent = attempt.duration(history.until()).0.saturating_mul(1000);
    (micros(history, attempt.assigned_at), spent.max(1))
}

impl Trace {
    fn event(&mut self, fields: std::fmt::Arguments<'_>) {
        self.text.push_str(if self.begun { ",\n{" } else { "\n{" });
        self.begun = true;
        let _ = write!(self.text, "{fields}}}");
    }

    fn name_processes(&mut self, history: &History) {
        let run = quoted(&format!("run {}", history.name()));
        self.event(format_args!(r#""ph":"M","name":"process_name","pid":{RUN},"args":{{"name":{run}}}"#));
        self.event(format_args!(
            r#""ph":"M","name":"process_sort_index","pid":{RUN},"args":{{"sort_index":0}}"#
        ));
        self.event(format_args!(
            r#""ph":"M","name":"thread_name","pid":{RUN},"tid":1,"args":{{"name":"marks"}}"#
        ));
        for (at, device) in history.devices().iter().enumerate() {
            let (pid, name) = (at + RUN + 1, quoted(device.id.as_str()));
            self.event(format_args!(
                r#""ph":"M","name":"process_name","pid":{pid},"args":{{"name":{name}}}"#
            ));
            self.event(format_args!(
                r#""ph":"M","name":"process_sort_index","pid":{pid},"args":{{"sort_index":{}}}"#,
                at + 1
            ));
            for lane in 0..device.lanes {
                let tid = lane + 1;
                self.event(format_args!(
                    r#""ph":"M","name":"thread_name","pid":{pid},"tid":{tid},"args":{{"name":"slot {tid}"}}"#
                ));
            }
        }
    }

    fn slice(&mut self, history: &History, task: &TaskId, attempt: &AttemptHistory, pid: usize) {
        let (ts, dur) = extent(history, attempt);
        let (tid, outcome, number) = (attempt.lane + 1, attempt.outcome.as_str(), attempt.number);
        let id = quoted(task.as_str());
        let name = if number > 1 { quoted(&format!("{task} #{number}")) } else { id.clone() };
        let error =
            attempt.error.as_ref().map_or_else(|| "null".to_owned(), |error| quoted(&error.to_string()));
        self.event(format_args!(
            r#""ph":"X","cat":"attempt,{outcome}","name":{name},"pid":{pid},"tid":{tid},"ts":{ts},"dur":{dur},"args":{{"task":{id},"attempt":{number},"outcome":"{outcome}","error":{error}}}"#
        ));
    }

    fn arrows(&mut self, history: &History, numbers: &FxHashMap<&DeviceId, usize>) {
        let graph = history.graph();
        for (id, edge) in graph.all_edges().enumerate() {
            let last = history.task(graph.id(edge.from)).and_then(|task| task.attempts.last());
            let first = history.task(graph.id(edge.to)).and_then(|task| task.attempts.first());
            let (Some(last), Some(first)) = (last, first) else { continue };
            if last.ended_at.is_none_or(|ended| ended > first.assigned_at) {
                continue;
            }
            for (phase, attempt, is_end) in [("s", last, false), ("f", first, true)] {
                let (from, length) = extent(history, attempt);
                // An arrow belongs to the slice around its ends, which does not cover its own last instant.
                let ts = if is_end { from } else { from.saturating_add(length - 1) };
                let pid = numbers.get(&attempt.device).copied().unwrap_or(RUN);
                let (tid, bound) = (attempt.lane + 1, if is_end { r#","bp":"e""# } else { "" });
                self.event(format_args!(
                    r#""ph":"{phase}","cat":"dependency","name":"dependency","id":{},"pid":{pid},"tid":{tid},"ts":{ts}{bound}"#,
                    id + 1
                ));
            }
        }
    }

    fn mark(&mut self, history: &History, at: Timestamp, category: &str, name: &str, detail: &str) {
        let (ts, name, detail) = (micros(history, at), quoted(name), quoted(detail));
        self.event(format_args!(
            r#""ph":"i","s":"g","cat":"{category}","name":{name},"pid":{RUN},"tid":1,"ts":{ts},"args":{{"detail":{detail}}}"#
        ));
    }

    fn marks(&mut self, history: &History) {
        for hold in history.holds() {
            let triggers: Vec<&str> = hold.triggers.iter().map(TaskId::as_str).collect();
            self.mark(
                history,
                hold.opened_at,
                "hold",
                &format!("hold {} opened", hold.id),
                &triggers.join(", "),
            );
            if let Some((at, reason)) = hold.closed {
                self.mark(history, at, "hold", &format!("hold {} closed", hold.id), words::hold(reason));
            }
        }
        for commit in history.commits() {
            let tasks = commit.changes.iter().filter(|change| matches!(change, Change::TaskAdded(_))).count();
            let detail = commit.reason.clone().unwrap_or_else(|| words::count(tasks, "task") + " added");
            let name = format!("revision {}", commit.revision.0);
            self.mark(history, commit.committed.t, "edit", &name, &detail);
        }
        for pause in history.pauses() {
            self.mark(history, pause.from, "pause", "paused", words::pause(pause.cause));
            if let Some((at, by)) = &pause.ended {
                self.mark(history, *at, "pause", "resumed", by);
            }
        }
        for task in history.tasks() {
            for question in &task.approvals {
                let name = format!("approval of {} asked", task.id());
                self.mark(history, question.asked.t, "approval", &name, &question.prompt);
                if let Some(answer) = &question.answer {
                    let name = format!("approval of {} {}", task.id(), answer.verdict.as_str());
                    let by = answer.by.as_deref().unwrap_or_default();
                    self.mark(history, answer.given.t, "approval", &name, by);
                }
            }
        }
    }
}
