//! The register of the groups that one life of a device has started.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::unistd::{Pid, getpid};
use starline_device::AttemptId;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::folder::open_root;
use crate::record::{self, Kind, LINE, Record};
use crate::table;

/// The variable by which processes of a life are found, wherever they have gone. Its value is the token of the life;
/// tokens of lives around this one come before it, with commas between.
pub(crate) const MARKER: &str = "STARLINE_HOST";
/// End of the name of a file with the groups of one life, behind the number of its process and its token.
pub(crate) const SUFFIX: &str = ".groups";
/// The file that is locked while files come and go.
const LOCK: &str = "lock";
/// Bytes taken over of the variable as it is around this process: about 30 lives, one within the other.
const LONGEST_MARKER: usize = 1024;

/// A folder for registers, and the register of this life as soon as something starts.
#[derive(Debug)]
pub(crate) struct Register {
    folder: PathBuf,
    life: OnceCell<Arc<Life>>,
}

/// One life of a device: a file that is locked as long as this process lives.
///
/// The lock belongs to the open file, and a process that was forked has the file open as well until it becomes its
/// program. So whoever gets the lock knows that this process has ended, and that nothing which it forked is on its
/// way to become a program.
#[derive(Debug)]
pub(crate) struct Life {
    file: File,
    path: PathBuf,
    token: String,
    marker: String,
    place: String,
    slots: Mutex<Slots>,
}

/// Places of lines in the file. The first belongs to the owner.
#[derive(Debug, Default)]
struct Slots {
    used: u64,
    free: BTreeSet<u64>,
}

/// The line of one attempt. Stays in the file unless it is [over](Self::over).
#[derive(Debug)]
pub(crate) struct Line {
    life: Arc<Life>,
    slot: u64,
    name: String,
}

impl Register {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, life: OnceCell::new() }
    }

    /// The register of this life, made when it is first asked for.
    pub(crate) async fn life(&self) -> io::Result<&Arc<Life>> {
        let make = || async {
            let folder = self.folder.clone();
            spawn_blocking(move || Life::begin(&folder).map(Arc::new)).await?
        };
        self.life.get_or_try_init(make).await
    }
}

impl Life {
    pub(crate) fn begin(folder: &Path) -> io::Result<Self> {
        let folder = open_root(folder)?;
        // While it is held, nobody takes a file that is not locked yet for one of a life that is over.
        let lock = lock_file(&folder)?;
        lock.lock()?;
        let token = new_token()?;
        let path = folder.join(format!("{}-{token}{SUFFIX}", getpid()));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => io::Error::other("somebody else has locked a new file"),
        })?;
        let around = env::var(MARKER).ok().filter(|value| value.len() <= LONGEST_MARKER);
        let marker = around.map_or_else(|| token.clone(), |around| format!("{around},{token}"));
        let place = record::here().unwrap_or_else(|| "-".to_owned());
        let slots = Mutex::new(Slots { used: 1, free: BTreeSet::new() });
        let life = Self { file, path, token, marker, place, slots };
        life.write(0, Kind::Owner, getpid(), "-")?;
        Ok(life)
    }

    /// The value of the [variable](MARKER) that makes a process one of this life.
    pub(crate) fn marker(&self) -> &str {
        &self.marker
    }

    /// Takes a line for an attempt that is about to start. The file has room for its group from then on.
    pub(crate) fn enter(self: &Arc<Self>, attempt: &AttemptId) -> io::Result<Line> {
        let slot = self.slots().take();
        let line = Line { life: Arc::clone(self), slot, name: attempt.to_string() };
        match self.write(slot, Kind::Begins, Pid::from_raw(0), &line.name) {
            Ok(()) => Ok(line),
            Err(error) => {
                line.over();
                Err(error)
            }
        }
    }

    fn write(&self, slot: u64, kind: Kind, pid: Pid, name: &str) -> io::Result<()> {
        let record = Record {
            kind,
            pid: pid.as_raw(),
            born: if kind == Kind::Begins { 0 } else { table::find(pid).map_or(0, |process| process.born) },
            place: self.place.clone(),
            token: self.token.clone(),
            name: name.to_owned(),
        };
        self.file.write_all_at(&record.line(), slot * LINE as u64)
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Life {
    /// A life that has seen all of its groups end leaves nothing behind.
    fn drop(&mut self) {
        let slots = self.slots();
        if slots.used == 1 + slots.free.len() as u64 {
            let _ = fs::remove_file(&self.path); // It says that nothing is left, so that it may as well stay.
        }
    }
}

impl Slots {
    fn take(&mut self) -> u64 {
        self.free.pop_first().unwrap_or_else(|| {
            self.used += 1;
            self.used - 1
        })
    }
}

impl Line {
    /// Writes down the group of the attempt. Call it at once after the start, before the leader is waited for: its
    /// number is its own until then.
    pub(crate) fn led_by(&self, leader: Pid) -> io::Result<()> {
        self.life.write(self.slot, Kind::Group, leader, &self.name)
    }

    /// Says that no process of the attempt is left.
    pub(crate) fn over(self) {
        let blank = self.life.file.write_all_at(&Record::blank(), self.slot * LINE as u64);
        // A line that stays is not used again. Its process has ended, and is not mistaken for another one.
        if blank.is_ok() {
            self.life.slots().free.insert(self.slot);
        }
    }
}

/// The file to be locked by whoever makes or removes files of a folder.
pub(crate) fn lock_file(folder: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).open(folder.join(LOCK))
}

