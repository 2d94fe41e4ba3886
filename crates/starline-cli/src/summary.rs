//! The end of a run: for programs one object, for people a few lines.

use std::collections::BTreeMap;

use serde::Serialize;
use starline::types::{DeviceId, Millis, Reading, RunOutcome, RunState, TaskId, TaskResult, Value};

use crate::attempts::{Attempts, DeviceUse, Parallel};
use crate::edits::Edits;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::line::{counted, shortened, skip_reason, span};
use crate::output::Output;
use crate::paint::{Tone, paint, printable};
use crate::records::Records;

/// Tasks of one kind that are listed at most.
const LISTED: usize = 20;
/// Last lines shown of what a failed task wrote.
const LAST_LINES: usize = 5;

/// How a run ended, with what only the command line knows.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    /// The outcome, as the library gives it.
    #[serde(flatten)]
    pub(crate) outcome: RunOutcome,
    /// How much went on at the same time.
    pub(crate) parallel: Parallel,
    /// What each device did.
    pub(crate) devices: BTreeMap<DeviceId, DeviceUse>,
    /// What was edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) edits: Option<Edits>,
    /// Whether times are virtual.
    pub(crate) simulated: bool,
    /// The folder with the files of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) folder: Option<String>,
    /// Something other than the run went wrong, and was told.
    #[serde(skip)]
    pub(crate) fault: Option<Exit>,
}

impl Summary {
    /// A summary of an outcome.
    pub(crate) fn new(outcome: RunOutcome, attempts: Attempts, simulated: bool) -> Self {
        let parallel = attempts.parallel(outcome.duration_ms);
        let devices = attempts.finish(outcome.duration_ms);
        Self { outcome, parallel, devices, edits: None, simulated, folder: None, fault: None }
    }

    /// The same summary, kept with the records of the run.
    pub(crate) fn kept(mut self, records: Records, output: &Output) -> Self {
        let failures;
        (self, failures) = self.kept_with(records);
        failures.iter().for_each(|failure| output.error(&failure.to_string()));
        self
    }

    /// The same summary, kept with the records of the run, and what could not be kept.
    pub(crate) fn kept_with(mut self, records: Records) -> (Self, Vec<Failure>) {
        self.folder = records.folder().map(|folder| folder.display().to_string());
        self.edits = records.edits();
        let failures = records.finish(&self);
        if let Some(failure) = failures.first() {
            self.fault = Some(failure.exit());
        }
        (self, failures)
    }

    /// What the exit code says.
    pub(crate) fn exit(&self) -> Exit {
        match Exit::from(self.outcome.status) {
            // Nobody can rely on what is told about the run.
            _ if self.fault == Some(Exit::Journal) => Exit::Journal,
            Exit::Done => self.fault.unwrap_or(Exit::Done),
            exit => exit,
        }
    }

    /// Writes the end of a run: for programs or for people.
    pub(crate) fn write(&self, output: &Output) {
        if output.is_json() {
            output.object(self);
        } else {
            self.show(output);
        }
        output.flush();
    }

    /// Writes the summary for people.
    fn show(&self, output: &Output) {
        let coloured = output.result_colour();
        output.result(&self.headline(coloured));
        if output.is_quiet() {
            return;
        }
        self.show_devices(output);
        let Parallel { average, peak } = self.parallel;
        output.result(&format!("parallel   {average:.1} attempts at a time, {peak} at most"));
        if let Some(edits) = &self.edits {
            edits.show(output);
        }
        let of = |status| self.outcome.results.iter().filter(move |(_, result)| result.status == status);
        listed(output, of(Reading::Failed), |output, (id, result)| {
            show_failure(output, id, result, coloured);
        });
        listed(output, of(Reading::Skipped), |output, (id, result)| {
            let reason = result.skip_reason.map(skip_reason).unwrap_or_default();
            output.result(&format!("{}  {id}: {reason}", paint("skipped  ", Tone::Attention, coloured)));
        });
        if !self.outcome.unconfirmed.is_empty() {
            let ids: Vec<_> = self.outcome.unconfirmed.iter().map(TaskId::as_str).collect();
            let word = paint("doubtful ", Tone::Bad, coloured);
            output.result(&format!("{word}  may still be running: {}", ids.join(", ")));
        }
        if let Some(folder) = &self.folder {
            let folder = printable(folder);
            output.result(&format!("files      {folder}"));
        }
    }

