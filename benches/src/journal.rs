//! P11: records on the disk, beside commits of the same bytes by the store alone.

use std::io::Write;
use std::path::Path;

use redb::{Database, Durability, TableDefinition, WriteTransaction};
use starline::journal::{Envelope, Event, Fence, Journal, Revision, RunId, Seq, SharedEnvelope};
use starline::journal::{Timestamp, UnixMillis};
use starline_journal_redb::{Options, RedbJournal};

use crate::folder::Folder;
use crate::{Effort, Goal, RunError, Stopwatch, Unit, Verdict};

/// Records that become durable together, and how many such groups a round has, quick and full.
const GROUPS: [(usize, [usize; 2]); 3] = [(1, [50, 300]), (16, [30, 200]), (256, [10, 60])];
/// The journal may take this many times as long as the store alone: 0.3 times its rate.
const LIMIT: f64 = 1.0 / 0.3;

/// Measures the goal about the journal, if it is named. Writes the figures of both, and returns what is judged.
///
/// # Errors
///
/// [`RunError`] when the disk refuses, or nobody reads what is written.
pub fn measure(goals: &[Goal], effort: Effort, out: &mut dyn Write) -> Result<Vec<Verdict>, RunError> {
    if !goals.contains(&Goal::P11) {
        return Ok(Vec::new());
    }
    let folder = Folder::new("journal")?;
    let (at, rounds) = match effort {
        Effort::Quick => (0, 2),
        Effort::Full => (1, 5),
    };
    let heading = "group   system              us/record   records/s";
    writeln!(out, "{heading}").map_err(|error| RunError::failed("ratios", error))?;
    let mut verdicts = Vec::new();
    for (group, counts) in GROUPS {
        let mut best = [f64::INFINITY; 3];
        for round in 0..rounds {
            let path = |name: &str| folder.path().join(format!("{name}-{group}-{round}.redb"));
            let steps = steps(group, counts[at])?;
            let records = (group * counts[at]) as f64;
            for place in 0..3 {
                let taken = match (round + place) % 3 {
                    0 => journal(&path("journal"), &steps)?,
                    1 => store(&path("plain"), &steps, false)?,
                    _ => store(&path("quick"), &steps, true)?,
                };
                let best = &mut best[(round + place) % 3];
                *best = best.min(taken * 1e6 / records);
            }
        }
        for (system, micros) in ["starline journal", "redb", "redb, quick repair"].iter().zip(best) {
            writeln!(out, "{group:>5}   {system:<18} {micros:>10.2} {:>11.0}", 1e6 / micros)
                .map_err(|error| RunError::failed("ratios", error))?;
        }
        let [found, alone, _] = best;
        verdicts.push(Verdict::of_store(
            Goal::P11,
            format!("group {group}"),
            found,
            alone,
            LIMIT,
            Unit::Micros,
        ));
    }
    writeln!(out).map_err(|error| RunError::failed("ratios", error))?;
    Ok(verdicts)
}

/// Records in steps of `group`.
fn steps(group: usize, count: usize) -> Result<Vec<Vec<SharedEnvelope>>, RunError> {
    let run = run()?;
    let record = |at: usize| {
        SharedEnvelope::from(Envelope {
            seq: Seq(at as u64 + 1),
            run_id: run.clone(),
            revision: Revision(0),
            t: Timestamp(at as u64),
            at: UnixMillis(1_700_000_000_000),
            cause: None,
            event: Event::RunResumed { by: "somebody with a name of some length, as of a task".into() },
        })
    };
    Ok((0..count).map(|step| (step * group..(step + 1) * group).map(record).collect()).collect())
}

fn run() -> Result<RunId, RunError> {
    RunId::new("measured").map_err(|error| RunError::failed("journal", error))
}

/// Seconds for all steps, each durable before the next.
fn journal(path: &Path, steps: &[Vec<SharedEnvelope>]) -> Result<f64, RunError> {
    let failed = |error| RunError::failed("journal", error);
    let options = Options { reserve: 0, ..Options::default() };
    let journal = RedbJournal::open(path, options).map_err(failed)?;
    let run = run()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| RunError::failed("journal", error))?;
    runtime.block_on(async {
        let fence: Fence = journal.open(&run).await.map_err(failed)?.fence;
        let watch = Stopwatch::start();
        for step in steps {
            journal.append(&run, fence, step).await.map_err(failed)?;
        }
        Ok(watch.stop().wall.as_secs_f64())
    })
}

/// Seconds for commits of values as long as the records, made beforehand.
fn store(path: &Path, steps: &[Vec<SharedEnvelope>], quick_repair: bool) -> Result<f64, RunError> {
    const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("values");
    let failed = |error: redb::Error| RunError::failed("redb", error.to_string());
    let steps: Vec<Vec<Vec<u8>>> = steps
        .iter()
        .map(|step| step.iter().map(|record| serde_json::to_vec(record).unwrap_or_default()).collect())
        .collect();
    let database = Database::create(path).map_err(|error| failed(error.into()))?;
    let commit = |key: &mut u64, step: &[Vec<u8>]| -> Result<(), redb::Error> {
        let mut transaction: WriteTransaction = database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.set_quick_repair(quick_repair);
        {
            let mut table = transaction.open_table(TABLE)?;
            for value in step {
                *key += 1;
                table.insert(*key, value.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    };
    let mut key = 0;
    commit(&mut key, &[]).map_err(failed)?;
    let watch = Stopwatch::start();
    for step in &steps {
        commit(&mut key, step).map_err(failed)?;
    }
    Ok(watch.stop().wall.as_secs_f64())
}
