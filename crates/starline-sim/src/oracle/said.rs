//! What was said to a run about its graph and its holds, what it answered, and what it recorded.

use starline_scheduler::{Answer, Input, Refusal};
use starline_types::{Applied, Checkpoint, HoldId, Payload, RejectedEdit, Seq, TaskSpec};

use super::book::RunBook;
use super::hear::{Reader, Verdict};
use super::{Judge, hold};
use crate::sim::Key;

/// What a run answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answered {
    Committed(u64),
    /// Refused with these codes.
    Refused(Vec<String>),
}

/// What was said, and the facts that came of it: those after the first number, up to the second one.
#[derive(Clone, Debug)]
pub(super) struct Said {
    after: u64,
    until: u64,
    what: What,
    /// The id of a batch that may be repeated.
    request: Option<String>,
}

#[derive(Clone, Debug)]
enum What {
    Attached,
    Detached,
    Released(HoldId),
    Cleared,
    /// A batch that was committed and whose fact was not heard.
    Committed(Box<Applied>),
    /// A batch that was refused and whose fact was not heard.
    Refused {
        codes: Vec<String>,
        silent: bool,
    },
}

impl RunBook {
    /// What was said before a fact counts for it.
    pub(super) fn catch_up(&mut self, seq: u64) {
        self.holds.cleared &= self.holds.until >= seq;
        self.holds.detached &= self.holds.until >= seq;
        if self.holds.until < seq {
            self.holds.released.clear();
        }
        for at in 0..self.edits.said.len() {
            let Said { after, until, what, .. } = self.edits.said[at].clone();
            if after < seq {
                self.take_note(until, &what);
            }
        }
        self.edits.said.retain(|said| {
            said.after >= seq || matches!(said.what, What::Committed(_) | What::Refused { .. })
        });
    }

    fn take_note(&mut self, until: u64, what: &What) {
        let holds = &mut self.holds;
        match what {
            What::Attached => (holds.attached, holds.orphaned) = (true, None),
            What::Detached => (holds.attached, holds.detached, holds.until) = (false, true, until),
            What::Released(hold) => {
                holds.released.push(*hold);
                holds.until = until;
            }
            What::Cleared => (holds.cleared, holds.until) = (true, until),
            What::Committed(_) | What::Refused { .. } => {}
        }
    }

