//! What the core does once facts are durable: effects.

use std::sync::Arc;

use starline_device::DeliveryFault;
use starline_scheduler::{Effect, Fleet};
use starline_types::{AttemptId, HoldId, Timestamp};

use crate::HandedOver;
use crate::core::Core;
use crate::dispatch::{CancelJob, Job, RejoinJob};
use crate::inbox::{Content, Report};
use crate::registry::Entry;

impl Core {
    pub(crate) fn act(&mut self, run: u32, entry: &mut Entry) {
        let inherited = std::mem::take(&mut entry.inherited);
        for (task, number, device) in inherited {
            match self.devices.get(device.at()).and_then(Option::as_ref) {
                Some(on) => {
                    let attempt = AttemptId { run: entry.shared.id.clone(), task, number };
                    self.dispatcher.rejoin(RejoinJob { run, device, on: Arc::clone(on), attempt });
                }
                None => entry.inherited.push((task, number, device)),
            }
        }
        let mut effects = std::mem::take(&mut entry.step.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Dispatch { device, attempt } => {
                    match self.devices.get(device.at()).and_then(Option::as_ref) {
                        Some(on) => self.jobs.push(Job { run, device, on: Arc::clone(on), attempt }),
                        // The connection went between the decision and now: the attempt never began.
                        None => self.mail.reports.push_back(Report {
                            run,
                            task: attempt.id.task,
                            attempt: attempt.id.number,
                            device,
                            content: Content::Undelivered(DeliveryFault::NotAccepted),
                        }),
                    }
                }
                Effect::Cancel { device, attempt, force } => {
                    if let Some(on) = self.devices.get(device.at()).and_then(Option::as_ref) {
                        self.dispatcher.cancel(CancelJob { run, device, on: Arc::clone(on), attempt, force });
                    }
                }
                Effect::Acknowledge { device, attempt } => {
                    if let Some(on) = self.devices.get(device.at()).and_then(Option::as_ref) {
                        let on = Arc::clone(on);
                        self.dispatcher.beside(async move { on.acknowledge(attempt).await });
                    }
                }
                Effect::HandOver(hold) => {
                    hand_over(entry, hold, &self.fleet, entry.time.at(self.clock.now()))
                }
                Effect::HoldOver { hold, .. } => {
                    entry.shared.hands.send_if_modified(|handed| {
                        let is_it = handed.as_ref().is_some_and(|handed| handed.hold == hold);
                        if is_it {
                            *handed = None;
                        }
                        is_it
                    });
                }
                Effect::Close => {}
            }
        }
        entry.step.effects = effects;
    }
}

/// Shows a hold to the editor, with what ended.
fn hand_over(entry: &Entry, hold: HoldId, fleet: &Fleet, now: Timestamp) {
    let scheduler = &entry.scheduler;
    let Some(open) = scheduler.holds().into_iter().find(|open| open.hold == hold) else { return };
    let finished = open.triggers.iter().filter_map(|task| {
        let outcome = scheduler.task_outcome(scheduler.graph().find(task.as_str())?, fleet)?;
        Some((task.clone(), outcome))
    });
    let handed = HandedOver {
        hold,
        scope: open.scope,
        revision: scheduler.revision(),
        finished: finished.collect(),
        deadline: open.deadline.unwrap_or(now),
        handed_at: now,
    };
    entry.shared.hands.send_replace(Some(Arc::new(handed)));
}
