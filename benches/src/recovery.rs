//! How long a run takes to come back from its records, in a store of its own on the disk.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use starline::event::RunId;
use starline::journal::{Envelope, Fence, Journal, Seq, SharedEnvelope, UnixMillis};
use starline::orchestrator::{Limits, RecoverOptions};
use starline::scheduler::{Effect, Fleet, Input, Plan, Recovery, Scheduler, Step};
use starline::strategies::LoadBalance;
use starline::types::{DeviceId, DeviceProfile, Event, Revision, TaskReport, Timestamp};
use starline_journal_redb::{Options, RedbJournal};

use crate::folder::Folder;
use crate::{Dag, Effort, Goal, RunError, Stopwatch, Unit, Verdict, product};

const NAME: &str = "recovery";
/// Graphs, with rounds, quick and full, and µs that the goal allows.
const GRAPHS: [(&str, [usize; 2], f64); 2] =
    [("layered_100000", [2, 5], 1e6), ("layered_1000000", [0, 2], 1e7)];
/// Records that are read at once, as the orchestrator reads them.
const PAGE: usize = 8192;
/// Records that are written together.
const GROUP: usize = 4096;
/// The run is left when this many of a hundred tasks have ended.
const DONE: usize = 75;

/// Measures recovery, if it is named. Writes where the time goes, and returns what is judged.
///
/// # Errors
///
/// [`RunError`] when the disk refuses, or a run does not come back.
pub fn measure(goals: &[Goal], effort: Effort, out: &mut dyn Write) -> Result<Vec<Verdict>, RunError> {
    if !goals.contains(&Goal::Recovery) {
        return Ok(Vec::new());
    }
    let at = usize::from(effort == Effort::Full);
    let mut verdicts = Vec::new();
    for (graph, rounds, limit) in GRAPHS {
        let mut best = Times::default();
        for _ in 0..rounds[at] {
            best = best.or_better(&recover(graph)?);
        }
        if rounds[at] == 0 {
            continue;
        }
        let Times { open, read, replay, whole, records } = best;
        writeln!(
            out,
            "{graph}, {records} records: opened in {open:.0} ms, read in {read:.0} ms, replayed in {replay:.0} ms; \
             a store that is opened and a run that goes on: {whole:.0} ms"
        )
        .map_err(|error| RunError::failed(NAME, error))?;
        verdicts.push(Verdict::of_goal(Goal::Recovery, graph, whole * 1e3, limit, Unit::Micros));
    }
    writeln!(out).map_err(|error| RunError::failed(NAME, error))?;
    Ok(verdicts)
}

/// Milliseconds, and records.
struct Times {
    open: f64,
    read: f64,
    replay: f64,
    whole: f64,
    records: usize,
}

impl Default for Times {
    fn default() -> Self {
        let never = f64::INFINITY;
        Self { open: never, read: never, replay: never, whole: never, records: 0 }
    }
}

impl Times {
    fn or_better(self, other: &Self) -> Self {
        Self {
            open: self.open.min(other.open),
            read: self.read.min(other.read),
            replay: self.replay.min(other.replay),
            whole: self.whole.min(other.whole),
            records: other.records,
        }
    }
}

