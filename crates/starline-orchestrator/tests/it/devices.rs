//! Devices that come, go, drain and refuse.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use starline_device::{
    Attempt, AttemptId, BoxStream, DeliveryFault, Device, DeviceError, DeviceProfile, DeviceSignal,
    TaskReport,
};
use starline_event::EventFilter;
use starline_types::{DeviceStatus, Event, Millis, Reading, Reason, RunId, RunState};
use tokio::sync::{mpsc, watch};

use crate::support::{call, device, device_id, graph, noop, task_id, with_devices};

#[tokio::test(start_paused = true)]
async fn scenario_d5_connections_are_told_once() {
    let setup = with_devices(&[]).await;
    let mut events = setup.bus.subscribe(EventFilter::all().run(RunId::system()));
    setup.orchestrator.fleet().connect(device("d1", 1)).await.expect("connected");
    setup.orchestrator.fleet().connect(device("d2", 1)).await.expect("connected");
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let event = events.next().await.expect("open").expect("no gap");
        if let Event::DeviceConnected { device, all_devices } = &event.event {
            seen.push((device.to_string(), all_devices.len()));
        }
    }
    assert_eq!(seen, [("d1".to_owned(), 1), ("d2".to_owned(), 2)]);
    let run = setup.run(graph(vec![noop("a")], &[])).await;
    run.outcome().await.expect("outcome");
    let mut statuses = Vec::new();
    while statuses.len() < 2 {
        let event = events.next().await.expect("open").expect("no gap");
        if let Event::DeviceStatusChanged { status, .. } = event.event {
            statuses.push(status);
        }
    }
    assert_eq!(statuses, [DeviceStatus::Busy, DeviceStatus::Idle]);
}

#[tokio::test(start_paused = true)]
async fn a_draining_device_finishes_and_gets_nothing_new() {
    let setup = with_devices(&["d1", "d2"]).await;
    let run = setup
        .run(graph(vec![call("a", "sleep", 50), call("b", "sleep", 50), noop("c"), noop("d")], &[]))
        .await;
    assert_eq!(setup.orchestrator.fleet().drain(device_id("d1"), true).await, Ok(true));
    let outcome = run.outcome().await.expect("outcome");
    assert_eq!(outcome.status, RunState::Completed);
    for name in ["c", "d"] {
        assert_eq!(outcome.results[&task_id(name)].device, Some(device_id("d2")));
    }
    let records = setup.orchestrator.fleet().devices().await.expect("records");
    assert_eq!(records[0].status, DeviceStatus::Draining);
}

/// A device whose attempts wait until they are told how to end.
#[derive(Debug)]
struct Puppet {
    profile: DeviceProfile,
    begun: mpsc::UnboundedSender<AttemptId>,
    ending: watch::Sender<Option<DeliveryFault>>,
    signals: std::sync::Mutex<Option<mpsc::UnboundedReceiver<DeviceSignal>>>,
}

#[async_trait]
impl Device for Puppet {
    fn profile(&self) -> &DeviceProfile {
        &self.profile
    }

    async fn run(self: Arc<Self>, attempt: Attempt) -> Result<TaskReport, DeviceError> {
        self.begun.send(attempt.id).expect("the test listens");
        let mut ending = self.ending.subscribe();
        let fault = *ending.wait_for(Option::is_some).await.expect("the test holds the other end");
        Err(DeviceError::new(fault.expect("some")))
    }

    async fn cancel(&self, _: AttemptId, _: bool) -> Result<(), DeviceError> {
        Ok(())
    }

    fn signals(&self) -> Option<BoxStream<'static, DeviceSignal>> {
        let receiver = self.signals.lock().expect("sound").take()?;
        Some(Box::pin(futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|signal| (signal, receiver))
        })))
    }
}

type Strings = (mpsc::UnboundedReceiver<AttemptId>, mpsc::UnboundedSender<DeviceSignal>);

#[expect(clippy::disallowed_methods, reason = "a test sends a handful of messages")]
fn puppet(name: &str) -> (Arc<Puppet>, Strings) {
    let (begun, attempts) = mpsc::unbounded_channel();
    let (signal, signals) = mpsc::unbounded_channel();
    let device = Puppet {
        profile: DeviceProfile::new(device_id(name), "puppet"),
        begun,
        ending: watch::Sender::new(None),
        signals: std::sync::Mutex::new(Some(signals)),
    };
    (Arc::new(device), (attempts, signal))
}

#[tokio::test(start_paused = true)]
async fn a_lost_device_costs_an_attempt_and_no_task() {
    let setup = with_devices(&[]).await;
    let (first, (mut attempts, signal)) = puppet("d1");
    setup.orchestrator.fleet().connect(first).await.expect("connected");
    let run = setup.run(graph(vec![noop("a")], &[])).await;
    assert_eq!(attempts.recv().await.expect("begun").number, 1);
    setup.orchestrator.fleet().connect(device("d2", 1)).await.expect("connected");
    signal.send(DeviceSignal::Lost { reason: Some("unplugged".into()), certain: true }).expect("heard");
    let outcome = run.outcome().await.expect("outcome");
    let result = &outcome.results[&task_id("a")];
    assert_eq!(
        (result.status, result.attempts, &result.device),
        (Reading::Completed, 2, &Some(device_id("d2")))
    );
}

