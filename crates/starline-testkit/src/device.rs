//! Laws of every device. [`device_laws!`](crate::device_laws) makes a test of each.
//!
//! A law takes a [`DeviceSubject`] and panics with what broke it. What waits longer than the patience of the subject
//! counts as waiting for ever; nothing else depends on how fast the machine is.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, join, join_all, select};
use starline_device::{
    Attempt, AttemptId, DeliveryFault, Device, DeviceError, Payload, RunId, SparseMap, TaskId, TaskReport,
    TaskSpec,
};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::block_on;

/// How long a law waits for what should come of its own: 60 s.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Turns of the runtime in which an attempt may get on before something happens to it.
const TURNS: [usize; 3] = [0, 1, 20];

/// A device under the laws: how it is reached, and what it can be given to do.
#[derive(Clone, Copy)]
pub struct DeviceSubject {
    /// Makes the device, idle.
    pub make: fn() -> BoxFuture<'static, Arc<dyn Device>>,
    /// Makes work that completes at once.
    pub ends: fn() -> Payload,
    /// Makes work that completes after a while; some hundredths of a second will do.
    pub lasts: fn() -> Payload,
    /// Makes work that never ends unless it is stopped, and stops when it is asked politely.
    pub hangs: fn() -> Payload,
    /// Longest wait.
    pub patience: Duration,
}

impl fmt::Debug for DeviceSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceSubject").field("patience", &self.patience).finish_non_exhaustive()
    }
}

type Reported = Result<TaskReport, DeviceError>;

/// A device with its subject, in the middle of a law.
struct Trial {
    subject: DeviceSubject,
    device: Arc<dyn Device>,
}

impl DeviceSubject {
    fn with_device(self, law: impl AsyncFnOnce(&Trial)) {
        block_on(async {
            let device = (self.make)().await;
            law(&Trial { subject: self, device }).await;
        });
    }
}

impl Trial {
    fn run(&self, number: u32, payload: fn() -> Payload) -> BoxFuture<'static, Reported> {
        Arc::clone(&self.device).run(attempt(number, payload()))
    }

    /// Waits for what has to come of its own.
    async fn soon<T>(&self, what: &str, future: impl Future<Output = T>) -> T {
        let waited = timeout(self.subject.patience, future).await;
        waited.unwrap_or_else(|_| panic!("{what} was waited for in vain for {:?}", self.subject.patience))
    }

    /// Runs work that completes, and asks that it does.
    async fn completes(&self, number: u32, payload: fn() -> Payload) {
        let reported = self.soon("the report of work that completes", self.run(number, payload)).await;
        is_completed(number, &reported);
    }

    async fn cancel(&self, number: u32, force: bool) {
        let cancelled = self.soon("the answer to a cancel", self.device.cancel(id(number), force)).await;
        assert!(cancelled.is_ok(), "attempt {number} cannot be cancelled, force {force}: {cancelled:?}");
    }

    /// Asks that every slot can be used, one after the other and all at a time.
    async fn is_sound(&self, first: u32) {
        let slots = self.device.profile().slots.clamp(1, 16);
        self.completes(first, self.subject.ends).await;
        let all = (0..slots).map(|slot| self.completes(first + 1 + slot, self.subject.ends));
        join_all(all).await;
    }
}

fn id(number: u32) -> AttemptId {
    let (run, task) = (RunId::new("law").expect("an id"), TaskId::new("work").expect("an id"));
    AttemptId { run, task: task.into(), number }
}

fn attempt(number: u32, payload: Payload) -> Attempt {
    let task = TaskId::new("work").expect("an id");
    Attempt {
        id: id(number),
        payload: payload.clone(),
        timeout: None,
        files: SparseMap::default(),
        checkpoint: None,
        spec: Arc::new(TaskSpec::new(task, payload)),
    }
}

fn is_completed(number: u32, reported: &Reported) {
    assert!(
        matches!(reported, Ok(TaskReport::Completed { .. })),
        "attempt {number} should complete: {reported:?}"
    );
}

/// What an attempt that never completes may say when it was stopped.
fn is_stopped(reported: &Reported) {
    assert!(
        matches!(reported, Ok(TaskReport::Stopped | TaskReport::Failed { .. })),
        "a cancelled attempt ends as stopped, or with what went wrong before: {reported:?}"
    );
}

