//! The only place that writes: results to standard output, progress and diagnostics to standard error.
//!
//! A reader that goes away, as `head` does, is no fault: the rest is not written, and what was begun goes on.

use std::cell::{Cell, RefCell};
use std::io::{self, BufWriter, ErrorKind, Stderr, StdoutLock, Write};

use serde::Serialize;

use crate::options::OutputOptions;
use crate::paint::{ColorChoice, Tone, paint};
use crate::screen;

/// Bytes collected before they are written.
pub(crate) const BUFFER: usize = 1 << 16;

/// Where a command writes, and how.
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    verbose: bool,
    result_colour: bool,
    progress_colour: bool,
    stdout: RefCell<BufWriter<StdoutLock<'static>>>,
    /// Not locked: other threads have something to say as well.
    stderr: RefCell<BufWriter<Stderr>>,
    /// Nobody reads standard output any more, or it cannot be written.
    closed: Cell<bool>,
    fault: RefCell<Option<io::Error>>,
}

impl Output {
    pub(crate) fn new(options: &OutputOptions) -> Self {
        Self::with(options.json, options.quiet, options.verbose, options.color)
    }

    /// Output in its plainest form, for faults of the command line itself.
    pub(crate) fn plain(json: bool) -> Self {
        Self::with(json, false, false, ColorChoice::Auto)
    }

    fn with(json: bool, quiet: bool, verbose: bool, color: ColorChoice) -> Self {
        Self {
            json,
            quiet,
            verbose,
            result_colour: color.applies_to(&io::stdout()),
            progress_colour: color.applies_to(&io::stderr()),
            stdout: RefCell::new(BufWriter::with_capacity(BUFFER, io::stdout().lock())),
            stderr: RefCell::new(BufWriter::with_capacity(BUFFER, io::stderr())),
            closed: Cell::new(false),
            fault: RefCell::new(None),
        }
    }

    /// Whether standard output is for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether nothing but the result is wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether the output of tasks is wanted as well.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether nobody reads the result any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Whether the result is coloured.
    pub(crate) fn result_colour(&self) -> bool {
        self.result_colour
    }

    /// Whether progress is coloured.
    pub(crate) fn progress_colour(&self) -> bool {
        self.progress_colour
    }

    /// Writes a line of the result.
    pub(crate) fn result(&self, line: &str) {
        self.write(|out| writeln!(out, "{line}"));
    }

    /// Writes a text of the result as it is.
    pub(crate) fn text(&self, text: &str) {
        self.write(|out| out.write_all(text.as_bytes()));
    }

    /// Writes an object as one line of the result.
    pub(crate) fn object(&self, object: &impl Serialize) {
        self.write(|out| {
            serde_json::to_writer(&mut *out, object)?;
            out.write_all(b"\n")
        });
    }

    /// Writes a line of progress, unless that is not wanted. Shown with the next flush.
    pub(crate) fn progress(&self, line: &str) {
        if !self.quiet {
            self.buffer(line);
        }
    }

    /// Writes what deserves attention and stops nothing.
    pub(crate) fn warning(&self, message: &str) {
        self.notice(&format!("{}: {message}", paint("warning", Tone::Attention, self.progress_colour)));
    }

    /// Writes what went wrong.
    pub(crate) fn error(&self, message: &str) {
        self.notice(&format!("{}: {message}", paint("error", Tone::Bad, self.progress_colour)));
    }

    /// Writes to standard error, at once.
    pub(crate) fn notice(&self, text: &str) {
        self.buffer(text);
        self.flush_progress();
    }

    fn buffer(&self, line: &str) {
        // There is nobody left to tell that standard error is closed.
        let _ = writeln!(self.stderr.borrow_mut(), "{line}");
    }

    fn flush_progress(&self) {
        if !self.stderr.borrow().buffer().is_empty() {
            screen::beside(|| self.hand_over_progress());
        }
    }

    fn hand_over_progress(&self) {
        let _ = self.stderr.borrow_mut().flush();
    }

    /// Hands everything written so far to its reader.
    pub(crate) fn flush(&self) {
        if self.waiting() > 0 {
            screen::beside(|| self.flush_here());
        }
    }

    /// Hands everything written so far to its reader, where nothing else is on the screen.
    pub(crate) fn flush_here(&self) {
        self.hand_over_progress();
        self.write(Write::flush);
    }

    /// Bytes that were written and not handed over. From half a buffer on, some may hand themselves over.
    pub(crate) fn waiting(&self) -> usize {
        self.stderr.borrow().buffer().len() + self.stdout.borrow().buffer().len()
    }

    /// Why standard output could not be written, if that was not the reader's own wish.
    pub(crate) fn take_fault(&self) -> Option<io::Error> {
        self.flush_here();
        self.fault.borrow_mut().take()
    }

    fn write(&self, write: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> io::Result<()>) {
        if self.closed.get() {
            return;
        }
        if let Err(error) = write(&mut self.stdout.borrow_mut()) {
            self.closed.set(true);
            if error.kind() != ErrorKind::BrokenPipe {
                *self.fault.borrow_mut() = Some(error);
            }
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.flush_here();
    }
}

/// Writes a question to standard error, with the cursor behind it.
pub(crate) fn ask(question: &str) {
    // There is nobody left to ask where standard error is closed.
    let _ = io::stderr().lock().write_all(question.as_bytes());
}

/// Writes a line to standard error, from any thread.
pub(crate) fn notice(line: &str) {
    // In one piece, and there is nobody left to tell that standard error is closed.
    screen::beside(|| {
        let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
    });
}
