//! A device whose attempts are futures in this process.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use starline_device::{
    Accepts, Attempt, AttemptId, BoxStream, Device, DeviceError, DeviceProfile, DeviceSignal, ErrorKind,
    Millis, Payload, PayloadKind, TaskError, TaskReport, Value,
};
use tokio::time::{Instant, sleep};

use crate::functions::Function;
use crate::live::{LiveAttempts, Stop, Ticket};
use crate::progress::Outlet;
use crate::{Call, Cancellation, Functions, ProgressSender};

/// Time that a function has to end by itself after its time limit: 10 s.
const DEFAULT_GRACE: Millis = Millis::from_secs(10);
/// Names listed in a message at most.
const NAMES_LISTED: usize = 20;

/// A device whose attempts are async functions in this process.
///
/// It runs `noop`, `sleep`, and `call` with one of its functions. A polite [`cancel`](Device::cancel) ends a
/// sleep at once and tells a function through [`Call::cancellation`]; by force the function is dropped where
/// it waits. Dropping the future of [`run`](Device::run) drops the function as well.
///
/// Payloads of other kinds, and functions that it does not have, it [refuses](starline_device::DeliveryFault::Refused),
/// so that another device may be asked.
///
/// A function that runs longer than the attempt may is told to stop, and dropped after a
/// [grace](Self::with_grace) of 10 s.
///
/// Attempts need a tokio runtime with its timer, except `noop`.
#[derive(Debug)]
pub struct LocalDevice {
    profile: DeviceProfile,
    functions: Functions,
    grace: Duration,
    live: Arc<LiveAttempts>,
    progress: Outlet,
}

impl LocalDevice {
    /// A device without functions. Its profile is marked as local, fenced and of the kind `local`.
    #[must_use]
    pub fn new(profile: DeviceProfile) -> Self {
        Self::with_functions(profile, Functions::new())
    }

    /// A device with functions that other devices may share.
    #[must_use]
    pub fn with_functions(mut profile: DeviceProfile, functions: Functions) -> Self {
        "local".clone_into(&mut profile.kind);
        profile.local = true;
        profile.fenced = true;
        profile.accepts = Accepts::only([PayloadKind::Noop, PayloadKind::Sleep, PayloadKind::Call]);
        Self {
            profile,
            functions,
            grace: DEFAULT_GRACE.into(),
            live: Arc::default(),
            progress: Outlet::default(),
        }
    }

    /// Adds a function of the arguments alone: see [`Functions::function`].
    #[must_use]
    pub fn function<F, W>(mut self, name: impl Into<String>, function: F) -> Self
    where
        F: Fn(Value) -> W + Send + Sync + 'static,
        W: Future<Output = Result<Value, TaskError>> + Send + 'static,
    {
        self.functions = self.functions.function(name, function);
        self
    }

    /// Adds a function that can be told to stop and reports progress: see [`Functions::function_with`].
    #[must_use]
    pub fn function_with<F, W>(mut self, name: impl Into<String>, function: F) -> Self
    where
        F: Fn(Call) -> W + Send + Sync + 'static,
        W: Future<Output = Result<Value, TaskError>> + Send + 'static,
    {
        self.functions = self.functions.function_with(name, function);
        self
    }

    /// The same device with another time between telling a function that its time is up and dropping it.
    #[must_use]
    pub fn with_grace(mut self, grace: Millis) -> Self {
        self.grace = grace.into();
        self
    }

    async fn perform(self: Arc<Self>, attempt: Attempt, ticket: Ticket) -> Result<TaskReport, DeviceError> {
        Ok(match attempt.payload {
            Payload::Noop => TaskReport::done(),
            Payload::Sleep(span) => pause(span, attempt.timeout, &ticket).await,
            Payload::Call { name, arguments } => match self.functions.find(&name) {
                Some(function) => self.call((&name, function), arguments, attempt.timeout, &ticket).await,
                None => return Err(self.unknown(&name)),
            },
            other => return Err(self.unsupported(other.kind())),
        })
    }