/// Lets an attempt get on, as far as it does in some turns of the runtime.
///
/// # Panics
/// It ends.
async fn begun(mut run: BoxFuture<'static, Reported>, turns: usize) -> BoxFuture<'static, Reported> {
    for _ in 0..=turns {
        run = match select(run, pin!(yield_now())).await {
            Either::Left((reported, _)) => panic!("work that hangs has ended: {reported:?}"),
            Either::Right(((), run)) => run,
        };
    }
    run
}

/// Every attempt ends with a report, and the same device runs the next one.
///
/// # Panics
/// The law is broken.
pub fn run_ends_with_a_report(subject: DeviceSubject) {
    subject.with_device(async |trial| {
        for number in 1..=3 {
            trial.completes(number, subject.ends).await;
        }
        trial.completes(4, subject.lasts).await;
        trial.completes(5, subject.ends).await;
    });
}

/// A cancel of an attempt that is over, or was never there, is fine.
///
/// # Panics
/// The law is broken.
pub fn cancel_of_the_unknown_is_fine(subject: DeviceSubject) {
    subject.with_device(async |trial| {
        for force in [false, true] {
            trial.cancel(9, force).await;
        }
        trial.completes(1, subject.ends).await;
        for force in [false, true] {
            trial.cancel(1, force).await;
        }
        trial.is_sound(10).await;
    });
}

/// A polite cancel of a live attempt ends it, whether it comes at once or later.
///
/// # Panics
/// The law is broken.
pub fn a_polite_cancel_ends_the_attempt(subject: DeviceSubject) {
    cancel_ends_the_attempt(subject, false);
}

/// A cancel by force of a live attempt ends it, whether it comes at once or later.
///
/// # Panics
/// The law is broken.
pub fn a_cancel_by_force_ends_the_attempt(subject: DeviceSubject) {
    cancel_ends_the_attempt(subject, true);
}

fn cancel_ends_the_attempt(subject: DeviceSubject, force: bool) {
    subject.with_device(async |trial| {
        for (number, turns) in (1..).zip(TURNS) {
            let run = begun(trial.run(number, subject.hangs), turns).await;
            let both = join(run, trial.cancel(number, force));
            let (reported, ()) = trial.soon("the end of a cancelled attempt", both).await;
            is_stopped(&reported);
        }
        // What may still complete brings its own report, or is stopped.
        let both = join(trial.run(8, subject.lasts), trial.cancel(8, force));
        let (reported, ()) = trial.soon("the end of a cancelled attempt", both).await;
        assert!(reported.is_ok(), "a cancelled attempt ends with a report: {reported:?}");
        trial.is_sound(10).await;
    });
}

/// A cancel ends the attempt that it names, and no other: neither of the same task nor of another run.
///
/// # Panics
/// The law is broken.
pub fn a_cancel_ends_no_other_attempt(subject: DeviceSubject) {
    subject.with_device(async |trial| {
        let run = begun(trial.run(1, subject.hangs), 1).await;
        trial
            .device
            .cancel(AttemptId { run: RunId::new("other").expect("an id"), ..id(1) }, true)
            .await
            .expect("unknown");
        trial.cancel(2, true).await;
        let run = begun(run, 20).await;
        let (reported, ()) =
            trial.soon("the end of a cancelled attempt", join(run, trial.cancel(1, true))).await;
        is_stopped(&reported);
    });
}

/// The device runs as many attempts at a time as its profile has slots: one gets to its end beside others that hang.
/// More than 16 slots are taken as 16.
///
/// # Panics
/// The law is broken.
pub fn every_slot_is_a_slot(subject: DeviceSubject) {
    subject.with_device(async |trial| {
        let slots = trial.device.profile().slots;
        assert!(slots >= 1, "a device has at least one slot");
        let hanging = slots.min(16) - 1;
        let mut live = Vec::new();
        for number in 1..=hanging {
            live.push(begun(trial.run(number, subject.hangs), 1).await);
        }
        let beside = async {
            for number in 100..103 {
                trial.completes(number, subject.ends).await;
            }
            trial.completes(103, subject.lasts).await;
            for number in 1..=hanging {
                trial.cancel(number, true).await;
            }
        };
        let (reports, ()) = trial.soon("the end of all attempts", join(join_all(live), beside)).await;
        reports.iter().for_each(is_stopped);
        let full = (200..).take(slots.min(16) as usize).map(|number| trial.completes(number, subject.lasts));
        join_all(full).await;
    });
}

/// Who stops waiting for an attempt does no harm: it can be cancelled, and its slot is free afterwards.
///
/// # Panics
/// The law is broken.
pub fn a_dropped_run_leaves_the_device_sound(subject: DeviceSubject) {
    subject.with_device(async |trial| {
        drop(trial.run(1, subject.hangs));
        trial.cancel(1, true).await;
        let mut number = 1;
        for turns in TURNS {
            for _ in 0..trial.device.profile().slots.clamp(1, 4) {
                number += 1;
                drop(begun(trial.run(number, subject.hangs), turns).await);
                trial.cancel(number, true).await;
            }
        }
        trial.is_sound(number + 1).await;
    });
}

/// Waiting for an attempt that the device does not know begins nothing: there is no report, and no doubt about why.
///
/// # Panics
/// The law is broken.
pub fn rejoin_begins_nothing(subject: DeviceSubject) {
    subject.with_device(async |trial| {
        let rejoin = |number| Arc::clone(&trial.device).rejoin(id(number));
        let unknown = trial.soon("the answer about an unknown attempt", rejoin(7)).await;
        let fault = unknown.as_ref().map_err(DeviceError::kind);
        assert!(
            matches!(fault, Err(DeliveryFault::Lost | DeliveryFault::OutcomeUnknown)),
            "an attempt that never began was rejoined: {unknown:?}"
        );
        // It takes no slot, and the attempt may begin yet.
        trial.completes(7, subject.ends).await;
        trial.device.acknowledge(id(7)).await;
        trial.is_sound(10).await;
    });
}

/// Reports of whatever attempts may be acknowledged, as often as one likes.
///
/// # Panics
/// The law is broken.
pub fn acknowledge_is_fine_for_anything(subject: DeviceSubject) {
    subject.with_device(async |trial| {
        let acknowledge = |number| trial.soon("an acknowledgement", trial.device.acknowledge(id(number)));
        acknowledge(3).await;
        trial.completes(1, subject.ends).await;
        acknowledge(1).await;
        acknowledge(1).await;
        let run = begun(trial.run(2, subject.hangs), 1).await;
        acknowledge(2).await;
        let run = begun(run, 20).await;
        let (reported, ()) =
            trial.soon("the end of a cancelled attempt", join(run, trial.cancel(2, true))).await;
        is_stopped(&reported);
        trial.is_sound(10).await;
    });
}

/// What the device says of itself stays the same, whatever it does.
///
/// # Panics
/// The law is broken.
pub fn the_profile_is_stable(subject: DeviceSubject) {
    subject.with_device(async |trial| {
        let before = trial.device.profile().clone();
        let same = |when: &str| assert_eq!(*trial.device.profile(), before, "the profile changed {when}");
        trial.completes(1, subject.ends).await;
        same("after an attempt");
        let run = begun(trial.run(2, subject.hangs), 1).await;
        same("while an attempt runs");
        let (reported, ()) =
            trial.soon("the end of a cancelled attempt", join(run, trial.cancel(2, true))).await;
        is_stopped(&reported);
        same("after a cancel");
    });
}

/// Makes a module with a test of each [law](crate::device) of a device.
///
/// `device` is a function or a closure that captures nothing and gives an [`Arc`] of the device, idle; where it must be
/// reached first, `connect` gives a future of that. It is called on a tokio runtime with one thread. The other three make
/// payloads: work that completes at once, work that completes after a while, and work that never ends unless it is
/// stopped. The module is called `device_laws`, unless a name is given.
///
/// ```
/// use std::sync::Arc;
///
/// use starline_testkit::{Millis, Payload};
/// use starline_transport_local::LocalDevice;
/// # use starline_device::{DeviceId, DeviceProfile};
///
/// fn my_device() -> Arc<LocalDevice> {
///     // …
/// #   Arc::new(LocalDevice::new(DeviceProfile::new(DeviceId::new("mine").expect("an id"), "local")))
/// }
///
/// starline_testkit::device_laws! {
///     device: my_device,
///     ends: || Payload::Noop,
///     lasts: || Payload::Sleep(Millis(20)),
///     hangs: || Payload::Sleep(Millis::from_secs(1_000_000)),
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! device_laws {
    ($(mod $name:ident:)? device: $make:expr, ends: $ends:expr, lasts: $lasts:expr, hangs: $hangs:expr $(,)?) => {
        $crate::device_laws! {
            $(mod $name:)?
            connect: || { let make = $make; async move { make() } }, ends: $ends, lasts: $lasts, hangs: $hangs
        }
    };
    (connect: $connect:expr, ends: $ends:expr, lasts: $lasts:expr, hangs: $hangs:expr $(,)?) => {
        $crate::device_laws! { mod device_laws: connect: $connect, ends: $ends, lasts: $lasts, hangs: $hangs }
    };
    (mod $name:ident: connect: $connect:expr, ends: $ends:expr, lasts: $lasts:expr, hangs: $hangs:expr $(,)?) => {
        mod $name {
            use super::*;

            $crate::laws! {
                device,
                $crate::device::DeviceSubject {
                    make: || ::std::boxed::Box::pin(async {
                        let connect = $connect;
                        let device: ::std::sync::Arc<dyn $crate::Device> = connect().await;
                        device
                    }),
                    ends: $ends,
                    lasts: $lasts,
                    hangs: $hangs,
                    patience: $crate::device::PATIENCE,
                };
                run_ends_with_a_report,
                cancel_of_the_unknown_is_fine,
                a_polite_cancel_ends_the_attempt,
                a_cancel_by_force_ends_the_attempt,
                a_cancel_ends_no_other_attempt,
                every_slot_is_a_slot,
                a_dropped_run_leaves_the_device_sound,
                rejoin_begins_nothing,
                acknowledge_is_fine_for_anything,
                the_profile_is_stable,
            }
        }
    };
}
