//! What the driver does for handles: submit, look, forget, connect.

use std::sync::Arc;

use starline_assign::AssignmentStrategy;
use starline_device::Device;
use starline_scheduler::{Answer, Code, DeviceChange, Input, Plan, Refusal, Scheduler, Step};
use starline_types::{DeviceId, DeviceIx, Event, GraphSpec, RunId, RunState, Timestamp};

use crate::clock::{RunTime, Stopwatch};
use crate::command::{Command, Look};
use crate::core::{Closing, Core};
use crate::inbox::Said;
use crate::registry::{Entry, RunShared};
use crate::{DeviceRecord, RunError, RunOptions, StrategyChoice, SubmitError};

impl Core {
    pub(crate) async fn obey(&mut self, now: Timestamp, command: Command) {
        match command {
            Command::Run { run, input, reply } => self.command_run(now, run, input, reply, None),
            Command::Make { run, make, reply } => {
                let Some(entry) = self.runs.get(run as usize).and_then(Option::as_deref) else { return };
                // To make a batch of a whole graph is part of its check.
                let begun = Stopwatch::start();
                // Code of somebody else: its panic is the answer that does not come, and nothing more.
                let make = std::panic::AssertUnwindSafe(|| make(entry.scheduler.graph()));
                match std::panic::catch_unwind(make) {
                    Ok(input) => self.command_run(now, run, input, reply, Some(begun)),
                    Err(_) => tracing::error!(run = %entry.shared.id, "a maker of an edit panicked"),
                }
            }
            Command::Submit { graph, options, reply } => {
                let submitted = self.submit(now, graph, *options).await;
                let _ = reply.send(submitted);
            }
            Command::Recover { run, options, reply } => {
                let recovered = self.recover(now, run, *options).await;
                let _ = reply.send(recovered);
            }
            Command::Look { run, look } => self.look(now, run, look),
            Command::Forget { run, reply } => {
                let forgotten = self.forget(&run);
                let _ = reply.send(forgotten);
            }
            Command::Connect { device, reply } => {
                let id = self.connect(now, device);
                let _ = reply.send(id);
            }
            Command::Drain { device, draining, reply } => {
                let known = self.fleet.find(&device);
                if let Some(ix) = known {
                    self.fleet.set_draining(ix, draining);
                    let status = self.fleet.status(ix);
                    self.note_device(|_| Event::DeviceStatusChanged { device, status });
                    self.tell_all(now, ix, DeviceChange::Draining);
                }
                let _ = reply.send(known.is_some());
            }
            Command::ForgetDevice { device, reply } => {
                let known = self.fleet.find(&device);
                if let Some(ix) = known {
                    self.fleet.forget(ix);
                    self.devices[ix.at()] = None;
                    self.tell_all(now, ix, DeviceChange::Down { certain: false });
                }
                let _ = reply.send(known.is_some());
            }
            Command::Devices { reply } => {
                let records = self.fleet.devices().map(|ix| self.device_record(ix)).collect();
                let _ = reply.send(records);
            }
            Command::ShutDown { grace, reply } => {
                for run in 0..self.runs.len() {
                    let started = self.runs[run].as_ref().is_some_and(|entry| entry.scheduler.is_running());
                    if started {
                        self.step(now, u32::try_from(run).unwrap_or(u32::MAX), Input::Pause);
                    }
                }
                self.closing = Some(Closing { deadline: now + grace.into(), reply });
            }
        }
    }

    pub(crate) fn command_run(
        &mut self,
        now: Timestamp,
        run: u32,
        input: Input,
        reply: crate::command::Reply<Result<Answer, RunError>>,
        begun: Option<Stopwatch>,
    ) {
        let is_edit = matches!(input, Input::Submit { .. } | Input::Undo { .. } | Input::Redo { .. });
        let begun = begun.or_else(|| is_edit.then(Stopwatch::start));
        if let Some(halt) =
            self.runs.get(run as usize).and_then(Option::as_ref).and_then(|entry| entry.halted)
        {
            let _ = reply.send(Err(RunError::Journal(halt.fault)));
            return;
        }
        if !self.step(now, run, input) {
            let _ = reply.send(Err(RunError::ShutDown));
            return;
        }
        if let Some(entry) = self.runs.get_mut(run as usize).and_then(Option::as_deref_mut) {
            let answer = entry.step.answer.take().unwrap_or(Ok(Answer::Done));
            if let Some(begun) = begun.filter(|_| !is_busy(&answer)) {
                self.timers.edit_check.observe(begun.elapsed());
            }
            entry.replies.push((reply, answer.map_err(RunError::Refused)));
        }
    }

