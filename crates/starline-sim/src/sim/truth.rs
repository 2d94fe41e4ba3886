//! What the simulated devices really did: the ground on which oracles judge.

use std::collections::BTreeMap;

use starline_types::{Checkpoint, TaskReport, Timestamp};

use super::work::Key;

/// How an attempt ended on its device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ended {
    /// It did its work, well or not.
    Done,
    /// It stopped because it was asked to.
    Stopped,
    /// It ended with its device.
    Killed,
    /// Its device ended it when its lease was over.
    Abandoned,
}

/// One attempt that a device executed.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) device: usize,
    pub(crate) ended: Option<(Timestamp, Ended)>,
    /// What it reports when it is done.
    pub(crate) report: TaskReport,
}

/// Every execution of a simulation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    deeds: BTreeMap<Key, Deed>,
    executing: Vec<Key>,
    /// What attempts have put down.
    put_down: BTreeMap<Key, Vec<Checkpoint>>,
}

impl Truth {
    pub(crate) fn begin(&mut self, key: Key, device: usize, report: TaskReport) {
        self.executing.push(key);
        self.deeds.insert(key, Deed { device, ended: None, report });
    }

    pub(crate) fn end(&mut self, key: Key, now: Timestamp, how: Ended) {
        self.executing.retain(|live| *live != key);
        if let Some(deed) = self.deeds.get_mut(&key) {
            deed.ended = Some((now, how));
        }
    }

    pub(crate) fn put_down(&mut self, key: Key, content: Checkpoint) {
        self.put_down.entry(key).or_default().push(content);
    }

    /// Whether an attempt has put something down.
    pub(crate) fn has_put_down(&self, key: Key, content: &Checkpoint) -> bool {
        self.put_down.get(&key).is_some_and(|all| all.contains(content))
    }

    /// The execution of an attempt, if it ever began.
    pub(crate) fn deed(&self, key: Key) -> Option<&Deed> {
        self.deeds.get(&key)
    }

    /// Whether a device executes an attempt now.
    pub(crate) fn is_executing(&self, key: Key) -> bool {
        self.executing.contains(&key)
    }

    /// Attempts of a task that are executed now.
    pub(crate) fn executing(&self, run: u32, task: u32) -> impl Iterator<Item = Key> + '_ {
        self.executing.iter().copied().filter(move |key| key.run == run && key.task == task)
    }
}
