//! What waits for one reader: facts, and gaps in the place of facts that found no room.

use std::collections::{HashMap, VecDeque};

use starline_event::{Envelope, Gap, RunId, Seq, SharedEnvelope};

use crate::sync::{Rule, is_broken};

/// Runs with a gap of their own in one place; what further runs missed there is one gap for every run.
const MAX_RUNS: usize = 1024;

/// Whether a gap stands for every run: facts of any run may be missing in its place.
///
/// Written as a gap of the run `system` from 0 to the largest number, which no exact gap can be, since
/// numbers begin at 1. It follows the exact gaps of the first 1024 runs that missed facts in one place.
#[must_use]
pub fn misses_every_run(gap: &Gap) -> bool {
    gap.from == Seq(0) && gap.to == Seq(u64::MAX)
}

/// A bounded queue that remembers exactly what it had no room for.
///
/// Once full, it takes nothing until the reader has worked off half of it: a reader that stays behind gets
/// long runs of facts and few gaps, and at most three places with gaps exist at a time.
#[derive(Debug)]
pub(crate) struct Backlog {
    capacity: usize,
    events: VecDeque<SharedEnvelope>,
    /// Position of the first of `events` among all facts ever taken.
    first: u64,
    gaps: VecDeque<Missed>,
    overflowing: bool,
    /// Where the gap of a run is in the place being filled, as a distance from the end of the other gaps.
    place: HashMap<RunId, usize>,
    /// The run of the last fact missed, since facts of a run come in rows.
    latest: Option<usize>,
    /// Gaps in the place being filled.
    filled: usize,
}

/// A gap before the fact at a position.
#[derive(Debug)]
struct Missed {
    before: u64,
    gap: Gap,
}

