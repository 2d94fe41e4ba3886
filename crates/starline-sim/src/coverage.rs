//! Which inputs met which states.

use std::collections::BTreeMap;
use std::fmt;

use starline_scheduler::{Input, Scheduler};
use starline_types::{RunState, TaskState};

/// How far a run had come when an input met it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Stage {
    /// It was submitted.
    Created,
    /// It is prepared.
    Ready,
    /// It was started.
    Executing,
    /// It is paused.
    Paused,
    /// It has ended, in whatever way.
    Ended,
}

/// The task that an input speaks of.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Subject {
    /// The input speaks of no task.
    Nobody,
    /// There is no such task, or not any more.
    Unknown,
    /// It has not begun, or waits for another attempt.
    Pending,
    /// It has a live attempt.
    Running,
    /// It is done.
    Completed,
    /// It has failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It was skipped.
    Skipped,
}

/// A kind of input and what it met.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Pair {
    /// The kind of the input.
    pub input: &'static str,
    /// The run.
    pub stage: Stage,
    /// The task.
    pub subject: Subject,
}

const STAGES: [Stage; 5] = [Stage::Created, Stage::Ready, Stage::Executing, Stage::Paused, Stage::Ended];

const SUBJECTS: [Subject; 7] = [
    Subject::Unknown,
    Subject::Pending,
    Subject::Running,
    Subject::Completed,
    Subject::Failed,
    Subject::Cancelled,
    Subject::Skipped,
];

/// Inputs that speak of no single task.
const PLAIN: [&str; 20] = [
    "prepare",
    "start",
    "taken_over",
    "device_changed",
    "pause",
    "resume",
    "cancel_run",
    "rollback",
    "submit",
    "undo",
    "redo",
    "editor_attached",
    "editor_detached",
    "release_hold",
    "extend_hold",
    "planner_faulted",
    "clear_holds",
    "set_hold_timeout",
    "clear_assignments",
    "tick",
];

/// Inputs about a task.
const ABOUT_TASKS: [&str; 12] = [
    "began",
    "checkpoint",
    "reported",
    "undelivered",
    "refused",
    "stopped",
    "cancel_task",
    "skip_task",
    "reassign",
    "approve",
    "reject",
    "retry_task",
];

/// The kind of an input and the name of its task, if it speaks of one.
fn kind(input: &Input) -> (&'static str, Option<&str>) {
    match input {
        Input::Prepare => ("prepare", None),
        Input::Start => ("start", None),
        Input::TakenOver { .. } => ("taken_over", None),
        Input::HashState => ("hash_state", None),
        Input::Began { task, .. } => ("began", Some(task.id().as_str())),
        Input::Checkpoint { task, .. } => ("checkpoint", Some(task.id().as_str())),
        Input::Reported { task, .. } => ("reported", Some(task.id().as_str())),
        Input::Undelivered { task, .. } => ("undelivered", Some(task.id().as_str())),
        Input::Refused { task, .. } => ("refused", Some(task.id().as_str())),
        Input::Stopped { task, .. } => ("stopped", Some(task.id().as_str())),
        Input::DeviceChanged { .. } => ("device_changed", None),
        Input::Pause => ("pause", None),
        Input::Resume => ("resume", None),
        Input::CancelRun { .. } => ("cancel_run", None),
        Input::Rollback { .. } => ("rollback", None),
        Input::CancelTask { task } => ("cancel_task", Some(task.as_str())),
        Input::SkipTask { task } => ("skip_task", Some(task.as_str())),
        Input::Reassign { task, .. } => ("reassign", Some(task.as_str())),
        Input::Approve { task, .. } => ("approve", Some(task.as_str())),
        Input::Reject { task, .. } => ("reject", Some(task.as_str())),
        Input::Submit { .. } => ("submit", None),
        Input::Undo { .. } => ("undo", None),
        Input::Redo { .. } => ("redo", None),
        Input::RetryTask { task, .. } => ("retry_task", Some(task.as_str())),
        Input::EditorAttached => ("editor_attached", None),
        Input::EditorDetached => ("editor_detached", None),
        Input::ReleaseHold { .. } => ("release_hold", None),
        Input::ExtendHold { .. } => ("extend_hold", None),
        Input::PlannerFaulted { .. } => ("planner_faulted", None),
        Input::ClearHolds => ("clear_holds", None),
        Input::SetHoldTimeout { .. } => ("set_hold_timeout", None),
        Input::ClearAssignments => ("clear_assignments", None),
        Input::Tick => ("tick", None),
    }
}

impl Pair {
    /// What an input meets in a run.
    fn of(scheduler: &Scheduler, input: &Input) -> Self {
        let (kind, task) = kind(input);
        let stage = match scheduler.run_state() {
            RunState::Created => Stage::Created,
            RunState::Ready => Stage::Ready,
            RunState::Executing => Stage::Executing,
            RunState::Paused => Stage::Paused,
            RunState::Completed | RunState::PartiallyFailed | RunState::Failed | RunState::Cancelled => {
                Stage::Ended
            }
        };
        let graph = scheduler.graph();
        let subject = match task {
            None => Subject::Nobody,
            Some(task) => graph.find(task).map_or(Subject::Unknown, |task| match graph.state(task) {
                TaskState::Pending => Subject::Pending,
                TaskState::Running { .. } => Subject::Running,
                TaskState::Completed => Subject::Completed,
                TaskState::Failed => Subject::Failed,
                TaskState::Cancelled => Subject::Cancelled,
                TaskState::Skipped => Subject::Skipped,
            }),
        };
        Self { input: kind, stage, subject }
    }

