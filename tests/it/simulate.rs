//! Runs in virtual time without devices.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_graph::heaviest_path;
use starline_sim::{SimulatedRun, Simulation, SimulationError, simulate};
use starline_types::{
    Dependency, DependencyKind, DeviceProfile, DeviceSelector, Envelope, Estimate, Event, GraphSpec, Millis,
    OutputSource, OutputSpec, OutputType, Payload, Reading, Resources, RunId, RunSettings, RunState, Shell,
    TaskSpec,
};

use crate::scene::{built, device, edge, graph, task, task_id};

fn request(graph: GraphSpec, observer: &mut dyn FnMut(&Envelope)) -> Simulation<'_> {
    Simulation {
        run_id: RunId::new("simulated").expect("id"),
        graph: Arc::new(graph),
        settings: Arc::new(RunSettings::default()),
        strategy: None,
        assignments: Vec::new(),
        devices: Vec::new(),
        seed: 0,
        time_scale: 1.0,
        observer,
    }
}

fn run(graph: GraphSpec) -> SimulatedRun {
    simulate(request(graph, &mut |_| {})).expect("the graph is valid")
}

fn lasting(id: &str, ms: u64) -> TaskSpec {
    let estimate = Estimate { duration: Some(Millis(ms)), ..Estimate::default() };
    TaskSpec { estimate: Some(Arc::new(estimate)), ..task(id) }
}

/// A graph of layers, each task behind up to three of the layer before it, with durations from 0 to 9.999 s.
fn layered(layers: usize, width: usize) -> GraphSpec {
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let name = |layer: usize, at: usize| format!("l{layer}-{at}");
    let (mut tasks, mut dependencies) = (Vec::new(), Vec::new());
    for layer in 0..layers {
        for at in 0..width {
            tasks.push(Arc::new(lasting(&name(layer, at), draw(10_000))));
            let mut sources: Vec<usize> = (0..draw(4)).map(|_| draw(width as u64) as usize).collect();
            sources.sort_unstable();
            sources.dedup();
            for from in sources.into_iter().filter(|_| layer > 0) {
                dependencies.push(edge(&name(layer - 1, from), &name(layer, at)));
            }
        }
    }
    GraphSpec { name: "layers".into(), tasks, dependencies, ..GraphSpec::default() }
}

#[test]
fn the_makespan_of_unlimited_room_is_the_critical_path() {
    for (layers, width) in [(1, 1), (3, 4), (40, 25), (200, 50)] {
        let spec = layered(layers, width);
        let durations: BTreeMap<_, _> = spec
            .tasks
            .iter()
            .map(|task| (task.id.clone(), task.estimate.as_ref().and_then(|found| found.duration)))
            .collect();
        let graph = built(spec.clone());
        let (length, _) = heaviest_path(&graph, |task| durations[graph.id(task)].unwrap_or_default());
        let simulated = run(spec);
        assert_eq!(simulated.outcome.duration_ms, length, "{layers} x {width}");
        assert_eq!(simulated.outcome.counts.completed as usize, layers * width);
    }
}

#[test]
fn times_are_scaled_and_rounded_to_a_millisecond() {
    let mut spec = graph(&[], &["a>b"]);
    spec.tasks = vec![Arc::new(lasting("a", 1001)), Arc::new(lasting("b", 3))];
    for (scale, wanted) in [(1.0, 1004), (0.5, 501 + 2), (0.0, 0), (2.5, 2503 + 8)] {
        let scaled = simulate(Simulation { time_scale: scale, ..request(spec.clone(), &mut |_| {}) });
        assert_eq!(scaled.expect("valid").outcome.duration_ms, Millis(wanted), "scale {scale}");
    }
    for scale in [-1.0, f64::NAN, f64::INFINITY] {
        let fault = simulate(Simulation { time_scale: scale, ..request(spec.clone(), &mut |_| {}) });
        assert!(matches!(fault, Err(SimulationError::TimeScale(_))), "scale {scale}");
    }
}

#[test]
fn a_sleep_takes_its_time_and_anything_else_none() {
    let sleep = TaskSpec::new(task_id("sleep"), Payload::Sleep(Millis(70)));
    let spec = GraphSpec { tasks: vec![Arc::new(sleep), Arc::new(task("noop"))], ..GraphSpec::default() };
    assert_eq!(run(spec).outcome.duration_ms, Millis(70));
}

#[test]
fn the_device_that_stands_for_all_meets_every_requirement() {
    let demanding = DeviceSelector {
        on: Some(device("somewhere").id),
        os: Some("plan9".into()),
        needs: vec!["excel".into()],
        resources: Resources([("memory".to_owned(), u64::MAX)].into()),
        prefer: None,
    };
    let script = "echo {{ tasks.first.outputs.n }}".to_owned();
    let mut second = lasting("second", 5);
    second.device = Some(Arc::new(demanding));
    second.run = Payload::Sh(Arc::new(Shell { script, ..Shell::default() }));
    let mut first = lasting("first", 2_000_000);
    let from = OutputSource::Pointer("/n".into());
    first.outputs.insert("n".into(), OutputSpec { from, kind: OutputType::Integer });
    let spec = GraphSpec {
        tasks: vec![Arc::new(first), Arc::new(second)],
        dependencies: vec![edge("first", "second")],
        ..GraphSpec::default()
    };
    let assignments = vec![(task_id("first"), device("elsewhere").id)];
    let simulated = simulate(Simulation { assignments, ..request(spec, &mut |_| {}) }).expect("it runs");
    let outcome = simulated.outcome;
    assert_eq!((outcome.status, outcome.duration_ms), (RunState::Completed, Millis(2_000_005)));
    let result = &outcome.results[&task_id("second")];
    assert_eq!(result.device.as_ref().map(ToString::to_string).as_deref(), Some("simulated"));
    assert_eq!((result.started_at, result.finished_at), (Some(2_000_000), Some(2_000_005)));
}

