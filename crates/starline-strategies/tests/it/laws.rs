//! The laws of all strategies, also where a built-in one stands in for a strategy that binds late.

use starline_assign::testing::laws;
use starline_assign::{AssignmentStrategy, Binding, Event, PlaceError, Round};
use starline_strategies::{CapabilityMatch, LoadBalance, RoundRobin};

/// A strategy in rounds with late binding.
#[derive(Debug, Default)]
struct Late<S>(S);

impl<S: AssignmentStrategy> AssignmentStrategy for Late<S> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
        assert_eq!(round.binding(), Binding::Late);
        self.0.assign(round)
    }

    fn observe(&mut self, event: &Event) {
        self.0.observe(event);
    }
}

fn keeps_all_laws<S: AssignmentStrategy + Default>() {
    laws::equal_rounds_give_equal_placements(S::default);
    laws::placements_fit(S::default);
    laws::facts_restore_the_strategy(S::default);
    laws::an_idle_eligible_device_is_used_eventually(S::default);
}

#[test]
fn all_strategies_keep_all_laws() {
    keeps_all_laws::<RoundRobin>();
    keeps_all_laws::<CapabilityMatch>();
    keeps_all_laws::<LoadBalance>();
}

#[test]
fn all_strategies_can_stand_in_for_one_that_binds_late() {
    keeps_all_laws::<Late<RoundRobin>>();
    keeps_all_laws::<Late<CapabilityMatch>>();
    keeps_all_laws::<Late<LoadBalance>>();
}
