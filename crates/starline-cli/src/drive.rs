//! A run on real devices, from submission to the end of its last process.

use std::sync::Arc;
use std::time::Duration;

use starline::bus::{EventBus, Subscription};
use starline::event::{EventFilter, Gap};
use starline::journal::JournalFault;
use starline::orchestrator::{
    AssignmentStrategy, Device, Orchestrator, RecoverOptions, Run, RunError, RunOptions, StrategyChoice,
};
use starline::server::ServerOptions;
use starline::transport_process::ProcessDevice;
use starline::types::{DeviceId, Envelope, GraphSpec, RunId, RunSettings, RunState, SharedEnvelope, TaskId};
use tokio::sync::mpsc;

use crate::attempts::Attempts;
use crate::editor::EditorChoice;
use crate::failure::Failure;
use crate::gates::{Answers, Gates};
use crate::interrupt::{Interrupts, Unstarted};
use crate::output::{Output, ask};
use crate::records::Records;
use crate::serving::Serving;
use crate::state::State;
use crate::summary::Summary;
use crate::watchman::Watchman;

/// Facts that wait for a reader of the output. One that stays further behind misses some, and is told so.
const BACKLOG: usize = 1 << 20;
/// Facts taken at once.
const GRIP: usize = 1024;

/// What is to be run.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) run_id: RunId,
    pub(crate) begin: Begin,
    pub(crate) strategy: Box<dyn AssignmentStrategy>,
    pub(crate) devices: Vec<Arc<dyn Device>>,
    /// Those of the devices whose processes must be gone at the end.
    pub(crate) processes: Vec<Arc<ProcessDevice>>,
    pub(crate) records: Records,
    /// Who edits the graph while it runs.
    pub(crate) editor: EditorChoice,
    /// Who is asked before tasks that want approval.
    pub(crate) answers: Answers,
    /// Who has listened for signals so far.
    pub(crate) unstarted: Option<Unstarted>,
}

/// How a run begins here.
#[derive(Debug)]
pub(crate) enum Begin {
    /// It is new.
    Submit { graph: Arc<GraphSpec>, settings: Box<RunSettings> },
    /// Its records are there; the process that made them is gone.
    Recover,
}

/// Where tasks are planned to run.
pub(crate) type Plan = [(TaskId, Option<DeviceId>)];

/// Who watches a run.
pub(crate) trait Watcher {
    /// The run is about to begin.
    fn planned(&mut self, plan: &Plan) {
        let _ = plan;
    }

    /// A fact from before this process, which is not shown as something new.
    fn past(&mut self, envelope: &Envelope) {
        let _ = envelope;
    }

    /// A fact, or output of a task.
    fn event(&mut self, envelope: &Envelope);

    /// There are no more facts at this moment, or enough of them: what was seen may be shown.
    fn caught_up(&mut self);

    /// A person is asked this, on the line that the cursor stays in; with none, nobody is asked any more.
    fn question(&mut self, question: Option<&str>) {
        if let Some(question) = question {
            ask(question);
        }
    }

    /// The person has answered, and the cursor is in the next line.
    fn answered(&mut self) {}

    /// The person will not answer; the cursor is still behind the question.
    fn abandoned(&mut self) {
        ask("\n");
    }

    /// Time after which it wants to [catch up](Self::caught_up) even if nothing happens; `None`: never.
    fn pace(&self) -> Option<Duration> {
        None
    }
}

/// Runs a job on a runtime of its own.
///
/// # Errors
/// The run cannot begin, or the system is in the way. Once it has begun, its end is a result.
pub(crate) fn run(job: Job, output: &Output, watcher: &mut dyn Watcher) -> Result<Summary, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::infrastructure("runtime", "failed to start threads", &error))?;
    // Output is written in this thread, which drives nothing else: a slow reader holds nobody up.
    runtime.block_on(drive(job, output, watcher))
}

