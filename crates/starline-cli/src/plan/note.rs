//! What a plan takes for granted, and what looks wrong in it.

use std::collections::BTreeSet;

use serde::Serialize;
use starline::types::{DependencyKind, Millis, Payload, TaskId, TaskSpec};

use super::course::Course;
use super::{Expectation, Question};
use crate::line::{span, tasks};

/// Tasks that a text names at most.
const NAMED: usize = 10;

/// Something to know about a plan.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Note {
    /// Stable word.
    pub(crate) code: &'static str,
    /// The same for people, with the first of the tasks.
    pub(crate) message: String,
    /// The tasks it is about, all of them.
    pub(crate) tasks: Vec<TaskId>,
}

/// Whether the time of a task is known: estimated, or that of a pause.
pub(super) fn is_estimated(task: &TaskSpec) -> bool {
    estimate(task).is_some()
}

fn estimate(task: &TaskSpec) -> Option<Millis> {
    let estimate = task.estimate.as_ref().and_then(|estimate| estimate.duration);
    estimate.or(match task.run {
        Payload::Sleep(span) => Some(span),
        _ => None,
    })
}

/// All notes, those about the estimates first.
pub(super) fn notes(question: &Question, course: &Course) -> Vec<Note> {
    let specs = || question.graph.tasks.iter().map(AsRef::as_ref);
    let ids = |wanted: &dyn Fn(&TaskSpec) -> bool| {
        specs().filter(|task| wanted(task)).map(|task| task.id.clone()).collect::<Vec<_>>()
    };
    let with = |status: Expectation| {
        ids(&|task| {
            let passage = course.tasks.get(&task.id);
            passage.and_then(|passage| passage.fault.as_ref()).is_some_and(|(found, _)| *found == status)
        })
    };
    let edges = question.graph.dependencies.iter();
    let conditions = edges.filter(|edge| matches!(edge.kind, DependencyKind::When(_)));
    let targets: BTreeSet<&TaskId> = conditions.map(|edge| &edge.to).collect();
    let conditional = ids(&|task| targets.contains(&task.id));
    let too_long = ids(&|task| {
        let limits = estimate(task).zip(task.run_timeout);
        limits.is_some_and(|(estimate, limit)| estimate >= limit)
    });
    let found = [
        ("no_estimate", ids(&|task| !is_estimated(task)), "have no estimate, and count as 0 s"),
        ("condition_assumed", conditional, "run only if a condition holds, which is taken to"),
        (
            "approval_assumed",
            ids(&|task| task.gate().is_some()),
            "wait for an approval, which is taken to come at once",
        ),
        (
            "not_expected",
            with(Expectation::Skipped),
            "run only if something fails before, which is not expected",
        ),
        ("estimate_beyond_timeout", too_long, "are estimated to run longer than their run_timeout allows"),
        ("would_fail", with(Expectation::Failed), "would fail: see why beside them"),
    ];
    let mut notes: Vec<Note> = found
        .into_iter()
        .filter(|(_, tasks, _)| !tasks.is_empty())
        .map(|(code, ids, what)| Note { code, message: message(&ids, what), tasks: ids })
        .collect();
    if let Some(deadline) = question.settings.deadline.filter(|deadline| course.makespan > *deadline) {
        let message = format!("the run would be cancelled at its deadline, after {}", span(deadline));
        notes.push(Note { code: "deadline_missed", message, tasks: Vec::new() });
    }
    notes
}

fn message(ids: &[TaskId], what: &str) -> String {
    let what = if ids.len() == 1 { singular(what) } else { what.to_owned() };
    let named: Vec<&str> = ids.iter().take(NAMED).map(TaskId::as_str).collect();
    let more = ids.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} {what}: {}{more}", tasks(ids.len()), named.join(", "))
}

fn singular(what: &str) -> String {
    let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
    let verb = match verb {
        "have" => "has",
        "run" => "runs",
        "wait" => "waits",
        "are" => "is",
        other => other,
    };
    format!("{verb} {rest}")
        .replace(" and count as", " and counts as")
        .replace("their run_timeout", "its run_timeout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_sentences() {
        let ids =
            |count: usize| (0..count).map(|n| TaskId::new(format!("t{n}")).expect("id")).collect::<Vec<_>>();
        let what = "have no estimate, and count as 0 s";
        assert_eq!(message(&ids(1), what), "1 task has no estimate, and counts as 0 s: t0");
        let text = message(&ids(12), what);
        assert!(text.starts_with("12 tasks have no estimate, and count as 0 s: t0, t1,"), "{text}");
        assert!(text.ends_with("t9 and 2 more"), "{text}");
    }
}