#[test]
fn given_devices_keep_their_slots_and_requirements() {
    let spec = GraphSpec {
        tasks: (0..6).map(|n| Arc::new(lasting(&format!("t{n}"), 100))).collect(),
        ..GraphSpec::default()
    };
    let devices = |slots| vec![device("d1").with_slots(slots), device("d2")];
    let on = |devices: Vec<DeviceProfile>| {
        simulate(Simulation { devices, ..request(spec.clone(), &mut |_| {}) }).expect("it runs")
    };
    assert_eq!(on(devices(1)).outcome.duration_ms, Millis(300));
    assert_eq!(on(devices(2)).outcome.duration_ms, Millis(200));
    let mut picky = spec.clone();
    Arc::make_mut(&mut picky.tasks[0]).device =
        Some(Arc::new(DeviceSelector { needs: vec!["excel".into()], ..DeviceSelector::default() }));
    let fault = simulate(Simulation { devices: devices(1), ..request(picky, &mut |_| {}) });
    assert!(matches!(fault, Err(SimulationError::Refused(_))), "{fault:?}");
}

#[test]
fn faults_of_the_graph_are_reported() {
    let cycle = graph(&["a", "b"], &["a>b", "b>a"]);
    assert!(matches!(simulate(request(cycle, &mut |_| {})), Err(SimulationError::Rejected(_))));
    // Even in what a simulation leaves out.
    let mut stray = task("a");
    let script = "echo {{ tasks.b.outputs.n }}".to_owned();
    stray.run = Payload::Sh(Arc::new(Shell { script, ..Shell::default() }));
    let stray = GraphSpec { tasks: vec![Arc::new(stray), Arc::new(task("b"))], ..GraphSpec::default() };
    assert!(matches!(simulate(request(stray, &mut |_| {})), Err(SimulationError::Rejected(_))));
}

#[test]
fn the_observer_sees_every_fact_in_order() {
    let mut seen = Vec::new();
    let mut observer = |envelope: &Envelope| seen.push(envelope.clone());
    let simulated = simulate(request(graph(&["a", "b"], &["a>b"]), &mut observer)).expect("it runs");
    let numbers: Vec<u64> = seen.iter().map(|envelope| envelope.seq.0).collect();
    assert_eq!(numbers, (1..=simulated.records.0).collect::<Vec<_>>());
    assert!(matches!(seen.first().map(|first| &first.event), Some(Event::RunCreated { .. })));
    assert!(matches!(seen.last().map(|last| &last.event), Some(Event::RunCompleted(_))));
}

#[test]
fn conditions_decide_and_a_deadline_cancels() {
    let mut spec = graph(&["a", "b", "c"], &[]);
    let when = |text: &str| DependencyKind::When(text.into());
    spec.dependencies = vec![
        Dependency::success(task_id("a"), task_id("b")).with_kind(when(r#"status == "completed""#)),
        Dependency::success(task_id("a"), task_id("c")).with_kind(when("outputs.n > 1")),
    ];
    let outcome = run(spec).outcome;
    assert_eq!(outcome.results[&task_id("b")].status, Reading::Completed);
    assert_eq!(outcome.results[&task_id("c")].status, Reading::Skipped);

    let spec = GraphSpec { tasks: vec![Arc::new(lasting("long", 10_000))], ..GraphSpec::default() };
    let settings = Arc::new(RunSettings { deadline: Some(Millis(4_000)), ..RunSettings::default() });
    let simulated = simulate(Simulation { settings, ..request(spec, &mut |_| {}) }).expect("it ends");
    assert_eq!(
        (simulated.outcome.status, simulated.outcome.duration_ms),
        (RunState::Cancelled, Millis(4_000))
    );
}

#[test]
fn equal_requests_give_equal_facts() {
    let facts = || {
        let mut text = String::new();
        let mut observer =
            |envelope: &Envelope| text.push_str(&serde_json::to_string(envelope).expect("json"));
        simulate(request(layered(20, 10), &mut observer)).expect("it runs");
        text
    };
    assert_eq!(facts(), facts());
}

#[test]
fn deep_chains_and_wide_graphs_are_no_trouble() {
    const DEEP: usize = 100_000;
    let name = |n: usize| format!("t{n}");
    let chain = GraphSpec {
        tasks: (0..DEEP).map(|n| Arc::new(task(&name(n)))).collect(),
        dependencies: (1..DEEP).map(|n| edge(&name(n - 1), &name(n))).collect(),
        ..GraphSpec::default()
    };
    let outcome = run(chain).outcome;
    assert_eq!((outcome.counts.completed as usize, outcome.duration_ms), (DEEP, Millis::ZERO));
    let wide = GraphSpec {
        tasks: (0..200_000).map(|n| Arc::new(lasting(&name(n), 10 + n as u64 % 7))).collect(),
        ..GraphSpec::default()
    };
    assert_eq!(run(wide).outcome.duration_ms, Millis(16));
}
