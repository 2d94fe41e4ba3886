//! Devices that keep the laws, and such as break one each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use starline_device::{
    Attempt, AttemptId, DeliveryFault, Device, DeviceError, DeviceId, DeviceProfile, Millis, Payload,
    TaskReport,
};
use starline_testkit::device::{self, DeviceSubject};
use tokio::sync::{Semaphore, watch};

use crate::breaks;

/// What is wrong with a device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flaw {
    Nothing,
    /// Brings no report.
    Silent,
    /// Says of the unknown that it cannot be cancelled.
    Fussy,
    /// Hears no polite request.
    Deaf,
    /// Calls what was stopped completed.
    Boasts,
    /// Cancels everything.
    Broad,
    /// Works off one attempt after the other, whatever its profile says.
    Serial,
    /// Keeps the slot of an attempt that nobody waits for.
    Leaks,
    /// Invents reports of attempts that it does not know.
    Invents,
    /// Stops an attempt whose report is acknowledged.
    Eager,
    /// Has a profile for each day.
    Moody,
}

/// A device of two slots, with a flaw.
#[derive(Debug)]
struct Flawed {
    flaw: Flaw,
    profiles: [DeviceProfile; 2],
    live: Mutex<BTreeMap<String, watch::Sender<bool>>>,
    slots: Semaphore,
}

impl Flawed {
    fn new(flaw: Flaw) -> Arc<Self> {
        let profile =
            |slots| DeviceProfile::new(DeviceId::new("flawed").expect("an id"), "test").with_slots(slots);
        let slots = if flaw == Flaw::Serial { 1 } else { 2 };
        Arc::new(Self {
            flaw,
            profiles: [profile(2), profile(3)],
            live: Mutex::default(),
            slots: Semaphore::new(slots),
        })
    }
}

#[async_trait]
impl Device for Flawed {
    fn profile(&self) -> &DeviceProfile {
        let busy = !self.live.lock().expect("a lock").is_empty();
        &self.profiles[usize::from(self.flaw == Flaw::Moody && busy)]
    }

    async fn run(self: Arc<Self>, attempt: Attempt) -> Result<TaskReport, DeviceError> {
        let stop = watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let id = attempt.id.to_string();
        self.live.lock().expect("a lock").insert(id.clone(), stop);
        let mut slot = Some(self.slots.acquire().await.expect("open"));
        if self.flaw == Flaw::Leaks {
            slot.take().into_iter().for_each(|slot| slot.forget());
        }
        let span = match attempt.payload {
            Payload::Sleep(span) => span.into(),
            _ => Duration::ZERO,
        };
        let ended = tokio::time::timeout(span, stopped.wait_for(|stop| *stop)).await.is_err();
        self.live.lock().expect("a lock").remove(&id);
        if self.flaw == Flaw::Leaks {
            self.slots.add_permits(1); // Where nobody waits any more, this is never reached.
        }
        drop(slot);
        match self.flaw {
            Flaw::Silent => Err(DeviceError::new(DeliveryFault::Lost)),
            Flaw::Boasts => Ok(TaskReport::done()),
            _ => Ok(if ended { TaskReport::done() } else { TaskReport::Stopped }),
        }
    }

    async fn cancel(&self, attempt: AttemptId, force: bool) -> Result<(), DeviceError> {
        let live = self.live.lock().expect("a lock");
        let named = live.iter().filter(|(id, _)| self.flaw == Flaw::Broad || **id == attempt.to_string());
        let named: Vec<_> = named.map(|(_, stop)| stop).collect();
        if named.is_empty() && self.flaw == Flaw::Fussy {
            return Err(DeviceError::new(DeliveryFault::OutcomeUnknown));
        }
        for stop in named.into_iter().filter(|_| force || self.flaw != Flaw::Deaf) {
            stop.send_replace(true);
        }
        Ok(())
    }

    async fn rejoin(self: Arc<Self>, _: AttemptId) -> Result<TaskReport, DeviceError> {
        match self.flaw {
            Flaw::Invents => Ok(TaskReport::done()),
            _ => Err(DeviceError::new(DeliveryFault::OutcomeUnknown)),
        }
    }

    async fn acknowledge(&self, attempt: AttemptId) {
        if self.flaw == Flaw::Eager
            && let Some(stop) = self.live.lock().expect("a lock").get(&attempt.to_string())
        {
            stop.send_replace(true);
        }
    }
}

macro_rules! subject {
    ($flaw:ident) => {
        DeviceSubject {
            make: || Box::pin(async { Flawed::new(Flaw::$flaw) as Arc<dyn Device> }),
            ends: || Payload::Noop,
            lasts: || Payload::Sleep(Millis(1)),
            hangs: || Payload::Sleep(Millis::from_secs(1_000_000)),
            // Whoever breaks a law by waiting here waits for ever.
            patience: Duration::from_millis(200),
        }
    };
}

starline_testkit::device_laws! {
    device: || Flawed::new(Flaw::Nothing),
    ends: || Payload::Noop,
    lasts: || Payload::Sleep(Millis(1)),
    hangs: || Payload::Sleep(Millis::from_secs(1_000_000)),
}

starline_testkit::device_laws! {
    mod connected:
    connect: || async { Flawed::new(Flaw::Nothing) },
    ends: || Payload::Noop,
    lasts: || Payload::Sleep(Millis(1)),
    hangs: || Payload::Sleep(Millis::from_secs(1_000_000)),
}

#[test]
fn every_flaw_is_noticed() {
    breaks(|| device::run_ends_with_a_report(subject!(Silent)), "attempt 1 should complete");
    breaks(|| device::cancel_of_the_unknown_is_fine(subject!(Fussy)), "attempt 9 cannot be cancelled");
    breaks(
        || device::a_polite_cancel_ends_the_attempt(subject!(Deaf)),
        "the end of a cancelled attempt was waited",
    );
    breaks(|| device::a_cancel_by_force_ends_the_attempt(subject!(Boasts)), "ends as stopped");
    breaks(|| device::a_cancel_ends_no_other_attempt(subject!(Broad)), "work that hangs has ended");
    breaks(|| device::every_slot_is_a_slot(subject!(Serial)), "was waited for in vain");
    breaks(|| device::a_dropped_run_leaves_the_device_sound(subject!(Leaks)), "was waited for in vain");
    breaks(|| device::rejoin_begins_nothing(subject!(Invents)), "never began was rejoined");
    breaks(|| device::acknowledge_is_fine_for_anything(subject!(Eager)), "work that hangs has ended");
    breaks(|| device::the_profile_is_stable(subject!(Moody)), "the profile changed while an attempt runs");
}
