//! Scenarios as text: devices, tasks, what happens when, and what is expected then.

mod edits;
mod expect;
mod parse;
mod play;
mod tasks;
mod words;

use std::fmt;

use starline_types::{DeviceProfile, RunId, RunSettings, Timestamp};

pub use play::PlayedScript;

use crate::{Action, Reply, Strategist};

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
/// | `run ID` | the tasks below belong to this run; the first one is called `run` unless a line says otherwise. `policy=`, `editor`, `scope=`, `window=`, `hold_timeout=`, `late=refuse`, `edit_on=failed`, `allow=ops`, `only=devices`, `most=N` edits, `approve=kinds`, `max_parallel=`, `deadline=`, `edit_wait=`, `seed=`, `strategy=` |
/// | `device ID` | `slots=`, `os=`, `has=a,b`, `unfenced`, `local`, `down` |
/// | `task ID` | `after=a,b`, `after-failure=`, `after-completion=`, `when=a:'expr'`, `sh='…'`, `takes=`, `forever`, `result='{…}'`, `fails=N`, `error=kind`, `refused=N` (the first ones), `refuses=N` (that one), `stops=T` or `stops=never`, `outputs=n:/n:integer`, `assigned=device` and the fields of a task |
/// | `at T VERB …` | `start`, `pause`, `resume`, `cancel run [force]`, `cancel TASK`, `skip TASK`, `reassign TASK DEVICE`, `clear`, `device ID dies`, `cut`, `up`, `drains`, `serves`, `leaves`, `joins`, `crash T`; `at T ID: VERB` names a run |
/// | `answers …` | `after=T`, and what the editor of the run answers to the next hold: edits, or nothing to release it; the last line is the answer to all further holds. `keep_open` |
/// | `work ID` | what attempts of a task do that an edit adds, as for `task` |
/// | `at T …` | `editor attach`, `editor detach`, `edit [base=N] [hold=h-1] [request=R] [by=editor] [keep_open] EDITS`, `check …`, `undo`, `redo`, `retry TASK`, `release h-1`, `extend h-1 A,B`, `clear holds`, `holds last T`. Edits are separated by `/`: `add X after=A …`, `remove X`, `set X priority=75 …`, `link A B kind=K id=I note=N`, `relink`, `unlink`, `clear`, `build [existing=kept] +X A>B`, `merge prefix=P +X A>B`, `fill N` |
/// | `at T expect …` | `revision N`, `fault N CODE`, `faults N`, `pending 2 A,B`, `hold h-1 active A,B`, `hold h-1 none`, `modifications total=1 …`, `edges A>B …` |
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
    lines: tasks::TaskLines,
    replies: Vec<Reply>,
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
