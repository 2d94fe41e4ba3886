//! The table of processes, as the system shows it in `/proc`. Empty where it shows none.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::unistd::Pid;
use tokio::time::Instant;

/// A look serves others for this many times as long as it took, so that many attempts that are stopped at once cost
/// few of them.
const REUSE: u32 = 8;

/// Looks at a process that was told to stop.
#[cfg(target_os = "linux")]
const STOP_LOOKS: u32 = 10_000;

/// A process, as far as it matters here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Entry {
    pub(crate) pid: Pid,
    pub(crate) parent: Pid,
    pub(crate) group: Pid,
    /// When it began, in ticks of the system: with its number the name of a process for all time.
    pub(crate) born: u64,
    /// Whether it can still do something: it has not ended.
    pub(crate) alive: bool,
}

/// The table, looked at by several.
#[derive(Debug, Default)]
pub(crate) struct Table(Mutex<Option<Look>>);

#[derive(Clone, Debug)]
struct Look {
    began: Instant,
    took: Duration,
    entries: Arc<[Entry]>,
}

impl Table {
    /// The processes that have not ended, as they were a moment ago: some milliseconds, more where there are
    /// thousands of them.
    pub(crate) fn living(&self) -> Arc<[Entry]> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look) = last.as_ref().filter(|look| look.began.elapsed() <= look.took * (REUSE + 1)) {
            return Arc::clone(&look.entries);
        }
        let began = Instant::now();
        let entries: Arc<[Entry]> = all().filter(|entry| entry.alive).collect();
        *last = Some(Look { began, took: began.elapsed(), entries: Arc::clone(&entries) });
        entries
    }

    /// Sees to it that the next look is a new one.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Waits until a process that was told to stop has stopped, or has ended. It takes microseconds, or what the system
/// is doing for it at the moment takes.
#[cfg(target_os = "linux")]
pub(crate) fn stopped(pid: Pid) {
    let is_running = || {
        let line = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let state = line.rsplit_once(')')?.1.split_whitespace().next()?.to_owned();
        (!matches!(state.as_str(), "T" | "t" | "Z" | "X")).then_some(())
    };
    for _ in 0..STOP_LOOKS {
        if is_running().is_none() {
            return;
        }
        std::thread::yield_now();
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn stopped(_: Pid) {}

/// All processes there are. Reads a file for each, so it is asked rarely; one that comes or goes meanwhile may be
/// missing.
#[cfg(target_os = "linux")]
pub(crate) fn all() -> impl Iterator<Item = Entry> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| find(Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)))
}

/// The process of a number, if there is one.
#[cfg(target_os = "linux")]
pub(crate) fn find(pid: Pid) -> Option<Entry> {
    parse(pid, &std::fs::read(format!("/proc/{pid}/stat")).ok()?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn all() -> impl Iterator<Item = Entry> {
    std::iter::empty()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn find(_: Pid) -> Option<Entry> {
    None
}

/// Reads "pid (name) state parent group …", where the name may contain anything.
#[cfg(target_os = "linux")]
fn parse(pid: Pid, line: &[u8]) -> Option<Entry> {
    let line = String::from_utf8_lossy(line);
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse().ok().map(Pid::from_raw);
    Some(Entry {
        pid,
        parent: number(1)?,
        group: number(2)?,
        born: fields.get(19)?.parse().ok()?,
        alive: !matches!(*fields.first()?, "Z" | "X"),
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use nix::unistd::{getpgrp, getpid, getppid};

    #[test]
    fn this_process_is_in_the_table() {
        let me = find(getpid()).expect("this process");
        assert_eq!((me.parent, me.group, me.alive), (getppid(), getpgrp(), true));
        assert!(all().any(|entry| entry == me));
        assert!(Table::default().living().contains(&me));
        assert_eq!(find(Pid::from_raw(i32::MAX)), None);
    }

    #[test]
    fn names_may_contain_anything() {
        let line = b"7 (a) Z 9 (\xff) S 3 5 5 0 -1 4194304 1 0 0 0 2 0 0 0 20 0 1 0 4711 0 0";
        let entry = parse(Pid::from_raw(7), line).expect("an entry");
        let expected = (Pid::from_raw(3), Pid::from_raw(5), 4711, true);
        assert_eq!((entry.parent, entry.group, entry.born, entry.alive), expected);
        assert_eq!(parse(Pid::from_raw(7), b"7 (a) S 3"), None);
    }
}