    async fn call(
        &self,
        (name, function): (&str, &Function),
        arguments: Arc<Value>,
        limit: Option<Millis>,
        ticket: &Ticket,
    ) -> TaskReport {
        let progress = ProgressSender::new(ticket.id().clone(), self.progress.clone());
        let cancellation = Cancellation::new(ticket.requests());
        let call = Call::new(arguments, ticket.id().clone(), cancellation, progress);
        // Nobody looks at what a panic left half done: the future is dropped. The block is there because the
        // function may panic before it returns a future.
        let mut work = pin!(AssertUnwindSafe(async { function(call).await }).catch_unwind());
        let mut alarm = pin!(sleep(limit.map_or(Duration::MAX, Duration::from)));
        let (mut warned, mut out_of_time) = (false, false);
        loop {
            tokio::select! {
                biased;
                ended = &mut work => return match ended {
                    Ok(Ok(result)) => TaskReport::completed(result),
                    Ok(Err(_)) if out_of_time => too_long(limit),
                    Ok(Err(_)) if ticket.asked() > Stop::No => TaskReport::Stopped,
                    Ok(Err(error)) => TaskReport::failed(error),
                    Err(panic) => panicked(name, panic.as_ref()),
                },
                () = ticket.until(Stop::AtOnce) => {
                    return if out_of_time { too_long(limit) } else { TaskReport::Stopped };
                }
                () = &mut alarm, if limit.is_some() => {
                    if warned {
                        return if out_of_time { too_long(limit) } else { TaskReport::Stopped };
                    }
                    // A cancel that came first keeps its meaning: the time limit only bounds the wait.
                    (warned, out_of_time) = (true, ticket.asked() == Stop::No);
                    ticket.ask(Stop::Politely);
                    alarm.as_mut().reset(Instant::now() + self.grace);
                }
            }
        }
    }

    fn unknown(&self, name: &str) -> DeviceError {
        let mut known: Vec<_> = self.functions.names().take(NAMES_LISTED).collect();
        let more = self.functions.names().count() - known.len();
        let rest = format!("{more} more");
        if more > 0 {
            known.push(&rest);
        }
        let choices = if known.is_empty() { "it has none".to_owned() } else { known.join(", ") };
        let message = format!("device {} has no function {name:?}: {choices}", self.profile.id);
        DeviceError::refused(TaskError::new(ErrorKind::InvalidRequest, message))
    }

    fn unsupported(&self, kind: &str) -> DeviceError {
        let message = format!("device {} cannot run {kind}: it runs noop, sleep, call", self.profile.id);
        DeviceError::refused(TaskError::new(ErrorKind::Unsupported, message))
    }
}

#[async_trait]
impl Device for LocalDevice {
    fn profile(&self) -> &DeviceProfile {
        &self.profile
    }

    /// Written out, so that an empty task costs neither a lock nor an allocation, and so that an attempt is
    /// known, and can be cancelled, from the call on and not only from the first poll.
    fn run<'f>(
        self: Arc<Self>,
        attempt: Attempt,
    ) -> Pin<Box<dyn Future<Output = Result<TaskReport, DeviceError>> + Send + 'f>>
    where
        Self: 'f,
    {
        if matches!(attempt.payload, Payload::Noop) {
            return Box::pin(Done);
        }
        let ticket = self.live.enter(attempt.id.clone());
        Box::pin(self.perform(attempt, ticket))
    }

    async fn cancel(&self, attempt: AttemptId, force: bool) -> Result<(), DeviceError> {
        self.live.stop(&attempt, if force { Stop::AtOnce } else { Stop::Politely }).await;
        Ok(())
    }

    fn signals(&self) -> Option<BoxStream<'static, DeviceSignal>> {
        Some(self.progress.open())
    }
}

/// The report of an empty task. Without fields, so a box of it allocates nothing.
struct Done;

impl Future for Done {
    type Output = Result<TaskReport, DeviceError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(TaskReport::done()))
    }
}

async fn pause(span: Millis, limit: Option<Millis>, ticket: &Ticket) -> TaskReport {
    let shortest = limit.map_or(span, |limit| limit.min(span));
    tokio::select! {
        biased;
        () = sleep(shortest.into()) => if shortest == span { TaskReport::done() } else { too_long(limit) },
        () = ticket.until(Stop::Politely) => TaskReport::Stopped,
    }
}

fn too_long(limit: Option<Millis>) -> TaskReport {
    let message = format!("attempt ran longer than {}", limit.unwrap_or_default());
    TaskReport::failed(TaskError::new(ErrorKind::Timeout, message))
}

fn panicked(name: &str, panic: &(dyn Any + Send)) -> TaskReport {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    TaskReport::failed(TaskError::new(ErrorKind::DeviceError, format!("function {name:?} panicked: {said}")))
}
