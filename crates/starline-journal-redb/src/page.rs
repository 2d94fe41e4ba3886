//! Reading: every record is checked on its way out.

use redb::{ReadTransaction, ReadableDatabase, ReadableTable, TableError, TableHandle};
use starline_journal::{Checkpoint, Envelope, RunId, Seq, SharedEnvelope};

use crate::fault::Trouble;
use crate::record::{self, RecordFault};
use crate::table::{self, CHECKPOINTS, META, Meta, RECORDS, RUNS, Row, STORE};

/// Bytes of records that one page has at the most, beyond its first.
const PAGE_BYTES: usize = 4 << 20;

/// What a store says of itself and of its runs.
pub(crate) type Directory = (Meta, Vec<(RunId, Row)>);

/// What a store says of itself and of its runs; none for a store without anything.
pub(crate) fn directory(database: &impl ReadableDatabase) -> Result<Option<Directory>, Trouble> {
    let transaction = database.begin_read()?;
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => {
            return match transaction.list_tables()?.next() {
                None => Ok(None),
                Some(table) => Err(foreign(table.name())),
            };
        }
        Err(error) => return Err(error.into()),
    };
    let stored = meta.get(STORE)?.ok_or_else(|| foreign(META.name()))?;
    let meta = Meta::decode(stored.value()).map_err(|fault| Trouble::Journal(store_fault(&fault)))?;
    let mut rows = Vec::new();
    for entry in transaction.open_table(RUNS)?.iter()? {
        let (key, frame) = entry?;
        let run = table::run_id(key.value()).map_err(|fault| Trouble::Journal(store_fault(&fault)))?;
        let row =
            Row::decode(frame.value()).map_err(|fault| Trouble::Journal(store_fault(&fault).of_run(&run)))?;
        rows.push((run, row));
    }
    Ok(Some((meta, rows)))
}

/// A fault of what the store says of itself: no record is to blame.
pub(crate) fn store_fault(fault: &RecordFault) -> starline_journal::JournalError {
    use starline_journal::{JournalError, JournalFault};
    let kind = match fault {
        RecordFault::Format(_) => JournalFault::Newer { at: None },
        _ => JournalFault::Corrupt { at: None },
    };
    JournalError::with_source(kind, fault.clone())
}

/// A database of something else.
fn foreign(table: &str) -> Trouble {
    let text = format!("the file has a table `{table}` and is no journal");
    Trouble::Journal(store_fault(&RecordFault::Store(text)))
}

/// The row of a run.
fn row(transaction: &ReadTransaction, run: &RunId) -> Result<Option<Row>, Trouble> {
    let table = match transaction.open_table(RUNS) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(frame) = table.get(run.as_str())? else { return Ok(None) };
    let row = Row::decode(frame.value());
    Ok(Some(row.map_err(|fault| Trouble::Journal(store_fault(&fault).of_run(run)))?))
}

/// The next records of a run.
pub(crate) fn read(
    database: &impl ReadableDatabase,
    run: &RunId,
    after: Option<Seq>,
    most: usize,
) -> Result<Vec<SharedEnvelope>, Trouble> {
    let transaction = database.begin_read()?;
    let Some(row) = row(&transaction, run)? else { return Ok(Vec::new()) };
    let mut found: Vec<Envelope> = Vec::new();
    let first = after.map_or(row.first, |after| Seq(after.0.saturating_add(1)).max(row.first));
    walk(&transaction, run, &row, first, Budget { records: most, bytes: PAGE_BYTES }, |envelope| {
        found.push(envelope);
    })?
    .map_err(|(at, fault)| Trouble::Journal(fault.at(run, at)))?;
    let (mut shared, mut found) = (Vec::with_capacity(found.len()), found.into_iter());
    while found.len() > 0 {
        shared.extend(SharedEnvelope::share(&mut found));
    }
    Ok(shared)
}

/// How much may be read.
pub(crate) struct Budget {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
}

