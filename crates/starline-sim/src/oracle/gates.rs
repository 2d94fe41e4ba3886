//! What each fact about an approval gate must agree with.

use starline_types::{ApprovalGate, ApprovalTimeout, Edit, TaskField, TaskRef, Timestamp};

use super::hear::{Reader, Verdict};
use super::hold;

/// Where the gate of a task stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Gate {
    /// There is none, or it was opened.
    #[default]
    Open,
    /// Nobody was asked.
    Closed,
    /// Somebody was asked, until a time.
    Asked { until: Option<Timestamp> },
    /// The answer was no, or nobody answered.
    Shut,
}

impl Reader<'_> {
    /// An editor changes no gate of a task that is there, and removes no task that has one.
    pub(super) fn keeps_gates(&self, edit: &Edit) -> Verdict {
        let gated = |task: &usize| self.book.tasks[*task].spec.gate().is_some();
        let named = |id: &starline_types::TaskId| {
            self.book.present().find(|task| self.book.tasks[*task].spec.id == *id).filter(gated)
        };
        let harmed = match edit {
            Edit::RemoveTask { id } => named(id),
            Edit::UpdateTask { id, set } => named(id).filter(|task| {
                let gate = self.book.tasks[*task].spec.gate();
                // The policy may let nobody but a person open it.
                let shut =
                    gate.map(|gate| ApprovalGate { on_timeout: ApprovalTimeout::Reject, ..gate.clone() });
                let keeps = |to: &Option<ApprovalGate>| to.as_ref() == gate || *to == shut;
                set.iter().any(|field| matches!(field, TaskField::Approval(to) if !keeps(to)))
            }),
            Edit::Clear | Edit::Build { clear_existing: true, .. } => self.book.present().find(gated),
            _ => None,
        };
        match harmed {
            Some(task) => {
                let id = &self.book.tasks[task].spec.id;
                Err((super::Oracle::O7, format!("an editor takes the gate of {id} away")))
            }
            None => Ok(()),
        }
    }

    pub(super) fn asked(&mut self, task: &TaskRef, until: Option<Timestamp>) -> Verdict {
        let at = self.pending(task)?;
        let book = &self.book.tasks[at];
        hold!(O10, book.gate == Gate::Closed, "{task} asks for approval, and its gate is {:?}", book.gate);
        hold!(O7, self.book.is_satisfied(at), "{task} asks before its dependencies allow it");
        hold!(O7, !self.book.is_covered(at), "{task} asks while a hold covers it");
        hold!(O7, self.book.ending.is_none(), "{task} asks while run {} is ending", self.run);
        let limit = book.spec.gate().and_then(|gate| gate.timeout).map(|limit| self.t + limit);
        hold!(O10, until == limit, "{task} asks until {until:?} instead of {limit:?}");
        self.book.tasks[at].gate = Gate::Asked { until };
        Ok(())
    }

    pub(super) fn granted(&mut self, task: &TaskRef) -> Verdict {
        let at = self.pending(task)?;
        let book = &self.book.tasks[at];
        let Gate::Asked { until } = book.gate else {
            return Err((super::Oracle::O10, format!("{task} is approved, and its gate is {:?}", book.gate)));
        };
        let by_timeout = until.is_some_and(|until| until <= self.t)
            && book.spec.gate().is_some_and(|gate| gate.on_timeout == ApprovalTimeout::Approve);
        let by_somebody = self.book.answers.contains(&(at, true)) || self.book.settings.approved_in_advance;
        hold!(O7, by_timeout || by_somebody, "{task} is approved by nobody");
        self.book.tasks[at].gate = Gate::Open;
        Ok(())
    }

    pub(super) fn refused(&mut self, task: &TaskRef) -> Verdict {
        let at = self.pending(task)?;
        hold!(O10, self.book.answers.contains(&(at, false)), "{task} is refused by nobody");
        self.book.tasks[at].gate = Gate::Shut;
        Ok(())
    }

    pub(super) fn expired(&mut self, task: &TaskRef) -> Verdict {
        let at = self.pending(task)?;
        let book = &self.book.tasks[at];
        let due = matches!(book.gate, Gate::Asked { until: Some(until) } if until <= self.t);
        hold!(O10, due, "the question about {task} expires, and its gate is {:?}", book.gate);
        if book.spec.gate().is_some_and(|gate| gate.on_timeout == ApprovalTimeout::Reject) {
            self.book.tasks[at].gate = Gate::Shut;
        }
        Ok(())
    }
}
