//! What the terminal can show.

use std::env;
use std::io::{self, IsTerminal};

use super::Check;
use crate::paint::ColorChoice;
use crate::screen;

/// Whether live progress can be shown, and in colours.
pub(super) fn terminal() -> Check {
    const NAME: &str = "terminal";
    if !io::stderr().is_terminal() {
        return Check::limited(
            NAME,
            "standard error is none: progress is one line for each fact",
            "start it in a terminal for live progress",
        );
    }
    let name = env::var("TERM").unwrap_or_default();
    if !screen::is_possible() {
        let found = format!("TERM is {name:?}: progress is one line for each fact");
        return Check::limited(NAME, found, "set TERM, such as TERM=xterm-256color");
    }
    let (rows, columns) = screen::size();
    let colours = if ColorChoice::Auto.applies_to(&io::stderr()) { "with" } else { "without" };
    Check::ok(NAME, format!("{name}, {columns} by {rows}, {colours} colours"))
}
