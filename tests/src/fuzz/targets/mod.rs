//! All targets.

mod edits;
mod expressions;
mod files;
mod places;
mod recorded;
mod runs;
mod values;

use super::{Shape, Target, words};

/// 16 MiB and a little more: the limit of files.
const FILE: usize = (16 << 20) + (64 << 10);
/// 256 KiB: the limit of the texts of a task.
const TEXT: usize = 256 << 10;
/// Largest batch that is read from outside.
const BATCH: usize = 4 << 20;

/// Every target, by name.
#[must_use]
pub fn targets() -> &'static [Target] {
    &TARGETS
}

/// The target of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

const fn target(
    name: &'static str,
    weight: u64,
    (shape, words): (Shape, &'static [&'static str]),
    most: usize,
    seeds: fn() -> Vec<String>,
    check: fn(&[u8]) -> bool,
) -> Target {
    Target { name, weight, shape, words, most, seeds, check }
}

const TARGETS: [Target; 14] = [
    target("amount", 2, (Shape::Text, words::AMOUNTS), 1 << 20, values::seeds, values::check),
    target("batch", 1, (Shape::Json, words::RECORDS), BATCH, runs::batches, runs::batch),
    target(
        "condition",
        3,
        (Shape::Text, words::EXPRESSION),
        64 << 10,
        expressions::conditions,
        expressions::condition,
    ),
    target("devices", 2, (Shape::Yaml, words::DEVICES), FILE, files::device_files, files::devices),
    target("edits", 3, (Shape::Json, words::WORKFLOW), BATCH, edits::batches, edits::batch),
    target("envelope", 2, (Shape::Json, words::RECORDS), BATCH, runs::envelopes, runs::envelope),
    target("galaxy", 2, (Shape::Json, words::GALAXY), FILE, recorded::constellations, recorded::galaxy),
    target("graph", 1, (Shape::Json, words::RECORDS), BATCH, runs::graphs, runs::graph),
    target("history", 1, (Shape::Lines, words::RECORDS), BATCH, super::seeds::journals, runs::history),
    target("journal", 1, (Shape::Lines, words::RECORDS), BATCH, super::seeds::journals, runs::journal),
    target("settings", 1, (Shape::Json, words::RECORDS), BATCH, runs::all_settings, runs::settings),
    target(
        "template",
        3,
        (Shape::Text, words::EXPRESSION),
        TEXT,
        expressions::templates,
        expressions::template,
    ),
    target("wfformat", 2, (Shape::Json, words::WFFORMAT), FILE, recorded::records, recorded::wfformat),
    target("workflow", 3, (Shape::Yaml, words::WORKFLOW), FILE, files::workflows, files::workflow),
];
