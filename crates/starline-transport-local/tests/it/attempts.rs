//! What attempts report.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use starline_device::{
    DeliveryFault, Device, DeviceSignal, Endpoint, ErrorKind, Millis, Payload, ProgressStream, Prompt,
    TaskError, TaskReport, Transport, Value,
};
use starline_transport_local::{Call, Functions, LocalDevice, LocalTransport};
use tokio::time::Instant;

use crate::request::{attempt, call, device, failure, profile, run, within};

#[test]
fn an_empty_task_needs_no_runtime() {
    let mut run = Arc::new(device()).run(attempt("a", Payload::Noop));
    let waker = std::task::Waker::noop();
    let polled = run.as_mut().poll(&mut std::task::Context::from_waker(waker));
    assert!(matches!(polled, std::task::Poll::Ready(Ok(report)) if report == TaskReport::done()));
}

#[tokio::test(start_paused = true)]
async fn a_sleep_takes_its_time() {
    let before = Instant::now();
    let report = run(&Arc::new(device()), attempt("a", Payload::Sleep(Millis(1500)))).await;
    assert_eq!(report, TaskReport::done());
    assert_eq!(before.elapsed(), Duration::from_millis(1500));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_keeps_its_device_and_may_be_a_task() {
    let device: Arc<dyn Device> = Arc::new(device());
    let present = Arc::downgrade(&device);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(device.run(attempt("a", Payload::Sleep(Millis(1500)))));
    assert!(present.upgrade().is_some());
    let report = tasks.join_next().await.expect("a task").expect("no panic").expect("a report");
    assert_eq!(report, TaskReport::done());
    assert!(present.upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn functions_get_arguments_and_give_results_or_errors() {
    let device = Arc::new(
        device()
            .function("same", |arguments| async move { Ok(arguments) })
            .function("fail", |_| async move { Err(TaskError::new(ErrorKind::BadOutput, "no good")) })
            .function_with("who", |call: Call| async move { Ok(Value::from(call.attempt.to_string())) }),
    );
    let report = run(&device, call("same", vec![1, 2])).await;
    assert_eq!(report, TaskReport::completed(Value::from(vec![1, 2])));
    let report = run(&device, call("fail", Value::Null)).await;
    assert_eq!(failure(report), (ErrorKind::BadOutput, "no good".to_owned()));
    let report = run(&device, call("who", Value::Null)).await;
    assert_eq!(report, TaskReport::completed(Value::from("r/who#1")));
}

#[tokio::test(start_paused = true)]
async fn what_it_cannot_run_is_named_with_what_it_can() {
    let device = Arc::new(
        device()
            .function("b", |_| async move { Ok(Value::Null) })
            .function("a", |_| async move { Ok(Value::Null) }),
    );
    let prompt = Payload::Prompt(Arc::new(Prompt::default()));
    let report = run(&device, attempt("t", prompt)).await;
    let message = "device here cannot run prompt: it runs noop, sleep, call";
    assert_eq!(failure(report), (ErrorKind::Unsupported, message.to_owned()));
    let report = run(&device, call("c", Value::Null)).await;
    let message = "device here has no function \"c\": a, b";
    assert_eq!(failure(report), (ErrorKind::InvalidRequest, message.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_long_list_of_functions_is_cut() {
    let all = (0..25).fold(Functions::new(), |functions, n| {
        functions.function(format!("f{n:02}"), |_| async move { Ok(Value::Null) })
    });
    let device = Arc::new(LocalDevice::with_functions(profile(), all));
    let (_, message) = failure(run(&device, call("c", Value::Null)).await);
    assert!(message.ends_with("f18, f19, 5 more"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failed_attempt() {
    let device = Arc::new(
        device()
            .function("early", |arguments| {
                assert!(arguments.is_object(), "cannot start");
                async move { Ok(Value::Null) }
            })
            .function("late", |_| async move {
                tokio::task::yield_now().await;
                panic!("cannot {}", "go on")
            }),
    );
    let report = run(&device, call("early", Value::Null)).await;
    let message = "function \"early\" panicked: cannot start";
    assert_eq!(failure(report), (ErrorKind::DeviceError, message.to_owned()));
    let report = run(&device, call("late", Value::Null)).await;
    let message = "function \"late\" panicked: cannot go on";
    assert_eq!(failure(report), (ErrorKind::DeviceError, message.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn time_limits_are_kept() {
    let device = Arc::new(
        device()
            .with_grace(Millis(500))
            .function("deaf", |_| std::future::pending())
            .function_with("gives_up", |call: Call| async move {
                call.cancellation.requested().await;
                Err(TaskError::new(ErrorKind::DeviceError, "gave up"))
            })
            .function_with("hurries", |call: Call| async move {
                call.cancellation.requested().await;
                Ok(Value::from("done"))
            }),
    );
    let limit = Millis(2000);
    let too_long = (ErrorKind::Timeout, "attempt ran longer than 2s".to_owned());

    for (task, ms) in [("deaf", 2500), ("gives_up", 2000)] {
        let before = Instant::now();
        let report = run(&device, within(call(task, Value::Null), limit)).await;
        assert_eq!(failure(report), too_long, "{task}");
        assert_eq!(before.elapsed(), Duration::from_millis(ms), "{task}");
    }
    let report = run(&device, within(call("hurries", Value::Null), limit)).await;
    assert_eq!(report, TaskReport::completed(Value::from("done")));
    let sleep = attempt("a", Payload::Sleep(Millis(2001)));
    let report = run(&device, within(sleep, limit)).await;
    assert_eq!(failure(report), too_long);
    let sleep = attempt("a", Payload::Sleep(Millis(2000)));
    let report = run(&device, within(sleep, limit)).await;
    assert_eq!(report, TaskReport::done());
}

#[tokio::test(start_paused = true)]
async fn progress_is_heard_by_those_who_listen() {
    let device = Arc::new(device().function_with("talk", |call: Call| async move {
        for n in 0..2000 {
            call.progress.message(format!("{n}"));
        }
        Ok(Value::Null)
    }));
    let report = run(&device, call("talk", Value::Null)).await;
    assert_eq!(report, TaskReport::done(), "nobody listens");

    let signals = device.signals().expect("a stream");
    run(&device, call("talk", Value::Null)).await;
    drop(device); // ends the stream
    let heard: Vec<_> = signals.collect().await;
    assert_eq!(heard.len(), 1024, "what found no room is lost");
    match &heard[1023] {
        DeviceSignal::Progress { attempt, stream, text } => {
            assert_eq!((attempt.to_string().as_str(), &**text), ("r/talk#1", "1023"));
            assert_eq!(*stream, ProgressStream::Message);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_transport_makes_devices_that_share_functions() {
    let functions = Functions::new().function("same", |arguments| async move { Ok(arguments) });
    let transport = LocalTransport::new(functions);
    assert_eq!(transport.scheme(), "local");
    let mut endpoint = Endpoint { profile: profile(), address: None, options: Value::Null };
    let device = transport.connect(&endpoint).await.expect("a device");
    assert_eq!(device.profile().kind, "local");
    assert!(device.profile().local && device.profile().fenced);
    let report = device.run(call("same", 7)).await.expect("a report");
    assert_eq!(report, TaskReport::completed(Value::from(7)));

    endpoint.options = Value::from_iter([("exec", 1)]);
    let error = transport.connect(&endpoint).await.expect_err("options");
    assert_eq!(error.kind(), DeliveryFault::Protocol);
    endpoint.options = Value::Null;
    endpoint.address = Some("ws://here".to_owned());
    assert!(transport.connect(&endpoint).await.is_err());
}
