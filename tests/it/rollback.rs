//! Undoing what runs have done.

crate::scenarios! {
    scenario_u1_what_was_done_is_undone_in_reverse_order => "u1_what_was_done_is_undone_in_reverse_order",
    scenario_u2_what_is_not_undone_waits_for_an_operator => "u2_what_is_not_undone_waits_for_an_operator",
    scenario_u3_a_run_is_rolled_back_on_request => "u3_a_run_is_rolled_back_on_request",
    scenario_u4_what_runs_is_stopped_by_force => "u4_what_runs_is_stopped_by_force",
}
