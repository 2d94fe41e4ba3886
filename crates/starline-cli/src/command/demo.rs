//! `starline demo`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clap::Args;
use starline::agent::ScriptedPlanner;
use starline::orchestrator::Device;
use starline::planner::{PlanRequest, Planner, PlannerError, Proposal};
use starline::strategies::LoadBalance;
use starline::transport_local::{Call, LocalDevice};
use starline::transport_process::{ProcessDevice, ProcessOptions};
use starline::types::{
    DeviceId, DeviceProfile, Envelope, ErrorKind, EventKind, GraphSpec, IdError, Reading, SkipReason,
    TaskError, TaskResult, Value,
};
use starline::workflow::{LoadOptions, Workflow};

use crate::drive::{self, Plan, Watcher};
use crate::editor::{EditorChoice, rules};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::gates::Answers;
use crate::issue::Issue;
use crate::line::{Lines, is_notable};
use crate::live::Live;
use crate::options::{OutputOptions, StateOptions};
use crate::output::Output;
use crate::paint::{Tone, paint};
use crate::plan::{Plan as Planned, Question, plan, show_tasks};
use crate::records::Records;
use crate::run_id;
use crate::summary::Summary;
use crate::view::{is_live, view};

pub(crate) const ABOUT: &str = "Show what it does: three devices on this machine run a small graph";

pub(crate) const HELP: &str = "\
Takes about five seconds. The run itself ends as partially_failed, since some of its tasks are made to
fail; the exit code is 0 if everything went as the script says. The same seed gives the same events.

Examples:
  starline demo
  starline demo --ephemeral          # leave no files behind
  starline demo --json --seed 7      # one fact on each line, and the result last
";

/// How long the editor of the demonstration takes for an answer.
const THOUGHT: Duration = Duration::from_millis(500);
/// The graph of the demonstration.
const SCRIPT: &str = include_str!("demo.yaml");

const INTRODUCTION: &str = "\
Three devices on this machine: north and south run processes, office runs functions of this program.
Nine tasks, some of which are made to fail, and an editor that changes the graph while it runs:
  collect_b   fails: what follows it is held until the editor has answered, and the rest goes on. Its first
              answer would close a cycle and is refused with the reason; the second one looks at the host,
              collects again and lets merge wait for that
  collect_c   fails once, and is tried again after a random delay
  watch       starts processes that never end, and is stopped with all of them after 3.5 s
  merge       adds two outputs up: page runs if the sum is above 40, discard if it is 0
  page        waits for approval, which the demonstration gives itself
  close       runs when the others have ended, however they ended
";

const FILES: [(&str, &str); 4] = [
    ("report.html, report.md", "what happened, for people"),
    ("trace.json", "what each slot did, for https://ui.perfetto.dev"),
    ("graph.mmd", "the graph, for Mermaid"),
    ("journal.redb", "every fact; result.json has the end"),
];

const NEXT: &str = "\
Next:
  starline show last                        # what became of each task, with causes
  starline show last collect_b.r2           # everything about one task
  starline replay last                      # every fact, one after the other
  starline export last --to svg -o run.svg  # draw it
  starline init                             # a workflow file to begin with
  starline plan workflow.yaml               # what would run where, and how long it would take
  starline run workflow.yaml                # on this machine; meanwhile, in another terminal:
  starline watch last                       # follow it; `edit`, `explain`, `pause` and `undo` as well
  starline --help
";

