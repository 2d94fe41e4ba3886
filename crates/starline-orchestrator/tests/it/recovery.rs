//! Runs that come back from the journal, whenever the process before ended or the journal was full.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use starline_event::SharedEnvelope;
use starline_journal::{Checkpoint, Fence, Journal, JournalError, JournalFault, MemoryJournal, Opened};
use starline_orchestrator::{RecoverError, RecoverOptions, RunOptions};
use starline_transport_local::LocalDevice;
use starline_types::{
    DeviceProfile, Event, EventKind, GraphSpec, Jitter, Millis, RetryPolicy, RunId, RunState, Seq, Value,
};

use crate::support::{Setup, call, device, device_id, graph, noop, task_id, with_journal};

/// A journal that takes records up to a number, and refuses those after it for a while or for ever.
#[derive(Debug)]
struct Ending {
    inner: Arc<MemoryJournal>,
    last: Seq,
    fault: JournalFault,
    refusals: AtomicU64,
}

impl Ending {
    fn at(inner: &Arc<MemoryJournal>, last: u64, fault: JournalFault, refusals: u64) -> Arc<Self> {
        let inner = Arc::clone(inner);
        Arc::new(Self { inner, last: Seq(last), fault, refusals: AtomicU64::new(refusals) })
    }
}

#[async_trait]
impl Journal for Ending {
    async fn open(&self, run: &RunId) -> Result<Opened, JournalError> {
        self.inner.open(run).await
    }

    async fn append(&self, run: &RunId, fence: Fence, events: &[SharedEnvelope]) -> Result<(), JournalError> {
        let beyond = events.iter().any(|event| event.seq > self.last);
        let left = self.refusals.load(Ordering::Relaxed);
        if beyond && left > 0 {
            self.refusals.store(left - 1, Ordering::Relaxed);
            return Err(JournalError::new(self.fault));
        }
        self.inner.append(run, fence, events).await
    }

