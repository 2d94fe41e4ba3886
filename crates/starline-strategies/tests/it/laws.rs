//! The laws of all strategies, also where a built-in one stands in for a strategy that binds late.

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

fn late<S: AssignmentStrategy + Default>() -> Late<S> {
    Late::default()
}

starline_testkit::strategy_laws!(mod round_robin: RoundRobin::default);
starline_testkit::strategy_laws!(mod capability_match: || CapabilityMatch);
starline_testkit::strategy_laws!(mod load_balance: || LoadBalance);
starline_testkit::strategy_laws!(mod late_round_robin: late::<RoundRobin>);
starline_testkit::strategy_laws!(mod late_capability_match: late::<CapabilityMatch>);
starline_testkit::strategy_laws!(mod late_load_balance: late::<LoadBalance>);
