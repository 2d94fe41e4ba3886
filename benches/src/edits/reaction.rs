//! What a slow editor delays: three chains of two steps, and a task that has nothing to do with them.
//!
//! The first steps take 100, 200 and 300 ms on three devices of one slot, the editor takes 300 ms for each
//! answer and changes nothing. A fourth root is pinned to a device of its own, which accepts tasks after 150 ms:
//! while a hold is open.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use starline::types::{
    Dependency, DeviceId, DeviceSelector, EditorSettings, GraphSpec, HoldScope, Millis, Payload, TaskSpec,
};

use super::shell::{self, failed, id};
use super::{Times, unwritten};
use crate::{Effort, Goal, RunError, Unit, Verdict, clock, timed_after};

const NAME: &str = "starline";
const WORKERS: usize = 2;
/// First steps, how long they take in ms, and second steps.
const CHAINS: [(&str, u64, &str); 3] = [("a1", 100, "a2"), ("b1", 200, "b2"), ("c1", 300, "c2")];
/// A task without edges, the device it is pinned to, and when that accepts tasks, in ms.
const ROOT: (&str, &str, u64) = ("root", "d3", 150);
/// How long the editor takes, in ms.
const EDIT: u64 = 300;
/// µs that a second step may start behind the close of its hold, and the root behind its device.
const LIMITS: [f64; 2] = [2_000.0, 1_000.0];

pub(super) fn measure(effort: Effort, out: &mut dyn Write) -> Result<Vec<Verdict>, RunError> {
    let rounds = if effort == Effort::Quick { 1 } else { 9 };
    let scopes = [(HoldScope::Descendants, "descendants"), (HoldScope::Graph, "graph")];
    let mut verdicts = Vec::new();
    let mut found = Vec::new();
    for (scope, name) in scopes {
        let (mut starts, mut steps, mut root) =
            (BTreeMap::<String, Times>::new(), Times::default(), Times::default());
        for _ in 0..rounds {
            let seen = run(scope)?;
            for (task, at) in seen.starts() {
                starts.entry(task).or_default().add(at);
            }
            steps.add(seen.steps_late(scope)?);
            root.add(seen.root_late(scope)?);
        }
        for (what, mut late, limit) in
            [("second steps", steps, LIMITS[0]), ("unrelated root", root, LIMITS[1])]
        {
            let row = format!("{name}: {what}");
            verdicts.push(Verdict::of_goal(Goal::P9, row, late.percentile(50), limit, Unit::Micros));
            let worst = late.percentile(100);
            writeln!(
                out,
                "{name}: {what} late by {:.0} us (median), {worst:.0} us at most",
                late.percentile(50)
            )
            .map_err(unwritten)?;
        }
        found.push(starts);
    }
    table(out, &mut found).map_err(unwritten)?;
    Ok(verdicts)
}

/// When each task starts, beside the paths that lead to it.
fn table(out: &mut dyn Write, found: &mut [BTreeMap<String, Times>]) -> io::Result<()> {
    write!(out, "{:<6} {:>14} {:>22}", "start", "path ms", "path with its edit ms")?;
    writeln!(out, " {:>15} {:>9}", "descendants ms", "graph ms")?;
    let steps = CHAINS.map(|(_, first, second)| (second, first, first + EDIT));
    for (task, path, edited) in steps.into_iter().chain([(ROOT.0, ROOT.2, ROOT.2)]) {
        let [descendants, graph] =
            [0, 1].map(|at| found[at].get_mut(task).map_or(f64::NAN, |times| times.percentile(50) / 1e3));
        writeln!(out, "{task:<6} {path:>14} {edited:>22} {descendants:>15.1} {graph:>9.1}")?;
    }
    let (path, edited) = (CHAINS[2].1, CHAINS[2].1 + EDIT);
    writeln!(out, "critical path {path} ms, with an edit on it {edited} ms\n")
}

/// What was seen of one run.
struct Seen {
    began: Instant,
    /// When the device of the root began to accept tasks.
    opened: Instant,
    /// Begin and end by task.
    tasks: BTreeMap<String, (Instant, Instant)>,
    /// When the editor closed its holds, with the tasks whose ends they were about.
    closed: Vec<(Instant, Vec<String>)>,
}

impl Seen {
    fn of(&self, task: &str) -> Result<(Instant, Instant), RunError> {
        self.tasks.get(task).copied().ok_or_else(|| failed(format_args!("{task} did not run")))
    }

    /// Time from the start of the run to that of each task.
    fn starts(&self) -> impl Iterator<Item = (String, Duration)> {
        self.tasks
            .iter()
            .map(|(task, (begin, _))| (task.clone(), begin.saturating_duration_since(self.began)))
    }

