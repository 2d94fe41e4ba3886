//! The runs of a simulated orchestrator and the ledger that they share.

use starline_scheduler::{DeviceChange, Fleet, Input, Plan, Rejection, Scheduler, Step};
use starline_types::{DeviceIx, Envelope, RunId, Timestamp};

use crate::{Coverage, Strategist};

/// Tasks that a run may place before the next run has its turn. Small, so that turns are taken at all.
const TURN: usize = 4;

/// One run.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) strategist: Strategist,
    pub(crate) scheduler: Scheduler,
    pub(crate) step: Step,
    /// What is durable.
    pub(crate) journal: Vec<Envelope>,
    /// How far the clock of the run is behind the clock of the world: it stands still without an owner.
    pub(crate) behind: u64,
    touched: bool,
    /// Facts after each step since the last commit.
    pub(crate) steps: Vec<usize>,
}

impl Seat {
    /// The clock of the run.
    pub(crate) fn time(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_sub(self.behind))
    }

    fn note_step(&mut self) {
        let facts = self.step.events.len();
        if self.steps.last().copied().unwrap_or_default() != facts {
            self.steps.push(facts);
        }
    }
}

/// The runs and their fleet: everything that a crash of the orchestrator takes away, but for the journals.
#[derive(Debug, Default)]
pub(crate) struct Office {
    pub(crate) fleet: Fleet,
    pub(crate) seats: Vec<Seat>,
    touched: Vec<usize>,
    /// What met what, if that is counted.
    pub(crate) coverage: Option<Coverage>,
}

impl Office {
    /// Creates a run; its first fact waits for the next commit.
    pub(crate) fn open(
        &mut self,
        now: Timestamp,
        id: RunId,
        plan: Plan,
        strategist: Strategist,
    ) -> Result<usize, Rejection> {
        let mut step = Step::default();
        let (made, fleet) = (strategist.make(), &mut self.fleet);
        let scheduler = Scheduler::create(id, plan, made, now, fleet, &mut step)?;
        Ok(self.seat(Seat {
            strategist,
            scheduler,
            step,
            journal: Vec::new(),
            behind: 0,
            touched: false,
            steps: Vec::new(),
        }))
    }

    /// Gives a run back after a restart.
    pub(crate) fn reopen(
        &mut self,
        journal: Vec<Envelope>,
        scheduler: Scheduler,
        strategist: Strategist,
        now: Timestamp,
    ) {
        let last = journal.last().map_or(now, |envelope| envelope.t);
        self.seats.push(Seat {
            strategist,
            scheduler,
            step: Step::default(),
            behind: now.since(last).0,
            journal,
            touched: false,
            steps: Vec::new(),
        });
    }

    fn seat(&mut self, mut seat: Seat) -> usize {
        seat.note_step();
        self.seats.push(seat);
        let run = self.seats.len() - 1;
        self.touch(run);
        run
    }

    fn touch(&mut self, run: usize) {
        if !std::mem::replace(&mut self.seats[run].touched, true) {
            self.touched.push(run);
        }
    }

    /// Feeds an input to a run.
    pub(crate) fn input(&mut self, now: Timestamp, run: usize, input: Input) {
        self.touch(run);
        let seat = &mut self.seats[run];
        let time = seat.time(now);
        if let Some(coverage) = &mut self.coverage {
            coverage.note(&seat.scheduler, &input);
        }
        seat.scheduler.step_into(time, input, &mut self.fleet, &mut seat.step);
        seat.note_step();
    }

    /// Tells every run about a device.
    pub(crate) fn tell_all(&mut self, now: Timestamp, device: DeviceIx, change: DeviceChange) {
        for run in 0..self.seats.len() {
            self.input(now, run, Input::DeviceChanged { device, change });
        }
    }

    /// Lets runs do what is due.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        for run in 0..self.seats.len() {
            let seat = &self.seats[run];
            if seat.scheduler.next_deadline().is_some_and(|at| at <= seat.time(now)) {
                self.input(now, run, Input::Tick);
            }
        }
    }

    /// The earliest deadline of all runs, on the clock of the world.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let due = |seat: &Seat| seat.scheduler.next_deadline().map(|at| Timestamp(at.0 + seat.behind));
        self.seats.iter().filter_map(due).min()
    }

    /// Gives ready tasks to free slots, for the runs in turn.
    pub(crate) fn place(&mut self, now: Timestamp) {
        loop {
            let mut more = false;
            for run in 0..self.seats.len() {
                if !self.seats[run].scheduler.wants_placing(&self.fleet) {
                    continue;
                }
                self.touch(run);
                let seat = &mut self.seats[run];
                let time = seat.time(now);
                more |= seat.scheduler.place(time, &mut self.fleet, TURN, &mut seat.step);
                seat.note_step();
            }
            if !more {
                return;
            }
        }
    }

    /// The runs with facts or effects to be committed, in the order in which they were touched.
    pub(crate) fn take_touched(&mut self) -> Vec<usize> {
        for run in &self.touched {
            self.seats[*run].touched = false;
        }
        std::mem::take(&mut self.touched)
    }
}