    /// Every pair, possible or not.
    pub fn all() -> impl Iterator<Item = Self> {
        let plain = PLAIN.iter().map(|input| (*input, &[Subject::Nobody][..]));
        let about = ABOUT_TASKS.iter().map(|input| (*input, &SUBJECTS[..]));
        plain.chain(about).flat_map(|(input, subjects)| {
            let stages = STAGES.into_iter();
            stages.flat_map(move |stage| {
                subjects.iter().map(move |subject| Self { input, stage, subject: *subject })
            })
        })
    }

    /// Why there is no such pair, if there is none.
    #[must_use]
    pub fn impossible(self) -> Option<&'static str> {
        match (self.stage, self.subject, self.input) {
            (Stage::Created | Stage::Ready, Subject::Running | Subject::Completed | Subject::Failed, _) => {
                Some("nothing runs before the start")
            }
            (Stage::Ended, Subject::Pending | Subject::Running, _) => {
                Some("a run ends when all of its tasks have ended")
            }
            (Stage::Ended, _, "taken_over") => Some("nobody takes a run over that has ended"),
            _ => None,
        }
    }
}

/// How often each kind of input met each state.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Coverage {
    hits: BTreeMap<Pair, u64>,
}

impl Coverage {
    pub(crate) fn note(&mut self, scheduler: &Scheduler, input: &Input) {
        *self.hits.entry(Pair::of(scheduler, input)).or_default() += 1;
    }

    pub(crate) fn total(&self) -> u64 {
        self.hits.values().sum()
    }

    /// Adds what another one counted.
    pub fn add(&mut self, other: &Self) {
        for (pair, hits) in &other.hits {
            *self.hits.entry(*pair).or_default() += hits;
        }
    }

    /// How often a pair came up.
    #[must_use]
    pub fn hits(&self, pair: Pair) -> u64 {
        self.hits.get(&pair).copied().unwrap_or_default()
    }

    /// Possible pairs that never came up.
    #[must_use]
    pub fn missing(&self) -> Vec<Pair> {
        Pair::all().filter(|pair| pair.impossible().is_none() && self.hits(*pair) == 0).collect()
    }

    /// Pairs that came up although they are said to be impossible.
    #[must_use]
    pub fn surprising(&self) -> Vec<Pair> {
        self.hits.keys().copied().filter(|pair| pair.impossible().is_some()).collect()
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input, stage, subject } = self;
        write!(f, "{input} meets a run that is {stage}")?;
        match subject {
            Subject::Nobody => Ok(()),
            subject => write!(f, " and a task that is {subject}"),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Created => "created",
            Self::Ready => "ready",
            Self::Executing => "executing",
            Self::Paused => "paused",
            Self::Ended => "ended",
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nobody => "",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        })
    }
}

/// A table: kinds of inputs and states of their tasks downwards, states of the run to the right. What is impossible
/// is a dash.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<17} {:<9}", "input", "task")?;
        for stage in STAGES {
            write!(f, " {stage:>10}")?;
        }
        let mut row = None;
        let mut pairs: Vec<Pair> = Pair::all().collect();
        pairs.sort_by_key(|pair| {
            (
                PLAIN.iter().chain(&ABOUT_TASKS).position(|input| *input == pair.input),
                pair.subject,
                pair.stage,
            )
        });
        for pair in pairs {
            if row.replace((pair.input, pair.subject)) != Some((pair.input, pair.subject)) {
                write!(f, "\n{:<17} {:<9}", pair.input, pair.subject)?;
            }
            match (self.hits(pair), pair.impossible()) {
                (0, Some(_)) => write!(f, " {:>10}", "-")?,
                (hits, _) => write!(f, " {hits:>10}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_listed_once_and_missed_until_it_comes_up() {
        let all: Vec<Pair> = Pair::all().collect();
        assert_eq!(all.len(), 5 * (PLAIN.len() + ABOUT_TASKS.len() * SUBJECTS.len()));
        let mut coverage = Coverage::default();
        let possible = all.iter().filter(|pair| pair.impossible().is_none()).count();
        assert_eq!(coverage.missing().len(), possible);
        let pair = Pair { input: "pause", stage: Stage::Executing, subject: Subject::Nobody };
        coverage.hits.insert(pair, 2);
        assert_eq!((coverage.missing().len(), coverage.hits(pair)), (possible - 1, 2));
        let mut both = coverage.clone();
        both.add(&coverage);
        assert_eq!((both.hits(pair), both.surprising()), (4, Vec::new()));
        let table = both.to_string();
        assert!(table.lines().any(|line| line.starts_with("pause ") && line.contains(" 4")), "{table}");
    }
}
