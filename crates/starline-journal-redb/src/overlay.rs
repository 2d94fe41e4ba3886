//! A store that is read without changing it: what the engine writes stays in memory.
//!
//! A store that was not closed needs a repair before it can be read, and a repair writes. Over an overlay it
//! repairs a view, and the file stays as it was found.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{BackendError, StorageBackend};

use crate::disk::is_blank;

/// Bytes that are changed together.
const PAGE: usize = 4096;

/// A backend beneath which nothing changes.
pub(crate) struct Overlay {
    base: Box<dyn StorageBackend>,
    view: Mutex<View>,
    ended: Arc<AtomicBool>,
}

#[derive(Default)]
struct View {
    /// Length, once it is known.
    len: Option<u64>,
    /// Where the base ends for this view.
    base_len: u64,
    pages: BTreeMap<u64, Box<[u8; PAGE]>>,
}

impl Overlay {
    pub(crate) fn new(base: Box<dyn StorageBackend>) -> Self {
        Self { base, view: Mutex::default(), ended: Arc::default() }
    }

    /// Set, every call fails from then on: the engine need not tidy up a view, and a damaged one would harm it.
    pub(crate) fn end(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.ended)
    }

    /// The view, with its length looked up.
    fn view(&self) -> io::Result<MutexGuard<'_, View>> {
        if self.ended.load(Ordering::Acquire) {
            return Err(io::Error::other("the view is closed"));
        }
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        if view.len.is_none() {
            view.base_len = if is_blank(&*self.base)? { 0 } else { self.base.len()? };
            view.len = Some(view.base_len);
        }
        Ok(view)
    }

    /// A page of the base; zeros behind its end.
    fn base_page(&self, base_len: u64, number: u64) -> io::Result<Box<[u8; PAGE]>> {
        let mut page = Box::new([0; PAGE]);
        let start = number * PAGE as u64;
        let length = usize::try_from(base_len.saturating_sub(start)).unwrap_or(PAGE).min(PAGE);
        if length > 0 {
            self.base.read(start, &mut page[..length])?;
        }
        Ok(page)
    }
}

/// Calls `part` with the number of each page of a range, the range in that page, and the range in the whole.
fn parts(
    offset: u64,
    length: usize,
    mut part: impl FnMut(u64, std::ops::Range<usize>, std::ops::Range<usize>) -> io::Result<()>,
) -> io::Result<()> {
    let mut done = 0;
    while done < length {
        let at = offset + done as u64;
        // Below the size of a page.
        let within = usize::try_from(at % PAGE as u64).unwrap_or_default();
        let count = (PAGE - within).min(length - done);
        part(at / PAGE as u64, within..within + count, done..done + count)?;
        done += count;
    }
    Ok(())
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overlay").field("base", &self.base).finish_non_exhaustive()
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.view()?.len.unwrap_or_default())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let view = self.view()?;
        let end = offset.checked_add(out.len() as u64);
        if end.is_none_or(|end| Some(end) > view.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if view.pages.is_empty() && end <= Some(view.base_len) {
            return self.base.read(offset, out);
        }
        parts(offset, out.len(), |number, within, whole| {
            let out = &mut out[whole];
            match view.pages.get(&number) {
                Some(page) => out.copy_from_slice(&page[within]),
                None => out.copy_from_slice(&self.base_page(view.base_len, number)?[within]),
            }
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut view = self.view()?;
        view.len = Some(len);
        view.base_len = view.base_len.min(len);
        view.pages.split_off(&len.div_ceil(PAGE as u64));
        let cut = usize::try_from(len % PAGE as u64).unwrap_or_default();
        if cut > 0
            && let Some(page) = view.pages.get_mut(&(len / PAGE as u64))
        {
            page[cut..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.view().map(drop)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut view = self.view()?;
        let end = offset + data.len() as u64;
        if view.len < Some(end) {
            view.len = Some(end);
        }
        let base_len = view.base_len;
        parts(offset, data.len(), |number, within, whole| {
            let page = match view.pages.entry(number) {
                std::collections::btree_map::Entry::Occupied(page) => page.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(self.base_page(base_len, number)?)
                }
            };
            page[within].copy_from_slice(&data[whole]);
            Ok(())
        })
    }

    fn close(&self) -> io::Result<()> {
        self.base.close()
    }

    // Whoever only reads shares the file with others who only read.
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.base.try_lock_shared_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.base.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.base.lock_shared_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.base.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.base.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.base.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::backends::InMemoryBackend;

    #[test]
    fn a_view_changes_and_its_base_does_not() {
        let base = InMemoryBackend::new();
        base.set_len(10_000).expect("memory");
        base.write(4090, &[7; 20]).expect("memory");
        let overlay = Overlay::new(Box::new(base));
        let read = |offset, length| {
            let mut out = vec![1; length];
            overlay.read(offset, &mut out).map(|()| out)
        };
        assert_eq!(read(4090, 20).expect("inside"), [7; 20]);
        overlay.write(4095, &[8; 2]).expect("memory");
        assert_eq!(read(4094, 4).expect("inside"), [7, 8, 8, 7]);
        overlay.set_len(4096).expect("memory");
        assert!(read(4094, 4).is_err(), "behind the end");
        overlay.set_len(20_000).expect("memory");
        assert_eq!(read(4094, 4).expect("inside"), [7, 8, 0, 0], "what was cut is gone");
        assert_eq!(read(19_990, 10).expect("inside"), [0; 10]);
        let mut out = [0; 4];
        overlay.base.read(4094, &mut out).expect("inside");
        assert_eq!(out, [7; 4]);
    }
}
