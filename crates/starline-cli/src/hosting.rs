//! Workflows of others: read, checked and carried out with records of their own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use starline::bus::{EventBus, Subscription};
use starline::device::Secrets;
use starline::event::{EventFilter, SharedEnvelope};
use starline::journal::Journal as _;
use starline::orchestrator::{Orchestrator, RecoverOptions, Run, RunError, RunOptions, StrategyChoice};
use starline::server::{Principal, Submission, SubmitFailure, Submitter};
use starline::types::{Payload, RunId, RunState};
use starline::workflow::{LoadOptions, Workflow};

use crate::attempts::Attempts;
use crate::devices::Devices;
use crate::editor::EditorChoice;
use crate::failure::Failure;
use crate::implied::imply_gates;
use crate::journals::Journals;
use crate::launch::Launch;
use crate::load;
use crate::options::StateOptions;
use crate::output::notice;
use crate::paint::printable;
use crate::past::{Past, names, undone_by};
use crate::records::{RESULT, Records};
use crate::run_id;
use crate::secrets::used;
use crate::sent::{Contents, Folder};
use crate::summary::Summary;

/// Facts that wait to be recorded.
const BACKLOG: usize = 1 << 20;
/// Facts taken at once.
const GRIP: usize = 1024;

/// What runs are carried out with.
#[derive(Debug)]
pub(crate) struct Host {
    /// Not kept alive by what it serves.
    pub(crate) orchestrator: Weak<Orchestrator>,
    pub(crate) bus: Arc<EventBus>,
    /// Where the orchestrator keeps facts.
    pub(crate) journals: Arc<Journals>,
    pub(crate) devices: Devices,
    pub(crate) secrets: Secrets,
    pub(crate) contents: Arc<Contents>,
    pub(crate) state_dir: PathBuf,
    /// Whether nothing more is taken.
    pub(crate) closed: AtomicBool,
}

#[async_trait]
impl Submitter for Host {
    async fn submit(&self, submission: Submission, by: &Principal) -> Result<Run, SubmitFailure> {
        let orchestrator = self.orchestrator.upgrade().filter(|_| !self.closed.load(Ordering::Acquire));
        let orchestrator =
            orchestrator.ok_or_else(|| SubmitFailure::Orchestrator(RunError::ShutDown.into()))?;
        let folder = submission.folder.clone().map_or_else(|| PathBuf::from("."), PathBuf::from);
        let mut workflow = self.read(&submission, &folder)?;
        let invalid = |failure: Failure| SubmitFailure::Invalid(failure.to_string());
        self.contents.take(&mut workflow, &Folder(folder.clone())).map_err(invalid)?;
        absolute(&mut workflow, &folder);
        let strategy = load::strategy(submission.strategy.as_deref(), &workflow).map_err(invalid)?;
        let editor = EditorChoice::of(None, &workflow, "workflow").map_err(invalid)?;
        let run_id = run_id::fresh();
        let options = StateOptions { state_dir: self.state_dir.clone(), ephemeral: false };
        let launch = Launch {
            strategy: submission.strategy.clone(),
            devices: self.devices.text(),
            served: true,
            ..Launch::of("workflow", &folder)
        };
        let profiles = self.devices.profiles();
        let records =
            Records::create(&options, &run_id, &workflow, profiles, Some(&launch)).map_err(invalid)?;
        if let Some(journal) = records.journal() {
            self.journals.add(&run_id, journal);
        }
        let facts = self.bus.subscribe_with(EventFilter::all().run(run_id.clone()), BACKLOG);
        let options = RunOptions {
            id: Some(run_id.clone()),
            settings: workflow.settings,
            strategy: StrategyChoice::Own(strategy),
            planner: editor.planner(),
            ..RunOptions::default()
        };
        let run = match begin(&orchestrator, workflow.graph, options, &editor).await {
            Ok(run) => run,
            Err(failure) => {
                self.journals.remove(&run_id);
                records.discard();
                return Err(failure);
            }
        };
        notice(&printable(&format!("run {run_id} began, handed over by {}", by.name)));
        self.keep_records(run.clone(), records, self.attempts(), facts);
        Ok(run)
    }
}

