//! Why a task is where it is.

use std::sync::Arc;

use smol_str::SmolStr;
use starline_graph::EdgeView;
use starline_types::{
    Candidate, Cause, Deferral, DependencyKind, DeviceGap, DeviceIx, EdgeReason, Explanation, FailurePolicy,
    Millis, OutcomeStatus, Reading, Reason, RunState, TaskId, TaskIx, TaskState, Timestamp, Verdict,
};

use crate::queue::Urgency;
use crate::{Fleet, Scheduler};
use starline_synchronizer::{Hold, Phase};

/// Devices, and tasks on a device, that one reason lists.
const LISTED: usize = 20;
/// Links of a chain of causes.
const CHAIN: usize = 100;

impl Scheduler {
    /// Why a task is where it is: every reason that holds, and what comes next. `None` for an unknown task.
    ///
    /// O(in-degree + devices + ready tasks), and a search of the graph for each open hold.
    #[must_use]
    pub fn explain(&self, task: &TaskId, now: Timestamp, fleet: &mut Fleet) -> Option<Explanation> {
        let ix = self.state.graph.find(task.as_str())?;
        let status = self.reading(ix, now, fleet);
        let reasons = match self.state.graph.state(ix) {
            TaskState::Pending => self.why_pending(ix, status, now, fleet),
            TaskState::Running { attempt, device } => self.why_running(ix, attempt, device, now, fleet),
            TaskState::Completed | TaskState::Failed | TaskState::Cancelled | TaskState::Skipped => {
                vec![self.why_ended(ix, fleet)]
            }
        };
        let next = next(task, status, &reasons, self.state.run_state);
        Some(Explanation { task: task.clone(), status, reasons, next })
    }

    fn why_pending(&self, task: TaskIx, status: Reading, now: Timestamp, fleet: &mut Fleet) -> Vec<Reason> {
        let state = &self.state;
        let waits = state.graph.waits(task);
        let mut reasons = Vec::new();
        let edges = |this: &Self, verdict: Option<Verdict>, fleet: &mut Fleet| {
            let mut edges: Vec<_> = this.state.graph.incoming(task).collect();
            edges.sort_by_key(EdgeView::order);
            let with = edges.into_iter().filter(|edge| edge.verdict() == verdict);
            with.map(|edge| this.edge_reason(&edge, now, fleet)).collect::<Vec<_>>()
        };
        if waits.impossible > 0 {
            let edges = edges(self, Some(Verdict::Impossible), fleet);
            reasons.push(Reason::Blocked { edges, deferred_by: self.deferrals(task) });
        }
        if waits.open > 0 {
            reasons.push(Reason::Waiting { edges: edges(self, None, fleet) });
        }
        for (id, hold) in state.holds.holds().filter(|(_, hold)| self.covers(hold, task)) {
            let name = |task: TaskIx| state.graph.contains(task).then(|| state.graph.id(task).clone());
            reasons.push(Reason::Held {
                hold: id,
                scope: hold.scope,
                triggers: hold.triggers.iter().copied().filter_map(name).collect(),
                editor_attached: self.attached,
                remaining_ms: match hold.phase {
                    Phase::Active { deadline, .. } => Some(deadline.since(now)),
                    Phase::Collecting => None,
                },
            });
        }
        if state.slot(task).gated {
            reasons.push(self.why_asking(task, now));
        }
        if let Some(until) = state.rare_ref(task).and_then(|rare| rare.backoff).filter(|until| *until > now) {
            reasons.push(self.why_backing_off(task, until.since(now)));
        }
        match status {
            Reading::Unplaced => reasons.push(self.why_unplaced(task, now, fleet)),
            Reading::Queued => reasons.push(self.why_queued(task, now, fleet)),
            Reading::Ready => {
                let (candidates, _) = self.candidates(task, now, fleet);
                reasons.push(Reason::Ready { candidates, strategy: SmolStr::new(self.strategy()) });
            }
            _ => {}
        }
        if matches!(state.run_state, RunState::Created | RunState::Ready) {
            reasons.push(Reason::NotStarted { state: state.run_state });
        }
        if let Some(pause) = &state.pause {
            let remaining_ms = pause.deadline.map(|deadline| deadline.since(now));
            reasons.push(Reason::Paused { cause: pause.cause, remaining_ms });
        }
        reasons
    }

