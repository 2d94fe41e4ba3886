//! A disk in memory that fails when it is told to.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use super::chance::Chance;
use crate::disk::Source;
use crate::reserve::Reserve;

/// Bytes that a disk writes whole or not at all.
const SECTOR: u64 = 512;
/// Bytes that take up space together.
const BLOCK: u64 = 4096;

/// What goes wrong, and at which operation: writes, changes of length and syncs are counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    /// The power goes during this operation.
    pub(crate) cut_at: Option<u64>,
    /// This operation fails, if it is no sync.
    pub(crate) fail_write_at: Option<u64>,
    /// The first sync from this operation on fails, once.
    pub(crate) fail_sync_at: Option<u64>,
    /// Bytes of space.
    pub(crate) space: Option<u64>,
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug)]
pub(crate) struct SimulatedDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What survives for certain.
    durable: Vec<u8>,
    /// What is read.
    view: Vec<u8>,
    /// What was done since the last sync.
    pending: Vec<Change>,
    /// Blocks that have space.
    blocks: BTreeSet<u64>,
    /// Space that something else takes up.
    elsewhere: u64,
    operations: u64,
    plan: Plan,
    is_off: bool,
    faults: u64,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: u64, data: Vec<u8> },
    Length(u64),
}

impl SimulatedDisk {
    pub(crate) fn new(image: Vec<u8>, plan: Plan) -> Self {
        let blocks = (0..(image.len() as u64).div_ceil(BLOCK)).collect();
        let state = State { durable: image.clone(), view: image, blocks, plan, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens this disk each time.
    pub(crate) fn source(&self) -> Source {
        let disk = self.clone();
        Box::new(move || Ok(Box::new(disk.clone())))
    }

    /// Faults that came to pass.
    pub(crate) fn faults(&self) -> u64 {
        self.state().faults
    }

    /// Operations so far.
    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Changes the space.
    pub(crate) fn set_space(&self, space: Option<u64>) {
        self.state().plan.space = space;
    }

    /// Bytes that are taken up.
    pub(crate) fn used(&self) -> u64 {
        self.state().used()
    }

    /// What was written, as another process reads it.
    pub(crate) fn image(&self) -> Vec<u8> {
        self.state().view.clone()
    }

    /// What is left after the power went: what was synced, and any part of the rest.
    pub(crate) fn survivors(&self, chance: &mut Chance) -> Vec<u8> {
        let state = self.state();
        let mut image = state.durable.clone();
        let survive = [0, 10, 50, 90, 100][usize::try_from(chance.below(5)).unwrap_or_default()];
        let torn = [0, 30, 100][usize::try_from(chance.below(3)).unwrap_or_default()];
        for change in &state.pending {
            if !chance.percent(survive) {
                continue;
            }
            match change {
                Change::Length(length) => image.resize(to_usize(*length), 0),
                Change::Write { offset, data } if chance.percent(torn) => {
                    let end = offset + data.len() as u64;
                    let mut at = *offset;
                    while at < end {
                        let next = ((at / SECTOR + 1) * SECTOR).min(end);
                        if chance.percent(50) {
                            put(&mut image, at, &data[to_usize(at - offset)..to_usize(next - offset)]);
                        }
                        at = next;
                    }
                }
                Change::Write { offset, data } => put(&mut image, *offset, data),
            }
        }
        image
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn put(image: &mut Vec<u8>, offset: u64, data: &[u8]) {
    let (start, end) = (to_usize(offset), to_usize(offset) + data.len());
    if image.len() < end {
        image.resize(end, 0);
    }
    image[start..end].copy_from_slice(data);
}

impl State {
    fn used(&self) -> u64 {
        self.blocks.len() as u64 * BLOCK + self.elsewhere
    }

    /// Counts an operation. The result says whether the power goes during it.
    fn begin(&mut self) -> io::Result<bool> {
        if self.is_off {
            return Err(io::Error::other("there is no power"));
        }
        self.operations += 1;
        if self.plan.cut_at.is_some_and(|at| self.operations > at) {
            self.is_off = true;
            self.faults += 1;
            return Ok(true);
        }
        Ok(false)
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        let is_cut = self.begin()?;
        if !is_cut && self.plan.fail_write_at == Some(self.operations) {
            self.faults += 1;
            return Err(io::Error::other("the disk cannot write here"));
        }
        if let Change::Write { offset, data } = &change {
            let last = (offset + data.len() as u64).div_ceil(BLOCK);
            let new = (offset / BLOCK..last).filter(|block| !self.blocks.contains(block)).count() as u64;
            if new > 0 && self.plan.space.is_some_and(|space| self.used() + new * BLOCK > space) {
                self.faults += 1;
                return Err(ErrorKind::StorageFull.into());
            }
            self.blocks.extend(offset / BLOCK..last);
        }
        match &change {
            Change::Length(length) => {
                self.view.resize(to_usize(*length), 0);
                self.blocks.split_off(&length.div_ceil(BLOCK));
            }
            Change::Write { offset, data } => put(&mut self.view, *offset, data),
        }
        self.pending.push(change);
        if is_cut { Err(io::Error::other("the power went")) } else { Ok(()) }
    }
}

impl StorageBackend for SimulatedDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().view.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        if state.is_off {
            return Err(io::Error::other("there is no power"));
        }
        let range = usize::try_from(offset).ok().and_then(|start| Some(start..start.checked_add(out.len())?));
        match range.and_then(|range| state.view.get(range)) {
            Some(bytes) => {
                out.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.state().change(Change::Length(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.begin()? {
            return Err(io::Error::other("the power went"));
        }
        if state.plan.fail_sync_at.is_some_and(|at| state.operations >= at) {
            // Only once: the next sync succeeds, and what this one was for is forgotten.
            state.plan.fail_sync_at = None;
            state.faults += 1;
            return Err(io::Error::other("the disk cannot sync"));
        }
        for change in std::mem::take(&mut state.pending) {
            match change {
                Change::Length(length) => state.durable.resize(to_usize(length), 0),
                Change::Write { offset, data } => put(&mut state.durable, offset, &data),
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.state().change(Change::Write { offset, data: data.to_vec() })
    }
}

/// A reserve on the simulated disk.
#[derive(Debug)]
pub(crate) struct SimulatedReserve {
    pub(crate) disk: SimulatedDisk,
    pub(crate) bytes: u64,
}

impl Reserve for SimulatedReserve {
    fn take(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        if state.elsewhere > 0 {
            return Ok(());
        }
        if state.plan.space.is_some_and(|space| state.used() + 2 * self.bytes > space) {
            return Err(ErrorKind::StorageFull.into());
        }
        state.elsewhere = self.bytes;
        Ok(())
    }

    fn give_up(&self) -> io::Result<()> {
        self.disk.state().elsewhere = 0;
        Ok(())
    }
}
