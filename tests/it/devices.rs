//! Devices that come, go, refuse and drain.

use starline_scheduler::{DeviceChange, Effect, Fleet, Input, Scheduler, Step};
use starline_sim::Strategist;
use starline_types::{RunId, Timestamp};

use crate::scene::{device, graph, plan};

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
    scenario_d_refused_task_lets_others_pass => "d_refused_task_lets_others_pass",
    scenario_d_lost_task_lets_others_pass => "d_lost_task_lets_others_pass",
    scenario_d_lost_and_refused => "d_lost_and_refused",
    scenario_d_refusals_never_spin => "d_refusals_never_spin",
}

/// A run that has started on one device with one slot, and the fleet of both.
fn started(tasks: &[&str]) -> (Scheduler, Fleet, Step) {
    let mut fleet = Fleet::new();
    let d1 = fleet.register(device("d1"));
    fleet.set_connected(d1, true);
    let mut step = Step::default();
    let (run, now) = (RunId::new("run").expect("id"), Timestamp(0));
    let made = Strategist::RoundRobin.make();
    let plan = plan(graph(tasks, &[]));
    let mut scheduler =
        Scheduler::create(run, plan, made, now, &mut fleet, &mut step).expect("a valid graph");
    scheduler.step_into(now, Input::Start, &mut fleet, &mut step);
    (scheduler, fleet, step)
}

fn dispatched(step: &Step) -> usize {
    step.effects.iter().filter(|effect| matches!(effect, Effect::Dispatch { .. })).count()
}

#[test]
fn a_device_that_got_more_slots_is_used_at_once() {
    let (mut scheduler, mut fleet, mut step) = started(&["a", "b", "c"]);
    let now = Timestamp(0);
    scheduler.place(now, &mut fleet, usize::MAX, &mut step);
    assert_eq!(dispatched(&step), 1);
    let d1 = fleet.register(device("d1").with_slots(3));
    scheduler.step_into(
        now,
        Input::DeviceChanged { device: d1, change: DeviceChange::Up },
        &mut fleet,
        &mut step,
    );
    assert!(scheduler.wants_placing(&fleet));
    scheduler.place(now, &mut fleet, usize::MAX, &mut step);
    assert_eq!(dispatched(&step), 3);
}

#[test]
fn placing_that_stopped_at_its_limit_is_taken_up_again() {
    let (mut scheduler, mut fleet, mut step) = started(&["a", "b", "c"]);
    let d1 = fleet.register(device("d1").with_slots(3));
    let now = Timestamp(0);
    scheduler.step_into(
        now,
        Input::DeviceChanged { device: d1, change: DeviceChange::Up },
        &mut fleet,
        &mut step,
    );
    for placed in 1..=3 {
        assert!(scheduler.wants_placing(&fleet), "after {} tasks", placed - 1);
        scheduler.place(now, &mut fleet, 1, &mut step);
        assert_eq!(dispatched(&step), placed);
    }
    while scheduler.wants_placing(&fleet) {
        assert!(!scheduler.place(now, &mut fleet, 1, &mut step), "nothing is left to place");
    }
    assert_eq!(dispatched(&step), 3);
}

#[test]
fn a_device_without_slots_has_one() {
    let mut fleet = Fleet::new();
    let mut profile = device("d1");
    profile.slots = 0;
    let d1 = fleet.register(profile);
    fleet.set_connected(d1, true);
    assert_eq!(fleet.free(d1), 1);
}

#[test]
fn a_device_that_left_while_it_drained_serves_when_it_comes_back() {
    let mut fleet = Fleet::new();
    let d1 = fleet.register(device("d1"));
    fleet.set_connected(d1, true);
    fleet.set_draining(d1, true);
    fleet.forget(d1);
    let again = fleet.register(device("d1"));
    fleet.set_connected(again, true);
    assert_eq!((d1, fleet.is_available(again)), (again, true));
}
