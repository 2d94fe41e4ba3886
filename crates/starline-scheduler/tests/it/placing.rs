//! Which ready task goes first, and how many at a time.

use starline_scheduler::{Answer, Input};
use starline_types::{ErrorKind, EventKind, OutputType, Reading};

use crate::job::{Job, Maker, by_hand, device, load_balance, round_robin};
use crate::support::{World, done, fails};

#[test]
fn tasks_gain_on_others_with_every_ten_seconds_of_waiting() {
    // While the device is busy, `old` (45) becomes ready at 0 s and `new` (50) at some later time.
    for (late, order) in [(49_999, ["new", "old"]), (50_000, ["old", "new"]), (80_000, ["old", "new"])] {
        let mut world = World::new(&["d1", "d2"]);
        world.acts("busy", [done(200_000)]);
        world.acts("before", [done(late)]);
        let job = Job::new("busy before old before>new").pin("busy", "d1").pin("before", "d2");
        let job = job.pin("old", "d1").pin("new", "d1").priority("busy", 100).priority("old", 45);
        world.start(&job);
        world.run();
        assert_eq!(world.order()[2..], order, "new is ready at {late} ms");
    }
}

#[test]
fn the_age_of_a_task_is_counted_in_whole_steps() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("busy", [done(100_000)]);
    world.acts("before", [done(9999)]);
    let job = Job::new("busy before before>late early").pin("busy", "d1").pin("before", "d2");
    world.start(&job.pin("late", "d1").pin("early", "d1").priority("busy", 100));
    world.run();
    assert_eq!(world.order()[2..], ["late", "early"], "of the same step insertion decides");
}

#[test]
fn at_the_limit_of_a_run_the_most_urgent_task_of_all_devices_goes_first() {
    let mut world = World::new(&["d1", "d2", "d3"]);
    let words = "a b c d e f";
    let mut job = Job::new(words).settings(|settings| settings.max_parallel = Some(1)).strategy(by_hand);
    for (at, task) in words.split(' ').enumerate() {
        job = job.assign(task, ["d1", "d2", "d3"][at % 3]);
    }
    for (task, priority) in [("a", 10), ("b", 90), ("c", 40), ("d", 95), ("e", 20), ("f", 60)] {
        job = job.priority(task, priority);
    }
    world.start(&job);
    assert_eq!(world.reading("a"), Reading::Queued, "its device is free, the run is at its limit");
    world.run();
    assert_eq!(world.order(), ["d", "b", "f", "c", "e", "a"]);
    let times: Vec<u64> = world.runs[0].sent.iter().map(|sent| sent.at).collect();
    assert_eq!(times, [0, 100, 200, 300, 400, 500]);
}

#[test]
fn a_run_keeps_its_limit_whatever_its_devices_could_do() {
    for limit in [1, 2, 3, 5] {
        let mut world = World::of([device("d1").with_slots(4), device("d2").with_slots(4)]);
        let words: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
        world.start(&Job::new(&words.join(" ")).settings(|settings| settings.max_parallel = Some(limit)));
        let (mut live, mut most) = (0_u32, 0);
        world.run();
        for (_, event) in &world.runs[0].facts {
            match event.kind() {
                EventKind::TaskAssigned => live += 1,
                EventKind::TaskCompleted => live -= 1,
                _ => {}
            }
            most = most.max(live);
        }
        assert_eq!((most, world.now.0), (limit, 100 * u64::from(20_u32.div_ceil(limit))));
    }
}

#[test]
fn a_full_device_does_not_hold_up_the_others_at_the_limit() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("a", [done(1000)]);
    let job = Job::new("a b c d").settings(|settings| settings.max_parallel = Some(2)).strategy(by_hand);
    let job = job.assign("a", "d1").assign("b", "d1").assign("c", "d2").assign("d", "d2");
    world.start(&job.priority("a", 100).priority("b", 99));
    world.run();
    assert_eq!(world.starts(0), ["0 a d1", "0 c d2", "100 d d2", "1000 b d1"]);
}

