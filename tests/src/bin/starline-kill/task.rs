//! A task: says in the ledger when it begins and when it is done.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

/// The first argument of a task.
pub(crate) const WORD: &str = "task";

/// Arguments: the ledger, and for how long it works, in milliseconds.
pub(crate) fn main(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let (Some(ledger), Some(span)) = (arguments.next(), arguments.next().and_then(|span| span.parse().ok()))
    else {
        return ExitCode::from(2);
    };
    let name = |variable: &str| env::var(variable).unwrap_or_default();
    let line = |word: &str| {
        // One write to a file that is appended to: lines of others are before or behind it.
        let line = format!("{word} {} {}\n", name("STARLINE_TASK"), name("STARLINE_ATTEMPT"));
        let mut file = OpenOptions::new().append(true).create(true).open(&ledger)?;
        file.write_all(line.as_bytes())?;
        file.sync_data()
    };
    if line("begins").is_err() {
        return ExitCode::from(3);
    }
    std::thread::sleep(Duration::from_millis(span));
    match line("done") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(3),
    }
}
