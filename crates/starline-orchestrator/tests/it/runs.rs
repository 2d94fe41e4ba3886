//! Runs: results, isolation, cancel, pause, shutdown.

use std::time::Duration;

use serde_json::json;
use starline_event::EventFilter;
use starline_journal::{Journal as _, MemoryJournal};
use starline_orchestrator::{Refusal, RunError, RunOptions, SubmitError};
use starline_scheduler::{Fleet, Scheduler};
use starline_types::{Dependency, DependencyKind, Event, Reading, RunId, RunState};

use crate::support::{call, device, graph, noop, task_id, with_devices, with_journal};

#[tokio::test(start_paused = true)]
async fn scenario_o2_results_are_filled() {
    let setup = with_devices(&["d1"]).await;
    let tasks = vec![call("a", "echo", json!({"n": 1})), call("b", "fail", "broken"), noop("c")];
    let run = setup.run(graph(tasks, &[("b", "c")])).await;
    let outcome = run.outcome().await.expect("outcome");
    assert_eq!((outcome.status, outcome.total_tasks), (RunState::PartiallyFailed, 3));
    let status = |name: &str| outcome.results[&task_id(name)].status;
    assert_eq!(
        (status("a"), status("b"), status("c")),
        (Reading::Completed, Reading::Failed, Reading::Skipped)
    );
    assert_eq!(outcome.results[&task_id("a")].result, json!({"n": 1}));
    let counts = &outcome.statistics.task_status_counts;
    assert_eq!((counts["completed"], counts["failed"], counts["skipped"]), (1, 1, 1));
    assert!(outcome.started_at.is_some_and(|at| at > 1_600_000_000_000), "times are epoch milliseconds");
}