    /// When the hold closed that was about a task.
    fn closed(&self, about: &str) -> Result<Instant, RunError> {
        let found = self.closed.iter().find(|(_, tasks)| tasks.iter().any(|task| task == about));
        found.map(|(at, _)| *at).ok_or_else(|| failed(format_args!("{about} opened no hold")))
    }

    /// When the last hold closed that was about a first step. The ends of the others open holds as well.
    fn last_close(&self) -> Result<Instant, RunError> {
        let mut last = self.closed(CHAINS[0].0)?;
        for (first, ..) in CHAINS {
            last = last.max(self.closed(first)?);
        }
        Ok(last)
    }

    /// The longest that a second step started behind what it waited for. The clock runs from the call that closes the
    /// hold to the call of the device.
    fn steps_late(&self, scope: HoldScope) -> Result<Duration, RunError> {
        let mut longest = Duration::ZERO;
        for (first, _, second) in CHAINS {
            let open = if scope == HoldScope::Graph { self.last_close()? } else { self.closed(first)? };
            let (begin, _) = self.of(second)?;
            let Some(late) = begin.checked_duration_since(open) else {
                return Err(failed(format_args!("{second} started while it was held")));
            };
            longest = longest.max(late);
        }
        Ok(longest)
    }

    /// How much later the root started than it could have.
    fn root_late(&self, scope: HoldScope) -> Result<Duration, RunError> {
        let open = if scope == HoldScope::Graph { self.last_close()? } else { self.opened };
        let (begin, _) = self.of(ROOT.0)?;
        begin.checked_duration_since(open).ok_or_else(|| failed("the root started before it could"))
    }
}

fn graph() -> Result<GraphSpec, RunError> {
    let mut tasks = Vec::new();
    let mut dependencies = Vec::new();
    for (at, (first, ms, second)) in CHAINS.into_iter().enumerate() {
        // Each chain on its own device, so that the root finds its own free.
        let device = format!("d{at}");
        tasks.push(pinned(first, Payload::Sleep(Millis(ms)), &device)?);
        tasks.push(pinned(second, Payload::Noop, &device)?);
        dependencies.push(Dependency::success(id(first)?, id(second)?));
    }
    tasks.push(pinned(ROOT.0, Payload::Noop, ROOT.1)?);
    Ok(GraphSpec { name: "chains".into(), tasks, dependencies, ..GraphSpec::default() })
}

fn pinned(name: &str, run: Payload, device: &str) -> Result<Arc<TaskSpec>, RunError> {
    let on = Some(DeviceId::new(device).map_err(failed)?);
    let device = Some(Arc::new(DeviceSelector { on, ..DeviceSelector::default() }));
    Ok(Arc::new(TaskSpec { device, ..TaskSpec::new(id(name)?, run) }))
}

fn run(scope: HoldScope) -> Result<Seen, RunError> {
    let graph = graph()?;
    let prepare = shell::orchestrator(CHAINS.len() + 1);
    let (_, seen) = timed_after(NAME, WORKERS, prepare, move |(orchestrator, _bus, log)| async move {
        let mut settings = EditorSettings::default();
        settings.hold.scope = scope;
        let run = orchestrator.submit(graph, shell::options(Some(settings))).await.map_err(failed)?;
        run.assign().await.map_err(failed)?;
        let mut editor = run.editor("slow").await.map_err(failed)?;
        let device = DeviceId::new(ROOT.1).map_err(failed)?;
        orchestrator.fleet().drain(device.clone(), true).await.map_err(failed)?;
        let began = clock::now();
        run.start().await.map_err(failed)?;
        let answers = async {
            let mut closed = Vec::new();
            while let Some(handed) = editor.next_hold().await {
                tokio::time::sleep(Duration::from_millis(EDIT)).await;
                let about = handed.finished.iter().map(|(task, _)| task.to_string()).collect();
                closed.push((clock::now(), about));
                editor.release(handed.hold).await.map_err(failed)?;
            }
            Ok::<_, RunError>(closed)
        };
        let opens = async {
            tokio::time::sleep(Duration::from_millis(ROOT.2)).await;
            let opened = clock::now();
            orchestrator.fleet().drain(device, false).await.map_err(failed)?;
            Ok::<_, RunError>(opened)
        };
        let (closed, opened) = futures::future::try_join(answers, opens).await?;
        let status = run.wait().await;
        RunError::unless_complete(NAME, status.counts.completed as usize, 2 * CHAINS.len() + 1)?;
        Ok(Seen { began, opened, tasks: log.by_task(), closed })
    })?;
    Ok(seen)
}
