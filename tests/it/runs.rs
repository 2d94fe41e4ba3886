//! Runs: their states, results and commands.

crate::scenarios! {
    scenario_o4_fail_fast => "o4_fail_fast",
    scenario_o4_fail_fast_and_then_cancelled => "o4_fail_fast_and_then_cancelled",
    scenario_o5_wait_for_edit_until_the_deadline => "o5_wait_for_edit_until_the_deadline",
    scenario_o6_pause_and_resume => "o6_pause_and_resume",
    scenario_o7_two_runs_share_a_fleet => "o7_two_runs_share_a_fleet",
}
