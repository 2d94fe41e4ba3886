//! Lines of edits, holds and planners.

use starline::types::{ChangeSummary, Event, HoldReason, HoldScope, Origin, RejectedEdit, TaskRef};

use super::{shortened, span};
use crate::paint::Tone;

/// Names that a line lists before it counts.
const LISTED: usize = 4;

/// Word, tone, subject and rest of the line of a fact about edits.
pub(super) fn describe(event: &Event) -> (&'static str, Tone, String, String) {
    match event {
        Event::EditCommitted(applied) => {
            let what = match applied.origin {
                Origin::Undo => "undoes ",
                Origin::Redo => "redoes ",
                Origin::Rollback => "to undo what was done: ",
                Origin::Edit => "",
            };
            let by = if applied.author.is_empty() { String::new() } else { by(&applied.author) };
            let late = if applied.late { ", after its hold had closed" } else { "" };
            let text = format!("{what}{}{by}{late}", changes(&applied.summary));
            ("edited", Tone::Good, format!("revision {}", applied.revision.0), text)
        }
        Event::EditRejected(rejected) => {
            let text = format!("{}: {}", by(&rejected.author).trim_start_matches(", "), reasons(rejected));
            ("refused", Tone::Bad, "edit".to_owned(), text)
        }
        Event::HoldOpened { hold, scope, triggers } => {
            let what = match scope {
                HoldScope::Descendants => "what follows",
                HoldScope::Graph => "all that is not started, after",
            };
            ("held", Tone::Attention, hold.to_string(), format!("{what} {}", names(triggers)))
        }
        Event::HoldJoined { hold, task } => {
            ("held", Tone::Attention, hold.to_string(), format!("what follows {} too", task.id()))
        }
        Event::HoldExtended { hold, tasks } => {
            let text = format!("{} and what follows, as the editor asks", names(tasks));
            ("held", Tone::Attention, hold.to_string(), text)
        }
        Event::HoldActivated { hold, .. } => {
            ("held", Tone::Attention, hold.to_string(), "is with its editor".to_owned())
        }
        Event::HoldClosed { hold, reason, held_ms } => {
            let tone = match reason {
                HoldReason::Committed | HoldReason::Released => Tone::Plain,
                _ => Tone::Attention,
            };
            ("released", tone, hold.to_string(), format!("after {}: {}", span(*held_ms), closed(*reason)))
        }
        Event::HoldTimeoutSet { modification_timeout } => {
            let text = format!("last at most {} from now on", span(*modification_timeout));
            ("editor", Tone::Plain, "holds".to_owned(), text)
        }
        Event::PlannerFaulted { planner, hold, message } => {
            ("planner", Tone::Bad, planner.to_string(), format!("{hold}: {}", shortened(message)))
        }
        other => (other.kind().as_str(), Tone::Plain, "run".to_owned(), String::new()),
    }
}

/// What a commit changed, in words.
pub(crate) fn changes(summary: &ChangeSummary) -> String {
    let lists = [
        ("adds", listed(summary.added_tasks.iter())),
        ("removes", listed(summary.removed_tasks.iter())),
        ("changes", listed(summary.modified_tasks.keys())),
        ("connects", listed(summary.added_dependencies.iter())),
        ("disconnects", listed(summary.removed_dependencies.iter())),
        ("alters", listed(summary.modified_dependencies.iter())),
    ];
    let said: Vec<String> =
        lists.into_iter().filter_map(|(verb, names)| Some(format!("{verb} {}", names?))).collect();
    if said.is_empty() { "changes nothing".to_owned() } else { said.join("; ") }
}

/// Why a hold ended, in words.
pub(crate) fn closed(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::Committed => "its edit is in force",
        HoldReason::Released => "without a change",
        HoldReason::Expired => "its time was over",
        HoldReason::Cleared => "all holds were cleared",
        HoldReason::EditorLost => "its editor went away",
        HoldReason::RunEnding => "the run is ending",
    }
}

fn reasons(rejected: &RejectedEdit) -> String {
    let text = |fault: &serde_json::Value, field: &str| fault[field].as_str().unwrap_or_default().to_owned();
    let Some(first) = rejected.rejections.first() else { return "no reason was given".to_owned() };
    let rest = rejected.rejections.len() - 1;
    let more = if rest == 0 { String::new() } else { format!(", and {rest} more") };
    format!("{}: {}{more}", text(first, "code"), shortened(&text(first, "message")))
}

fn by(author: &str) -> String {
    format!(", by {}", shortened(author))
}

fn names(tasks: &[TaskRef]) -> String {
    listed(tasks.iter().map(TaskRef::id)).unwrap_or_else(|| "no task".to_owned())
}

fn listed<T: std::fmt::Display>(mut names: impl ExactSizeIterator<Item = T>) -> Option<String> {
    let count = names.len();
    let mut said: Vec<String> = names.by_ref().take(LISTED).map(|name| name.to_string()).collect();
    if count > LISTED {
        said.push(format!("{} more", count - LISTED));
    }
    (!said.is_empty()).then(|| said.join(", "))
}
