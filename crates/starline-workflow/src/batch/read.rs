//! Reads a batch as a whole.

use starline_edit::{Code, Fault};
use starline_types::{HoldId, RequestId, Revision};

use super::fault::Subject;
use super::graph;
use super::reading::{Made, Reading};
use super::{BatchOptions, ReadBatch, edit, shown};
use crate::fields::{Field, Fields, What};
use crate::problem::{INVALID_VALUE, LIMIT_EXCEEDED, Mark, Problem, Report, SYNTAX_ERROR, Stop};
use crate::tree::{Meaning, Tree, View, text};

/// Largest batch, in bytes: 4 MiB.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// Reads a batch of edits, JSON or YAML. A whole graph may be as a file has it, as Galaxy has it, or as a snapshot of
/// the run shows it.
///
/// What is wrong with single edits does not keep the others from being read: the faults are in
/// [`ReadBatch::unread`], and a check that is given them tells everything at once. Whether ids exist, templates and
/// conditions are left to that check. A batch with more edits than [`BatchOptions::limits`] allows is not read any
/// further than that.
///
/// Costs O(bytes log bytes). The limits of a batch are 4 MiB, 64 levels, 1 MiB for one text, and 1,000 faults.
///
/// # Errors
/// The text is no batch at all: not JSON or YAML, beyond a limit, a key is there twice, or something else than a
/// mapping.
///
/// # Examples
///
/// ```
/// use starline_workflow::{BatchOptions, read_batch};
///
/// let batch = br#"{ "base": 3, "edits": [
///   { "op": "add_task", "task": { "id": "probe", "run": { "sh": "ls" } }, "after": { "scan": "failure" } },
///   { "op": "update_task", "id": "page", "set": { "colour": "red" } } ] }"#;
/// let read = read_batch(batch, &BatchOptions::default()).expect("a batch");
/// assert_eq!(read.batch.edits.len(), 1);
/// assert_eq!((read.unread.faults[0].edit, read.unread.faults[0].code.as_str()), (1, "unknown_field"));
/// ```
pub fn read_batch(bytes: &[u8], options: &BatchOptions) -> Result<ReadBatch, Vec<Problem>> {
    let mut report = Report::default();
    let Ok(source) = within_limits(bytes, &mut report) else { return Err(finish(report, "")) };
    let Ok(tree) = tree(source, &mut report) else { return Err(finish(report, source)) };
    let root = tree.root();
    if root.map().is_none() {
        let message = format!("the batch is {}, expected a mapping", root.found());
        report.add(root.mark(), INVALID_VALUE, message).hint("write `{ \"edits\": [ … ] }`");
    }
    if !report.is_empty() {
        return Err(finish(report, source));
    }
    // A graph as a snapshot shows it can be sent back.
    let restated = shown::restated(root);
    let own = match &restated {
        Some(text) => Tree::read_json(text, &mut report).ok(),
        None => None,
    };
    let root = own.as_ref().map_or(root, Tree::root);
    let mut reading = Reading::new(options);
    let mut report = reading.report();
    if let Some(fields) = Fields::read(root, root.mark(), What::new("the batch"), &mut report) {
        batch(fields, root, report, &mut reading);
    }
    Ok(reading.finish())
}

/// The bytes as text, if they are few enough.
pub(super) fn within_limits<'s>(bytes: &'s [u8], report: &mut Report) -> Result<&'s str, Stop> {
    if bytes.len() > MAX_BYTES {
        let message = format!("the batch has {} bytes", bytes.len());
        report.add(Mark::START, LIMIT_EXCEEDED, message).hint(format!("at most {MAX_BYTES}"));
        return Err(Stop);
    }
    text(bytes, report)
}

/// The problems, in the words of a batch.
pub(super) fn finish(report: Report, source: &str) -> Vec<Problem> {
    let mut problems = report.finish(source);
    for problem in &mut problems {
        if [SYNTAX_ERROR, LIMIT_EXCEEDED].contains(&problem.code.as_str()) {
            problem.message = problem.message.replace("the file ", "the batch ");
            problem.hint = problem.hint.take().map(|hint| hint.replace("the file ", "it "));
        }
    }
    problems
}

