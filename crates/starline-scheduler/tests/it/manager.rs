//! Plans: strategies, preferences, reassigning and clearing.

use starline_scheduler::{Answer, Input, Refusal};
use starline_strategies::by_name;
use starline_types::{DeviceProfile, EventKind, RunState};

use crate::job::{Job, by_hand, capability_match, device, device_id, load_balance, task_id};
use crate::support::{Act, World};

/// The planned devices of all tasks in insertion order, in one line; `-` for none.
fn plan(world: &World) -> String {
    let planned = world.scheduler().assignments(&world.fleet).into_iter();
    planned.map(|(_, on)| on.map_or_else(|| "-".into(), |on| on.to_string())).collect::<Vec<_>>().join(" ")
}

fn prepared(world: &mut World, job: &Job) -> String {
    world.submit(job);
    assert_eq!(world.command(Input::Prepare), Ok(Answer::Done));
    plan(world)
}

#[test]
fn scenario_m2_round_robin_takes_turns() {
    let tasks = "t1 t2 t3 t4 t5 t6 t7";
    let mut world = World::new(&["A", "B", "C"]);
    assert_eq!(prepared(&mut world, &Job::new(tasks)), "A B C A B C A");

    let mut world = World::new(&["A", "B", "C"]);
    assert_eq!(prepared(&mut world, &Job::new(tasks).prefer("t1", "B")), "B A B C A B C");
}

#[test]
fn scenario_m3_an_unknown_strategy_is_named() {
    let error = by_name("best").expect_err("there is none of that name").to_string();
    assert!(error.starts_with("Unknown assignment strategy: best"), "{error}");
    assert!(error.contains("round_robin"), "{error}");
    for name in ["Round-Robin", "capability_match", "load-balance"] {
        assert!(by_name(name).is_ok(), "{name}");
    }
}

#[test]
fn scenario_m4_capability_match_keeps_requirements() {
    let windows = |id: &str| device(id).with_os("windows");
    let on_windows = |job: Job, task: &str| job.select(task, |selector| selector.os = Some("Windows".into()));
    let mut world = World::of([device("lin").with_os("linux"), windows("win")]);
    let job = on_windows(Job::new("A"), "A").strategy(capability_match);
    assert_eq!(prepared(&mut world, &job), "win");

    let mut world = World::of([windows("w1"), windows("w2"), device("lin").with_os("linux")]);
    let tasks = ["a", "b", "c", "d"];
    let job = tasks.iter().fold(Job::new("a b c d"), |job, task| on_windows(job, task));
    assert_eq!(prepared(&mut world, &job.strategy(capability_match)), "w1 w2 w1 w2");

    let needy = |job: Job| job.select("B", |selector| selector.needs = vec!["excel".into()]);
    for strategy in [capability_match, load_balance, crate::job::round_robin] {
        let mut world = World::new(&["d1", "d2"]);
        world.submit(&needy(Job::new("A B")).strategy(strategy));
        let refusal = world.command(Input::Start).expect_err("nobody has excel");
        assert_eq!(refusal, Refusal::NoEligibleDevice(vec![(task_id("B"), vec!["excel".into()])]));
        assert!(
            refusal.to_string().starts_with("no_eligible_device") && refusal.to_string().contains("excel")
        );
        assert_eq!((plan(&world).as_str(), world.state()), ("- -", RunState::Created));
        assert!(world.runs[0].sent.is_empty());
    }
}

#[test]
fn a_run_becomes_ready_once_the_missing_device_is_there() {
    let mut world = World::new(&["d1"]);
    world.submit(&Job::new("A").select("A", |selector| selector.needs = vec!["excel".into()]));
    assert!(world.command(Input::Prepare).is_err());
    world.register(device("d2").with_capabilities(["excel"]), true);
    assert_eq!(world.command(Input::Prepare), Ok(Answer::Done));
    assert_eq!(world.state(), RunState::Ready);
    assert_eq!(world.command(Input::Start), Ok(Answer::Done));
    world.run();
    assert_eq!(world.starts(0), ["0 A d2"]);
}

#[test]
fn resources_are_amounts_that_a_device_must_have() {
    let sized = |id: &str, memory: u64| {
        let mut profile: DeviceProfile = device(id);
        profile.resources.0.insert("memory".into(), memory);
        profile
    };
    let job = |memory| {
        Job::new("A").select("A", |selector| {
            selector.resources.0.insert("memory".into(), memory);
        })
    };
    let mut world = World::of([sized("small", 4), sized("large", 16), device("none")]);
    assert_eq!(prepared(&mut world, &job(16)), "large");
    let mut world = World::of([sized("small", 4)]);
    world.submit(&job(5));
    let refusal = world.command(Input::Prepare).expect_err("too small");
    assert!(refusal.to_string().contains("memory 5"), "{refusal}");
}

#[test]
fn load_balance_counts_slots_and_the_plans_of_other_runs() {
    let mut world = World::of([device("one"), device("three").with_slots(3)]);
    let job = Job::new("a b c d e f g h").strategy(load_balance);
    let first = prepared(&mut world, &job);
    let on_one = first.split(' ').filter(|on| *on == "one").count();
    assert_eq!((on_one, first.split(' ').count()), (2, 8), "{first}");

    let mut world = World::new(&["d1", "d2"]);
    world.submit(&Job::new("a b").strategy(by_hand).assign("a", "d1").assign("b", "d1"));
    assert_eq!(world.command(Input::Prepare), Ok(Answer::Done));
    let second = world.submit(&Job::new("x y z").strategy(load_balance));
    assert_eq!(world.command_to(second, Input::Prepare), Ok(Answer::Done));
    let loads: Vec<_> = ["d1", "d2"].map(|id| world.fleet.load(world.ix(id))).into();
    assert_eq!(loads, [(0, 3), (0, 2)], "two on d2 first, then one on d1");
}

