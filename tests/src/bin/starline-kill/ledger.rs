//! What the tasks did, compared with what the journal says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use starline_types::{Envelope, Event};

/// What a task wrote into the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Entry {
    done: bool,
    task: String,
    attempt: u32,
}

/// Compares the ledger with the facts of a run, and gives back how many executions were cut off or repeated.
///
/// # Errors
/// What was lost, or done twice.
pub(crate) fn check(
    ledger: &Path,
    facts: &[Envelope],
    edges: &[(String, String)],
    acknowledged: &BTreeSet<String>,
) -> Result<u64, String> {
    let entries = read(ledger)?;
    let completed = journal(facts)?;
    for task in acknowledged {
        if !completed.contains_key(task) {
            return Err(format!("edit lost: task {task} was acknowledged and never done"));
        }
    }
    let mut newest: BTreeMap<&str, u32> = BTreeMap::new();
    let mut first_done: BTreeMap<&str, usize> = BTreeMap::new();
    let mut first_begin: BTreeMap<&str, usize> = BTreeMap::new();
    let mut begun = 0;
    for (at, entry) in entries.iter().enumerate() {
        let newest = newest.entry(&entry.task).or_default();
        if entry.attempt < *newest {
            let Entry { task, attempt, .. } = entry;
            return Err(format!(
                "two at a time: attempt {attempt} of {task} goes on beside attempt {newest}"
            ));
        }
        *newest = entry.attempt;
        if entry.done {
            first_done.entry(&entry.task).or_insert(at);
        } else {
            first_begin.entry(&entry.task).or_insert(at);
            begun += 1;
        }
    }
    for (task, attempt) in &completed {
        let done =
            entries.iter().filter(|entry| entry.done && entry.task == *task && entry.attempt == *attempt);
        if done.count() != 1 {
            return Err(format!(
                "lost: attempt {attempt} of {task} is completed, and not in the ledger once"
            ));
        }
        if let Some(later) = entries.iter().find(|entry| entry.task == *task && entry.attempt > *attempt) {
            return Err(format!("done again: {task} was completed by attempt {attempt}, then {later:?}"));
        }
    }
    for (from, to) in edges {
        if let (Some(done), Some(begin)) = (first_done.get(from.as_str()), first_begin.get(to.as_str()))
            && done > begin
        {
            return Err(format!("out of order: {to} began before {from} was done"));
        }
    }
    Ok(begun - completed.len() as u64)
}

fn read(ledger: &Path) -> Result<Vec<Entry>, String> {
    let text = std::fs::read_to_string(ledger).map_err(|error| format!("the ledger: {error}"))?;
    let entry = |line: &str| {
        let mut words = line.split(' ');
        let (word, task, attempt) = (words.next()?, words.next()?, words.next()?);
        Some(Entry { done: word == "done", task: task.to_owned(), attempt: attempt.parse().ok()? })
    };
    text.lines().map(|line| entry(line).ok_or_else(|| format!("the ledger has the line {line:?}"))).collect()
}

/// The attempts that completed tasks: each task once, and no attempt beside another one.
fn journal(facts: &[Envelope]) -> Result<BTreeMap<String, u32>, String> {
    let mut live: BTreeMap<String, u32> = BTreeMap::new();
    let mut completed = BTreeMap::new();
    for (at, fact) in facts.iter().enumerate() {
        if fact.seq.0 != at as u64 + 1 {
            return Err(format!("record {} stands at place {}", fact.seq.0, at + 1));
        }
        match &fact.event {
            Event::TaskAssigned { task, attempt, .. } => {
                if let Some(before) = live.insert(task.to_string(), *attempt) {
                    return Err(format!("attempts {before} and {attempt} of {task} are live at a time"));
                }
            }
            Event::TaskCompleted { task, attempt, .. } => {
                if live.remove(task.id().as_str()) != Some(*attempt) {
                    return Err(format!("attempt {attempt} of {task} completes and is not live"));
                }
                if completed.insert(task.to_string(), *attempt).is_some() {
                    return Err(format!("{task} is completed twice"));
                }
            }
            Event::TaskRetryScheduled { task, .. } | Event::TaskFailed { task, .. } => {
                live.remove(task.id().as_str());
            }
            _ => {}
        }
    }
    Ok(completed)
}
