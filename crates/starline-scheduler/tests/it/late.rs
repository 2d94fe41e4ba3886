//! Strategies that decide at the last moment, that wait, and that err.

use starline_scheduler::{AssignmentStrategy, Binding};
use starline_types::{DeviceIx, Event, EventKind, Reading, RunState, TaskIx};

use starline_assign::{PlaceError, Round};

use crate::job::{Job, Maker, device};
use crate::support::{World, done};

/// Gives each task in serving order the first free device that fits.
#[derive(Debug)]
struct UrgentFirst;

impl AssignmentStrategy for UrgentFirst {
    fn name(&self) -> &'static str {
        "urgent_first"
    }

    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
        assert_eq!(round.binding(), Binding::Late);
        for task in round.tasks() {
            let device = round.candidates(task.ix).iter().next();
            if let Some(device) = device {
                round.place(task.ix, device.ix)?;
            }
        }
        Ok(())
    }
}

pub(crate) fn urgent_first() -> Option<Box<dyn AssignmentStrategy>> {
    Some(Box::new(UrgentFirst))
}

/// Waits until the task `gate` has ended.
#[derive(Debug, Default)]
struct Patient {
    open: bool,
}

impl AssignmentStrategy for Patient {
    fn name(&self) -> &'static str {
        "patient"
    }

    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
        for task in round.tasks() {
            let device = round.candidates(task.ix).iter().next();
            if let Some(device) = device
                && (self.open || task.id().as_str() == "gate")
            {
                round.place(task.ix, device.ix)?;
            }
        }
        Ok(())
    }

    fn observe(&mut self, event: &Event) {
        if let Event::TaskCompleted { task, .. } = event {
            self.open |= task.id().as_str() == "gate";
        }
    }
}

fn patient() -> Option<Box<dyn AssignmentStrategy>> {
    Some(Box::new(Patient::default()))
}

/// Places tasks whose name begins with `go` and leaves the others out.
#[derive(Debug)]
struct Picky;

impl AssignmentStrategy for Picky {
    fn name(&self) -> &'static str {
        "picky"
    }

    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
        for task in round.tasks().iter().filter(|task| task.id().as_str().starts_with("go")) {
            let device = round.candidates(task.ix).iter().next();
            if let Some(device) = device {
                round.place(task.ix, device.ix)?;
            }
        }
        Ok(())
    }
}

fn picky() -> Option<Box<dyn AssignmentStrategy>> {
    Some(Box::new(Picky))
}

/// Errs in every round, after one placement that must not count.
#[derive(Debug)]
struct Erring(Binding);

impl AssignmentStrategy for Erring {
    fn name(&self) -> &'static str {
        "erring"
    }

    fn binding(&self) -> Binding {
        self.0
    }

    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
        if let Some(task) = round.tasks().first() {
            let device = round.candidates(task.ix).iter().last();
            if let Some(device) = device {
                round.place(task.ix, device.ix)?;
            }
        }
        round.place(TaskIx(u32::MAX), DeviceIx(0))
    }
}

fn erring_late() -> Option<Box<dyn AssignmentStrategy>> {
    Some(Box::new(Erring(Binding::Late)))
}

fn erring_early() -> Option<Box<dyn AssignmentStrategy>> {
    Some(Box::new(Erring(Binding::Early)))
}

#[test]
fn late_binding_fills_slots_in_order_of_urgency() {
    let mut world = World::of([device("d1").with_slots(2), device("d2")]);
    let mut job = Job::new("a b c d e f").strategy(urgent_first);
    for (task, priority) in [("a", 10), ("b", 90), ("c", 40), ("d", 95), ("e", 20), ("f", 60)] {
        job = job.priority(task, priority);
    }
    world.start(&job);
    world.run_until(50);
    assert_eq!(world.reading("c"), Reading::Queued);
    assert_eq!(world.fleet.load(world.ix("d1")), (2, 0), "nothing is planned");
    world.run();
    assert_eq!(world.order(), ["d", "b", "f", "c", "e", "a"]);
    assert_eq!(world.now.0, 200);
}

