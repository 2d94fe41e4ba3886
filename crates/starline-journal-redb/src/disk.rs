//! Files beneath the store: what fails is noticed here, and for ever.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};
use starline_journal::JournalFault;

/// Opens what is beneath a store, again after each close.
pub(crate) type Source = Box<dyn Fn() -> io::Result<Box<dyn StorageBackend>> + Send + Sync>;

/// The file of a store, made if `make`.
pub(crate) fn open_file(path: &Path, make: bool) -> io::Result<Box<dyn StorageBackend>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(make);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let is_new = make && !path.exists();
    let file = options.open(path)?;
    if is_new {
        sync_folder(path)?;
    }
    backend(file)
}

/// The file of a store, which is only read.
pub(crate) fn open_file_to_read(path: &Path) -> io::Result<Box<dyn StorageBackend>> {
    backend(File::open(path)?)
}

fn backend(file: File) -> io::Result<Box<dyn StorageBackend>> {
    Ok(Box::new(FileBackend::new(file).map_err(io::Error::other)?))
}

/// Makes the name of a file durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The first fault of a disk. Once there is one, nothing is written any more.
#[derive(Debug)]
pub(crate) struct Latch {
    fault: AtomicU8,
    cause: OnceLock<String>,
    ended: AtomicBool,
    backend: Arc<dyn StorageBackend>,
}

const FULL: u8 = 1;
const FAILED: u8 = 2;

impl Latch {
    pub(crate) fn fault(&self) -> Option<JournalFault> {
        match self.fault.load(Ordering::Acquire) {
            FULL => Some(JournalFault::Full),
            FAILED => Some(JournalFault::Failed),
            _ => None,
        }
    }

    /// What the disk said, if it said something.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.get().map(String::as_str)
    }

    /// Every call fails from now on, and the file is released: what is committed is on the disk, and a damaged store
    /// is left as it is.
    pub(crate) fn end(&self) {
        if !self.ended.swap(true, Ordering::AcqRel) {
            // A lock that cannot be released ends with the process.
            let _ = self.backend.close();
        }
    }

    fn check_end(&self) -> io::Result<()> {
        if self.ended.load(Ordering::Acquire) { Err(io::Error::other("the store is closed")) } else { Ok(()) }
    }

    fn note(&self, fault: u8, error: &io::Error) {
        if self.fault.compare_exchange(0, fault, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            // Another thread may have been first to say why; either cause is true.
            let _ = self.cause.set(error.to_string());
        }
    }
}

/// Whether an error says that there is no space.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Whether the file was begun and never finished: the power went before anything of a journal could be in it. Then
/// it begins anew. The engine writes its mark last, and nothing but its first page before.
pub(crate) fn is_blank(backend: &dyn StorageBackend) -> io::Result<bool> {
    let length = backend.len()?;
    let mut chunk = vec![0; 1 << 16];
    let mut at = 0;
    while at < length {
        let count = usize::try_from(length - at).unwrap_or(chunk.len()).min(chunk.len());
        let chunk = &mut chunk[..count];
        backend.read(at, chunk)?;
        let from = if at == 0 { 4096.min(count) } else { 0 };
        let mark = if at == 0 { 16.min(count) } else { 0 };
        if chunk[..mark].iter().take(9).any(|byte| *byte != 0) || chunk[from..].iter().any(|byte| *byte != 0)
        {
            return Ok(false);
        }
        at += count as u64;
    }
    Ok(length > 0)
}

/// A backend whose first fault ends all writing. After a failed write nobody knows what the system keeps of it,
/// and a second sync may succeed without having written anything.
pub(crate) struct Watched {
    inner: Arc<dyn StorageBackend>,
    latch: Arc<Latch>,
    /// Bytes that are put in place before the first read, when whoever opens the store has locked it.
    amend: Option<Amendment>,
    amended: OnceLock<()>,
    cleared: OnceLock<()>,
}

/// A change of the first bytes of a store, made only if they are still as expected.
#[derive(Clone, Debug)]
pub(crate) struct Amendment {
    pub(crate) expected: Vec<u8>,
    pub(crate) at: u64,
    pub(crate) byte: u8,
}

impl Watched {
    pub(crate) fn new(inner: Box<dyn StorageBackend>, amend: Option<Amendment>) -> (Self, Arc<Latch>) {
        let inner: Arc<dyn StorageBackend> = Arc::from(inner);
        let latch = Arc::new(Latch {
            fault: AtomicU8::new(0),
            cause: OnceLock::new(),
            ended: AtomicBool::new(false),
            backend: Arc::clone(&inner),
        });
        (
            Self {
                inner,
                latch: Arc::clone(&latch),
                amend,
                amended: OnceLock::new(),
                cleared: OnceLock::new(),
            },
            latch,
        )
    }

    fn writing(&self, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.latch.check_end()?;
        if self.latch.fault().is_some() {
            return Err(io::Error::other("the disk has failed before"));
        }
        act().inspect_err(|error| self.latch.note(if is_full(error) { FULL } else { FAILED }, error))
    }

    fn amend(&self) -> io::Result<()> {
        let Some(Amendment { expected, at, byte }) = &self.amend else { return Ok(()) };
        if self.amended.set(()).is_err() {
            return Ok(());
        }
        let mut found = vec![0; expected.len()];
        self.inner.read(0, &mut found)?;
        if found == *expected {
            self.writing(|| self.inner.write(*at, &[*byte]))?;
            self.sync_data()?;
        }
        Ok(())
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("inner", &self.inner)
            .field("latch", &self.latch)
            .finish_non_exhaustive()
    }
}

impl StorageBackend for Watched {
    fn len(&self) -> io::Result<u64> {
        self.latch.check_end()?;
        // The engine asks for the length first, and has locked the file by then.
        if self.cleared.set(()).is_ok() && is_blank(&*self.inner)? {
            self.set_len(0)?;
        }
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.latch.check_end()?;
        self.amend()?;
        self.inner.read(offset, out).inspect_err(|error| {
            // A read behind the end is damage of the store, not of the disk.
            if error.kind() != ErrorKind::UnexpectedEof {
                self.latch.note(FAILED, error);
            }
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.writing(|| self.inner.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.latch.check_end()?;
        if self.latch.fault().is_some() {
            return Err(io::Error::other("the disk has failed before"));
        }
        // Never asked again, whatever it says: what was not written may be forgotten by now.
        self.inner.sync_data().inspect_err(|error| self.latch.note(FAILED, error))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.writing(|| self.inner.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.latch.check_end()?;
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
