//! A simulated world under the eyes of oracles.

use starline_types::Timestamp;

use super::{Crash, Sim};
use crate::Tally;
use crate::oracle::{Judge, Oracle, Violation};

impl Sim {
    pub(crate) fn watch(&mut self, judge: Judge) {
        self.judge = Some(Box::new(judge));
        self.office.coverage.get_or_insert_default();
    }

    pub(crate) fn complain(&mut self, oracle: Oracle, message: String) {
        self.object(oracle, message);
    }

    pub(crate) fn keep_trace_of_all(&mut self) {
        self.trace.keep_all();
    }

    /// The orchestrator dies during a commit, whatever else it does.
    pub(crate) fn crash_at(&mut self, commit: u64, crash: Crash) {
        self.crash_at = Some((commit, crash));
    }

    #[cfg(feature = "seeded-bugs")]
    pub(crate) fn set_bug(&mut self, bug: Option<starline_scheduler::Bug>) {
        self.bug = bug;
    }

    /// Whether the orchestrator is up.
    pub(crate) fn is_up(&self) -> bool {
        self.up
    }

    /// Whether the orchestrator is up, every run has ended and every report was acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        let closed = self.judge.as_ref().is_none_or(|judge| judge.all_closed());
        self.up
            && closed
            && self.devices.iter().all(|seat| seat.outbox.is_empty() && seat.executing.is_empty())
    }

    /// The clocks of the runs.
    pub(super) fn times(&self) -> Vec<Timestamp> {
        self.office.seats.iter().map(|seat| seat.time(self.now)).collect()
    }

    /// Compares a run with its replay.
    pub(crate) fn compare(&mut self, run: usize) {
        if !self.up
            || self.violation.is_some()
            || !self.judge.as_ref().is_none_or(|judge| judge.is_comparable())
        {
            return;
        }
        self.tally.replays += 1;
        match self.replayed(run) {
            Ok((alive, read)) if alive == read => {}
            Ok((alive, read)) => {
                let differing = alive.lines().zip(read.lines()).find(|(alive, read)| alive != read);
                let (alive, read) = differing.unwrap_or(("more", "less"));
                self.object(Oracle::O8, format!("replay of run {run} gives {read:?} instead of {alive:?}"));
            }
            Err(fault) => {
                self.object(Oracle::O8, format!("the journal of run {run} cannot be read: {fault}"))
            }
        }
    }

    /// What must hold when nothing is left to happen, or time is up.
    pub(crate) fn judge_the_end(&mut self) {
        self.with_judge(|judge, ground| judge.at_rest(ground));
        if self.violation.is_some() || !self.up {
            return;
        }
        for run in 0..self.runs.len() {
            self.compare(run);
        }
        if self.judge.as_ref().is_some_and(|judge| !judge.all_closed()) {
            return;
        }
        for device in 0..self.devices.len() {
            let seat = &self.devices[device];
            let kept = seat.outbox.keys().next().copied().filter(|_| seat.answers());
            let (id, load) = (seat.profile.id.clone(), self.office.fleet.load(seat.ix));
            if let Some(key) = kept {
                let message = format!("the report of {} is never acknowledged", self.name(key));
                self.object(Oracle::O4, message);
            }
            if load != (0, 0) {
                let message = format!("every run has ended, and device {id} has the load {load:?}");
                self.object(Oracle::O10, message);
            }
        }
    }

    pub(crate) fn into_parts(mut self) -> (Option<Violation>, Tally, String) {
        self.tally.time = self.now.since(Timestamp(0));
        self.tally.commits = self.commits;
        if let Some(coverage) = self.office.coverage.take() {
            self.tally.inputs = coverage.total();
            self.tally.coverage = coverage;
        }
        (self.violation, self.tally, self.trace.into_text())
    }
}

impl Sim {
    /// Compares graphs that were edited in this commit, and holds, with what the facts say about them.
    pub(super) fn compare_edited(&mut self) {
        if self.judge.is_none() || !self.up {
            return;
        }
        for run in std::mem::take(&mut self.edited) {
            let graph = self.office.seats[run].scheduler.graph().to_spec();
            self.with_judge(|judge, _| judge.compare_graph(run, &graph));
        }
        for run in 0..self.office.seats.len() {
            let (Some(mut judge), scheduler) = (self.judge.take(), &self.office.seats[run].scheduler) else {
                return;
            };
            let verdict = judge.compare_holds(run, scheduler);
            self.judge = Some(judge);
            if let Err((oracle, message)) = verdict {
                self.object(oracle, message);
            }
        }
    }
}
