//! A line of a register: who a process was, so that it is known again after whoever started it is gone.

use std::str::FromStr;

use nix::unistd::Pid;

/// Bytes of a line with its end. Each has a place of its own in the file, so that one write makes or ends it.
pub(crate) const LINE: usize = 256;
/// Hexadecimal digits of the digest at the end of a line.
const DIGITS: usize = 8;
/// Bytes kept of the name of an attempt.
const NAME: usize = 96;

/// What a line is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Whoever starts the attempts.
    Owner,
    /// An attempt that is about to start; it has no number yet.
    Begins,
    /// An attempt, by the leader of its group.
    Group,
}

/// One line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) pid: i32,
    /// When the process began, in ticks of the system; 0 where the system does not tell.
    pub(crate) born: u64,
    /// Where numbers of processes mean the same: see [`here`].
    pub(crate) place: String,
    /// The life it belongs to.
    pub(crate) token: String,
    /// The attempt, for people.
    pub(crate) name: String,
}

impl Kind {
    const WORDS: [(&str, Self); 3] =
        [("owner", Self::Owner), ("begins", Self::Begins), ("group", Self::Group)];

    fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Begins => "begins",
            Self::Group => "group",
        }
    }
}

impl Record {
    /// The line, padded to its length.
    pub(crate) fn line(&self) -> Vec<u8> {
        let Self { kind, pid, born, place, token, name } = self;
        let mut plain: String =
            name.chars().map(|c| if c.is_whitespace() || c.is_control() { '_' } else { c }).collect();
        plain.truncate((0..=NAME.min(plain.len())).rev().find(|at| plain.is_char_boundary(*at)).unwrap_or(0));
        let text = format!("{} {pid} {born} {place} {token} {plain}", kind.word());
        let mut line = format!("{text} {}", digest(&text)).into_bytes();
        line.resize(LINE - 1, b' ');
        line.push(b'\n');
        line
    }

    /// A line without anything.
    pub(crate) fn blank() -> Vec<u8> {
        let mut line = vec![b' '; LINE - 1];
        line.push(b'\n');
        line
    }

    /// Reads a line; `None` if it is not whole.
    pub(crate) fn read(line: &[u8]) -> Option<Self> {
        let (text, found) = std::str::from_utf8(line).ok()?.trim_end().rsplit_once(' ')?;
        if digest(text) != found {
            return None;
        }
        let mut words = text.split(' ');
        let word = words.next()?;
        let (_, kind) = Kind::WORDS.iter().find(|(known, _)| *known == word)?;
        Some(Self {
            kind: *kind,
            pid: number(words.next()?)?,
            born: number(words.next()?)?,
            place: words.next()?.to_owned(),
            token: words.next()?.to_owned(),
            name: words.next()?.to_owned(),
        })
    }

    /// The number of the process, if it can be one that somebody started.
    pub(crate) fn pid(&self) -> Option<Pid> {
        (self.pid > 1).then(|| Pid::from_raw(self.pid))
    }
}

fn number<N: FromStr>(word: &str) -> Option<N> {
    word.parse().ok()
}

fn digest(text: &str) -> String {
    let mut digits = blake3::hash(text.as_bytes()).to_hex().to_string();
    digits.truncate(DIGITS);
    digits
}

/// Where numbers of processes mean the same: one start of one system, and there one space of numbers. `None` where
/// the system does not tell.
#[cfg(target_os = "linux")]
pub(crate) fn here() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let space: String = space.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    Some(format!("{}:{space}", boot.trim()))
}

/// Nothing is ended there, so that one name does for all places.
#[cfg(not(target_os = "linux"))]
pub(crate) fn here() -> Option<String> {
    Some("-:-".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            kind: Kind::Group,
            pid: 4711,
            born: 987_654,
            place: "boot:4026531836".to_owned(),
            token: "ab".repeat(16),
            name: "run/task#1".to_owned(),
        }
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for kind in [Kind::Owner, Kind::Begins, Kind::Group] {
            let record = Record { kind, ..record() };
            assert_eq!(record.line().len(), LINE);
            assert_eq!(Record::read(&record.line()), Some(record));
        }
        let long = Record {
            name: "ä b\n".repeat(LINE),
            pid: i32::MAX,
            born: u64::MAX,
            place: format!("{}:{}", "x".repeat(36), u32::MAX),
            ..record()
        };
        let line = long.line();
        let read = Record::read(&line).expect("whole");
        assert_eq!((line.len(), read.pid, read.born), (LINE, i32::MAX, u64::MAX));
        assert!(read.name.starts_with("ä_b_ä") && read.name.len() <= NAME);
    }

    #[test]
    fn what_is_not_whole_is_no_record() {
        let line = record().line();
        let written = line.iter().rposition(|byte| !byte.is_ascii_whitespace()).expect("a line") + 1;
        for length in 0..written {
            assert_eq!(Record::read(&line[..length]), None, "{length}");
        }
        for at in 0..written {
            let mut line = line.clone();
            line[at] ^= 1;
            assert_eq!(Record::read(&line), None, "{at}");
        }
        assert_eq!(Record::read(&Record::blank()), None);
        assert_eq!(Record::read(&[0xff; LINE]), None);
        assert_eq!(Record { pid: 1, ..record() }.pid(), None);
        assert_eq!(Record { pid: -7, ..record() }.pid(), None);
    }
}
