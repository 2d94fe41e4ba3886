//! Which of the two commits in the head of a file is the last one.
//!
//! The file names one of two commits as the present one in a single bit that no checksum covers. If that bit is
//! damaged after the process was killed, the store would open at the commit before, and acknowledged records would
//! be gone without a word. So where the other commit is newer, and every page of it is sound, it is taken: either
//! it was acknowledged, or it is a whole group that nobody was told of.

use redb::StorageBackend;

use crate::disk::{Amendment, Source};
use crate::fault::{Trouble, guarded};
use crate::overlay::Overlay;

/// Bytes of the head with both commits.
const HEAD: usize = 320;
const MAGIC: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";
/// Where the flags are.
const FLAGS: usize = 9;
/// Flag: which commit is the present one.
const SECOND_IS_PRESENT: u8 = 1;
/// Where the number of a commit is, for both commits.
const NUMBERS: [usize; 2] = [64 + 104, 192 + 104];

/// The change that makes the newer commit the present one, if the other is, and the newer one is sound.
pub(crate) fn newer_commit(source: &Source) -> Option<Amendment> {
    let backend = source().ok()?;
    if backend.len().ok()? < HEAD as u64 {
        return None;
    }
    let mut head = vec![0; HEAD];
    backend.read(0, &mut head).ok()?;
    let amendment = candidate(&head)?;
    let overlay = Overlay::new(backend);
    overlay.write(amendment.at, &[amendment.byte]).ok()?;
    let sound = guarded(move || {
        let mut database = redb::Builder::new().set_cache_size(16 << 20).create_with_backend(overlay)?;
        Ok::<_, Trouble>(database.check_integrity()?)
    });
    sound.is_ok().then_some(amendment)
}

/// The change, as far as the head tells.
fn candidate(head: &[u8]) -> Option<Amendment> {
    if !head.starts_with(MAGIC) {
        return None;
    }
    let flags = *head.get(FLAGS)?;
    let number = |at: usize| Some(u64::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let (first, second) = (number(NUMBERS[0])?, number(NUMBERS[1])?);
    let older_is_present = if flags & SECOND_IS_PRESENT == 0 { first < second } else { second < first };
    older_is_present.then(|| Amendment {
        expected: head.to_vec(),
        at: FLAGS as u64,
        byte: flags ^ SECOND_IS_PRESENT,
    })
}
