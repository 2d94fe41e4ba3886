//! P9: tasks outside an open hold, which its editor does not answer.

use std::io::Write;
use std::sync::Arc;

use starline::event::EventFilter;
use starline::types::{
    Dependency, DependencyKind, EditorSettings, Event, GraphSpec, OutcomeStatus, Payload, Value,
};

use super::shell::{self, failed, id, task};
use super::{Best, Times, unwritten};
use crate::{Effort, Goal, RunError, Unit, Verdict, timed_after};

const NAME: &str = "starline";
/// Tasks in a line beside the hold.
const CHAIN: usize = 2_000;
const WORKERS: usize = 2;
/// µs that a task may start behind its last prerequisite.
const LIMIT: f64 = 1_000.0;
/// How much longer the median hop may take than without a hold. Two equal runs differ by as much.
const AS_IF: f64 = 1.25;

pub(super) fn measure(effort: Effort, out: &mut dyn Write) -> Result<Vec<Verdict>, RunError> {
    let rounds = if effort == Effort::Quick { 5 } else { 20 };
    let (mut beside, mut without, mut worst) = (Best::default(), Best::default(), Times::default());
    for round in 0..rounds {
        for hold in [round % 2 == 0, round % 2 == 1] {
            let mut times = chain(hold)?;
            if hold {
                worst.add_micros(times.percentile(100));
                beside.take(times);
            } else {
                without.take(times);
            }
        }
    }
    writeln!(
        out,
        "a task behind its prerequisite, {CHAIN} in a line: beside a hold that is not answered p50 {:.2} us, \
         p99 {:.2} us, the longest of a round {:.1} us (median); without a hold p50 {:.2} us, p99 {:.2} us\n",
        beside.p50,
        beside.p99,
        worst.percentile(50),
        without.p50,
        without.p99
    )
    .map_err(unwritten)?;
    Ok(vec![
        Verdict::of_goal(Goal::P9, "beside a hold, p99", beside.p99, LIMIT, Unit::Micros),
        Verdict::of_goal(Goal::P9, "beside a hold, longest", worst.percentile(50), LIMIT, Unit::Micros),
        Verdict::of_itself(
            Goal::P9,
            ("beside a hold, p50", WORKERS),
            (beside.p50, without.p50),
            AS_IF,
            Unit::Micros,
        ),
    ])
}

/// A task that fails, a task behind it, and a line of tasks that has nothing to do with them.
fn graph() -> Result<GraphSpec, RunError> {
    let call = Payload::Call { name: "fail".into(), arguments: Arc::new(Value::Null) };
    let mut tasks = vec![task("broken", call)?, task("held", Payload::Noop)?];
    let after = Dependency::success(id("broken")?, id("held")?).with_kind(DependencyKind::Completion);
    let mut dependencies = vec![after];
    // The line begins when the hold is certainly open.
    tasks.push(shell::sleep("x0", 20)?);
    for at in 1..CHAIN {
        tasks.push(task(&format!("x{at}"), Payload::Noop)?);
        dependencies.push(Dependency::success(id(&format!("x{}", at - 1))?, id(&format!("x{at}"))?));
    }
    Ok(GraphSpec { name: "beside".into(), tasks, dependencies, ..GraphSpec::default() })
}

/// Times from the end of each task of the line to the begin of the next one.
fn chain(hold: bool) -> Result<Times, RunError> {
    let graph = graph()?;
    let prepare = shell::orchestrator(3);
    let (_, log) = timed_after(NAME, WORKERS, prepare, move |(orchestrator, bus, log)| async move {
        // Only failures ask, so the line opens no holds of its own.
        let editor = EditorSettings { edit_on: vec![OutcomeStatus::Failed], ..EditorSettings::default() };
        let options = shell::options(hold.then_some(editor));
        let run = orchestrator.submit(graph, options).await.map_err(failed)?;
        run.assign().await.map_err(failed)?;
        let mut events = bus.subscribe_with(EventFilter::all().run(run.id().clone()), 1 << 16);
        let mut editor = if hold { Some(run.editor("silent").await.map_err(failed)?) } else { None };
        run.start().await.map_err(failed)?;
        if let Some(editor) = &mut editor {
            let handed = editor.next_hold().await.ok_or_else(|| failed("there was no hold"))?;
            let last = id(&format!("x{}", CHAIN - 1))?;
            loop {
                let event = events.next().await.ok_or_else(|| failed("the run ended early"))?;
                match &event.map_err(failed)?.event {
                    Event::TaskStarted { task, .. } if task.id().as_str() == "held" => {
                        return Err(failed("a task started that was held"));
                    }
                    Event::TaskCompleted { task, .. } if *task.id() == last => break,
                    _ => {}
                }
            }
            if !editor.holds(handed.hold) {
                return Err(failed("the hold closed by itself"));
            }
            editor.release(handed.hold).await.map_err(failed)?;
        }
        let status = run.wait().await;
        RunError::unless_complete(NAME, status.counts.completed as usize, CHAIN + 1)?;
        Ok(log)
    })?;
    let log = log.by_task();
    let mut times = Times::with_capacity(CHAIN);
    // The first hop comes out of a sleep, as no other does.
    for at in 1..CHAIN - 1 {
        let ends = log.get(&format!("x{at}")).zip(log.get(&format!("x{}", at + 1)));
        let ((_, end), (begin, _)) = ends.ok_or_else(|| failed("a task did not run"))?;
        times.add(begin.saturating_duration_since(*end));
    }
    Ok(times)
}
