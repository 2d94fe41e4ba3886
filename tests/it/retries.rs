//! Retries, time limits and cancelling.

crate::scenarios! {
    scenario_t1_retries_and_failure => "t1_retries_and_failure",
    scenario_t1_success_after_retries => "t1_success_after_retries",
    scenario_t3_permission_denied_is_final => "t3_permission_denied_is_final",
    scenario_t4_queue_time_of_a_run_that_is_paused_at_its_limit => "t4_queue_time_of_a_run_that_is_paused_at_its_limit",
    scenario_t4_queue_time_stands_still_in_a_pause => "t4_queue_time_stands_still_in_a_pause",
    scenario_t4_queue_timeout => "t4_queue_timeout",
    scenario_t5_run_timeout => "t5_run_timeout",
    scenario_t5_run_timeout_is_retried => "t5_run_timeout_is_retried",
    scenario_t5_run_timeout_on_a_device_that_keeps_to_no_lease => "t5_run_timeout_on_a_device_that_keeps_to_no_lease",
    scenario_t6_cancel_is_acknowledged => "t6_cancel_is_acknowledged",
    scenario_t6_failure_of_a_cancelled_attempt => "t6_failure_of_a_cancelled_attempt",
    scenario_t6_silent_device_keeps_to_its_lease => "t6_silent_device_keeps_to_its_lease",
    scenario_t6_silent_device_without_lease => "t6_silent_device_without_lease",
    scenario_t6_success_comes_first => "t6_success_comes_first",
    scenario_t7_cancel_before_the_start => "t7_cancel_before_the_start",
    scenario_t7_cancel_run_twice_while_attempts_stop => "t7_cancel_run_twice_while_attempts_stop",
    scenario_t7_cancel_run_with_nothing_running => "t7_cancel_run_with_nothing_running",
}
