//! Runs that come back from the journal: those of an earlier process, and those whose journal was full.

use std::sync::Arc;

use starline_journal::{JournalError, JournalFault};
use starline_scheduler::{DeviceChange, Input, Recovery, Scheduler, Step};
use starline_types::{DeviceIx, Event, Millis, RunId, SharedEnvelope, Timestamp, UnixMillis};
use tokio::sync::mpsc;

use crate::clock::RunTime;
use crate::core::Core;
use crate::registry::{Entry, Halt, RunShared};
use crate::{AssignmentStrategy, Limits, RecoverError, RecoverOptions, RunError};

/// Records read at once.
const PAGE: usize = 8192;
/// Time until a journal that was full is asked again.
pub(crate) const AGAIN: Millis = Millis(1000);

/// What the records of a run give.
struct Replayed {
    scheduler: Scheduler,
    /// Run time of the last record.
    last: Timestamp,
    /// Wall time of the start.
    started_at: Option<UnixMillis>,
}

impl Core {
    /// Goes on with a run of an earlier process.
    pub(crate) async fn recover(
        &mut self,
        now: Timestamp,
        run: RunId,
        options: RecoverOptions,
    ) -> Result<Arc<RunShared>, RecoverError> {
        if self.by_id.contains_key(&run) {
            return Err(RecoverError::Driven(run));
        }
        if self.by_id.len() >= self.settings.max_runs {
            return Err(RecoverError::TooManyRuns { max: self.settings.max_runs });
        }
        let unreadable = |error: JournalError| RunError::Journal(error.kind());
        let first = self.journal.read(&run, None, PAGE).await.map_err(unreadable)?;
        if first.is_empty() {
            return Err(RecoverError::UnknownRun(run));
        }
        // From here on nobody else can write; what was read stays as it is.
        let opened = self.journal.open(&run).await.map_err(unreadable)?;
        let strategy = self.chosen(options.strategy);
        let replayed = self.replay(&run, first, strategy, options.limits, options.records).await?;
        let Replayed { mut scheduler, last, started_at } = replayed;
        if scheduler.is_closed() {
            scheduler.release(&mut self.fleet);
            return Err(RecoverError::Ended { run, state: scheduler.run_state() });
        }
        let name = scheduler.graph().name().to_owned();
        let shared = Arc::new(RunShared::new(run, name, Arc::clone(scheduler.settings()), self.free_place()));
        let time = RunTime::going_on(last, now);
        let mut entry = Entry::new(scheduler, Arc::clone(&shared), opened.fence, time, Step::default());
        entry.started_at = started_at;
        let live = entry.scheduler.live_attempts().into_iter();
        let graph = entry.scheduler.graph();
        entry.inherited = live.map(|(task, attempt, on)| (graph.reference(task), attempt, on)).collect();
        self.take_in(entry);
        // Recorded before any device hears of it.
        self.step(now, shared.at, Input::TakenOver { epoch: opened.fence.0 });
        self.look_around(now, shared.at);
        Ok(shared)
    }

    /// Goes on with a run whose journal was full, if it takes records again. What the run decided since is thrown
    /// away, as nobody has heard of it; reports of devices are heard again.
    pub(crate) async fn revive(&mut self, now: Timestamp, at: u32) {
        let Some(mut entry) = self.runs.get_mut(at as usize).and_then(Option::take) else { return };
        let fault = match self.journal.open(&entry.shared.id).await {
            Ok(opened) => match self.replay_again(&mut entry).await {
                Ok(()) => {
                    entry.fence = opened.fence;
                    entry.halted = None;
                    self.mail.reports.extend(entry.unsettled.drain(..));
                    let has_editor = entry.shared.has_editor.load(std::sync::atomic::Ordering::Acquire);
                    self.runs[at as usize] = Some(entry);
                    self.step(now, at, Input::TakenOver { epoch: opened.fence.0 });
                    if has_editor {
                        self.step(now, at, Input::EditorAttached);
                    }
                    return self.look_around(now, at);
                }
                Err(error) => {
                    tracing::error!(run = %entry.shared.id, %error, "the run does not come back from its journal");
                    JournalFault::Failed
                }
            },
            Err(error) => error.kind(),
        };
        let again = (fault == JournalFault::Full).then(|| now + AGAIN);
        entry.halted = Some(Halt { fault, again });
        self.runs[at as usize] = Some(entry);
        self.want_wake(again);
    }

    async fn replay_again(&mut self, entry: &mut Entry) -> Result<(), RecoverError> {
        let (strategy, limits) = entry.scheduler.hand_on();
        let run = &entry.shared.id;
        let unreadable = |error: JournalError| RunError::Journal(error.kind());
        let first = self.journal.read(run, None, PAGE).await.map_err(unreadable)?;
        let replayed = self.replay(run, first, strategy, limits, None).await?;
        entry.scheduler.release(&mut self.fleet);
        entry.scheduler = replayed.scheduler;
        entry.snapshot = None;
        Ok(())
    }

    async fn replay(
        &mut self,
        run: &RunId,
        first: Vec<SharedEnvelope>,
        strategy: Option<Box<dyn AssignmentStrategy>>,
        limits: Limits,
        reader: Option<mpsc::Sender<Vec<SharedEnvelope>>>,
    ) -> Result<Replayed, RecoverError> {
        let mut recovery = Recovery::new(run.clone(), strategy).with_limits(limits);
        let (mut page, mut started_at) = (first, None);
        let fault = loop {
            let Some(last) = page.last() else {
                let last = recovery.last();
                return match recovery.finish() {
                    Ok(scheduler) => Ok(Replayed { scheduler, last, started_at }),
                    Err(fault) => Err(RecoverError::Replay { run: run.clone(), fault }),
                };
            };
            let after = Some(last.seq);
            let started = page.iter().find(|record| matches!(record.event, Event::RunStarted { .. }));
            started_at = started_at.or_else(|| started.map(|record| record.at));
            if let Err(fault) = recovery.replay(&mut self.fleet, page.iter().map(|record| &**record)) {
                break RecoverError::Replay { run: run.clone(), fault };
            }
            if let Some(reader) = &reader {
                // Who wanted to read may have gone.
                let _ = reader.send(page).await;
            }
            page = match self.journal.read(run, after, PAGE).await {
                Ok(page) => page,
                Err(error) => break RecoverError::Run(RunError::Journal(error.kind())),
            };
        };
        recovery.give_up(&mut self.fleet);
        Err(fault)
    }

    /// Tells a run that came back what the devices are now.
    fn look_around(&mut self, now: Timestamp, at: u32) {
        let Some(entry) = self.runs.get(at as usize).and_then(Option::as_deref) else { return };
        let mut away: Vec<DeviceIx> =
            entry.scheduler.live_attempts().into_iter().map(|(_, _, device)| device).collect();
        away.sort_unstable();
        away.dedup();
        away.retain(|device| !self.fleet.is_connected(*device));
        let here = self.fleet.devices().find(|device| self.fleet.is_connected(*device));
        for device in away {
            self.step(
                now,
                at,
                Input::DeviceChanged { device, change: DeviceChange::Down { certain: false } },
            );
        }
        // One is enough: the ledger says what all of them are.
        if let Some(device) = here {
            self.step(now, at, Input::DeviceChanged { device, change: DeviceChange::Up });
        }
    }
}
