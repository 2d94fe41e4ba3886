//! What earlier lives have left running.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::record::{self, Kind, LINE, Record};
use crate::register::{SUFFIX, lock_file};
use crate::{sweep, table};

/// Longest time for all of it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time that a process which is being killed may take to end.
const LAST_BREATH: Duration = Duration::from_secs(1);
/// Time between two tries to get a lock.
const BETWEEN_TRIES: Duration = Duration::from_millis(2);
/// Bytes of a register that are read: 65,536 attempts at the same time.
const LONGEST: u64 = 65_537 * LINE as u64;

/// What [`end_leftovers`](crate::ProcessDevice::end_leftovers) has found and ended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Leftovers {
    /// Process groups in the registers of which something was left.
    pub groups: usize,
    /// Processes that were ended, in these groups and outside of them.
    pub processes: usize,
    /// What was left alone, and why: lines that cannot be read, processes of other users.
    pub warnings: Vec<String>,
}

/// Why nobody knows that nothing is left. What was ended by then is gone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeftoversError {
    /// The process whose groups are in the folder is no leftover: it lives. Nothing was ended.
    #[error("process {pid} is alive and runs tasks of its own")]
    Alive {
        /// Its number.
        pid: u32,
    },
    /// Somebody else is at work in the folder for longer than 10 s.
    #[error("{} is locked by another process", path.display())]
    Busy {
        /// The file that is locked.
        path: PathBuf,
    },
    /// Processes do not end within 10 s although they were killed: the system is busy for them, or they start new ones
    /// all the time.
    #[error("processes do not end: {pids:?}")]
    Remaining {
        /// Their numbers.
        pids: Vec<u32>,
    },
    /// The folder or the system cannot be asked.
    #[error("leftovers in {} cannot be looked for", folder.display())]
    System {
        /// The folder.
        folder: PathBuf,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
}

/// A life that is over. Its file is locked as long as this value lives.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nobody is looked for there"))]
#[derive(Debug)]
pub(crate) struct PastLife {
    path: PathBuf,
    _lock: File,
    /// What its processes have in their environment.
    pub(crate) token: String,
    /// When its owner began: nothing that is older belongs to it.
    pub(crate) born: u64,
    /// Groups of it, where numbers of processes mean what they meant.
    pub(crate) groups: Vec<Record>,
    /// Whether processes of it can be there: the system has not started anew since.
    pub(crate) is_present: bool,
    warnings: Vec<String>,
}

/// Ends what the lives in a folder have left.
pub(crate) fn end(folder: &Path) -> Result<Leftovers, LeftoversError> {
    let fail = |source| LeftoversError::System { folder: folder.to_owned(), source };
    if !is_ours(folder).map_err(fail)? {
        return Ok(Leftovers::default());
    }
    let deadline = Instant::now() + PATIENCE;
    let path = folder.join("lock");
    let lock = lock_file(folder).map_err(fail)?;
    if !locked(&lock, deadline).map_err(fail)? {
        return Err(LeftoversError::Busy { path });
    }
    let here = record::here();
    let mut lives = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if let Some((pid, token)) = named(&path) {
            lives.extend(PastLife::open(path, pid, token, here.as_deref(), deadline, folder)?);
        }
    }
    // In one order, whatever that of the folder is.
    lives.sort_by(|one, other| one.path.cmp(&other.path));
    let mut left = Leftovers::default();
    left.warnings.extend(lives.iter_mut().flat_map(|life| std::mem::take(&mut life.warnings)));
    let present: Vec<&PastLife> = lives.iter().filter(|life| life.is_present).collect();
    if !present.is_empty() {
        sweep::sweep(&present, deadline, &mut left).map_err(|fault| match fault {
            sweep::Fault::Remaining(pids) => LeftoversError::Remaining { pids },
            sweep::Fault::System(error) => fail(error),
        })?;
    }
    for life in &lives {
        match fs::remove_file(&life.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
            _ => {}
        }
    }
    Ok(left)
}

