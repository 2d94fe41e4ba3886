//! What the core makes of its mail: reports, and what somebody says who wants no answer.

use std::collections::VecDeque;

use starline_device::DeliveryFault;
use starline_scheduler::{Input, Undelivered};
use starline_types::{AttemptId, Event, SharedEnvelope, Timestamp};

use crate::core::Core;
use crate::inbox::{Content, Report, Said};
use crate::sync::Ordering;

impl Core {
    pub(crate) fn hear_mail(&mut self, now: Timestamp) {
        let mut reports = std::mem::take(&mut self.mail.reports);
        self.hear_reports(now, &mut reports);
        self.mail.reports = reports;
        for said in std::mem::take(&mut self.mail.said) {
            self.hear(now, said);
        }
        if self.armed.is_some_and(|at| at <= now) {
            self.tick(now);
        }
    }

    fn hear_reports(&mut self, now: Timestamp, reports: &mut VecDeque<Report>) {
        let keeps = self.journal.keeps();
        while let Some(report) = reports.pop_front() {
            if keeps
                && let Some(entry) = self.runs.get_mut(report.run as usize).and_then(Option::as_deref_mut)
            {
                entry.unsettled.push(report.clone());
            }
            let Report { run, task, attempt, device, content } = report;
            let input = match content {
                Content::Ended(report) => Input::Reported { task, attempt, device, report },
                Content::Stopped(by) => Input::Stopped { task, attempt, by },
                Content::Refused(error) => Input::Refused { task, attempt, device, error },
                Content::Undelivered(fault) => {
                    let fault = match fault {
                        DeliveryFault::NotAccepted | DeliveryFault::Refused => Undelivered::NotAccepted,
                        DeliveryFault::Lost => Undelivered::Lost,
                        DeliveryFault::OutcomeUnknown => Undelivered::Unknown,
                        DeliveryFault::Protocol => Undelivered::Protocol,
                    };
                    Input::Undelivered { task, attempt, device, fault }
                }
            };
            self.step(now, run, input);
            if self.is_asked() {
                break;
            }
        }
    }

    /// Whether the burst ends as soon as it can, as somebody waits for an answer. A burst that is written is not cut
    /// short: writing costs more than what is in it.
    pub(crate) fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed) && !self.journal.keeps()
    }

    fn hear(&mut self, now: Timestamp, said: Said) {
        match said {
            Said::EditorGone { run } => {
                self.step(now, run, Input::EditorDetached);
            }
            Said::Checkpoint { attempt: AttemptId { run, task, number: attempt }, content } => {
                let Some(at) = self.by_id.get(&run).copied() else { return };
                self.step(now, at, Input::Checkpoint { task, attempt, content });
            }
            Said::Lost { device, reason, certain } => self.device_lost(now, device, reason, certain),
            Said::Progress { attempt, stream, text } => {
                let Some(at) = self.by_id.get(&attempt.run).copied() else { return };
                if !self.sink.wants(&attempt.run) {
                    return;
                }
                let Some(entry) = self.runs.get(at as usize).and_then(Option::as_deref) else { return };
                // Progress is not part of the stream: it carries the number of the last fact.
                let event = Event::Progress { task: attempt.task, attempt: attempt.number, stream, text };
                let envelope = self.envelope(now, entry, entry.scheduler.seq(), event);
                self.sink.publish(&[SharedEnvelope::from(envelope)]);
            }
        }
    }
}
