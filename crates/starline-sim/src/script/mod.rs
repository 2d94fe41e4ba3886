//! Scenarios as text: devices, tasks, what happens when, and what is expected then.

mod expect;
mod parse;
mod play;
mod tasks;
mod words;

use std::fmt;

use starline_types::{DeviceProfile, RunId, RunSettings, TaskSpec, Timestamp};

pub use play::PlayedScript;

use crate::{Action, Strategist, Work};

/// A scenario that a reader understands without knowing the code.
///
/// ```text
/// device laptop slots=1
/// task   fetch takes=2s
/// task   parse takes=2s after=fetch
/// at 0s  start
/// at 2s  expect fetch completed
/// at 2s  expect parse running on laptop
/// at 4s  expect run completed
/// ```
///
/// | Line | What it says |
/// |---|---|
/// | `run ID` | the tasks below belong to this run; the first one is called `run` unless a line says otherwise. `policy=`, `max_parallel=`, `deadline=`, `edit_wait=`, `seed=`, `strategy=` |
/// | `device ID` | `slots=`, `os=`, `has=a,b`, `unfenced`, `local`, `down` |
/// | `task ID` | `after=a,b`, `after-failure=`, `after-completion=`, `when=a:'expr'`, `sh='…'`, `takes=`, `forever`, `result='{…}'`, `fails=N`, `error=kind`, `refused=N` (the first ones), `refuses=N` (that one), `stops=T` or `stops=never`, `outputs=n:/n:integer`, `assigned=device` and the fields of a task |
/// | `at T VERB …` | `start`, `pause`, `resume`, `cancel run [force]`, `cancel TASK`, `skip TASK`, `reassign TASK DEVICE`, `clear`, `device ID dies`, `cut`, `up`, `drains`, `serves`, `leaves`, `joins`, `crash T`; `at T ID: VERB` names a run |
/// | `at T expect …` | `run STATE`, `TASK READING [on DEVICE]`, `TASK attempts N`, `TASK error KIND`, `TASK skip REASON`, `TASK sent 'text'`, `device ID STATUS`, `facts KIND N`, `counts completed=1 …`, `done`, `count N`, `refused CODE` |
///
/// Times are virtual. Expectations at a time are judged when everything of that time has happened.
#[derive(Debug)]
pub struct Script {
    devices: Vec<DeviceLine>,
    runs: Vec<RunLines>,
    events: Vec<EventLine>,
}

/// A line that cannot be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScriptError {
    line: usize,
    fault: String,
}

impl ScriptError {
    /// Number of the line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.fault)
    }
}

impl std::error::Error for ScriptError {}

#[derive(Debug)]
struct DeviceLine {
    profile: DeviceProfile,
    down: bool,
}

#[derive(Debug)]
struct RunLines {
    id: RunId,
    settings: RunSettings,
    strategist: Strategist,
    tasks: Vec<TaskSpec>,
    edges: Vec<starline_types::Dependency>,
    works: Vec<(String, Vec<Work>)>,
}

#[derive(Debug)]
struct EventLine {
    line: usize,
    at: Timestamp,
    what: What,
}

#[derive(Debug)]
enum What {
    Do(Action),
    Expect(expect::Expectation),
}
