//! Random inputs against random runs: the rules hold after every step, and a replay gives the same state.

use std::collections::BTreeSet;

use proptest::prelude::*;
use starline_graph::{audit, topological_order};
use starline_scheduler::{Input, Undelivered};
use starline_types::{
    ConfirmedBy, DependencyKind, ErrorKind, FailurePolicy, Millis, PauseCause, RetryPolicy, TaskReport,
    TaskState,
};

use crate::job::{
    Job, Maker, by_hand, capability_match, device, device_id, load_balance, retries, round_robin, task_id,
};
use crate::late::urgent_first;
use crate::support::{Act, World, done, failed, fails, refuses};

const DEVICES: u8 = 3;

/// A random graph, its settings, and what its attempts come to.
#[derive(Clone, Debug)]
struct Scene {
    tasks: u8,
    edges: Vec<(u8, u8, u8)>,
    pins: Vec<Option<u8>>,
    acts: Vec<u8>,
    strategy: u8,
    policy: u8,
    max_parallel: Option<u32>,
    slots: Vec<u32>,
    fenced: Vec<bool>,
    retries: u32,
    seed: u64,
    timeouts: bool,
}

/// One thing that happens from outside.
#[derive(Clone, Debug)]
enum Happening {
    Wait(u64),
    Report(u8, u8, u8, u8),
    Undelivered(u8, u8, u8, u8),
    Stopped(u8, u8, bool),
    Down(u8, bool),
    Up(u8),
    Drain(u8, bool),
    Forget(u8),
    Register(u8),
    Pause,
    Resume,
    CancelRun(bool),
    CancelTask(u8),
    SkipTask(u8),
    Reassign(u8, u8),
    Clear,
    Start,
}

fn scene() -> impl Strategy<Value = Scene> {
    let graph = (1..9_u8, prop::collection::vec((0..9_u8, 0..9_u8, 0..5_u8), 0..14));
    let tasks = (
        prop::collection::vec(prop::option::weighted(0.3, 0..DEVICES), 9),
        prop::collection::vec(0..8_u8, 9),
    );
    let fleet = (prop::collection::vec(1..3_u32, 3), prop::collection::vec(any::<bool>(), 3));
    let rest = (0..5_u8, 0..3_u8, prop::option::of(1..4_u32), 0..3_u32, any::<u64>(), any::<bool>());
    (graph, tasks, fleet, rest).prop_map(|((tasks, edges), (pins, acts), (slots, fenced), rest)| {
        let (strategy, policy, max_parallel, retries, seed, timeouts) = rest;
        Scene {
            tasks,
            edges,
            pins,
            acts,
            strategy,
            policy,
            max_parallel,
            slots,
            fenced,
            retries,
            seed,
            timeouts,
        }
    })
}

fn happening() -> impl Strategy<Value = Happening> {
    let (task, on) = (0..9_u8, 0..DEVICES);
    prop_oneof![
        12 => (0..3000_u64).prop_map(Happening::Wait),
        2 => (20_000..70_000_u64).prop_map(Happening::Wait),
        4 => (task.clone(), 1..4_u8, on.clone(), 0..3_u8).prop_map(|(t, n, d, r)| Happening::Report(t, n, d, r)),
        3 => (task.clone(), 1..4_u8, on.clone(), 0..4_u8).prop_map(|(t, n, d, f)| Happening::Undelivered(t, n, d, f)),
        2 => (task.clone(), 1..4_u8, any::<bool>()).prop_map(|(t, n, new)| Happening::Stopped(t, n, new)),
        3 => (on.clone(), any::<bool>()).prop_map(|(d, certain)| Happening::Down(d, certain)),
        4 => on.clone().prop_map(Happening::Up),
        1 => (on.clone(), any::<bool>()).prop_map(|(d, draining)| Happening::Drain(d, draining)),
        1 => on.clone().prop_map(Happening::Forget),
        2 => on.clone().prop_map(Happening::Register),
        2 => Just(Happening::Pause),
        3 => Just(Happening::Resume),
        1 => any::<bool>().prop_map(Happening::CancelRun),
        2 => task.clone().prop_map(Happening::CancelTask),
        2 => task.clone().prop_map(Happening::SkipTask),
        3 => (task, on).prop_map(|(t, d)| Happening::Reassign(t, d)),
        1 => Just(Happening::Clear),
        1 => Just(Happening::Start),
    ]
}

fn name(task: u8) -> String {
    format!("t{task}")
}

fn on(device: u8) -> String {
    format!("d{device}")
}

