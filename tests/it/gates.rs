//! Approval gates, by scenario.

crate::scenarios! {
    scenario_gate_is_opened => "gate_is_opened",
    scenario_gate_is_refused_or_forgotten => "gate_is_refused_or_forgotten",
    scenario_gate_outlives_a_pause_and_a_restart => "gate_outlives_a_pause_and_a_restart",
    scenario_gate_and_a_retry => "gate_and_a_retry",
    scenario_gate_of_a_device => "gate_of_a_device",
    scenario_gate_approved_in_advance => "gate_approved_in_advance",
    scenario_gate_that_cannot_be_asked_for => "gate_that_cannot_be_asked_for",
}
