//! When a task may start, and when it never will.

use std::sync::Arc;

use starline_edit::Code;
use starline_graph::Effect;
use starline_sim::{Action, Sim, Strategist, Work};
use starline_types::{
    Dependency, DependencyKind, DeviceIx, Envelope, GraphSpec, Judgement, Millis, OutcomeStatus,
    OutputSource, OutputSpec, OutputType, Payload, Reading, Shell, SkipReason, TaskReport, Timestamp, Value,
    Verdict,
};

use crate::scene::{add_edge, built, commit, device, edge, graph, kinds, plan, task, task_id, world};

crate::scenarios! {
    scenario_r10_condition_that_is_no_truth_value => "r10_condition_that_is_no_truth_value",
    scenario_r11_outputs_reach_payloads => "r11_outputs_reach_payloads",
    scenario_r11_payload_that_cannot_be_rendered => "r11_payload_that_cannot_be_rendered",
    scenario_r1_failed_source_skips_its_target => "r1_failed_source_skips_its_target",
    scenario_r2_partial_failure_ends_without_timers => "r2_partial_failure_ends_without_timers",
    scenario_r3_completion_follows_a_skip => "r3_completion_follows_a_skip",
    scenario_r3_completion_follows_any_end => "r3_completion_follows_any_end",
    scenario_r4_failure_edge_of_a_completed_task => "r4_failure_edge_of_a_completed_task",
    scenario_r4_failure_edge_waits_for_the_last_retry => "r4_failure_edge_waits_for_the_last_retry",
    scenario_r5_condition_error_names_the_output => "r5_condition_error_names_the_output",
    scenario_r5_condition_error_survives_a_pause => "r5_condition_error_survives_a_pause",
    scenario_r5_condition_false => "r5_condition_false",
    scenario_r5_condition_true => "r5_condition_true",
    scenario_r7_skips_in_topological_order => "r7_skips_in_topological_order",
    scenario_r7_skips_spread_at_once => "r7_skips_spread_at_once",
    scenario_r8_all_edges_are_waited_for => "r8_all_edges_are_waited_for",
}

/// R5 with a result: how B reads in the end, and why it was skipped.
fn coverage(spec: GraphSpec, result: Value) -> (Reading, Option<SkipReason>) {
    let mut sim = world(vec![device("laptop")], plan(spec), Strategist::RoundRobin);
    let work = Work::lasting(Millis(1000)).reporting(TaskReport::completed(result));
    sim.tell(0, "A", vec![work]);
    sim.at(Timestamp(0), Action::Start(0));
    sim.run_to_end();
    let outcome = sim.outcome(0).expect("the run has ended");
    let b = &outcome.results[&task_id("B")];
    (b.status, b.skip_reason)
}

#[test]
fn scenario_r6_conditions_survive_export_and_load() {
    let mut spec = graph(&["A", "B"], &[]);
    let mut first = task("A");
    let from = OutputSource::Pointer("/coverage".into());
    first.outputs.insert("coverage".into(), OutputSpec { from, kind: OutputType::Integer });
    spec.tasks[0] = Arc::new(first);
    let when = DependencyKind::When("outputs.coverage > 80".into());
    spec.dependencies.push(edge("A", "B").with_kind(when));
    let text = serde_json::to_string(&spec).expect("a graph is JSON");
    let loaded: GraphSpec = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(loaded, spec);
    for (coverage_is, wanted) in
        [(85, (Reading::Completed, None)), (70, (Reading::Skipped, Some(SkipReason::ConditionFalse)))]
    {
        let result = serde_json::json!({ "coverage": coverage_is });
        assert_eq!(coverage(loaded.clone(), result.clone()), wanted);
        assert_eq!(coverage(spec.clone(), result), wanted);
    }
    // Without the output the attempt itself is at fault: it was declared.
    assert_eq!(
        coverage(loaded, serde_json::json!({})),
        (Reading::Skipped, Some(SkipReason::ConditionError)),
        "the condition reads an output of a failed task"
    );
}