    async fn checkpoint(
        &self,
        run: &RunId,
        fence: Fence,
        checkpoint: Checkpoint,
    ) -> Result<(), JournalError> {
        self.inner.checkpoint(run, fence, checkpoint).await
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

fn id() -> RunId {
    RunId::new("r").expect("an id")
}

/// A diamond with a task that takes a while.
fn diamond() -> GraphSpec {
    let mut tasks = vec![noop("a"), call("b", "sleep", 500), call("c", "echo", 7), noop("d")];
    for task in &mut tasks {
        let retry = RetryPolicy { jitter: Jitter::None, ..RetryPolicy::default() };
        task.retry = Some(Arc::new(retry));
    }
    graph(tasks, &[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])
}

async fn life(journal: Arc<dyn Journal>, devices: &[&str]) -> Setup {
    let setup = with_journal(journal);
    for name in devices {
        setup.orchestrator.fleet().connect(device(name, 2)).await.expect("connected");
    }
    setup
}

async fn begin(setup: &Setup, graph: GraphSpec) -> starline_orchestrator::Run {
    let options = RunOptions { id: Some(id()), ..RunOptions::default() };
    let run = setup.orchestrator.submit(graph, options).await.expect("accepted");
    // It may not get that far.
    let _ = run.start().await;
    run
}

async fn facts(journal: &MemoryJournal) -> Vec<SharedEnvelope> {
    journal.read(&id(), None, usize::MAX).await.expect("records")
}

/// Every task is done once, by an attempt that is on record, and no task had two attempts at a time.
async fn check(journal: &MemoryJournal, tasks: usize) {
    let facts = facts(journal).await;
    let mut live = std::collections::BTreeMap::new();
    let mut done = 0;
    for (at, fact) in facts.iter().enumerate() {
        assert_eq!(fact.seq, Seq(at as u64 + 1));
        match &fact.event {
            Event::TaskAssigned { task, attempt, .. } => {
                let before = live.insert(task.id().clone(), *attempt);
                assert!(before.is_none(), "{task} has attempts {before:?} and {attempt}");
            }
            Event::TaskCompleted { task, attempt, .. } => {
                assert_eq!(live.remove(task.id()), Some(*attempt));
                done += 1;
            }
            Event::TaskRetryScheduled { task, attempt, .. } => {
                assert_eq!(live.remove(task.id()), Some(*attempt));
            }
            _ => {}
        }
    }
    assert_eq!((done, live.len()), (tasks, 0));
    let times: Vec<_> = facts.iter().map(|fact| fact.t).collect();
    assert!(times.is_sorted(), "run time goes on: {times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_process_may_end_after_any_record() {
    let whole = Arc::new(MemoryJournal::new());
    let setup = life(Arc::clone(&whole) as _, &["d1"]).await;
    begin(&setup, diamond()).await.wait().await;
    let records = facts(&whole).await.len() as u64;
    assert!(records > 10);
    for last in 1..records {
        let journal = Arc::new(MemoryJournal::new());
        let setup = life(Ending::at(&journal, last, JournalFault::Failed, u64::MAX), &["d1"]).await;
        let run = begin(&setup, diamond()).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!run.status().state.is_terminal() || facts(&journal).await.len() as u64 == records);
        drop((run, setup));

        let setup = life(Arc::clone(&journal) as _, &["d1"]).await;
        let run = match setup.orchestrator.recover(id(), RecoverOptions::default()).await {
            Ok(run) => run,
            Err(RecoverError::UnknownRun(_)) => {
                assert!(facts(&journal).await.is_empty(), "a step of the beginning was cut at {last}");
                continue;
            }
            Err(error) => panic!("after record {last}: {error}"),
        };
        if matches!(run.status().state, RunState::Created | RunState::Ready) {
            run.start().await.expect("started");
        }
        let outcome = run.outcome().await.expect("an outcome");
        assert_eq!(outcome.status, RunState::Completed, "after record {last}");
        check(&journal, 4).await;
        assert_eq!(
            facts(&journal).await.iter().filter(|fact| fact.event.kind() == EventKind::OwnerChanged).count(),
            1
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_is_full_for_a_while_costs_time_and_nothing_else() {
    for last in 1..14 {
        for refusals in [1, 3] {
            let journal = Arc::new(MemoryJournal::new());
            let setup = life(Ending::at(&journal, last, JournalFault::Full, refusals), &["d1"]).await;
            let run = begin(&setup, diamond()).await;
            while matches!(run.status().state, RunState::Created | RunState::Ready) {
                tokio::time::sleep(Duration::from_secs(5)).await;
                // Refused as long as the journal is full.
                let _ = run.start().await;
            }
            let outcome = run.outcome().await.expect("an outcome");
            assert_eq!(outcome.status, RunState::Completed, "full after {last}");
            check(&journal, 4).await;
            let retried = facts(&journal).await;
            let retried = retried.iter().filter(|fact| fact.event.kind() == EventKind::TaskRetryScheduled);
            assert_eq!(retried.count(), 0, "the devices have lost nothing");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_journal_is_full_the_run_can_be_read_and_not_changed() {
    let journal = Arc::new(MemoryJournal::new());
    let setup = life(Ending::at(&journal, 3, JournalFault::Full, u64::MAX), &["d1"]).await;
    let run = begin(&setup, diamond()).await;
    let refused = run.pause().await.expect_err("it cannot be kept");
    assert_eq!(refused.to_string(), "journal is full");
    assert_eq!(run.snapshot().await.expect("it can be read").tasks.len(), 4);
    setup.orchestrator.shut_down(Duration::from_secs(3)).await;
}

#[tokio::test(start_paused = true)]
async fn what_ran_on_a_device_that_is_away_is_waited_for_as_long_as_a_lease() {
    let journal = Arc::new(MemoryJournal::new());
    let setup = life(Arc::clone(&journal) as _, &["d1", "d2"]).await;
    let run = begin(&setup, graph(vec![call("a", "hang", 0)], &[])).await;
    drop((run, setup));
    let on = facts(&journal).await.iter().find_map(|fact| match &fact.event {
        Event::TaskAssigned { device, .. } => Some(device.id().clone()),
        _ => None,
    });
    let away = on.expect("it was assigned");
    let other = if away.as_str() == "d1" { "d2" } else { "d1" };

    let setup = with_journal(Arc::clone(&journal) as _);
    let profile = DeviceProfile::new(device_id(other), "local").with_slots(2);
    let hands = LocalDevice::new(profile).function("hang", |_: Value| async { Ok(Value::Null) });
    setup.orchestrator.fleet().connect(Arc::new(hands)).await.expect("connected");
    let run = setup.orchestrator.recover(id(), RecoverOptions::default()).await.expect("it comes back");
    let began = tokio::time::Instant::now();
    let outcome = run.outcome().await.expect("an outcome");
    assert_eq!(outcome.status, RunState::Completed);
    let waited = began.elapsed();
    assert!(waited >= Duration::from_millis(20_700), "{waited:?}");
    check(&journal, 1).await;
    assert_eq!(outcome.results[&task_id("a")].attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn pauses_and_delays_outlive_a_process() {
    let journal = Arc::new(MemoryJournal::new());
    let setup = life(Arc::clone(&journal) as _, &["d1"]).await;
    let mut failing = call("a", "fail", 1);
    let retry = RetryPolicy { max: 1, base: Millis(60_000), jitter: Jitter::None, ..RetryPolicy::default() };
    failing.retry = Some(Arc::new(retry));
    let run = begin(&setup, graph(vec![failing, noop("b")], &[])).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    run.pause().await.expect("paused");
    drop((run, setup));

    tokio::time::sleep(Duration::from_secs(3600)).await;
    let setup = life(Arc::clone(&journal) as _, &["d1"]).await;
    let run = setup.orchestrator.recover(id(), RecoverOptions::default()).await.expect("it comes back");
    assert_eq!(run.status().state, RunState::Paused);
    let began = tokio::time::Instant::now();
    run.resume().await.expect("resumed");
    let outcome = run.outcome().await.expect("an outcome");
    assert_eq!(outcome.status, RunState::PartiallyFailed);
    // The hour in between did not eat the delay, and the twenty seconds before did.
    let waited = began.elapsed();
    assert!(Duration::from_secs(39) < waited && waited < Duration::from_secs(41), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_come_back_is_said() {
    let journal = Arc::new(MemoryJournal::new());
    let setup = life(Arc::clone(&journal) as _, &["d1"]).await;
    let recover = || setup.orchestrator.recover(id(), RecoverOptions::default());
    assert_eq!(recover().await.expect_err("no record"), RecoverError::UnknownRun(id()));
    let run = begin(&setup, graph(vec![noop("a")], &[])).await;
    assert_eq!(recover().await.expect_err("it is here"), RecoverError::Driven(id()));
    run.wait().await;
    setup.orchestrator.forget(&id()).await.expect("forgotten");
    let ended = RecoverError::Ended { run: id(), state: RunState::Completed };
    assert_eq!(recover().await.expect_err("it is over"), ended);
}
