//! What comes back from devices: a queue bounded by the number of live attempts.

use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use starline_types::{Attempt, AttemptId, ConfirmedBy, DeviceIx, ProgressStream, TaskRef, TaskReport};

use starline_device::DeliveryFault;

/// Progress messages kept while the driver is busy; more are dropped, as progress may be.
const PROGRESS_KEPT: usize = 1024;

/// Something a device said about an attempt.
#[derive(Debug)]
pub(crate) struct Report {
    /// Place of the run in the registry.
    pub(crate) run: u32,
    pub(crate) task: TaskRef,
    pub(crate) attempt: u32,
    pub(crate) device: DeviceIx,
    pub(crate) content: Content,
}

/// What it said.
#[derive(Debug)]
pub(crate) enum Content {
    Ended(TaskReport),
    Undelivered(DeliveryFault),
    Stopped(ConfirmedBy),
}

/// What a device said by itself.
#[derive(Debug)]
pub(crate) enum Said {
    Progress { attempt: AttemptId, stream: ProgressStream, text: std::sync::Arc<str> },
    Lost { device: DeviceIx, reason: Option<String>, certain: bool },
}

#[derive(Debug, Default)]
struct Inner {
    reports: Vec<Report>,
    said: Vec<Said>,
}

/// The queue. Devices fill it from any thread; the driver empties it in one grip.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    inner: Mutex<Inner>,
    driver: AtomicWaker,
}

impl Reports {
    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds reports, leaving the vector empty.
    pub(crate) fn add(&self, reports: &mut Vec<Report>) {
        let first = self.with(|inner| {
            let first = inner.reports.is_empty();
            inner.reports.append(reports);
            first
        });
        if first {
            self.driver.wake();
        }
    }

    pub(crate) fn add_one(&self, report: Report) {
        self.with(|inner| inner.reports.push(report));
        self.driver.wake();
    }

    pub(crate) fn say(&self, said: Said) {
        self.with(|inner| {
            let droppable = matches!(said, Said::Progress { .. });
            if !(droppable && inner.said.len() >= PROGRESS_KEPT) {
                inner.said.push(said);
            }
        });
        self.driver.wake();
    }

    /// Takes everything; both vectors must be empty, and their memory is used for the queue.
    pub(crate) fn take(&self, reports: &mut Vec<Report>, said: &mut Vec<Said>) {
        self.with(|inner| {
            std::mem::swap(&mut inner.reports, reports);
            std::mem::swap(&mut inner.said, said);
        });
    }

    /// Ready as soon as there is something to take. Only the driver asks.
    pub(crate) fn poll_some(&self, cx: &mut Context<'_>) -> Poll<()> {
        let some = |inner: &mut Inner| !inner.reports.is_empty() || !inner.said.is_empty();
        if self.with(some) {
            return Poll::Ready(());
        }
        self.driver.register(cx.waker());
        if self.with(some) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// An attempt on its way to a device.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) run: u32,
    pub(crate) device: DeviceIx,
    pub(crate) on: std::sync::Arc<dyn starline_device::Device>,
    pub(crate) attempt: Attempt,
}
