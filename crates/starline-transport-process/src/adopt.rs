//! Orphans of attempts become children of this process.

use std::io;

/// Makes this process the parent of processes that lose theirs, below it, so that what is left of an attempt
/// is waited for at once and not whenever the first process of the system gets around to it.
///
/// Concerns the whole program, so the program decides: call it once at its start, if it starts processes by
/// process devices alone. Does nothing on systems other than Linux.
///
/// # Errors
/// The system refuses.
pub fn adopt_orphans() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_child_subreaper(true)?;
    Ok(())
}
