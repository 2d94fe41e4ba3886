//! Output on its way to whoever watches.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, stream};
use starline_device::{AttemptId, BoxStream, DeviceSignal, ProgressStream};
use tokio::sync::mpsc;

use crate::capture::whole_characters;

/// Signals that wait for their reader; what comes beyond is dropped.
const CAPACITY: usize = 1024;
/// A line longer than this, in bytes, is sent in pieces.
const LONGEST_LINE: usize = 8 * 1024;

/// The way from processes to whoever reads the device's signals, if somebody does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outlet(Arc<Mutex<Option<mpsc::Sender<DeviceSignal>>>>);

impl Outlet {
    /// Opens the stream of signals; an earlier one ends.
    pub(crate) fn open(&self) -> BoxStream<'static, DeviceSignal> {
        let (sender, mut receiver) = mpsc::channel(CAPACITY);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        stream::poll_fn(move |cx| receiver.poll_recv(cx)).boxed()
    }

    /// Sends a text, unless nobody listens or the reader is behind.
    pub(crate) fn send(&self, attempt: &AttemptId, stream: ProgressStream, text: &str) {
        if let Some(sender) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            let signal = DeviceSignal::Progress { attempt: attempt.clone(), stream, text: text.into() };
            let _ = sender.try_send(signal); // Full or closed: progress may be lost.
        }
    }

    fn is_open(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// Cuts a stream of bytes into whole lines and sends them.
#[derive(Debug)]
pub(crate) struct Lines {
    outlet: Outlet,
    attempt: AttemptId,
    stream: ProgressStream,
    /// The beginning of a line whose end was not seen yet.
    begun: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(outlet: Outlet, attempt: AttemptId, stream: ProgressStream) -> Self {
        Self { outlet, attempt, stream, begun: Vec::new() }
    }

    /// Sends the lines that end in these bytes, as one text without the last line break.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if !self.outlet.is_open() {
            self.begun.clear();
            return;
        }
        let rest = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => {
                self.begun.extend_from_slice(&bytes[..end]);
                self.flush(self.begun.len());
                &bytes[end + 1..]
            }
            None => bytes,
        };
        self.begun.extend_from_slice(rest);
        if self.begun.len() > LONGEST_LINE {
            self.flush(whole_characters(&self.begun));
        }
    }

    /// Sends what is left after the end of the stream.
    pub(crate) fn finish(&mut self) {
        if !self.begun.is_empty() {
            self.flush(self.begun.len());
        }
    }

    fn flush(&mut self, length: usize) {
        self.outlet.send(&self.attempt, self.stream, &String::from_utf8_lossy(&self.begun[..length]));
        self.begun.drain(..length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use starline_device::TaskId;

    fn texts(chunks: &[&[u8]]) -> Vec<String> {
        let outlet = Outlet::default();
        let mut signals = outlet.open();
        let task = TaskId::new("t").expect("id");
        let attempt = AttemptId { run: "r".parse().expect("id"), task: task.into(), number: 1 };
        let mut lines = Lines::new(outlet, attempt, ProgressStream::Stdout);
        chunks.iter().for_each(|chunk| lines.push(chunk));
        lines.finish();
        drop(lines);
        std::iter::from_fn(|| signals.next().now_or_never().flatten())
            .map(|signal| match signal {
                DeviceSignal::Progress { text, .. } => text.to_string(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn lines_are_whole_and_the_last_one_needs_no_end() {
        assert_eq!(texts(&[b"a\nb\nc", b"d\n", b"e"]), ["a\nb", "cd", "e"]);
        assert_eq!(texts(&[b"\n", b"x\n"]), ["", "x"]);
        assert_eq!(texts(&[b"", b""]), [""; 0]);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let line = "ä".repeat(LONGEST_LINE);
        let (head, tail) = line.as_bytes().split_at(LONGEST_LINE + 1);
        let texts = texts(&[head, tail]);
        assert_eq!(texts.concat(), line);
        assert_eq!(texts.len(), 2);
    }
}
