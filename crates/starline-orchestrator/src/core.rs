//! The one owner of all runs and of the fleet: hear, step, place, persist, publish, act.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use rustc_hash::FxHashMap;
use starline_device::Device;
use starline_event::EventSink;
use starline_journal::{Journal, JournalFault};
use starline_scheduler::{DeviceChange, Fleet, Input};
use starline_types::{DeviceIx, Envelope, Event, Revision, RunId, Seq, SharedEnvelope, Timestamp};

use crate::RunError;
use crate::clock::{Clock, Stopwatch};
use crate::command::Command;
use crate::dispatch::{Dispatcher, Job};
use crate::inbox::Mail;
use crate::recover::AGAIN;
use crate::registry::{Entry, Halt, RunShared};
use crate::sync::{AtomicBool, Ordering};
use crate::timing::{Recorder, Timers};

/// Tasks that a run may place in one burst: enough to share its cost, and so few that what they bring along
/// stays in the caches of a processor.
const TURN: usize = 64;
/// Tasks after which a burst looks whether somebody asks for something, and ends early then.
const CHUNK: usize = 8;

/// The one owner of all runs and of the fleet.
pub(crate) struct Core {
    pub(crate) clock: Clock,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) sink: Arc<dyn EventSink>,
    pub(crate) settings: crate::builder::Defaults,
    pub(crate) fleet: Fleet,
    /// Devices by index; none for a seat without a connection.
    pub(crate) devices: Vec<Option<Arc<dyn Device>>>,
    /// Boxed, as an entry is moved in and out in every burst.
    pub(crate) runs: Vec<Option<Box<Entry>>>,
    pub(crate) by_id: FxHashMap<RunId, u32>,
    pub(crate) directory: Arc<dashmap::DashMap<RunId, Arc<RunShared>>>,
    /// What is to be heard in the present burst.
    pub(crate) mail: Mail,
    pub(crate) dispatcher: Dispatcher,
    /// Runs with something to persist or to place.
    pub(crate) touched: Vec<u32>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) system_seq: Seq,
    pub(crate) system_events: Vec<Event>,
    pub(crate) armed: Option<Timestamp>,
    pub(crate) closing: Option<Closing>,
    /// No handle is left.
    pub(crate) abandoned: bool,
    /// Some run could place more.
    pub(crate) more: bool,
    /// The run that is offered slots first.
    pub(crate) first_run: usize,
    /// Somebody waits for an answer.
    pub(crate) is_asked: Arc<AtomicBool>,
    pub(crate) timers: Arc<Timers>,
}

/// A shutdown in progress.
pub(crate) struct Closing {
    pub(crate) deadline: Timestamp,
    pub(crate) reply: crate::command::Reply<()>,
}

impl Core {
    /// Whether a burst needs no waiting, so that whoever brings a report or a prompt command may
    /// do it.
    pub(crate) fn works_anywhere(&self) -> bool {
        !self.journal.keeps() && self.closing.is_none() && !self.abandoned
    }

    /// Whether the orchestrator is shutting down.
    pub(crate) fn is_ending(&self) -> bool {
        self.closing.is_some() || self.abandoned
    }

