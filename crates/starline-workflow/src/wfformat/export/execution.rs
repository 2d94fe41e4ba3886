//! The section `execution`.

use starline_types::{Payload, Priority, RunOutcome, TaskSpec, Value};

use super::super::Warnings;
use super::super::execution::{millis, priority};
use super::super::kept::{MACHINES, MEASURES, of_task};
use super::super::machines::{CORES, MEMORY};
use super::record::{Command, ExecutedTask, Execution};
use super::{Source, UNKNOWN_START, attempted, metrics, moment, seconds};
use crate::literal::plain;

impl<'a> Source<'a> {
    /// What was executed; `None` if nothing was, and nothing was recorded or estimated.
    pub(super) fn execution(&'a self, warnings: &mut Warnings) -> Option<Execution<'a>> {
        let tasks: Vec<ExecutedTask<'a>> = match self.outcome {
            Some(outcome) => self.measured(outcome, warnings),
            None => self.estimated(warnings),
        };
        if tasks.is_empty() {
            return None;
        }
        let (makespan, start) = match self.outcome {
            Some(outcome) => {
                (Value::from(seconds(outcome.duration_ms.0)), outcome.started_at.and_then(moment))
            }
            None => {
                let recorded = self.kept.value("makespanInSeconds").filter(|value| value.is_number());
                let makespan = recorded.cloned().unwrap_or_else(|| self.longest_path());
                (makespan, self.words("executedAt").map(str::to_owned))
            }
        };
        let metrics = metrics::of_execution(self, &tasks);
        Some(Execution {
            makespan_in_seconds: makespan,
            executed_at: start.unwrap_or_else(|| UNKNOWN_START.to_owned()),
            tasks,
            machines: &self.machines.listed,
            metrics,
        })
    }

