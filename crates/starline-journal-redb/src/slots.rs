//! Which of the two commits in the head of a file is the last one, and whether it is sound.
//!
//! The file names one of two commits as the present one in a single bit that no checksum covers. If that bit is
//! damaged after the process was killed, the store would open at the commit before, and acknowledged records would
//! be gone without a word. So where the other commit is newer, and every page of it is sound, it is taken: either
//! it was acknowledged, or it is a whole group that nobody was told of.

use redb::{Builder, StorageBackend};

use crate::disk::{Amendment, Source, is_blank};
use crate::fault::{Trouble, guarded};
use crate::overlay::Overlay;

/// Bytes of the head with both commits.
const HEAD: usize = 320;
const MAGIC: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";
/// Where the flags are.
const FLAGS: usize = 9;
/// Flag: the second commit is the present one.
const SECOND: u8 = 1;
/// Flag: the present commit may be trusted without a look at its pages.
const TRUSTED: u8 = 4;
/// Where the number of a commit is, for both commits.
const NUMBERS: [usize; 2] = [64 + 104, 192 + 104];
/// Where the checksum of a commit is, for both commits.
const CHECKSUMS: [usize; 2] = [64 + 112, 192 + 112];

/// Bytes of pages that are cached during a check.
const CACHE: usize = 16 << 20;

/// The change that makes the newer commit the present one, if the older one is, and both are sound. With `verify`,
/// the commit that is then present has to be sound, down to every page.
pub(crate) fn look(source: &Source, verify: bool) -> Result<Option<Amendment>, Trouble> {
    let backend = source()?;
    // What is too short or something else is refused by whoever opens it.
    if backend.len()? < HEAD as u64 || is_blank(&*backend)? {
        return Ok(None);
    }
    let mut head = vec![0; HEAD];
    backend.read(0, &mut head)?;
    drop(backend);
    let Some((present, newest)) = commits(&head) else { return Ok(None) };
    if present == newest {
        if verify {
            check(source, &head, present)?;
        }
        return Ok(None);
    }
    // A commit that was the present one is never half written: if it is not sound it is damaged, and so may be the
    // number that makes it the older one.
    check(source, &head, present)?;
    match check(source, &head, newest) {
        Ok(()) => Ok(Some(Amendment { at: FLAGS as u64, byte: head[FLAGS] ^ SECOND, expected: head })),
        Err(trouble @ Trouble::Store(redb::Error::DatabaseAlreadyOpen)) => Err(trouble),
        // The power went while it was written.
        Err(_) => Ok(None),
    }
}

/// The present commit and the newest one, if this is a store.
fn commits(head: &[u8]) -> Option<(usize, usize)> {
    let number = |at: usize| Some(u64::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let [first, second] = [number(NUMBERS[0])?, number(NUMBERS[1])?];
    let present = usize::from(*head.get(FLAGS)? & SECOND);
    let newest = if first == second { present } else { usize::from(second > first) };
    head.starts_with(MAGIC).then_some((present, newest))
}

/// Checks every page of a commit, in a view of the file where there is no other commit to fall back to, and where
/// nothing is trusted.
fn check(source: &Source, head: &[u8], commit: usize) -> Result<(), Trouble> {
    let overlay = Overlay::new(source()?);
    let second = if commit == 1 { SECOND } else { 0 };
    overlay.write(FLAGS as u64, &[head[FLAGS] & !(SECOND | TRUSTED) | second])?;
    let other = CHECKSUMS[1 - commit];
    overlay.write(other as u64, &[!head[other]])?;
    guarded(move || {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE);
        // This far it comes only if a page is not sound.
        builder.set_repair_callback(|repair| {
            if (0.2..0.5).contains(&repair.progress()) {
                repair.abort();
            }
        });
        drop(builder.create_with_backend(overlay)?);
        Ok(())
    })
}
