//! Reads the answer of a model.

use super::extract::{Found, find, next};
use super::fault::Subject;
use super::read::{batch, finish, proposal, too_many, within_limits};
use super::reading::{Made, Reading};
use super::set::is_null;
use super::{BatchOptions, ReadBatch, edit, function};
use crate::fields::{Field, Fields, What};
use crate::nearest;
use crate::problem::{INVALID_VALUE, Problem, Report};
use crate::tree::{Tree, View};

/// The answer of a model.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// What the model thinks of it, in words.
    pub thought: Option<String>,
    /// How it goes on.
    pub status: Option<AnswerStatus>,
    /// The edits that it asks for; `None`: the answer has no place where edits would stand.
    pub edits: Option<ReadBatch>,
}

/// How a model wants to go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AnswerStatus {
    /// The run goes on, and the model wants to be asked again.
    Continue,
    /// Nothing is left to edit.
    Finish,
    /// The model gives up.
    Fail,
}

const STATUSES: [(&str, AnswerStatus); 3] =
    [("CONTINUE", AnswerStatus::Continue), ("FINISH", AnswerStatus::Finish), ("FAIL", AnswerStatus::Fail)];

/// Fields of which an answer has at least one.
const KEYS: [&str; 10] =
    ["edits", "graph", "op", "action", "function", "constellation", "thought", "status", "tasks", "hold"];

/// Beginnings of values that are looked at, behind one that cannot be read.
const STARTS: usize = 1_000;
/// Bytes before the first key of an answer.
const BEFORE_KEY: usize = 64;

/// Reads the answer of a model: a batch as [`read_batch`](crate::read_batch) takes it, a list of edits or a single one,
/// `{ thought, status, action: [{ function, arguments }], constellation }` with the names of Galaxy's tools, or a whole
/// graph. Fences and prose around it are left out; prose alone asks for no edit and is never interpreted. Everything
/// that one answer asks for is one batch.
///
/// Costs O(bytes log bytes); limits are those of [`read_batch`](crate::read_batch).
///
/// # Errors
/// The answer begins something that it does not end, has two batches, an unknown status, a key twice, or passes a
/// limit. Faults of single edits are in the batch.
///
/// # Examples
///
/// ```
/// use starline_workflow::{AnswerStatus, BatchOptions, read_answer};
///
/// let text = "The page is of no use.\n```json\n{ \"status\": \"CONTINUE\", \
///   \"action\": [{ \"function\": \"remove_task\", \"arguments\": { \"task_id\": \"page\" } }] }\n```";
/// let answer = read_answer(text, &BatchOptions::default()).expect("an answer");
/// assert_eq!(answer.status, Some(AnswerStatus::Continue));
/// assert_eq!(answer.edits.expect("edits").batch.edits[0].op(), "remove_task");
/// assert_eq!(read_answer("Nothing to do.", &BatchOptions::default()).expect("prose").edits, None);
/// ```
pub fn read_answer(text: &str, options: &BatchOptions) -> Result<Answer, Vec<Problem>> {
    let mut report = Report::default();
    if within_limits(text.as_bytes(), &mut report).is_err() {
        return Err(finish(report, ""));
    }
    let Some((start, end)) = chosen(text, &mut report) else {
        return if report.is_empty() { Ok(Answer::default()) } else { Err(finish(report, text)) };
    };
    let part = text.get(start..end).unwrap_or_default();
    let answer = match Tree::read_json(part, &mut report) {
        Ok(tree) if report.is_empty() => answer(tree.root(), options, &mut report),
        _ => Answer::default(),
    };
    if report.is_empty() { Ok(answer) } else { Err(placed(finish(report, part), text, start)) }
}

/// The one value that is an answer. What is within a value that cannot be read is none.
fn chosen(text: &str, report: &mut Report) -> Option<(usize, usize)> {
    let Found { values, broken } = find(text);
    let mut answers = values.iter().copied().filter(|(start, end)| {
        let part = text.get(*start..*end).unwrap_or_default();
        Tree::read_json(part, &mut Report::default()).map_or(true, |tree| is_answer(tree.root()))
    });
    let (first, second) = (answers.next(), answers.next());
    let begun = broken.filter(|start| starts(text, *start).take(STARTS).any(begins_answer));
    if let (Some(_), Some(second)) = (first, second.map(|(start, _)| start).or(begun)) {
        let message = "the answer has two batches, and it is not clear which one is meant";
        report.add(mark(text, second), INVALID_VALUE, message).hint("answer with one JSON object");
        return None;
    }
    // What was begun as an answer is read for what is wrong with it.
    let begun = begun.map(|start| (start, text.len()));
    let whole = || values.first().copied().filter(|(start, end)| text.trim().len() == end - start);
    first.or(begun).or_else(whole)
}

/// The texts that begin where values may begin.
fn starts(text: &str, from: usize) -> impl Iterator<Item = &str> {
    let begin = |at: Option<usize>| at.and_then(|at| next(text, at));
    std::iter::successors(begin(Some(from)), move |at| begin(Some(at + 1))).filter_map(|at| text.get(at..))
}

fn is_answer(root: View<'_>) -> bool {
    let has =
        |view: View<'_>| view.map().is_some_and(|map| map.entries().any(|entry| KEYS.contains(&entry.key)));
    match root.list() {
        Some(list) => list.items().all(has),
        None => has(root),
    }
}

