//! What a scenario expects.

use starline_scheduler::{Answer, Refusal};
use starline_synchronizer::Answered;
use starline_types::{Event, HoldId, OutcomeStatus, Payload};

use super::edits::hold;
use super::parse::number;
use super::words::Word;
use crate::Sim;

/// Something that should be so.
#[derive(Debug)]
pub(super) struct Expectation {
    run: usize,
    what: Kind,
}

#[derive(Debug)]
enum Kind {
    Run(String),
    Reading { task: String, reading: String, on: Option<String> },
    Attempts { task: String, attempts: u32 },
    Error { task: String, kind: String },
    Skip { task: String, reason: String },
    Sent { task: String, text: String },
    Device { device: usize, status: String },
    Facts { kind: String, count: usize },
    Counts(Vec<(String, u32)>),
    Revision(u64),
    Fault { edit: usize, code: String },
    Faults(usize),
    Pending { count: usize, tasks: Vec<String> },
    Hold { hold: HoldId, phase: String, triggers: Vec<String> },
    Modifications(Vec<(String, u64)>),
    Edges(Vec<String>),
    Tasks(Vec<String>),
    Done,
    Count(usize),
    Refused(String),
}

impl Expectation {
    pub(super) fn read(
        run: usize,
        words: &[Word],
        device: impl Fn(&str) -> Result<usize, String>,
    ) -> Result<Self, String> {
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let what = match texts[..] {
            ["run", state] => Kind::Run(state.to_owned()),
            ["run", state, cause] => Kind::Run(format!("{state} {cause}")),
            ["revision", number_] => Kind::Revision(number(number_)?),
            ["fault", edit, code] => Kind::Fault { edit: number(edit)?, code: code.to_owned() },
            ["faults", count] => Kind::Faults(number(count)?),
            ["pending", count] => Kind::Pending { count: number(count)?, tasks: Vec::new() },
            ["pending", count, tasks] => Kind::Pending { count: number(count)?, tasks: list(tasks) },
            ["hold", id, phase] => {
                Kind::Hold { hold: hold(id)?, phase: phase.to_owned(), triggers: Vec::new() }
            }
            ["hold", id, phase, tasks] => {
                Kind::Hold { hold: hold(id)?, phase: phase.to_owned(), triggers: list(tasks) }
            }
            ["modifications", ..] => {
                let counts = words[1..].iter().map(|word| {
                    let name = word.name.clone().ok_or("figures are written name=number")?;
                    Ok((name, number(&word.text)?))
                });
                Kind::Modifications(counts.collect::<Result<_, String>>()?)
            }
            ["edges", ..] => Kind::Edges(texts[1..].iter().map(|text| (*text).to_owned()).collect()),
            ["tasks", ..] => Kind::Tasks(texts[1..].iter().map(|text| (*text).to_owned()).collect()),
            ["done"] => Kind::Done,
            ["count", count] => Kind::Count(number(count)?),
            ["refused", code] => Kind::Refused(code.to_owned()),
            ["device", id, status] => Kind::Device { device: device(id)?, status: status.to_owned() },
            ["facts", kind, count] => Kind::Facts { kind: kind.to_owned(), count: number(count)? },
            ["counts", ..] => {
                let counts = words[1..].iter().map(|word| {
                    let name = word.name.clone().ok_or("counts are written state=number")?;
                    Ok((name, number(&word.text)?))
                });
                Kind::Counts(counts.collect::<Result<_, String>>()?)
            }
            [task, "attempts", count] => Kind::Attempts { task: task.to_owned(), attempts: number(count)? },
            [task, "error", kind] => Kind::Error { task: task.to_owned(), kind: kind.to_owned() },
            [task, "skip", reason] => Kind::Skip { task: task.to_owned(), reason: reason.to_owned() },
            [task, "sent", text] => Kind::Sent { task: task.to_owned(), text: text.to_owned() },
            [task, reading] => Kind::Reading { task: task.to_owned(), reading: reading.to_owned(), on: None },
            [task, reading, "on", device] => {
                let on = Some(device.to_owned());
                Kind::Reading { task: task.to_owned(), reading: reading.to_owned(), on }
            }
            _ => return Err(format!("cannot expect {:?}", texts.join(" "))),
        };
        Ok(Self { run, what })
    }

