//! Output on its way to whoever watches.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use starline_device::{AttemptId, BoxStream, DeviceSignal, ProgressStream};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;

use crate::capture::whole_characters;
use crate::veil::{Veil, boundary};

/// Signals that wait for their reader; what comes beyond is dropped.
const CAPACITY: usize = 1024;
/// A line longer than this, in bytes, is sent in pieces.
const LONGEST_LINE: usize = 8 * 1024;

/// A reader has left as many signals as may wait.
#[derive(Debug)]
pub(crate) struct Behind;

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

    /// Sends a signal, unless nobody listens.
    ///
    /// # Errors
    /// The reader is behind; it is not sent.
    pub(crate) fn offer(&self, signal: DeviceSignal) -> Result<(), Behind> {
        match self.sender().map(|sender| sender.try_send(signal)) {
            Some(Err(TrySendError::Full(_))) => Err(Behind),
            _ => Ok(()),
        }
    }

    /// Sends a signal, unless nobody listens, and waits for a reader who is behind. Returns whether it was sent, or
    /// nobody wants it.
    pub(crate) async fn deliver(&self, signal: DeviceSignal, patience: Duration) -> bool {
        match self.sender() {
            Some(sender) => timeout(patience, sender.send(signal)).await.is_ok(),
            None => true,
        }
    }

    fn sender(&self) -> Option<mpsc::Sender<DeviceSignal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_open(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// Cuts a stream of bytes into whole lines and sends them without secrets.
#[derive(Debug)]
pub(crate) struct Lines {
    outlet: Outlet,
    attempt: AttemptId,
    stream: ProgressStream,
    veil: Arc<Veil>,
    /// The beginning of a line whose end was not seen yet.
    begun: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(outlet: Outlet, attempt: AttemptId, stream: ProgressStream, veil: Arc<Veil>) -> Self {
        Self { outlet, attempt, stream, veil, begun: Vec::new() }
    }

    pub(crate) fn veil(&self) -> &Arc<Veil> {
        &self.veil
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
        if self.begun.len() > LONGEST_LINE + self.veil.hold() {
            self.flush_begun();
        }
    }

    /// Sends what is left after the end of the stream.
    pub(crate) fn finish(&mut self) {
        if !self.begun.is_empty() {
            self.flush(self.begun.len());
        }
    }

    fn flush(&mut self, length: usize) {
        let text = String::from_utf8_lossy(&self.begun[..length]);
        self.outlet.send(&self.attempt, self.stream, &self.veil.text(&text));
        self.begun.drain(..length);
    }

    /// Sends a piece of a line. What may be the beginning of a secret waits for its end.
    fn flush_begun(&mut self) {
        let whole = whole_characters(&self.begun);
        if self.veil.hold() == 0 {
            return self.flush(whole);
        }
        let text = String::from_utf8_lossy(&self.begun[..whole]);
        let mut text = self.veil.text(&text).into_owned();
        let held = text.split_off(boundary(&text, text.len().saturating_sub(self.veil.hold())));
        let rest = self.begun.split_off(whole);
        self.begun = [held.into_bytes(), rest].concat();
        if !text.is_empty() {
            self.outlet.send(&self.attempt, self.stream, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use starline_device::{Secret, TaskId};

    fn texts(chunks: &[&[u8]]) -> Vec<String> {
        texts_with(Veil::default(), chunks)
    }

    fn texts_with(veil: Veil, chunks: &[&[u8]]) -> Vec<String> {
        let outlet = Outlet::default();
        let mut signals = outlet.open();
        let task = TaskId::new("t").expect("id");
        let attempt = AttemptId { run: "r".parse().expect("id"), task: task.into(), number: 1 };
        let mut lines = Lines::new(outlet, attempt, ProgressStream::Stdout, Arc::new(veil));
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

    #[tokio::test(start_paused = true)]
    async fn what_must_arrive_waits_for_a_reader_who_is_behind() {
        let outlet = Outlet::default();
        let task = TaskId::new("t").expect("id");
        let attempt = AttemptId { run: "r".parse().expect("id"), task: task.into(), number: 1 };
        let content = starline_device::Checkpoint::new(&b"page 7"[..]).expect("small");
        let signal = || DeviceSignal::Checkpoint { attempt: attempt.clone(), content: content.clone() };
        assert!(
            outlet.offer(signal()).is_ok() && outlet.deliver(signal(), Duration::ZERO).await,
            "nobody listens"
        );
        let mut signals = outlet.open();
        for _ in 0..CAPACITY {
            outlet.send(&attempt, ProgressStream::Stdout, "x");
        }
        assert!(outlet.offer(signal()).is_err());
        assert!(!outlet.deliver(signal(), Duration::from_secs(1)).await);
        let delivering = outlet.deliver(signal(), Duration::from_secs(1));
        let reading = async {
            for _ in 0..CAPACITY {
                assert!(matches!(signals.next().await, Some(DeviceSignal::Progress { .. })));
            }
            signals.next().await
        };
        let (is_sent, last) = futures_util::future::join(delivering, reading).await;
        assert!(is_sent && matches!(last, Some(DeviceSignal::Checkpoint { .. })));
    }

    #[test]
    fn a_secret_is_masked_wherever_chunks_and_pieces_are_cut() {
        let secret = "swordfish";
        let known = [("S".to_owned(), Secret::new(secret))].into_iter().collect();
        let veil = || Veil::new(&[("V".to_owned(), "S".to_owned())].into(), &known).expect("known");
        let line = format!("the {secret} is ");
        for at in 0..=line.len() {
            let (head, tail) = line.as_bytes().split_at(at);
            assert_eq!(texts_with(veil(), &[head, tail, b"\nend"]), ["the [redacted] is ", "end"]);
        }
        let long = line.repeat(3 * LONGEST_LINE / line.len());
        for chunk in [1, 7, 8000] {
            let chunks: Vec<&[u8]> = long.as_bytes().chunks(chunk).collect();
            let texts = texts_with(veil(), &chunks);
            assert!(texts.len() > 1 && texts.iter().all(|text| text.len() < 3 * LONGEST_LINE));
            assert_eq!(texts.concat(), long.replace(secret, "[redacted]"));
        }
    }
}