    /// Tasks that had an attempt, as measured.
    fn measured(&'a self, outcome: &'a RunOutcome, warnings: &mut Warnings) -> Vec<ExecutedTask<'a>> {
        let mut tasks = Vec::new();
        for (at, task) in self.graph.tasks.iter().enumerate() {
            let Some(result) = attempted(outcome, &task.id) else {
                let message = format!("task {} had no attempt", task.id);
                warnings.add("not_executed", format!("/workflow/specification/tasks/{at}"), message);
                continue;
            };
            let passed = result.started_at.zip(result.finished_at).map(|(from, to)| to.saturating_sub(from));
            let duration = result.duration_ms.map(|span| span.0).or(passed).unwrap_or_default();
            let device = result.device.as_ref().map(|device| self.machines.name(device));
            let place = tasks.len();
            tasks.push(ExecutedTask {
                runtime_in_seconds: Value::from(seconds(duration)),
                executed_at: result.started_at.and_then(moment),
                machines: device.into_iter().collect(),
                ..self.executed(at, task, place, warnings)
            });
        }
        tasks
    }

    /// Tasks as recorded, or as estimated if there is no record.
    fn estimated(&'a self, warnings: &mut Warnings) -> Vec<ExecutedTask<'a>> {
        let duration = |task: &TaskSpec| task.estimate.as_ref().and_then(|estimate| estimate.duration);
        let recorded = ["makespanInSeconds", "executedAt"].iter().any(|name| self.kept.value(name).is_some());
        let known = self.graph.tasks.iter().any(|task| duration(task).is_some_and(|span| span.0 > 0));
        let mut tasks = Vec::new();
        if !recorded && !known {
            return tasks;
        }
        if !recorded {
            let message = "nothing was executed: run times are estimates, the makespan is the longest path";
            warnings.add("estimates_only", "/workflow/execution".to_owned(), message.to_owned());
        }
        for (at, task) in self.graph.tasks.iter().enumerate() {
            let Some(duration) = duration(task) else { continue };
            let exact = kept_number(task, "runtimeInSeconds", |seconds| millis(seconds) == duration);
            let mut measures = serde_json::Map::new();
            for name in MEASURES {
                let value = of_task(task, name).filter(|value| match name {
                    "executedAt" => value.as_str().is_some_and(|text| !text.is_empty()),
                    "metrics" => true,
                    _ => value.is_number(),
                });
                measures.extend(value.map(|value| (name.to_owned(), value.clone())));
            }
            let place = tasks.len();
            tasks.push(ExecutedTask {
                runtime_in_seconds: exact.unwrap_or_else(|| Value::from(seconds(duration.0))),
                machines: self.wanted_machines(task),
                measures,
                ..self.executed(at, task, place, warnings)
            });
        }
        tasks
    }

    /// What does not depend on how the task went.
    fn executed(
        &'a self,
        at: usize,
        task: &'a TaskSpec,
        place: usize,
        warnings: &mut Warnings,
    ) -> ExecutedTask<'a> {
        let amount = |name: &str, field: &str, least: u64| {
            let amount = *task.device.as_ref()?.resources.0.get(name)?;
            let exact =
                kept_number(task, field, |number| number >= least as f64 && number.ceil() as u64 == amount);
            exact.or_else(|| (amount >= least).then(|| Value::from(amount)))
        };
        let urgency = task.priority;
        let exact = kept_number(task, "priority", |number| priority(number) == Some(urgency));
        let usual = urgency == Priority::default();
        ExecutedTask {
            id: self.ids.of(at),
            runtime_in_seconds: Value::Null,
            executed_at: None,
            command: command(task, &format!("/workflow/execution/tasks/{place}"), warnings),
            core_count: amount(CORES, "coreCount", 1),
            memory_in_bytes: amount(MEMORY, "memoryInBytes", 0),
            priority: exact.or_else(|| (!usual).then(|| Value::from(urgency.value()))),
            machines: Vec::new(),
            measures: serde_json::Map::new(),
        }
    }

    /// The machines of a record, as long as the task still asks for the first of them.
    fn wanted_machines(&'a self, task: &'a TaskSpec) -> Vec<&'a str> {
        let Some(device) = task.pin().or_else(|| task.preference()) else { return Vec::new() };
        let name = self.machines.name(device);
        let recorded: Vec<&str> = self.kept.texts(MACHINES, task.id.as_str()).collect();
        if recorded.first() == Some(&name) { recorded } else { vec![name] }
    }

    fn longest_path(&self) -> Value {
        let duration = |at: usize| {
            let estimate = self.graph.tasks[at].estimate.as_ref();
            estimate.and_then(|estimate| estimate.duration).map_or(0, |span| span.0)
        };
        Value::from(seconds(self.links.longest(duration).into_iter().max().unwrap_or_default()))
    }
}

/// A recorded number that was rounded, as long as it still stands for what the task says.
fn kept_number(task: &TaskSpec, name: &str, fits: impl Fn(f64) -> bool) -> Option<Value> {
    of_task(task, name).filter(|value| value.as_f64().is_some_and(fits)).cloned()
}

/// What a task starts, as far as it is a command.
fn command(task: &TaskSpec, pointer: &str, warnings: &mut Warnings) -> Option<Command> {
    let words: Vec<String> = match &task.run {
        Payload::Noop => return None,
        Payload::Sleep(span) => vec!["sleep".to_owned(), span.as_secs_f64().to_string()],
        Payload::Sh(shell) => vec!["sh".to_owned(), "-c".to_owned(), shell.script.clone()],
        Payload::Exec(exec) => exec.argv.iter().map(|word| plain(word)).collect(),
        Payload::Prompt(_) | Payload::Call { .. } => {
            let message = format!("task {} is a {}, which is no command", task.id, task.run.kind());
            warnings.add("command_lost", pointer.to_owned(), message);
            return None;
        }
    };
    let empty = words.iter().skip(1).filter(|word| word.is_empty()).count();
    if empty > 0 {
        let message = format!("task {} has empty arguments, which are left out ({empty})", task.id);
        warnings.add("field_lost", format!("{pointer}/command/arguments"), message);
    }
    let mut words = words.into_iter();
    let program = words.next().filter(|program| !program.is_empty())?;
    Some(Command { program, arguments: words.filter(|word| !word.is_empty()).collect() })
}
