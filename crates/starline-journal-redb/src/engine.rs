//! The one who writes: groups of requests become commits.

use std::collections::BTreeMap;
use std::sync::Arc;

use redb::{Database, Durability, ReadableTable, Table, WriteTransaction};
use starline_journal::{Fence, JournalError, JournalFault, Opened, RunId, Seq};

use crate::fault::{Trouble, again};
use crate::options::Options;
use crate::page;
use crate::record::{Batch, RecordFault};
use crate::request::{Answer, Request, refusal};
use crate::reserve::Reserve;
use crate::store::{State, Store};
use crate::table::{self, CHECKPOINTS, META, Meta, RECORDS, RUNS, Row, STORE};

/// Commits before the reserve is tried again: doubled with each attempt, from the first to the second.
const RESERVE_AFTER: (u32, u32) = (16, 1024);

/// The one who writes.
#[derive(Debug)]
pub(crate) struct Engine {
    store: Arc<Store>,
    quota: Option<u64>,
    reserve: Option<Box<dyn Reserve>>,
    /// Commits until the reserve is tried again; none while it is there.
    reserve_in: Option<u32>,
    /// Commits between the last attempt and the next.
    reserve_wait: u32,
    /// The disk was full: nothing is written before somebody opens a run.
    full: Option<JournalError>,
    meta: Meta,
    rows: BTreeMap<RunId, Row>,
}

/// Records of a table.
type Records<'txn> = Table<'txn, (u64, u64), &'static [u8]>;

impl Engine {
    /// Opens the store, and makes its tables if it is new.
    pub(crate) fn open(
        store: Arc<Store>,
        options: &Options,
        reserve: Option<Box<dyn Reserve>>,
    ) -> Result<Self, JournalError> {
        let mut engine = Self {
            store,
            quota: options.quota,
            reserve,
            // It may be there from the last time.
            reserve_in: None,
            reserve_wait: RESERVE_AFTER.0,
            full: None,
            meta: Meta::default(),
            rows: BTreeMap::new(),
        };
        engine.reopen()?;
        if engine.reserve_in.is_none() {
            engine.reserve_in = Some(0);
            engine.try_reserve();
        }
        Ok(engine)
    }

    /// Does what is asked, with as few commits as the order allows, and answers.
    pub(crate) fn work(&mut self, requests: impl IntoIterator<Item = Request>) {
        let mut group = Vec::new();
        for request in requests {
            if matches!(request, Request::Checkpoint { .. }) {
                self.commit(std::mem::take(&mut group));
                self.checkpoint(request);
            } else {
                group.push(request);
            }
        }
        self.commit(group);
    }

    /// One commit for a group.
    fn commit(&mut self, group: Vec<Request>) {
        if group.is_empty() {
            return;
        }
        if let Some(error) = self.full.take() {
            let is_asked = group.iter().any(|request| matches!(request, Request::Open { .. }));
            let opened = if is_asked { self.reopen() } else { Err(error) };
            if let Err(error) = opened {
                group.into_iter().for_each(|request| request.refuse(&error));
                self.full = (error.kind() == JournalFault::Full).then_some(error);
                return;
            }
        }
        let mut answers = Vec::with_capacity(group.len());
        let mut staged = Staged { meta: self.meta, rows: BTreeMap::new(), changed: false };
        let mut waiting = group.into_iter();
        let (rows, quota) = (&self.rows, self.quota);
        let done = self.store.with(|database| {
            let transaction = begin(database)?;
            {
                let mut records = transaction.open_table(RECORDS)?;
                for request in waiting.by_ref() {
                    answers.push(staged.apply(rows, quota, &transaction, &mut records, request)?);
                }
            }
            if staged.changed {
                staged.write(rows, &transaction)?;
                transaction.commit()?;
            } else {
                transaction.abort()?;
            }
            Ok(())
        });
        match done {
            Ok(()) => {
                self.meta = staged.meta;
                for (run, row) in staged.rows {
                    match row {
                        Some(row) => self.rows.insert(run, row),
                        None => self.rows.remove(&run),
                    };
                }
                answers.into_iter().for_each(Answer::tell);
                self.try_reserve();
            }
            Err(error) => {
                self.fail(&error);
                answers.into_iter().for_each(|answer| answer.fail(&error));
                waiting.for_each(|request| request.refuse(&error));
            }
        }
    }

