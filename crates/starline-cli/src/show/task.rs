//! One task of a run, with everything that is known about it.

use std::sync::Arc;

use serde_json::{Value, json};
use starline::edit::nearest;
use starline::report::{Approval, AttemptHistory, Cause, TaskHistory};
use starline::types::{Artifact, Outputs, TaskId, TaskResult, TaskSpec};
use starline::workflow::task_to_yaml;

use super::run::edge_word;
use super::{course, tone, word};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::line::{clock, shortened, skip_reason, span};
use crate::output::Output;
use crate::paint::{Tone, paint, printable};
use crate::past::Past;

/// Characters of a value that are shown.
const VALUE: usize = 2_000;

/// A task of a run, as far as it is known.
struct Seen<'p> {
    past: &'p Past,
    spec: Arc<TaskSpec>,
    result: Option<&'p TaskResult>,
    history: Option<&'p TaskHistory>,
}

impl<'p> Seen<'p> {
    fn find(past: &'p Past, wanted: &str) -> Result<Self, Failure> {
        let id = TaskId::new(wanted).ok();
        let spec = id.as_ref().and_then(|id| {
            let now = past.graph.tasks.iter().find(|task| task.id == *id).cloned();
            // An edit may have taken it out.
            now.or_else(|| past.history.as_ref()?.task(id).map(|task| Arc::clone(&task.spec)))
        });
        let Some(spec) = spec else {
            let known = nearest(wanted, past.graph.tasks.iter().map(|task| task.id.as_str()));
            let message = format!("run {} has no task {wanted:?}", past.outcome.run_id);
            return Err(
                Failure::new(Exit::Invalid, "unknown_task", message).with_hint(format!("known are {known}"))
            );
        };
        let result = past.outcome.results.get(&spec.id);
        let history = past.history.as_ref().and_then(|history| history.task(&spec.id));
        Ok(Self { past, spec, result, history })
    }

    /// The lines of a workflow file that describe it.
    fn yaml(&self) -> Option<String> {
        task_to_yaml(&self.past.graph, &self.spec.id)
    }

    fn artifacts(&self) -> Vec<(&str, Artifact)> {
        let outputs = self.result.map(|result| &result.outputs);
        let outputs = outputs.into_iter().flat_map(Outputs::iter);
        outputs.filter_map(|(name, value)| Some((name.as_str(), Artifact::from_value(value)?))).collect()
    }

    fn causes(&self) -> Vec<String> {
        let Some(history) = &self.past.history else { return Vec::new() };
        let causes = history.causes(&self.spec.id);
        let told = |cause: &Cause| {
            let edge = cause.edge.as_ref().map(|edge| format!(" by {edge}")).unwrap_or_default();
            let text = if cause.text.is_empty() { String::new() } else { format!(": {}", cause.text) };
            format!("{} {}{edge}{text}", cause.task, cause.status)
        };
        causes.iter().map(told).collect()
    }
}

/// The task as one object.
///
/// # Errors
/// The run has no such task.
pub(crate) fn task_object(past: &Past, wanted: &str) -> Result<Value, Failure> {
    let seen = Seen::find(past, wanted)?;
    let origin = past.history.as_ref().map(|history| history.origin()).unwrap_or_default();
    let until = past.history.as_ref().map(|history| history.until()).unwrap_or_default();
    let attempts: Vec<Value> = seen
        .history
        .into_iter()
        .flat_map(|task| &task.attempts)
        .map(|attempt| {
            let (output, is_cut) = attempt.output.read();
            json!({
                "number": attempt.number,
                "device": attempt.device,
                "outcome": attempt.outcome.as_str(),
                "assigned_ms": attempt.assigned_at.since(origin),
                "duration_ms": attempt.duration(until),
                "error": attempt.error,
                "retry_delay_ms": attempt.retry.map(|retry| retry.delay),
                "output": if attempt.output.is_empty() { Value::Null } else { json!(output) },
                "output_is_cut": is_cut,
            })
        })
        .collect();
    let approvals = seen.history.into_iter().flat_map(|task| &task.approvals);
    let approvals: Vec<Value> = approvals
        .map(|approval| {
            let answer = approval.answer.as_ref();
            json!({
                "prompt": approval.prompt,
                "asked_ms": approval.asked.t.since(origin),
                "verdict": answer.map(|answer| answer.verdict.as_str()),
                "by": answer.and_then(|answer| answer.by.as_deref()),
            })
        })
        .collect();
    let artifacts: Vec<Value> = seen
        .artifacts()
        .into_iter()
        .map(|(output, artifact)| {
            json!({"output": output, "hash": artifact.hash, "bytes": artifact.bytes, "name": artifact.name})
        })
        .collect();
    Ok(json!({
        "run_id": past.outcome.run_id,
        "task": seen.spec.id,
        "spec": *seen.spec,
        "yaml": seen.yaml(),
        "status": seen.result.map(|result| result.status),
        "result": seen.result,
        "attempts": attempts,
        "approvals": approvals,
        "artifacts": artifacts,
        "causes": seen.causes(),
        "removed": seen.history.is_some_and(|task| task.removed),
    }))
}

