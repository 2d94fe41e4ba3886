//! Approval gates: a task that could be placed asks first.

use std::sync::Arc;

use smol_str::SmolStr;
use starline_graph::RenderError;
use starline_types::{ApprovalTimeout, CancelReason, Event, Payload, TaskId, TaskIx, TaskSpec, Timestamp};

use crate::bug::Bug;
use crate::{Answer, Fleet, Refusal, Scheduler, Step};

/// Who is named where nobody was asked.
const IN_ADVANCE: &str = "approved in advance";
/// Who is named where nobody answered.
const TIMEOUT: &str = "timeout";

impl Scheduler {
    /// Asks for every gated task that could be placed but for its gate.
    pub(super) fn ask(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
        if !self.is_executing() || self.state.ending.is_some() {
            return;
        }
        let unasked: Vec<(u32, TaskIx)> = self.state.unasked.iter().copied().collect();
        for entry @ (_, task) in unasked {
            // One before it that could not be rendered may have ended everything, or opened a hold.
            if !self.state.unasked.contains(&entry) {
                continue;
            }
            if self.has_bug(Bug::GateIgnored) {
                self.state.open_gate(task, now);
            } else if !self.state.is_held(task) {
                self.ask_for(now, task, fleet, step);
            }
        }
    }

    fn ask_for(&mut self, now: Timestamp, task: TaskIx, fleet: &mut Fleet, step: &mut Step) {
        let spec = Arc::clone(self.state.graph.spec(task));
        let Some(gate) = spec.gate() else { return };
        let spec_hash = match self.spec_hash(task, &spec, fleet) {
            Ok(hash) => hash,
            Err(error) => return self.fail_render(now, task, &error, fleet, step),
        };
        let event = Event::ApprovalRequested {
            task: self.state.graph.reference(task),
            spec_hash: spec_hash.clone(),
            prompt: Arc::from(gate.prompt.as_str()),
            deadline: gate.timeout.map(|limit| now + limit),
        };
        self.record(now, event, fleet, step);
        if self.state.settings.approved_in_advance {
            self.grant(now, task, spec_hash, IN_ADVANCE.into(), fleet, step);
        }
    }

    fn grant(
        &mut self,
        now: Timestamp,
        task: TaskIx,
        spec_hash: SmolStr,
        by: SmolStr,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let task = self.state.graph.reference(task);
        self.record(now, Event::ApprovalGranted { task, spec_hash, by }, fleet, step);
    }

    /// The question that an answer is about.
    fn asked(&self, id: &TaskId) -> Result<(TaskIx, SmolStr), Refusal> {
        self.refuse_if_over()?;
        let task = self.find_task(id)?;
        let state = self.state.graph.state(task);
        let question = self.state.rare_ref(task).and_then(|rare| rare.question.as_ref());
        match question {
            Some(question) => Ok((task, question.spec_hash.clone())),
            None if state.is_terminal() => {
                Err(Refusal::TaskTerminal { task: id.clone(), state: state.as_str() })
            }
            None => Err(Refusal::NotAwaitingApproval { task: id.clone(), state: state.as_str() }),
        }
    }

    pub(super) fn decide_approve(
        &mut self,
        now: Timestamp,
        id: &TaskId,
        by: SmolStr,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        let (task, spec_hash) = self.asked(id)?;
        self.grant(now, task, spec_hash, by, fleet, step);
        Ok(Answer::Done)
    }

    pub(super) fn decide_reject(
        &mut self,
        now: Timestamp,
        id: &TaskId,
        by: SmolStr,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        let (task, _) = self.asked(id)?;
        let event = Event::ApprovalRefused { task: self.state.graph.reference(task), by };
        self.record(now, event, fleet, step);
        self.cancel_task(now, task, CancelReason::ApprovalRefused, false, fleet, step);
        Ok(Answer::Done)
    }

    /// Nobody answered in time.
    pub(super) fn approval_over(&mut self, now: Timestamp, task: TaskIx, fleet: &mut Fleet, step: &mut Step) {
        let question = self.state.rare_ref(task).and_then(|rare| rare.question.clone());
        let Some(question) = question.filter(|question| question.deadline.is_some_and(|at| at <= now)) else {
            return; // Answered, or asked anew.
        };
        let event = Event::ApprovalExpired { task: self.state.graph.reference(task) };
        self.record(now, event, fleet, step);
        let means = self.state.graph.spec(task).gate().map(|gate| gate.on_timeout).unwrap_or_default();
        match means {
            ApprovalTimeout::Approve => {
                self.grant(now, task, question.spec_hash, TIMEOUT.into(), fleet, step);
            }
            ApprovalTimeout::Reject => {
                self.cancel_task(now, task, CancelReason::ApprovalRefused, false, fleet, step);
            }
        }
    }

    /// Hash of what a person is asked to approve: the specification, with every template and file filled in. BLAKE3,
    /// 32 hexadecimal digits.
    fn spec_hash(&self, task: TaskIx, spec: &TaskSpec, fleet: &Fleet) -> Result<SmolStr, RenderError> {
        let (payload, files) = self.render(task, spec, fleet)?;
        let mut hasher = blake3::Hasher::new();
        let parts: (&TaskSpec, &Payload, _) = (spec, &payload, &*files);
        // A hasher takes everything; nothing in a specification fails to be written.
        let _ = serde_json::to_writer(&mut hasher, &parts);
        Ok(SmolStr::new(&hasher.finalize().to_hex()[..32]))
    }
}