/// Flags of `starline demo`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct DemoArgs {
    /// Seed of the random delay
    #[arg(long, env = "STARLINE_SEED", hide_env_values = true, value_name = "N", default_value_t = 1)]
    seed: u64,

    #[command(flatten)]
    state: StateOptions,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl DemoArgs {
    /// Shows the demonstration.
    ///
    /// # Errors
    /// It did not begin.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let mut workflow =
            Workflow::parse(SCRIPT.as_bytes(), &LoadOptions::default()).map_err(|problems| {
                Failure::issues("demo.yaml", problems.into_iter().map(Issue::from).collect())
            })?;
        workflow.settings.seed = self.seed;
        // Nobody is kept waiting here; the record says so.
        workflow.settings.approved_in_advance = true;
        let graph = Arc::clone(&workflow.graph);
        let run_id = run_id::fresh();
        let fleet = || fleet().map_err(|error| Failure::new(Exit::Invalid, "invalid_id", error.to_string()));
        let profiles: Vec<_> = fleet()?.into();
        let records = Records::create(&self.state, &run_id, &workflow, profiles.clone(), None)?;
        let (devices, processes) = devices(fleet()?, records.work_root());
        let strategy = Box::new(LoadBalance);
        let editor = editor(&workflow)?;
        let settings = workflow.settings;
        let question = Question {
            graph: Arc::clone(&graph),
            settings: settings.clone(),
            devices: profiles.clone(),
            seed: self.seed,
        };
        let planned = plan(&question, Box::new(LoadBalance))?;
        let job = drive::Job {
            run_id,
            begin: drive::Begin::Submit { graph: workflow.graph, settings: Box::new(settings) },
            strategy,
            devices,
            processes,
            records,
            editor,
            answers: Answers::InAdvance,
            unstarted: None,
        };
        let summary = if output.is_json() {
            drive::run(job, output, &mut *view(output, &graph, &profiles))?
        } else if is_live(output) {
            let stage = Stage { notable_only: true, ..Stage::new(output, &graph, planned) };
            drive::run(job, output, &mut Live::new(stage, output, &graph, &profiles))?
        } else {
            drive::run(job, output, &mut Stage::new(output, &graph, planned))?
        };
        Ok(conclude(&summary, output))
    }
}

/// Writes the end, and says whether everything went as the script says.
fn conclude(summary: &Summary, output: &Output) -> Exit {
    summary.write(output);
    if summary.exit() == Exit::Cancelled {
        return Exit::Cancelled;
    }
    let differences = differences(summary);
    for difference in &differences {
        output.error(&format!("not as the script says: {difference}"));
    }
    if !differences.is_empty() {
        return Exit::Failed;
    }
    if !output.is_json() {
        let word = paint("as expected", Tone::Good, output.result_colour());
        output.result(&format!("\nEverything went {word}."));
        if !output.is_quiet() {
            if let Some(folder) = &summary.folder {
                output.result(&format!("\nFiles in {folder}:"));
                for (names, what) in FILES {
                    output.result(&format!("  {names:<24} {what}"));
                }
            }
            output.text(&format!("\n{NEXT}"));
        }
    }
    summary.fault.unwrap_or(Exit::Done)
}

type Fleet = (Vec<Arc<dyn Device>>, Vec<Arc<ProcessDevice>>);

/// North, south and the office.
fn fleet() -> Result<[DeviceProfile; 3], IdError> {
    let profile = |id: &str, kind: &str, capability: &str| {
        let profile = DeviceProfile::new(DeviceId::new(id)?, kind);
        Ok(profile.with_slots(2).with_capabilities([capability]).with_os(std::env::consts::OS))
    };
    Ok([
        profile("north", "process", "logs")?,
        profile("south", "process", "logs")?,
        profile("office", "local", "office")?,
    ])
}

fn devices([north, south, office]: [DeviceProfile; 3], work_root: Option<PathBuf>) -> Fleet {
    let mut options = ProcessOptions { allow_sh: true, ..ProcessOptions::default() };
    if let Some(root) = work_root {
        options.work_root = root;
    }
    let north = Arc::new(ProcessDevice::new(north, options.clone()));
    let south = Arc::new(ProcessDevice::new(south, options));
    let office = LocalDevice::new(office)
        .function("add", |arguments: Value| async move {
            tokio::time::sleep(Duration::from_millis(400)).await;
            let total = number(&arguments["a"])? + number(&arguments["b"])?;
            Ok(Value::from_iter([("total", total)]))
        })
        .function_with("inspect", |call: Call| async move {
            call.progress.message("looking at the host");
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(Value::from_iter([("host", call.arguments["host"].clone())]))
        });
    let processes = vec![north, south];
    let mut devices = crate::devices::as_devices(&processes);
    devices.push(Arc::new(office));
    (devices, processes)
}

/// A whole number, as such or as text.
fn number(value: &Value) -> Result<i64, TaskError> {
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    number.ok_or_else(|| TaskError::new(ErrorKind::InvalidRequest, format!("{value} is no whole number")))
}

/// The editor of the demonstration: the rules of the file, answered by somebody who takes a while.
fn editor(workflow: &Workflow) -> Result<EditorChoice, Failure> {
    let settings = workflow.settings.editor.as_deref().cloned().unwrap_or_default();
    Ok(EditorChoice::Here(Arc::new(Thoughtful(rules(&settings, "demo.yaml")?))))
}

