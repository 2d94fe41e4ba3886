//! What drawings of a graph have in common: their words and their colours.

use std::collections::BTreeMap;

use starline_types::{Dependency, DependencyKind, GraphSpec, Reading, TaskId, TaskSpec};

use crate::excerpt::printable;

/// Longest line of a label, in characters.
const WIDTH: usize = 60;

/// How tasks in a state are drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Look {
    /// The state in one word, as events spell it; the class of the task as well.
    pub(crate) word: &'static str,
    /// Colour of the area.
    pub(crate) fill: &'static str,
    /// Colour of the border.
    pub(crate) line: &'static str,
}

/// Every state, in the order of [`Reading`].
pub(crate) const LOOKS: [Look; 14] = [
    look("blocked", "#fdf0d5", "#b26a00"),
    look("waiting", "#f4f4f5", "#71717a"),
    look("held", "#ede9fe", "#6d28d9"),
    look("awaiting_approval", "#fae8ff", "#a21caf"),
    look("backoff", "#fef3c7", "#b45309"),
    look("unplaced", "#ffedd5", "#c2410c"),
    look("queued", "#e0f2fe", "#0369a1"),
    look("ready", "#ccfbf1", "#0f766e"),
    look("running", "#bfdbfe", "#1d4ed8"),
    look("cancelling", "#e2e8f0", "#334155"),
    look("completed", "#bbf7d0", "#15803d"),
    look("failed", "#fecaca", "#b91c1c"),
    look("cancelled", "#cbd5e1", "#475569"),
    look("skipped", "#ffffff", "#94a3b8"),
];

const fn look(word: &'static str, fill: &'static str, line: &'static str) -> Look {
    Look { word, fill, line }
}

/// How a state is drawn.
pub(crate) fn look_of(reading: Reading) -> Look {
    LOOKS[match reading {
        Reading::Blocked => 0,
        Reading::Waiting => 1,
        Reading::Held => 2,
        Reading::AwaitingApproval => 3,
        Reading::Backoff => 4,
        Reading::Unplaced => 5,
        Reading::Queued => 6,
        Reading::Ready => 7,
        Reading::Running => 8,
        Reading::Cancelling => 9,
        Reading::Completed => 10,
        Reading::Failed => 11,
        Reading::Cancelled => 12,
        Reading::Skipped => 13,
    }]
}

/// The lines of a task: its name, its id where that is another, and its state.
pub(crate) fn task_lines(task: &TaskSpec, look: Option<Look>) -> Vec<String> {
    let id = task.id.as_str();
    let name = line(task.name());
    let mut lines = if name.is_empty() || name == id { vec![line(id)] } else { vec![name, line(id)] };
    lines.extend(look.map(|look| look.word.to_owned()));
    lines
}

/// The lines of an edge: its kind, unless that is the usual one, and its note.
pub(crate) fn edge_lines(edge: &Dependency) -> Vec<String> {
    let kind = match &edge.kind {
        DependencyKind::Success => None,
        DependencyKind::Failure | DependencyKind::Completion => Some(edge.kind.to_string()),
        DependencyKind::When(condition) => Some(format!("when {}", line(condition))),
    };
    let note = edge.note.as_deref().map(line).filter(|note| !note.is_empty());
    kind.into_iter().chain(note).collect()
}

/// A text as one line without harmful characters, shortened.
pub(crate) fn line(text: &str) -> String {
    // What is no character is refused in XML, which drawings become.
    let character = |c: char| if u32::from(c) & 0xFFFE == 0xFFFE { '\u{FFFD}' } else { c };
    let words = text.split_whitespace().map(printable).collect::<Vec<_>>().join(" ");
    let words: String = words.chars().map(character).collect();
    match words.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

/// The edges that can be drawn, with the positions of their ends; of several tasks with one id that is the first.
pub(crate) fn edges(graph: &GraphSpec) -> impl Iterator<Item = (usize, usize, &Dependency)> {
    let mut positions: BTreeMap<&TaskId, usize> = BTreeMap::new();
    for (at, task) in graph.tasks.iter().enumerate() {
        positions.entry(&task.id).or_insert(at);
    }
    graph
        .dependencies
        .iter()
        .filter_map(move |edge| Some((*positions.get(&edge.from)?, *positions.get(&edge.to)?, edge)))
}

/// The looks of the tasks, where their states are known.
pub(crate) fn looks(graph: &GraphSpec, states: Option<&BTreeMap<TaskId, Reading>>) -> Vec<Option<Look>> {
    let look = |id: &TaskId| states?.get(id).copied().map(look_of);
    graph.tasks.iter().map(|task| look(&task.id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_the_words_of_events_and_their_own_looks() {
        for (at, look) in LOOKS.iter().enumerate() {
            let reading: Reading = serde_json::from_value(look.word.into()).expect("a state");
            assert_eq!(look_of(reading), *look);
            assert!(
                LOOKS.iter().skip(at + 1).all(|other| (other.fill, other.line) != (look.fill, look.line))
            );
        }
    }

    #[test]
    fn lines_are_short_and_harmless() {
        assert_eq!(line(" a\n\tb\u{202E}\0\u{FFFE} "), "a b\u{FFFD}\u{FFFD}\u{FFFD}");
        assert_eq!(line(&"x".repeat(61)).chars().count(), 61);
        assert_eq!(line(&"é".repeat(60)), "é".repeat(60));
    }
}