/// JSON is read as such, as its texts may be written in ways that YAML does not know.
fn tree<'s>(source: &'s str, report: &mut Report) -> Result<Tree<'s>, Stop> {
    let begin = source.trim_start_matches('\u{FEFF}').trim_start();
    if begin.is_empty() {
        report.add(Mark::START, SYNTAX_ERROR, "the batch is empty").hint("write `{ \"edits\": [] }`");
        return Err(Stop);
    }
    if begin.starts_with(['{', '[']) {
        let mut own = Report::default();
        let read = Tree::read_json(source, &mut own);
        if read.is_ok() || is_json(begin) {
            *report = own;
            return read;
        }
    }
    Tree::read(source, report)
}

/// Whether a text is more likely JSON than a collection of YAML in brackets.
fn is_json(begin: &str) -> bool {
    let inner = begin.trim_start_matches(|c: char| c == '[' || c.is_ascii_whitespace());
    let inner = inner.strip_prefix('{').map(str::trim_start);
    inner.is_some_and(|inner| inner.starts_with(['"', '{', '[']))
}

/// Reads what a batch says. Takes everything that the fields have left.
pub(super) fn batch(mut fields: Fields<'_>, root: View<'_>, mut report: Report, reading: &mut Reading<'_>) {
    let subject = |view, item: &str| Subject { view, item: item.to_owned(), tasks: Vec::new() };
    head(&mut fields, &mut report, reading);
    let (edits, graph) = (fields.take("edits"), fields.take("graph"));
    if let (Some(_), Some(graph)) = (edits, graph) {
        let message = "the batch has both `edits` and `graph`";
        report.add(graph.at, INVALID_VALUE, message).hint("leave one out");
    }
    let list = edits.and_then(|field| {
        let list = field.value.list();
        if list.is_none() {
            let problem = field.wrong(field.value, "a list of edits", &mut report);
            problem.hint("write `edits: [{ \"op\": \"remove_task\", \"id\": \"settle\" }]`");
        }
        list
    });
    fields.close(&mut report);
    reading.add(0, report, &subject(root, "batch"), Made::default());
    if let Some(field) = graph.filter(|_| edits.is_none()) {
        proposal(&field, "/graph", reading);
    }
    if let Some(list) = list {
        if let Some(fault) = too_many(list.len(), reading) {
            reading.fault(fault);
            return;
        }
        for (position, item) in list.items().enumerate() {
            edit::read(position, item, reading);
        }
    }
}

/// Reads a whole graph in place of edits.
pub(super) fn proposal(field: &Field<'_>, place: &str, reading: &mut Reading<'_>) {
    let mut report = reading.report();
    let mut subject = Subject { view: field.value, item: "graph".to_owned(), tasks: Vec::new() };
    let graph = graph::proposal(field, place, (reading, &mut subject.tasks), &mut report);
    let tasks = graph.iter().flat_map(|graph| graph.ids().cloned()).collect();
    reading.add(0, report, &subject, Made { graph, tasks, ..Made::default() });
}

/// The fault of a batch with too many edits.
pub(super) fn too_many(count: usize, reading: &Reading<'_>) -> Option<Fault> {
    let most = reading.options().limits.edits;
    let fault = || Fault::new(0, Code::LimitExceeded, "edits", format!("{count} edits in one batch"));
    (count > most).then(|| fault().hint(format!("at most {most}")))
}

/// Reads what a batch says beside its edits.
fn head(fields: &mut Fields<'_>, report: &mut Report, reading: &mut Reading<'_>) {
    if let Some(base) = fields.take("base").and_then(|field| field.count(0..=u64::MAX, report)) {
        reading.base(Revision(base));
    }
    let batch = reading.batch();
    if let Some(field) = fields.take("hold") {
        batch.hold = hold(&field, report);
    }
    if let Some(field) = fields.take("keep_open") {
        batch.keep_open = field.boolean(report).unwrap_or(false);
    }
    if let Some(field) = fields.take("request") {
        batch.request = field.id(|text| RequestId::new(text), report);
    }
    if let Some(field) = fields.take("reason") {
        batch.reason = field.string(report);
    }
}

/// Reads `h-7`, or the number alone.
pub(super) fn hold(field: &Field<'_>, report: &mut Report) -> Option<HoldId> {
    let scalar = field.value.scalar();
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let number = scalar.and_then(|scalar| match scalar.meaning() {
        Meaning::Number(number) => number.as_u64(),
        Meaning::Text => scalar.text.strip_prefix("h-").and_then(digits),
        Meaning::Null | Meaning::Bool(_) | Meaning::Unbounded => None,
    });
    if number.is_none() {
        field.wrong(field.value, "a hold such as h-7", report);
    }
    number.map(HoldId)
}
