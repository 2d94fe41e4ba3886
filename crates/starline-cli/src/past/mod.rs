//! Runs of which something was left behind: those that ended, those that were killed, those that go on elsewhere,
//! and those that were imported to be looked at.

mod list;
mod outcome;

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use starline::report::{History, HistoryError, HistoryFault};
use starline::types::{DeviceProfile, GraphSpec, RunId, RunOutcome, RunState, UnixMillis};
use starline::workflow::{GalaxyOptions, Input, InputType, LoadOptions, Workflow, import_galaxy};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::records::{DEVICES, JOURNAL, SETTINGS};
use crate::state::State;

pub(crate) use list::{Entry, listed};

/// Says that a run was imported, and how: it can be looked at and never be started.
pub(crate) const IMPORTED: &str = "imported.json";
/// The file that was imported.
pub(crate) const ORIGINAL: &str = "original.json";
/// Stands for the run that began last.
pub(crate) const LAST: &str = "last";
/// Largest journal that is read, in bytes: 1 GiB.
const LIMIT: u64 = 1 << 30;
/// Runs that a message lists at most.
const NAMED: usize = 5;

/// A run that somebody looks back at.
#[derive(Debug)]
pub(crate) struct Past {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// The graph as it is at the end, or was last.
    pub(crate) graph: GraphSpec,
    /// How far it got.
    pub(crate) outcome: RunOutcome,
    /// Everything that happened; none of it is known of a run that was imported.
    pub(crate) history: Option<History>,
    /// What is known of its devices.
    pub(crate) devices: Vec<DeviceProfile>,
    /// Whether another process is carrying it out.
    pub(crate) live: bool,
    /// The workflow without its tasks.
    head: Option<Workflow>,
}

/// How a run was imported.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// The format: `galaxy`.
    pub(crate) format: String,
    /// The file, as it was named.
    pub(crate) file: String,
    /// Seed of ids that the file does not have.
    pub(crate) seed: u64,
    /// The moment of the import, which such ids have in them.
    pub(crate) now: u64,
}

impl Marker {
    /// What the file is read with, each time.
    pub(crate) fn options(&self) -> GalaxyOptions {
        GalaxyOptions {
            inspect: true,
            seed: self.seed,
            now: UnixMillis(self.now),
            ..GalaxyOptions::default()
        }
    }
}

impl Past {
    /// The run of an id, of the beginning of one, or the last one.
    ///
    /// # Errors
    /// There is no such run, there are several, or its files cannot be read.
    pub(crate) fn find(state_dir: &Path, wanted: &str) -> Result<Self, Failure> {
        let names = names(state_dir)?;
        let name = choose(&names, wanted)?;
        Self::read(&state_dir.join("runs").join(name))
    }

    fn read(folder: &Path) -> Result<Self, Failure> {
        if let Some(past) = Self::read_imported(folder)? {
            return Ok(past);
        }
        let path = folder.join(JOURNAL);
        let live = is_live(&path);
        let mut history = history(&path)?;
        let devices: Vec<DeviceProfile> = read_json(&folder.join(DEVICES)).unwrap_or_default();
        history.know_devices(&devices);
        let options = LoadOptions { partial_inputs: true, ..LoadOptions::default() };
        let head = fs::read(folder.join(SETTINGS)).ok();
        let head = head.and_then(|bytes| Workflow::parse(&bytes, &options).ok());
        let graph = history.graph().to_spec();
        let outcome = outcome::of(&history);
        Ok(Self { folder: folder.to_owned(), graph, outcome, history: Some(history), devices, live, head })
    }

    fn read_imported(folder: &Path) -> Result<Option<Self>, Failure> {
        let Some(marker) = read_json::<Marker>(&folder.join(IMPORTED)) else { return Ok(None) };
        let path = folder.join(ORIGINAL);
        let bytes = fs::read(&path).map_err(|error| unreadable(&path, &error))?;
        let imported = import_galaxy(&bytes, &marker.options()).map_err(|problems| {
            let shown = path.display().to_string();
            Failure::issues(&shown, problems.into_iter().map(Into::into).collect())
        })?;
        let Some(outcome) = imported.outcome else { return Ok(None) };
        let workflow = imported.workflow;
        Ok(Some(Self {
            folder: folder.to_owned(),
            graph: GraphSpec::clone(&workflow.graph),
            outcome,
            history: None,
            devices: Vec::new(),
            live: false,
            head: Some(workflow),
        }))
    }

    /// Whether it was imported.
    pub(crate) fn is_imported(&self) -> bool {
        self.history.is_none()
    }

    /// Whether its process is gone before it has ended.
    pub(crate) fn is_interrupted(&self) -> bool {
        !self.live && self.history.as_ref().is_some_and(|history| history.end().is_none())
    }

    /// Whether its times are virtual. Wall clocks are beyond 2001.
    pub(crate) fn is_simulated(&self) -> bool {
        self.history.as_ref().is_some_and(|history| history.created().at.0 < 1_000_000_000_000)
    }

