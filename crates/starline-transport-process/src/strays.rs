//! Processes of an attempt that have left its group, as those of `timeout` and of shells with job control do.

use std::collections::HashSet;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::table::{self, Table};

/// Processes outside of a group that descend from its members. A search finds those whose ancestors are alive: what
/// has been left behind by everybody is not followed.
#[derive(Debug, Default)]
pub(crate) struct Strays(Vec<Stray>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stray {
    pid: Pid,
    born: u64,
}

impl Strays {
    /// Searches for descendants of a group and of the strays known so far.
    pub(crate) fn search(&mut self, group: Pid, table: &Table) {
        let processes = table.living();
        let known = |process: &table::Entry| self.0.contains(&Stray { pid: process.pid, born: process.born });
        let roots = processes.iter().filter(|process| process.group == group || known(process));
        let mut family: HashSet<Pid> = roots.map(|process| process.pid).collect();
        if family.is_empty() {
            return;
        }
        // Parents mostly come before their children, so that a few rounds do.
        let mut grows = true;
        while grows {
            grows = false;
            for process in processes.iter() {
                grows |= family.contains(&process.parent) && family.insert(process.pid);
            }
        }
        let strays =
            processes.iter().filter(|process| process.group != group && family.contains(&process.pid));
        self.0 = strays.map(|process| Stray { pid: process.pid, born: process.born }).collect();
    }

    /// How many are known.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Sends a signal to all of them.
    pub(crate) fn send(&self, signal: Signal) {
        for stray in self.0.iter().filter(|stray| stray.find().is_some()) {
            let _ = kill(stray.pid, signal); // One that has just ended needs no signal.
        }
    }

    /// Whether none is left that could do anything.
    pub(crate) fn are_gone(&mut self) -> bool {
        self.0.retain(|stray| {
            let found = stray.find();
            if found.is_some_and(|process| !process.alive) {
                // Ours to wait for only where this process has adopted it.
                let _ = waitpid(stray.pid, Some(WaitPidFlag::WNOHANG));
            }
            found.is_some_and(|process| process.alive)
        });
        self.0.is_empty()
    }
}

impl Stray {
    /// The process, unless its number is that of another one by now.
    fn find(self) -> Option<table::Entry> {
        table::find(self.pid).filter(|process| process.born == self.born)
    }
}
