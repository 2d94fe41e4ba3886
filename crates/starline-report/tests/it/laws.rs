//! What holds for any run: simulated ones, with devices that fail, die and come back.

use std::sync::Arc;

use proptest::prelude::*;
use starline_report::{History, to_chrome_trace, to_html, to_markdown};
use starline_scheduler::{Limits, Plan};
use starline_sim::{Action, Sim, Simulation, Strategist, Work, simulate};
use starline_types::{
    DependencyKind, DeviceId, DeviceProfile, Envelope, ErrorKind, Estimate, GraphSpec, Jitter, Millis,
    OutcomeStatus, RetryPolicy, RunId, RunSettings, RunState, Statistics, Timestamp,
};

use crate::records::{graph, task};

#[derive(Clone, Debug)]
struct World {
    tasks: Vec<(u64, u8, u8)>,
    edges: Vec<(usize, usize, u8)>,
    slots: Vec<u32>,
    happenings: Vec<(u64, u8, usize)>,
}

fn world() -> impl Strategy<Value = World> {
    let tasks = prop::collection::vec((0..3000_u64, 0..8_u8, 0..3_u8), 1..14);
    let edges = prop::collection::vec((0..14_usize, 0..14_usize, 0..6_u8), 0..24);
    let slots = prop::collection::vec(1..4_u32, 1..4);
    let happenings = prop::collection::vec((0..9000_u64, 0..8_u8, 0..14_usize), 0..8);
    (tasks, edges, slots, happenings).prop_map(|(tasks, edges, slots, happenings)| World {
        tasks,
        edges,
        slots,
        happenings,
    })
}

fn name(at: usize) -> String {
    format!("t{at}")
}

fn spec(world: &World) -> GraphSpec {
    let retry = |max| RetryPolicy { max, base: Millis(300), jitter: Jitter::None, ..RetryPolicy::DEFAULT };
    let tasks = world.tasks.iter().enumerate().map(|(at, (_, _, max))| {
        let mut task = task(&name(at));
        task.retry = Some(Arc::new(retry(u32::from(*max))));
        task.idempotent = at % 2 == 0;
        task
    });
    let count = world.tasks.len();
    let names: Vec<String> = (0..count).map(name).collect();
    let mut edges: Vec<(&str, &str, DependencyKind)> = Vec::new();
    for (a, b, kind) in &world.edges {
        let (a, b) = (a % count, b % count);
        let known = |edge: &(&str, &str, DependencyKind)| {
            (edge.0, edge.1) == (names[a.min(b)].as_str(), names[a.max(b)].as_str())
        };
        if a == b || edges.iter().any(known) {
            continue;
        }
        let kind = match kind {
            0 => DependencyKind::Failure,
            1 => DependencyKind::Completion,
            2 => DependencyKind::When(Arc::from("status == 'completed'")),
            _ => DependencyKind::Success,
        };
        edges.push((&names[a.min(b)], &names[a.max(b)], kind));
    }
    graph(tasks.collect(), &edges)
}