    fn covers(&self, hold: &Hold, task: TaskIx) -> bool {
        hold.scope == starline_types::HoldScope::Graph
            || hold.extended().contains(&task)
            || hold.roots().chain(hold.marks()).any(|root| self.state.graph.is_upstream(root, task))
    }

    fn edge_reason(&self, edge: &EdgeView<'_>, now: Timestamp, fleet: &mut Fleet) -> EdgeReason {
        let id = edge.id();
        EdgeReason {
            from: self.state.graph.id(edge.from).clone(),
            kind: edge.kind(),
            state: self.reading(edge.from, now, fleet),
            verdict: edge.verdict(),
            message: self.state.condition_errors.get(&id).cloned(),
            edge: id,
        }
    }

    /// What puts the skip of a blocked task off.
    fn deferrals(&self, task: TaskIx) -> Vec<Deferral> {
        let state = &self.state;
        let covering = state.holds.holds().filter(|(_, hold)| self.covers(hold, task));
        let mut deferrals: Vec<_> = covering.map(|(id, _)| Deferral::Hold(id)).collect();
        if state.settings.on_failure == FailurePolicy::WaitForEdit && !state.edit_wait_over {
            deferrals.push(Deferral::WaitForEdit);
        }
        match state.run_state {
            RunState::Paused => deferrals.push(Deferral::Paused),
            RunState::Created | RunState::Ready => deferrals.push(Deferral::NotStarted),
            _ => {}
        }
        deferrals
    }

    fn why_asking(&self, task: TaskIx, now: Timestamp) -> Reason {
        let prompt = self.state.graph.spec(task).gate().map(|gate| Arc::from(gate.prompt.as_str()));
        let question = self.state.rare_ref(task).and_then(|rare| rare.question.as_ref());
        Reason::AwaitingApproval {
            prompt: prompt.unwrap_or_else(|| Arc::from("")),
            rule: SmolStr::new_static("gate"),
            asked: question.is_some(),
            remaining_ms: question.and_then(|asked| asked.deadline).map(|deadline| deadline.since(now)),
        }
    }

    fn why_backing_off(&self, task: TaskIx, remaining_ms: Millis) -> Reason {
        let policy = self.state.graph.spec(task).retry_policy();
        let rare = self.state.rare_ref(task);
        let last_error = rare.and_then(|rare| rare.last_error.clone());
        let lost =
            last_error.as_ref().is_some_and(|error| error.kind == starline_types::ErrorKind::DeviceLost);
        let (retry, max) = if lost {
            (rare.map_or(0, |rare| rare.losses), policy.lost_max)
        } else {
            (rare.map_or(0, |rare| rare.retries), policy.max)
        };
        Reason::Backoff { retry, max, lost, last_error, remaining_ms }
    }

    /// Devices that could take a task, connected or not.
    fn fitting(&self, task: TaskIx, fleet: &mut Fleet) -> Vec<DeviceIx> {
        match self.state.slot(task).planned {
            Some(device) => vec![device],
            None if self.strategy.is_none() => Vec::new(),
            None => {
                let class = fleet.class(self.state.graph.spec(task));
                fleet.eligible(class).to_vec()
            }
        }
    }

    fn candidates(&self, task: TaskIx, now: Timestamp, fleet: &mut Fleet) -> (Vec<Candidate>, usize) {
        let fitting = self.fitting(task, fleet);
        let there = fitting.into_iter().filter(|device| fleet.is_available(*device)).collect::<Vec<_>>();
        let more = there.len().saturating_sub(LISTED);
        let candidate = |device: DeviceIx| {
            let (running, queued) = fleet.load(device);
            let here = |other: &TaskIx| self.state.live(*other).is_some_and(|(_, on)| on == device);
            let runs = self.state.graph.indices().filter(here).take(LISTED);
            Candidate {
                device: fleet.id(device).clone(),
                running,
                slots: fleet.profile(device).slots,
                queued,
                runs: runs.map(|other| self.state.graph.id(other).clone()).collect(),
                avoided: self.state.is_refused(task, device, now) || self.state.was_lost_on(task, device),
            }
        };
        (there.into_iter().take(LISTED).map(candidate).collect(), more)
    }

