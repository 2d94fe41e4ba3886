//! Devices that come, go, refuse and drain.

crate::scenarios! {
    scenario_d1_one_device_one_task_at_a_time => "d1_one_device_one_task_at_a_time",
    scenario_d2_a_failure_in_the_middle => "d2_a_failure_in_the_middle",
    scenario_d2_two_devices_in_turn => "d2_two_devices_in_turn",
    scenario_d3_cut_off_device_is_waited_out => "d3_cut_off_device_is_waited_out",
    scenario_d3_cut_off_device_reports_in_time => "d3_cut_off_device_reports_in_time",
    scenario_d3_lost_device_and_another_one => "d3_lost_device_and_another_one",
    scenario_d3_lost_device_without_retries => "d3_lost_device_without_retries",
    scenario_d_device_comes_back_in_time => "d_device_comes_back_in_time",
    scenario_d_drained_device_gets_no_retry => "d_drained_device_gets_no_retry",
    scenario_d_no_device_fits_any_more => "d_no_device_fits_any_more",
    scenario_d_no_device_for_a_ready_task_with_late_binding => "d_no_device_for_a_ready_task_with_late_binding",
    scenario_d_paused_run_with_a_stalled_task_sleeps => "d_paused_run_with_a_stalled_task_sleeps",
    scenario_d_queue_timeout_comes_before_a_stall => "d_queue_timeout_comes_before_a_stall",
    scenario_d_refused_attempt_goes_elsewhere => "d_refused_attempt_goes_elsewhere",
    scenario_d_refused_by_the_only_device => "d_refused_by_the_only_device",
    scenario_d_stalled_run_says_so => "d_stalled_run_says_so",
}