/// Whether the folder is there. Refuses one in which somebody else could say what is to be ended.
fn is_ours(folder: &Path) -> io::Result<bool> {
    let found = match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let foreign = found.uid() != nix::unistd::geteuid().as_raw() || found.mode() & 0o022 != 0;
    if !found.is_dir() || foreign {
        let why = "it is no folder, belongs to somebody else, or may be written to by others";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    Ok(true)
}

/// The number and the token in the name of a register.
fn named(path: &Path) -> Option<(i32, String)> {
    let (pid, token) = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.split_once('-')?;
    let is_token = token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some((pid.parse().ok()?, is_token.then(|| token.to_owned())?))
}

/// Tries to get a lock until it is there or the time is over.
fn locked(file: &File, deadline: Instant) -> io::Result<bool> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Ok(false),
            Err(TryLockError::WouldBlock) => sweep::pause(BETWEEN_TRIES),
        }
    }
}

impl PastLife {
    /// Opens and locks a register; `None` if it is gone by now.
    fn open(
        path: PathBuf,
        pid: i32,
        token: String,
        here: Option<&str>,
        deadline: Instant,
        folder: &Path,
    ) -> Result<Option<Self>, LeftoversError> {
        let fail = |source| LeftoversError::System { folder: folder.to_owned(), source };
        let mut file = match File::options().read(true).write(true).open(&path) {
            Ok(file) => file,
            // A life that ends in order removes its file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        // One that is being killed may still have its files open.
        if !locked(&file, deadline.min(Instant::now() + LAST_BREATH)).map_err(fail)? {
            let bytes = read(&mut file).map_err(fail)?;
            let owner = bytes.chunks(LINE).next().and_then(Record::read);
            let has_ended = owner.as_ref().is_some_and(|owner| owner.has_ended(here));
            if !has_ended {
                return Err(LeftoversError::Alive { pid: pid.unsigned_abs() });
            }
            // What it has forked is on its way to become a program, and cannot be known before.
            if !locked(&file, deadline).map_err(fail)? {
                return Err(LeftoversError::Busy { path });
            }
        }
        let bytes = read(&mut file).map_err(fail)?;
        let mut life = Self {
            path,
            _lock: file,
            token,
            born: 0,
            groups: Vec::new(),
            is_present: true,
            warnings: Vec::new(),
        };
        life.take(&bytes, here);
        Ok(Some(life))
    }

    /// Takes what its lines say, as far as they are whole and its own.
    fn take(&mut self, bytes: &[u8], here: Option<&str>) {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (at, line) in bytes.chunks(LINE).enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let Some(record) = Record::read(line).filter(|record| record.token == self.token) else {
                self.warnings.push(format!("line {} of {name} cannot be read and is left out", at + 1));
                continue;
            };
            let is_here = here == Some(record.place.as_str());
            match record.kind {
                Kind::Owner if is_here => self.born = record.born,
                Kind::Owner => self.is_elsewhere(&record, here, &name),
                Kind::Group if is_here => self.groups.push(record),
                Kind::Group | Kind::Begins => {}
            }
        }
    }

    /// Numbers of processes do not mean what they meant.
    fn is_elsewhere(&mut self, owner: &Record, here: Option<&str>, name: &str) {
        let boot = |place: &str| place.split_once(':').map(|(boot, _)| boot.to_owned());
        match (boot(&owner.place), here.and_then(boot)) {
            // The system has started anew since.
            (Some(then), Some(now)) if then != now => self.is_present = false,
            _ => self.warnings.push(format!(
                "{name} was written in another container, or where the system shows no processes: what runs there \
                 is not seen"
            )),
        }
    }
}

impl Record {
    /// Whether its process has certainly ended.
    fn has_ended(&self, here: Option<&str>) -> bool {
        let found = self.pid().and_then(table::find);
        cfg!(target_os = "linux")
            && here == Some(self.place.as_str())
            && !found.is_some_and(|process| process.born == self.born && process.alive)
    }
}