async fn drive(job: Job, output: &Output, watcher: &mut dyn Watcher) -> Result<Summary, Failure> {
    let Job { run_id, begin, strategy, devices, processes, mut records, editor, answers, unstarted } = job;
    let interrupts = Interrupts::listen().map_err(|error| deaf(&error))?;
    if let Some(unstarted) = unstarted {
        unstarted.hand_over();
    }
    for process in &processes {
        if let Err(error) = process.check().await {
            records.discard();
            let what = format!("device {} cannot protect what it is to protect", process.profile().id);
            return Err(Failure::infrastructure("device_unusable", what, &error));
        }
    }
    let register = records.register().filter(|_| !processes.is_empty());
    let watchman = register.map(|register| Watchman::over(&register));
    let journal = records.journal();
    let (orchestrator, bus) = match &journal {
        Some(journal) => starline::with_journal(Arc::clone(journal) as _),
        None => starline::embedded(),
    };
    let orchestrator = Arc::new(orchestrator);
    let serving = match records.state() {
        Some(state) => serve(&orchestrator, &bus, state, output).await,
        None => None,
    };
    let mut attempts = Attempts::of(devices.iter().map(|device| {
        let profile = device.profile();
        (profile.id.clone(), profile.slots)
    }));
    for device in devices {
        orchestrator.fleet().connect(device).await?;
    }
    let facts = bus.subscribe_with(EventFilter::all().run(run_id.clone()), BACKLOG);
    let is_new = matches!(begin, Begin::Submit { .. });
    let gates = Gates::new(answers);
    let mut follower = Follower { attempts: &mut attempts, records: &mut records, gates, output, watcher };
    let begun = match begin {
        Begin::Submit { graph, settings } => {
            let options = RunOptions {
                id: Some(run_id),
                settings: *settings,
                strategy: StrategyChoice::Own(strategy),
                planner: editor.planner(),
                ..RunOptions::default()
            };
            submit(&orchestrator, graph, options, &editor, follower.watcher).await
        }
        Begin::Recover => {
            let options = RecoverOptions {
                strategy: StrategyChoice::Own(strategy),
                planner: editor.planner(),
                ..RecoverOptions::default()
            };
            recover(&orchestrator, run_id, options, &editor, &mut follower).await
        }
    };
    let followed = match begun {
        Ok(run) => {
            #[expect(
                clippy::disallowed_methods,
                reason = "signals are heard even while output waits for its reader"
            )]
            drop(tokio::spawn(interrupts.cancel(run.clone())));
            let broken = async {
                match &journal {
                    Some(journal) => journal.failed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = follower.follow(&run, facts) => run.outcome().await.map_err(Failure::from),
                // Nothing more is started, and the end of what runs could not be kept.
                () = broken => Err(RunError::Journal(JournalFault::Failed).into()),
            }
        }
        Err(failure) => Err(failure),
    };
    let broken = journal.and_then(|journal| journal.failure());
    if let Some(serving) = serving {
        serving.end().await;
    }
    if let Some(orchestrator) = Arc::into_inner(orchestrator) {
        orchestrator.shut_down(Duration::ZERO).await;
    }
    for process in processes {
        process.shut_down().await;
    }
    drop(watchman);
    let outcome = match (followed, broken) {
        (Ok(outcome), _) => outcome,
        (Err(_), Some(failure)) => {
            return Err(failure.with_hint("nothing more was started, and running tasks were stopped"));
        }
        (Err(failure), None) => {
            if is_new {
                records.discard();
            }
            return Err(failure);
        }
    };
    Ok(Summary::new(outcome, attempts, false).kept(records, output))
}

/// Lets other processes see and edit the run. Without it the run is only lonely.
async fn serve(
    orchestrator: &Arc<Orchestrator>,
    bus: &EventBus,
    state: &State,
    output: &Output,
) -> Option<Serving> {
    match Serving::begin(orchestrator, bus, state, ServerOptions::default()).await {
        Ok(serving) => Some(serving),
        Err(failure) => {
            output.warning(&format!("this run can be neither watched nor edited from elsewhere: {failure}"));
            None
        }
    }
}