impl Host {
    /// Goes on with the runs of an earlier process like this one that was killed, and says so.
    ///
    /// # Errors
    /// The state folder cannot be read. What stands in the way of a single run is told, and the others go on.
    pub(crate) async fn take_up_all(&self) -> Result<(), Failure> {
        let state_dir = self.state_dir.clone();
        // Journals are read, and processes asked, which both may take a while.
        let found = tokio::task::spawn_blocking(move || interrupted(&state_dir));
        let found = found.await.unwrap_or_else(|_| Ok(Vec::new()))?;
        for (past, launch) in found {
            let name = past.name().to_owned();
            match self.take_up(past, &launch).await {
                Ok(()) => notice(&printable(&format!("run {name} goes on"))),
                Err(failure) => notice(&printable(&format!("run {name} does not go on: {failure}"))),
            }
        }
        Ok(())
    }

    async fn take_up(&self, past: Past, launch: &Launch) -> Result<(), Failure> {
        let orchestrator = self.orchestrator.upgrade().ok_or(RunError::ShutDown)?;
        let run_id = past.run_id()?;
        let workflow = past.workflow();
        let strategy = load::strategy(launch.strategy.as_deref(), &workflow)?;
        let editor = EditorChoice::of(launch.editor, &workflow, &launch.file)?;
        let options = StateOptions { state_dir: self.state_dir.clone(), ephemeral: false };
        let mut records = Records::reopen(&options, &run_id, self.devices.profiles())?;
        let mut attempts = self.attempts();
        let mut after = None;
        if let Some(journal) = records.journal() {
            loop {
                let page = journal.read(&run_id, after, GRIP).await;
                let page = page.map_err(|error| RunError::Journal(error.kind()))?;
                let Some(last) = page.last() else { break };
                after = Some(last.seq);
                for fact in &page {
                    records.observe(fact);
                    attempts.observe(fact);
                }
            }
            self.journals.add(&run_id, journal);
        }
        let facts = self.bus.subscribe_with(EventFilter::all().run(run_id.clone()), BACKLOG);
        let options = RecoverOptions {
            strategy: StrategyChoice::Own(strategy),
            planner: editor.planner(),
            ..RecoverOptions::default()
        };
        let run = match orchestrator.recover(run_id.clone(), options).await {
            Ok(run) => run,
            Err(error) => {
                self.journals.remove(&run_id);
                return Err(error.into());
            }
        };
        editor.wait_for_others(&run).await?;
        if matches!(run.status().state, RunState::Created | RunState::Ready) {
            run.start().await?;
        }
        self.keep_records(run, records, attempts, facts);
        Ok(())
    }

    fn attempts(&self) -> Attempts {
        Attempts::of(self.devices.profiles().into_iter().map(|profile| (profile.id, profile.slots)))
    }

    fn keep_records(&self, run: Run, records: Records, attempts: Attempts, facts: Subscription) {
        #[expect(
            clippy::disallowed_methods,
            reason = "records are written beside the runs, and end with them"
        )]
        drop(tokio::spawn(record(run, records, attempts, facts, Arc::clone(&self.journals))));
    }

    fn read(&self, submission: &Submission, folder: &Path) -> Result<Workflow, SubmitFailure> {
        let options = LoadOptions {
            inputs: submission.inputs.clone(),
            devices: Some(self.devices.ids()),
            strategies: load::spellings(),
            files: Some(Arc::new(Folder(folder.to_owned()))),
            ..LoadOptions::default()
        };
        let read = Workflow::parse(submission.workflow.as_bytes(), &options);
        let mut workflow = read.map_err(SubmitFailure::Problems)?;
        workflow.settings.approved_in_advance = submission.approved_in_advance;
        workflow.settings.seed = run_id::random();
        imply_gates(&mut workflow.graph, &self.devices.profiles());
        self.devices.admit(&workflow.graph).map_err(|failure| SubmitFailure::Invalid(failure.to_string()))?;
        let missing: Vec<&str> =
            used(&workflow).into_iter().filter(|name| self.secrets.get(name).is_none()).collect();
        if missing.is_empty() {
            return Ok(workflow);
        }
        let message = format!("secrets without a value in the file of --secret-file: {}", missing.join(", "));
        Err(SubmitFailure::Invalid(message))
    }
}