#[test]
fn late_binding_takes_the_first_free_device_not_a_planned_one() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("a", [done(1000)]);
    world.start(&Job::new("a b c d").strategy(urgent_first));
    world.run();
    assert_eq!(world.starts(0), ["0 a d1", "0 b d2", "100 c d2", "200 d d2"]);
}

#[test]
fn tasks_of_one_kind_do_not_hold_up_those_of_another() {
    let mut world = World::of([device("win").with_os("windows"), device("lin").with_os("linux")]);
    let mut job = Job::new("w1 w2 w3 l1").strategy(urgent_first);
    for task in ["w1", "w2", "w3"] {
        job = job.select(task, |selector| selector.os = Some("windows".into())).priority(task, 90);
    }
    world.start(&job.select("l1", |selector| selector.os = Some("linux".into())));
    world.run();
    assert_eq!(world.starts(0), ["0 w1 win", "0 l1 lin", "100 w2 win", "200 w3 win"]);
}

#[test]
fn late_binding_keeps_the_limit_of_a_run() {
    let mut world = World::of([device("d1").with_slots(10)]);
    let job = Job::new("a b c d e").strategy(urgent_first).priority("e", 90);
    world.start(&job.settings(|settings| settings.max_parallel = Some(2)));
    world.run();
    assert_eq!(world.starts(0), ["0 e d1", "0 a d1", "100 b d1", "100 c d1", "200 d d1"]);
}

#[test]
fn a_strategy_may_wait_and_is_asked_again_when_something_ends() {
    let mut world = World::new(&["d1", "d2"]);
    // More tasks than slots wait before the one that may go.
    world.start(&Job::new("a b c d gate e").strategy(patient));
    world.run();
    let expected = ["0 gate d1", "100 a d1", "100 b d2", "200 c d1", "200 d d2", "300 e d1"];
    assert_eq!(world.starts(0), expected);
    assert_eq!(world.outcome().status, RunState::Completed);
}

#[test]
fn looking_behind_what_is_left_out_keeps_the_limit_of_a_run() {
    let mut world = World::of([device("d1").with_slots(4), device("d2").with_slots(4)]);
    let words = (0..50).map(|n| format!("stay{n} ")).chain((0..5).map(|n| format!("go{n} ")));
    let job = Job::new(&words.collect::<String>()).strategy(picky);
    world.start(&job.settings(|settings| settings.max_parallel = Some(2)));
    world.run_until(1000);
    let expected = ["0 go0 d1", "0 go1 d1", "100 go2 d1", "100 go3 d1", "200 go4 d1"];
    assert_eq!(world.starts(0), expected);
    assert_eq!(world.reading("stay0"), Reading::Ready);
}

#[test]
fn what_a_strategy_learned_outlives_a_restart() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("gate a b").strategy(patient));
    world.run_until(150);
    world.restart();
    world.run();
    assert_eq!(world.starts(0), ["0 gate d1", "100 a d1", "200 b d1"]);
}

#[test]
fn the_fallback_serves_when_a_strategy_errs() {
    for strategy in [erring_late as Maker, erring_early] {
        let mut world = World::new(&["d1", "d2"]);
        world.start(&Job::new("a b c d a>e").strategy(strategy));
        world.run();
        assert_eq!(world.outcome().status, RunState::Completed);
        let first = &world.runs[0].sent[0];
        assert_eq!((first.task.as_str(), first.device.as_str()), ("a", "d1"), "the round was discarded");
        assert_eq!(world.now.0, 300);
        let faults = world.facts(EventKind::StrategyFaulted);
        let Some((_, Event::StrategyFaulted { strategy, message })) = faults.first() else {
            panic!("no fault was told")
        };
        assert_eq!(strategy, "erring");
        assert!(message.contains("not in this round"), "{message}");
    }
}

#[test]
fn a_late_task_goes_on_elsewhere_after_a_loss() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("a", [crate::support::Act::Silent, done(100)]);
    world.start(&Job::new("a b").strategy(urgent_first));
    world.run_until(50);
    world.disconnect("d1", true);
    world.connect("d1");
    world.run();
    let last = world.runs[0].sent.last().map(|sent| (sent.task.as_str(), sent.device.as_str()));
    assert_eq!(last, Some(("a", "d2")), "the lost device is left out while another one fits");
}