    /// A checkpoint has commits of its own: it is read back before an older one is dropped.
    fn checkpoint(&mut self, request: Request) {
        if let Some(error) = &self.full {
            return request.refuse(error);
        }
        let Request::Checkpoint { run, fence, checkpoint, reply } = request else {
            return self.commit(vec![request]);
        };
        let Some(row) = self.rows.get(&run).filter(|row| row.fence == fence).copied() else {
            return Answer::Done(reply, Err(refusal(&run, JournalFault::Fenced))).tell();
        };
        if checkpoint.seq > row.tail || checkpoint.seq.0 == 0 {
            return Answer::Done(reply, Err(refusal(&run, JournalFault::OutOfOrder))).tell();
        }
        let key = (row.stream, checkpoint.seq.0);
        let kept = self.store.with(|database| {
            let known = page::checkpoints(database, row.stream)?;
            if known.last().is_some_and(|newest| *newest >= checkpoint.seq) {
                return Err(refusal(&run, JournalFault::OutOfOrder).into());
            }
            let frame = table::encode_checkpoint(&checkpoint);
            change(database, |transaction| {
                transaction.open_table(CHECKPOINTS)?.insert(key, frame.as_slice())?;
                Ok(())
            })?;
            let read = page::checkpoint(database, row.stream, checkpoint.seq)?;
            let sound = read.is_some_and(|read| read == checkpoint);
            let surplus = known.len().saturating_sub(1);
            let dropped: Vec<_> =
                if sound { known.into_iter().take(surplus).collect() } else { vec![checkpoint.seq] };
            if !dropped.is_empty() {
                change(database, |transaction| {
                    let mut table = transaction.open_table(CHECKPOINTS)?;
                    for seq in &dropped {
                        table.remove((row.stream, seq.0))?;
                    }
                    Ok(())
                })?;
            }
            Ok(sound)
        });
        let answer = match kept {
            Ok(true) => Ok(()),
            Ok(false) => Err(refusal(&run, JournalFault::Corrupt { at: Some(checkpoint.seq) })),
            Err(error) if error.kind() == JournalFault::OutOfOrder => Err(error),
            Err(error) => {
                self.fail(&error);
                Err(error)
            }
        };
        Answer::Done(reply, answer).tell();
    }

    /// The store is not used again: for ever, or until it is opened anew.
    fn fail(&mut self, error: &JournalError) {
        self.store.fail(error);
        if error.kind() != JournalFault::Full {
            return;
        }
        self.give_up_reserve();
        // Reads go on, if the store can be opened at all.
        self.full = match self.store.open().and_then(|()| self.load()) {
            Err(later) if later.kind() != JournalFault::Full => None,
            _ => Some(again(error)),
        };
    }

    fn give_up_reserve(&mut self) {
        if self.reserve_in.is_none() {
            (self.reserve_in, self.reserve_wait) = (Some(0), RESERVE_AFTER.0);
            if let Some(reserve) = &self.reserve {
                // If it cannot be removed there is less space, and nothing else to be done about it.
                let _ = reserve.give_up();
            }
        }
    }

    /// Opens the store if it is not open, if need be with the space of the reserve.
    fn reopen(&mut self) -> Result<(), JournalError> {
        if matches!(&*self.store.state(), State::Ready(..)) {
            return Ok(());
        }
        let opened = match self.store.open().and_then(|()| self.load()) {
            Err(error) if error.kind() == JournalFault::Full => {
                self.store.fail(&error);
                self.give_up_reserve();
                self.store.open().and_then(|()| self.load())
            }
            opened => opened,
        };
        opened.inspect_err(|error| self.store.fail(error))
    }