#[tokio::test(start_paused = true)]
async fn scenario_o7_runs_do_not_see_each_other() {
    let setup = with_devices(&["d1", "d2"]).await;
    let first = setup.submit(graph(vec![noop("a")], &[])).await;
    let second = setup.submit(graph(vec![noop("a"), noop("b")], &[("a", "b")])).await;
    let mut events = setup.bus.subscribe(EventFilter::all().run(second.id().clone()));
    first.start().await.expect("started");
    second.start().await.expect("started");
    assert_eq!(first.outcome().await.expect("outcome").total_tasks, 1);
    assert_eq!(second.outcome().await.expect("outcome").total_tasks, 2);
    loop {
        let event = events.next().await.expect("open").expect("no gap");
        assert_eq!(event.run_id, *second.id());
        if event.event.run_end().is_some() {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_ends_when_its_attempts_have() {
    let setup = with_devices(&["d1", "d2"]).await;
    let run = setup.run(graph(vec![call("a", "hang", 0), noop("b"), noop("c")], &[("a", "b")])).await;
    let mut events = setup.bus.subscribe(EventFilter::all().run(run.id().clone()));
    run.cancel(true).await.expect("accepted");
    run.cancel(true)
        .await
        .or_else(|error| match error {
            RunError::Refused(Refusal::RunTerminal(_)) => Ok(()),
            other => Err(other),
        })
        .expect("idempotent while it ends");
    let outcome = run.outcome().await.expect("outcome");
    assert_eq!(outcome.status, RunState::Cancelled);
    assert_eq!(outcome.results[&task_id("a")].status, Reading::Cancelled);
    assert_eq!(run.cancel(false).await, Err(RunError::Refused(Refusal::RunTerminal(RunState::Cancelled))));
    let mut confirmed = false;
    while let Some(Ok(event)) = events.try_next() {
        if let Event::TaskCancelled { task, confirmed: sure, .. } = &event.event
            && task.id() == &task_id("a")
        {
            confirmed = *sure;
        }
    }
    assert!(confirmed, "the device said that the attempt has stopped");
}

#[tokio::test(start_paused = true)]
async fn a_request_to_stop_does_not_wait_for_a_runner_that_has_nothing_in_hand() {
    let setup = with_devices(&["d1", "d2"]).await;
    let run = setup.run(graph(vec![call("a", "hang", 0), noop("b")], &[])).await;
    while run.status().counts.completed == 0 {
        tokio::task::yield_now().await;
    }
    // The runner has heard of the end of b, and there is nothing left to run.
    let begin = tokio::time::Instant::now();
    run.cancel(true).await.expect("accepted");
    assert_eq!(run.outcome().await.expect("outcome").status, RunState::Cancelled);
    assert!(begin.elapsed() < Duration::from_secs(1), "the device was asked {:?} later", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_too_long_is_stopped_and_retried() {
    let setup = with_devices(&["d1"]).await;
    let mut slow = call("slow", "hang", 0);
    slow.run_timeout = Some(starline_types::Millis(50));
    slow.retry = Some(std::sync::Arc::new(starline_types::RetryPolicy { max: 1, ..Default::default() }));
    let run = setup.run(graph(vec![slow], &[])).await;
    let outcome = run.outcome().await.expect("outcome");
    let result = &outcome.results[&task_id("slow")];
    assert_eq!((result.status, result.attempts), (Reading::Failed, 2));
    assert_eq!(result.error.as_ref().expect("error").kind, starline_types::ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn pausing_starts_nothing_and_loses_nothing() {
    let setup = with_devices(&["d1"]).await;
    let run = setup.run(graph(vec![call("a", "sleep", 100), noop("b")], &[("a", "b")])).await;
    let mut events = setup.bus.subscribe(EventFilter::all().run(run.id().clone()));
    run.pause().await.expect("paused");
    loop {
        let event = events.next().await.expect("open").expect("no gap");
        assert!(!matches!(event.event, Event::TaskAssigned { .. }), "nothing starts while paused");
        if matches!(event.event, Event::TaskCompleted { .. }) {
            break;
        }
    }
    assert_eq!((run.status().state, run.status().counts.completed), (RunState::Paused, 1));
    run.resume().await.expect("resumed");
    assert_eq!(run.outcome().await.expect("outcome").status, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_graph_with_faults_is_refused_with_all_of_them() {
    let setup = with_devices(&["d1"]).await;
    let mut spec = graph(vec![noop("a"), noop("b"), noop("a")], &[("a", "b"), ("b", "a"), ("a", "zz")]);
    spec.dependencies.push(
        Dependency::success(task_id("a"), task_id("b")).with_kind(DependencyKind::When("status ==".into())),
    );
    let refused = setup.orchestrator.submit(spec, RunOptions::default()).await;
    let Err(SubmitError::Rejected(rejection)) = refused else { panic!("accepted") };
    let codes: Vec<&str> = rejection.faults.iter().map(|fault| fault.code.as_str()).collect();
    // Nothing would be in force of it, and yet its cycle is told at once.
    assert_eq!(codes, ["duplicate_task", "unknown_task", "invalid_condition", "would_cycle"]);
    let circle = graph(vec![noop("a"), noop("b")], &[("a", "b"), ("b", "a")]);
    let refused = setup.orchestrator.submit(circle, RunOptions::default()).await;
    let Err(SubmitError::Rejected(rejection)) = refused else { panic!("accepted") };
    assert_eq!(rejection.faults[0].code.as_str(), "would_cycle");
    assert_eq!(setup.orchestrator.runs(), []);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_leaves_no_task() {
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    let setup = with_devices(&["d1", "d2"]).await;
    let run = setup.run(graph(vec![call("a", "hang", 0), call("b", "sleep", 20)], &[])).await;
    setup.orchestrator.shut_down(Duration::from_millis(50)).await;
    assert_eq!(run.start().await, Err(RunError::ShutDown));
    assert_eq!(run.outcome().await, Err(RunError::ShutDown));
    drop(setup.bus);
    assert_eq!(alive(), before, "every task of the orchestrator is gone");
}

#[tokio::test(start_paused = true)]
async fn dropping_every_handle_ends_the_orchestrator() {
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    let setup = with_devices(&["d1"]).await;
    let run = setup.run(graph(vec![call("a", "hang", 0)], &[])).await;
    drop((setup, run));
    while alive() > before {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn many_runs_share_a_fleet_and_a_replay_gives_each_of_them() {
    let journal = std::sync::Arc::new(MemoryJournal::new());
    let setup = with_journal(std::sync::Arc::clone(&journal) as _);
    for name in ["d1", "d2", "d3"] {
        setup.orchestrator.fleet().connect(device(name, 4)).await.expect("connected");
    }
    let mut runs = Vec::new();
    for n in 0..50 {
        let names: Vec<String> = (0..20).map(|task| format!("t{task}")).collect();
        let tasks =
            names.iter().map(|name| call(name, if n % 7 == 3 { "fail" } else { "echo" }, n)).collect();
        let edges: Vec<(&str, &str)> = names
            .windows(2)
            .filter(|_| n % 2 == 0)
            .map(|pair| (pair[0].as_str(), pair[1].as_str()))
            .collect();
        let id = RunId::new(format!("run-{n}")).expect("id");
        let options = RunOptions { id: Some(id), ..RunOptions::default() };
        let run = setup.orchestrator.submit(graph(tasks, &edges), options).await.expect("accepted");
        run.start().await.expect("started");
        runs.push(run);
    }
    for run in &runs {
        let outcome = run.outcome().await.expect("outcome");
        assert_eq!(outcome.results.len(), 20);
        let records = journal.read(run.id(), None, usize::MAX).await.expect("records");
        let strategy = starline_strategies::by_name("load_balance").expect("known");
        let records: Vec<_> = records.iter().map(|record| (**record).clone()).collect();
        let replayed =
            Scheduler::recover(run.id().clone(), Some(strategy), &mut Fleet::new(), &records).expect("dense");
        assert_eq!((replayed.run_state(), replayed.status().counts), (outcome.status, outcome.counts));
    }
    assert_eq!(setup.orchestrator.runs().len(), 50);
}
