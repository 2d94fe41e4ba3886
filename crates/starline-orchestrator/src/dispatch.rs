//! Attempts on their way to devices.
//!
//! An attempt is polled once by a runner, one of as many tasks as the runtime has workers; most attempts of
//! in-process devices end there. One that has to wait becomes a task of its own. So an attempt costs a task
//! only if it waits, and as many attempts compute at the same time as there are workers.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::task::AtomicWaker;
use starline_device::DeviceError;
use starline_types::{Attempt, AttemptId, ConfirmedBy, DeviceIx, ErrorKind, TaskError, TaskRef, TaskReport};

use crate::inbox::{Content, Inbox, Report};
use crate::sync::{
    AtomicBool, AtomicU64, Handle, JoinSet, Mutex, MutexGuard, Ordering, PoisonError, Rule, is_broken, sleep,
};

/// Attempts that a runner takes at once, at the most: few, as one that computes for long delays the others.
const GRIP: usize = 16;
/// The same for the only runner, which nobody can help anyway.
const LONE_GRIP: usize = 64;
/// Attempts after which a runner lets other tasks of the runtime run.
const BUDGET: usize = 32;

type Running = Pin<Box<dyn Future<Output = Result<TaskReport, DeviceError>> + Send>>;

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
}

/// One runner, as the others see it.
#[derive(Debug, Default)]
struct Seat {
    waker: AtomicWaker,
    idle: AtomicBool,
    /// Grips taken and worked off: odd while attempts are in the hand, and not yet with their device.
    grips: AtomicU64,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    seats: Vec<Seat>,
    inbox: Arc<Inbox>,
    /// Attempts that wait, and requests to stop: tasks of their own, ended with the dispatcher.
    tasks: Mutex<JoinSet<()>>,
    /// Where they run: whoever sends a command may be outside of it.
    runtime: Handle,
    closed: AtomicBool,
}

/// An attempt on its way to a device.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) run: u32,
    pub(crate) device: DeviceIx,
    pub(crate) on: Arc<dyn starline_device::Device>,
    pub(crate) attempt: Attempt,
}

/// Sends attempts to devices and their reports to the inbox.
#[derive(Clone, Debug)]
pub(crate) struct Dispatcher {
    shared: Arc<Shared>,
}

impl Dispatcher {
    /// Starts the runners on the present runtime; they end with the set.
    pub(crate) fn start(inbox: Arc<Inbox>) -> (Self, JoinSet<()>) {
        let runtime = Handle::current();
        let workers = runtime.metrics().num_workers().max(1);
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            seats: (0..workers).map(|_| Seat::default()).collect(),
            inbox,
            tasks: Mutex::default(),
            runtime,
            closed: AtomicBool::new(false),
        });
        let mut runners = JoinSet::new();
        for seat in 0..workers {
            runners.spawn(Runner {
                shared: Arc::clone(&shared),
                seat,
                grip: Vec::new(),
                done: Vec::new(),
                fresh: Vec::new(),
                busy: false,
            });
        }
        (Self { shared }, runners)
    }

    /// Where reports go.
    pub(crate) fn inbox(&self) -> Arc<Inbox> {
        Arc::clone(&self.shared.inbox)
    }

    /// Hands attempts over, leaving the vector empty.
    pub(crate) fn send(&self, jobs: &mut Vec<Job>) {
        self.shared.lock().jobs.extend(jobs.drain(..));
        self.shared.wake_one();
    }

    /// Whether a runner has something in hand, or is about to look for something.
    pub(crate) fn has_awake_runners(&self) -> bool {
        self.shared.seats.iter().any(|seat| !seat.idle.load(Ordering::Acquire))
    }

    /// Asks a device to end an attempt, and says when it has.
    pub(crate) fn cancel(&self, job: CancelJob) {
        let inbox = Arc::clone(&self.shared.inbox);
        let shared = Arc::clone(&self.shared);
        self.shared.spawn(async move {
            let CancelJob { run, device, on, attempt, force } = job;
            let (task, number) = (attempt.task.clone(), attempt.number);
            if shared.withdraw(run, &attempt) {
                // It never began.
                let content = Content::Stopped(ConfirmedBy::Ack);
                return inbox.add(Report { run, task, attempt: number, device, content });
            }
            shared.quiescence().await;
            if let Err(error) = on.cancel(attempt, force).await {
                tracing::warn!(%task, attempt = number, %error, "the device cannot say whether an attempt has stopped");
                return;
            }
            // The report of the attempt itself says more, and is on its way.
            sleep(std::time::Duration::from_millis(50)).await;
            let content = Content::Stopped(ConfirmedBy::Ack);
            inbox.add(Report { run, task, attempt: number, device, content });
        });
    }

    /// Asks a device what became of an attempt that it has from an earlier process.
    pub(crate) fn rejoin(&self, job: RejoinJob) {
        let RejoinJob { run, device, on, attempt } = job;
        let (task, number) = (attempt.task.clone(), attempt.number);
        self.shared.follow(run, task, number, device, on.rejoin(attempt));
    }

    /// Runs something beside the core, for as long as the dispatcher lives.
    pub(crate) fn beside(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.shared.spawn(work);
    }

    /// Ends everything that still runs and waits until it is gone.
    pub(crate) async fn close(&self, mut runners: JoinSet<()>) {
        self.shared.closed.store(true, Ordering::Release);
        runners.shutdown().await;
        self.shared.lock().jobs.clear();
        let mut tasks =
            std::mem::take(&mut *self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }
}

