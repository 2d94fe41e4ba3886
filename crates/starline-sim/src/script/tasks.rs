//! Task lines: the task, the edges into it, and what its attempts do.

use std::sync::Arc;

use starline_types::{
    ApprovalGate, ApprovalTimeout, Compensation, Dependency, DependencyKind, DeviceId, DeviceSelector,
    ErrorKind, Jitter, Millis, OutputSource, OutputSpec, OutputType, Payload, Priority, RetryPolicy, Shell,
    TaskError, TaskId, TaskReport, TaskSpec, Value,
};

use super::parse::{duration, number};
use super::words::Word;
use crate::Work;

type Read<T> = Result<T, String>;

/// What a line says about the attempts of its task.
#[derive(Debug, Default)]
struct Told {
    takes: Option<Millis>,
    forever: bool,
    result: Option<Value>,
    fails: u32,
    error: Option<ErrorKind>,
    final_error: bool,
    refused: u32,
    refuses: Option<u32>,
    stops: Option<Option<Millis>>,
}

/// Tasks, the edges into them, and what their attempts do.
#[derive(Debug, Default)]
pub(super) struct TaskLines {
    pub(super) tasks: Vec<TaskSpec>,
    pub(super) edges: Vec<Dependency>,
    pub(super) works: Vec<(String, Vec<Work>)>,
    pub(super) assignments: Vec<(TaskId, DeviceId)>,
}

impl TaskLines {
    pub(super) fn read_task(&mut self, words: &[Word]) -> Read<()> {
        let (id, rest) = words.split_first().ok_or("a task needs an id")?;
        let mut task = TaskSpec::new(task_id(&id.text)?, Payload::Noop);
        let mut told = Told::default();
        for Word { name, text } in rest {
            let name = name.as_deref().unwrap_or(text);
            let known = self.read_edge(&task.id, name, text)?
                || told.read(name, text)?
                || read_device(&mut task, name, text)?
                || read_retry(&mut task, name, text)?
                || read_field(&mut task, name, text)?;
            if !known && name == "assigned" {
                self.assignments.push((task.id.clone(), device_id(text)?));
            } else if !known && name != "description" {
                return Err(format!("a task has no {name}"));
            }
        }
        self.works.push((task.id.to_string(), told.works()));
        self.tasks.push(task);
        Ok(())
    }

    fn read_edge(&mut self, to: &TaskId, name: &str, text: &str) -> Read<bool> {
        let kind = match name {
            "after" => DependencyKind::Success,
            "after-failure" => DependencyKind::Failure,
            "after-completion" => DependencyKind::Completion,
            "when" => {
                let (from, condition) = text.split_once(':').ok_or("when=SOURCE:'condition'")?;
                let kind = DependencyKind::When(condition.into());
                self.edges.push(Dependency::success(task_id(from)?, to.clone()).with_kind(kind));
                return Ok(true);
            }
            _ => return Ok(false),
        };
        for from in text.split(',') {
            self.edges.push(Dependency::success(task_id(from)?, to.clone()).with_kind(kind.clone()));
        }
        Ok(true)
    }
}

