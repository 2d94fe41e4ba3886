//! Ends the processes of lives that are over, and none else.
//!
//! A process is one of theirs if it carries the token of one in its environment, if it is in a group whose leader is
//! in a register by number and start time, or if its parent is one. Numbers are used again, so each reason is
//! looked at again behind a descriptor of the process, and the signal goes to the descriptor. All are stopped before the
//! first is killed: who has lost its parent or the leader of its group might not be known any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::unistd::{Pid, getpid};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::time::Instant;

use crate::leftovers::{Leftovers, PastLife};
use crate::register::MARKER;
use crate::table::{self, Entry};

/// Processes that are ended together: each takes a descriptor.
const TOGETHER: usize = 128;
/// Looks in a row that find nothing: one may miss a process that is made behind its back by one that ends.
const LOOKS: u32 = 2;
/// Time between two looks at a process whose environment is being made.
const SETTLING: Duration = Duration::from_millis(1);
/// A process that becomes another program has no environment for a moment; more of this than here says nothing.
const UNSETTLED_LOOKS: u32 = 1000;

/// Why it is not known that nothing is left.
#[derive(Debug)]
pub(crate) enum Fault {
    Remaining(Vec<u32>),
    System(io::Error),
}

/// A process by number and start time: its name for all time.
type Name = (Pid, u64);

/// Why a process is one of theirs.
#[derive(Clone, Copy, Debug)]
enum Reason {
    /// It carries a token, or leads a group of a register.
    Itself,
    /// It is in the group of this leader.
    Member(Name),
    /// It is a child of this process, which is one of theirs.
    Child(Name),
}

#[derive(Clone, Copy, Debug)]
struct Target {
    entry: Entry,
    reason: Reason,
    /// Steps down from a process that is found by itself.
    depth: u32,
}

/// One look at all processes.
#[derive(Debug, Default)]
struct Look {
    targets: Vec<Target>,
    /// Those of which nothing can be said yet.
    unsettled: Vec<Pid>,
    warnings: BTreeSet<String>,
}

/// What is known from look to look.
#[derive(Debug, Default)]
struct Sweep<'l> {
    lives: &'l [&'l PastLife],
    stopped: BTreeSet<Name>,
    ended: BTreeSet<Name>,
    foreign: BTreeSet<Name>,
    groups: BTreeSet<(usize, usize)>,
    warnings: BTreeSet<String>,
}

/// Ends all processes of these lives, and waits until they are gone.
pub(crate) fn sweep(lives: &[&PastLife], deadline: Instant, left: &mut Leftovers) -> Result<(), Fault> {
    if table::find(getpid()).is_none() {
        return Err(Fault::System(io::Error::other("the system shows no processes in /proc")));
    }
    let mut sweep = Sweep { lives, ..Sweep::default() };
    let swept = sweep.until(deadline);
    left.groups += sweep.groups.len();
    left.processes += sweep.ended.len();
    left.warnings.extend(sweep.warnings);
    swept
}

/// Waits for a short time.
pub(crate) fn pause(span: Duration) {
    let _ = poll(&mut [], timespec(span).as_ref()); // Woken early, whoever waits looks early.
}

fn timespec(span: Duration) -> Option<Timespec> {
    Timespec::try_from(span).ok()
}