/// 128 random bits, as 32 digits.
fn new_token() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    let mut token = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(token, "{byte:02x}"); // Writing to a text cannot fail.
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(number: u32) -> AttemptId {
        let task = starline_device::TaskId::new("t").expect("id");
        AttemptId { run: "r".parse().expect("id"), task: task.into(), number }
    }

    #[test]
    fn lines_come_and_go_and_the_file_with_the_last() {
        let folder = env::temp_dir().join(format!("starline-register-{}", std::process::id()));
        let life = Arc::new(Life::begin(&folder).expect("a life"));
        let read = || {
            let bytes = fs::read(&life.path).expect("a file");
            bytes.chunks(LINE).map(Record::read).collect::<Vec<_>>()
        };
        let owner = Record::read(&fs::read(&life.path).expect("a file")).expect("an owner");
        assert_eq!((owner.kind, owner.pid, &owner.token), (Kind::Owner, getpid().as_raw(), &life.token));

        let lines: Vec<Line> = (1..=3).map(|n| life.enter(&attempt(n)).expect("a line")).collect();
        lines.iter().for_each(|line| line.led_by(getpid()).expect("written"));
        let found = read();
        assert_eq!(found.len(), 4);
        for (record, line) in found[1..].iter().flatten().zip(&lines) {
            assert_eq!((record.kind, record.pid, record.born), (Kind::Group, owner.pid, owner.born));
            assert_eq!(record.name, line.name);
        }
        lines.into_iter().for_each(Line::over);
        for _ in 0..100 {
            life.enter(&attempt(9)).expect("a line").over();
        }
        assert_eq!(read().iter().flatten().count(), 1);
        assert_eq!(fs::metadata(&life.path).expect("a file").len(), 4 * LINE as u64, "places are used again");
        drop(life);
        let left: Vec<_> =
            fs::read_dir(&folder).expect("a folder").flatten().map(|e| e.file_name()).collect();
        assert_eq!(left, [LOCK]);
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_life_with_something_left_keeps_its_file() {
        let folder = env::temp_dir().join(format!("starline-register-left-{}", std::process::id()));
        let life = Arc::new(Life::begin(&folder).expect("a life"));
        let path = life.path.clone();
        drop(life.enter(&attempt(1)).expect("a line"));
        drop(life);
        assert!(path.exists());
        fs::remove_dir_all(folder).expect("removed");
    }
}
