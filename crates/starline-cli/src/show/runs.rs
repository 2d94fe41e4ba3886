//! All runs as a table.

use serde_json::{Value, json};

use crate::line::span;
use crate::moment::utc;
use crate::output::Output;
use crate::paint::{Tone, printable};
use crate::past::Entry;
use crate::table::{Cell, Table};

/// Wall clocks are beyond 2001; earlier times are virtual.
const WALL: u64 = 1_000_000_000_000;

pub(crate) fn runs_object(runs: &[Entry]) -> Value {
    let runs: Vec<Value> = runs
        .iter()
        .map(|run| match run {
            Ok(run) => json!(run),
            Err((id, failure)) => json!({"run_id": id, "error": failure.reason()}),
        })
        .collect();
    json!({ "runs": runs })
}

pub(crate) fn show_runs(runs: &[Entry], output: &Output) {
    if runs.is_empty() {
        output.result("no run has left anything here; `starline run FILE` makes one");
        return;
    }
    let mut table = Table::with_head(&["run", "name", "state", "tasks", "started", "duration"]);
    let mut unreadable = Vec::new();
    for run in runs {
        let run = match run {
            Ok(run) => run,
            Err((id, failure)) => {
                unreadable.push(format!("run {id} cannot be read: {}", failure.reason()));
                table.row([
                    Cell::text(id),
                    Cell::text("-"),
                    Cell::text("unreadable").in_tone(Tone::Bad),
                    Cell::figure("-"),
                    Cell::text("-"),
                    Cell::figure("-"),
                ]);
                continue;
            }
        };
        let tone = match run.state {
            "completed" => Tone::Good,
            "failed" | "partially_failed" => Tone::Bad,
            _ if run.live => Tone::Busy,
            _ => Tone::Attention,
        };
        let state = if run.imported { format!("{} (imported)", run.state) } else { run.state.to_owned() };
        let started = match run.started_at {
            None => "-".to_owned(),
            Some(at) if at < WALL => "simulated".to_owned(),
            Some(at) => utc(at),
        };
        table.row([
            Cell::text(&run.run_id),
            Cell::text(if run.name.is_empty() { "-" } else { &run.name }),
            Cell::text(state).in_tone(tone),
            Cell::figure(run.total_tasks.to_string()),
            Cell::text(started),
            Cell::figure(run.duration_ms.map_or_else(|| "-".to_owned(), span)),
        ]);
    }
    table.lines(output.result_colour()).for_each(|line| output.result(&line));
    for line in unreadable {
        output.notice(&printable(&line));
    }
}
