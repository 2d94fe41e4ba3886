//! Where the attempts of a run lie on a drawing: rows for lanes, bars for attempts.

use rustc_hash::{FxHashMap, FxHashSet};
use starline_types::{DeviceId, TaskId, Timestamp};

use crate::task::{AttemptHistory, AttemptOutcome};
use crate::{History, TaskHistory};

/// Rows that are drawn.
const ROWS: usize = 120;
/// Bars that are drawn.
const BARS: usize = 3000;

/// Length up to which something is joined with more, in grains.
const JOINED: f64 = 3.0;

/// A lane of a device.
#[derive(Debug)]
pub(crate) struct Row<'h> {
    pub(crate) device: &'h DeviceId,
    pub(crate) lane: u32,
}

/// An attempt, or several that are too short to be told apart.
#[derive(Debug)]
pub(crate) struct Bar<'h> {
    pub(crate) row: usize,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// Attempts it stands for.
    pub(crate) attempts: usize,
    pub(crate) failures: usize,
    pub(crate) outcome: AttemptOutcome,
    pub(crate) critical: bool,
    /// The attempt, if it is one.
    pub(crate) single: Option<(&'h TaskHistory, &'h AttemptHistory)>,
}

/// Rows and bars of a run.
#[derive(Debug)]
pub(crate) struct Timeline<'h> {
    pub(crate) rows: Vec<Row<'h>>,
    pub(crate) bars: Vec<Bar<'h>>,
    /// Lanes that found no row.
    pub(crate) rows_left_out: usize,
    /// Attempts on those lanes.
    pub(crate) attempts_left_out: usize,
}

/// Lays the attempts of a run out over so many units of width. O(k log k) for k attempts.
pub(crate) fn timeline(history: &History, width: f64) -> Timeline<'_> {
    let mut rows = Vec::new();
    let mut first_row: FxHashMap<&DeviceId, usize> = FxHashMap::default();
    let mut rows_left_out = 0;
    for device in history.devices() {
        first_row.insert(&device.id, rows.len());
        let shown = (device.lanes as usize).min(ROWS - rows.len());
        rows_left_out += device.lanes as usize - shown;
        rows.extend((0..device.lanes).take(shown).map(|lane| Row { device: &device.id, lane }));
    }
    let critical: FxHashSet<TaskId> = history.critical_path().into_iter().map(|step| step.task).collect();
    let now = history.until();
    let mut bars = Vec::new();
    let mut attempts_left_out = 0;
    for (task, attempt) in history.attempts() {
        let row = first_row.get(&attempt.device).map(|first| (first + attempt.lane as usize, first));
        let fits = row.filter(|(row, _)| rows.get(*row).is_some_and(|row| *row.device == attempt.device));
        let Some((row, _)) = fits else {
            attempts_left_out += 1;
            continue;
        };
        bars.push(Bar {
            row,
            from: attempt.assigned_at,
            to: attempt.ended_at.unwrap_or(now),
            attempts: 1,
            failures: usize::from(attempt.outcome.is_failure()),
            outcome: attempt.outcome,
            critical: critical.contains(task.id()),
            single: Some((task, attempt)),
        });
    }
    bars.sort_by_key(|bar| (bar.row, bar.from, bar.to));
    let total = now.since(history.origin()).0.max(1);
    // One unit of the drawing; coarser if even that leaves too many bars.
    let mut grain = total as f64 / width;
    bars = merge(bars, grain);
    while bars.len() > BARS && grain < total as f64 {
        grain *= 2.0;
        bars = merge(bars, grain);
    }
    Timeline { rows, bars, rows_left_out, attempts_left_out }
}

/// Joins neighbours in a row that are shorter than the grain and no farther apart.
///
/// What is joined stays short as well, so that one failure does not colour a minute.
fn merge(bars: Vec<Bar<'_>>, grain: f64) -> Vec<Bar<'_>> {
    let length = |bar: &Bar<'_>| bar.to.since(bar.from).0 as f64;
    let short = |bar: &Bar<'_>| length(bar) < if bar.single.is_some() { grain } else { JOINED * grain };
    let mut merged: Vec<Bar<'_>> = Vec::with_capacity(bars.len());
    for bar in bars {
        match merged.last_mut() {
            Some(last)
                if last.row == bar.row
                    && short(last)
                    && short(&bar)
                    && (bar.from.since(last.to).0 as f64) < grain =>
            {
                last.to = last.to.max(bar.to);
                last.attempts += bar.attempts;
                last.failures += bar.failures;
                last.critical &= bar.critical;
                if weight(bar.outcome) > weight(last.outcome) {
                    last.outcome = bar.outcome;
                }
                last.single = None;
            }
            _ => merged.push(bar),
        }
    }
    merged
}

/// What is shown of several: what went wrong first.
fn weight(outcome: AttemptOutcome) -> u8 {
    match outcome {
        AttemptOutcome::Completed => 0,
        AttemptOutcome::Cancelled => 1,
        AttemptOutcome::Running => 2,
        AttemptOutcome::NotAccepted => 3,
        AttemptOutcome::Lost => 4,
        AttemptOutcome::Timeout => 5,
        AttemptOutcome::BadOutput => 6,
        AttemptOutcome::Failed => 7,
    }
}

/// A step between marks of an axis, in milliseconds, so that there are about so many of them.
pub(crate) fn tick(total: u64, marks: u64) -> u64 {
    const STEPS: [u64; 26] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000,
        300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000,
    ];
    let least = total / marks.max(1);
    STEPS
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or_else(|| least.div_ceil(86_400_000) * 86_400_000)
        .max(1)
}