    fn why_unplaced(&self, task: TaskIx, now: Timestamp, fleet: &mut Fleet) -> Reason {
        let spec = Arc::clone(self.state.graph.spec(task));
        let planned = self.state.slot(task).planned;
        let by_hand = planned.is_none() && self.strategy.is_none();
        let devices: Vec<DeviceIx> = match planned {
            Some(device) => vec![device],
            None => fleet.devices().collect(),
        };
        let more = devices.len().saturating_sub(LISTED);
        let gap = |device: DeviceIx| {
            let mut missing = fleet.missing(device, &spec);
            if by_hand {
                missing.push("a plan made by hand: the run has no strategy".to_owned());
            }
            if self.state.is_refused_for_good(task, device) {
                missing.push("it refused the task for good".to_owned());
            } else if self.state.is_refused(task, device, now) {
                missing.push("it refused the task a short while ago".to_owned());
            }
            DeviceGap {
                device: fleet.id(device).clone(),
                status: fleet.status(device),
                missing,
                // The ledger has a clock of its own: see `Fleet::tell_last_seen`.
                last_seen_ms: None,
            }
        };
        Reason::Unplaced { devices: devices.into_iter().take(LISTED).map(gap).collect(), more }
    }

    fn why_queued(&self, task: TaskIx, now: Timestamp, fleet: &mut Fleet) -> Reason {
        let (candidates, more) = self.candidates(task, now, fleet);
        let fitting = self.fitting(task, fleet);
        let urgency = |task: TaskIx| {
            let graph = &self.state.graph;
            Urgency::new(graph.priority(task), self.state.slot(task).ready_since, graph.order(task))
        };
        let own = urgency(task);
        let ready: Vec<TaskIx> =
            self.state.graph.indices().filter(|other| self.state.slot(*other).ready).collect();
        let ahead = ready.into_iter().filter(|other| *other != task && urgency(*other) > own);
        let ahead =
            ahead.filter(|other| self.fitting(*other, fleet).iter().any(|device| fitting.contains(device)));
        let position = ahead.count() + 1;
        let running = self.state.graph.counts().running;
        Reason::Queued {
            candidates,
            more,
            position,
            parallel_limit: self.state.settings.max_parallel.filter(|max| running >= *max),
            strategy: SmolStr::new(self.strategy()),
        }
    }

    fn why_running(
        &self,
        task: TaskIx,
        attempt: u32,
        device: DeviceIx,
        now: Timestamp,
        fleet: &Fleet,
    ) -> Vec<Reason> {
        let started = self.state.graph.record(task).started;
        let rare = self.state.rare_ref(task);
        let lease = rare.and_then(|rare| rare.lease_end).map(|until| until.since(now));
        let device = fleet.id(device);
        let mut reasons = Vec::new();
        if let Some(reason) = self.state.cancel_of(task) {
            reasons.push(Reason::Cancelling { attempt, device: device.clone(), reason, remaining_ms: lease });
        } else if let Some(remaining_ms) = lease {
            reasons.push(Reason::LeaseWait { attempt, device: device.clone(), remaining_ms });
        }
        let limit = self.state.graph.spec(task).run_timeout;
        reasons.push(Reason::Running {
            attempt,
            device: device.clone(),
            elapsed_ms: now.since(started),
            remaining_ms: limit.map(|limit| (started + limit).since(now)),
        });
        reasons
    }

    fn why_ended(&self, task: TaskIx, fleet: &Fleet) -> Reason {
        let record = self.state.graph.record(task);
        let left = record.remains.as_deref();
        let causes = self.causes(task);
        let device = record.device.map(|device| fleet.id(device).clone());
        match record.state {
            TaskState::Failed => Reason::Failed {
                error: left.and_then(|left| left.error.clone()),
                attempts: record.attempts,
                device,
                causes,
            },
            TaskState::Cancelled => Reason::Cancelled {
                reason: self.state.cancel_of(task).or(self.state.ending),
                confirmed: !left.is_some_and(|left| left.unconfirmed),
                causes,
            },
            TaskState::Skipped => Reason::Skipped { reason: left.and_then(|left| left.skip), causes },
            TaskState::Completed | TaskState::Pending | TaskState::Running { .. } => {
                let duration_ms = record.duration();
                Reason::Completed { attempts: record.attempts, device, duration_ms, causes }
            }
        }
    }