#[tokio::test(start_paused = true)]
async fn an_unplaced_task_tells_when_its_device_was_there_last() {
    let setup = with_devices(&[]).await;
    let (first, (mut attempts, signal)) = puppet("d1");
    setup.orchestrator.fleet().connect(first).await.expect("connected");
    // The clock of a run is another one than that of the devices: this one begins later.
    tokio::time::advance(std::time::Duration::from_secs(100)).await;
    let run = setup.run(graph(vec![noop("a"), noop("b")], &[("a", "b")])).await;
    attempts.recv().await.expect("begun");
    signal.send(DeviceSignal::Lost { reason: None, certain: true }).expect("heard");
    let gap = async || {
        let explained = run.explain(task_id("a")).await.expect("an answer").expect("known");
        explained.reasons.into_iter().find_map(|reason| match reason {
            Reason::Unplaced { devices, .. } => Some(devices[0].clone()),
            _ => None,
        })
    };
    while gap().await.is_none() {
        tokio::time::advance(std::time::Duration::from_millis(100)).await;
    }
    let before = gap().await.and_then(|gap| gap.last_seen_ms).expect("it was there");
    tokio::time::advance(std::time::Duration::from_secs(7)).await;
    let after = gap().await.expect("still not there");
    assert_eq!(after.status, DeviceStatus::Disconnected);
    assert_eq!(after.last_seen_ms, Some(Millis(before.0 + 7_000)));
    assert!(before.0 < 60_000, "the time before it was lost does not count: {before}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_attempt_goes_elsewhere_at_once() {
    let setup = with_devices(&[]).await;
    let (first, (mut attempts, _signal)) = puppet("d1");
    first.ending.send_replace(Some(DeliveryFault::NotAccepted));
    setup.orchestrator.fleet().connect(first).await.expect("connected");
    setup.orchestrator.fleet().connect(device("d2", 1)).await.expect("connected");
    let run = setup.run(graph(vec![noop("a")], &[])).await;
    assert_eq!(attempts.recv().await.expect("begun").number, 1);
    let outcome = run.outcome().await.expect("outcome");
    assert_eq!(outcome.results[&task_id("a")].device, Some(device_id("d2")));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_of_unknown_fate_is_placed_again_only_after_its_lease() {
    let setup = with_devices(&[]).await;
    let (first, (mut attempts, _signal)) = puppet("d1");
    first.ending.send_replace(Some(DeliveryFault::OutcomeUnknown));
    setup.orchestrator.fleet().connect(first).await.expect("connected");
    setup.orchestrator.fleet().connect(device("d2", 1)).await.expect("connected");
    let began = tokio::time::Instant::now();
    let run = setup.run(graph(vec![noop("a")], &[])).await;
    attempts.recv().await.expect("begun");
    let outcome = run.outcome().await.expect("outcome");
    assert_eq!(outcome.results[&task_id("a")].device, Some(device_id("d2")));
    assert!(began.elapsed() >= std::time::Duration::from_millis(20_700), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn slots_are_never_exceeded() {
    static RUNNING: AtomicU32 = AtomicU32::new(0);
    static MOST: AtomicU32 = AtomicU32::new(0);
    let setup = with_devices(&[]).await;
    let profile = DeviceProfile::new(device_id("d1"), "local").with_slots(3);
    let busy = starline_transport_local::LocalDevice::new(profile).function("work", |_| async {
        MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        RUNNING.fetch_sub(1, Ordering::SeqCst);
        Ok(starline_types::Value::Null)
    });
    setup.orchestrator.fleet().connect(Arc::new(busy)).await.expect("connected");
    let tasks = (0..500).map(|n| call(&format!("t{n}"), "work", 0)).collect();
    let run = setup.run(graph(tasks, &[])).await;
    assert_eq!(run.outcome().await.expect("outcome").counts.completed, 500);
    assert_eq!(MOST.load(Ordering::SeqCst), 3);
}

/// A device that panics: at the call, or after it has waited.
#[derive(Debug)]
struct Clumsy {
    profile: DeviceProfile,
    waits: bool,
}

#[async_trait]
impl Device for Clumsy {
    fn profile(&self) -> &DeviceProfile {
        &self.profile
    }

    async fn run(self: Arc<Self>, _: Attempt) -> Result<TaskReport, DeviceError> {
        if self.waits {
            tokio::task::yield_now().await;
        }
        panic!("clumsy")
    }

    async fn cancel(&self, _: AttemptId, _: bool) -> Result<(), DeviceError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_panics_fails_its_attempt_and_nothing_else() {
    for waits in [false, true] {
        let setup = with_devices(&[]).await;
        let profile = DeviceProfile::new(device_id("d1"), "clumsy");
        setup.orchestrator.fleet().connect(Arc::new(Clumsy { profile, waits })).await.expect("connected");
        let run = setup.run(graph(vec![noop("a"), noop("b")], &[])).await;
        let outcome = run.outcome().await.expect("outcome");
        assert_eq!((outcome.status, outcome.counts.failed), (RunState::Failed, 2));
        let error = outcome.results[&task_id("b")].error.as_ref().expect("error").to_string();
        assert_eq!(error, "device_error: the device panicked");
    }
}
