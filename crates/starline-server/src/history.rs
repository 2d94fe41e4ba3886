//! Facts of runs, kept for readers that come late.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use starline_event::{Envelope, Event, Observer, RunId, Seq};
use tokio::sync::watch;

use crate::metrics::Counters;
use crate::timing::Timings;

/// Runs whose facts are kept. Beyond that the run that ended first is forgotten; one that goes on never is.
const RUNS: usize = 1_024;
/// Pieces of progress kept of each run, for readers that are a little behind.
const PROGRESS: usize = 1_024;

/// The facts of all runs since it began to observe, bounded for each run.
///
/// An observer of the bus, so it misses nothing; a reader that falls behind by more than the bound finds a gap with
/// exact numbers. Pushing costs a lock, and a clone that copies no payload.
#[derive(Debug)]
pub(crate) struct EventLog {
    capacity: usize,
    runs: Mutex<Runs>,
    pub(crate) counters: Counters,
    pub(crate) timings: Timings,
}

#[derive(Debug, Default)]
struct Runs {
    by_id: HashMap<RunId, Arc<RunHistory>>,
    /// In the order in which they ended.
    ended: VecDeque<RunId>,
}

/// The facts of one run.
#[derive(Debug)]
pub(crate) struct RunHistory {
    capacity: usize,
    kept: Mutex<Kept>,
    /// Grows with every fact, so that readers need not ask again and again.
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct Kept {
    /// Number of the first fact kept, or of the next one if there is none.
    first: u64,
    facts: VecDeque<(u64, Arc<Envelope>)>,
    progress: VecDeque<(u64, Arc<Envelope>)>,
    /// Facts and pieces of progress so far: what orders the one among the other.
    position: u64,
    ended: bool,
}

/// How far a reader is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Cursor {
    next: u64,
    progress: u64,
}

/// What a reader finds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    /// A fact.
    Fact(Arc<Envelope>),
    /// Output of a live attempt: not part of the numbered stream, and may be missing.
    Progress(Arc<Envelope>),
    /// Facts that are not kept any more, both numbers included.
    Gap {
        /// First number missing.
        from: Seq,
        /// Last number missing.
        to: Seq,
    },
    /// Nothing will follow: the run has ended.
    End,
}

impl EventLog {
    /// A log that keeps so many facts of each run, at least one.
    #[must_use]
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            runs: Mutex::default(),
            counters: Counters::default(),
            timings: Timings::default(),
        }
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The history of a run. One that was not seen yet begins behind the fact given, and is over if the run is.
    #[must_use]
    pub(crate) fn run(&self, run: &RunId, seen: Seq, ended: bool) -> Arc<RunHistory> {
        let mut runs = self.runs();
        if let Some(known) = runs.by_id.get(run) {
            return Arc::clone(known);
        }
        runs.add(run, self.capacity, seen.0 + 1, ended)
    }

    /// Whether a run has been seen, or asked for.
    #[cfg(test)]
    pub(crate) fn knows(&self, run: &RunId) -> bool {
        self.runs().by_id.contains_key(run)
    }
}

impl Runs {
    fn add(&mut self, run: &RunId, capacity: usize, first: u64, ended: bool) -> Arc<RunHistory> {
        while self.by_id.len() >= RUNS {
            let Some(oldest) = self.ended.pop_front() else { break };
            self.by_id.remove(&oldest);
        }
        let kept = Kept { first, facts: VecDeque::new(), progress: VecDeque::new(), position: 0, ended };
        let history = RunHistory { capacity, kept: Mutex::new(kept), changed: watch::Sender::new(0) };
        let history = Arc::new(history);
        self.by_id.insert(run.clone(), Arc::clone(&history));
        if ended {
            self.ended.push_back(run.clone());
        }
        history
    }
}

impl Observer for EventLog {
    fn on_event(&self, event: &Envelope) {
        self.counters.count(&event.event);
        self.timings.note(event);
        let mut runs = self.runs();
        let history = match runs.by_id.get(&event.run_id) {
            Some(known) => Arc::clone(known),
            None => runs.add(&event.run_id, self.capacity, event.seq.0, false),
        };
        if event.event.run_end().is_some() {
            runs.ended.push_back(event.run_id.clone());
        }
        drop(runs);
        history.push(event);
    }
}

