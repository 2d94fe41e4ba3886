//! Reading a scenario.

use std::sync::Arc;

use starline_types::{
    DeviceApproval, DeviceId, DeviceProfile, EditorSettings, FailurePolicy, HoldScope, LateEdits, Millis,
    OutcomeStatus, Policy, RunId, RunSettings, Timestamp,
};

use super::expect::Expectation;
use super::words::{Word, words};
use super::{DeviceLine, EventLine, RunLines, Script, ScriptError, What};
use crate::{Action, Crash, Strategist};

type Read<T> = Result<T, String>;

/// What attempts of tasks do, by name.
type Works = Vec<(String, Vec<crate::Work>)>;

impl Script {
    /// Reads a scenario.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut script = Self { devices: Vec::new(), runs: Vec::new(), events: Vec::new() };
        for (at, line) in text.lines().enumerate() {
            let read = words(line).and_then(|words| script.read(at + 1, &words));
            read.map_err(|fault| ScriptError { line: at + 1, fault })?;
        }
        script.events.sort_by_key(|event| event.at);
        Ok(script)
    }

    fn read(&mut self, line: usize, words: &[Word]) -> Read<()> {
        let Some((first, rest)) = words.split_first() else { return Ok(()) };
        match first.text.as_str() {
            "run" => {
                let (id, rest) = rest.split_first().ok_or("a run needs an id")?;
                self.runs.push(run(&id.text, rest)?);
            }
            "device" => self.devices.push(device(rest)?),
            "task" => {
                let run = self.current()?;
                run.lines.read_task(rest)?;
                run.settings.assignments.extend(run.lines.assignments.drain(..));
            }
            "work" => {
                let mut lines = super::tasks::TaskLines::default();
                lines.read_task(rest)?;
                self.current()?.lines.works.append(&mut lines.works);
            }
            "answers" => {
                let (reply, mut works) = super::edits::reply(rest)?;
                let run = self.current()?;
                run.replies.push(reply);
                run.lines.works.append(&mut works);
            }
            "at" => {
                let (event, mut works) = self.event(line, rest)?;
                self.events.push(event);
                if !works.is_empty() {
                    self.current()?.lines.works.append(&mut works);
                }
            }
            other => return Err(format!("{other:?} is none of run, device, task, work, answers, at")),
        }
        Ok(())
    }

    /// The run that tasks belong to: the last one, or one called `run`.
    fn current(&mut self) -> Read<&mut RunLines> {
        if self.runs.is_empty() {
            self.runs.push(run("run", &[])?);
        }
        self.runs.last_mut().ok_or_else(|| "no run".into())
    }

    fn event(&self, line: usize, words: &[Word]) -> Read<(EventLine, Works)> {
        let (at, rest) = words.split_first().ok_or("a time is missing")?;
        let at = Timestamp(duration(&at.text)?.0);
        let (run, rest) = match rest.split_first() {
            Some((first, rest)) if first.text.ends_with(':') => {
                let id = first.text.trim_end_matches(':');
                let run = self.runs.iter().position(|run| run.id.as_str() == id);
                (run.ok_or_else(|| format!("no run {id}"))?, rest)
            }
            _ => (0, rest),
        };
        let what = match rest.split_first() {
            Some((first, rest)) if first.text == "expect" => {
                What::Expect(Expectation::read(run, rest, |id| self.device(id))?)
            }
            _ => {
                if let Some(said) = super::edits::said(rest)? {
                    let what = What::Do(Action::Say { run, saying: said.saying });
                    return Ok((EventLine { line, at, what }, said.works));
                }
                What::Do(self.action(run, rest)?)
            }
        };
        Ok((EventLine { line, at, what }, Vec::new()))
    }

    fn device(&self, id: &str) -> Read<usize> {
        let found = self.devices.iter().position(|device| device.profile.id.as_str() == id);
        found.ok_or_else(|| format!("no device {id}"))
    }

    fn action(&self, run: usize, words: &[Word]) -> Read<Action> {
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let owned = |text: &str| text.to_owned();
        Ok(match texts[..] {
            ["prepare"] => Action::Prepare(run),
            ["start"] => Action::Start(run),
            ["pause"] => Action::Pause(run),
            ["resume"] => Action::Resume(run),
            ["clear"] => Action::ClearAssignments(run),
            ["rollback"] => Action::Rollback { run, force: false },
            ["rollback", "force"] => Action::Rollback { run, force: true },
            ["cancel", "run"] => Action::CancelRun { run, force: false },
            ["cancel", "run", "force"] => Action::CancelRun { run, force: true },
            ["cancel", task] => Action::CancelTask { run, task: owned(task) },
            ["skip", task] => Action::SkipTask { run, task: owned(task) },
            ["approve", task] => Action::Answer { run, task: owned(task), approve: true },
            ["reject", task] => Action::Answer { run, task: owned(task), approve: false },
            ["reassign", task, device] => Action::Reassign { run, task: owned(task), device: owned(device) },
            ["device", id, verb] => self.device_action(self.device(id)?, verb)?,
            ["crash", down] => Action::Crash(Crash {
                persisted: usize::MAX,
                acted: usize::MAX,
                down: duration(down)?,
                journals_first: false,
            }),
            _ => return Err(format!("cannot do {:?}", texts.join(" "))),
        })
    }

    fn device_action(&self, device: usize, verb: &str) -> Read<Action> {
        Ok(match verb {
            "dies" => Action::Kill { device, certain: true },
            "vanishes" => Action::Kill { device, certain: false },
            "cut" => Action::Cut { device },
            "up" => Action::Return { device },
            "drains" => Action::Drain { device, draining: true },
            "serves" => Action::Drain { device, draining: false },
            "leaves" => Action::Forget { device },
            "joins" => Action::Join { device },
            other => {
                let known = "dies, vanishes, cut, up, drains, serves, leaves, joins";
                return Err(format!("a device does none of that: {other:?}; there are {known}"));
            }
        })
    }
}

