//! Strategies that keep the laws, and such as break one each.

use std::cell::Cell;

use starline_assign::{AssignmentStrategy, Binding, Candidate, DeviceIx, Event, PlaceError, Round};
use starline_testkit::strategy;

use crate::breaks;

/// Strategies that keep the laws or break one of them.
#[derive(Clone, Debug)]
enum Habit {
    LeastBusy,
    Early,
    /// Starts with the device that facts named last.
    Learns(Option<DeviceIx>),
    /// The same, but does not begin anew with the run.
    Hoards(u32),
    /// Counts rounds in `assign`.
    Counts(Cell<u32>),
    /// Counts attempts that were lost, in `assign`.
    Peeks(Cell<u32>, u32),
    /// Places on the first device, fit or not.
    Reckless,
    /// Takes for granted that there is a device.
    Hasty,
    /// Never uses any device but the first.
    Loyal,
    /// Waits for better days.
    Lazy,
}

fn make<const N: usize>() -> Box<dyn AssignmentStrategy> {
    let all = [
        Habit::LeastBusy,
        Habit::Early,
        Habit::Learns(None),
        Habit::Hoards(0),
        Habit::Counts(Cell::new(0)),
        Habit::Peeks(Cell::new(0), 0),
        Habit::Reckless,
        Habit::Hasty,
        Habit::Loyal,
        Habit::Lazy,
    ];
    Box::new(all[N].clone())
}

impl AssignmentStrategy for Habit {
    fn name(&self) -> &'static str {
        "habit"
    }

    fn binding(&self) -> Binding {
        if matches!(self, Self::Early) { Binding::Early } else { Binding::Late }
    }

    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
        match self {
            Self::Counts(rounds) => rounds.set(rounds.get() + 1),
            Self::Peeks(seen, lost) if *lost > 0 => seen.set(seen.get() + 1),
            _ => {}
        }
        if matches!(self, Self::Hasty) {
            let first = round.tasks().first().map(|task| round.candidates(task.ix).iter().next());
            assert!(first.is_some_and(|device| device.is_some()), "there is always something to do");
        }
        for task in round.tasks() {
            let candidates = round.candidates(task.ix);
            let least = |turn: u32| {
                let key = |device: &Candidate<'_>| (device.load(), device.ix.0 ^ (turn & 1));
                candidates.iter().min_by_key(key).map(|device| device.ix)
            };
            let device = match self {
                Self::LeastBusy | Self::Early | Self::Hasty => least(0),
                Self::Counts(rounds) | Self::Peeks(rounds, _) => least(rounds.get()),
                Self::Hoards(facts) => least(*facts),
                Self::Learns(known) => known.filter(|ix| candidates.find(*ix).is_some()).or_else(|| least(0)),
                Self::Reckless => Some(DeviceIx(0)),
                Self::Loyal => candidates.find(DeviceIx(0)).map(|device| device.ix),
                Self::Lazy => None,
            };
            if let Some(device) = device {
                round.place(task.ix, device)?;
            }
        }
        Ok(())
    }

    fn observe(&mut self, event: &Event) {
        match (self, event) {
            (Self::Learns(known), Event::RunCreated { .. }) => *known = None,
            (Self::Learns(known), Event::TaskAssigned { device, .. }) => *known = device.hint(),
            (Self::Hoards(facts), Event::RunCreated { .. }) => *facts += 1,
            (Self::Peeks(_, lost), Event::AttemptLost { .. }) => *lost += 1,
            _ => {}
        }
    }
}

starline_testkit::strategy_laws!(mod least_busy: make::<0>);
starline_testkit::strategy_laws!(mod early: || Habit::Early);
starline_testkit::strategy_laws!(mod learns: make::<2>);

#[test]
fn a_placement_that_does_not_fit_is_noticed() {
    breaks(|| strategy::placements_fit(make::<6>), "the strategy erred");
    breaks(|| strategy::runs_end(make::<6>), "the strategy erred");
    breaks(|| strategy::schedules_keep_every_rule(|| strategy::watched(make::<6>)), "the strategy erred");
}

#[test]
fn a_change_in_assign_is_noticed() {
    breaks(
        || strategy::equal_rounds_give_equal_placements(make::<4>),
        "equal rounds were placed differently",
    );
    breaks(|| strategy::facts_restore_the_strategy(make::<4>), "restored from facts decides differently");
    breaks(|| strategy::runs_end(make::<4>), "equal rounds were placed differently");
}

#[test]
fn memory_beside_rare_facts_is_noticed() {
    breaks(|| strategy::schedules_keep_every_rule(|| strategy::watched(make::<5>)), "placed differently");
}

#[test]
fn memory_that_outlives_the_beginning_of_a_run_is_noticed() {
    breaks(|| strategy::schedules_keep_every_rule(|| strategy::watched(make::<3>)), "told twice");
    breaks(|| strategy::runs_end(make::<3>), "told twice");
}

#[test]
fn who_cannot_do_without_devices_is_noticed() {
    breaks(|| strategy::empty_rounds_are_fine(make::<7>), "there is always something to do");
}

#[test]
fn tasks_that_wait_for_ever_are_noticed() {
    breaks(
        || strategy::an_idle_eligible_device_is_used_eventually(make::<8>),
        "waits beside the idle device",
    );
    breaks(|| strategy::runs_end(make::<8>), "no device was given to");
    breaks(|| strategy::runs_end(make::<9>), "no device was given to");
}