impl Sweep<'_> {
    fn until(&mut self, deadline: Instant) -> Result<(), Fault> {
        let (mut clean, mut unsettled) = (0, 0);
        while clean < LOOKS {
            let look = self.look();
            self.warnings.extend(look.warnings);
            clean = if look.targets.is_empty() { clean + 1 } else { 0 };
            if !look.unsettled.is_empty() && unsettled < UNSETTLED_LOOKS {
                (clean, unsettled) = (0, unsettled + 1);
                if look.targets.is_empty() {
                    pause(SETTLING);
                }
            } else {
                self.warnings.extend(look.unsettled.iter().map(|pid| {
                    format!("process {pid} is about to become another program and does not, so nobody can tell: it stays")
                }));
            }
            let new = |target: &&Target| !self.stopped.contains(&(target.entry.pid, target.entry.born));
            let new: Vec<&Target> = look.targets.iter().filter(new).collect();
            if !new.is_empty() && Instant::now() < deadline {
                self.stop(&new)?;
                continue;
            }
            for some in look.targets.chunks(TOGETHER) {
                self.end(some, deadline)?;
            }
            if clean < LOOKS && Instant::now() >= deadline {
                return Err(Fault::Remaining(look.targets.iter().map(|t| unsigned(t.entry.pid)).collect()));
            }
        }
        Ok(())
    }

    /// Who is one of theirs, those that are found through others before these.
    fn look(&self) -> Look {
        let entries: BTreeMap<Pid, Entry> = table::all().map(|entry| (entry.pid, entry)).collect();
        let spared = self.spare(&entries);
        let mut look = Look::default();
        let mut family: BTreeMap<Pid, Target> = BTreeMap::new();
        let first_born = self.lives.iter().map(|life| life.born).min().unwrap_or_default();
        let candidates = || entries.values().filter(|entry| entry.alive && entry.born >= first_born);
        for entry in candidates() {
            if let Some(reason) = self.reason(entry, &entries, &mut look) {
                family.insert(entry.pid, Target { entry: *entry, reason, depth: 0 });
            }
        }
        let mut children: BTreeMap<Pid, Vec<&Entry>> = BTreeMap::new();
        candidates().for_each(|entry| children.entry(entry.parent).or_default().push(entry));
        let mut parents: Vec<Target> = family.values().copied().collect();
        while let Some(parent) = parents.pop() {
            if spared.contains(&parent.entry.pid) {
                continue;
            }
            for child in children.get(&parent.entry.pid).into_iter().flatten() {
                if !family.contains_key(&child.pid) && child.born >= parent.entry.born {
                    let reason = Reason::Child((parent.entry.pid, parent.entry.born));
                    let target = Target { entry: **child, reason, depth: parent.depth + 1 };
                    family.insert(child.pid, target);
                    parents.push(target);
                }
            }
        }
        for target in family.into_values() {
            let Entry { pid, born, .. } = target.entry;
            if spared.contains(&pid) {
                look.warnings
                    .insert(format!("process {pid} is left over, and this one descends from it: it stays"));
            } else if !self.foreign.contains(&(pid, born)) {
                look.targets.push(target);
            }
        }
        look.targets.sort_by_key(|target| {
            (std::cmp::Reverse(target.depth), matches!(target.reason, Reason::Itself), target.entry.pid)
        });
        look
    }

    /// Who must not be ended, whatever it carries.
    fn spare(&self, entries: &BTreeMap<Pid, Entry>) -> BTreeSet<Pid> {
        let me = getpid();
        let mut spared = BTreeSet::from([me, Pid::from_raw(1)]);
        let mut next = entries.get(&me);
        while let Some(entry) = next {
            spared.insert(entry.pid);
            next = entries.get(&entry.parent).filter(|parent| !spared.contains(&parent.pid));
        }
        // What carries a token because this process does is younger than the life it was taken from, and ours.
        if matches!(self.carries(me), Carries::Token) {
            let mut grows = true;
            let mut family = BTreeSet::from([me]);
            while grows {
                grows = false;
                for entry in entries.values() {
                    grows |= family.contains(&entry.parent) && family.insert(entry.pid);
                }
            }
            spared.extend(family);
        }
        spared
    }

    fn reason(&self, entry: &Entry, entries: &BTreeMap<Pid, Entry>, look: &mut Look) -> Option<Reason> {
        match self.carries(entry.pid) {
            Carries::Token => return Some(Reason::Itself),
            Carries::Nothing => {}
            Carries::Unsettled => look.unsettled.push(entry.pid),
        }
        let groups = self.lives.iter().flat_map(|life| &life.groups);
        for group in groups.filter(|group| group.pid() == Some(entry.group)) {
            match entries.get(&entry.group) {
                Some(leader) if leader.born == group.born && leader.pid == entry.pid => {
                    return Some(Reason::Itself);
                }
                Some(leader) if leader.born == group.born => {
                    return Some(Reason::Member((leader.pid, leader.born)));
                }
                Some(_) => {} // The number is somebody else's by now.
                None => {
                    let (pid, name, number) = (entry.pid, &group.name, entry.group);
                    look.warnings.insert(format!(
                        "process {pid} may be left over of {name}: it is in a group {number} whose leader has ended, so \
                         nobody can tell, and it stays"
                    ));
                }
            }
        }
        None
    }

    /// Stops processes, so that none can start another one or leave a child without a parent before it is known.
    fn stop(&mut self, targets: &[&Target]) -> Result<(), Fault> {
        for target in targets {
            self.stopped.insert((target.entry.pid, target.entry.born));
            if self.signal(target, Signal::STOP)?.is_some() {
                table::stopped(target.entry.pid);
            }
        }
        Ok(())
    }

    /// Ends processes, and waits for their end.
    fn end(&mut self, targets: &[Target], deadline: Instant) -> Result<(), Fault> {
        let mut ending = Vec::new();
        for target in targets {
            let Entry { pid, born, .. } = target.entry;
            if let Some(descriptor) = self.signal(target, Signal::KILL)? {
                self.ended.insert((pid, born));
                self.count_group(&target.entry);
                ending.push((pid, descriptor));
            }
        }
        wait(ending, deadline)
    }

    /// Sends a signal to a process for which the reason still holds; `None` if it was not sent.
    fn signal(&mut self, target: &Target, signal: Signal) -> Result<Option<OwnedFd>, Fault> {
        let Entry { pid, born, .. } = target.entry;
        let Some(descriptor) = open(pid).map_err(Fault::System)? else { return Ok(None) };
        // If it is still there, the descriptor is that of the process that was looked at.
        if !is(pid, born) || !target.reason.holds(pid) {
            return Ok(None);
        }
        if owner(pid).is_some_and(|owner| owner != nix::unistd::geteuid().as_raw()) {
            self.leave(target);
            return Ok(None);
        }
        match pidfd_send_signal(&descriptor, signal) {
            Ok(()) => Ok(Some(descriptor)),
            Err(Errno::SRCH) => Ok(None),
            Err(Errno::PERM) => {
                self.leave(target);
                Ok(None)
            }
            Err(error) => Err(Fault::System(error.into())),
        }
    }

    fn leave(&mut self, target: &Target) {
        let Entry { pid, born, .. } = target.entry;
        self.foreign.insert((pid, born));
        self.warnings.insert(format!("process {pid} is left over and belongs to another user: it stays"));
    }

    fn count_group(&mut self, entry: &Entry) {
        for (life_at, life) in self.lives.iter().enumerate() {
            let known = life.groups.iter().position(|group| group.pid() == Some(entry.group));
            self.groups.extend(known.map(|at| (life_at, at)));
        }
    }

    fn carries(&self, pid: Pid) -> Carries {
        // Of another user, or gone.
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return Carries::Nothing };
        if environment.is_empty() && is_becoming(pid) {
            return Carries::Unsettled;
        }
        let values = environment
            .split(|byte| *byte == 0)
            .filter_map(|variable| variable.strip_prefix(MARKER.as_bytes())?.strip_prefix(b"="));
        let mut tokens = values.flat_map(|value| value.split(|byte| *byte == b','));
        if tokens.any(|token| self.lives.iter().any(|life| life.token.as_bytes() == token)) {
            Carries::Token
        } else {
            Carries::Nothing
        }
    }
}