    async fn submit(
        &mut self,
        now: Timestamp,
        graph: Arc<GraphSpec>,
        options: RunOptions,
    ) -> Result<Arc<RunShared>, SubmitError> {
        let RunOptions { id, settings, strategy, assignments, limits, planner: _ } = options;
        let id = id.unwrap_or_else(|| fresh_run_id(self.clock.wall(now).0));
        if self.by_id.contains_key(&id) {
            return Err(SubmitError::DuplicateRun(id));
        }
        if self.by_id.len() >= self.settings.max_runs {
            return Err(SubmitError::TooManyRuns { max: self.settings.max_runs });
        }
        let strategy = self.chosen(strategy);
        let plan = Plan { graph, settings: Arc::new(settings), assignments, limits };
        let mut step = Step::default();
        let name = plan.graph.name.clone();
        let time = RunTime::going_on(Timestamp(0), now);
        let scheduler =
            Scheduler::create(id.clone(), plan, strategy, time.at(now), &mut self.fleet, &mut step)?;
        let opened = self
            .journal
            .open(&id)
            .await
            .map_err(|error| SubmitError::Run(RunError::Journal(error.kind())))?;
        if opened.tail.is_some() {
            return Err(SubmitError::DuplicateRun(id));
        }
        let settings = Arc::clone(scheduler.settings());
        let shared = Arc::new(RunShared::new(id, name, settings, self.free_place()));
        self.take_in(Entry::new(scheduler, Arc::clone(&shared), opened.fence, time, step));
        Ok(shared)
    }

    pub(crate) fn chosen(&self, strategy: StrategyChoice) -> Option<Box<dyn AssignmentStrategy>> {
        match strategy {
            StrategyChoice::Default => Some((self.settings.strategy)()),
            StrategyChoice::None => None,
            StrategyChoice::Own(strategy) => Some(strategy),
        }
    }

