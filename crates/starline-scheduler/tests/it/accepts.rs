//! Devices that take some payloads and not others.

use std::sync::Arc;

use starline_edit::Code;
use starline_scheduler::{Author, Input, Refusal, Role};
use starline_types::{
    Accepts, DeviceProfile, Edit, EditBatch, ErrorKind, Event, EventKind, Exec, Jitter, Millis, Payload,
    PayloadKind, Prompt, RetryPolicy, Revision, RunState, TaskSpec,
};

use crate::job::{Job, by_hand, capability_match, device, load_balance, retries, round_robin, task_id};
use crate::late::urgent_first;
use crate::support::{World, declines, done, fails};

/// Runs programs and no scripts.
fn strict(id: &str) -> DeviceProfile {
    device(id).with_accepts(Accepts::only([PayloadKind::Noop, PayloadKind::Exec])).with_slots(9)
}

/// Runs two programs and nothing else.
fn listing(id: &str) -> DeviceProfile {
    device(id).with_accepts(Accepts::only([PayloadKind::Exec]).with_programs(["cat", "grep"]))
}

fn exec(program: &str) -> Payload {
    Payload::Exec(Arc::new(Exec { argv: vec![program.to_owned()], ..Exec::default() }))
}

fn prompt() -> Payload {
    Payload::Prompt(Arc::new(Prompt { text: "hello".to_owned() }))
}

#[test]
fn a_task_goes_where_its_payload_is_taken() {
    for strategy in [round_robin, capability_match, load_balance, urgent_first] {
        let mut world = World::of([strict("locked"), listing("listing"), device("open")]);
        let job = Job::new("A B C D").script("A", "true").strategy(strategy);
        let job = job.task("B", |task| task.run = prompt()).task("C", |task| task.run = exec("/bin/rm"));
        world.start(&job.task("D", |task| task.run = exec("/bin/cat")).pin("D", "listing"));
        world.run();
        assert_eq!(world.outcome().status, RunState::Completed);
        let on = |task: &str| {
            let sent = world.runs[0].sent.iter().find(|sent| sent.task == task);
            sent.map(|sent| sent.device.clone()).expect("sent")
        };
        assert_eq!((on("A").as_str(), on("B").as_str(), on("D").as_str()), ("open", "open", "listing"));
        assert_ne!(on("C"), "listing");
    }
}

#[test]
fn a_task_that_nobody_takes_is_told_with_the_reason() {
    let refused = |job: Job| {
        let mut world = World::of([strict("locked"), listing("listing")]);
        world.submit(&job);
        match world.command(Input::Start) {
            Err(Refusal::NoEligibleDevice(tasks)) => tasks[0].1.join(", "),
            other => panic!("not refused: {other:?}"),
        }
    };
    assert_eq!(
        refused(Job::new("A").script("A", "true")),
        "a device that may run sh (locked runs noop, exec)"
    );
    let pinned = Job::new("A").task("A", |task| task.run = exec("rm")).pin("A", "listing");
    assert_eq!(refused(pinned), "a device that may run program \"rm\" (listing runs cat, grep)");
    let pinned = Job::new("A").task("A", |task| task.run = prompt()).pin("A", "listing");
    assert_eq!(refused(pinned), "a device that may run prompt (listing runs exec)");

    // A template may become anything.
    let mut world = World::of([listing("listing")]);
    world.start(&Job::new("A").task("A", |task| task.run = exec("{{ inputs.tool }}")).settings(|settings| {
        settings.inputs.insert("tool".to_owned(), "cat".into());
    }));
    world.run();
    assert_eq!(world.outcome().status, RunState::Completed);
}

#[test]
fn an_edit_that_adds_a_misfit_is_refused() {
    let mut world = World::of([strict("locked")]);
    world.start(&Job::new("A"));
    let add = |run| {
        let task = Arc::new(TaskSpec::new(task_id("B"), run));
        let batch = EditBatch {
            base: Revision(0),
            edits: vec![Edit::AddTask { task, after: Vec::new() }],
            ..EditBatch::default()
        };
        Input::Submit {
            batch: Arc::new(batch),
            unread: None,
            author: Author::new("me", Role::Operator),
            check_only: true,
        }
    };
    match world.command(add(prompt())) {
        Err(Refusal::Rejected(rejection)) => {
            assert_eq!(rejection.faults[0].code, Code::NoEligibleDevice);
            assert!(rejection.faults[0].message.contains("may run prompt"), "{rejection:?}");
        }
        other => panic!("not refused: {other:?}"),
    }
    assert!(world.command(add(exec("rm"))).is_ok());
}

