//! Playing a schedule, with oracles watching.

use std::sync::Arc;

use starline_scheduler::{Limits, Plan};
use starline_types::{Millis, PauseCause, RunState, Timestamp};

use super::Schedule;
use super::chaos::Chaos;
use crate::chance::Chance;
use crate::oracle::{Judge, Oracle, Violation};
use crate::sim::{Sim, TRY_AGAIN};
use crate::trace::hash;
use crate::{Action, Tally};

/// Virtual time after the faults in which every run must end.
const PATIENCE: Millis = Millis::from_secs(2 * 3600);

/// A schedule that was played.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Played {
    /// The first rule that was broken, if one was.
    pub violation: Option<Violation>,
    /// How much happened.
    pub tally: Tally,
    /// What happened, if that was asked for; else empty.
    pub trace: String,
}

impl Schedule {
    /// Plays the schedule.
    #[must_use]
    pub fn play(&self) -> Played {
        self.perform(false)
    }

    /// Plays the schedule and keeps a trace.
    #[must_use]
    pub fn play_traced(&self) -> Played {
        self.perform(true)
    }

    /// Plays the schedule twice, with traces: they must be equal.
    #[must_use]
    pub fn play_twice(&self) -> Played {
        let (mut first, second) = (self.perform(true), self.perform(true));
        let (one, two) = (hash(&first.trace), hash(&second.trace));
        if first.violation.is_none() && one != two {
            let message = format!("equal seeds give the traces {one:016x} and {two:016x}");
            first.violation = Some(Violation { oracle: Oracle::O12, message, at: Timestamp(0), step: 0 });
        }
        first
    }

    fn perform(&self, trace: bool) -> Played {
        let mut sim = Sim::with_nature(Box::new(Chaos::new(self)));
        if trace {
            sim.keep_trace_of_all();
        }
        #[cfg(feature = "seeded-bugs")]
        sim.set_bug(self.bug);
        for device in &self.devices {
            sim.device_with_clock(device.profile.clone(), device.rate);
        }
        let mut judge = Judge::new();
        for run in &self.runs {
            judge.expect(Arc::clone(&run.graph), Arc::clone(&run.settings), run.strategist);
        }
        sim.watch(judge);
        for run in &self.runs {
            let plan = Plan {
                graph: Arc::clone(&run.graph),
                settings: Arc::clone(&run.settings),
                assignments: run.assignments.clone(),
                limits: Limits::default(),
            };
            if let Err(rejection) = sim.submit(run.id.clone(), plan, run.strategist) {
                sim.complain(Oracle::O10, format!("a valid graph is rejected: {rejection}"));
            }
        }
        if let Some((commit, crash)) = self.crash_at {
            sim.crash_at(commit, crash);
        }
        for (at, action) in &self.actions {
            sim.at(*at, action.clone());
        }
        let mut replays = Chance::about(self.seed, &[3]);
        while sim.next().is_some_and(|next| next <= self.quiet_at || !sim.is_up()) {
            sim.step();
            self.compare_some(&mut sim, &mut replays);
        }
        // Commands that were given while the orchestrator was down are given again.
        sim.run_until(sim.now() + TRY_AGAIN);
        // Once more, as a crash may have come between a command and its facts.
        for _ in 0..2 {
            self.settle_down(&mut sim);
            let limit = sim.now() + self.patience();
            while !sim.is_done() && sim.next().is_some_and(|next| next <= limit) {
                sim.step();
                self.compare_some(&mut sim, &mut replays);
            }
            if self.crash_at.is_none() {
                break;
            }
        }
        sim.judge_the_end();
        let (violation, mut tally, trace) = sim.into_parts();
        tally.schedules = 1;
        Played { violation, tally, trace }
    }

    /// The faults are over: every device that still belongs to the fleet is there, and nobody keeps a run from
    /// going on.
    fn settle_down(&self, sim: &mut Sim) {
        let now = sim.now().max(self.quiet_at);
        sim.at(now, Action::Calm);
        for device in 0..self.devices.len() {
            sim.at(now, Action::Return { device });
            sim.at(now, Action::Drain { device, draining: false });
        }
        sim.run_until(now);
        for run in 0..self.runs.len() {
            let Some(scheduler) = sim.scheduler(run) else { continue };
            match scheduler.run_state() {
                RunState::Created | RunState::Ready => sim.at(now, Action::Start(run)),
                // Where editors go too far, a person says that the run goes on.
                RunState::Paused
                    if scheduler.paused() == Some(PauseCause::Operator)
                        || !self.manners.is_empty()
                        || self.undoes() =>
                {
                    sim.at(now, Action::Resume(run));
                }
                _ => {}
            }
        }
        sim.run_until(now);
        for run in 0..self.runs.len() {
            // What cannot even start is given up.
            let state = sim.scheduler(run).map(starline_scheduler::Scheduler::run_state);
            if matches!(state, Some(RunState::Created | RunState::Ready)) {
                sim.at(now, Action::CancelRun { run, force: false });
            }
        }
    }

    /// Whether anything can be undone.
    fn undoes(&self) -> bool {
        let mut tasks = self.runs.iter().flat_map(|run| &run.graph.tasks);
        tasks.any(|task| task.compensation().is_some())
    }

    /// A person whom a guard rail asks has an hour for each task.
    fn patience(&self) -> Millis {
        let asks = |run: &super::RunPlan| {
            run.settings.policy.as_ref().is_some_and(|policy| policy.require_approval.kinds.is_some())
        };
        if self.runs.iter().any(asks) { Millis(PATIENCE.0 * 50) } else { PATIENCE }
    }

    /// Compares a run with its replay now and then.
    fn compare_some(&self, sim: &mut Sim, replays: &mut Chance) {
        if replays.below(self.replay_every) == 0 && sim.run_count() > 0 {
            let run = replays.below(sim.run_count() as u64) as usize;
            sim.compare(run);
        }
    }
}
