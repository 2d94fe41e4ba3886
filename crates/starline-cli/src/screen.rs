//! The lines at the bottom of a terminal that are drawn again and again, and everything else above them.
//!
//! There is one terminal, so there is one screen. Whoever writes to it does so [beside](beside) these lines.

use std::env;
use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};

static SCREEN: Mutex<Option<Screen>> = Mutex::new(None);

/// Lines that are shown now.
struct Screen {
    multi: MultiProgress,
    /// All of them in one: a drawing shows them as they are at one moment.
    block: ProgressBar,
    text: Arc<Mutex<String>>,
}

impl Screen {
    fn new() -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(Pane::new())));
        let text = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&text);
        let write = move |_: &ProgressState, out: &mut dyn fmt::Write| {
            // It is written into a text, which does not fail.
            let _ = out.write_str(&locked(&shown));
        };
        let style = ProgressStyle::with_template("{lines}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let block = ProgressBar::no_length().with_style(style.with_key("lines", write));
        let block = multi.add(block);
        Self { multi, block, text }
    }

    fn clear(&self) {
        // There is nobody left to tell that the terminal is gone; drawing does not say so either.
        let _ = self.multi.clear();
    }
}

/// Whether standard error is a terminal that lets lines be drawn again.
pub(crate) fn is_possible() -> bool {
    let able = env::var_os("TERM").is_some_and(|name| !name.is_empty() && name != "dumb");
    able && io::stderr().is_terminal()
}

/// Rows and columns of the terminal; 24 and 80 where it does not say.
pub(crate) fn size() -> (usize, usize) {
    let (rows, columns) = Term::stderr().size_checked().unwrap_or((24, 80));
    // Some say that they have none.
    (if rows == 0 { 24 } else { rows.into() }, if columns == 0 { 80 } else { columns.into() })
}

/// Writes something above the lines, if there is something, then shows others in place of them. The lines must
/// fit the terminal.
pub(crate) fn frame(lines: &[String], write: Option<impl FnOnce()>) {
    let mut shown = locked(&SCREEN);
    let screen = shown.get_or_insert_with(Screen::new);
    if let Some(write) = write {
        screen.clear();
        write();
    }
    *locked(&screen.text) = lines.join("\n");
    screen.block.force_draw();
}

/// Writes something above the lines that are shown, if there are any.
pub(crate) fn beside<R>(write: impl FnOnce() -> R) -> R {
    let shown = locked(&SCREEN);
    let Some(screen) = shown.as_ref() else {
        // Not held while somebody reads slowly.
        drop(shown);
        return write();
    };
    screen.clear();
    let written = write();
    screen.block.force_draw();
    written
}

/// Takes notice that somebody has ended the last line: the cursor goes back to where it was left.
pub(crate) fn step_back() {
    if locked(&SCREEN).is_some() {
        // There is nobody left to tell that the terminal is gone.
        let _ = Term::stderr().move_cursor_up(1);
    }
}

/// Takes the lines away.
pub(crate) fn close() {
    if let Some(screen) = locked(&SCREEN).take() {
        screen.clear();
        // Lines that are dropped are not drawn again.
        screen.multi.set_draw_target(ProgressDrawTarget::hidden());
    }
}

/// The terminal, with the cursor left behind the last character.
///
/// Lines come here filled with spaces up to the margin, the last one as well. A terminal that echoes an
/// interrupt there would begin a new line, and the next drawing would miss the first one.
#[derive(Debug)]
struct Pane {
    term: Term,
    /// Whether the next text begins a new line.
    owed: AtomicBool,
}

impl Pane {
    fn new() -> Self {
        Self { term: Term::buffered_stderr(), owed: AtomicBool::new(false) }
    }
}

impl TermLike for Pane {
    fn width(&self) -> u16 {
        u16::try_from(size().1).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from(size().0).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.term.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        if text.bytes().all(|byte| byte == b' ') {
            self.owed.store(true, Ordering::Relaxed);
            return Ok(());
        }
        if self.owed.swap(false, Ordering::Relaxed) {
            self.term.write_str("\r\n")?;
        }
        self.term.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.term.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.owed.store(false, Ordering::Relaxed);
        self.term.flush()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