impl Budget {
    /// Everything.
    pub(crate) const ALL: Self = Self { records: usize::MAX, bytes: usize::MAX };
}

/// A record that cannot be trusted, and why.
pub(crate) type Fault = (Seq, RecordFault);

/// Hands out records from a number on, until the budget is used up, the stream ends, or a record is unsound.
pub(crate) fn walk(
    transaction: &ReadTransaction,
    run: &RunId,
    row: &Row,
    first: Seq,
    mut budget: Budget,
    mut take: impl FnMut(Envelope),
) -> Result<Result<(), Fault>, Trouble> {
    let records = transaction.open_table(RECORDS)?;
    let mut expected = first;
    for entry in records.range((row.stream, first.0)..=(row.stream, u64::MAX))? {
        if budget.records == 0 || budget.bytes == 0 {
            return Ok(Ok(()));
        }
        let (key, frame) = entry?;
        if expected > row.tail {
            return Ok(Err((expected, RecordFault::Surplus)));
        }
        if key.value().1 != expected.0 {
            return Ok(Err((expected, RecordFault::Missing)));
        }
        match record::envelope(frame.value(), run, expected) {
            Ok(envelope) => take(envelope),
            Err(fault) => return Ok(Err((expected, fault))),
        }
        budget.records -= 1;
        budget.bytes = budget.bytes.saturating_sub(frame.value().len());
        expected = expected.next();
    }
    if expected <= row.tail && budget.records > 0 {
        return Ok(Err((expected, RecordFault::Missing)));
    }
    Ok(Ok(()))
}

/// Whether the last record of a stream is there and sound, and none is behind it.
pub(crate) fn check_end(
    records: &impl ReadableTable<(u64, u64), &'static [u8]>,
    run: &RunId,
    row: &Row,
) -> Result<Result<(), Fault>, Trouble> {
    let last = records.range((row.stream, 0)..=(row.stream, u64::MAX))?.next_back();
    let Some(entry) = last else {
        // All of them may have been removed, if a checkpoint covers them.
        let gone = row.tail >= row.first;
        return Ok(if gone { Err((row.first, RecordFault::Missing)) } else { Ok(()) });
    };
    let (key, frame) = entry?;
    Ok(match Seq(key.value().1) {
        seq if seq > row.tail => Err((row.tail.next(), RecordFault::Surplus)),
        seq if seq < row.tail => Err((seq.next(), RecordFault::Missing)),
        seq => record::envelope(frame.value(), run, seq).map(|_| ()).map_err(|fault| (seq, fault)),
    })
}

/// Numbers of the checkpoints of a stream, oldest first.
pub(crate) fn checkpoints(database: &impl ReadableDatabase, stream: u64) -> Result<Vec<Seq>, Trouble> {
    let transaction = database.begin_read()?;
    let table = transaction.open_table(CHECKPOINTS)?;
    let mut found = Vec::new();
    for entry in table.range((stream, 0)..=(stream, u64::MAX))? {
        found.push(Seq(entry?.0.value().1));
    }
    Ok(found)
}

/// A checkpoint, if it is there and sound.
pub(crate) fn checkpoint(
    database: &impl ReadableDatabase,
    stream: u64,
    seq: Seq,
) -> Result<Option<Checkpoint>, Trouble> {
    let transaction = database.begin_read()?;
    let table = transaction.open_table(CHECKPOINTS)?;
    let frame = table.get((stream, seq.0))?;
    Ok(frame.and_then(|frame| table::decode_checkpoint(seq, frame.value())))
}

/// The newest sound checkpoint of a run.
pub(crate) fn newest_checkpoint(
    database: &impl ReadableDatabase,
    run: &RunId,
) -> Result<Option<Checkpoint>, Trouble> {
    let transaction = database.begin_read()?;
    let Some(row) = row(&transaction, run)? else { return Ok(None) };
    for seq in checkpoints(database, row.stream)?.into_iter().rev() {
        if let Some(found) = checkpoint(database, row.stream, seq)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