    /// What is so instead, if it is not as expected.
    pub(super) fn judge(&self, sim: &mut Sim) -> Result<(), String> {
        let (wanted, found) = match &self.what {
            Kind::Run(state) => (state.clone(), self.run_state(sim)),
            Kind::Reading { task, reading, on } => {
                let found = sim.reading(self.run, task).map_or_else(|| "unknown".to_owned(), word);
                let device = sim.whereabouts(self.run, task).and_then(|(device, _)| device);
                match on {
                    None => (reading.clone(), found),
                    Some(on) => {
                        let device = device.map_or_else(|| "nowhere".to_owned(), |device| device.to_string());
                        (format!("{reading} on {on}"), format!("{found} on {device}"))
                    }
                }
            }
            Kind::Attempts { task, attempts } => {
                let found = sim.whereabouts(self.run, task).map_or(0, |(_, attempts)| attempts);
                (attempts.to_string(), found.to_string())
            }
            Kind::Error { task, kind } => {
                let found = outcome(sim, self.run, task).and_then(|outcome| outcome.error);
                (kind.clone(), found.map_or_else(|| "no error".to_owned(), |error| error.kind.to_string()))
            }
            Kind::Skip { task, reason } => (reason.clone(), self.skip_reason(sim, task)),
            Kind::Sent { task, text } => {
                let found = match sim.sent(self.run, task) {
                    Some(Payload::Sh(shell)) => shell.script.clone(),
                    Some(other) => other.kind().to_owned(),
                    None => "nothing".to_owned(),
                };
                (text.clone(), found)
            }
            Kind::Device { device, status } => {
                let found = sim.device_status(*device);
                (status.clone(), found.map_or_else(|| "unknown".to_owned(), |status| status.to_string()))
            }
            Kind::Facts { kind, count } => {
                let facts = sim.journal(self.run).iter();
                let found = facts.filter(|fact| fact.event.kind().as_str() == kind).count();
                (count.to_string(), found.to_string())
            }
            Kind::Counts(counts) => {
                let mut wanted = counts.clone();
                wanted.sort();
                let state = sim.scheduler(self.run).map(|scheduler| scheduler.graph().counts());
                let mut found: Vec<(String, u32)> = state
                    .iter()
                    .flat_map(|counts| counts.occurring())
                    .map(|(state, count)| (state.to_owned(), count))
                    .collect();
                found.sort();
                (format!("{wanted:?}"), format!("{found:?}"))
            }
            Kind::Revision(revision) => {
                let found = sim.scheduler(self.run).map(|scheduler| scheduler.revision().0);
                (format!("{:?}", Some(revision)), format!("{found:?}"))
            }
            Kind::Fault { edit, code } => {
                let found: Vec<String> = faults(sim);
                let wanted = format!("{edit}:{code}");
                if found.contains(&wanted) {
                    return Ok(());
                }
                (wanted, format!("{found:?}, {}", answer(sim)))
            }
            Kind::Faults(count) => (count.to_string(), faults(sim).len().to_string()),
            Kind::Pending { count, tasks } => {
                let found = pending(sim, self.run);
                let tasks = if tasks.is_empty() { &found } else { tasks };
                (format!("{count} {tasks:?}"), format!("{} {found:?}", found.len()))
            }
            Kind::Hold { hold, phase, triggers } => {
                let found = hold_state(sim, self.run, *hold);
                let wanted = (phase.clone(), triggers.clone());
                let found = if triggers.is_empty() { (found.0, Vec::new()) } else { found };
                (format!("{wanted:?}"), format!("{found:?}"))
            }
            Kind::Modifications(wanted) => {
                let found = sim.scheduler(self.run).map(|scheduler| scheduler.synchronizer().statistics());
                let found = found.unwrap_or_default();
                let found = wanted.iter().map(|(name, _)| {
                    let figure = match name.as_str() {
                        "total" => found.total_modifications,
                        "completed" => found.completed_modifications,
                        "timeout" => found.timeout_modifications,
                        "cancelled" => found.cancelled_modifications,
                        _ => u64::MAX,
                    };
                    (name.clone(), figure)
                });
                (format!("{wanted:?}"), format!("{:?}", found.collect::<Vec<_>>()))
            }
            Kind::Edges(wanted) => {
                let graph = sim.scheduler(self.run).map(|scheduler| scheduler.graph().to_spec());
                let edges = graph.iter().flat_map(|graph| &graph.dependencies);
                let found: Vec<String> = edges.map(|edge| format!("{}>{}", edge.from, edge.to)).collect();
                (wanted.join(" "), found.join(" "))
            }
            Kind::Tasks(wanted) => {
                let graph = sim.scheduler(self.run).map(|scheduler| scheduler.graph().to_spec());
                let found: Vec<String> =
                    graph.iter().flat_map(|graph| &graph.tasks).map(|task| task.id.to_string()).collect();
                (wanted.join(" "), found.join(" "))
            }
            Kind::Done => ("done".to_owned(), answer(sim)),
            Kind::Count(count) => (format!("{count} tasks"), answer(sim)),
            Kind::Refused(code) => match sim.answer() {
                Some(Err(refusal)) if says(refusal, code) => return Ok(()),
                _ => (format!("refused: {code}"), answer(sim)),
            },
        };
        if wanted == found { Ok(()) } else { Err(format!("expected {wanted}, found {found}")) }
    }