/// Plays a world; what the run recorded, and what its scheduler says of it.
fn play(world: &World) -> (Vec<Envelope>, Option<RunState>, Statistics) {
    let mut sim = Sim::new();
    for (at, slots) in world.slots.iter().enumerate() {
        let id = DeviceId::new(format!("d{at}")).expect("id");
        sim.device(DeviceProfile::new(id, "process").with_slots(*slots));
    }
    let settings =
        RunSettings { stall_after: Millis(5000), deadline: Some(Millis(60_000)), ..RunSettings::default() };
    let plan = Plan {
        graph: Arc::new(spec(world)),
        settings: Arc::new(settings),
        assignments: Vec::new(),
        limits: Limits::default(),
    };
    let run = sim.submit(RunId::new("r").expect("id"), plan, Strategist::LoadBalance).expect("no faults");
    for (at, (takes, fate, _)) in world.tasks.iter().enumerate() {
        let work = Work::lasting(Millis(*takes));
        let failing = |kind| work.clone().failing(kind);
        let works = match fate {
            0 => vec![failing(ErrorKind::ExitStatus), work.clone()],
            1 => vec![failing(ErrorKind::BadOutput)],
            2 => vec![failing(ErrorKind::DeviceError); 4],
            3 => vec![Work { refused: true, ..work.clone() }, work.clone()],
            _ => vec![work.clone()],
        };
        sim.tell(run, &name(at), works);
    }
    sim.at(Timestamp(0), Action::Start(run));
    for (at, what, who) in &world.happenings {
        let (device, task) = (who % world.slots.len(), name(who % world.tasks.len()));
        let action = match what {
            0 => Action::Kill { device, certain: true },
            1 => Action::Cut { device },
            2 | 3 => Action::Return { device },
            4 => Action::Pause(run),
            5 => Action::Resume(run),
            6 => Action::CancelTask { run, task },
            _ => Action::SkipTask { run, task },
        };
        sim.at(Timestamp(*at), action);
    }
    sim.run_until(Timestamp(120_000));
    let state = sim.outcome(run).map(|outcome| outcome.status);
    (sim.journal(run).to_vec(), state, sim.statistics(run).expect("a run"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// A history says what the scheduler says, and every report of it holds together.
    #[test]
    fn reports_agree_with_the_run(world in world(), cut in 0.0..1.0_f64) {
        let (records, state, statistics) = play(&world);
        let history = History::read(&records).expect("what a scheduler records fits");
        if let Some(state) = state {
            prop_assert_eq!(history.state(), state);
            prop_assert_eq!(history.end().expect("an end").counts, history.graph().counts());
            prop_assert_eq!(history.statistics(), statistics);
        }
        for count in [records.len(), 1 + (cut * (records.len() - 1) as f64) as usize] {
            let history = History::read(&records[..count]).expect("a beginning fits");
            holds_together(&history);
        }
    }
}

fn holds_together(history: &History) {
    let attempts: usize = history.tasks().iter().map(|task| task.attempts.len()).sum();
    let summary = history.summary();
    assert_eq!(summary.attempts as usize, attempts);
    let path = history.critical_path();
    if let Some(last) = path.last().filter(|_| history.started().is_some()) {
        let total: u64 = path.iter().map(|step| step.wait.0 + step.run.0 + step.between.0).sum();
        assert_eq!(total, last.finished_at.since(history.origin()).0, "{path:?}");
    }
    // Lanes: no two attempts of a lane overlap.
    let mut taken: Vec<_> = history
        .tasks()
        .iter()
        .flat_map(|task| &task.attempts)
        .map(|attempt| {
            (
                &attempt.device,
                attempt.lane,
                attempt.assigned_at,
                attempt.ended_at.unwrap_or_else(|| history.until()),
            )
        })
        .collect();
    taken.sort();
    for pair in taken.windows(2) {
        if let [(device, lane, _, end), (next, other, begin, _)] = pair {
            assert!((device, lane) != (next, other) || begin >= end, "two attempts in one lane");
        }
    }
    for device in history.device_use() {
        assert!((0.0..=1.0 + 1e-9).contains(&device.utilisation), "{device:?}");
    }
    let page = to_html(history);
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    let document = roxmltree::Document::parse_with_options(&page, options).expect("well-formed");
    let bars = document.descendants().filter_map(|node| node.attribute("data-attempts"));
    assert_eq!(bars.map(|count| count.parse::<usize>().expect("a number")).sum::<usize>(), attempts);
    let text = to_markdown(history);
    for task in history.tasks().iter().filter(|task| task.status == Some(OutcomeStatus::Failed)) {
        assert!(page.contains(&format!("<h3><span class=\"id\">{}</span>", task.id())));
        assert!(text.contains(&format!("### `{}`", task.id())));
    }
    let trace: serde_json::Value = serde_json::from_str(&to_chrome_trace(history)).expect("json");
    let events = trace["traceEvents"].as_array().expect("events");
    let phase = |wanted: &str| events.iter().filter(|event| event["ph"] == wanted).count();
    assert_eq!((phase("X"), phase("s")), (attempts, phase("f")));
}

#[test]
fn reports_of_long_runs_stay_readable() {
    let tasks = (0..6000_u64).map(|at| {
        let mut task = task(&format!("t{at}"));
        let duration = Some(Millis(at * 7919 % 500));
        task.estimate = Some(Arc::new(Estimate { duration, ..Estimate::default() }));
        task
    });
    let devices = (0..40).map(|at| DeviceProfile::new(DeviceId::new(format!("d{at}")).expect("id"), "x"));
    let devices: Vec<DeviceProfile> = devices.map(|device| device.with_slots(4)).collect();
    let mut records: Vec<Envelope> = Vec::new();
    simulate(Simulation {
        run_id: RunId::new("r").expect("id"),
        graph: Arc::new(graph(tasks.collect(), &[])),
        settings: Arc::new(RunSettings::default()),
        strategy: None,
        assignments: Vec::new(),
        devices,
        seed: 1,
        time_scale: 1.0,
        observer: &mut |record: &Envelope| records.push(record.clone()),
    })
    .expect("a run");
    let history = History::read(&records).expect("what a scheduler records fits");
    let page = to_html(&history);
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    let document = roxmltree::Document::parse_with_options(&page, options).expect("well-formed");
    let bars = document.descendants().filter_map(|node| node.attribute("data-attempts"));
    let bars: Vec<usize> = bars.map(|count| count.parse().expect("a number")).collect();
    assert!(bars.len() <= 3000 && bars.len() > 300, "{} bars", bars.len());
    // Of 160 lanes 120 have a row, and the page says so.
    assert!(page.contains("40 lanes with ") && bars.iter().sum::<usize>() > 4000);
    assert!(page.contains("Not listed: 4000 tasks more."));
    // Simulated times are on no calendar.
    assert!(!page.contains("1970-") && page.len() < 4_000_000, "{} bytes", page.len());
    assert!(to_markdown(&history).len() < 200_000);
}