    fn headline(&self, coloured: bool) -> String {
        let outcome = &self.outcome;
        let tone = match outcome.status {
            RunState::Completed => Tone::Good,
            RunState::Cancelled => Tone::Attention,
            _ => Tone::Bad,
        };
        let clock = if self.simulated { "virtual time" } else { "makespan" };
        let reason = outcome.reason.as_deref().filter(|reason| *reason != outcome.status.as_str());
        let reason = reason.map(|reason| format!(" ({})", shortened(reason)));
        format!(
            "run {} {}{}: {clock} {}, {}",
            outcome.run_id,
            paint(outcome.status.as_str(), tone, coloured),
            reason.unwrap_or_default(),
            span(outcome.duration_ms),
            counted(outcome.total_tasks, &outcome.counts)
        )
    }

    fn show_devices(&self, output: &Output) {
        let widest = self.devices.keys().map(|id| id.as_str().len()).max().unwrap_or(0);
        for (id, device) in &self.devices {
            let (attempts, busy) = (device.attempts, span(device.busy_ms));
            let word = if attempts == 1 { "attempt" } else { "attempts" };
            // A device without a limit of its own has no share that would say anything.
            let share = device.slots.zip(device.utilisation).map(|(slots, utilisation)| {
                let word = if slots == 1 { "slot" } else { "slots" };
                format!(", {:.0} % of {slots} {word}", utilisation * 100.0)
            });
            let share = share.unwrap_or_default();
            output.result(&format!("device     {id:<widest$}  {attempts} {word}, busy {busy}{share}"));
        }
    }
}

fn listed<'r, T>(output: &Output, items: impl Iterator<Item = T> + 'r, mut show: impl FnMut(&Output, T)) {
    let mut more = 0_usize;
    for (at, item) in items.enumerate() {
        if at < LISTED {
            show(output, item);
        } else {
            more += 1;
        }
    }
    if more > 0 {
        output.result(&format!("           and {more} more"));
    }
}

fn show_failure(output: &Output, id: &TaskId, result: &TaskResult, coloured: bool) {
    let device = result.device.as_ref().map(|device| format!(" on {device}")).unwrap_or_default();
    let attempts =
        if result.attempts > 1 { format!(" in {} attempts", result.attempts) } else { String::new() };
    let duration = result.duration_ms.filter(|ms| *ms > Millis::ZERO);
    let duration = duration.map(|ms| format!(" after {}", span(ms))).unwrap_or_default();
    let error = result.error.as_ref().map(|error| format!("{}: {}", error.kind, shortened(&error.message)));
    let word = paint("failed   ", Tone::Bad, coloured);
    output.result(&format!("{word}  {id}{device}{attempts}{duration}: {}", error.unwrap_or_default()));
    for line in last_lines(&result.result) {
        output.result(&format!("           | {}", shortened(line)));
    }
}

/// The end of what a task wrote: to its standard error, or else to its standard output.
fn last_lines(result: &Value) -> Vec<&str> {
    let written = |stream: &str| {
        let text = result.get(stream).and_then(Value::as_str).unwrap_or_default();
        text.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>()
    };
    let lines =
        Some(written("stderr")).filter(|lines| !lines.is_empty()).unwrap_or_else(|| written("stdout"));
    let first = lines.len().saturating_sub(LAST_LINES);
    lines[first..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_end_of_the_output_explains_a_failure() {
        let result = json!({"stdout": "a\nb\n", "stderr": "1\n2\n\n3\n4\n5\n6\n"});
        assert_eq!(last_lines(&result), ["2", "3", "4", "5", "6"]);
        assert_eq!(last_lines(&json!({"stdout": "a\n", "stderr": ""})), ["a"]);
        assert!(last_lines(&Value::Null).is_empty());
    }
}