    fn try_reserve(&mut self) {
        let Some(reserve) = &self.reserve else {
            self.reserve_in = None;
            return;
        };
        self.reserve_in = match self.reserve_in {
            Some(0) => {
                let wait = self.reserve_wait;
                self.reserve_wait = (wait * 2).min(RESERVE_AFTER.1);
                reserve.take().is_err().then_some(wait)
            }
            Some(commits) => Some(commits - 1),
            None => None,
        };
    }

    /// Reads what is known of the runs; makes the tables of a new store.
    fn load(&mut self) -> Result<(), JournalError> {
        let (meta, rows) = self.store.with(|database| {
            if let Some(found) = page::directory(database)? {
                return Ok(found);
            }
            let meta = Meta::default();
            change(database, |transaction| {
                transaction.open_table(RECORDS)?;
                transaction.open_table(CHECKPOINTS)?;
                transaction.open_table(RUNS)?;
                transaction.open_table(META)?.insert(STORE, meta.encode().as_slice())?;
                Ok(())
            })?;
            Ok((meta, Vec::new()))
        })?;
        self.meta = meta;
        self.rows = rows.into_iter().collect();
        Ok(())
    }
}

/// What a group changes, until it is durable.
struct Staged {
    meta: Meta,
    /// Rows that are new or changed; none for a run that is forgotten.
    rows: BTreeMap<RunId, Option<Row>>,
    changed: bool,
}

impl Staged {
    fn row(&self, rows: &BTreeMap<RunId, Row>, run: &RunId) -> Option<Row> {
        self.rows.get(run).copied().unwrap_or_else(|| rows.get(run).copied())
    }

    fn set(&mut self, run: RunId, row: Option<Row>) {
        self.rows.insert(run, row);
        self.changed = true;
    }

    /// Prepares what is asked. A refusal is an answer; an error is one of the store.
    fn apply(
        &mut self,
        rows: &BTreeMap<RunId, Row>,
        quota: Option<u64>,
        transaction: &WriteTransaction,
        records: &mut Records<'_>,
        request: Request,
    ) -> Result<Answer, Trouble> {
        match request {
            Request::Open { run, reply } => {
                let opened = self.open(self.row(rows, &run), transaction, records, run)?;
                Ok(Answer::Opened(reply, opened))
            }
            Request::Append { run, fence, batch, reply } => {
                let row = self.row(rows, &run).filter(|row| row.fence == fence);
                let appended = match row {
                    None => Err(refusal(&run, JournalFault::Fenced)),
                    Some(_) if batch.len() == 0 => Ok(()),
                    Some(row) if batch.first() != row.tail.next() => {
                        Err(refusal(&run, JournalFault::OutOfOrder))
                    }
                    Some(row) => self.append(quota, transaction, records, run, row, &batch)?,
                };
                Ok(Answer::Done(reply, appended))
            }
            Request::Forget { run, reply } => {
                if let Some(row) = self.row(rows, &run) {
                    let all = (row.stream, 0)..=(row.stream, u64::MAX);
                    records.retain_in(all.clone(), |_, _| false)?;
                    transaction.open_table(CHECKPOINTS)?.retain_in(all, |_, _| false)?;
                    self.set(run, None);
                }
                Ok(Answer::Done(reply, Ok(())))
            }
            // The caller gives it commits of its own.
            Request::Checkpoint { run, reply, .. } => {
                Ok(Answer::Done(reply, Err(refusal(&run, JournalFault::Unsupported))))
            }
        }
    }