/// A question about an attempt of an earlier process.
#[derive(Debug)]
pub(crate) struct RejoinJob {
    pub(crate) run: u32,
    pub(crate) device: DeviceIx,
    pub(crate) on: Arc<dyn starline_device::Device>,
    pub(crate) attempt: AttemptId,
}

/// A request to end an attempt.
#[derive(Debug)]
pub(crate) struct CancelJob {
    pub(crate) run: u32,
    pub(crate) device: DeviceIx,
    pub(crate) on: Arc<dyn starline_device::Device>,
    pub(crate) attempt: AttemptId,
    pub(crate) force: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an attempt out of the queue, if it is still there.
    fn withdraw(&self, run: u32, attempt: &AttemptId) -> bool {
        let mut queue = self.lock();
        let at = queue.jobs.iter().position(|job| job.run == run && job.attempt.id == *attempt);
        at.and_then(|at| queue.jobs.remove(at)).is_some()
    }

    /// Waits until every attempt that was in the hand of a runner is with its device: a request to stop must
    /// not arrive before the attempt.
    async fn quiescence(&self) {
        let busy: Vec<(usize, u64)> = self
            .seats
            .iter()
            .enumerate()
            .map(|(at, seat)| (at, seat.grips.load(Ordering::Acquire)))
            .filter(|(_, grips)| grips % 2 == 1)
            .collect();
        for (at, grips) in busy {
            while self.seats[at].grips.load(Ordering::Acquire) == grips {
                sleep(std::time::Duration::from_millis(1)).await;
            }
        }
    }

    fn wake_one(&self) {
        if let Some(seat) = self.seats.iter().find(|seat| seat.idle.swap(false, Ordering::AcqRel)) {
            seat.waker.wake();
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(work, &self.runtime);
    }

    /// An attempt that has to wait becomes a task of its own.
    fn follow(self: &Arc<Self>, run: u32, task: TaskRef, attempt: u32, device: DeviceIx, running: Running) {
        let inbox = Arc::clone(&self.inbox);
        self.spawn(async move {
            let ended = AssertUnwindSafe(running).catch_unwind().await;
            let content = ended.map_or_else(|_| panicked(), content);
            inbox.add(Report { run, task, attempt, device, content });
        });
    }
}

fn content(ended: Result<TaskReport, DeviceError>) -> Content {
    match ended {
        Ok(report) => Content::Ended(report),
        Err(error) => {
            let kind = error.kind();
            error.into_refusal().map_or(Content::Undelivered(kind), Content::Refused)
        }
    }
}

/// Polls attempts for the first time.
struct Runner {
    shared: Arc<Shared>,
    seat: usize,
    grip: Vec<Job>,
    done: Vec<Report>,
    /// What a burst of the core brought to do.
    fresh: Vec<Job>,
    /// Whether attempts are in the hand, and not yet with their devices.
    busy: bool,
}

impl Runner {
    /// Takes a few attempts: fewer when few are left, so that the others get some.
    fn grab(&mut self) -> bool {
        let mut queue = self.shared.lock();
        let waiting = queue.jobs.len();
        let count = match self.shared.seats.len() {
            1 => waiting.min(LONE_GRIP),
            seats => waiting.div_ceil(2 * seats).min(GRIP),
        };
        if count == 0 {
            return false;
        }
        self.grip.extend(queue.jobs.drain(..count));
        let more = !queue.jobs.is_empty();
        if !self.busy {
            self.busy = true;
            // Under the lock: an attempt is in the queue, or in a hand that says so.
            self.shared.seats[self.seat].grips.fetch_add(1, Ordering::AcqRel);
        }
        drop(queue);
        if more && self.shared.seats.len() > 1 {
            self.shared.wake_one();
        }
        // Taken from the end.
        self.grip.reverse();
        true
    }

