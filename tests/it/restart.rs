//! An orchestrator that dies and starts again.

use starline_scheduler::{Fleet, Input, Plan, Scheduler, Step};
use starline_sim::Strategist;
use starline_types::{Envelope, Event, RunId, Seq, Timestamp, UnixMillis};

use crate::scene::{device, graph, plan, task_id};

crate::scenarios! {
    scenario_c_restart_ends_attempts_of_its_own_process => "c_restart_ends_attempts_of_its_own_process",
    scenario_c_restart_takes_attempts_over => "c_restart_takes_attempts_over",
    scenario_c_restart_waits_for_a_silent_device => "c_restart_waits_for_a_silent_device",
    scenario_c_restart_keeps_queue_time => "c_restart_keeps_queue_time",
}

fn envelopes(step: &mut Step, first: Seq) -> Vec<Envelope> {
    let mut seq = first;
    let written = step.events.drain(..).map(|event| {
        let envelope = Envelope {
            seq,
            run_id: RunId::new("run").expect("id"),
            revision: starline_types::Revision(0),
            t: Timestamp(0),
            at: UnixMillis(0),
            cause: None,
            event,
        };
        seq = seq.next();
        envelope
    });
    written.collect()
}

#[test]
fn a_map_outlives_a_restart_before_the_run_is_ready() {
    let mut fleet = Fleet::new();
    let assignments = vec![(task_id("a"), device("d2").id)];
    let submitted = Plan { assignments, ..plan(graph(&["a"], &[])) };
    let (run, now, mut step) = (RunId::new("run").expect("id"), Timestamp(0), Step::default());
    let made = Strategist::RoundRobin.make();
    let scheduler =
        Scheduler::create(run.clone(), submitted, made, now, &mut fleet, &mut step).expect("a valid graph");
    drop(scheduler);
    let journal = envelopes(&mut step, Seq(1));

    let mut fleet = Fleet::new();
    for id in ["d1", "d2"] {
        let ix = fleet.register(device(id));
        fleet.set_connected(ix, true);
    }
    let made = Strategist::RoundRobin.make();
    let mut scheduler = Scheduler::recover(run, made, &mut fleet, &journal).expect("a journal");
    scheduler.step_into(now, Input::Prepare, &mut fleet, &mut step);
    let Some(Event::RunReady { assignments, .. }) = step.events.first() else { panic!("{step:?}") };
    assert_eq!(assignments[0].device.as_ref().map(ToString::to_string).as_deref(), Some("d2"));
}

#[test]
fn journals_may_be_read_before_devices_are_registered() {
    let mut sim = starline_sim::Sim::new();
    sim.device(device("d1"));
    sim.device(device("d2"));
    let run = RunId::new("run").expect("id");
    let tasks = ["a", "b", "c", "d"];
    sim.submit(run, plan(graph(&tasks, &["a>c", "b>d"])), Strategist::RoundRobin).expect("valid");
    for task in tasks {
        sim.tell(0, task, vec![starline_sim::Work::lasting(starline_types::Millis(2_000))]);
    }
    sim.at(Timestamp(0), starline_sim::Action::Start(0));
    let crash = starline_sim::Crash {
        persisted: usize::MAX,
        acted: usize::MAX,
        down: starline_types::Millis(500),
        journals_first: true,
    };
    sim.at(Timestamp(1_000), starline_sim::Action::Crash(crash));
    sim.run_to_end();
    let outcome = sim.outcome(0).expect("the run has ended");
    assert_eq!((outcome.status, outcome.counts.completed), (starline_types::RunState::Completed, 4));
    assert!(outcome.results.values().all(|result| result.attempts == 1), "{:?}", outcome.results);
}
