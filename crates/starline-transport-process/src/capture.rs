//! The output of a process: kept up to a limit, read to its end.

use std::sync::Arc;

use starline_device::ProgressStream;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::gate::Gate;
use crate::progress::Lines;
use crate::veil::{Veil, boundary};

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
    gate: Gate,
    kept: Vec<u8>,
    limit: usize,
    /// Bytes that came through.
    total: usize,
    tail: Vec<u8>,
    veil: Arc<Veil>,
    lines: Lines,
}

impl Capture {
    pub(crate) fn new(limit: usize, gate: Gate, lines: Lines) -> Self {
        let veil = Arc::clone(lines.veil());
        Self { gate, kept: Vec::new(), limit, total: 0, tail: Vec::new(), veil, lines }
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
        let passed = self.gate.pass(bytes);
        let bytes = passed.as_ref();
        self.total = self.total.saturating_add(bytes.len());
        // More than is shown, so that a secret is recognised that the limit cuts in two.
        let room = self.limit.saturating_add(self.veil.hold()) - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let most = TAIL + self.veil.hold();
        let (keep, new) = if bytes.len() >= most {
            (0, &bytes[bytes.len() - most..])
        } else {
            (self.tail.len().min(most - bytes.len()), bytes)
        };
        self.tail.drain(..self.tail.len() - keep);
        self.tail.extend_from_slice(new);
        self.lines.push(bytes);
    }

    /// What was kept, without secrets and with U+FFFD in place of what is not UTF-8.
    pub(crate) fn text(&self) -> String {
        let is_cut = self.total > self.kept.len();
        // A character that the limit cut in two is no fault of the process.
        let length = if is_cut { whole_characters(&self.kept) } else { self.kept.len() };
        let text = String::from_utf8_lossy(&self.kept[..length]);
        if self.veil.hold() == 0 {
            return text.into_owned();
        }
        let mut text = self.veil.text(&text).into_owned();
        if self.is_truncated() {
            // The beginning of a secret may be at the end of what was cut.
            let end = if is_cut { text.len().saturating_sub(self.veil.hold()) } else { text.len() };
            text.truncate(boundary(&text, end.min(self.limit)));
        }
        text
    }

    /// Bytes that are kept at most.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether there was more than the limit allows.
    pub(crate) fn is_truncated(&self) -> bool {
        self.total > self.limit
    }

    /// The last line that is not blank, without secrets, cut to 200 characters and without control characters.
    pub(crate) fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.tail);
        let text = self.veil.text(&text);
        // The end of a secret may be at the beginning of what was cut.
        let cut = if self.total > self.tail.len() { self.veil.hold() } else { 0 };
        self.quote(&text[text.len() - boundary_after(&text, cut)..])
    }

    /// The last words before a start that never came.
    pub(crate) fn unstarted(&self) -> Option<String> {
        let said = String::from_utf8_lossy(self.gate.said()?);
        Some(self.quote(&self.veil.text(&said)).unwrap_or_else(|| "nobody says why".to_owned()))
    }

    /// The last line that is not blank, fit for a message. Without control characters it may say more.
    fn quote(&self, text: &str) -> Option<String> {
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        Some(self.veil.text(&line).chars().take(QUOTE).collect())
    }
}

/// How much is left of a text without its first bytes, and without the rest of a character that they cut in two.
fn boundary_after(text: &str, start: usize) -> usize {
    (start..=text.len()).find(|at| text.is_char_boundary(*at)).map_or(0, |at| text.len() - at)
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
    /// The streams of a process. Where a shell of ours starts it, a line on standard error tells when.
    pub(crate) fn new(limit: usize, mark: Option<&str>, lines: impl Fn(ProgressStream) -> Lines) -> Self {
        Self {
            stdout: Capture::new(limit, Gate::Open, lines(ProgressStream::Stdout)),
            stderr: Capture::new(limit, Gate::until(mark), lines(ProgressStream::Stderr)),
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
    use starline_device::{AttemptId, Secret, TaskId};

    fn captured(limit: usize, chunks: &[&[u8]]) -> Capture {
        captured_with(Veil::default(), limit, chunks)
    }

    fn captured_with(veil: Veil, limit: usize, chunks: &[&[u8]]) -> Capture {
        let task = TaskId::new("t").expect("id");
        let attempt = AttemptId { run: "r".parse().expect("id"), task: task.into(), number: 1 };
        let lines = Lines::new(Outlet::default(), attempt, ProgressStream::Stdout, Arc::new(veil));
        let mut capture = Capture::new(limit, Gate::Open, lines);
        chunks.iter().for_each(|chunk| capture.take(chunk));
        capture
    }

    /// Wherever the limit or the end of what is quoted cuts, no part of a secret is left.
    #[test]
    fn no_cut_leaves_a_part_of_a_secret() {
        const SECRETS: [&str; 3] = ["swordfish-and-chips", "fish", "lines\nof \"text\""];
        let known = SECRETS.map(|secret| (secret.to_owned(), Secret::new(secret)));
        let named = SECRETS.map(|secret| (secret.to_owned(), secret.to_owned())).into();
        let veil = || Veil::new(&named, &known.clone().into_iter().collect()).expect("known");
        let output = SECRETS.concat().repeat(40) + &".".repeat(30);
        for limit in 0..output.len() + 1 {
            let capture = captured_with(veil(), limit, &[output.as_bytes()]);
            let text = capture.text();
            assert!(text.len() <= limit, "{limit}");
            let rest = text.replace("[redacted]", "");
            let rest = rest.trim_end_matches(|c: char| "[redacted]".contains(c)).trim_end_matches('.');
            assert_eq!(rest, "", "{limit}");
            assert_eq!(capture.is_truncated(), limit < output.len());
        }
        let output = SECRETS.concat().repeat(200);
        for length in 0..SECRETS.concat().len() {
            let output = output[length..].trim_end_matches('.').replace('\n', " ");
            let last = captured_with(veil(), 1 << 20, &[b"begin ", output.as_bytes()]).last_line();
            let last = last.unwrap_or_default();
            assert!(!last.contains("sword") && !last.contains("chips"), "{last}");
        }
        // Nothing more than needed is left out.
        let text = captured_with(veil(), 12, &[b"a swo", b"rdfish-and-", b"chips b"]).text();
        assert_eq!(text, "a [redacted]");
        assert_eq!(captured_with(veil(), 6, &[&[b'x'; 3000]]).text(), "xxxxxx");
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
