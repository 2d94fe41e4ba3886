//! What functions say while they run.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, stream};
use starline_device::{AttemptId, BoxStream, DeviceSignal, ProgressStream};
use tokio::sync::mpsc;

/// Messages that wait for the reader of the device's signals; what is said beyond is dropped.
const CAPACITY: usize = 1024;

/// The way from functions to whoever reads the device's signals, if somebody does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outlet(Arc<Mutex<Option<mpsc::Sender<DeviceSignal>>>>);

impl Outlet {
    /// Opens the stream of signals; an earlier one ends.
    pub(crate) fn open(&self) -> BoxStream<'static, DeviceSignal> {
        let (sender, mut receiver) = mpsc::channel(CAPACITY);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        stream::poll_fn(move |cx| receiver.poll_recv(cx)).boxed()
    }

    fn send(&self, signal: impl FnOnce() -> DeviceSignal) {
        if let Some(sender) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            let _ = sender.try_send(signal()); // Full or closed: progress may be lost.
        }
    }
}

/// Sends what a function has to say while it runs.
///
/// Never waits. Nothing is sent while nobody reads the signals of the device, and what finds more than 1024
/// messages waiting is dropped.
#[derive(Clone, Debug)]
pub struct ProgressSender {
    attempt: AttemptId,
    outlet: Outlet,
}

impl ProgressSender {
    pub(crate) fn new(attempt: AttemptId, outlet: Outlet) -> Self {
        Self { attempt, outlet }
    }

    /// Sends a message about the work.
    pub fn message(&self, text: impl Into<Arc<str>>) {
        self.send(ProgressStream::Message, text);
    }

    /// Sends a piece of one of the outputs.
    pub fn send(&self, stream: ProgressStream, text: impl Into<Arc<str>>) {
        self.outlet.send(|| DeviceSignal::Progress {
            attempt: self.attempt.clone(),
            stream,
            text: text.into(),
        });
    }
}