#[test]
fn newly_ready_tasks_of_high_priority_overtake_those_that_wait() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("first first>urgent x y").priority("first", 100).priority("urgent", 90));
    world.run();
    assert_eq!(world.order(), ["first", "urgent", "x", "y"]);
}

#[test]
fn a_limit_on_what_one_call_places_is_kept_and_told() {
    use starline_scheduler::{Fleet, Input, Scheduler, Step};
    use starline_types::{RunId, Timestamp};
    for strategy in [round_robin, crate::late::urgent_first] {
        let mut fleet = Fleet::new();
        let d1 = fleet.register(device("d1").with_slots(10));
        fleet.set_connected(d1, true);
        let job = Job::new("a b c d e").strategy(strategy);
        let mut step = Step::default();
        let run = RunId::new("r").expect("the name of a run");
        let now = Timestamp(0);
        let made = Scheduler::create(run, job.plan(), strategy(), now, &mut fleet, &mut step);
        let mut run = made.expect("a graph without faults");
        assert!(!run.wants_placing(&fleet));
        run.step_into(now, Input::Start, &mut fleet, &mut step);
        let mut placed = Vec::new();
        while run.wants_placing(&fleet) {
            step.clear();
            let more = run.place(now, &mut fleet, 2, &mut step);
            placed.push((step.effects.len(), more));
        }
        let counts: Vec<usize> = placed.iter().map(|(count, _)| *count).collect();
        assert_eq!(counts.iter().sum::<usize>(), 5, "{placed:?}");
        assert!(counts.iter().all(|count| *count <= 2) && placed[0].1 && placed[1].1, "{placed:?}");
    }
}

/// The devices that are planned for tasks, in their order.
fn planned(job: &Job, away: &[&str]) -> String {
    let mut world = World::new(&["A", "B", "C"]);
    for device in away {
        world.disconnect(device, true);
    }
    world.submit(job);
    assert_eq!(world.command(Input::Prepare), Ok(Answer::Done));
    let devices = world.scheduler().assignments(&world.fleet).into_iter();
    let names = devices.map(|(_, device)| device.map_or_else(|| "-".to_owned(), |device| device.to_string()));
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn pinned_tasks_are_placed_in_their_turn_and_count() {
    let job = Job::new("t1 t2 t3 t4 t5").pin("t2", "A").pin("t3", "A");
    assert_eq!(
        planned(&job.clone().strategy(round_robin), &[]),
        "A A A A B",
        "pins take no preference, and so a turn each"
    );
    assert_eq!(planned(&job.strategy(load_balance), &[]), "A A A B C");
    let job = Job::new("t1 t2 t3 t4").pin("t1", "A").assign("t4", "B");
    assert_eq!(
        planned(&job.strategy(load_balance), &[]),
        "A C A B",
        "what is assigned by hand is load as well"
    );
    let job = Job::new("t1 t2 t3").pin("t1", "A");
    assert_eq!(
        planned(&job.strategy(round_robin), &["A"]),
        "A B C",
        "a pin waits for its device, and takes no turn then"
    );
}

#[test]
fn what_a_task_lets_go_that_cannot_be_rendered_takes_its_turn_by_urgency() {
    use crate::late::urgent_first;
    // `B` reads an output that `A` did not leave; `C` comes after it, at once or behind a skip, and is more urgent
    // than `D`, which waits with `B` for the same device.
    for words in ["A~B B~C D", "A~B B>S S~C D"] {
        let early: Maker = round_robin;
        for (strategy, limit) in [(early, None), (early, Some(1)), (urgent_first, None)] {
            let mut world = World::new(&["d1"]);
            world.acts("A", [fails(100)]);
            let job = Job::new(words).strategy(strategy).settings(|settings| settings.max_parallel = limit);
            let job = job.output("A", "n", OutputType::Integer).script("B", "echo {{ tasks.A.outputs.n }}");
            world.start(&job.priority("A", 100).priority("C", 90).priority("D", 10));
            world.run();
            assert_eq!(world.order(), ["A", "C", "D"], "{words}, at most {limit:?} at once");
            assert_eq!(world.error("B"), ErrorKind::RenderError);
        }
    }
}
