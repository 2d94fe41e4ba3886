//! Sums over the tasks, which version 1.6 may carry.

use std::collections::BTreeMap;

use serde_json::Map;
use starline_types::Value;

use super::super::kept::{EXECUTION_METRICS, SPECIFICATION_METRICS};
use super::record::ExecutedTask;
use super::{Source, WfVersion};

/// Relative difference below which a recorded sum counts as right.
const TOLERANCE: f64 = 1e-9;

/// Figures of the graph and its files.
pub(super) fn of_specification(source: &Source<'_>) -> Option<Value> {
    written(source, SPECIFICATION_METRICS, || {
        let levels = source.links.longest(|_| 1);
        let mut widths: BTreeMap<u64, u64> = BTreeMap::new();
        for level in levels.into_iter().filter(|level| *level > 0) {
            *widths.entry(level).or_default() += 1;
        }
        let files = &source.files.listed;
        let bytes = files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.size_in_bytes));
        let figures = [
            ("numberOfTasks", source.graph.tasks.len() as u64),
            ("numberOfFiles", files.len() as u64),
            ("sumOfFileSizesInBytes", bytes),
            ("numberOfLevels", widths.len() as u64),
            ("minimumWidth", widths.values().copied().min().unwrap_or_default()),
            ("maximumWidth", widths.values().copied().max().unwrap_or_default()),
        ];
        figures.map(|(name, figure)| (name, Value::from(figure))).into()
    })
}

/// Sums of what was measured.
pub(super) fn of_execution(source: &Source<'_>, tasks: &[ExecutedTask<'_>]) -> Option<Value> {
    written(source, EXECUTION_METRICS, || {
        let run_time: f64 = tasks.iter().filter_map(|task| task.runtime_in_seconds.as_f64()).sum();
        // Run times have milliseconds or are recorded; what is beyond is the error of the sum.
        let mut sums = BTreeMap::from([("sumTaskRuntimesInSeconds", Value::from(round(run_time)))]);
        for (name, measure) in [("totalNumBytesRead", "readBytes"), ("totalNumBytesWritten", "writtenBytes")]
        {
            let amounts = tasks.iter().filter_map(|task| task.measures.get(measure)?.as_f64());
            let sum: f64 = amounts.sum();
            if sum > 0.0 {
                sums.insert(name, Value::from(sum.round() as u64));
            }
        }
        sums
    })
}

fn round(seconds: f64) -> f64 {
    (seconds * 1e9).round() / 1e9
}

/// Recorded figures, with those replaced that are not true any more; of a run, the figures themselves.
fn written(
    source: &Source<'_>,
    section: &str,
    figures: impl FnOnce() -> BTreeMap<&'static str, Value>,
) -> Option<Value> {
    let recorded = source.kept.value(section).and_then(Value::as_object);
    if source.options.version < WfVersion::V1_6 {
        return None;
    }
    if source.outcome.is_some() {
        return Some(Value::Object(
            figures().into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ));
    }
    let figures = figures();
    let current = |(name, recorded): (&String, &Value)| {
        let figure = figures.get(name.as_str()).filter(|figure| !agree(figure, recorded));
        (name.clone(), figure.unwrap_or(recorded).clone())
    };
    Some(Value::Object(recorded?.iter().map(current).collect::<Map<_, _>>()))
}

fn agree(figure: &Value, recorded: &Value) -> bool {
    let (Some(figure), Some(recorded)) = (figure.as_f64(), recorded.as_f64()) else { return false };
    (figure - recorded).abs() <= TOLERANCE * figure.abs().max(recorded.abs())
}
