//! Requests that were refused at the door, kept in the state folder.
//!
//! `audit.jsonl` has one JSON object in each line. It is bounded in rate and in size: of a flood some lines are written,
//! and the number of those that were not; a file that is full takes the place of the one before it.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::mem;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use starline::server::{Audit, Denial, DenialReason};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::notice;
use crate::state::{OTHERS, State, mending, unusable};

/// Largest file, in bytes. The one before it is kept as well.
const LIMIT: u64 = 1 << 20;
/// Refusals of one kind that have a line of their own in a minute. Beyond that the 1st, 10th, 100th and so on has one.
const TOLD: u32 = 60;
const WINDOW: Duration = Duration::from_secs(60);

/// Keeps refusals in a file of the state folder, for its owner alone. What is not told yet is told when it is dropped.
#[derive(Debug)]
pub(crate) struct AuditFile {
    path: PathBuf,
    kinds: Mutex<Kinds>,
}

#[derive(Debug, Default)]
struct Kinds {
    /// By the word of the reason, of which there are few.
    by_word: HashMap<&'static str, Kind>,
    /// A file that cannot be written is complained about once.
    complained: bool,
}

/// Refusals of one kind.
#[derive(Debug)]
struct Kind {
    since: Duration,
    told: u32,
    /// Refusals without a line of their own since the last line.
    untold: u64,
    /// When the next line is written in spite of the rate: once so many are untold.
    next: u64,
    last: Option<(Duration, Denial)>,
}

/// One line: a refusal, and how many others of its kind came since the line before and have none.
#[derive(Debug)]
struct Line {
    at: Duration,
    denial: Denial,
    suppressed: u64,
}

impl Kind {
    fn new(now: Duration) -> Self {
        Self { since: now, told: 0, untold: 0, next: 1, last: None }
    }

    /// Takes a refusal; the line that is to be written, if one is.
    fn take(&mut self, denial: &Denial, now: Duration) -> Option<Line> {
        if now.saturating_sub(self.since) >= WINDOW || now < self.since {
            (self.since, self.told, self.next) = (now, 0, 1);
        }
        self.untold += 1;
        if self.told < TOLD {
            self.told += 1;
        } else if self.untold >= self.next {
            self.next = self.next.saturating_mul(10);
        } else {
            self.last = Some((now, denial.clone()));
            return None;
        }
        self.last = None;
        let suppressed = mem::take(&mut self.untold) - 1;
        Some(Line { at: now, denial: denial.clone(), suppressed })
    }

    /// The line about what has none yet.
    fn rest(&mut self) -> Option<Line> {
        let (at, denial) = self.last.take()?;
        Some(Line { at, denial, suppressed: mem::take(&mut self.untold).saturating_sub(1) })
    }
}

impl AuditFile {
    /// The file of a state folder; it is made once something is refused.
    ///
    /// # Errors
    /// It is there, and cannot be used, or others may look into it.
    pub(crate) fn open(state: &State) -> Result<Self, Failure> {
        let path = state.audit();
        let root = path.parent().unwrap_or_else(|| Path::new("."));
        let mode = match fs::metadata(&path) {
            Ok(found) => found.mode() & 0o777,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(unusable(root, &error)),
        };
        if mode & OTHERS != 0 {
            let message = format!("{} is open to others: its mode is {mode:03o}", path.display());
            let failure = Failure::new(Exit::Infrastructure, "state_folder", message);
            return Err(failure.with_hint(format!("close it: {}", mending(root))));
        }
        Ok(Self { path, kinds: Mutex::default() })
    }

    fn kinds(&self) -> MutexGuard<'_, Kinds> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_at(&self, denial: &Denial, now: Duration) {
        let mut kinds = self.kinds();
        let kind = kinds.by_word.entry(denial.reason.as_str()).or_insert_with(|| Kind::new(now));
        if let Some(line) = kind.take(denial, now) {
            self.write(&line, &mut kinds.complained);
        }
    }

    fn write(&self, line: &Line, complained: &mut bool) {
        if let Err(error) = self.append(&line.text())
            && !mem::replace(complained, true)
        {
            notice(&format!("refused requests cannot be recorded in {}: {error}", self.path.display()));
        }
    }

    /// Appends a line. Other processes of the state folder do as well: each line is one write, and a file is moved away
    /// by one of them alone.
    fn append(&self, text: &str) -> io::Result<()> {
        let full = |file: &File| Ok::<_, io::Error>(file.metadata()?.len() + text.len() as u64 > LIMIT);
        let mut file = append_to(&self.path)?;
        if full(&file)? {
            let folder = File::open(self.path.parent().unwrap_or_else(|| Path::new(".")))?;
            // Let go with the handle.
            folder.lock()?;
            file = append_to(&self.path)?;
            if full(&file)? {
                fs::rename(&self.path, self.path.with_extension("jsonl.1"))?;
                file = append_to(&self.path)?;
            }
        }
        file.write_all(text.as_bytes())
    }
}