fn run(id: &str, words: &[Word]) -> Read<RunLines> {
    let id = RunId::new(id).map_err(|error| error.to_string())?;
    let mut settings = RunSettings::default();
    let mut strategist = Strategist::RoundRobin;
    for Word { name, text } in words {
        match name.as_deref() {
            Some("policy") => {
                settings.on_failure = match text.as_str() {
                    "skip_dependents" => FailurePolicy::SkipDependents,
                    "fail_fast" => FailurePolicy::FailFast,
                    "wait_for_edit" => FailurePolicy::WaitForEdit,
                    "rollback" => FailurePolicy::Rollback,
                    other => return Err(format!("unknown policy {other:?}")),
                }
            }
            None if text == "editor" => drop(editor(&mut settings)),
            Some("scope") => {
                editor(&mut settings).hold.scope = match text.as_str() {
                    "graph" => HoldScope::Graph,
                    "descendants" => HoldScope::Descendants,
                    other => return Err(format!("unknown scope {other:?}")),
                }
            }
            Some("window") => editor(&mut settings).hold.batch_window = duration(text)?,
            Some("hold_timeout") => editor(&mut settings).hold.modification_timeout = duration(text)?,
            Some("late") => editor(&mut settings).hold.late_edits = LateEdits::Refuse,
            Some("edit_on") => editor(&mut settings).edit_on = vec![OutcomeStatus::Failed],
            Some("allow") => guard(&mut settings).allow = list(text),
            Some("only") => guard(&mut settings).only.devices = list(text),
            Some("kinds") => guard(&mut settings).only.kinds = list(text),
            Some("approve") => guard(&mut settings).require_approval.kinds = list(text),
            Some("most") => guard(&mut settings).limits.edits = Some(number(text)?),
            Some("max_parallel") => settings.max_parallel = Some(number(text)?),
            Some("deadline") => settings.deadline = Some(duration(text)?),
            Some("edit_wait") => settings.edit_wait = duration(text)?,
            None if text == "approved" => settings.approved_in_advance = true,
            Some("seed") => settings.seed = number(text)?,
            Some("strategy") => {
                let found = Strategist::from_name(text);
                strategist = found.ok_or_else(|| format!("unknown strategy {text:?}"))?;
            }
            _ => return Err(format!("a run has no {}", name.as_deref().unwrap_or(text))),
        }
    }
    Ok(RunLines { id, settings, strategist, lines: <_>::default(), replies: Vec::new() })
}

fn editor(settings: &mut RunSettings) -> &mut EditorSettings {
    Arc::make_mut(settings.editor.get_or_insert_default())
}

fn guard(settings: &mut RunSettings) -> &mut Policy {
    Arc::make_mut(settings.policy.get_or_insert_default())
}

fn list(text: &str) -> Option<Vec<smol_str::SmolStr>> {
    Some(text.split(',').map(smol_str::SmolStr::new).collect())
}

fn device(words: &[Word]) -> Read<DeviceLine> {
    let (id, rest) = words.split_first().ok_or("a device needs an id")?;
    let id = DeviceId::new(&id.text).map_err(|error| error.to_string())?;
    let mut profile = DeviceProfile::new(id, "simulated");
    let mut down = false;
    for Word { name, text } in rest {
        match (name.as_deref(), text.as_str()) {
            (Some("slots"), slots) => profile.slots = number(slots)?,
            (Some("os"), os) => profile.os = Some(os.to_owned()),
            (Some("has"), list) => profile.capabilities = list.split(',').map(str::to_owned).collect(),
            (None, "unfenced") => profile.fenced = false,
            (None, "asks") => profile.approval = DeviceApproval::Ask,
            (None, "denies") => profile.approval = DeviceApproval::Deny,
            (None, "local") => profile.local = true,
            (None, "down") => down = true,
            (name, text) => return Err(format!("a device has no {}", name.unwrap_or(text))),
        }
    }
    Ok(DeviceLine { profile, down })
}

pub(super) fn duration(text: &str) -> Read<Millis> {
    text.parse().map_err(|error: starline_types::DurationError| error.to_string())
}

pub(super) fn number<T: std::str::FromStr>(text: &str) -> Read<T> {
    text.parse().map_err(|_| format!("{text:?} is no number that fits here"))
}