    /// The run as a workflow that could be run again: the last graph, and the inputs as they were.
    pub(crate) fn workflow(&self) -> Workflow {
        let mut workflow = self.head.clone().unwrap_or_else(|| Workflow::new(GraphSpec::default()));
        workflow.graph = std::sync::Arc::new(self.graph.clone());
        if let Some(history) = &self.history {
            workflow.settings = history.settings().clone();
            workflow.strategy = workflow.strategy.take().or_else(|| history.strategy().map(str::to_owned));
            for (name, value) in &history.settings().inputs {
                match workflow.inputs.iter_mut().find(|input| input.name == *name) {
                    Some(input) => input.default = Some(value.clone()),
                    None => workflow.inputs.push(Input {
                        name: name.clone(),
                        kind: kind_of(value),
                        default: Some(value.clone()),
                        description: String::new(),
                    }),
                }
            }
        }
        workflow
    }
}

fn kind_of(value: &serde_json::Value) -> InputType {
    use serde_json::Value;
    match value {
        Value::Bool(_) => InputType::Boolean,
        Value::Number(number) if number.is_i64() || number.is_u64() => InputType::Integer,
        Value::Number(_) => InputType::Number,
        Value::Array(_) => InputType::List,
        Value::Object(_) => InputType::Object,
        Value::String(_) | Value::Null => InputType::String,
    }
}

/// The word for the state of a run, as people read it: `interrupted` if its process is gone.
pub(crate) fn state_word(state: RunState, interrupted: bool) -> &'static str {
    if interrupted { "interrupted" } else { state.as_str() }
}

/// The names of all runs, those that began last at the end.
pub(crate) fn names(state_dir: &Path) -> Result<Vec<String>, Failure> {
    let Some(state) = State::open(state_dir)? else { return Ok(Vec::new()) };
    let folder = state.runs();
    let entries = fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))?;
    let mut names: Vec<(SystemTime, String)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok().filter(|name| RunId::new(name).is_ok())?;
            Some((began(&entry.path()), name))
        })
        .collect();
    names.sort();
    Ok(names.into_iter().map(|(_, name)| name).collect())
}

/// When a run began: a file that is written then and never again tells it.
fn began(folder: &Path) -> SystemTime {
    let written = [DEVICES, IMPORTED].into_iter().find_map(|name| fs::metadata(folder.join(name)).ok());
    let written = written.or_else(|| fs::metadata(folder).ok());
    written.and_then(|found| found.modified().ok()).unwrap_or(SystemTime::UNIX_EPOCH)
}

pub(crate) fn choose<'n>(names: &'n [String], wanted: &str) -> Result<&'n str, Failure> {
    let unknown = |message: String| Failure::new(Exit::Invalid, "unknown_run", message);
    if wanted == LAST {
        return names.last().map(String::as_str).ok_or_else(|| unknown("there is no run yet".to_owned()));
    }
    if let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(wanted)) {
        return Ok(name);
    }
    let begins = |name: &&String| {
        name.get(..wanted.len()).is_some_and(|begin| !begin.is_empty() && begin.eq_ignore_ascii_case(wanted))
    };
    let matching: Vec<&String> = names.iter().filter(begins).collect();
    match matching.as_slice() {
        [name] => Ok(name),
        [] => {
            let hint = match names.len() {
                0 => "there is no run yet; `starline run FILE` makes one".to_owned(),
                _ => format!("the last runs are {}; `starline show` lists all", named(names.iter().rev())),
            };
            Err(unknown(format!("there is no run {wanted:?}")).with_hint(hint))
        }
        several => {
            let listed = named(several.iter().rev().copied());
            Err(unknown(format!("{} runs begin with {wanted}: {listed}", several.len())))
        }
    }
}

fn named<'n>(names: impl ExactSizeIterator<Item = &'n String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names: Vec<&str> = names.take(NAMED).map(String::as_str).collect();
    format!("{}{more}", names.join(", "))
}

/// Whether another process writes a journal.
fn is_live(journal: &Path) -> bool {
    // Where there are no locks, nobody knows.
    File::open(journal).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn history(journal: &Path) -> Result<History, Failure> {
    let mut bytes = Vec::new();
    let file = File::open(journal).map_err(|error| unreadable(journal, &error))?;
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| unreadable(journal, &error))?;
    if bytes.len() as u64 > LIMIT {
        return Err(unreadable(journal, &io::ErrorKind::FileTooLarge.into()));
    }
    // A journal may be cut anywhere, in the middle of a character as well.
    let text = String::from_utf8_lossy(&bytes);
    History::read_json_lines(&text).map_err(|error| broken(journal, &error))
}

fn broken(journal: &Path, error: &HistoryError) -> Failure {
    let what = format!("failed to read {}", journal.display());
    match error.fault() {
        HistoryFault::Empty => {
            Failure::new(Exit::Journal, "journal", format!("{what}: no fact was written into it"))
        }
        _ => Failure::journal(what, error),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::infrastructure("unreadable_file", format!("failed to read {}", path.display()), error)
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