    fn open(
        &mut self,
        row: Option<Row>,
        transaction: &WriteTransaction,
        records: &Records<'_>,
        run: RunId,
    ) -> Result<Result<Opened, JournalError>, Trouble> {
        self.meta.fence += 1;
        let fence = Fence(self.meta.fence);
        let Some(mut row) = row else {
            self.meta.stream += 1;
            let (first, tail) = (Seq(1), Seq(0));
            self.set(run, Some(Row { stream: self.meta.stream, fence, first, tail, bytes: 0 }));
            return Ok(Ok(Opened { fence, tail: None, checkpoint: None }));
        };
        if let Err((at, fault)) = page::check_end(records, &run, &row)? {
            return Ok(Err(fault.at(&run, at)));
        }
        let table = transaction.open_table(CHECKPOINTS)?;
        let mut newest = None;
        for entry in table.range((row.stream, 0)..=(row.stream, u64::MAX))?.rev() {
            let (key, frame) = entry?;
            let seq = Seq(key.value().1);
            // One whose next record was removed leads nowhere.
            if seq <= row.tail && seq.next() >= row.first {
                newest = table::decode_checkpoint(seq, frame.value());
            }
            if newest.is_some() {
                break;
            }
        }
        if newest.is_none() && row.first > Seq(1) {
            return Ok(Err(RecordFault::Missing.at(&run, Seq(1))));
        }
        row.fence = fence;
        self.set(run, Some(row));
        Ok(Ok(Opened { fence, tail: row.tail(), checkpoint: newest }))
    }

    fn append(
        &mut self,
        quota: Option<u64>,
        transaction: &WriteTransaction,
        records: &mut Records<'_>,
        run: RunId,
        mut row: Row,
        batch: &Batch,
    ) -> Result<Result<(), JournalError>, Trouble> {
        let bytes = batch.bytes() as u64;
        if let Some(quota) = quota.filter(|quota| row.bytes + bytes > *quota) {
            let before = row;
            remove_covered(quota.saturating_sub(bytes), transaction, records, &mut row)?;
            if row != before {
                self.set(run.clone(), Some(row));
            }
            if row.bytes + bytes > quota {
                return Ok(Err(refusal(&run, JournalFault::Full)));
            }
        }
        for (seq, frame) in batch.frames() {
            records.insert((row.stream, seq), frame)?;
        }
        row.tail = Seq(batch.first().0 + batch.len() as u64 - 1);
        row.bytes += bytes;
        self.set(run, Some(row));
        Ok(Ok(()))
    }

    fn write(&self, rows: &BTreeMap<RunId, Row>, transaction: &WriteTransaction) -> Result<(), Trouble> {
        let mut table = transaction.open_table(RUNS)?;
        for (run, row) in &self.rows {
            match row {
                Some(row) if rows.get(run) == Some(row) => {}
                Some(row) => drop(table.insert(run.as_str(), row.encode().as_slice())?),
                None => drop(table.remove(run.as_str())?),
            }
        }
        transaction.open_table(META)?.insert(STORE, self.meta.encode().as_slice())?;
        Ok(())
    }
}

/// Removes records that a sound checkpoint covers, beginning with the older one, until few enough bytes are left.
fn remove_covered(
    most: u64,
    transaction: &WriteTransaction,
    records: &mut Records<'_>,
    row: &mut Row,
) -> Result<(), Trouble> {
    let table = transaction.open_table(CHECKPOINTS)?;
    for entry in table.range((row.stream, 0)..=(row.stream, u64::MAX))? {
        let (key, frame) = entry?;
        let seq = Seq(key.value().1);
        if row.bytes <= most || table::decode_checkpoint(seq, frame.value()).is_none() {
            continue;
        }
        let mut freed = 0;
        records.retain_in((row.stream, 0)..=(row.stream, seq.0), |_, frame| {
            freed += frame.len() as u64;
            false
        })?;
        row.bytes = row.bytes.saturating_sub(freed);
        row.first = row.first.max(seq.next());
    }
    Ok(())
}

fn begin(database: &Database) -> Result<WriteTransaction, Trouble> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    // What is free is part of each commit, so that nothing has to be searched for after a crash.
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// A commit of its own.
pub(crate) fn change(
    database: &Database,
    act: impl FnOnce(&WriteTransaction) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let transaction = begin(database)?;
    act(&transaction)?;
    Ok(transaction.commit()?)
}