    /// The chain from a task that has ended back to the first cause: over the impossible edge of one that was
    /// skipped, else over the edge whose source ended last.
    fn causes(&self, task: TaskIx) -> Vec<Cause> {
        let graph = &self.state.graph;
        let mut chain = Vec::new();
        let mut at = Some(task);
        while let Some(task) = at.take() {
            let record = graph.record(task);
            let Some(status) = record.state.outcome() else { break };
            if chain.len() == CHAIN {
                break;
            }
            let edge = match status {
                OutcomeStatus::Skipped => graph.impossible_edge(task).and_then(|edge| graph.edge(edge)),
                OutcomeStatus::Completed | OutcomeStatus::Failed if record.attempts > 0 => graph
                    .incoming(task)
                    .filter(|edge| edge.verdict() == Some(Verdict::Satisfied))
                    .max_by_key(|edge| (graph.record(edge.from).finished, std::cmp::Reverse(edge.order()))),
                _ => None,
            };
            chain.push(Cause {
                task: graph.id(task).clone(),
                status,
                at: record.finished,
                seq: None,
                edge: edge.as_ref().map(EdgeView::id),
            });
            at = edge.map(|edge| edge.from);
        }
        chain
    }
}

/// What has to happen next: said of the reason that gives the reading, and of the run.
fn next(task: &TaskId, status: Reading, reasons: &[Reason], run: RunState) -> String {
    match run {
        RunState::Created | RunState::Ready => return "start the run".to_owned(),
        RunState::Paused if !matches!(status, Reading::Running | Reading::Cancelling) => {
            return match reasons.first() {
                Some(first) if first.causes().is_some() => of_reason(task, first),
                _ => "resume the run".to_owned(),
            };
        }
        _ => {}
    }
    reasons.first().map_or_else(|| "nothing".to_owned(), |first| of_reason(task, first))
}

fn of_reason(task: &TaskId, reason: &Reason) -> String {
    let list = |edges: &[EdgeReason]| {
        let names: Vec<String> = edges.iter().take(LISTED).map(|edge| edge.from.to_string()).collect();
        names.join(", ")
    };
    match reason {
        Reason::Waiting { edges } => {
            let asks: Vec<String> = edges.iter().take(LISTED).map(ask).collect();
            asks.join(", and ")
        }
        Reason::Blocked { edges, .. } => {
            format!("an edit gives {task} a path that does not need {}, or it is skipped", list(edges))
        }
        Reason::Held { hold, remaining_ms, editor_attached, .. } => {
            let who = if *editor_attached { "the editor" } else { "somebody" };
            match remaining_ms {
                Some(left) => format!("{who} answers or releases hold {hold}, or {} ms pass", left.0),
                None => format!("hold {hold} comes first in line, and {who} answers or releases it"),
            }
        }
        Reason::AwaitingApproval { asked: true, .. } => format!("an operator approves or rejects {task}"),
        Reason::AwaitingApproval { asked: false, .. } => format!("an operator is asked about {task}"),
        Reason::Backoff { remaining_ms, .. } => {
            format!("{} ms pass, or somebody retries {task}", remaining_ms.0)
        }
        Reason::Unplaced { .. } => "a device that fits connects".to_owned(),
        Reason::Queued { parallel_limit: Some(limit), .. } => {
            format!("one of the {limit} live attempts of the run ends")
        }
        Reason::Queued { candidates, .. } => match candidates.as_slice() {
            [one] => format!("device {} has a free slot", one.device),
            _ => "a device that fits has a free slot".to_owned(),
        },
        Reason::Ready { .. } => format!("{task} is placed in the next round"),
        Reason::Paused { .. } => "resume the run".to_owned(),
        Reason::NotStarted { .. } => "start the run".to_owned(),
        Reason::Running { device, .. } => format!("device {device} reports the end of the attempt"),
        Reason::LeaseWait { device, remaining_ms, .. } => {
            format!("device {device} comes back, or {} ms pass", remaining_ms.0)
        }
        Reason::Cancelling { device, .. } => format!("device {device} confirms that the attempt has stopped"),
        Reason::Failed { .. } | Reason::Cancelled { .. } => {
            format!("nothing by itself: retry {task} to try it again as a copy")
        }
        // A reason that ends a task needs nothing more.
        _ => "nothing: the task has ended".to_owned(),
    }
}

fn ask(edge: &EdgeReason) -> String {
    let from = &edge.from;
    match &edge.kind {
        DependencyKind::Success => format!("{from} completes"),
        DependencyKind::Failure => format!("{from} fails"),
        DependencyKind::Completion => format!("{from} ends"),
        DependencyKind::When(condition) => format!("{from} ends with {condition}"),
    }
}
