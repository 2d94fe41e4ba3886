//! P13: a run that a hundred subscribers listen to, half of which never read, beside the same run without any.

use std::io::Write;
use std::pin::pin;

use futures::future::{Either, select};
use starline::bus::Subscription;
use starline::event::{EventFilter, Gap, SharedEnvelope};
use starline::types::{Dependency, GraphSpec, Payload};
use tokio::sync::{oneshot, watch};

use super::shell::{self, failed, id, task};
use super::{Best, Times, unwritten};
use crate::{Effort, Goal, RunError, Unit, Verdict, spawn, timed_after};

const NAME: &str = "starline";
/// Subscribers that read, and as many that do not.
const READERS: usize = 50;
/// Tasks in a line: more facts than a subscription has room for.
const CHAIN: usize = 2_500;
/// What a task takes in the second part, in ms: then readers have time to read.
const WORK: u64 = 1;
/// Tasks in the line of the second part.
const WORKING_CHAIN: usize = 300;
const WORKERS: usize = 2;
/// How much longer the 99th percentile may be than without subscribers.
const LIMIT: f64 = 1.1;

pub(super) fn measure(effort: Effort, out: &mut dyn Write) -> Result<Vec<Verdict>, RunError> {
    let rounds = if effort == Effort::Quick { 3 } else { 12 };
    let mut verdicts = Vec::new();
    for (name, line, work) in
        [("tasks of 1 ms in a line", WORKING_CHAIN, WORK), ("tasks without work in a line", CHAIN, 0)]
    {
        let (mut listened, mut silent, mut alone, mut gaps) =
            (Best::default(), Best::default(), Best::default(), 0);
        for round in 0..rounds {
            for turn in 0..3 {
                let (best, readers, others) = match (round + turn) % 3 {
                    0 => (&mut listened, READERS, READERS),
                    1 => (&mut silent, 0, READERS),
                    _ => (&mut alone, 0, 0),
                };
                let (times, reported) = chain(line, work, (readers, others))?;
                gaps += reported;
                best.take(times);
            }
        }
        writeln!(out, "{name}, a task behind its prerequisite: {gaps} gaps, each fact read or in one")
            .map_err(unwritten)?;
        for (who, best) in [
            (format!("{READERS} that read, {READERS} that never do"), listened),
            (format!("{READERS} that never read"), silent),
            ("no subscriber".to_owned(), alone),
        ] {
            writeln!(out, "  {who}: p50 {:.2} us, p99 {:.2} us", best.p50, best.p99).map_err(unwritten)?;
        }
        let found = (listened.p99, alone.p99);
        verdicts.push(Verdict::of_itself(
            Goal::P13,
            (format!("{name}, p99"), WORKERS),
            found,
            LIMIT,
            Unit::Micros,
        ));
    }
    Ok(verdicts)
}

fn graph(line: usize, work: u64) -> Result<GraphSpec, RunError> {
    let mut tasks = Vec::with_capacity(line);
    let mut dependencies = Vec::with_capacity(line);
    for at in 0..line {
        let name = format!("x{at}");
        tasks.push(if work > 0 { shell::sleep(&name, work)? } else { task(&name, Payload::Noop)? });
        if at > 0 {
            dependencies.push(Dependency::success(id(&format!("x{}", at - 1))?, id(&name)?));
        }
    }
    Ok(GraphSpec { name: "listened".into(), tasks, dependencies, ..GraphSpec::default() })
}

/// What a subscriber has read.
#[derive(Default)]
struct Reading {
    last: u64,
    gaps: usize,
    fault: Option<String>,
}

impl Reading {
    fn take(&mut self, item: Result<SharedEnvelope, Gap>) {
        let (from, to) = match &item {
            Ok(fact) => (fact.seq.0, fact.seq.0),
            Err(gap) => (gap.from.0, gap.to.0),
        };
        self.gaps += usize::from(item.is_err());
        // A subscriber hears from its run what was published since it came.
        if self.last > 0 && from != self.last + 1 {
            self.fault.get_or_insert_with(|| format!("{from} came after {}", self.last));
        }
        self.last = to;
    }

    fn take_rest(&mut self, from: &mut Subscription) {
        while let Some(item) = from.try_next() {
            self.take(item);
        }
    }

    /// Checks that everything up to the last fact was read, or reported as missing.
    fn check(self, last: u64) -> Result<usize, RunError> {
        match self.fault {
            Some(fault) => Err(failed(format_args!("a fact is missing: {fault}"))),
            None if self.last != last => Err(failed(format_args!("read up to {}, not {last}", self.last))),
            None => Ok(self.gaps),
        }
    }
}

/// A task that reads as long as the run lasts, and then what is left.
fn read(mut facts: Subscription, mut is_over: watch::Receiver<bool>) -> oneshot::Receiver<Reading> {
    let (sender, receiver) = oneshot::channel();
    spawn(async move {
        let mut reading = Reading::default();
        {
            let mut end = pin!(is_over.wait_for(|is_over| *is_over));
            while let Either::Left((Some(item), _)) = select(pin!(facts.next()), &mut end).await {
                reading.take(item);
            }
        }
        reading.take_rest(&mut facts);
        // Nobody waits for it if the run has failed.
        drop(sender.send(reading));
    });
    receiver
}

/// Times from the end of each task to the begin of the next one, beside some that read and others that never do; and
/// how many gaps were reported.
fn chain(line: usize, work: u64, (readers, others): (usize, usize)) -> Result<(Times, usize), RunError> {
    let graph = graph(line, work)?;
    let prepare = shell::orchestrator(1);
    let (_, (log, gaps)) = timed_after(NAME, WORKERS, prepare, move |(orchestrator, bus, log)| async move {
        let run = orchestrator.submit(graph, shell::options(None)).await.map_err(failed)?;
        run.assign().await.map_err(failed)?;
        let subscribe = |_| bus.subscribe(EventFilter::all().run(run.id().clone()));
        let mut silent: Vec<Subscription> = (0..others).map(subscribe).collect();
        let (over, is_over) = watch::channel(false);
        let reading: Vec<_> = (0..readers).map(subscribe).map(|facts| read(facts, is_over.clone())).collect();
        run.start().await.map_err(failed)?;
        let status = run.wait().await;
        RunError::unless_complete(NAME, status.counts.completed as usize, line)?;
        let last = status.seq.0;
        over.send_replace(true);
        let mut gaps = 0;
        for reading in reading {
            gaps += reading.await.map_err(failed)?.check(last)?;
        }
        for subscription in &mut silent {
            let mut rest = Reading::default();
            rest.take_rest(subscription);
            gaps += rest.check(last)?;
        }
        Ok((log, gaps))
    })?;
    let log = log.by_task();
    let mut times = Times::with_capacity(line);
    for at in 1..line - 1 {
        let ends = log.get(&format!("x{at}")).zip(log.get(&format!("x{}", at + 1)));
        let ((_, end), (begin, _)) = ends.ok_or_else(|| failed("a task did not run"))?;
        times.add(begin.saturating_duration_since(*end));
    }
    Ok((times, gaps))
}
