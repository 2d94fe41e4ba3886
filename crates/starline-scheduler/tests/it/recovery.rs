//! Journals that are no journals of a run, and restarts at every moment.

use starline_scheduler::{Fleet, Input, ReplayFault, Scheduler};
use starline_types::{Envelope, Event, EventKind, Millis, RunId, Seq, Timestamp};

use crate::job::{Job, device, retries};
use crate::late::urgent_first;
use crate::support::{Act, World, done, fails, refuses};

fn recover(records: &[Envelope]) -> Result<Scheduler, ReplayFault> {
    let run = RunId::new("r0").expect("the name of a run");
    Scheduler::recover(run, crate::job::round_robin(), &mut Fleet::new(), records)
}

#[test]
fn a_journal_is_dense_of_one_run_and_from_its_beginning() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A>B"));
    world.run();
    let records = world.journal(0);
    assert!(recover(&records).is_ok());
    assert_eq!(recover(&[]).expect_err("empty"), ReplayFault::Empty);

    let mut gap = records.clone();
    gap.remove(3);
    assert_eq!(recover(&gap).expect_err("a gap"), ReplayFault::NotDense { last: 3, got: 5 });
    let mut twice = records.clone();
    twice.insert(3, records[2].clone());
    assert_eq!(recover(&twice).expect_err("twice"), ReplayFault::NotDense { last: 3, got: 3 });

    let mut headless = records[1..].to_vec();
    headless.iter_mut().zip(1..).for_each(|(record, seq)| record.seq = Seq(seq));
    assert_eq!(recover(&headless).expect_err("no head"), ReplayFault::NotCreated("run_ready"));

    let mut mixed = records;
    mixed[4].run_id = RunId::new("other").expect("the name of a run");
    let foreign = ReplayFault::ForeignRecord { seq: 5, run: mixed[4].run_id.clone() };
    assert_eq!(recover(&mixed).expect_err("of two runs"), foreign);
}

#[test]
fn devices_that_a_journal_names_and_nobody_registered_get_a_seat() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Silent]);
    world.start(&Job::new("A"));
    let mut fleet = Fleet::new();
    let run = world.scheduler().run().clone();
    let records = world.journal(0);
    let recovered = Scheduler::recover(run, crate::job::round_robin(), &mut fleet, &records);
    let recovered = recovered.expect("a journal that replays");
    assert!(fleet.ids().is_empty() && fleet.available() == 0);
    let (task, attempt, on) = recovered.live_attempts()[0];
    assert_eq!((recovered.graph().id(task).as_str(), attempt, fleet.id(on).as_str()), ("A", 1, "d1"));
    assert_eq!(fleet.register(device("d1")), on, "it keeps its seat when it registers");
    assert_eq!(fleet.load(on), (1, 0));
}

/// A run in which something of every kind happens.
fn eventful(world: &mut World, strategy: crate::job::Maker) {
    world.acts("retried", [fails(130), fails(70), done(50)]);
    world.acts("refused", [refuses(10), refuses(10), refuses(10), done(90)]);
    world.acts("late", [Act::Silent, done(40)]);
    world.stops_after("d1", 60);
    world.stops_after("d2", 60);
    let job = Job::new("start>retried start>refused retried>late refused~late late>end a b c a!never b~c");
    let job = job.retry("retried", retries(2)).retry("late", retries(1)).priority("c", 90);
    let job = job.task("late", |task| task.run_timeout = Some(Millis(300)));
    world.start(&job.task("c", |task| task.queue_timeout = Some(Millis(5000))).strategy(strategy));
}

#[test]
fn a_restart_at_any_moment_changes_nothing() {
    for strategy in [crate::job::round_robin, crate::job::load_balance, urgent_first] {
        let mut undisturbed = World::new(&["d1", "d2"]);
        eventful(&mut undisturbed, strategy);
        undisturbed.run();
        let end = undisturbed.now.0;
        for at in (0..=end).step_by(10) {
            let mut world = World::new(&["d1", "d2"]);
            eventful(&mut world, strategy);
            world.run_until(at);
            world.restart();
            world.run();
            assert_eq!(world.starts(0), undisturbed.starts(0), "a restart at {at} ms");
            assert_eq!(world.outcome(), undisturbed.outcome(), "a restart at {at} ms");
        }
    }
}

/// Records of an eventful run with a hash of the state behind every other step of it.
fn hashed() -> (World, Vec<Envelope>) {
    let mut world = World::new(&["d1", "d2"]);
    eventful(&mut world, crate::job::load_balance);
    for at in (0..1_000).step_by(10) {
        world.run_until(at);
        world.tell(0, Input::HashState);
    }
    world.run();
    let records = world.journal(0);
    (world, records)
}

#[test]
fn a_replay_comes_to_the_hashed_states_whatever_seats_its_devices_have() {
    let (world, records) = hashed();
    assert!(world.facts(EventKind::StateHashed).len() > 20);
    for order in [["d1", "d2"], ["d2", "d1"]] {
        let mut fleet = Fleet::new();
        for id in order {
            fleet.register(device(id));
        }
        let run = world.scheduler().run().clone();
        let replayed = Scheduler::recover(run, crate::job::load_balance(), &mut fleet, &records);
        let replayed = replayed.expect("the same states");
        assert_eq!(replayed.state_hash(&fleet), world.scheduler().state_hash(&world.fleet));
    }
}

/// Every fact of the run in turn says something else: a replay notices, unless nothing came of what was said.
#[test]
fn a_replay_to_another_state_than_the_hashed_one_is_refused() {
    let (_, records) = hashed();
    let mut refused = 0;
    for at in 0..records.len() {
        let mut changed = records.clone();
        let record = &mut changed[at];
        match &mut record.event {
            Event::TaskAssigned { .. } => record.t = Timestamp(record.t.0 + 1),
            Event::TaskRetryScheduled { delay_ms, .. } => delay_ms.0 += 1,
            Event::StateHashed { hash } => *hash = format!("{}0000", &hash[..hash.len() - 4]).into(),
            _ => continue,
        }
        match recover(&changed) {
            // The attempt, or the delay, was over before the next hash.
            Ok(_) => assert!(records[at].event.kind() != EventKind::StateHashed, "record {}", at + 1),
            Err(ReplayFault::OtherState { seq }) => {
                assert!(seq >= records[at].seq.0, "{seq} after record {}", at + 1);
                refused += 1;
            }
            Err(fault) => panic!("{fault}"),
        }
    }
    assert!(refused > 25, "{refused}");
}

#[test]
fn the_hash_is_due_after_as_many_facts_as_there_are_tasks_and_no_sooner() {
    let mut world = World::new(&["d1"]);
    let wide = (0..6_000).map(|at| format!("t{at}")).collect::<Vec<_>>().join(" ");
    world.start(&Job::new(&wide));
    let mut due = None;
    for at in 0..2_000 {
        world.run_until(at * 1_000);
        if world.scheduler().wants_hash() {
            due = Some(world.scheduler().seq());
            break;
        }
    }
    assert!(due.is_some_and(|due| due >= Seq(10_000)), "{due:?}");
    world.tell(0, Input::HashState);
    assert!(!world.scheduler().wants_hash());
}