impl RunHistory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, event: &Envelope) {
        let mut kept = self.kept();
        let position = kept.position;
        kept.position += 1;
        let shared = Arc::new(event.clone());
        if matches!(event.event, Event::Progress { .. }) {
            if kept.progress.len() == PROGRESS {
                kept.progress.pop_front();
            }
            kept.progress.push_back((position, shared));
        } else {
            if event.seq.0 != kept.first + kept.facts.len() as u64 {
                // A stream that does not continue begins anew: what is between is a gap.
                kept.facts.clear();
                kept.first = event.seq.0;
                kept.ended = false;
            }
            if kept.facts.len() == self.capacity {
                kept.facts.pop_front();
                kept.first += 1;
            }
            kept.ended |= event.event.run_end().is_some();
            kept.facts.push_back((position, shared));
        }
        drop(kept);
        self.changed.send_modify(|count| *count += 1);
    }

    /// A reader that has seen everything up to a number; progress it sees from now on.
    #[must_use]
    pub(crate) fn after(&self, seen: Seq) -> Cursor {
        Cursor { next: seen.0.saturating_add(1), progress: self.kept().position }
    }

    /// Tells when there is something new. Take it before reading, so that nothing is missed.
    #[must_use]
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What comes next for a reader, at most `limit` entries; nothing if it has to wait. O(entries + log of what is
    /// kept).
    #[must_use]
    pub(crate) fn read(&self, cursor: &mut Cursor, limit: usize) -> Vec<Entry> {
        let kept = self.kept();
        let mut entries = Vec::new();
        if cursor.next < kept.first {
            entries.push(Entry::Gap { from: Seq(cursor.next), to: Seq(kept.first - 1) });
            cursor.next = kept.first;
        }
        let skip = usize::try_from(cursor.next - kept.first).unwrap_or(usize::MAX);
        let behind = kept.progress.partition_point(|(position, _)| *position < cursor.progress);
        let mut facts = kept.facts.iter().skip(skip).peekable();
        let mut progress = kept.progress.iter().skip(behind).peekable();
        while entries.len() < limit {
            let fact_first = match (facts.peek(), progress.peek()) {
                (Some((fact, _)), Some((piece, _))) => fact < piece,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            let from = if fact_first { &mut facts } else { &mut progress };
            let Some((position, envelope)) = from.next() else { break };
            if fact_first {
                cursor.next = envelope.seq.0.saturating_add(1);
                entries.push(Entry::Fact(Arc::clone(envelope)));
            } else {
                cursor.progress = position + 1;
                entries.push(Entry::Progress(Arc::clone(envelope)));
            }
        }
        if kept.ended && entries.len() < limit && cursor.next >= kept.first + kept.facts.len() as u64 {
            entries.push(Entry::End);
        }
        entries
    }

    /// Numbers of the last facts kept for which `key` is each of the keys. O(facts kept).
    #[must_use]
    pub(crate) fn last_of<'k, K: Eq + Hash>(
        &self,
        keys: impl IntoIterator<Item = &'k K>,
        key: impl Fn(&Event) -> Option<&K>,
    ) -> HashMap<&'k K, Seq> {
        let mut wanted: HashSet<&K> = keys.into_iter().collect();
        let mut found = HashMap::new();
        for (_, fact) in self.kept().facts.iter().rev() {
            if wanted.is_empty() {
                break;
            }
            if let Some(key) = key(&fact.event).and_then(|key| wanted.take(key)) {
                found.insert(key, fact.seq);
            }
        }
        found
    }

    /// The last fact kept for which something holds.
    #[must_use]
    pub(crate) fn find_last(&self, wanted: impl Fn(&Event) -> bool) -> Option<Arc<Envelope>> {
        self.kept().facts.iter().rev().find(|(_, fact)| wanted(&fact.event)).map(|(_, fact)| Arc::clone(fact))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use starline_types::{ProgressStream, TaskId, TaskRef};

    fn envelope(run: &str, seq: u64, event: Event) -> Envelope {
        Envelope {
            seq: Seq(seq),
            run_id: RunId::new(run).expect("id"),
            revision: Default::default(),
            t: Default::default(),
            at: Default::default(),
            cause: None,
            event,
        }
    }

    fn fact(seq: u64) -> Envelope {
        envelope("r", seq, Event::RunResumed { by: "test".into() })
    }

    fn piece(seq: u64) -> Envelope {
        let task = TaskRef::unresolved(TaskId::new("a").expect("id"));
        let event = Event::Progress { task, attempt: 1, stream: ProgressStream::Stdout, text: "x".into() };
        envelope("r", seq, event)
    }

    fn end(run: &str, seq: u64) -> Envelope {
        let end = starline_types::RunEnd {
            state: starline_types::RunState::Completed,
            total_tasks: 0,
            counts: Default::default(),
            duration_ms: Default::default(),
            reason: None,
            unconfirmed: Vec::new(),
        };
        envelope(run, seq, Event::RunCompleted(Box::new(end)))
    }

    fn words(entries: &[Entry]) -> Vec<String> {
        let word = |entry: &Entry| match entry {
            Entry::Fact(fact) => fact.seq.0.to_string(),
            Entry::Progress(_) => "progress".to_owned(),
            Entry::Gap { from, to } => format!("gap {}-{}", from.0, to.0),
            Entry::End => "end".to_owned(),
        };
        entries.iter().map(word).collect()
    }

    fn of(log: &EventLog) -> Arc<RunHistory> {
        log.run(&RunId::new("r").expect("id"), Seq(0), false)
    }

    #[test]
    fn a_late_reader_finds_everything_and_then_what_is_new() {
        let log = EventLog::new(10);
        (1..=3).for_each(|seq| log.on_event(&fact(seq)));
        let history = of(&log);
        let mut cursor = history.after(Seq(0));
        assert_eq!(words(&history.read(&mut cursor, 2)), ["1", "2"]);
        assert_eq!(words(&history.read(&mut cursor, 9)), ["3"]);
        assert!(history.read(&mut cursor, 9).is_empty());
        log.on_event(&piece(3));
        log.on_event(&end("r", 4));
        assert_eq!(words(&history.read(&mut cursor, 9)), ["progress", "4", "end"]);
        let mut again = history.after(Seq(3));
        assert_eq!(words(&history.read(&mut again, 9)), ["4", "end"], "progress is not told twice");
        let mut beyond = history.after(Seq(4));
        assert_eq!(words(&history.read(&mut beyond, 9)), ["end"]);
        let mut far_beyond = history.after(Seq(u64::MAX));
        assert_eq!(words(&history.read(&mut far_beyond, 9)), ["end"]);
    }

    #[test]
    fn what_is_not_kept_is_an_exact_gap() {
        let log = EventLog::new(3);
        (1..=10).for_each(|seq| log.on_event(&fact(seq)));
        let history = of(&log);
        let mut cursor = history.after(Seq(2));
        assert_eq!(words(&history.read(&mut cursor, 9)), ["gap 3-7", "8", "9", "10"]);
        (11..=20).for_each(|seq| log.on_event(&fact(seq)));
        assert_eq!(words(&history.read(&mut cursor, 9)), ["gap 11-17", "18", "19", "20"], "a slow reader");
    }

    #[test]
    fn a_run_from_before_begins_with_a_gap() {
        let log = EventLog::new(3);
        let history = log.run(&RunId::new("r").expect("id"), Seq(7), false);
        let mut cursor = history.after(Seq(0));
        assert_eq!(words(&history.read(&mut cursor, 9)), ["gap 1-7"]);
        log.on_event(&fact(8));
        assert_eq!(words(&history.read(&mut cursor, 9)), ["8"]);
        let over = log.run(&RunId::new("over").expect("id"), Seq(5), true);
        let mut cursor = over.after(Seq(5));
        assert_eq!(words(&over.read(&mut cursor, 9)), ["end"]);
    }

    #[test]
    fn progress_drives_out_no_fact() {
        let log = EventLog::new(3);
        log.on_event(&fact(1));
        let history = of(&log);
        let mut cursor = history.after(Seq(0));
        (0..5_000).for_each(|_| log.on_event(&piece(1)));
        let read = history.read(&mut cursor, usize::MAX);
        assert_eq!((words(&read)[0].as_str(), read.len()), ("1", 1 + PROGRESS));
    }

    #[test]
    fn only_ended_runs_are_forgotten() {
        let log = EventLog::new(1);
        log.on_event(&fact(1));
        for run in 0..2 * RUNS {
            log.on_event(&end(&format!("run-{run}"), 1));
        }
        assert!(log.knows(&RunId::new("r").expect("id")));
        assert!(!log.knows(&RunId::new("run-0").expect("id")));
        assert!(log.runs().by_id.len() <= RUNS);
    }
}
