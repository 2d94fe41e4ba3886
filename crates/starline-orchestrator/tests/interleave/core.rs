//! A core that counts what it hears, and says when two have it at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use starline_device::Device;
use starline_types::{
    Attempt, AttemptId, DeviceIx, Payload, RunId, SparseMap, TaskId, TaskIx, TaskRef, TaskSpec, Timestamp,
};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::command::Command;
use crate::dispatch::{Dispatcher, Job};
use crate::inbox::{Mail, Report};
use crate::shuttle::{future, thread};
use crate::sync::{AtomicBool, Ordering};

/// Attempts of a chain.
pub(crate) const LENGTH: u32 = 3;
/// Attempts that one burst begins.
const TURN: usize = 1;

/// What the core did, as the test sees it.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    is_held: bool,
    pub(crate) obeyed: usize,
    pub(crate) said: usize,
    /// Chain and number of each report, in the order in which they were heard.
    pub(crate) heard: Vec<(u32, u32)>,
}

/// Shared by the core and the test; nothing else happens while it is held.
pub(crate) type SharedLedger = Arc<Mutex<Ledger>>;

pub(crate) struct Core {
    pub(crate) mail: Mail,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) closing: Option<Closing>,
    pub(crate) abandoned: bool,
    pub(crate) more: bool,
    clock: Clock,
    ledger: SharedLedger,
    is_asked: Arc<AtomicBool>,
    /// Whether only the driver works, as with a journal.
    keeps: bool,
    device: Arc<dyn Device>,
    armed: Option<Timestamp>,
    alarms: Vec<oneshot::Sender<()>>,
    ready: VecDeque<(u32, u32)>,
    jobs: Vec<Job>,
    running: u32,
    ended: Option<oneshot::Sender<()>>,
}

/// A shutdown in progress.
pub(crate) struct Closing {
    pub(crate) reply: oneshot::Sender<()>,
}

impl Core {
    pub(crate) fn new(
        dispatcher: Dispatcher,
        clock: Clock,
        ledger: SharedLedger,
        device: Arc<dyn Device>,
        keeps: bool,
    ) -> Self {
        let is_asked = dispatcher.inbox().is_asked();
        Self {
            mail: Mail::default(),
            dispatcher,
            closing: None,
            abandoned: false,
            more: false,
            clock,
            ledger,
            is_asked,
            keeps,
            device,
            armed: None,
            alarms: Vec::new(),
            ready: VecDeque::new(),
            jobs: Vec::new(),
            running: 0,
            ended: None,
        }
    }

    pub(crate) fn works_anywhere(&self) -> bool {
        !self.keeps && self.closing.is_none() && !self.abandoned
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.closing.is_some() || self.abandoned
    }

    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.armed
    }

    /// A burst of somebody who is not the driver: commands, or else reports.
    pub(crate) fn work(&mut self, hand: Option<&mut Vec<Job>>) -> usize {
        self.hold();
        thread::yield_now();
        let commands = std::mem::take(&mut self.mail.commands);
        let answered = commands.len();
        for (command, _place) in commands {
            assert!(command.is_prompt(), "others are left to the driver");
            self.obey(command);
        }
        if answered == 0 {
            self.hear();
            self.place();
        }
        if let Some(hand) = hand {
            hand.append(&mut self.jobs);
        }
        self.let_go();
        answered
    }

    /// A burst of the driver. Returns false at the end.
    pub(crate) async fn work_through(&mut self) -> bool {
        self.hold();
        self.hear();
        self.mail.for_driver = false;
        for (command, place) in std::mem::take(&mut self.mail.commands) {
            future::yield_now().await;
            self.obey(command);
            drop(place);
        }
        self.place();
        self.let_go();
        !self.is_ending()
    }

    fn hear(&mut self) {
        self.ledger().said += std::mem::take(&mut self.mail.said).len();
        while let Some(report) = self.mail.reports.pop_front() {
            self.hear_report(&report);
            if self.is_asked.load(Ordering::Relaxed) && !self.keeps {
                break;
            }
        }
        if self.armed.is_some_and(|at| at <= self.clock.now()) {
            self.armed = None;
            self.alarms.drain(..).for_each(answer);
        }
    }

    fn hear_report(&mut self, report: &Report) {
        let (chain, number) = (report.run, report.attempt);
        self.ledger().heard.push((chain, number));
        if number < LENGTH {
            self.ready.push_back((chain, number + 1));
            return;
        }
        self.running -= 1;
        if self.running == 0 {
            self.ended.take().into_iter().for_each(answer);
        }
    }

    fn obey(&mut self, command: Command) {
        self.ledger().obeyed += 1;
        match command {
            Command::Small { reply } | Command::Large { reply } => answer(reply),
            Command::Chains { count, reply } => {
                self.ready.extend((0..count).map(|chain| (chain, 1)));
                self.running = count;
                self.ended = Some(reply);
                self.more = true;
            }
            Command::Alarm { at, reply } => {
                self.armed = Some(self.armed.map_or(Timestamp(at), |armed| armed.min(Timestamp(at))));
                self.alarms.push(reply);
            }
            Command::ShutDown { reply } => self.closing = Some(Closing { reply }),
        }
    }

    fn place(&mut self) {
        for (chain, number) in self.ready.drain(..TURN.min(self.ready.len())) {
            self.jobs.push(job(chain, number, &self.device));
        }
        self.more = !self.ready.is_empty();
    }

    fn hold(&mut self) {
        let was_held = std::mem::replace(&mut self.ledger().is_held, true);
        assert!(!was_held, "one holder at a time");
    }

    fn let_go(&mut self) {
        if !self.jobs.is_empty() {
            self.dispatcher.send(&mut self.jobs);
        }
        self.ledger().is_held = false;
    }

    /// Nobody is answered any more.
    pub(crate) fn close(&mut self) {
        self.alarms.clear();
        self.ended = None;
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(reply: oneshot::Sender<()>) {
    // Who asked may have gone.
    let _ = reply.send(());
}

fn job(chain: u32, number: u32, on: &Arc<dyn Device>) -> Job {
    let id = TaskId::new(format!("chain-{chain}")).expect("an id");
    let attempt = Attempt {
        id: AttemptId { run: RunId::system(), task: TaskRef::new(id.clone(), TaskIx(chain)), number },
        payload: Payload::default(),
        timeout: None,
        files: SparseMap::default(),
        checkpoint: None,
        spec: Arc::new(TaskSpec::new(id, Payload::default())),
    };
    Job { run: chain, device: DeviceIx(0), on: Arc::clone(on), attempt }
}
