//! Retries, time limits and cancelling.

use starline_scheduler::{Fleet, Input, Scheduler, Step};
use starline_sim::Strategist;
use starline_types::{
    ErrorKind, Event, Millis, RetryPolicy, RunId, RunSettings, TaskError, TaskRef, TaskReport, Timestamp,
};

use crate::scene::{device, graph, plan, task_id};

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
    scenario_t7_cancel_a_run_without_tasks => "t7_cancel_a_run_without_tasks",
}

/// The first two delays of a task that fails again and again, with full jitter below 500 ms and 1 s.
fn delays(seed: u64) -> [u64; 2] {
    let mut spec = graph(&["A"], &[]);
    let policy = RetryPolicy { max: 2, base: Millis(500), ..RetryPolicy::default() };
    std::sync::Arc::make_mut(&mut spec.tasks[0]).retry = Some(policy.into());
    let mut plan = plan(spec);
    plan.settings = RunSettings { seed, ..RunSettings::default() }.into();
    let mut fleet = Fleet::new();
    let laptop = fleet.register(device("laptop"));
    fleet.set_connected(laptop, true);
    let (mut step, mut now) = (Step::default(), Timestamp(0));
    let run = RunId::new("run").expect("id");
    let made = Strategist::RoundRobin.make();
    let mut scheduler =
        Scheduler::create(run, plan, made, now, &mut fleet, &mut step).expect("a valid graph");
    scheduler.step_into(now, Input::Start, &mut fleet, &mut step);
    [1, 2].map(|attempt| {
        while scheduler.place(now, &mut fleet, usize::MAX, &mut step) {}
        step.clear();
        let report = TaskReport::failed(TaskError::new(ErrorKind::DeviceError, "no"));
        let task = TaskRef::unresolved(task_id("A"));
        let input = Input::Reported { task, attempt, device: laptop, report };
        scheduler.step_into(now, input, &mut fleet, &mut step);
        let delay = step.events.iter().find_map(|event| match event {
            Event::TaskRetryScheduled { delay_ms, .. } => Some(*delay_ms),
            _ => None,
        });
        let delay = delay.expect("a retry");
        now = now + delay;
        scheduler.step_into(now, Input::Tick, &mut fleet, &mut step);
        delay.0
    })
}

#[test]
fn scenario_t2_delays_are_spread_and_repeatable() {
    const SEEDS: u64 = 10_000;
    let mut sum = 0;
    for seed in 0..SEEDS {
        let [first, second] = delays(seed);
        assert!(first <= 500 && second <= 1_000, "{first} {second}");
        sum += first;
        if seed % 100 == 0 {
            assert_eq!(delays(seed), [first, second], "seed {seed}");
        }
    }
    let mean = sum as f64 / SEEDS as f64;
    assert!((mean - 250.0).abs() <= 12.5, "mean {mean}");
}

/// What an input made a scheduler record and ask for.
fn after(scheduler: &mut Scheduler, fleet: &mut Fleet, input: Input) -> Step {
    let mut step = Step::default();
    scheduler.step_into(Timestamp(1), input, fleet, &mut step);
    step
}

#[test]
fn every_report_is_acknowledged_whatever_becomes_of_it() {
    let mut fleet = Fleet::new();
    let [d1, d2] = ["d1", "d2"].map(|id| {
        let ix = fleet.register(device(id));
        fleet.set_connected(ix, true);
        ix
    });
    let mut step = Step::default();
    let run = RunId::new("run").expect("id");
    let made = Strategist::RoundRobin.make();
    let plan = plan(graph(&["A", "B"], &[]));
    let now = Timestamp(0);
    let mut scheduler =
        Scheduler::create(run, plan, made, now, &mut fleet, &mut step).expect("a valid graph");
    scheduler.step_into(now, Input::Start, &mut fleet, &mut step);
    while scheduler.place(now, &mut fleet, usize::MAX, &mut step) {}
    let said = |task: &str, attempt, device| Input::Reported {
        task: TaskRef::unresolved(task_id(task)),
        attempt,
        device,
        report: TaskReport::done(),
    };
    let inputs = [
        said("A", 1, d2),      // another device
        said("A", 7, d1),      // an attempt that there is not
        said("nobody", 1, d1), // a task that there is not
        said("A", 1, d1),      // the one that counts
        said("A", 1, d1),      // once more
        said("B", 1, d2),      // the last one
        said("B", 1, d2),      // after the end of the run
    ];
    let mut completed = 0;
    for input in inputs {
        let step = after(&mut scheduler, &mut fleet, input);
        let acknowledged = step
            .effects
            .iter()
            .filter(|effect| matches!(effect, starline_scheduler::Effect::Acknowledge { .. }))
            .count();
        assert_eq!(acknowledged, 1, "{step:?}");
        completed += step.events.iter().filter(|event| matches!(event, Event::TaskCompleted { .. })).count();
    }
    assert_eq!(completed, 2);
}

#[test]
fn a_paused_run_is_not_woken_for_its_queues() {
    let mut spec = graph(&["long", "A"], &[]);
    std::sync::Arc::make_mut(&mut spec.tasks[1]).queue_timeout = Some(Millis::from_secs(2));
    let mut sim = crate::scene::world(vec![device("laptop")], plan(spec), Strategist::RoundRobin);
    sim.tell(0, "long", vec![starline_sim::Work::lasting(Millis::from_secs(3600))]);
    sim.at(Timestamp(0), starline_sim::Action::Start(0));
    sim.at(Timestamp(2_000), starline_sim::Action::Pause(0));
    sim.run_until(Timestamp(1_800_000));
    assert!(sim.commits() < 20, "{} times awake in half an hour of pause", sim.commits());
}