impl Scene {
    fn world(&self) -> World {
        let profiles = (0..DEVICES).map(|n| {
            let mut profile = device(&on(n)).with_slots(self.slots[usize::from(n)]);
            profile.fenced = self.fenced[usize::from(n)];
            profile
        });
        let mut world = World::of(profiles);
        for (at, act) in (0..self.tasks).zip(&self.acts) {
            let acts = match act {
                0 | 1 => vec![done(500)],
                2 => vec![fails(300)],
                3 => vec![fails(300), done(200)],
                4 => vec![Act::Silent],
                5 => vec![refuses(10), refuses(10), done(100)],
                6 => vec![Act::Undelivered(200, Undelivered::Lost), done(100)],
                _ => vec![Act::Undelivered(200, Undelivered::Unknown), done(100)],
            };
            world.acts(&name(at), acts);
        }
        world.stops_after("d0", 50);
        world
    }

    fn job(&self) -> Job {
        let strategies: [Maker; 5] = [round_robin, capability_match, load_balance, urgent_first, by_hand];
        let mut job = Job::new("").strategy(strategies[usize::from(self.strategy)]);
        for task in 0..self.tasks {
            job.push(&name(task));
            if let Some(pin) = self.pins[usize::from(task)] {
                job = job.pin(&name(task), &on(pin));
            } else if self.strategy == 4 {
                job = job.assign(&name(task), &on(task % DEVICES));
            }
            let policy = RetryPolicy { lost_max: 2, ..retries(self.retries) };
            job = job.retry(&name(task), RetryPolicy { jitter: starline_types::Jitter::Full, ..policy });
            if self.timeouts && task % 2 == 0 {
                job = job.task(&name(task), |spec| {
                    spec.queue_timeout = Some(Millis(4000));
                    spec.run_timeout = Some(Millis(2500));
                    spec.idempotent = true;
                });
            }
        }
        for (from, to, kind) in &self.edges {
            // From lower to higher numbers: never a cycle.
            let (from, to) =
                ((from % self.tasks).min(to % self.tasks), (from % self.tasks).max(to % self.tasks));
            let kind = match kind {
                0 | 1 => DependencyKind::Success,
                2 => DependencyKind::Failure,
                3 => DependencyKind::Completion,
                _ => DependencyKind::When("status != \"cancelled\" and outcome.duration_ms > 1".into()),
            };
            if from != to {
                job.join(&name(from), &name(to), kind);
            }
        }
        let policies = [FailurePolicy::SkipDependents, FailurePolicy::FailFast, FailurePolicy::WaitForEdit];
        job.settings(|settings| {
            settings.seed = self.seed;
            settings.max_parallel = self.max_parallel;
            settings.on_failure = policies[usize::from(self.policy)];
        })
    }

    fn apply(&self, world: &mut World, happening: &Happening) {
        let task = |number: &u8| task_id(&name(number % self.tasks));
        let ix = |world: &World, device: u8| world.fleet.find(&device_id(&on(device)));
        match happening {
            Happening::Wait(time) => {
                let at = world.now.0 + time;
                world.run_until(at);
            }
            Happening::Report(t, attempt, d, report) => {
                if ix(world, *d).is_some() {
                    let report = match report {
                        0 => TaskReport::done(),
                        1 => failed(ErrorKind::DeviceError),
                        _ => TaskReport::Stopped,
                    };
                    world.report(task(t).as_str(), u32::from(*attempt), &on(*d), report);
                }
            }
            Happening::Undelivered(t, attempt, d, fault) => {
                if ix(world, *d).is_some() {
                    let faults = [
                        Undelivered::NotAccepted,
                        Undelivered::Lost,
                        Undelivered::Unknown,
                        Undelivered::Protocol,
                    ];
                    let fault = faults[usize::from(*fault)];
                    world.undelivered(task(t).as_str(), u32::from(*attempt), &on(*d), fault);
                }
            }
            Happening::Stopped(t, attempt, new_life) => {
                let by = if *new_life { ConfirmedBy::Incarnation } else { ConfirmedBy::Ack };
                world.tell(0, Input::Stopped { task: task(t).into(), attempt: u32::from(*attempt), by });
            }
            Happening::Down(d, certain) => {
                if ix(world, *d).is_some_and(|ix| world.fleet.is_connected(ix)) {
                    world.disconnect(&on(*d), *certain);
                }
            }
            Happening::Up(d) => {
                if ix(world, *d).is_some() {
                    world.connect(&on(*d));
                }
            }
            Happening::Drain(d, draining) => {
                if ix(world, *d).is_some() {
                    world.drain(&on(*d), *draining);
                }
            }
            Happening::Forget(d) => {
                if ix(world, *d).is_some() {
                    world.disconnect(&on(*d), true);
                    world.forget(&on(*d));
                }
            }
            Happening::Register(d) => {
                if ix(world, *d).is_none() {
                    let mut profile = device(&on(*d)).with_slots(self.slots[usize::from(*d)]);
                    profile.fenced = self.fenced[usize::from(*d)];
                    world.register(profile, true);
                }
            }
            Happening::Pause => drop(world.command(Input::Pause)),
            Happening::Resume => drop(world.command(Input::Resume)),
            Happening::CancelRun(force) => drop(world.command(Input::CancelRun { force: *force })),
            Happening::CancelTask(t) => drop(world.command(Input::CancelTask { task: task(t) })),
            Happening::SkipTask(t) => drop(world.command(Input::SkipTask { task: task(t) })),
            Happening::Reassign(t, d) => drop(world.reassign(task(t).as_str(), &on(*d))),
            Happening::Clear => drop(world.command(Input::ClearAssignments)),
            Happening::Start => drop(world.command(Input::Start)),
        }
    }
}