/// Writes a run that is left in its midst, and lets it come back.
fn recover(graph: &str) -> Result<Times, RunError> {
    let failed = |error: &dyn std::fmt::Display| RunError::failed(NAME, error.to_string());
    let dag = Dag::named(graph).map_err(|error| failed(&error))?;
    let folder = Folder::new(NAME)?;
    let path = folder.path().join("run.redb");
    let run = RunId::new("measured").map_err(|error| failed(&error))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| failed(&error))?;
    runtime.block_on(async {
        let records = write(&dag, &path, &run).await?;
        let watch = Stopwatch::start();
        let journal = RedbJournal::open(&path, Options::default()).map_err(|error| failed(&error))?;
        let open = millis(&watch);
        let watch = Stopwatch::start();
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page = journal.read(&run, after, PAGE).await.map_err(|error| failed(&error))?;
            let Some(last) = page.last() else { break };
            after = Some(last.seq);
            all.extend(page);
        }
        let read = millis(&watch);
        drop(journal);
        let watch = Stopwatch::start();
        let mut fleet = Fleet::new();
        let mut recovery =
            Recovery::new(run.clone(), Some(Box::new(LoadBalance))).with_limits(Limits::ceiling());
        recovery.replay(&mut fleet, all.iter().map(|record| &**record)).map_err(|error| failed(&error))?;
        let scheduler = recovery.finish().map_err(|error| failed(&error))?;
        let replay = millis(&watch);
        drop((scheduler, all));
        let watch = Stopwatch::start();
        let journal = RedbJournal::open(&path, Options::default()).map_err(|error| failed(&error))?;
        let (orchestrator, _bus) = starline::with_journal(Arc::new(journal));
        let options = RecoverOptions { limits: Limits::ceiling(), ..RecoverOptions::default() };
        let back = orchestrator.recover(run, options).await.map_err(|error| failed(&error))?;
        let whole = millis(&watch);
        let completed = back.status().counts.completed as usize;
        if completed * 100 < dag.tasks * DONE {
            return Err(RunError::failed(NAME, format!("only {completed} tasks are done")));
        }
        Ok(Times { open, read, replay, whole, records })
    })
}

fn millis(watch: &Stopwatch) -> f64 {
    watch.stop().wall.as_secs_f64() * 1e3
}

/// The records of a run, up to its midst. Returns how many there are.
async fn write(dag: &Dag, path: &Path, run: &RunId) -> Result<usize, RunError> {
    let failed = |error: &dyn std::fmt::Display| RunError::failed(NAME, error.to_string());
    let journal = RedbJournal::open(path, Options::default()).map_err(|error| failed(&error))?;
    let fence: Fence = journal.open(run).await.map_err(|error| failed(&error))?.fence;
    let mut fleet = Fleet::new();
    for device in 0..4 {
        let id = DeviceId::new(format!("d{device}")).map_err(|error| failed(&error))?;
        let ix = fleet.register(DeviceProfile::new(id, "local").with_slots(256));
        fleet.set_connected(ix, true);
    }
    let plan = Plan { graph: Arc::new(product::plan(dag)?), limits: Limits::ceiling(), ..Plan::default() };
    let mut step = Step::default();
    let strategy = Box::new(LoadBalance);
    let mut scheduler =
        Scheduler::create(run.clone(), plan, Some(strategy), Timestamp(0), &mut fleet, &mut step)
            .map_err(|error| failed(&error))?;
    scheduler.step_into(Timestamp(0), Input::Prepare, &mut fleet, &mut step);
    scheduler.step_into(Timestamp(0), Input::Start, &mut fleet, &mut step);
    let (mut done, mut seq, mut group) = (0, 0, Vec::with_capacity(GROUP));
    while done * 100 < dag.tasks * DONE {
        scheduler.place(Timestamp(1), &mut fleet, 64, &mut step);
        for effect in std::mem::take(&mut step.effects) {
            let Effect::Dispatch { device, attempt } = effect else { continue };
            done += 1;
            let (task, attempt) = (attempt.id.task, attempt.id.number);
            let input = Input::Reported { task, attempt, device, report: TaskReport::done() };
            scheduler.step_into(Timestamp(1), input, &mut fleet, &mut step);
        }
        group.extend(step.events.drain(..).map(|event: Event| {
            seq += 1;
            SharedEnvelope::from(Envelope {
                seq: Seq(seq),
                run_id: run.clone(),
                revision: Revision(0),
                t: Timestamp(1),
                at: UnixMillis(1_700_000_000_000),
                cause: None,
                event,
            })
        }));
        if group.len() >= GROUP || done * 100 >= dag.tasks * DONE {
            journal.append(run, fence, &group).await.map_err(|error| failed(&error))?;
            group.clear();
        }
    }
    Ok(usize::try_from(seq).unwrap_or(usize::MAX))
}
