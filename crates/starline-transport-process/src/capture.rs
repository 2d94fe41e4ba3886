//! The output of a process: kept up to a limit, read to its end.

use starline_device::ProgressStream;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::progress::Lines;

/// Bytes read at a time.
const CHUNK: usize = 16 * 1024;
/// Reads in a row before the other streams get their turn.
const READS_IN_A_ROW: u32 = 8;
/// Bytes kept of the end of a stream, to quote its last line.
const TAIL: usize = 1024;
/// Characters of a quoted line.
const QUOTE: usize = 200;

/// One output stream of a process.
#[derive(Debug)]
pub(crate) struct Capture {
    kept: Vec<u8>,
    limit: usize,
    truncated: bool,
    tail: Vec<u8>,
    lines: Lines,
}

impl Capture {
    pub(crate) fn new(limit: usize, lines: Lines) -> Self {
        Self { kept: Vec::new(), limit, truncated: false, tail: Vec::new(), lines }
    }

    /// Reads a stream to its end, or until the future is dropped; what was read by then is kept.
    pub(crate) async fn read(&mut self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        let mut chunk = vec![0; CHUNK];
        let mut reads = 0;
        // A pipe that cannot be read any more is at its end.
        while let Ok(length @ 1..) = pipe.read(&mut chunk).await {
            self.take(&chunk[..length]);
            reads += 1;
            if reads % READS_IN_A_ROW == 0 {
                tokio::task::yield_now().await;
            }
        }
        self.lines.finish();
    }

    fn take(&mut self, bytes: &[u8]) {
        let room = self.limit - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.truncated |= bytes.len() > room;
        let (keep, new) = if bytes.len() >= TAIL {
            (0, &bytes[bytes.len() - TAIL..])
        } else {
            (self.tail.len().min(TAIL - bytes.len()), bytes)
        };
        self.tail.drain(..self.tail.len() - keep);
        self.tail.extend_from_slice(new);
        self.lines.push(bytes);
    }

    /// What was kept, with U+FFFD in place of what is not UTF-8.
    pub(crate) fn text(&self) -> String {
        // A character that the limit cut in two is no fault of the process.
        let length = if self.truncated { whole_characters(&self.kept) } else { self.kept.len() };
        String::from_utf8_lossy(&self.kept[..length]).into_owned()
    }

    /// Bytes that are kept at most.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether there was more than the limit allows.
    pub(crate) fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The last line that is not blank, cut to 200 characters and without control characters.
    pub(crate) fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.tail);
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
        Some(line.chars().filter(|c| !c.is_control()).take(QUOTE).collect())
    }
}

/// Length of the bytes without a character at the end that is cut in two.
pub(crate) fn whole_characters(bytes: &[u8]) -> usize {
    let start = bytes.len().saturating_sub(3);
    let cut = (start..bytes.len()).rev().find(|at| bytes[*at] & 0xC0 != 0x80);
    match cut {
        Some(at) if std::str::from_utf8(&bytes[at..]).is_err_and(|error| error.error_len().is_none()) => at,
        _ => bytes.len(),
    }
}

/// The two output streams of an attempt.
#[derive(Debug)]
pub(crate) struct Outputs {
    pub(crate) stdout: Capture,
    pub(crate) stderr: Capture,
}

impl Outputs {
    pub(crate) fn new(limit: usize, lines: impl Fn(ProgressStream) -> Lines) -> Self {
        Self {
            stdout: Capture::new(limit, lines(ProgressStream::Stdout)),
            stderr: Capture::new(limit, lines(ProgressStream::Stderr)),
        }
    }

    /// Reads both streams at the same time.
    pub(crate) async fn read(
        &mut self,
        stdout: Option<impl AsyncRead + Unpin>,
        stderr: Option<impl AsyncRead + Unpin>,
    ) {
        tokio::join!(self.stdout.read(stdout), self.stderr.read(stderr));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Outlet;
    use starline_device::{AttemptId, TaskId};

    fn captured(limit: usize, chunks: &[&[u8]]) -> Capture {
        let task = TaskId::new("t").expect("id");
        let attempt = AttemptId { run: "r".parse().expect("id"), task: task.into(), number: 1 };
        let lines = Lines::new(Outlet::default(), attempt, ProgressStream::Stdout);
        let mut capture = Capture::new(limit, lines);
        chunks.iter().for_each(|chunk| capture.take(chunk));
        capture
    }

    #[test]
    fn the_head_is_kept_and_the_rest_is_noted() {
        for (limit, text, truncated) in [(6, "abcdef", false), (5, "abcde", true), (0, "", true)] {
            let capture = captured(limit, &[b"abcd", b"ef"]);
            assert_eq!((capture.text().as_str(), capture.is_truncated()), (text, truncated));
        }
    }

    #[test]
    fn only_the_limit_may_drop_half_a_character() {
        assert_eq!(captured(2, &["aä".as_bytes()]).text(), "a");
        assert_eq!(captured(9, &[b"a\xC3"]).text(), "a\u{FFFD}");
        assert_eq!(captured(3, &[b"\xFF\xFEab"]).text(), "\u{FFFD}\u{FFFD}a");
    }

    #[test]
    fn characters_at_the_end_are_whole_or_left_out() {
        for text in ["", "a", "ä", "xy€", "x\u{1F980}"] {
            assert_eq!(whole_characters(text.as_bytes()), text.len(), "{text}");
            let last = text.chars().next_back().map_or(0, char::len_utf8);
            for cut in 1..last {
                assert_eq!(
                    whole_characters(&text.as_bytes()[..text.len() - cut]),
                    text.len() - last,
                    "{text}"
                );
            }
        }
        assert_eq!(whole_characters(b"\x80\x80\x80\x80"), 4, "never text in the first place");
    }

    #[test]
    fn the_last_line_comes_from_the_end_even_beyond_the_limit() {
        let long = [b'x'; 3000];
        let capture = captured(1, &[&long, b"\nlast\x1b", b" one \n", b"\n \n"]);
        assert_eq!(capture.last_line().as_deref(), Some("last one"));
        assert_eq!(captured(1, &[&long]).last_line().map(|line| line.len()), Some(QUOTE));
        assert_eq!(captured(1, &[b" \n"]).last_line(), None);
    }
}