#[test]
fn scenario_m5_plans_are_cleared_but_not_pins() {
    let mut world = World::new(&["d1", "d2"]);
    let planned = prepared(&mut world, &Job::new("a b c d").pin("d", "d2"));
    assert!(!planned.contains('-'), "{planned}");
    assert_eq!(world.runs[0].scheduler.validate_assignments(&mut world.fleet), Vec::<String>::new());
    assert_eq!(world.command(Input::ClearAssignments), Ok(Answer::Count(3)));
    assert_eq!(world.command(Input::ClearAssignments), Ok(Answer::Count(0)));
    assert_eq!(plan(&world), "- - - d2");
    let findings = world.runs[0].scheduler.validate_assignments(&mut world.fleet);
    assert_eq!(findings.len(), 3);
    assert_eq!(findings[0], "Task 'a' has no device assignment");
    world.check_replay(0);
}

#[test]
fn scenario_m5_utilisation_counts_plans() {
    let mut world = World::new(&["d1", "d2"]);
    let job = Job::new("a b c").strategy(by_hand).assign("a", "d1").assign("b", "d1").assign("c", "d2");
    assert_eq!(prepared(&mut world, &job), "d1 d1 d2");
    assert_eq!(["d1", "d2"].map(|id| world.fleet.load(world.ix(id)).1), [2, 1]);
    world.runs[0].scheduler.release_plans(&mut world.fleet);
    assert_eq!(["d1", "d2"].map(|id| world.fleet.load(world.ix(id)).1), [0, 0]);
}

#[test]
fn cleared_plans_are_made_again_when_tasks_want_a_device() {
    let mut world = World::new(&["d1", "d2"]);
    world.submit(&Job::new("a b c"));
    assert_eq!(world.command(Input::Prepare), Ok(Answer::Done));
    assert_eq!(world.command(Input::ClearAssignments), Ok(Answer::Count(3)));
    assert_eq!(world.command(Input::Start), Ok(Answer::Done));
    world.run();
    assert_eq!((world.order().len(), world.outcome().status), (3, RunState::Completed));
}

#[test]
fn plans_cleared_while_tasks_wait_in_a_queue_are_made_again() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("a b c"));
    world.run_until(50);
    assert_eq!(world.command(Input::ClearAssignments), Ok(Answer::Count(2)));
    world.run();
    assert_eq!(world.starts(0), ["0 a d1", "100 b d1", "200 c d1"]);
}

#[test]
fn scenario_i1_only_unstarted_tasks_are_reassigned() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("T", [Act::Silent]);
    world.submit(&Job::new("T U V").strategy(by_hand).assign("T", "d1").assign("U", "d2").assign("V", "d2"));
    assert_eq!(world.command(Input::Prepare), Ok(Answer::Done));
    assert_eq!(world.reassign("T", "d2"), Ok(Answer::Done));
    assert_eq!(plan(&world), "d2 d2 d2");
    assert_eq!(world.command(Input::Start), Ok(Answer::Done));
    let refusal = world.reassign("T", "d1").expect_err("it runs");
    assert_eq!(refusal, Refusal::TaskNotPending { task: task_id("T"), state: "running" });
    assert!(plan(&world).starts_with("d2"));
    // What waits for a full device may go to a free one.
    assert_eq!(world.reassign("V", "d1"), Ok(Answer::Done));
    assert_eq!(world.starts(0), ["0 T d2", "0 V d1"]);
    assert_eq!(world.facts(EventKind::TasksPlaced).len(), 2);
}

#[test]
fn reassigning_names_known_tasks_and_fitting_devices() {
    let mut world = World::of([device("lin").with_os("linux"), device("win").with_os("windows")]);
    world.submit(&Job::new("A").select("A", |selector| selector.os = Some("linux".into())));
    assert_eq!(world.command(Input::Prepare), Ok(Answer::Done));
    let unknown = world.reassign("zz", "lin").expect_err("no such task");
    assert_eq!(unknown.to_string(), "unknown_task: no task zz, known are A");
    let unknown = world.reassign("A", "mac").expect_err("no such device");
    let known = vec![device_id("lin"), device_id("win")];
    assert_eq!(unknown, Refusal::UnknownDevice { device: device_id("mac"), known });
    let unfit = world.reassign("A", "win").expect_err("another system");
    assert!(matches!(&unfit, Refusal::NotEligible { missing, .. } if missing == &["os linux"]), "{unfit}");
}

#[test]
fn a_reassignment_before_the_run_is_ready_outlives_the_strategy() {
    let mut world = World::new(&["d1", "d2"]);
    world.submit(&Job::new("A B"));
    assert_eq!(world.reassign("A", "d2"), Ok(Answer::Done));
    assert_eq!(world.command(Input::Start), Ok(Answer::Done));
    world.run();
    assert!(world.starts(0).contains(&"0 A d2".to_owned()), "{:?}", world.starts(0));
}