/// Signals cannot be heard.
pub(crate) fn deaf(error: &std::io::Error) -> Failure {
    Failure::infrastructure("signals", "failed to listen for signals", error)
}

/// Submits, places and starts a run.
async fn submit(
    orchestrator: &Orchestrator,
    graph: Arc<GraphSpec>,
    options: RunOptions,
    editor: &EditorChoice,
    watcher: &mut dyn Watcher,
) -> Result<Run, Failure> {
    let run = orchestrator.submit(graph, options).await?;
    editor.wait_for_others(&run).await?;
    let plan = run.assign().await?;
    watcher.planned(&plan);
    run.start().await?;
    Ok(run)
}

/// Goes on with a run: what happened so far is taken in, and what holds it up is ended.
async fn recover(
    orchestrator: &Orchestrator,
    run: RunId,
    options: RecoverOptions,
    editor: &EditorChoice,
    follower: &mut Follower<'_>,
) -> Result<Run, Failure> {
    let (records, mut pages) = mpsc::channel(1);
    let options = RecoverOptions { records: Some(records), ..options };
    let past = async {
        while let Some(page) = pages.recv().await {
            page.iter().for_each(|envelope| follower.take_past(envelope));
        }
    };
    let (run, ()) = tokio::join!(orchestrator.recover(run, options), past);
    let run = run?;
    follower.gates.go_on(run.id(), follower.output);
    editor.wait_for_others(&run).await?;
    match run.status().state {
        RunState::Created | RunState::Ready => run.start().await?,
        RunState::Paused => run.resume().await?,
        _ => {}
    }
    Ok(run)
}

/// Who is told what happens in a run.
struct Follower<'a> {
    attempts: &'a mut Attempts,
    records: &'a mut Records,
    gates: Gates,
    output: &'a Output,
    watcher: &'a mut dyn Watcher,
}

impl Follower<'_> {
    /// Hands on the facts of a run until the one that ends it.
    async fn follow(&mut self, run: &Run, mut facts: Subscription) {
        let mut batch = Vec::with_capacity(GRIP);
        let mut ended = false;
        while !ended && self.receive(run, &mut facts, &mut batch).await {
            for fact in batch.drain(..) {
                match fact {
                    Ok(envelope) => {
                        ended |= envelope.event.run_end().is_some();
                        self.take(&envelope);
                    }
                    Err(gap) => {
                        self.output.warning(&gap.to_string());
                        // The end itself may be among what was missed.
                        ended |= run.status().state.is_terminal() && facts.backlog() == 0;
                    }
                }
            }
            self.gates.show(run.id(), self.watcher, self.output);
            self.watcher.caught_up();
        }
    }

    /// Waits for facts or an answer, but no longer than the watcher wants to. False after the end.
    async fn receive(
        &mut self,
        run: &Run,
        facts: &mut Subscription,
        batch: &mut Vec<Result<SharedEnvelope, Gap>>,
    ) -> bool {
        let pace = self.watcher.pace();
        let paced = async {
            match pace {
                None => std::future::pending().await,
                Some(pace) => tokio::time::sleep(pace).await,
            }
        };
        // Nothing is lost of what does not come first.
        tokio::select! {
            biased;
            received = facts.recv_many(batch, GRIP) => return received > 0,
            line = self.gates.line() => {
                if line.is_some() { self.watcher.answered() } else { self.watcher.abandoned() }
                self.gates.answer(line, run, self.output).await;
            }
            () = paced => {}
        }
        true
    }

    /// Takes in a fact from before this process.
    fn take_past(&mut self, envelope: &Envelope) {
        self.records.observe(envelope);
        self.attempts.observe(envelope);
        self.watcher.past(envelope);
        self.gates.observe_past(envelope);
    }

    fn take(&mut self, envelope: &Envelope) {
        self.records.observe(envelope);
        self.attempts.observe(envelope);
        self.watcher.event(envelope);
        self.gates.observe(envelope, self.output);
    }
}