#[test]
fn scenario_r9_readiness_is_the_same_after_saving_and_loading() {
    let ends =
        [OutcomeStatus::Completed, OutcomeStatus::Failed, OutcomeStatus::Cancelled, OutcomeStatus::Skipped];
    for kind in kinds() {
        for end in ends {
            let mut sim = ended(kind.clone(), end);
            let before = sim.reading(0, "B");
            let journal: Vec<Envelope> = sim.journal(0).to_vec();
            let text = serde_json::to_string(&journal).expect("facts are JSON");
            let read: Vec<Envelope> = serde_json::from_str(&text).expect("what was written can be read");
            assert_eq!(read, journal);
            let mut fleet = starline_scheduler::Fleet::new();
            let laptop = fleet.register(device("laptop"));
            fleet.set_connected(laptop, true);
            let made = Strategist::RoundRobin.make();
            let run = starline_types::RunId::new("run").expect("id");
            let loaded = starline_scheduler::Scheduler::recover(run, made, &mut fleet, &read)
                .expect("a whole journal");
            let b = loaded.graph().find("B").expect("it is there");
            let after = loaded.reading(b, Timestamp(5_000), &mut fleet);
            assert_eq!(before, Some(after), "{kind} after {end}");
        }
    }
}

/// A run, paused, in which A has ended in some way and B waits for it by an edge of a kind.
fn ended(kind: DependencyKind, end: OutcomeStatus) -> Sim {
    let mut spec = graph(&["A", "B"], &[]);
    spec.dependencies.push(edge("A", "B").with_kind(kind));
    let mut sim = world(vec![device("laptop")], plan(spec), Strategist::RoundRobin);
    let work = Work::lasting(Millis(1000));
    let work = if end == OutcomeStatus::Failed {
        work.failing(starline_types::ErrorKind::DeviceError)
    } else {
        work
    };
    sim.tell(0, "A", vec![work]);
    match end {
        OutcomeStatus::Completed | OutcomeStatus::Failed => sim.at(Timestamp(0), Action::Start(0)),
        OutcomeStatus::Cancelled | OutcomeStatus::Skipped => {
            sim.at(Timestamp(0), Action::Start(0));
            sim.at(Timestamp(0), Action::Pause(0));
        }
    }
    let command = match end {
        OutcomeStatus::Cancelled => Action::CancelTask { run: 0, task: "A".into() },
        OutcomeStatus::Skipped => Action::SkipTask { run: 0, task: "A".into() },
        OutcomeStatus::Completed | OutcomeStatus::Failed => Action::Pause(0),
    };
    sim.at(Timestamp(500), command);
    sim.run_until(Timestamp(5_000));
    sim
}

#[test]
fn scenario_r10_a_condition_that_is_no_expression_is_refused() {
    let mut graph = built(graph(&["A", "B"], &[]));
    let kind = DependencyKind::When("outputs.x >".into());
    let edit = starline_types::Edit::AddDependency(edge("A", "B").with_kind(kind));
    let rejection = commit(&mut graph, vec![edit]).expect_err("no expression");
    assert_eq!(rejection.faults[0].code, Code::InvalidCondition);
}

#[test]
fn scenario_r11_a_reference_needs_its_task_upstream() {
    let mut spec = graph(&["A", "B"], &[]);
    let mut second = task("B");
    let script = "echo {{ tasks.A.outputs.n }}".to_owned();
    second.run = Payload::Sh(Arc::new(Shell { script, ..Shell::default() }));
    spec.tasks[1] = Arc::new(second);
    let edits = vec![starline_types::Edit::Build { graph: Arc::new(spec.clone()), clear_existing: true }];
    let rejection =
        commit(&mut starline_edit::TaskGraph::default(), edits.clone()).expect_err("not upstream");
    assert_eq!(
        (rejection.faults[0].code, rejection.faults[0].item.as_str()),
        (Code::ReferenceNotUpstream, "B")
    );
    let with_edge = [edits, vec![add_edge("A", "B")]].concat();
    commit(&mut starline_edit::TaskGraph::default(), with_edge).expect("upstream now");
}

#[test]
fn parallel_edges_count_each() {
    let mut spec = graph(&["A", "B"], &["A>B"]);
    let id = Some(starline_types::DependencyId::new("second").expect("id"));
    spec.dependencies.push(Dependency { id, ..edge("A", "B").with_kind(DependencyKind::Failure) });
    let mut graph = built(spec);
    let (a, b) = (graph.find("A").expect("A"), graph.find("B").expect("B"));
    graph.start(a, 1, DeviceIx(0), Timestamp(0));
    let mut effects = Vec::new();
    let none: [Judgement; 0] = [];
    graph.end(a, OutcomeStatus::Completed, Timestamp(1), &none, |task, effect| effects.push((task, effect)));
    assert_eq!(effects, [(b, Effect::Blocked)], "one of the two edges is impossible");
    assert_eq!(graph.waits(b).impossible, 1);
    assert!(graph.incoming(b).any(|edge| edge.verdict() == Some(Verdict::Satisfied)));
}