/// Whether an answer was begun here: the first key is one of its own.
fn begins_answer(rest: &str) -> bool {
    let opens = |byte: &u8| matches!(byte, b'{' | b'[' | b'"') || byte.is_ascii_whitespace();
    let before = rest.bytes().take(BEFORE_KEY).take_while(opens).count();
    let key = rest.get(before..).unwrap_or_default();
    KEYS.iter()
        .chain(&["base", "request", "reason", "name", "constellation_id"])
        .any(|known| key.strip_prefix(known).is_some_and(|rest| rest.starts_with('"')))
}

fn answer(root: View<'_>, options: &BatchOptions, report: &mut Report) -> Answer {
    let mut reading = Reading::new(options);
    let mut answer = Answer::default();
    if let Some(list) = root.list() {
        many(list.items().collect(), &mut reading);
        answer.edits = Some(reading.finish());
        return answer;
    }
    if root.map().is_some_and(|map| map.len() == 0) {
        return answer;
    }
    if root.field("tasks").is_some() {
        let what = What::new("the answer");
        proposal(&Field { name: "graph", at: root.mark(), value: root, what }, "", &mut reading);
        answer.edits = Some(reading.finish());
        return answer;
    }
    let mut own = reading.report();
    let Some(mut fields) = Fields::read(root, root.mark(), What::new("the answer"), &mut own) else {
        return answer;
    };
    answer.thought = fields.take("thought").and_then(|field| field.text(report)).map(str::to_owned);
    answer.status = fields.take("status").and_then(|field| status(&field, report));
    let nothing = |entry: &crate::tree::Entry<'_>| {
        let is_empty = entry.value.scalar().is_some_and(|scalar| scalar.text.trim().is_empty())
            || entry.value.list().is_some_and(|list| list.len() == 0)
            || entry.value.map().is_some_and(|map| map.len() == 0);
        matches!(entry.key, "action" | "constellation") && (is_null(entry.value) || is_empty)
    };
    let is_closed = !fields.leave_out(nothing).is_empty();
    let asks = ["edits", "graph", "base", "hold", "keep_open", "request", "reason"];
    let (action, constellation) = (fields.take("action"), fields.take("constellation"));
    if root.field("op").is_some() || root.field("function").is_some() {
        many(vec![root], &mut reading);
    } else if action.is_none()
        && constellation.is_none()
        && !asks.iter().any(|name| root.field(name).is_some())
    {
        for name in asks {
            fields.take(name);
        }
        fields.close(report);
        if answer.thought.is_none() && answer.status.is_none() && report.is_empty() && !is_closed {
            let message = "the answer has neither edits nor a graph";
            report.add(root.mark(), INVALID_VALUE, message).hint("write `{ \"edits\": [ … ] }`");
        }
        return answer;
    } else {
        let beside = [root.field("edits"), root.field("graph")].into_iter().flatten().count();
        if usize::from(action.is_some()) + usize::from(constellation.is_some()) + beside > 1 {
            let message = "the answer says in more than one way what is to change";
            own.add(root.mark(), INVALID_VALUE, message)
                .hint("write one of `edits`, `graph`, `action` and `constellation`");
        }
        batch(fields, root, own, &mut reading);
        if let Some(field) = action {
            actions(&field, &mut reading);
        }
        if let Some(field) = constellation {
            function::constellation(&field, &mut reading);
        }
    }
    answer.edits = Some(reading.finish());
    answer
}

fn status(field: &Field<'_>, report: &mut Report) -> Option<AnswerStatus> {
    let word = field.text(report)?;
    let found = STATUSES.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
    if found.is_none() {
        let names = STATUSES.map(|(known, _)| known);
        let message = format!("`status` of the answer is {}", field.value.found());
        report.add(field.value.mark(), INVALID_VALUE, message).hint = nearest::choices(word, &names);
    }
    found.map(|(_, status)| *status)
}

fn actions(field: &Field<'_>, reading: &mut Reading<'_>) {
    if field.value.map().is_some() {
        return many(vec![field.value], reading);
    }
    if let Some(list) = field.value.list() {
        return many(list.items().collect(), reading);
    }
    let mut report = reading.report();
    field
        .wrong(field.value, "a list of actions", &mut report)
        .hint("write `action: [{ \"function\": \"remove_task\", \"arguments\": { \"task_id\": \"a\" } }]`");
    let subject = Subject { view: field.value, item: "action".to_owned(), tasks: Vec::new() };
    reading.add(0, report, &subject, Made::default());
}

/// Reads edits and calls of tools, each in its own form.
fn many(items: Vec<View<'_>>, reading: &mut Reading<'_>) {
    if let Some(fault) = too_many(items.len(), reading) {
        return reading.fault(fault);
    }
    let is_alone = items.len() == 1;
    for (position, item) in items.into_iter().enumerate() {
        if item.field("op").is_some() && item.field("function").is_none() {
            edit::read(position, item, reading);
        } else {
            function::read(position, item, is_alone, reading);
        }
    }
}

fn mark(text: &str, at: usize) -> crate::problem::Mark {
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    crate::problem::Mark { line: short(line), column: short(column) }
}

/// Problems of a part, at their places in the whole text.
fn placed(mut problems: Vec<Problem>, text: &str, start: usize) -> Vec<Problem> {
    let begin = mark(text, start);
    for problem in &mut problems {
        if problem.line == 1 {
            problem.column = problem.column.saturating_add(begin.column - 1);
        }
        problem.line = problem.line.saturating_add(begin.line - 1);
    }
    problems
}
