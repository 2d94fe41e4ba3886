//! What was edited in a run, and what that held up.

use std::collections::BTreeMap;

use serde::Serialize;
use starline::report::{History, Hold};
use starline::types::{HoldId, HoldReason, Millis, TaskId};

use crate::line::{closed, span};
use crate::output::Output;
use crate::paint::printable;

/// Holds that a summary tells of.
const HOLDS: usize = 20;
/// Tasks that one line names.
const NAMED: usize = 4;

/// The edits of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Edits {
    committed: usize,
    rejected: usize,
    /// The first ones.
    holds: Vec<HoldUse>,
}

/// A hold, and what waited for it.
#[derive(Clone, Debug, Serialize)]
struct HoldUse {
    hold: HoldId,
    triggers: Vec<TaskId>,
    reason: Option<HoldReason>,
    held_ms: Millis,
    /// Tasks that were ready and waited for the hold alone, each for how long.
    held_back: BTreeMap<TaskId, Millis>,
}

impl Edits {
    /// What the history of a run has of them; `None` if nobody edited and nothing was held.
    pub(crate) fn of(history: &History) -> Option<Self> {
        let holds = history.holds();
        let edits = Self {
            committed: history.commits().len(),
            rejected: history.refused().len(),
            holds: holds.iter().take(HOLDS).map(|hold| HoldUse::of(hold, history)).collect(),
        };
        (edits.committed + edits.rejected + holds.len() > 0).then_some(edits)
    }

    pub(crate) fn committed(&self) -> usize {
        self.committed
    }

    pub(crate) fn rejected(&self) -> usize {
        self.rejected
    }

    /// Writes them for people.
    pub(crate) fn show(&self, output: &Output) {
        output.result(&format!("edits      {} committed, {} rejected", self.committed, self.rejected));
        for hold in &self.holds {
            output.result(&printable(&hold.line()));
        }
    }
}

impl HoldUse {
    fn of(hold: &Hold, history: &History) -> Self {
        let until = hold.closed.map_or_else(|| history.until(), |(at, _)| at);
        Self {
            hold: hold.id,
            triggers: hold.triggers.clone(),
            reason: hold.closed.map(|(_, reason)| reason),
            held_ms: until.since(hold.opened_at),
            held_back: history.held_back(hold).into_iter().collect(),
        }
    }

    fn line(&self) -> String {
        let after: Vec<&str> = self.triggers.iter().take(NAMED).map(TaskId::as_str).collect();
        let why = self.reason.map_or("still open", closed);
        let held = self.held_back.iter().take(NAMED);
        let held: Vec<String> = held.map(|(task, time)| format!("{task} for {}", span(*time))).collect();
        let more = self.held_back.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let held = if held.is_empty() {
            "nothing else was ready".to_owned()
        } else {
            format!("held back {}{more}", held.join(", "))
        };
        format!("hold       {} after {}: {}, {why}; {held}", self.hold, after.join(", "), span(self.held_ms))
    }
}