#[test]
fn a_waiting_task_is_found_by_a_device_whose_list_has_its_program() {
    for strategy in [round_robin, urgent_first] {
        let mut world = World::of([device("d1").with_accepts(Accepts::only([PayloadKind::Exec]))]);
        world.acts("A", [done(1_000_000)]);
        let job = Job::new("A B").strategy(strategy).task("B", |task| task.run = exec("grep"));
        world.start(&job.task("A", |task| task.run = exec("other")));
        world.run_until(10);
        world.drain("d1", true);
        world.register(listing("listing"), true);
        world.run_until(20);
        assert_eq!(world.starts(0), ["0 A d1", "10 B listing"]);
    }
}

#[test]
fn a_refusal_for_good_sends_the_task_elsewhere_and_uses_no_budget() {
    for strategy in [round_robin, urgent_first] {
        let mut world = World::new(&["d1", "d2"]);
        world.acts("A", [declines(10), done(100)]);
        world.start(&Job::new("A").strategy(strategy));
        world.run();
        assert_eq!(world.starts(0), ["0 A d1", "10 A d2"]);
        assert_eq!(world.outcome().status, RunState::Completed);
        assert!(world.facts(EventKind::TaskRetryScheduled).is_empty());
        let lost = world.facts(EventKind::AttemptLost);
        let why = lost.iter().find_map(|(_, event)| match event {
            Event::AttemptLost { error, until: None, .. } => {
                error.as_ref().map(|error| error.message.as_str())
            }
            _ => None,
        });
        assert_eq!(why, Some("d1 may not"));
    }
}

#[test]
fn a_task_is_not_planned_by_hand_where_it_was_refused_for_good() {
    let mut world = World::of([device("d1"), device("d2")]);
    world.disconnect("d2", true);
    world.acts("A", [declines(10), done(100)]);
    world.start(&Job::new("A"));
    world.run_until(50);
    let refused = world.reassign("A", "d1").expect_err("it waited there for ever");
    assert!(refused.to_string().contains("it refused the task for good"), "{refused}");
}

#[test]
fn a_task_fails_whose_last_willing_device_is_forgotten_while_it_waits() {
    for strategy in [round_robin, urgent_first] {
        let mut world = World::of([device("d1"), device("d2")]);
        world.acts("A", [declines(10), fails(10), done(10)]);
        let policy = RetryPolicy { base: Millis(1000), jitter: Jitter::None, ..retries(1) };
        world.start(&Job::new("A").retry("A", policy).strategy(strategy));
        world.run_until(100);
        world.forget("d2");
        world.run();
        assert_eq!((world.order().len(), world.error("A")), (2, ErrorKind::NoEligibleDevice));
    }
}

#[test]
fn when_every_device_has_refused_the_task_fails_and_says_why() {
    for strategy in [round_robin, urgent_first] {
        let mut world = World::new(&["d1", "d2", "d3"]);
        world.acts("A", [declines(10)]);
        world.start(&Job::new("A").strategy(strategy));
        world.run();
        assert_eq!(world.order().len(), 3, "each is asked once");
        let outcome = world.outcome();
        let error = outcome.results[&task_id("A")].error.clone().expect("failed");
        assert_eq!(error.kind, ErrorKind::PermissionDenied);
        assert!(error.message.contains("may not; refused before by "), "{error}");
    }
    for (job, devices) in [(Job::new("A").pin("A", "d1"), 2), (Job::new("A"), 1)] {
        let mut world = World::new(&["d1", "d2"][..devices]);
        world.acts("A", [declines(10)]);
        world.start(&job);
        world.run();
        assert_eq!((world.order().len(), world.error("A")), (1, ErrorKind::PermissionDenied));
    }
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [declines(10)]);
    world.start(&Job::new("A").strategy(by_hand).assign("A", "d1"));
    world.run();
    assert_eq!((world.order().len(), world.error("A")), (1, ErrorKind::PermissionDenied));
}

#[test]
fn a_device_that_is_away_is_waited_for_when_the_others_have_refused() {
    let mut world = World::of([device("d1"), device("d2")]);
    world.disconnect("d2", true);
    world.acts("A", [declines(10), done(100)]);
    world.start(&Job::new("A"));
    world.run_until(30_000);
    assert_eq!(world.order().len(), 1);
    world.restart();
    world.connect("d2");
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "30000 A d2"]);
}
