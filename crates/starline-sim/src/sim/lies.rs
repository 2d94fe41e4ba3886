//! Devices that say what is not so.

use starline_scheduler::{Input, Undelivered};
use starline_types::{
    Checkpoint, ConfirmedBy, ErrorKind, TaskError, TaskId, TaskRef, TaskReport, TaskState, Value,
};

use super::Sim;
use crate::chance::Chance;

/// A name that no task has.
const NOBODY: &str = "nobody";

impl Sim {
    /// A device says something about an attempt that it does not have: of an unknown task, with a wrong number, of
    /// another device, or a second and different time. What was on record before stays true.
    pub(super) fn mislead(&mut self, run: usize, device: usize, salt: u64) {
        if !self.up || run >= self.office.seats.len() || device >= self.devices.len() {
            return;
        }
        let mut chance = Chance::about(salt, &[0]);
        let graph = self.office.seats[run].scheduler.graph();
        let mut tasks: Vec<_> = graph.indices().collect();
        tasks.sort_unstable();
        // What runs is of more interest.
        if chance.percent(40) {
            let running: Vec<_> = tasks
                .iter()
                .copied()
                .filter(|task| matches!(graph.state(*task), TaskState::Running { .. }))
                .collect();
            tasks = if running.is_empty() { tasks } else { running };
        }
        let task = chance.pick(&tasks).copied().filter(|_| chance.percent(90));
        let (id, last, live) = match task {
            Some(task) => {
                let live = match graph.state(task) {
                    TaskState::Running { attempt, device } => Some((attempt, device)),
                    _ => None,
                };
                (graph.id(task).clone(), graph.record(task).attempts, live)
            }
            None => match TaskId::new(NOBODY) {
                Ok(id) => (id, 3, None),
                Err(_) => return,
            },
        };
        let on = self.devices[device].ix;
        let mut attempt = chance.below(u64::from(last) + 2) as u32;
        let what = chance.below(12);
        // Began, stopped and put down come without a device: their number must be wrong. So must that of a report of
        // the device that has the attempt.
        let anonymous = what < 4;
        if live.is_some_and(|(number, host)| number == attempt && (anonymous || host == on)) {
            attempt = if chance.percent(50) { attempt - 1 } else { attempt + 1 };
        }
        // What an attempt put down counts until the next one begins.
        if what < 2 && live.is_none() && attempt == last {
            attempt += 1;
        }
        let task = TaskRef::unresolved(id);
        let lie = || TaskError::new(ErrorKind::DeviceError, "a lie");
        let input = match what {
            0 | 1 => match Checkpoint::new(&b"a lie"[..]) {
                Some(content) => Input::Checkpoint { task, attempt, content },
                None => return,
            },
            2 => Input::Began { task, attempt },
            3 => Input::Stopped { task, attempt, by: ConfirmedBy::Ack },
            4 => Input::Refused { task, attempt, device: on, error: lie() },
            5 | 6 => {
                let faults = [
                    Undelivered::NotAccepted,
                    Undelivered::Lost,
                    Undelivered::Unknown,
                    Undelivered::Protocol,
                ];
                let fault = chance.pick(&faults).copied().unwrap_or(Undelivered::Lost);
                Input::Undelivered { task, attempt, device: on, fault }
            }
            // Nobody has asked for it: timers are coarse.
            7 => Input::Tick,
            _ => {
                let report = match chance.below(3) {
                    0 => TaskReport::completed(Value::from("a lie")),
                    1 => TaskReport::failed(lie()),
                    _ => TaskReport::Stopped,
                };
                Input::Reported { task, attempt, device: on, report }
            }
        };
        self.tally.fault(match (&input, task_is(last, attempt, live.map(|(number, _)| number))) {
            (Input::Tick, _) => "tick too early",
            (_, Number::Live) => "lie about the attempt of another device",
            (_, Number::Over) => "lie about an attempt that is over",
            (_, Number::Never) => "lie about an attempt that never was",
        });
        self.office.input(self.now, run, input);
    }
}

enum Number {
    Live,
    Over,
    Never,
}

fn task_is(last: u32, attempt: u32, live: Option<u32>) -> Number {
    match attempt {
        attempt if live == Some(attempt) => Number::Live,
        attempt if (1..=last).contains(&attempt) => Number::Over,
        _ => Number::Never,
    }
}
