//! A process group: the processes of one attempt, as one thing.

use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::strays::Strays;
use crate::table::{self, Table};

/// Looks at the group after which zombies are searched for, at every doubling.
const PATIENT_LOOKS: u32 = 8;

/// A process group that was made for one attempt, under the number of its leader. Killed when dropped.
///
/// The number is ours for as long as the leader was not waited for or any member lives, since the system
/// gives the number of a living group to nobody. So the group is looked at right after the leader was waited
/// for, and once it was seen to be gone, nothing is ever sent to it again.
#[derive(Debug)]
pub(crate) struct Group {
    number: Pid,
    leader_ended: bool,
    gone: bool,
    looks: u32,
    strays: Strays,
    table: Arc<Table>,
    killed: bool,
    is_contained: bool,
}

impl Group {
    /// The group of a leader that was started with a group of its own. Where it is contained, the leader is the
    /// outside of a sandbox and the only member; the first process inside is its child.
    pub(crate) fn led_by(leader: u32, table: &Arc<Table>, is_contained: bool) -> Option<Self> {
        let number = i32::try_from(leader).ok().filter(|number| *number > 1)?;
        Some(Self {
            number: Pid::from_raw(number),
            leader_ended: false,
            gone: false,
            looks: 0,
            strays: Strays::default(),
            table: Arc::clone(table),
            killed: false,
            is_contained,
        })
    }

    /// The number, which is that of the leader.
    pub(crate) fn number(&self) -> Pid {
        self.number
    }

    /// Asks every member to end, and who descends from one. Those that are suspended are woken, or they would
    /// never hear it.
    pub(crate) fn terminate(&mut self) {
        self.search();
        if self.is_contained && !self.gone {
            // The first process inside hears nothing, and the leader would not wait for the others.
            if self.strays.len() > 1 {
                self.strays.send(Signal::SIGTERM);
                self.strays.send(Signal::SIGCONT);
            } else {
                self.kill(); // Nothing has begun in there.
            }
            return;
        }
        self.send(Signal::SIGTERM);
        self.send(Signal::SIGCONT);
    }

    /// Kills every member, and who descends from one. The system kills members in one step, so that none can
    /// escape by forking.
    pub(crate) fn kill(&mut self) {
        if !std::mem::replace(&mut self.killed, true) {
            if self.is_contained && !self.leader_ended {
                // It may be about to start the first process inside, which would not end with it yet.
                self.send(Signal::SIGSTOP);
                table::stopped(self.number);
            }
            self.search();
        }
        self.send(Signal::SIGKILL);
    }

    /// Who has left the group is known as long as its parents live, and they are about to end.
    fn search(&mut self) {
        if self.gone {
            return;
        }
        if self.is_contained {
            self.table.forget();
        }
        self.strays.search(self.number, &self.table);
    }

    /// Says that the leader has ended and was waited for.
    pub(crate) fn leader_ended(&mut self) {
        self.leader_ended = true;
        self.is_gone();
    }

    /// Whether no member is left that could do anything.
    pub(crate) fn is_gone(&mut self) -> bool {
        if !self.gone && self.leader_ended {
            self.reap();
            self.looks = self.looks.saturating_add(1);
            let patient = self.looks >= PATIENT_LOOKS && self.looks.is_power_of_two();
            // Without permission to signal a member, there is one.
            let members_gone = killpg(self.number, None) == Err(Errno::ESRCH)
                // Twice, since a process may be made behind the back of the first search.
                || (patient && self.has_only_zombies() && self.has_only_zombies());
            self.gone = members_gone && self.strays.are_gone();
        }
        self.gone
    }

    fn send(&self, signal: Signal) {
        if !self.gone {
            let _ = killpg(self.number, signal); // A group that has just ended needs no signal.
            self.strays.send(signal);
        }
    }

    /// Waits for members that became children of this process because it adopts orphans, as the first
    /// process of a container does. Elsewhere there are none. Never before the leader was waited for: its
    /// status belongs to somebody else.
    fn reap(&self) {
        let members = Pid::from_raw(-self.number.as_raw());
        while matches!(
            waitpid(members, Some(WaitPidFlag::WNOHANG)),
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..))
        ) {}
    }

    /// Whether all members have ended, though nobody waits for them: some containers have a first process
    /// that never does, and a zombie there would count as a member for ever. Reads the whole table of
    /// processes, so it is asked rarely.
    fn has_only_zombies(&self) -> bool {
        let mut processes = table::all().peekable();
        // Without a table nothing is known.
        processes.peek().is_some() && !processes.any(|process| process.group == self.number && process.alive)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use nix::sys::wait::{Id, waitid};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    #[test]
    fn a_group_of_zombies_is_as_good_as_gone() {
        let mut command = Command::new("cat");
        let mut child = command.process_group(0).stdin(Stdio::piped()).spawn().expect("a process");
        let mut group = Group::led_by(child.id(), &Arc::default(), false).expect("a number");
        assert!(!group.has_only_zombies());
        drop(child.stdin.take());
        let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        waitid(Id::Pid(group.number), ended).expect("its end");
        assert!(group.has_only_zombies());
        assert!(!group.is_gone(), "the leader was not waited for");
        child.wait().expect("a status");
        group.leader_ended();
        assert!(group.is_gone());
    }

    #[test]
    fn no_group_has_the_number_of_the_first_process() {
        for number in [0, 1, u32::MAX] {
            assert!(Group::led_by(number, &Arc::default(), false).is_none(), "{number}");
        }
    }
}