/// The runs of a process that served and was killed, with what they were begun with.
fn interrupted(state_dir: &Path) -> Result<Vec<(Past, Launch)>, Failure> {
    let mut found = Vec::new();
    for name in names(state_dir)? {
        let folder = state_dir.join("runs").join(&name);
        let over = folder.join(RESULT).exists();
        let Some(launch) = Launch::read(&folder).ok().filter(|launch| launch.served && !over) else {
            continue;
        };
        match Past::find(state_dir, &name) {
            Ok(past) if past.is_interrupted() => match undone_by(state_dir, &name)? {
                // What was done is undone: nothing may be built on it.
                Some(other) => notice(&format!("run {name} does not go on: run {other} has undone it")),
                None => found.push((past, launch)),
            },
            Ok(_) => {}
            Err(failure) => notice(&printable(&format!("run {name} does not go on: {failure}"))),
        }
    }
    Ok(found)
}

async fn begin(
    orchestrator: &Orchestrator,
    graph: Arc<starline::types::GraphSpec>,
    options: RunOptions,
    editor: &EditorChoice,
) -> Result<Run, SubmitFailure> {
    let run = orchestrator.submit(graph, options).await?;
    let refused = |error: RunError| SubmitFailure::Orchestrator(error.into());
    editor.wait_for_others(&run).await.map_err(refused)?;
    run.start().await.map_err(refused)?;
    Ok(run)
}

/// Folders of tasks that are relative belong to the folder of the workflow, wherever this process is.
fn absolute(workflow: &mut Workflow, folder: &Path) {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let graph = Arc::make_mut(&mut workflow.graph);
    for task in &mut graph.tasks {
        let has_folder = |run: &Payload| match run {
            Payload::Sh(shell) => shell.cwd.is_some(),
            Payload::Exec(exec) => exec.cwd.is_some(),
            _ => false,
        };
        if !task.payloads().any(has_folder) {
            continue;
        }
        let task = Arc::make_mut(task);
        below(&folder, &mut task.run);
        if let Some(details) = task.details.as_mut().filter(|details| details.compensate.is_some())
            && let Some(undo) = &mut Arc::make_mut(details).compensate
        {
            below(&folder, &mut undo.run);
        }
    }
}

fn below(folder: &Path, run: &mut Payload) {
    let cwd = match run {
        Payload::Sh(shell) if shell.cwd.is_some() => &mut Arc::make_mut(shell).cwd,
        Payload::Exec(exec) if exec.cwd.is_some() => &mut Arc::make_mut(exec).cwd,
        _ => return,
    };
    *cwd = cwd.take().map(|cwd| folder.join(cwd).to_string_lossy().into_owned());
}

/// Keeps the facts of a run until its end.
async fn record(
    run: Run,
    mut records: Records,
    mut attempts: Attempts,
    mut facts: Subscription,
    journals: Arc<Journals>,
) {
    let mut batch: Vec<Result<SharedEnvelope, _>> = Vec::with_capacity(GRIP);
    let mut ended = false;
    while !ended && facts.recv_many(&mut batch, GRIP).await > 0 {
        for fact in batch.drain(..) {
            match fact {
                Ok(envelope) => {
                    ended |= envelope.event.run_end().is_some();
                    records.observe(&envelope);
                    attempts.observe(&envelope);
                }
                Err(gap) => notice(&format!("records of run {}: {gap}", run.id())),
            }
        }
    }
    let said = match run.outcome().await {
        Ok(outcome) => finish(run.id(), Summary::new(outcome, attempts, false), records),
        Err(error) => format!("run {}: {error}", run.id()),
    };
    // Only now nobody else has its journal open: until here it is read through this one.
    journals.remove(run.id());
    notice(&printable(&said));
}

fn finish(run: &RunId, summary: Summary, records: Records) -> String {
    let state = summary.outcome.status;
    let (summary, failures) = summary.kept_with(records);
    drop(summary);
    let failures: String = failures.iter().map(|failure| format!("; {failure}")).collect();
    format!("run {run} {state}{failures}")
}
