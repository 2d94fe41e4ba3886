//! An orchestrator that dies and starts again.

crate::scenarios! {
    scenario_c_restart_ends_attempts_of_its_own_process => "c_restart_ends_attempts_of_its_own_process",
    scenario_c_restart_takes_attempts_over => "c_restart_takes_attempts_over",
    scenario_c_restart_waits_for_a_silent_device => "c_restart_waits_for_a_silent_device",
}