/// Takes half a second for each answer, as a person or a model would take longer.
#[derive(Debug)]
struct Thoughtful(ScriptedPlanner);

#[async_trait]
impl Planner for Thoughtful {
    fn name(&self) -> &str {
        self.0.name()
    }

    async fn plan(&self, request: PlanRequest) -> Result<Proposal, PlannerError> {
        tokio::time::sleep(THOUGHT).await;
        self.0.plan(request).await
    }
}

/// Shows the run to a person, on standard output: here it is the result.
struct Stage<'a> {
    output: &'a Output,
    lines: Lines,
    planned: Planned,
    /// Whether what can be seen elsewhere is left out.
    notable_only: bool,
}

impl<'a> Stage<'a> {
    fn new(output: &'a Output, graph: &GraphSpec, planned: Planned) -> Self {
        Self { output, lines: Lines::new(graph, output.result_colour()), planned, notable_only: false }
    }
}

impl Watcher for Stage<'_> {
    fn planned(&mut self, _plan: &Plan) {
        let output = self.output;
        if output.is_quiet() {
            return;
        }
        output.text(INTRODUCTION);
        output.result("\nPlan, by estimated times:");
        show_tasks(&self.planned, output);
        output.result("\nRun:");
        output.flush();
    }

    fn event(&mut self, envelope: &Envelope) {
        let wanted = match envelope.event.kind() {
            // Assigned and running are one on these devices, and the others say nothing new here.
            EventKind::RunCreated
            | EventKind::RunReady
            | EventKind::TaskAssigned
            | EventKind::ResultIgnored => false,
            EventKind::Progress => self.output.is_verbose(),
            _ => !self.notable_only || is_notable(&envelope.event),
        };
        // Written in any case, as lines count from the first one.
        let line = self.lines.line(envelope);
        if wanted && !self.output.is_quiet() {
            self.output.result(&line);
            if matches!(envelope.event.kind(), EventKind::ApprovalGranted) {
                self.output.result(
                    "           (by the demonstration itself; in a run of yours, it is you who is asked)",
                );
            }
        }
        if envelope.event.run_end().is_some() && !self.output.is_quiet() {
            self.output.result("");
        }
    }

    fn caught_up(&mut self) {
        self.output.flush();
    }
}

/// How each task must end.
type Expectation = (&'static str, Reading, fn(&TaskResult) -> bool);

const EXPECTED: [Expectation; 11] = [
    ("prepare_a", Reading::Completed, |_| true),
    ("collect_a", Reading::Completed, |result| result.outputs.get("count") == Some(&Value::from(12))),
    ("collect_b", Reading::Failed, |result| failed_by(result, &ErrorKind::ExitStatus)),
    ("inspect_b", Reading::Completed, |result| result.result["host"] == "b"),
    ("collect_b.r2", Reading::Completed, |result| result.outputs.get("count") == Some(&Value::from(30))),
    ("collect_c", Reading::Completed, |result| result.attempts == 2),
    ("watch", Reading::Failed, |result| failed_by(result, &ErrorKind::Timeout)),
    ("merge", Reading::Completed, |result| result.outputs.get("total") == Some(&Value::from(42))),
    ("page", Reading::Completed, |_| true),
    ("discard", Reading::Skipped, |result| result.skip_reason == Some(SkipReason::ConditionFalse)),
    ("close", Reading::Completed, |_| true),
];

fn failed_by(result: &TaskResult, kind: &ErrorKind) -> bool {
    result.error.as_ref().is_some_and(|error| error.kind == *kind)
}

/// What went another way than the script says, one line each.
fn differences(summary: &Summary) -> Vec<String> {
    let results = &summary.outcome.results;
    let mut differences = Vec::new();
    for (id, status, holds) in EXPECTED {
        match results.iter().find(|(task, _)| task.as_str() == id) {
            Some((_, result)) if result.status == status && holds(result) => {}
            Some((_, result)) => {
                let error = result.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
                differences
                    .push(format!("{id} is {:?} after {} attempts{error}", result.status, result.attempts));
            }
            None => differences.push(format!("{id} is missing")),
        }
    }
    let edits = summary.edits.as_ref().map_or((0, 0), |edits| (edits.committed(), edits.rejected()));
    if edits != (1, 1) {
        differences.push(format!("{} edits were committed and {} rejected", edits.0, edits.1));
    }
    differences
}
