//! Edits of runs, by scenario.

use starline_sim::Schedule;

crate::scenarios! {
    scenario_a1_an_answer_without_edits => "a1_an_answer_without_edits",
    scenario_a1_an_editor_that_has_finished_ends_no_run => "a1_an_editor_that_has_finished_ends_no_run",
    scenario_a2_a_first_plan_with_a_cycle => "a2_a_first_plan_with_a_cycle",
    scenario_e10_every_fault_in_one_answer => "e10_every_fault_in_one_answer",
    scenario_e13_a_failed_task_is_tried_again => "e13_a_failed_task_is_tried_again",
    scenario_e1_undo_and_redo => "e1_undo_and_redo",
    scenario_e2_undo_step_by_step => "e2_undo_step_by_step",
    scenario_e3_undo_of_a_removal => "e3_undo_of_a_removal",
    scenario_e9_rebase => "e9_rebase",
    scenario_e_a_changed_task_in_the_queue => "e_a_changed_task_in_the_queue",
    scenario_e_a_retry_delay_is_ended_behind_an_edge => "e_a_retry_delay_is_ended_behind_an_edge",
    scenario_e_an_edge_into_a_task_that_waits_for_a_retry => "e_an_edge_into_a_task_that_waits_for_a_retry",
    scenario_r11_a_task_that_cannot_be_rendered_lets_others_go => "r11_a_task_that_cannot_be_rendered_lets_others_go",
    scenario_e_backoff_is_ended_by_hand => "e_backoff_is_ended_by_hand",
    scenario_e_edit_before_the_start => "e_edit_before_the_start",
    scenario_e_pinned_task_without_a_strategy => "e_pinned_task_without_a_strategy",
    scenario_e_policy_asks_for_approval => "e_policy_asks_for_approval",
    scenario_e_a_gate_that_opens_itself_asks_nobody => "e_a_gate_that_opens_itself_asks_nobody",
    scenario_e_an_editor_opens_no_gate => "e_an_editor_opens_no_gate",
    scenario_e_an_editor_clears_no_gate => "e_an_editor_clears_no_gate",
    scenario_e_an_editor_takes_no_gate_away => "e_an_editor_takes_no_gate_away",
    scenario_e_policy_of_an_editor => "e_policy_of_an_editor",
    scenario_e_rates_of_an_editor => "e_rates_of_an_editor",
    scenario_e_request_is_answered_once => "e_request_is_answered_once",
    scenario_e_the_clock_of_a_removed_task => "e_the_clock_of_a_removed_task",
    scenario_i2_only_unstarted_tasks_change => "i2_only_unstarted_tasks_change",
    scenario_i3_edges_into_what_runs => "i3_edges_into_what_runs",
    scenario_i4_a_batch_is_taken_as_a_whole => "i4_a_batch_is_taken_as_a_whole",
    scenario_o5_an_edit_resumes_the_run => "o5_an_edit_resumes_the_run",
    scenario_r11_a_reference_needs_its_edge => "r11_a_reference_needs_its_edge",
}

/// Batches, valid and not, against runs in every state: the invariants hold after each, and so does every replay.
#[test]
fn scenario_i5_random_batches_keep_the_invariants() {
    crate::random_schedules::no_rule_is_broken(1_000_000, 1_500, Schedule::replayed_throughout);
}