    fn run_state(&self, sim: &Sim) -> String {
        let Some(scheduler) = sim.scheduler(self.run) else { return "down".to_owned() };
        match (scheduler.paused(), &self.what) {
            (Some(cause), Kind::Run(wanted)) if wanted.contains(' ') => {
                format!("paused {}", word(cause))
            }
            _ => scheduler.run_state().to_string(),
        }
    }

    fn skip_reason(&self, sim: &Sim, wanted: &str) -> String {
        let skipped = sim.journal(self.run).iter().find_map(|fact| match &fact.event {
            Event::TaskSkipped { task, reason, .. } if task.id().as_str() == wanted => Some(*reason),
            _ => None,
        });
        skipped.map_or_else(|| "not skipped".to_owned(), word)
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

/// The faults of the last batch, as `edit:code`.
fn faults(sim: &Sim) -> Vec<String> {
    match sim.answer() {
        Some(Err(Refusal::Rejected(rejection))) => {
            rejection.faults.iter().map(|fault| format!("{}:{}", fault.edit, fault.code)).collect()
        }
        _ => Vec::new(),
    }
}

/// Tasks whose end waits for an answer, in the order in which they registered.
fn pending(sim: &Sim, run: usize) -> Vec<String> {
    let Some(scheduler) = sim.scheduler(run) else { return Vec::new() };
    scheduler.synchronizer().pending().map(|task| scheduler.graph().id(task).to_string()).collect()
}

fn hold_state(sim: &Sim, run: usize, hold: HoldId) -> (String, Vec<String>) {
    let Some(scheduler) = sim.scheduler(run) else { return ("down".into(), Vec::new()) };
    let Some(open) = scheduler.synchronizer().get(hold) else { return ("none".into(), Vec::new()) };
    let phase = match scheduler.synchronizer().answered(hold) {
        Answered::Active => "active",
        Answered::Collecting => "collecting",
        Answered::Closed | Answered::Unknown => "none",
    };
    let triggers = open.triggers.iter().map(|task| scheduler.graph().id(*task).to_string());
    (phase.to_owned(), triggers.collect())
}

fn outcome(sim: &Sim, run: usize, task: &str) -> Option<starline_types::Outcome> {
    let scheduler = sim.scheduler(run)?;
    let found = scheduler.task_outcome(scheduler.graph().find(task)?, sim.fleet())?;
    (found.status == OutcomeStatus::Failed).then_some(found)
}

fn answer(sim: &Sim) -> String {
    match sim.answer() {
        None => "no answer".to_owned(),
        Some(Ok(Answer::Done)) => "done".to_owned(),
        Some(Ok(Answer::Count(count))) => format!("{count} tasks"),
        Some(Ok(Answer::Committed(applied))) => format!("revision {}", applied.revision.0),
        Some(Ok(Answer::Checked(applied))) => format!("would be revision {}", applied.revision.0),
        Some(Err(refusal)) => format!("refused: {refusal}"),
    }
}

/// Whether a refusal says something: a code, or a part of its sentence.
fn says(refusal: &Refusal, wanted: &str) -> bool {
    refusal.to_string().contains(wanted)
}

/// The stable word of a reading, a cause or a reason.
fn word(value: impl serde::Serialize + std::fmt::Debug) -> String {
    match serde_json::to_value(&value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => format!("{value:?}"),
    }
}
