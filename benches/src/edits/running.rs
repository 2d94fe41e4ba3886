//! P8: edits while a run executes, one after the other, each acknowledged before the next one is sent.
//!
//! The rate is judged twice: over all edits of a run, and over the best thousand in a row. Where other programs want
//! the processors as well, a run is put aside for some milliseconds many times; a thousand edits may come in between,
//! and hold everything else that edits wait for.
//!
//! What edits cost the run is judged at the rate asked for, and no more: an editor that never rests does as many as it
//! can, and the quicker they are the more a run has to bear.

use std::future::poll_fn;
use std::io::Write;
use std::task::Poll;
use std::time::Duration;

use starline::edit::EditBatch;
use starline::orchestrator::{Refusal, Run, RunError as Refused};
use starline::types::TaskId;
use tokio::sync::oneshot;

use super::product::{spec, written};
use super::shell::failed;
use super::{Best, Edits, Kind, Times, unwritten};
use crate::product::{Started, start};
use crate::{Dag, Effort, Goal, RunError, Unit, Verdict, clock, product, timed_after};

const NAME: &str = "starline";
const GRAPH: &str = "layered_100000";
const WORKERS: usize = 2;
/// Edits that are ready for one run: more than it has time for.
const EDITS: usize = 60_000;
/// Edits in a row whose rate counts as well.
const ROW: usize = 1_000;
/// Kinds of edits, in turn. Their targets are among the last tenth, which starts when the run is almost over.
const KINDS: [Kind; 3] = [Kind::Append, Kind::Insert, Kind::Cross];

/// Time that an edit may take at the rate asked for, time of an acknowledgement, and ratio of the runs.
const LIMITS: (f64, f64, f64) = (10.0, 20.0, 2.5);

pub(super) fn measure(effort: Effort, out: &mut dyn Write) -> Result<Vec<Verdict>, RunError> {
    let dag = Dag::named(GRAPH).map_err(|error| RunError::failed("edits", error))?;
    let rounds = if effort == Effort::Quick { 4 } else { 16 };
    let (mut plain, mut edited) = (Cost::default(), Cost::default());
    let (mut each, mut in_a_row) = (f64::INFINITY, f64::INFINITY);
    let (mut acknowledged, mut most) = (Best::default(), 0);
    for round in 0..rounds {
        let mut paces = [Pace::None, Pace::AsAsked, Pace::Restless];
        paces.rotate_left(round % 3);
        for pace in paces {
            let seen = run(&dag, pace)?;
            match pace {
                Pace::None => plain.take(&seen),
                Pace::AsAsked => edited.take(&seen),
                Pace::Restless => {
                    each = each.min(seen.each);
                    in_a_row = in_a_row.min(seen.in_a_row);
                    most = most.max(seen.times.len());
                    acknowledged.take(seen.times);
                }
            }
        }
    }
    writeln!(
        out,
        "{GRAPH} on {WORKERS} workers: {:.1} ms, with {} edits at {:.0} edits/s {:.1} ms (processor {:.1} and {:.1} ms); \
         without a rest up to {most} edits at {:.0} edits/s, {:.0} edits/s in a row, acknowledged p50 {:.2} us, \
         p90 {:.2} us, p99 {:.2} us\n",
        plain.wall * 1e3,
        edited.edits,
        1e6 / edited.each,
        edited.wall * 1e3,
        plain.cpu * 1e3,
        edited.cpu * 1e3,
        1e6 / each,
        1e6 / in_a_row,
        acknowledged.p50,
        acknowledged.p90,
        acknowledged.p99,
    )
    .map_err(unwritten)?;
    let row = |what: &str| format!("{GRAPH} {what}");
    let per_task = |seconds: f64| seconds * 1e6 / dag.tasks as f64;
    let mut run = Verdict::of_itself(
        Goal::P8,
        (row("with edits"), WORKERS),
        (per_task(edited.wall), per_task(plain.wall)),
        LIMITS.2,
        Unit::MicrosPerTask,
    );
    run.cpu_ratio = Some(edited.cpu / plain.cpu);
    Ok(vec![
        Verdict::of_goal(Goal::P8, row("each edit"), each, LIMITS.0, Unit::Micros),
        Verdict::of_goal(Goal::P8, row("a thousand in a row"), in_a_row, LIMITS.0, Unit::Micros),
        Verdict::of_goal(Goal::P8, row("ack p99"), acknowledged.p99, LIMITS.1, Unit::Micros),
        run,
    ])
}

/// How edits follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    /// There are none.
    None,
    /// One in each interval of the rate asked for, later ones sooner after one that took longer.
    AsAsked,
    /// Each at once after the one before.
    Restless,
}

/// What the quickest run took.
struct Cost {
    wall: f64,
    cpu: f64,
    each: f64,
    edits: usize,
}