    /// Whatever was said has come to facts by now.
    pub(super) fn nothing_unsaid(&mut self, run: usize) -> Verdict {
        self.catch_up(u64::MAX);
        let wanted = self.holds.wanted.take();
        hold!(O10, wanted.is_none(), "the end of {wanted:?} is not registered");
        let asleep = std::mem::take(&mut self.edits.wakes) && !self.state.is_terminal();
        hold!(O9, !asleep, "run {run} waited for an edit, and goes on waiting after one");
        for said in std::mem::take(&mut self.edits.said) {
            match said.what {
                What::Committed(applied) => {
                    let revision = applied.revision.0;
                    hold!(
                        O4,
                        false,
                        "run {run} says that revision {revision} is made, and there is no record"
                    );
                }
                What::Refused { codes, silent } => {
                    hold!(O4, silent, "run {run} refuses a batch for {codes:?}, and there is no record");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The orchestrator died: what was not recorded was not said.
    pub(super) fn forget_said(&mut self) {
        self.edits.said.clear();
        self.edits.wakes = false;
        self.holds.wanted = None;
        self.holds.attached = false;
        self.holds.released.clear();
        (self.holds.cleared, self.holds.detached) = (false, false);
        self.holds.open.iter_mut().for_each(|hold| hold.handed = false);
        self.holds.orphaned = (!self.holds.open.is_empty()).then_some(self.t);
    }
}

impl Judge {
    /// Somebody said something to a run and got an answer.
    pub(crate) fn said(
        &mut self,
        run: usize,
        (after, until): (Seq, Seq),
        input: &Input,
        answer: &Result<Answer, Refusal>,
    ) -> Verdict {
        let Some(book) = self.books.get_mut(run) else { return Ok(()) };
        let batch = match input {
            Input::Submit { batch, check_only: false, .. } => Some(batch),
            _ => None,
        };
        let request = batch.and_then(|batch| batch.request.as_ref()).map(ToString::to_string);
        let pending = book.edits.said.iter().find(|said| request.is_some() && said.request == request);
        let pending = pending.and_then(|said| match &said.what {
            What::Committed(applied) => Some(Answered::Committed(applied.revision.0)),
            What::Refused { codes, silent: false } => Some(Answered::Refused(codes.clone())),
            _ => None,
        });
        let known = request.as_ref().and_then(|request| book.edits.answers.get(request)).cloned().or(pending);
        let what = match (input, answer) {
            (Input::Submit { check_only: true, .. }, _) => {
                hold!(O10, after == until, "run {run} records something, and was only asked");
                return Ok(());
            }
            (_, Ok(Answer::Committed(applied))) => match known {
                Some(known) => {
                    let same = known == Answered::Committed(applied.revision.0);
                    hold!(O4, same && after == until, "run {run} answers the same batch in another way");
                    return Ok(());
                }
                None => What::Committed(Box::new(Applied::clone(applied))),
            },
            (_, Err(Refusal::RejectedBefore(_))) => {
                let same = matches!(known, Some(Answered::Refused(_)));
                hold!(O4, same && after == until, "run {run} refuses a batch that it did not refuse before");
                return Ok(());
            }
            (_, Err(Refusal::Rejected(rejection))) => {
                let codes: Vec<String> =
                    rejection.faults.iter().map(|fault| fault.code.to_string()).collect();
                hold!(O10, !codes.is_empty(), "run {run} refuses a batch without a reason");
                hold!(O4, known.is_none(), "run {run} refuses a batch that was answered before");
                let quiet = ["busy", "run_terminal", "nothing_to_undo", "nothing_to_redo"];
                let own = !matches!(input, Input::Submit { .. });
                let silent = own || codes.iter().any(|code| quiet.contains(&code.as_str()));
                What::Refused { codes, silent }
            }
            (_, Err(_)) => {
                hold!(O10, after == until, "run {run} refuses {input:?} and records something");
                return Ok(());
            }
            (Input::EditorAttached, Ok(_)) => What::Attached,
            (Input::EditorDetached, Ok(_)) => What::Detached,
            (Input::ReleaseHold { hold }, Ok(_)) => What::Released(*hold),
            (Input::ClearHolds, Ok(_)) => What::Cleared,
            (Input::Submit { batch, .. }, Ok(_)) => match batch.hold {
                Some(hold) => What::Released(hold),
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        book.edits.said.push_back(Said { after: after.0, until: until.0, what, request });
        Ok(())
    }

    /// No commit was answered that is not on record.
    #[cfg(feature = "seeded-bugs")]
    pub(crate) fn nothing_promised(&self) -> Verdict {
        for (run, book) in self.books.iter().enumerate() {
            for said in &book.edits.said {
                if let What::Committed(applied) = &said.what {
                    let revision = applied.revision.0;
                    hold!(
                        O4,
                        false,
                        "run {run} said that revision {revision} is made, and died without a record"
                    );
                }
            }
        }
        Ok(())
    }

    /// An attempt leaves for its device: with the task as it is now.
    pub(crate) fn dispatched(
        &self,
        key: Key,
        spec: &TaskSpec,
        payload: &Payload,
        checkpoint: Option<&Checkpoint>,
    ) -> Verdict {
        let task = self
            .books
            .get(key.run as usize)
            .and_then(|book| Some((book, book.tasks.get(key.task as usize)?)));
        let Some((book, task)) = task else { return Ok(()) };
        hold!(O1, key.attempt <= task.attempts, "{}#{} is sent and not on record", spec.id, key.attempt);
        hold!(O7, *task.spec == *spec, "{}#{} is sent as it was before an edit", spec.id, key.attempt);
        let wanted = book.payload(key.task as usize);
        hold!(O7, wanted.as_ref() == Some(payload), "{}#{} is sent with {payload:?}", spec.id, key.attempt);
        let (last, number) = (task.checkpoint.as_ref(), key.attempt);
        hold!(O4, last == checkpoint, "{}#{number} goes on from {checkpoint:?} instead of {last:?}", spec.id);
        Ok(())
    }
}

impl Reader<'_> {
    /// A commit is what its sender was told.
    pub(super) fn is_said(&mut self, applied: &Applied) -> Verdict {
        let seq = self.book.seq;
        let said = self.book.edits.said.iter().position(|said| {
            said.after < seq
                && seq <= said.until
                && matches!(&said.what, What::Committed(told) if **told == *applied)
        });
        let Some(said) = said else {
            return Err((super::Oracle::O10, format!("revision {} comes from nowhere", applied.revision.0)));
        };
        self.book.edits.said.remove(said);
        if let Some(request) = &applied.batch.request {
            let answer = Answered::Committed(applied.revision.0);
            let before = self.book.edits.answers.insert(request.to_string(), answer);
            hold!(O4, before.is_none(), "the batch {request} is committed twice");
        }
        Ok(())
    }

    /// A refusal is what its sender was told.
    pub(super) fn is_refused(&mut self, rejected: &RejectedEdit) -> Verdict {
        let seq = self.book.seq;
        let said = self.book.edits.said.iter().position(|said| {
            said.after < seq && seq <= said.until && matches!(said.what, What::Refused { .. })
        });
        let Some(said) = said.and_then(|said| self.book.edits.said.remove(said)) else {
            return Err((super::Oracle::O10, "a refusal comes from nowhere".to_owned()));
        };
        if let (Some(request), What::Refused { codes, .. }) = (&rejected.request, said.what) {
            let before = self.book.edits.answers.insert(request.to_string(), Answered::Refused(codes));
            hold!(O4, before.is_none(), "the batch {request} is answered twice");
        }
        Ok(())
    }
}