fn read(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Seek::rewind(file)?;
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::register::{Life, MARKER};
    use nix::unistd::Pid;
    use starline_device::{AttemptId, TaskId};
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The token of this test: others run beside it, and none may end what another one has begun.
    fn token() -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        thread_local!(static MINE: u64 = NEXT.fetch_add(1, Ordering::Relaxed));
        format!("{:016x}{:016x}", std::process::id(), MINE.with(|mine| *mine))
    }

    struct Scene(PathBuf);

    impl Scene {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("starline-leftovers-{name}-{}", std::process::id()));
            std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700)
                .create(&path)
                .expect("a folder");
            Self(path)
        }

        fn register(&self) -> PathBuf {
            self.0.join(format!("1234567-{}{SUFFIX}", token()))
        }

        /// A register of somebody who has ended.
        fn write(&self, records: &[Record]) {
            let owner = Record { kind: Kind::Owner, born: 1, pid: 1_234_567, ..record(1_234_567, 1) };
            let lines = std::iter::once(&owner).chain(records).flat_map(Record::line);
            fs::write(self.register(), lines.collect::<Vec<u8>>()).expect("written");
        }

        fn end(&self) -> Leftovers {
            end(&self.0).expect("ended")
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn record(pid: i32, born: u64) -> Record {
        let place = here().expect("a place");
        Record { kind: Kind::Group, pid, born, place, token: token(), name: "r/t#1".to_owned() }
    }

    fn here() -> Option<String> {
        record::here()
    }

    fn left(groups: usize, processes: usize) -> Leftovers {
        Leftovers { groups, processes, ..Leftovers::default() }
    }

    fn sleeper(marker: Option<&str>) -> Child {
        let mut command = Command::new("sleep");
        command.arg("1000").process_group(0).env_clear().env("PATH", "/usr/bin:/bin");
        command.envs(marker.map(|marker| (MARKER, marker))).spawn().expect("a process")
    }

    fn pid(child: &Child) -> i32 {
        child.id().cast_signed()
    }

    fn born(child: &Child) -> u64 {
        table::find(Pid::from_raw(pid(child))).expect("there").born
    }

    fn lives(child: &mut Child) -> bool {
        child.try_wait().expect("asked").is_none()
    }

    fn dismiss(mut child: Child) {
        child.kill().expect("killed");
        child.wait().expect("a status");
    }

    #[test]
    fn a_number_that_is_somebody_elses_by_now_is_left_alone() {
        let scene = Scene::new("recycled");
        let mut child = sleeper(None);
        scene.write(&[
            record(pid(&child), born(&child) + 1),
            record(pid(&child), born(&child).wrapping_sub(1)),
        ]);
        assert_eq!(scene.end(), Leftovers::default());
        assert!(lives(&mut child));
        assert!(!scene.register().exists());

        scene.write(&[record(pid(&child), born(&child))]);
        assert_eq!(scene.end(), left(1, 1));
        assert!(!lives(&mut child));
        scene.write(&[record(pid(&child), 7)]);
        assert_eq!(scene.end(), Leftovers::default());
    }

    #[test]
    fn lines_that_are_not_whole_mislead_nobody_and_the_marker_still_finds() {
        let scene = Scene::new("torn");
        let (mut marked, mut bystander) = (sleeper(Some(&format!("outer,{}", token()))), sleeper(None));
        let mut torn = record(pid(&bystander), born(&bystander)).line();
        torn[10] ^= 1;
        let mut foreign = record(pid(&bystander), born(&bystander));
        foreign.token = "f".repeat(32);
        let half = record(pid(&bystander), born(&bystander)).line();
        let lines = [b"\xff\0garbage".repeat(30)[..LINE].to_vec(), torn, foreign.line(), half[..40].to_vec()];
        fs::write(scene.register(), lines.concat()).expect("written");
        fs::write(scene.0.join("notes.groups"), "no register").expect("written");
        let found = scene.end();
        assert_eq!((found.groups, found.processes, found.warnings.len()), (0, 1, 4), "{found:?}");
        assert!(found.warnings[0].starts_with("line 1 of 1234567-"), "{found:?}");
        assert!(!lives(&mut marked) && lives(&mut bystander));
        dismiss(bystander);

        // Killed before it has written anything.
        fs::write(scene.register(), "").expect("written");
        assert_eq!(scene.end(), Leftovers::default());
    }

    #[test]
    fn tokens_are_compared_as_a_whole() {
        let scene = Scene::new("tokens");
        scene.write(&[]);
        let others = [&token()[1..], &format!("{}0", token()), &format!("x{}", token()), "", ","];
        let mut children: Vec<Child> = others.into_iter().map(|marker| sleeper(Some(marker))).collect();
        let mut command = Command::new("sleep");
        children.push(command.arg("1000").env(format!("X{MARKER}"), token()).spawn().expect("a process"));
        assert_eq!(scene.end(), Leftovers::default());
        assert!(children.iter_mut().all(lives));
        children.into_iter().for_each(dismiss);
    }

    #[test]
    fn after_a_restart_of_the_system_nothing_is_left() {
        let scene = Scene::new("boot");
        let mut child = sleeper(Some(&token()));
        let place = "5eedb007-0000-4000-8000-000000000000:4026531836".to_owned();
        let old = Record { place, ..record(pid(&child), born(&child)) };
        let owner = Record { kind: Kind::Owner, ..old.clone() };
        fs::write(scene.register(), [owner.line(), old.line()].concat()).expect("written");
        assert_eq!(scene.end(), Leftovers::default());
        assert!(lives(&mut child) && !scene.register().exists());
        dismiss(child);
    }

    #[test]
    fn another_container_has_other_numbers() {
        let scene = Scene::new("space");
        let mut child = sleeper(None);
        let (boot, _) =
            here().expect("a place").split_once(':').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("two");
        let old = Record { place: format!("{boot}:1"), ..record(pid(&child), born(&child)) };
        let owner = Record { kind: Kind::Owner, ..old.clone() };
        fs::write(scene.register(), [owner.line(), old.line()].concat()).expect("written");
        let found = scene.end();
        assert_eq!((found.processes, found.warnings.len()), (0, 1), "{found:?}");
        assert!(lives(&mut child));
        dismiss(child);
    }

    /// Killed when its task was a program already, and its group not yet written down.
    #[test]
    fn what_has_begun_and_is_not_in_the_register_is_found() {
        let scene = Scene::new("window");
        let life = Arc::new(Life::begin(&scene.0).expect("a life"));
        let task = TaskId::new("t").expect("id");
        let id = AttemptId { run: "r".parse().expect("id"), task: task.into(), number: 1 };
        let line = life.enter(&id).expect("a line");
        let mut child = sleeper(Some(life.marker()));
        let refused = end(&scene.0).expect_err("it lives");
        assert!(matches!(refused, LeftoversError::Alive { pid } if pid == std::process::id()), "{refused:?}");
        assert!(lives(&mut child));
        drop((line, life));
        assert_eq!(scene.end(), left(0, 1));
        assert!(!lives(&mut child));
    }

    /// A process that was forked, and is not its program yet, has what this process has open.
    #[test]
    fn what_is_about_to_become_a_program_is_waited_for() {
        let scene = Scene::new("fork");
        scene.write(&[]);
        let forked = File::open(scene.register()).expect("a file");
        forked.lock().expect("locked");
        let (mut child, folder) = (sleeper(Some(&token())), scene.0.clone());
        let waiting = std::thread::spawn(move || end(&folder));
        // Its lock on the folder is taken first, so that it waits from here on, or will.
        let lock = lock_file(&scene.0).expect("a file");
        while lock.try_lock().is_ok() {
            lock.unlock().expect("unlocked");
            std::thread::yield_now();
        }
        assert!(!waiting.is_finished() && lives(&mut child));
        drop(forked);
        assert_eq!(waiting.join().expect("no panic").expect("ended"), left(0, 1));
        assert!(!lives(&mut child));
    }

    #[test]
    fn a_process_of_another_user_is_left_alone() {
        let scene = Scene::new("user");
        scene.write(&[]);
        let mut command = Command::new("sleep");
        command.arg("1000").env(MARKER, token()).uid(65_534);
        let Ok(mut child) = command.spawn() else { return }; // Only the superuser may start one.
        let found = scene.end();
        assert_eq!((found.processes, found.warnings.len()), (0, 1), "{found:?}");
        assert!(found.warnings[0].contains("belongs to another user"), "{found:?}");
        assert!(lives(&mut child));
        dismiss(child);
    }

    #[test]
    fn a_folder_that_others_may_write_to_says_nothing() {
        let scene = Scene::new("open");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(&scene.0, mode).expect("a mode");
        assert!(matches!(end(&scene.0), Err(LeftoversError::System { .. })));
    }
}