/// As it is in messages.
fn unsigned(pid: Pid) -> u32 {
    pid.as_raw().unsigned_abs()
}

enum Carries {
    Token,
    Nothing,
    /// It is becoming another program at this moment.
    Unsettled,
}

impl Reason {
    /// Whether it is true of the process of this number. The other one of the relation is looked at before and after,
    /// so that its number was its own meanwhile.
    fn holds(self, pid: Pid) -> bool {
        let related = |(other, born): Name, relation: fn(&Entry) -> Pid| {
            is(other, born)
                && table::find(pid).is_some_and(|entry| relation(&entry) == other)
                && is(other, born)
        };
        match self {
            Self::Itself => true,
            Self::Member(leader) => related(leader, |entry| entry.group),
            Self::Child(parent) => related(parent, |entry| entry.parent),
        }
    }
}

/// A descriptor of the process that has the number now.
fn open(pid: Pid) -> io::Result<Option<OwnedFd>> {
    let Some(number) = rustix::process::Pid::from_raw(pid.as_raw()) else { return Ok(None) };
    match pidfd_open(number, PidfdFlags::empty()) {
        Ok(descriptor) => Ok(Some(descriptor)),
        Err(Errno::SRCH | Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is(pid: Pid, born: u64) -> bool {
    table::find(pid).is_some_and(|entry| entry.born == born)
}

/// Waits until all have ended. Zombies have: what they held is free, and somebody else is to wait for them.
fn wait(mut ending: Vec<(Pid, OwnedFd)>, deadline: Instant) -> Result<(), Fault> {
    while !ending.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Fault::Remaining(ending.iter().map(|(pid, _)| unsigned(*pid)).collect()));
        }
        let mut fds: Vec<PollFd<'_>> =
            ending.iter().map(|(_, descriptor)| PollFd::new(descriptor, PollFlags::IN)).collect();
        match poll(&mut fds, timespec(left).as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(Fault::System(error.into())),
        }
        let has_ended: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        drop(fds);
        let mut has_ended = has_ended.into_iter();
        ending.retain(|_| !has_ended.next().unwrap_or_default());
    }
    Ok(())
}

/// The user whose process it is.
fn owner(pid: Pid) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Whether a process without an environment is about to get one: it has memory, and the system has not yet put down
/// where its environment ends.
fn is_becoming(pid: Pid) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/stat")) else { return false };
    let line = String::from_utf8_lossy(&line).into_owned();
    let fields: Vec<&str> =
        line.rsplit_once(')').map_or_else(Vec::new, |(_, rest)| rest.split_whitespace().collect());
    let (memory, end) = (fields.get(20), fields.get(48));
    memory.is_some_and(|bytes| *bytes != "0") && end.is_some_and(|end| *end == "0")
}
