//! The manager's functions.

use starline_orchestrator::{Refusal, RunError, RunOptions, StrategyChoice, SubmitError};
use starline_types::{DeviceSelector, RunId, RunSettings};

use crate::support::{call, device_id, graph, noop, task_id, with_devices};

#[tokio::test(start_paused = true)]
async fn scenario_o1_a_run_needs_devices_and_a_way_to_choose() {
    let setup = with_devices(&[]).await;
    let run = setup.submit(graph(vec![noop("a")], &[])).await;
    let error = run.start().await.expect_err("no devices");
    assert_eq!(error.to_string(), "No available devices for assignment");

    let setup = with_devices(&["d1", "d2"]).await;
    let none = || RunOptions { strategy: StrategyChoice::None, ..RunOptions::default() };
    let run =
        setup.orchestrator.submit(graph(vec![noop("a"), noop("b")], &[]), none()).await.expect("accepted");
    let error = run.start().await.expect_err("no strategy").to_string();
    assert!(error.contains("a, b") && error.contains("d1, d2"), "{error}");

    let options = RunOptions { assignments: vec![(task_id("zz"), device_id("d1"))], ..none() };
    let run = setup.orchestrator.submit(graph(vec![noop("a")], &[]), options).await.expect("accepted");
    let refused = run.start().await.expect_err("no such task");
    assert!(matches!(&refused, RunError::Refused(Refusal::UnknownTask { .. })), "{refused}");
    assert!(refused.to_string().ends_with("no task zz, known are a"), "{refused}");

    let options = RunOptions { assignments: vec![(task_id("a"), device_id("d2"))], ..none() };
    let run = setup.orchestrator.submit(graph(vec![noop("a")], &[]), options).await.expect("accepted");
    run.start().await.expect("started");
    assert_eq!(run.outcome().await.expect("outcome").results[&task_id("a")].device, Some(device_id("d2")));
}

#[tokio::test(start_paused = true)]
async fn scenario_o3_a_single_task_takes_the_first_device() {
    let setup = with_devices(&["d1", "d2"]).await;
    let outcome = setup.orchestrator.execute_single_task(call("t", "echo", 7), None).await.expect("done");
    assert_eq!((outcome.device, outcome.result), (Some(device_id("d1")), 7.into()));
    let outcome = setup
        .orchestrator
        .execute_single_task(call("t", "echo", 8), Some(device_id("d2")))
        .await
        .expect("done");
    assert_eq!(outcome.device, Some(device_id("d2")));
    assert_eq!(setup.orchestrator.runs(), []);

    let empty = with_devices(&[]).await;
    let error = empty.orchestrator.execute_single_task(noop("t"), None).await.expect_err("no device");
    assert_eq!(error.to_string(), "No available devices for task execution");
}

#[tokio::test(start_paused = true)]
async fn scenario_m1_runs_are_listed_and_forgotten() {
    let setup = with_devices(&["d1"]).await;
    let settings =
        RunSettings { metadata: [("team".to_owned(), "x".into())].into(), ..RunSettings::default() };
    let options = RunOptions { settings, ..RunOptions::default() };
    let run = setup
        .orchestrator
        .submit(graph(vec![noop("a"), noop("b")], &[("a", "b")]), options)
        .await
        .expect("accepted");
    let listed = setup.orchestrator.runs();
    assert_eq!((listed.len(), listed[0].counts.pending), (1, 2));
    assert!(setup.orchestrator.run(run.id()).is_some());
    assert_eq!(setup.orchestrator.forget(run.id()).await, Ok(true));
    assert_eq!(setup.orchestrator.forget(run.id()).await, Ok(false));
    assert!(setup.orchestrator.run(&RunId::new("unknown").expect("id")).is_none());

    let busy = setup.run(graph(vec![call("a", "hang", 0)], &[])).await;
    let refused = setup.orchestrator.forget(busy.id()).await.expect_err("executing");
    assert!(refused.to_string().starts_with("wrong_run_state"), "{refused}");

    let id = busy.id().clone();
    let twice = RunOptions { id: Some(id.clone()), ..RunOptions::default() };
    let error = setup.orchestrator.submit(graph(vec![], &[]), twice).await.expect_err("taken");
    assert_eq!(error, SubmitError::DuplicateRun(id));
}

#[tokio::test(start_paused = true)]
async fn scenario_m5_plans_are_cleared_counted_and_validated() {
    let setup = with_devices(&["d1", "d2"]).await;
    let mut pinned = noop("p");
    pinned.device =
        Some(std::sync::Arc::new(DeviceSelector { on: Some(device_id("d1")), ..Default::default() }));
    let run = setup.submit(graph(vec![noop("a"), noop("b"), noop("c"), pinned], &[])).await;
    assert_eq!(run.validate_assignments().await.expect("findings").len(), 4);
    let planned = run.assign().await.expect("placed");
    assert!(planned.iter().all(|(_, device)| device.is_some()), "{planned:?}");
    assert_eq!(run.validate_assignments().await.expect("findings"), Vec::<String>::new());
    assert_eq!(run.clear_assignments().await, Ok(3));
    assert_eq!(run.clear_assignments().await, Ok(0));
    let findings = run.validate_assignments().await.expect("findings");
    assert_eq!(findings[0], "Task 'a' has no device assignment");

    for (task, device) in [("a", "d1"), ("b", "d1"), ("c", "d2")] {
        assert_eq!(run.reassign(task_id(task), device_id(device)).await, Ok(true));
    }
    let counts = run.utilisation().await.expect("counts");
    assert_eq!((counts[&device_id("d1")], counts[&device_id("d2")]), (3, 1));
    assert_eq!(run.task_device(&task_id("c")).await, Ok(Some(device_id("d2"))));
    assert_eq!(run.reassign(task_id("zz"), device_id("d1")).await, Ok(false));
    let error = run.reassign(task_id("a"), device_id("d9")).await.expect_err("unknown").to_string();
    assert!(error.contains("d9") && error.contains("d1, d2"), "{error}");

    run.start().await.expect("started");
    let outcome = run.outcome().await.expect("outcome");
    assert_eq!(outcome.results[&task_id("c")].device, Some(device_id("d2")));
    let late = run.reassign(task_id("a"), device_id("d2")).await.expect_err("ended");
    assert!(late.to_string().starts_with("run_terminal"), "{late}");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shows_every_task_and_is_shared() {
    let setup = with_devices(&["d1"]).await;
    let run = setup.run(graph(vec![call("a", "hang", 0), noop("b"), noop("c")], &[("a", "b")])).await;
    let snapshot = run.snapshot().await.expect("snapshot");
    let readings: Vec<String> = snapshot
        .tasks
        .iter()
        .map(|task| serde_json::to_value(task.reading).expect("word").as_str().expect("word").to_owned())
        .collect();
    assert_eq!(readings, ["running", "waiting", "queued"]);
    assert!(std::sync::Arc::ptr_eq(&snapshot, &run.snapshot().await.expect("snapshot")));
}
