//! Tells of groups that may be left, where the system says nothing about who a process is.

use std::io;
use std::time::Duration;

use nix::sys::signal::killpg;
use tokio::time::Instant;

use crate::leftovers::{Leftovers, PastLife};

/// Why it is not known that nothing is left.
#[derive(Debug)]
#[expect(dead_code, reason = "what cannot be ended is a warning")]
pub(crate) enum Fault {
    Remaining(Vec<u32>),
    System(io::Error),
}

/// Signals nobody: the number of a group may be somebody else's by now.
pub(crate) fn sweep(lives: &[&PastLife], _: Instant, left: &mut Leftovers) -> Result<(), Fault> {
    for group in lives.iter().flat_map(|life| &life.groups) {
        if group.pid().is_some_and(|number| killpg(number, None).is_ok()) {
            let (number, name) = (group.pid, &group.name);
            left.warnings.push(format!("process group {number} may be left over of {name}: end it if it is"));
        }
    }
    Ok(())
}

/// Waits for a short time.
pub(crate) fn pause(span: Duration) {
    #[expect(clippy::disallowed_methods, reason = "the end of a lock of another process is no event")]
    std::thread::sleep(span);
}