impl Backlog {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            events: VecDeque::new(),
            first: 0,
            gaps: VecDeque::new(),
            overflowing: false,
            place: HashMap::new(),
            latest: None,
            filled: 0,
        }
    }

    /// Facts that wait.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether neither facts nor gaps wait.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.gaps.is_empty()
    }

    /// Takes a fact, or notes that there was no room. `in_hand` counts the facts that were given out and not
    /// yet worked off.
    pub(crate) fn push(&mut self, event: &SharedEnvelope, in_hand: usize) {
        let held = self.events.len() + in_hand;
        if self.overflowing && held <= self.capacity / 2 {
            self.end_overflow();
        }
        if !self.overflowing && held < self.capacity {
            self.events.push_back(event.clone());
        } else {
            self.overflowing = true;
            if !is_broken(Rule::ReportGaps) {
                self.miss(event);
            }
        }
    }

    /// Hands out what comes next: a gap, or all facts up to the next gap, which are put into the empty
    /// `hand`. `None`: facts or nothing.
    pub(crate) fn take(&mut self, hand: &mut VecDeque<SharedEnvelope>) -> Option<Gap> {
        debug_assert!(hand.is_empty(), "facts in hand come before those in the queue");
        let ready = match self.gaps.front() {
            Some(missed) if missed.before == self.first => {
                // With the place being filled in sight nothing is queued, so the next fact finds room and
                // begins a new place: the index of this one is not needed again.
                return self.gaps.pop_front().map(|missed| missed.gap);
            }
            Some(missed) => usize::try_from(missed.before - self.first).unwrap_or(usize::MAX),
            None => self.events.len(),
        };
        if ready >= self.events.len() {
            std::mem::swap(&mut self.events, hand);
        } else {
            hand.extend(self.events.drain(..ready));
        }
        self.first += hand.len() as u64;
        None
    }

    fn end_overflow(&mut self) {
        self.overflowing = false;
        self.place.clear();
        self.latest = None;
        self.filled = 0;
    }

    fn miss(&mut self, event: &Envelope) {
        let base = self.gaps.len() - self.filled;
        let run = &event.run_id;
        let known = match self.latest {
            Some(at) if self.gaps.get(base + at).is_some_and(|missed| &missed.gap.run_id == run) => Some(at),
            _ => self.place.get(run).copied(),
        };
        if let Some(missed) = known.and_then(|at| self.gaps.get_mut(base + at)) {
            missed.gap.from = missed.gap.from.min(event.seq);
            missed.gap.to = missed.gap.to.max(event.seq);
            self.latest = known;
            return;
        }
        if self.filled > MAX_RUNS {
            return; // The last gap of the place stands for every run.
        }
        let gap = if self.filled == MAX_RUNS {
            Gap { run_id: RunId::system(), from: Seq(0), to: Seq(u64::MAX) }
        } else {
            self.place.insert(run.clone(), self.filled);
            self.latest = Some(self.filled);
            Gap { run_id: run.clone(), from: event.seq, to: event.seq }
        };
        self.gaps.push_back(Missed { before: self.first + self.events.len() as u64, gap });
        self.filled += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use starline_event::Event;

    fn fact(run: &str, seq: u64) -> SharedEnvelope {
        SharedEnvelope::from(Envelope {
            seq: Seq(seq),
            run_id: RunId::new(run).expect("id"),
            revision: Default::default(),
            t: Default::default(),
            at: Default::default(),
            cause: None,
            event: Event::RunResumed { by: "test".into() },
        })
    }

    fn read_all(backlog: &mut Backlog) -> Vec<String> {
        let mut hand = VecDeque::new();
        let mut read = Vec::new();
        loop {
            match backlog.take(&mut hand) {
                Some(gap) if misses_every_run(&gap) => read.push("gap in every run".to_owned()),
                Some(gap) => read.push(format!("{} {}-{}", gap.run_id, gap.from.0, gap.to.0)),
                None if hand.is_empty() => return read,
                None => read.extend(hand.drain(..).map(|fact| format!("{} {}", fact.run_id, fact.seq.0))),
            }
        }
    }

    #[test]
    fn gaps_stand_where_facts_are_missing() {
        let mut backlog = Backlog::new(2);
        for fact in [fact("a", 1), fact("b", 1), fact("a", 2), fact("b", 2), fact("a", 3)] {
            backlog.push(&fact, 0);
        }
        let mut hand = VecDeque::new();
        assert_eq!(backlog.take(&mut hand), None);
        assert_eq!(hand.len(), 2);
        backlog.push(&fact("a", 4), 2); // nothing is worked off yet
        backlog.push(&fact("b", 3), 1); // half is
        hand.clear();
        assert_eq!(read_all(&mut backlog), ["a 2-4", "b 2-2", "b 3"]);
    }

    #[test]
    fn many_runs_end_in_one_gap_for_all() {
        let mut backlog = Backlog::new(1);
        backlog.push(&fact("first", 1), 0);
        for run in 0..MAX_RUNS + 10 {
            for seq in 7..9 {
                backlog.push(&fact(&format!("run-{run}"), seq), 0);
            }
        }
        backlog.push(&fact("run-0", 9), 0);
        let read = read_all(&mut backlog);
        assert_eq!(read.len(), 1 + MAX_RUNS + 1);
        assert_eq!(read[..3], ["first 1", "run-0 7-9", "run-1 7-8"]);
        assert_eq!(read.last().map(String::as_str), Some("gap in every run"));
        backlog.push(&fact("run-5", 10), 0);
        assert_eq!(read_all(&mut backlog), ["run-5 10"], "the next place begins anew");
    }

    #[test]
    fn a_place_read_in_part_is_not_filled_further() {
        let mut backlog = Backlog::new(1);
        for fact in [fact("a", 1), fact("a", 2), fact("b", 1)] {
            backlog.push(&fact, 0);
        }
        let mut hand = VecDeque::new();
        assert_eq!((backlog.take(&mut hand), hand.drain(..).count()), (None, 1));
        assert!(backlog.take(&mut hand).is_some(), "the gap of a");
        backlog.push(&fact("b", 2), 0);
        backlog.push(&fact("b", 3), 0);
        assert_eq!(read_all(&mut backlog), ["b 1-1", "b 2", "b 3-3"]);
    }
}