impl Audit for AuditFile {
    fn note(&self, denial: &Denial) {
        #[expect(clippy::disallowed_methods, reason = "a record for people says when something was")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.note_at(denial, now);
    }
}

impl Drop for AuditFile {
    fn drop(&mut self) {
        let mut kinds = self.kinds();
        let rest: Vec<Line> = kinds.by_word.values_mut().filter_map(Kind::rest).collect();
        for line in rest {
            self.write(&line, &mut kinds.complained);
        }
    }
}

impl Line {
    fn text(&self) -> String {
        let Denial { reason, address, principal, .. } = &self.denial;
        let mut line = json!({
            "at": u64::try_from(self.at.as_millis()).unwrap_or(u64::MAX),
            "refused": reason.as_str(),
            "address": address,
            "principal": principal,
            "suppressed": self.suppressed,
            "pid": std::process::id(),
        });
        if let DenialReason::Scope(scope) = reason {
            line["scope"] = scope.as_str().into();
        }
        format!("{line}\n")
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    use serde_json::Value;

    /// A file in a folder of its own, with what is in it and in the one before it.
    fn file(name: &str) -> (AuditFile, impl Fn() -> Vec<Value>, PathBuf) {
        let folder = std::env::temp_dir().join(format!("starline-audit-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let state = State::make(&folder).expect("a folder");
        let path = state.audit();
        let files = [path.with_extension("jsonl.1"), path.clone()];
        let lines = move || {
            let texts = files.iter().filter_map(|path| fs::read_to_string(path).ok());
            let lines = texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
            lines.map(|line| serde_json::from_str(&line).expect("an object")).collect()
        };
        (AuditFile::open(&state).expect("usable"), lines, path)
    }

    fn wrong() -> Denial {
        Denial::new(DenialReason::UnknownToken, Some([127, 0, 0, 1].into()))
    }

    /// Refusals that lines stand for.
    fn total(lines: &[Value]) -> u64 {
        lines.iter().map(|line| 1 + line["suppressed"].as_u64().expect("a number")).sum()
    }

    #[test]
    fn one_refusal_is_one_line_for_the_owner_alone() {
        let (audit, lines, path) = file("one");
        assert!(!path.exists(), "nothing was refused");
        audit.note_at(&wrong(), Duration::from_millis(1_770_000_000_123));
        let expected = json!({"at": 1_770_000_000_123_u64, "refused": "unknown_token", "address": "127.0.0.1",
            "principal": null, "suppressed": 0, "pid": std::process::id()});
        assert_eq!(lines(), [expected]);
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        drop(audit);
        assert_eq!(lines().len(), 1, "it was told");
        fs::remove_dir_all(path.parent().expect("a folder")).expect("removed");
    }

    #[test]
    fn of_a_flood_there_are_few_lines_and_every_refusal_is_counted() {
        let (audit, lines, path) = file("flood");
        let minute = |number: u64| Duration::from_secs(1_000 + 60 * number);
        (0..10_000).for_each(|_| audit.note_at(&wrong(), minute(0)));
        let written = lines();
        assert!((60..70).contains(&written.len()), "{} lines", written.len());
        assert!(total(&written) > 1_000, "the size of a flood is known while it goes on");
        // Another kind has lines of its own, and so has another minute.
        audit.note_at(&Denial::new(DenialReason::NoToken, None), minute(0));
        audit.note_at(&wrong(), minute(1));
        let written = lines();
        assert_eq!(total(&written), 10_002);
        (0..500).for_each(|_| audit.note_at(&wrong(), minute(1)));
        drop(audit);
        assert_eq!(total(&lines()), 10_502, "what was not told is told at the end");
        fs::remove_dir_all(path.parent().expect("a folder")).expect("removed");
    }

    #[test]
    fn files_are_bounded() {
        let (audit, lines, path) = file("bounded");
        let mut denial = wrong();
        denial.principal = Some("x".repeat(4_000));
        let count = 3 * LIMIT / 4_000;
        (0..count).for_each(|number| audit.note_at(&denial, Duration::from_secs(60 * number)));
        for path in [&path, &path.with_extension("jsonl.1")] {
            let found = fs::metadata(path).expect("a file");
            assert!(found.len() <= LIMIT && found.permissions().mode() & 0o777 == 0o600, "{found:?}");
        }
        assert!(lines().len() as u64 > LIMIT / 4_200, "the file before is kept");
        fs::remove_dir_all(path.parent().expect("a folder")).expect("removed");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let (audit, _, path) = file("open");
        audit.note_at(&wrong(), Duration::ZERO);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
        let root = path.parent().expect("a folder");
        let refused = AuditFile::open(&State::make(root).expect("a folder")).expect_err("refused");
        assert!(refused.to_string().contains("mode is 644"), "{refused}");
        fs::remove_dir_all(root).expect("removed");
    }
}