impl Told {
    fn read(&mut self, name: &str, text: &str) -> Read<bool> {
        match name {
            "takes" => self.takes = Some(duration(text)?),
            "forever" => self.forever = true,
            "result" => {
                let value = serde_json::from_str(text);
                self.result = Some(value.map_err(|error| format!("result is no JSON: {error}"))?);
            }
            "fails" => self.fails = number(text)?,
            "error" => self.error = Some(ErrorKind::from(smol(text))),
            "final" => self.final_error = true,
            "refused" => self.refused = number(text)?,
            "refuses" => self.refuses = Some(number(text)?),
            "stops" => self.stops = Some(if text == "never" { None } else { Some(duration(text)?) }),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What the attempts do, one after the other: first refusals, then failures, then success.
    fn works(&self) -> Vec<Work> {
        let mut work = Work::lasting(self.takes.unwrap_or_default());
        if self.forever {
            work.takes = None;
        }
        if let Some(stops) = self.stops {
            (work.polite, work.forced) = (stops, stops);
        }
        let kind = self.error.clone().unwrap_or(ErrorKind::DeviceError);
        let mut error = TaskError::new(kind, "the work failed");
        error.retryable = self.final_error.then_some(false);
        let failed = work.clone().reporting(TaskReport::failed(error));
        let refused = Work { refused: true, ..work.clone() };
        let done = work.reporting(TaskReport::completed(self.result.clone().unwrap_or_default()));
        let mut works = vec![refused; self.refused as usize];
        works.extend(vec![failed; self.fails as usize]);
        works.push(done.clone());
        if let Some(nth) = self.refuses {
            // One attempt in the midst of others.
            works.resize(works.len().max(nth as usize), done.clone());
            if let Some(work) = works.get_mut((nth as usize).saturating_sub(1)) {
                work.refused = true;
            }
            works.push(done);
        }
        works
    }
}

fn read_device(task: &mut TaskSpec, name: &str, text: &str) -> Read<bool> {
    let mut selector = task.device.as_deref().cloned().unwrap_or_default();
    let DeviceSelector { on, os, needs, prefer, .. } = &mut selector;
    match name {
        "on" => *on = Some(device_id(text)?),
        "prefer" => *prefer = Some(device_id(text)?),
        "os" => *os = Some(text.into()),
        "needs" => *needs = text.split(',').map(Into::into).collect(),
        _ => return Ok(false),
    }
    task.device = Some(Arc::new(selector));
    Ok(true)
}

fn read_retry(task: &mut TaskSpec, name: &str, text: &str) -> Read<bool> {
    let mut policy = task.retry_policy().clone();
    match name {
        "retry" => policy.max = number(text)?,
        "base" => policy.base = duration(text)?,
        "factor" => policy.factor = number(text)?,
        "cap" => policy.cap = duration(text)?,
        "lost_max" => policy.lost_max = number(text)?,
        "non_retryable" => {
            policy.non_retryable = text.split(',').map(|kind| ErrorKind::from(smol(kind))).collect();
        }
        "jitter" => {
            policy.jitter = match text {
                "none" => Jitter::None,
                "full" => Jitter::Full,
                other => return Err(format!("jitter is none or full, not {other:?}")),
            }
        }
        _ => return Ok(false),
    }
    task.retry = Some(Arc::new(RetryPolicy { ..policy }));
    Ok(true)
}

fn read_field(task: &mut TaskSpec, name: &str, text: &str) -> Read<bool> {
    match name {
        "priority" => {
            let value = text.parse().ok().and_then(Priority::new).or_else(|| Priority::from_name(text));
            task.priority = value.ok_or_else(|| format!("{text:?} is no priority"))?;
        }
        "queue_timeout" => task.queue_timeout = Some(duration(text)?),
        "run_timeout" => task.run_timeout = if text == "none" { None } else { Some(duration(text)?) },
        "idempotent" => task.idempotent = true,
        "gate" => {
            let (limit, means) = text.split_once(':').unwrap_or((text, "reject"));
            let on_timeout = match means {
                "reject" => ApprovalTimeout::Reject,
                "approve" => ApprovalTimeout::Approve,
                other => return Err(format!("a gate times out to reject or approve, not {other:?}")),
            };
            let timeout = if limit == "none" { None } else { Some(duration(limit)?) };
            let gate = ApprovalGate { prompt: format!("May {} run?", task.id), timeout, on_timeout };
            Arc::make_mut(task.details.get_or_insert_default()).approval = Some(gate);
        }
        "compensate" => {
            let shell = Shell { script: text.to_owned(), ..Shell::default() };
            let undo = Compensation { run: Payload::Sh(Arc::new(shell)) };
            Arc::make_mut(task.details.get_or_insert_default()).compensate = Some(undo);
        }
        "sh" => task.run = Payload::Sh(Arc::new(Shell { script: text.to_owned(), ..Shell::default() })),
        "outputs" => {
            for output in text.split(',') {
                let [name, from, kind] = output.split(':').collect::<Vec<_>>()[..] else {
                    return Err("outputs=name:from:type".into());
                };
                let from = OutputSource::try_from(smol(from))?;
                let kind = match kind {
                    "string" => OutputType::String,
                    "integer" => OutputType::Integer,
                    "number" => OutputType::Number,
                    "boolean" => OutputType::Boolean,
                    "json" => OutputType::Json,
                    other => return Err(format!("unknown type {other:?}")),
                };
                task.outputs.insert(name.to_owned(), OutputSpec { from, kind });
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn smol(text: &str) -> smol_str::SmolStr {
    smol_str::SmolStr::new(text)
}

pub(super) fn task_id(text: &str) -> Read<TaskId> {
    TaskId::new(text).map_err(|error| error.to_string())
}

fn device_id(text: &str) -> Read<DeviceId> {
    DeviceId::new(text).map_err(|error| error.to_string())
}
