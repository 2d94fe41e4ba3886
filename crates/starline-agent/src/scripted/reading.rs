//! Filled edits become a batch.

use std::error::Error as _;
use std::sync::Arc;

use serde_json::json;
use starline_graph::TaskGraph;
use starline_planner::{
    EditFault, Outcome, PlanRequest, PlannerError, PlannerFault, ProposedBatch, TaskId, UnreadEdits, Value,
};
use starline_workflow::{BatchOptions, ReadBatch, read_batch};

use super::form::{EditForm, Misfit};
use super::rule::Rule;

/// Edits of all rules that answer, filled in.
#[derive(Debug, Default)]
pub(super) struct Filled {
    reasons: Vec<String>,
    edits: Vec<Value>,
    /// Positions of `edits` among all.
    positions: Vec<usize>,
    /// Those that cannot be filled in.
    unread: UnreadEdits,
    count: usize,
}

impl Filled {
    /// Adds what a rule answers to the end of a task.
    pub(super) fn add(&mut self, rule: &Rule, task: &TaskId, outcome: &Arc<Outcome>) {
        // A reason that cannot be filled in is no reason to give up the edits.
        let reason = rule.reason.as_ref().and_then(|reason| reason.fill(task, outcome).ok());
        let reason =
            reason.map(|reason| reason.as_str().map_or_else(|| reason.to_string(), ToOwned::to_owned));
        if let Some(reason) = reason.filter(|reason| !self.reasons.contains(reason)) {
            self.reasons.push(reason);
        }
        for form in &rule.edits {
            let position = self.count;
            self.count += 1;
            match form.fill(task, outcome) {
                Ok(edit) => {
                    self.edits.push(edit);
                    self.positions.push(position);
                }
                Err(misfits) => self.refuse(position, form, misfits),
            }
        }
    }

    fn refuse(&mut self, position: usize, form: &EditForm, misfits: Vec<Misfit>) {
        let fault = |misfit: Misfit| {
            let Misfit { place, message, .. } = misfit;
            EditFault::new(position, "invalid_template", place, message)
        };
        self.unread.faults.extend(misfits.into_iter().map(fault));
        self.unread.tasks.extend(form.adds.iter().map(|task| (task.clone(), position)));
    }

    /// Whether there are no edits.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Makes a batch that answers a request.
pub(super) fn read(request: &PlanRequest, filled: Filled) -> Result<ProposedBatch, PlannerError> {
    let Filled { reasons, edits, positions, mut unread, .. } = filled;
    let read = read_edits(&edits)?;
    let position = |at: usize| positions.get(at).copied().unwrap_or(at);
    unread.faults.extend(read.unread.faults.into_iter().map(|fault| EditFault {
        edit: position(fault.edit),
        code: fault.code.as_str().to_owned(),
        rule: fault.rule.map(ToOwned::to_owned),
        item: fault.item,
        message: fault.message,
        hint: fault.hint,
        path: fault.path,
    }));
    unread.faults.sort_by_key(|fault| fault.edit);
    unread.tasks.extend(read.unread.tasks.into_iter().map(|(task, at)| (task, position(at))));
    unread.positions = read.unread.positions.into_iter().map(position).collect();
    let mut batch = request.batch(read.batch.edits);
    batch.reason = (!reasons.is_empty()).then(|| reasons.join("; "));
    // An edit may become two, of which the second has the position of the first.
    let as_written = unread.faults.is_empty() && unread.positions.iter().copied().eq(0..batch.edits.len());
    Ok(ProposedBatch { batch, unread: (!as_written).then_some(unread) })
}

fn read_edits(edits: &[Value]) -> Result<ReadBatch, PlannerError> {
    // Values are written and read again, so that a rule is read exactly as a batch of anybody else.
    let text = json!({ "edits": edits }).to_string();
    let read = read_batch(text.as_bytes(), &BatchOptions::default()).map_err(|problems| {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        PlannerError::with_source(PlannerFault::InvalidAnswer, problems.join("\n"))
    })?;
    // Nothing of the graph is needed: a rule sends no files, not even those that a task is sent already.
    Ok(read.resolve(&TaskGraph::default()))
}

/// What is wrong with an edit without gaps, whatever the task.
pub(super) fn faults_of(edit: &Value) -> Vec<Misfit> {
    match read_edits(std::slice::from_ref(edit)) {
        Ok(read) => {
            let faults = read.unread.faults.into_iter();
            faults
                .map(|fault| Misfit { place: fault.item, message: fault.message, hint: fault.hint })
                .collect()
        }
        Err(error) => {
            let message = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            vec![Misfit { place: "/".to_owned(), message, hint: None }]
        }
    }
}
