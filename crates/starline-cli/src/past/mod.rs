//! Runs of which something was left behind: those that ended, those that were killed, those that go on elsewhere,
//! and those that were imported to be looked at.

mod dead;
mod list;
mod outcome;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use starline::report::History;
use starline::types::{
    DeviceProfile, Envelope, Event, EventKind, GraphSpec, RunId, RunOutcome, RunState, UnixMillis,
};
use starline::workflow::{GalaxyOptions, Input, InputType, LoadOptions, Workflow, import_galaxy};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::journal::{self, Read};
use crate::moment::pause;
use crate::records::{DEVICES, SETTINGS};
use crate::remote::{Fact, Facts, Remote, block_on, find};
use crate::state::State;

pub(crate) use dead::{Dead, dead};
pub(crate) use list::{Entry, listed};

/// Says that a run was imported, and how: it can be looked at and never be started.
pub(crate) const IMPORTED: &str = "imported.json";
/// The file that was imported.
pub(crate) const ORIGINAL: &str = "original.json";
/// Stands for the run that began last.
pub(crate) const LAST: &str = "last";
/// How often a process that has a journal is looked for until it can be asked.
const TRIES: u32 = 100;
/// Time between that.
const BETWEEN: Duration = Duration::from_millis(50);
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
        let (state_dir, name) = place(folder);
        let (mut history, live) = history(state_dir, name)?;
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

    /// Its id.
    pub(crate) fn name(&self) -> &str {
        place(&self.folder).1
    }

    /// Its id, as other parts of the program have it.
    ///
    /// # Errors
    /// The folder has no such name.
    pub(crate) fn run_id(&self) -> Result<RunId, Failure> {
        let name = self.name();
        RunId::new(name).map_err(|error| {
            Failure::new(Exit::Invalid, "unknown_run", format!("{name} is no id of a run: {error}"))
        })
    }

    /// The graph that it began with.
    pub(crate) fn begun_with(&self) -> GraphSpec {
        self.history.as_ref().map_or_else(|| self.graph.clone(), |history| history.first_graph().clone())
    }

    /// Everything that happened, fact by fact. Outside of a runtime.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub(crate) fn facts(&self) -> Result<Vec<Envelope>, Failure> {
        let (state_dir, name) = place(&self.folder);
        let mut found = Vec::new();
        facts(state_dir, name, |fact| {
            found.push(fact.clone());
            Ok(true)
        })?;
        Ok(found)
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

/// The run that undoes another one, if it has begun to.
///
/// # Errors
/// The state folder cannot be read.
pub(crate) fn undone_by(state_dir: &Path, run: &str) -> Result<Option<String>, Failure> {
    let prefix = format!("{run}.undo");
    let mut others = names(state_dir)?.into_iter().filter(|name| name.starts_with(&prefix));
    Ok(others.find(|name| {
        let mut undoes = false;
        let seen = facts(state_dir, name, |fact| {
            if let Event::RunCreated { settings, .. } = &fact.event {
                undoes = settings.undoes.as_ref().is_some_and(|id| id.as_str() == run);
            }
            Ok(false)
        });
        seen.is_ok() && undoes
    }))
}

/// Whether a run was not killed before its first fact was kept: then nobody was told that there is one.
pub(crate) fn has_begun(state_dir: &Path, run: &str) -> bool {
    let folder = state_dir.join("runs").join(run);
    if !folder.join(journal::JOURNAL).exists() {
        return folder.join(IMPORTED).exists();
    }
    let mut any = false;
    let seen = facts(state_dir, run, |_| {
        any = true;
        Ok(false)
    });
    seen.is_err() || any
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

/// Hands every fact of a run over, in order, until somebody has seen enough; those of a run that another process
/// carries out as far as it is now. Returns whether that is so. Outside of a runtime.
///
/// # Errors
/// The journal cannot be read.
pub(crate) fn facts(
    state_dir: &Path,
    name: &str,
    mut see: impl FnMut(&Envelope) -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    let folder = state_dir.join("runs").join(name);
    for again in 0.. {
        if let Read::Idle(reader) = journal::reader(&folder)? {
            return journal::each(&reader, &folder, see).map(|()| false);
        }
        match block_on(find(state_dir, name)) {
            Ok(remote) => {
                if block_on(facts_of(&remote, &mut see))? {
                    return Ok(true);
                }
                // It has ended meanwhile, and its journal is not free yet.
                if again < TRIES {
                    pause(BETWEEN);
                    continue;
                }
                let message = format!("the process of run {name} does not hand out all of its facts");
                return Err(Failure::new(Exit::Journal, "journal", message).with_hint("try again"));
            }
            // It is about to say where it can be asked, or writes its last files.
            Err(_) if again < TRIES => pause(BETWEEN),
            Err(failure) => return Err(failure),
        }
    }
    Ok(false)
}

/// Facts of a run that another process carries out, as far as it is now. False, and nothing is handed over, if that
/// process does not have the first ones any more.
async fn facts_of(
    remote: &Remote,
    see: &mut impl FnMut(&Envelope) -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    let state = remote.client.get(&remote.path("")).await?;
    let until = state["seq"].as_u64().unwrap_or(0);
    let mut facts = Facts::open(remote, 0).await?;
    let mut any = false;
    while let Some(fact) = facts.next().await? {
        let envelope = match fact {
            Fact::Event(envelope) => envelope,
            Fact::Gap { .. } if !any => return Ok(false),
            Fact::Gap { from, to } => {
                let message = format!("facts {from} to {to} of run {} are missing", remote.run);
                return Err(Failure::new(Exit::Journal, "journal", message).with_hint("try again"));
            }
        };
        any = true;
        let is_numbered = envelope.event.kind() != EventKind::Progress;
        if is_numbered && (!see(&envelope)? || envelope.seq.0 >= until) {
            break;
        }
    }
    Ok(true)
}

/// The state folder and the name of the run of a folder.
fn place(folder: &Path) -> (&Path, &str) {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    (folder.parent().and_then(Path::parent).unwrap_or(folder), name)
}

/// Takes a fact into a history, which begins with the first one.
///
/// # Errors
/// It does not belong to the history.
pub(crate) fn fold(history: &mut Option<History>, fact: &Envelope) -> Result<(), Failure> {
    let taken = match history {
        Some(history) => history.push(fact),
        None => History::read([fact]).map(|begun| *history = Some(begun)),
    };
    taken.map_err(|error| Failure::journal(format!("failed to read run {}", fact.run_id), &error))
}

fn history(state_dir: &Path, name: &str) -> Result<(History, bool), Failure> {
    let mut history = None;
    let live = facts(state_dir, name, |fact| fold(&mut history, fact).map(|()| true))?;
    let nothing = || {
        let message = format!("run {name} had not begun: no fact was written into its journal");
        Failure::new(Exit::Journal, "journal", message).with_hint("run its workflow file again")
    };
    history.map(|history| (history, live)).ok_or_else(nothing)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::infrastructure("unreadable_file", format!("failed to read {}", path.display()), error)
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