impl Default for Cost {
    fn default() -> Self {
        Self { wall: f64::INFINITY, cpu: f64::INFINITY, each: f64::INFINITY, edits: 0 }
    }
}

impl Cost {
    fn take(&mut self, seen: &Seen) {
        if seen.wall < self.wall {
            *self = Self { wall: seen.wall, cpu: seen.cpu, each: seen.each, edits: seen.times.len() };
        }
    }
}

/// One run: seconds on the wall and of the processor, µs for each edit from the first to the last and in the best
/// row, and times of the acknowledgements.
struct Seen {
    wall: f64,
    cpu: f64,
    each: f64,
    in_a_row: f64,
    times: Times,
}

fn batches(dag: &Dag) -> Result<Vec<EditBatch>, RunError> {
    let per_kind = EDITS / KINDS.len();
    let drawn = KINDS.map(|kind| Edits::of(kind, dag, per_kind));
    let mut batches = Vec::with_capacity(EDITS);
    let name = |task: u32| TaskId::new(format!("t{task}")).map_err(failed);
    let last = u32::try_from(dag.tasks - dag.tasks / 10).unwrap_or(u32::MAX);
    for at in 0..per_kind {
        for Edits { kind, pairs, .. } in &drawn {
            let (from, to) = pairs[at];
            // What starts late, so that edits are of tasks that wait.
            let to = if to < last { last + to % (dag.tasks as u32 / 10) } else { to };
            let from = if *kind == Kind::Append { to } else { from };
            let edits = written(*kind, name(from)?, name(to)?, spec(batches.len())?);
            batches.push(EditBatch { edits, ..EditBatch::default() });
        }
    }
    Ok(batches)
}

fn run(dag: &Dag, pace: Pace) -> Result<Seen, RunError> {
    let graph = product::plan(dag)?;
    let with_edits = pace != Pace::None;
    let batches = if with_edits { batches(dag)? } else { Vec::new() };
    let (measurement, (finished, edits)) =
        timed_after(NAME, WORKERS, start(graph), move |started: Started| async move {
            let run = started.run().clone();
            let (sender, receiver) = oneshot::channel();
            if with_edits {
                crate::spawn(async move {
                    // Nobody listens if the run has failed.
                    let _ = sender.send(edit(&run, batches, pace).await);
                });
            }
            let finished = started.execute().await?;
            let edits = if with_edits { receiver.await.map_err(failed)?? } else { Edited::default() };
            Ok((finished, edits))
        })?;
    let Edited { times, each, in_a_row, added } = edits;
    RunError::unless_complete(NAME, finished.completed, dag.tasks + added)?;
    let (wall, cpu) = (measurement.wall.as_secs_f64(), measurement.cpu.as_secs_f64());
    Ok(Seen { wall, cpu, each, in_a_row, times })
}

/// What came of the edits of one run.
#[derive(Default)]
struct Edited {
    times: Times,
    each: f64,
    in_a_row: f64,
    added: usize,
}

/// Lets the tasks that wait for this worker go first. What yields to the runtime waits until the worker has looked
/// after timers as well, which is some sixty tasks later.
async fn others_first() {
    let mut has_waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Commits batch after batch, until one comes too late for its target or the run has ended.
async fn edit(run: &Run, batches: Vec<EditBatch>, pace: Pace) -> Result<Edited, RunError> {
    let times = Times::with_capacity(batches.len());
    let mut edited = Edited { times, in_a_row: f64::INFINITY, ..Edited::default() };
    let mut base = run.status().revision;
    // The run has to be under way.
    while run.status().counts.completed == 0 {
        tokio::task::yield_now().await;
    }
    let per_edit = |time: Duration, edits: usize| time.as_secs_f64() * 1e6 / edits.max(1) as f64;
    let first = clock::now();
    let mut row = first;
    let interval = Duration::from_nanos((LIMITS.0 * 1e3) as u64);
    let mut due = first;
    for mut batch in batches {
        batch.base = base;
        while pace == Pace::AsAsked && clock::now() < due {
            others_first().await;
        }
        due += interval;
        let begin = clock::now();
        let applied = run.apply(batch).await;
        let time = begin.elapsed();
        match applied {
            Ok(Some(applied)) => {
                edited.times.add(time);
                if edited.times.len().is_multiple_of(ROW) {
                    edited.in_a_row = edited.in_a_row.min(per_edit(row.elapsed(), ROW));
                    row = clock::now();
                }
                edited.added += applied.summary.added_tasks.len();
                base = applied.revision;
            }
            Ok(None) => {}
            // The last tasks start: the run is almost over.
            Err(Refused::Refused(Refusal::Rejected(_))) => break,
            Err(error) => return Err(failed(error)),
        }
    }
    edited.each = per_edit(first.elapsed(), edited.times.len());
    Ok(edited)
}