    /// Hands reports in, and works off the mailbox if nobody else does. What that brings to do is taken in
    /// hand at once. Returns whether somebody was answered: they may wait for this worker, so they go first, and
    /// what is to be run is left to whoever comes first as well.
    fn report(&mut self) -> bool {
        let has_time = self.shared.lock().jobs.is_empty();
        let Some(core) = self.shared.inbox.deliver(&mut self.done, has_time) else { return false };
        // In hand from here on, and not yet with a device: see `quiescence`.
        self.busy(true);
        let has_answered = self.shared.inbox.work_off(core, Some(&mut self.fresh)) > 0;
        let share = match self.shared.seats.len() {
            _ if has_answered => 0,
            1 => LONE_GRIP,
            seats => self.fresh.len().div_ceil(seats).min(GRIP),
        };
        if self.fresh.len() > share {
            self.shared.lock().jobs.extend(self.fresh.drain(share..));
            self.shared.wake_one();
        }
        self.grip.append(&mut self.fresh);
        self.grip.reverse();
        self.busy(!self.grip.is_empty());
        has_answered
    }

    /// Says whether attempts are in the hand, and not yet with their devices.
    fn busy(&mut self, busy: bool) {
        if self.busy != busy {
            self.busy = busy;
            self.shared.seats[self.seat].grips.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn run(&mut self, job: Job, cx: &mut Context<'_>) {
        let Job { run, device, on, attempt } = job;
        let (task, number) = (attempt.id.task.clone(), attempt.id.number);
        // A device that panics fails its attempt, not the runner.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let mut running = on.run(attempt);
            match running.as_mut().poll(cx) {
                Poll::Ready(ended) => Ok(ended),
                Poll::Pending => Err(running),
            }
        }));
        let content = match polled {
            Ok(Ok(ended)) => content(ended),
            Ok(Err(running)) => return self.shared.follow(run, task, number, device, running),
            Err(_) => panicked(),
        };
        self.done.push(Report { run, task, attempt: number, device, content });
    }
}

fn panicked() -> Content {
    let error = TaskError::new(ErrorKind::DeviceError, "the device panicked");
    Content::Ended(TaskReport::failed(error))
}

impl Future for Runner {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut budget = BUDGET;
        loop {
            while let Some(job) = this.grip.pop() {
                this.run(job, cx);
                budget = budget.saturating_sub(1);
            }
            this.busy(false);
            let has_answered = !this.done.is_empty() && this.report();
            if budget == 0 || has_answered {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !this.grip.is_empty() || this.grab() {
                continue;
            }
            let seat = &this.shared.seats[this.seat];
            seat.waker.register(cx.waker());
            seat.idle.store(true, Ordering::Release);
            // What came between the look and the registration was announced to nobody.
            if is_broken(Rule::LookBeforeSleep)
                || this.shared.lock().jobs.is_empty()
                || !seat.idle.swap(false, Ordering::AcqRel)
            {
                return Poll::Pending;
            }
        }
    }
}