    /// Where the next run has its place.
    pub(crate) fn free_place(&self) -> u32 {
        let at = self.runs.iter().position(Option::is_none).unwrap_or(self.runs.len());
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Puts a run in its place; what it has recorded is persisted with the present burst.
    pub(crate) fn take_in(&mut self, entry: Entry) {
        let shared = Arc::clone(&entry.shared);
        shared.update(&entry.scheduler);
        let at = shared.at as usize;
        if at == self.runs.len() {
            self.runs.push(Some(Box::new(entry)));
        } else {
            self.runs[at] = Some(Box::new(entry));
        }
        self.touched.push(shared.at);
        self.by_id.insert(shared.id.clone(), shared.at);
        self.directory.insert(shared.id.clone(), shared);
    }

    fn look(&mut self, now: Timestamp, run: u32, look: Look) {
        let Self { runs, fleet, clock, .. } = self;
        let Some(entry) = runs.get_mut(run as usize).and_then(Option::as_deref_mut) else { return };
        let scheduler = &entry.scheduler;
        let time = entry.time;
        let (moment, now) = (now, time.at(now));
        match look {
            Look::Snapshot(reply) => {
                let cached = entry.snapshot.take().filter(|(seq, _)| *seq == scheduler.seq());
                let snapshot = match cached {
                    Some((_, snapshot)) => snapshot,
                    None => Arc::new(scheduler.snapshot(now, fleet)),
                };
                entry.snapshot = Some((scheduler.seq(), Arc::clone(&snapshot)));
                let _ = reply.send(snapshot);
            }
            Look::Outcome(reply) => {
                let wall = |started| entry.started_at.unwrap_or_else(|| clock.wall(time.moment(started)));
                let epoch = scheduler.started().map_or(0, |started| wall(started).0);
                let _ = reply.send(scheduler.outcome(fleet).map(|outcome| outcome.shifted(epoch)));
            }
            Look::TaskOutcome(task, reply) => {
                let found = scheduler.graph().find(task.as_str());
                let _ = reply.send(found.and_then(|task| scheduler.task_outcome(task, fleet)));
            }
            Look::Assignments(reply) => {
                let _ = reply.send(scheduler.assignments(fleet));
            }
            Look::Policy(reply) => {
                let _ = reply.send(scheduler.settings().policy.clone());
            }
            Look::Explanation(task, reply) => {
                let mut explained = scheduler.explain(&task, now, fleet);
                if let Some(explanation) = &mut explained {
                    fleet.tell_last_seen(explanation, moment);
                }
                let _ = reply.send(explained);
            }
            Look::Graph(read) => {
                // Code of somebody else: its panic is the answer that does not come, and nothing more.
                let read = std::panic::AssertUnwindSafe(|| read(scheduler.graph()));
                if std::panic::catch_unwind(read).is_err() {
                    tracing::error!(run = %entry.shared.id, "a reader of the graph panicked");
                }
            }
            Look::Findings(reply) => {
                let _ = reply.send(scheduler.validate_assignments(fleet));
            }
        }
    }

    fn forget(&mut self, run: &RunId) -> Result<bool, RunError> {
        const ALLOWED: &[RunState] = &[
            RunState::Created,
            RunState::Ready,
            RunState::Completed,
            RunState::PartiallyFailed,
            RunState::Failed,
            RunState::Cancelled,
        ];
        let Some(at) = self.by_id.get(run).copied() else { return Ok(false) };
        let state =
            self.runs[at as usize].as_ref().map_or(RunState::Created, |entry| entry.scheduler.run_state());
        if !ALLOWED.contains(&state) {
            return Err(RunError::Refused(Refusal::WrongRunState { state, allowed: ALLOWED }));
        }
        self.by_id.remove(run);
        self.directory.remove(run);
        if let Some(mut entry) = self.runs[at as usize].take() {
            entry.scheduler.release_plans(&mut self.fleet);
        }
        Ok(true)
    }

    fn connect(&mut self, now: Timestamp, device: Arc<dyn Device>) -> DeviceId {
        let profile = device.profile().clone();
        let id = profile.id.clone();
        let ix = self.fleet.register(profile);
        if self.devices.len() <= ix.at() {
            self.devices.resize_with(ix.at() + 1, || None);
        }
        if let Some(mut signals) = device.signals() {
            let inbox = self.dispatcher.inbox();
            self.dispatcher.beside(async move {
                while let Some(signal) = futures_util::StreamExt::next(&mut signals).await {
                    match signal {
                        starline_device::DeviceSignal::Progress { attempt, stream, text } => {
                            inbox.say(Said::Progress { attempt, stream, text });
                        }
                        starline_device::DeviceSignal::Checkpoint { attempt, content } => {
                            inbox.say(Said::Checkpoint { attempt, content });
                        }
                        starline_device::DeviceSignal::Lost { reason, certain } => {
                            inbox.say(Said::Lost { device: ix, reason, certain });
                        }
                        _ => {}
                    }
                }
            });
        }
        self.devices[ix.at()] = Some(device);
        self.fleet.set_connected(ix, true);
        let device = id.clone();
        self.note_device(|all_devices| Event::DeviceConnected { device, all_devices });
        self.tell_all(now, ix, DeviceChange::Up);
        id
    }

    fn device_record(&self, ix: DeviceIx) -> DeviceRecord {
        let (running, queued) = self.fleet.load(ix);
        DeviceRecord {
            profile: self.fleet.profile(ix).as_ref().clone(),
            status: self.fleet.status(ix),
            running,
            queued,
        }
    }
}

/// Whether a batch came too fast to be looked at.
fn is_busy(answer: &Result<Answer, Refusal>) -> bool {
    let Err(Refusal::Rejected(rejection)) = answer else { return false };
    rejection.faults.iter().any(|fault| fault.code == Code::Busy)
}

/// An id for a run: the first 23 characters of a ULID, which sort by time and live inline.
fn fresh_run_id(epoch_ms: u64) -> RunId {
    static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let mut text = ulid::Ulid::from_parts(epoch_ms, rand_bits()).to_string();
    text.truncate(23);
    RunId::new(&text).unwrap_or_else(|_| {
        // A ULID is within the alphabet of ids; should that ever change, a counter still is unique.
        let n = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        RunId::new(format!("run-{n}")).unwrap_or_else(|_| RunId::system())
    })
}

/// Random bits without a generator of our own: the keys of the standard hasher are random for each process
/// and differ with each instance.
fn rand_bits() -> u128 {
    use std::hash::{BuildHasher, RandomState};
    let half = || u128::from(RandomState::new().hash_one(0_u8));
    half() << 64 | half()
}
