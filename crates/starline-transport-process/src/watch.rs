//! Sees a process and its group to their end.

use std::io;
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use starline_device::Millis;
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use crate::ProcessOptions;
use crate::group::Group;
use crate::live::{Stop, Ticket};
use crate::report::Cause;

/// First and longest time between two looks at a group whose leader has ended. Only the end of a child is an
/// event; the others are children of other processes by now, and the system tells about them on request only.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(50);
/// Who gives an attempt its time counts from a moment earlier than its device. An attempt that is asked to stop
/// when no more than this is left of its time has had its time: its report shows what it wrote.
const EARLY: Duration = Duration::from_millis(100);

/// What the timer is set for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Alarm {
    Off,
    /// The attempt has run as long as it may.
    Limit,
    /// The group had time enough to end by itself.
    Kill,
}

/// A process that is watched.
pub(crate) struct Watch<'a> {
    pub(crate) child: &'a mut Child,
    pub(crate) group: Group,
    pub(crate) ticket: &'a Ticket,
    pub(crate) options: &'a ProcessOptions,
}

impl Watch<'_> {
    /// Waits until the leader has ended and no member of the group is left, and sees to it where needed.
    pub(crate) async fn see_through(
        self,
        limit: Option<Millis>,
        reading: impl Future<Output = ()>,
        feeding: impl Future<Output = ()>,
    ) -> (io::Result<ExitStatus>, Option<Cause>) {
        let Self { child, mut group, ticket, options } = self;
        let (grace, drain): (Duration, Duration) = (options.kill_grace.into(), options.drain.into());
        let (mut reading, mut feeding) = (pin!(reading), pin!(feeding));
        let mut timer = pin!(sleep(limit.map_or(Duration::MAX, Duration::from)));
        let mut alarm = if limit.is_some() { Alarm::Limit } else { Alarm::Off };
        let (mut read, mut fed, mut killing) = (false, false, false);
        let (mut heard, mut next_look) = (Stop::No, FIRST_LOOK);
        let (mut status, mut cause) = (None, None);
        let status = loop {
            if let Some(ended) = status.take() {
                if group.is_gone() {
                    break ended;
                }
                // Nobody in the group can be heard any more: what runs on was left behind.
                killing |= cause.is_none() && read;
                status = Some(ended);
            }
            if killing {
                group.kill(); // Again with each look, for those that joined the group in the meantime.
            }
            tokio::select! {
                // Streams come last: a process that never stops writing must not keep the others waiting.
                biased;
                ended = child.wait(), if status.is_none() => {
                    group.leader_ended();
                    status = Some(ended);
                    if cause.is_none() {
                        alarm = Alarm::Kill;
                        timer.as_mut().reset(Instant::now() + drain);
                    }
                }
                how = ticket.asked_beyond(heard) => {
                    heard = how;
                    if status.is_none() {
                        let left = timer.deadline().saturating_duration_since(Instant::now());
                        let is_late = alarm == Alarm::Limit && left <= EARLY && how == Stop::Politely;
                        cause.get_or_insert(if is_late { Cause::TimedOut } else { Cause::Cancelled });
                    }
                    if how == Stop::AtOnce {
                        killing = true;
                    } else {
                        group.terminate();
                    }
                }
                () = &mut timer, if alarm != Alarm::Off => {
                    if alarm == Alarm::Limit {
                        cause.get_or_insert(Cause::TimedOut);
                        group.terminate();
                        alarm = Alarm::Kill;
                        timer.as_mut().reset(Instant::now() + grace);
                    } else {
                        killing = true;
                        alarm = Alarm::Off;
                    }
                }
                () = sleep(next_look), if status.is_some() => next_look = (next_look * 2).min(LONGEST_LOOK),
                () = &mut reading, if !read => read = true,
                () = &mut feeding, if !fed && status.is_none() => fed = true,
            }
        };
        if !read {
            // What is in the pipes is read now; only a process that left the group can still hold them open.
            let _ = timeout(drain, reading).await;
        }
        (status, cause)
    }
}