    /// When the core has something to do by itself.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.armed
    }

    /// A burst without a journal, and without what only the driver can do. Commands go first and are answered at
    /// once: a burst that has some does nothing else. What is to be run is put in hand, or sent to the dispatcher
    /// where there is none. Returns how many commands were answered.
    pub(crate) fn work(&mut self, hand: Option<&mut Vec<Job>>) -> usize {
        let now = self.begin_burst();
        let commands = self.mail.commands.len();
        if commands == 0 {
            self.hear_mail(now);
            self.place(now);
        } else {
            self.obey_prompt(now);
        }
        let touched = std::mem::take(&mut self.touched);
        for run in &touched {
            if let Some(mut entry) = self.take_touched(*run) {
                let published = self.envelopes(now, &mut entry, false);
                self.finish(*run, entry, published);
            }
        }
        if let Some(hand) = hand {
            hand.append(&mut self.jobs);
        }
        self.end_burst(now, touched);
        commands
    }

    /// Obeys commands that need no waiting. What they make ready is placed in the next burst.
    fn obey_prompt(&mut self, now: Timestamp) {
        let mut commands = std::mem::take(&mut self.mail.commands);
        for (command, _place) in commands.drain(..) {
            debug_assert!(command.is_prompt(), "others are left to the driver");
            if let Command::Run { run, input, reply } = command {
                self.command_run(now, run, input, reply, None);
                let entry = self.runs.get(run as usize).and_then(Option::as_deref);
                self.more |= entry.is_some_and(|entry| entry.scheduler.wants_placing(&self.fleet));
            }
        }
        self.mail.commands = commands;
    }

    /// A burst with everything. Returns false when the orchestrator is to end.
    pub(crate) async fn work_through(&mut self) -> bool {
        let now = self.begin_burst();
        self.revive_halted(now).await;
        self.hear_mail(now);
        self.mail.for_driver = false;
        for (command, place) in std::mem::take(&mut self.mail.commands) {
            self.obey(now, command).await;
            drop(place);
        }
        self.place(now);
        self.hash_states(now);
        self.persist_publish_act(now).await;
        if self.abandoned && self.closing.is_none() {
            let (reply, _) = tokio::sync::oneshot::channel();
            self.closing = Some(Closing { deadline: now, reply });
        }
        !self.closing.as_ref().is_some_and(|closing| closing.deadline <= now || self.is_quiet())
    }

    fn begin_burst(&mut self) -> Timestamp {
        self.fleet.watch(self.sink.wants(&RunId::system()));
        self.clock.now()
    }

    /// Feeds an input to a run; its facts wait for [`persist_publish_act`](Self::persist_publish_act).
    pub(crate) fn step(&mut self, now: Timestamp, run: u32, input: Input) -> bool {
        let Some(entry) = self.runs.get_mut(run as usize).and_then(Option::as_deref_mut) else {
            return false;
        };
        if entry.halted.is_some() {
            return false;
        }
        if !entry.touched {
            entry.touched = true;
            self.touched.push(run);
        }
        entry.scheduler.step_into(entry.time.at(now), input, &mut self.fleet, &mut entry.step);
        true
    }

    /// Offers free slots to all runs that want some. What is left over has its turn in the next burst.
    fn place(&mut self, now: Timestamp) {
        let keeps = self.journal.keeps();
        let Self { runs, fleet, touched, is_asked, .. } = self;
        let mut more = false;
        // Another run is the first each time, so that an early one does not take every slot.
        let first = self.first_run.checked_rem(runs.len()).unwrap_or(0);
        self.first_run = first + 1;
        for at in (first..runs.len()).chain(0..first) {
            let Some(entry) = &mut runs[at] else { continue };
            if entry.halted.is_some() || !(entry.wants_more || entry.scheduler.wants_placing(fleet)) {
                continue;
            }
            if !entry.touched {
                entry.touched = true;
                touched.push(u32::try_from(at).unwrap_or(u32::MAX));
            }
            let now = entry.time.at(now);
            for _ in 0..TURN / CHUNK {
                entry.wants_more = entry.scheduler.place(now, fleet, CHUNK, &mut entry.step);
                if !entry.wants_more || !keeps && is_asked.load(Ordering::Relaxed) {
                    break;
                }
            }
            more |= entry.wants_more;
        }
        self.more = more;
    }

    /// Every now and then the hash of the state is kept among the facts, so that a replay can prove itself.
    fn hash_states(&mut self, now: Timestamp) {
        if !self.journal.keeps() {
            return;
        }
        for at in 0..self.touched.len() {
            let run = self.touched[at];
            let entry = self.runs.get(run as usize).and_then(Option::as_deref);
            if entry.is_some_and(|entry| entry.scheduler.wants_hash()) {
                self.step(now, run, Input::HashState);
            }
        }
    }

    /// Makes the facts of the burst durable, then visible, then real.
    async fn persist_publish_act(&mut self, now: Timestamp) {
        let keeps = self.journal.keeps();
        let touched = std::mem::take(&mut self.touched);
        let mut burst = Vec::with_capacity(touched.len());
        for run in &touched {
            let Some(mut entry) = self.take_touched(*run) else { continue };
            let wanted = self.envelopes(now, &mut entry, keeps);
            burst.push((*run, entry, wanted));
        }
        if keeps {
            // Together: a journal that writes in groups needs one write for all of them.
            let (journal, took) = (&*self.journal, &self.timers.journal_append);
            join_all(burst.iter_mut().map(|(_, entry, _)| persist(journal, now, entry, took))).await;
        }
        for (run, entry, wanted) in burst {
            self.finish(run, entry, wanted);
        }
        self.end_burst(now, touched);
    }

    /// Goes on with runs whose journal may take records again.
    async fn revive_halted(&mut self, now: Timestamp) {
        for at in 0..self.runs.len() {
            let halt = self.runs[at].as_deref().and_then(|entry| entry.halted);
            if halt.and_then(|halt| halt.again).is_some_and(|again| again <= now) {
                self.revive(now, u32::try_from(at).unwrap_or(u32::MAX)).await;
            }
        }
    }

    /// Takes a run out of the registry for the end of its burst.
    fn take_touched(&mut self, run: u32) -> Option<Box<Entry>> {
        let mut entry = self.runs.get_mut(run as usize)?.take()?;
        entry.touched = false;
        Some(entry)
    }

    /// Puts the facts of a burst into envelopes, if anybody wants them. Returns whether readers do.
    fn envelopes(&self, now: Timestamp, entry: &mut Entry, keeps: bool) -> bool {
        let wanted = self.sink.wants(&entry.shared.id);
        if !keeps && !wanted {
            entry.step.events.clear();
            return false;
        }
        let at = self.clock.wall(now);
        let t = entry.time.at(now);
        let mut revision = revision_before(&entry.step.events).unwrap_or_else(|| entry.scheduler.revision());
        let mut seq = Seq(entry.scheduler.seq().0 - entry.step.events.len() as u64);
        let Entry { step, envelopes, shared, .. } = entry;
        let mut facts = step.events.drain(..).map(|event| {
            seq = seq.next();
            if let Event::EditCommitted(applied) = &event {
                revision = applied.revision;
            }
            Envelope { seq, run_id: shared.id.clone(), revision, t, at, cause: None, event }
        });
        while facts.len() > 0 {
            envelopes.extend(SharedEnvelope::share(&mut facts));
        }
        wanted
    }

    /// Publishes and acts, answers who asked, and puts the run back.
    fn finish(&mut self, run: u32, mut entry: Box<Entry>, wanted: bool) {
        if entry.halted.is_none() {
            if wanted && !entry.envelopes.is_empty() {
                self.sink.publish(&entry.envelopes);
            }
            self.act(run, &mut entry);
            entry.shared.update(&entry.scheduler);
        }
        entry.envelopes.clear();
        for (reply, answer) in entry.replies.drain(..) {
            let answer = entry.halted.map_or(answer, |halt| Err(RunError::Journal(halt.fault)));
            // Who asked may have gone.
            let _ = reply.send(answer);
        }
        let next = entry.deadline();
        self.want_wake(next);
        self.runs[run as usize] = Some(entry);
    }

    fn end_burst(&mut self, now: Timestamp, mut touched: Vec<u32>) {
        touched.clear();
        self.touched = touched;
        if let Some(closing) = &self.closing {
            let deadline = closing.deadline;
            self.want_wake(Some(deadline));
        }
        if !self.jobs.is_empty() {
            self.dispatcher.send(&mut self.jobs);
        }
        self.publish_system(now);
    }

    pub(crate) fn envelope(&self, now: Timestamp, entry: &Entry, seq: Seq, event: Event) -> Envelope {
        Envelope {
            seq,
            run_id: entry.shared.id.clone(),
            revision: entry.scheduler.revision(),
            t: entry.time.at(now),
            at: self.clock.wall(now),
            cause: None,
            event,
        }
    }

    /// Lets every run do what is due.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        self.armed = None;
        for run in 0..self.runs.len() {
            let due = self.runs[run].as_ref().and_then(|entry| entry.deadline());
            if due.is_some_and(|at| at <= now) {
                self.step(now, u32::try_from(run).unwrap_or(u32::MAX), Input::Tick);
            }
        }
        // All deadlines are looked at again.
        for run in 0..self.runs.len() {
            let next = self.runs[run].as_ref().and_then(|entry| entry.deadline());
            self.want_wake(next);
        }
    }

    /// Wakes the driver at a deadline, if that is earlier than planned. One that is no longer of interest costs
    /// an idle wake.
    pub(crate) fn want_wake(&mut self, at: Option<Timestamp>) {
        if let Some(at) = at
            && self.armed.is_none_or(|armed| at < armed)
        {
            self.armed = Some(at);
        }
    }

    fn publish_system(&mut self, now: Timestamp) {
        for (device, status) in self.fleet.turned() {
            let device = self.fleet.id(device).clone();
            self.system_events.push(Event::DeviceStatusChanged { device, status });
        }
        if self.system_events.is_empty() {
            return;
        }
        let events = std::mem::take(&mut self.system_events);
        let envelopes: Vec<SharedEnvelope> = events
            .into_iter()
            .map(|event| {
                self.system_seq = self.system_seq.next();
                SharedEnvelope::from(Envelope {
                    seq: self.system_seq,
                    run_id: RunId::system(),
                    revision: Revision(0),
                    t: now,
                    at: self.clock.wall(now),
                    cause: None,
                    event,
                })
            })
            .collect();
        self.sink.publish(&envelopes);
    }

    pub(crate) fn note_device(
        &mut self,
        make: impl FnOnce(Arc<BTreeMap<starline_types::DeviceId, starline_types::DeviceStatus>>) -> Event,
    ) {
        if self.sink.wants(&RunId::system()) {
            let all =
                self.fleet.devices().map(|ix| (self.fleet.id(ix).clone(), self.fleet.status(ix))).collect();
            self.system_events.push(make(Arc::new(all)));
        }
    }

    pub(crate) fn device_lost(
        &mut self,
        now: Timestamp,
        device: DeviceIx,
        reason: Option<String>,
        certain: bool,
    ) {
        if !self.fleet.is_connected(device) {
            // What was only suspected may have become certain.
            if certain {
                self.tell_all(now, device, DeviceChange::Down { certain });
            }
            return;
        }
        self.fleet.set_connected(device, false);
        self.fleet.set_lost(device, now);
        if let Some(seat) = self.devices.get_mut(device.at()) {
            *seat = None;
        }
        let id = self.fleet.id(device).clone();
        self.note_device(|all_devices| Event::DeviceDisconnected { device: id, reason, all_devices });
        self.tell_all(now, device, DeviceChange::Down { certain });
    }

    pub(crate) fn tell_all(&mut self, now: Timestamp, device: DeviceIx, change: DeviceChange) {
        for run in 0..self.runs.len() {
            self.step(now, u32::try_from(run).unwrap_or(u32::MAX), Input::DeviceChanged { device, change });
        }
    }

    /// Whether no attempt is live.
    fn is_quiet(&self) -> bool {
        self.runs.iter().flatten().all(|entry| entry.scheduler.graph().counts().running == 0)
    }

    /// Answers everybody who still waits; the runs are gone after this.
    pub(crate) fn close(&mut self) {
        for entry in self.runs.iter_mut().flatten() {
            for (reply, _) in entry.replies.drain(..) {
                let _ = reply.send(Err(RunError::ShutDown));
            }
            entry.shared.give_up();
        }
        self.runs.clear();
        self.devices.clear();
        self.directory.clear();
    }
}

/// The revision before a burst in which somebody edited.
fn revision_before(events: &[Event]) -> Option<Revision> {
    events.iter().find_map(|event| match event {
        Event::EditCommitted(applied) => Some(Revision(applied.revision.0.saturating_sub(1))),
        _ => None,
    })
}

/// Makes the facts of a run durable. If the journal refuses, the run stands still: what it has in memory is
/// ahead of what is kept, so nothing of it may be seen or done.
async fn persist(journal: &dyn Journal, now: Timestamp, entry: &mut Entry, took: &Recorder) {
    if entry.envelopes.is_empty() {
        entry.unsettled.clear();
        return;
    }
    let begun = Stopwatch::start();
    let appended = journal.append(&entry.shared.id, entry.fence, &entry.envelopes).await;
    took.observe(begun.elapsed());
    if let Err(error) = appended {
        tracing::error!(run = %entry.shared.id, %error, "the journal refused records");
        let again = (error.kind() == JournalFault::Full).then(|| now + AGAIN);
        entry.halted = Some(Halt { fault: error.kind(), again });
        entry.step.effects.clear();
        return;
    }
    entry.unsettled.clear();
}