/// Shows the task to a person.
///
/// # Errors
/// The run has no such task.
pub(crate) fn show_task(past: &Past, wanted: &str, output: &Output) -> Result<(), Failure> {
    let seen = Seen::find(past, wanted)?;
    let coloured = output.result_colour();
    let state = match seen.result {
        Some(result) => paint(&word(result.status), tone(result.status), coloured),
        None => paint("removed", Tone::Attention, coloured),
    };
    let course = seen.result.map(course).filter(|course| !course.is_empty());
    let course = course.map(|course| format!(" {course}")).unwrap_or_default();
    output.result(&format!("task {} of run {} {state}{course}", seen.spec.id, past.outcome.run_id));
    if output.is_quiet() {
        return Ok(());
    }
    show_edges(&seen, output);
    show_end(&seen, output);
    show_approvals(&seen, output);
    show_attempts(&seen, output);
    show_results(&seen, output);
    if let Some(yaml) = seen.yaml() {
        section("specification", output);
        yaml.lines().for_each(|line| output.result(&format!("  {}", printable(line))));
    }
    Ok(())
}

fn section(title: &str, output: &Output) {
    output.result(&format!("\n{title}"));
}

fn show_edges(seen: &Seen<'_>, output: &Output) {
    let graph = &seen.past.graph;
    let of =
        |id: &TaskId| seen.past.outcome.results.get(id).map(|result| word(result.status)).unwrap_or_default();
    for edge in graph.dependencies.iter().filter(|edge| edge.to == seen.spec.id) {
        output.result(&format!(
            "  after   {}: {} (it is {})",
            edge.from,
            edge_word(&edge.kind),
            of(&edge.from)
        ));
    }
    for edge in graph.dependencies.iter().filter(|edge| edge.from == seen.spec.id) {
        output.result(&format!("  before  {}: {} (it is {})", edge.to, edge_word(&edge.kind), of(&edge.to)));
    }
}

fn show_end(seen: &Seen<'_>, output: &Output) {
    let causes = seen.causes();
    if !causes.is_empty() {
        section("causes", output);
        causes.iter().for_each(|cause| output.result(&format!("  {}", shortened(cause))));
    } else if let Some(reason) = seen.result.and_then(|result| result.skip_reason) {
        section("causes", output);
        output.result(&format!("  {}", skip_reason(reason)));
    }
    if let Some(error) = seen.result.and_then(|result| result.error.as_ref()) {
        section("error", output);
        output.result(&format!("  {}: {}", error.kind, printable(&error.message)));
    }
}

fn show_approvals(seen: &Seen<'_>, output: &Output) {
    let approvals = seen.history.map(|task| task.approvals.as_slice()).unwrap_or_default();
    if approvals.is_empty() {
        return;
    }
    section("approvals", output);
    approvals.iter().for_each(|approval| output.result(&format!("  {}", approval_line(approval))));
}

fn approval_line(approval: &Approval) -> String {
    let answer = match &approval.answer {
        None => "not answered".to_owned(),
        Some(answer) => {
            let by = answer.by.as_ref().map(|by| format!(" by {}", shortened(by))).unwrap_or_default();
            format!("{}{by} after {}", answer.verdict.as_str(), span(answer.given.t.since(approval.asked.t)))
        }
    };
    let prompt =
        if approval.prompt.is_empty() { "(no words)".to_owned() } else { shortened(&approval.prompt) };
    format!("{prompt}  {answer}")
}

fn show_attempts(seen: &Seen<'_>, output: &Output) {
    let (Some(task), Some(history)) = (seen.history, &seen.past.history) else { return };
    if task.attempts.is_empty() {
        return;
    }
    section("attempts", output);
    for attempt in &task.attempts {
        let began = clock(attempt.assigned_at.since(history.origin()));
        let duration = span(attempt.duration(history.until()));
        let line = format!(
            "  {}  {} on {} at {began}, {duration}{}",
            attempt.number,
            attempt.outcome.as_str(),
            attempt.device,
            went_wrong(attempt)
        );
        output.result(&line);
        let (text, is_cut) = attempt.output.read();
        if !attempt.output.is_empty() {
            if is_cut {
                output.result("     | …");
            }
            text.lines().for_each(|line| output.result(&format!("     | {}", printable(line))));
        }
    }
}

fn went_wrong(attempt: &AttemptHistory) -> String {
    let error =
        attempt.error.as_ref().map(|error| format!(": {}: {}", error.kind, shortened(&error.message)));
    let retry = attempt.retry.map(|retry| format!("; retry {} after {}", retry.number, span(retry.delay)));
    format!("{}{}", error.unwrap_or_default(), retry.unwrap_or_default())
}

fn show_results(seen: &Seen<'_>, output: &Output) {
    let Some(result) = seen.result else { return };
    let plain = |(_, value): &(&String, &Value)| Artifact::from_value(value).is_none();
    let values: Vec<_> = result.outputs.iter().filter(plain).collect();
    if !values.is_empty() {
        section("outputs", output);
        for (name, value) in values {
            output.result(&format!("  {}: {}", printable(name), value_text(value)));
        }
    }
    for stream in ["stdout", "stderr"] {
        let text = result.result.get(stream).and_then(Value::as_str).unwrap_or_default();
        if !text.trim().is_empty() {
            section(stream, output);
            let (text, is_cut) = starline::report::Tail::of(text).read();
            if is_cut {
                output.result("  | …");
            }
            text.lines().for_each(|line| output.result(&format!("  | {}", printable(line))));
        }
    }
    let is_process = result.result.get("stdout").is_some();
    if !result.result.is_null() && !is_process {
        section("result", output);
        output.result(&format!("  {}", value_text(&result.result)));
    }
    let artifacts = seen.artifacts();
    if !artifacts.is_empty() {
        section("artifacts", output);
        for (name, artifact) in artifacts {
            let (bytes, file) = (artifact.bytes, printable(&artifact.name));
            output.result(&format!("  {}: {file}, {bytes} bytes, {}", printable(name), artifact.hash));
        }
    }
}

fn value_text(value: &Value) -> String {
    let text = value.to_string();
    let mut shown: String = text.chars().take(VALUE).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    printable(&shown)
}
