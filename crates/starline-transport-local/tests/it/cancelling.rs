//! How attempts end early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, future::join};
use starline_device::{AttemptId, Device, ErrorKind, Millis, Payload, TaskError, TaskReport, Value};
use starline_transport_local::{Call, LocalDevice};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::request::{attempt, begin, call, device, failure, run, within};

/// Runs an attempt and cancels it after a second.
async fn cancelled(
    device: &Arc<LocalDevice>,
    attempt: starline_device::Attempt,
    force: bool,
) -> (TaskReport, u128) {
    let id = attempt.id.clone();
    let cancel = async {
        sleep(Duration::from_secs(1)).await;
        let before = Instant::now();
        device.cancel(id, force).await.expect("stopped");
        before.elapsed().as_millis()
    };
    let (report, waited) = join(begin(device, attempt), cancel).await;
    (report.expect("a report"), waited)
}

/// Tells whether it was dropped.
struct Alive(Arc<AtomicBool>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// A device whose function waits for ever and says whether it is alive.
fn deaf() -> (Arc<LocalDevice>, Arc<AtomicBool>) {
    let alive = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&alive);
    let device = device().function("deaf", move |_| {
        let flag = Arc::clone(&flag);
        async move {
            flag.store(true, Ordering::Relaxed);
            let _alive = Alive(flag);
            std::future::pending().await
        }
    });
    (Arc::new(device), alive)
}

#[tokio::test(start_paused = true)]
async fn a_sleep_ends_at_once() {
    for force in [false, true] {
        let sleep = attempt("a", Payload::Sleep(Millis::from_secs(60)));
        assert_eq!(cancelled(&Arc::new(device()), sleep, force).await, (TaskReport::Stopped, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_polite_cancel_waits_for_the_function() {
    let device = Arc::new(
        device()
            .function_with("tidies", |call: Call| async move {
                assert!(!call.cancellation.is_requested());
                call.cancellation.requested().await;
                assert!(call.cancellation.is_requested());
                sleep(Duration::from_secs(3)).await;
                Err(TaskError::new(ErrorKind::DeviceError, "stopped"))
            })
            .function_with("finishes", |call: Call| async move {
                call.cancellation.requested().await;
                Ok(Value::from("all of it"))
            })
            .function("deaf", |_| async move {
                sleep(Duration::from_secs(5)).await;
                Ok(Value::from("done"))
            }),
    );
    let report = cancelled(&device, call("tidies", Value::Null), false).await;
    assert_eq!(report, (TaskReport::Stopped, 3000));
    let report = cancelled(&device, call("finishes", Value::Null), false).await;
    assert_eq!(report, (TaskReport::completed(Value::from("all of it")), 0));
    let report = cancelled(&device, call("deaf", Value::Null), false).await;
    assert_eq!(report, (TaskReport::completed(Value::from("done")), 4000));
}

#[tokio::test(start_paused = true)]
async fn force_drops_the_function() {
    let (device, alive) = deaf();
    assert_eq!(cancelled(&device, call("deaf", Value::Null), true).await, (TaskReport::Stopped, 0));
    assert!(!alive.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn force_after_a_polite_request_ends_both() {
    let (device, alive) = deaf();
    let attempt = call("deaf", Value::Null);
    let id = attempt.id.clone();
    let cancels = async {
        let mut polite = device.cancel(id.clone(), false);
        assert!(tokio::time::timeout(Duration::from_secs(10), &mut polite).await.is_err());
        assert!(alive.load(Ordering::Relaxed));
        device.cancel(id.clone(), true).await.expect("stopped");
        polite.await.expect("stopped");
    };
    let (report, ()) = join(begin(&device, attempt), cancels).await;
    assert_eq!(report.expect("a report"), TaskReport::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_before_the_time_limit_stays_a_cancel() {
    let (device, alive) = deaf();
    let attempt = within(call("deaf", Value::Null), Millis::from_secs(3));
    // Cancelled after 1 s, warned after 3 s, dropped after 13 s.
    assert_eq!(cancelled(&device, attempt, false).await, (TaskReport::Stopped, 12_000));
    assert!(!alive.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_run_drops_the_function() {
    let (device, alive) = deaf();
    let attempt = call("deaf", Value::Null);
    let id = attempt.id.clone();
    let mut run = begin(&device, attempt);
    assert!((&mut run).now_or_never().is_none());
    assert!(alive.load(Ordering::Relaxed));
    let mut cancel = device.cancel(id, false);
    assert!((&mut cancel).now_or_never().is_none(), "it still runs");
    drop(run);
    assert!(!alive.load(Ordering::Relaxed));
    assert_eq!(cancel.now_or_never().map(|answer| answer.is_ok()), Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_cancel_finds_the_attempt_before_its_first_poll() {
    let (device, alive) = deaf();
    let attempt = call("deaf", Value::Null);
    let id = attempt.id.clone();
    let run = begin(&device, attempt);
    let mut cancel = device.cancel(id, true);
    assert!((&mut cancel).now_or_never().is_none());
    let (report, answer) = join(run, cancel).await;
    assert_eq!(report.expect("a report"), TaskReport::Stopped);
    assert!(answer.is_ok() && !alive.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_stopped() {
    let unknown = AttemptId { number: 9, ..attempt("a", Payload::Noop).id };
    assert_eq!(device().cancel(unknown, false).now_or_never().map(|answer| answer.is_ok()), Some(true));
}

#[tokio::test(start_paused = true)]
async fn only_the_named_attempt_is_cancelled() {
    let device = Arc::new(device());
    let (mut first, mut second) =
        (attempt("a", Payload::Sleep(Millis(5000))), attempt("a", Payload::Sleep(Millis(5000))));
    first.id.number = 1;
    second.id.number = 2;
    let cancel = device.cancel(first.id.clone(), false);
    let (one, two) = (begin(&device, first), begin(&device, second));
    let (one, (two, _)) = join(one, join(two, cancel)).await;
    assert_eq!((one.expect("a report"), two.expect("a report")), (TaskReport::Stopped, TaskReport::done()));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_outlives_its_attempt_says_so() {
    let (give, take) = oneshot::channel();
    let give = std::sync::Mutex::new(Some(give));
    let device = Arc::new(device().function_with("leak", move |call: Call| {
        let give = give.lock().expect("lock").take();
        async move {
            let sent = give.map(|give| give.send(call.cancellation.clone()));
            assert!(matches!(sent, Some(Ok(()))));
            Ok(Value::Null)
        }
    }));
    run(&device, call("leak", Value::Null)).await;
    let cancellation = take.await.expect("a token");
    assert!(cancellation.is_requested());
    assert_eq!(cancellation.requested().now_or_never(), Some(()));
    assert!(matches!(failure(run(&device, call("leak", 1)).await).0, ErrorKind::DeviceError));
}
