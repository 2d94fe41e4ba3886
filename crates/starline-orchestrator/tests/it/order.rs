//! Persist, publish, act: nothing leaves before its fact is durable.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use starline_event::{Envelope, EventFilter, Observer, SharedEnvelope};
use starline_journal::{Fence, Journal, JournalError, JournalFault, MemoryJournal, Opened};
use starline_orchestrator::RunError;
use starline_transport_local::LocalDevice;
use starline_types::{DeviceProfile, EventKind, RunId, Seq, Value};

use crate::support::{call, device_id, graph, noop, with_journal};

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, what: impl Into<String>) {
    log.lock().expect("sound").push(what.into());
}

/// A journal that notes when records become durable, after others had their chance to run.
#[derive(Debug)]
struct Noting {
    inner: MemoryJournal,
    log: Log,
    refuse_from: Option<Seq>,
}

#[async_trait]
impl Journal for Noting {
    async fn open(&self, run: &RunId) -> Result<Opened, JournalError> {
        self.inner.open(run).await
    }

    async fn append(&self, run: &RunId, fence: Fence, events: &[SharedEnvelope]) -> Result<(), JournalError> {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        if self.refuse_from.is_some_and(|from| events.iter().any(|event| event.seq >= from)) {
            return Err(JournalError::new(JournalFault::Failed));
        }
        self.inner.append(run, fence, events).await?;
        for event in events {
            note(&self.log, format!("durable {}", event.event.kind()));
        }
        Ok(())
    }

    async fn read(
        &self,
        run: &RunId,
        after: Option<Seq>,
        most: usize,
    ) -> Result<Vec<SharedEnvelope>, JournalError> {
        self.inner.read(run, after, most).await
    }

    async fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        self.inner.runs().await
    }
}

#[derive(Debug)]
struct Watching(Log);

impl Observer for Watching {
    fn on_event(&self, event: &Envelope) {
        note(&self.0, format!("published {}", event.event.kind()));
    }
}

#[tokio::test(start_paused = true)]
async fn i4_persist_before_act() {
    let log = Log::default();
    let journal = Noting { inner: MemoryJournal::new(), log: Arc::clone(&log), refuse_from: None };
    let setup = with_journal(Arc::new(journal));
    let _guard = setup.bus.observe(EventFilter::all(), Arc::new(Watching(Arc::clone(&log))));
    let ran = Arc::clone(&log);
    let profile = DeviceProfile::new(device_id("d1"), "local");
    let device = LocalDevice::new(profile).function("work", move |_| {
        note(&ran, "ran");
        async { Ok(Value::Null) }
    });
    setup.orchestrator.fleet().connect(Arc::new(device)).await.expect("connected");
    let run = setup.run(graph(vec![call("a", "work", 0)], &[])).await;
    note(&log, "answered start");
    run.outcome().await.expect("outcome");
    let log = log.lock().expect("sound").clone();
    let at =
        |what: &str| log.iter().position(|line| line == what).unwrap_or_else(|| panic!("{what} in {log:#?}"));
    assert!(at("durable task_assigned") < at("published task_assigned"));
    assert!(at("published task_assigned") < at("ran"));
    assert!(at("durable run_started") < at("answered start"));
    assert!(at("durable task_completed") < at("published task_completed"));
    for kind in [EventKind::RunCreated, EventKind::RunReady, EventKind::RunCompleted] {
        assert!(at(&format!("durable {kind}")) < at(&format!("published {kind}")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_stops_the_run_and_nothing_leaks_out() {
    let log = Log::default();
    let journal = Noting { inner: MemoryJournal::new(), log: Arc::clone(&log), refuse_from: Some(Seq(3)) };
    let setup = with_journal(Arc::new(journal));
    let _guard = setup.bus.observe(EventFilter::all(), Arc::new(Watching(Arc::clone(&log))));
    setup.orchestrator.fleet().connect(crate::support::device("d1", 1)).await.expect("connected");
    let run = setup.submit(graph(vec![noop("a")], &[])).await;
    run.assign().await.expect("records 1 and 2");
    assert_eq!(run.start().await, Err(RunError::Journal(JournalFault::Failed)));
    assert_eq!(run.pause().await, Err(RunError::Journal(JournalFault::Failed)));
    let log = log.lock().expect("sound").clone();
    assert!(
        !log.iter().any(|line| line.contains("run_started") || line.contains("task_assigned")),
        "{log:#?}"
    );
}