/// The rules that hold after every step, beside those that the driver checks with every fact.
fn check_rules(world: &World, max_parallel: Option<u32>) {
    let run = world.scheduler();
    let graph = run.graph();
    let findings = audit(graph);
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(topological_order(graph).len(), graph.len(), "no cycle");
    let live = run.live_attempts();
    assert!(max_parallel.is_none_or(|max| live.len() <= max as usize), "{live:?}");
    for device in world.fleet.devices() {
        let booked = live.iter().filter(|(_, _, on)| *on == device).count();
        assert_eq!(world.fleet.load(device).0 as usize, booked, "bookings follow the facts");
    }
    for task in graph.indices() {
        if let Some(pin) = graph.spec(task).pin()
            && let TaskState::Running { device, .. } = graph.state(task)
        {
            assert_eq!(world.fleet.id(device), pin, "pins are kept");
        }
    }
    if run.is_closed() {
        assert_eq!((run.next_deadline(), graph.counts().open(), live.len()), (None, 0, 0));
        assert_eq!(world.runs[0].closed, 1);
        let plans: u32 = world.fleet.devices().map(|device| world.fleet.load(device).1).sum();
        assert_eq!(plans, 0, "no plan outlives its run");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn scenario_i5_a_replay_gives_the_same_state(
        scene in scene(),
        happenings in prop::collection::vec(happening(), 0..40),
    ) {
        let mut world = scene.world();
        let run = world.submit(&scene.job());
        // The start may be refused for reasons that some of the scenes have.
        drop(world.command_to(run, Input::Start));
        for happening in &happenings {
            scene.apply(&mut world, happening);
            check_rules(&world, scene.max_parallel);
            world.check_replay(run);
        }
        let (facts, twin) = (&world.runs[run].facts, &mut scene.world());
        twin.submit(&scene.job());
        drop(twin.command(Input::Start));
        for happening in &happenings {
            scene.apply(twin, happening);
        }
        prop_assert_eq!(facts, &twin.runs[0].facts, "equal inputs give equal facts");
    }

    /// With devices that come back and answer, every run that nobody pauses ends.
    #[test]
    fn a_run_whose_devices_come_back_ends(
        scene in scene(),
        happenings in prop::collection::vec(happening(), 0..25),
    ) {
        let mut world = scene.world();
        world.submit(&scene.job());
        drop(world.command(Input::Start));
        let by_hand = scene.strategy == 4;
        for happening in &happenings {
            // By hand nobody plans anew what was cleared.
            let leaves_out =
                matches!(happening, Happening::Forget(_)) || matches!(happening, Happening::Clear) && by_hand;
            if !leaves_out {
                scene.apply(&mut world, happening);
            }
        }
        for device in 0..DEVICES {
            world.stops_after(&on(device), 50);
            world.drain(&on(device), false);
            world.connect(&on(device));
        }
        drop(world.command(Input::Start));
        for _ in 0..30 {
            // A run that waits for an edit resumes by itself, and would begin to wait again.
            if world.scheduler().paused() == Some(PauseCause::Operator) {
                drop(world.command(Input::Resume));
            }
            let at = world.now.0 + 300_000;
            world.run_until(at);
            for task in world.scheduler().live_attempts() {
                // What nobody will ever report is ended by hand.
                let task = world.scheduler().graph().reference(task.0);
                drop(world.command(Input::CancelTask { task: task.id().clone() }));
            }
        }
        let left: BTreeSet<String> = world
            .scheduler()
            .graph()
            .indices()
            .filter(|task| !world.scheduler().graph().state(*task).is_terminal())
            .map(|task| world.scheduler().graph().id(task).to_string())
            .collect();
        prop_assert!(world.scheduler().is_closed(), "{:?} {:?}", world.state(), left);
    }
}
