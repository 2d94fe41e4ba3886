//! Every record of a store, checked.

use std::collections::BTreeMap;
use std::path::Path;

use redb::{ReadableDatabase, ReadableTable};
use starline_journal::{Fence, JournalError, JournalFault, RunId, Seq};

use crate::disk::{self, Source};
use crate::fault::Trouble;
use crate::page::{self, Budget};
use crate::reader::Reader;
use crate::record::{self, RecordFault};
use crate::slots;
use crate::table::{CHECKPOINTS, Meta, RECORDS, Row};

/// What is in a store, and what is wrong with it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// What is wrong with the file beneath, whether or not a record is concerned.
    pub store: Option<String>,
    /// The runs that could be found, in order of their first opening.
    pub runs: Vec<RunReport>,
}

/// What is in the stream of a run, and what is wrong with it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// The first record that should be there: 1, unless a checkpoint covers what was removed.
    pub first: Seq,
    /// The last record that should be there; none for a run without records.
    pub last: Option<Seq>,
    /// Records that are sound, before the first that is not.
    pub sound: u64,
    /// Checkpoints that are sound.
    pub checkpoints: u32,
    /// Checkpoints that are not, and are never used.
    pub unsound_checkpoints: u32,
    /// The first record that cannot be trusted, and why.
    pub fault: Option<(Seq, RecordFault)>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.store.is_none()
            && self.runs.iter().all(|run| run.fault.is_none() && run.unsound_checkpoints == 0)
    }

    /// Records that are sound, in all runs.
    #[must_use]
    pub fn sound(&self) -> u64 {
        self.runs.iter().map(|run| run.sound).sum()
    }
}

/// Checks every page and every record of the store of a path. The file is not changed.
///
/// # Errors
/// [`JournalFault::Locked`] if a process owns the store, [`JournalFault::Failed`] if it cannot be read. Damage is
/// no error: it is in the report.
pub fn verify(path: impl AsRef<Path>) -> Result<Report, JournalError> {
    let path = path.as_ref().to_owned();
    let source: Source = Box::new(move || disk::open_file_to_read(&path));
    verify_source(&source)
}

pub(crate) fn verify_source(source: &Source) -> Result<Report, JournalError> {
    let reader = match Reader::view(source, false).map_err(|trouble| trouble.into_error(None)) {
        Ok(reader) => reader,
        Err(error) => return unreadable(error).map(|store| Report { store: Some(store), runs: Vec::new() }),
    };
    let mut report = Report::default();
    match found(&reader) {
        Ok(found) => {
            report.store = found.fault;
            report.runs = found.rows.iter().map(|(run, row)| check(&reader, run, row)).collect();
        }
        Err(error) => report.store = Some(unreadable(error)?),
    }
    if let Err(trouble) = slots::look(source, true) {
        let text = unreadable(trouble.into_error(None))?;
        report.store.get_or_insert(text);
    }
    Ok(report)
}

/// The text of an error that is damage; others stay errors.
fn unreadable(error: JournalError) -> Result<String, JournalError> {
    match error.kind() {
        JournalFault::Corrupt { .. } | JournalFault::Newer { .. } => Ok(text(&error)),
        _ => Err(error),
    }
}

fn text(error: &JournalError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Runs of a store, whether or not its directory can be read.
pub(crate) struct Found {
    pub(crate) meta: Meta,
    /// In order of their first opening.
    pub(crate) rows: Vec<(RunId, Row)>,
    /// Why the directory could not be used.
    pub(crate) fault: Option<String>,
}

/// The runs by the directory; without it, by their records.
pub(crate) fn found(reader: &Reader) -> Result<Found, JournalError> {
    let error = match reader.with(page::directory) {
        Ok(directory) => {
            let (meta, mut rows) = directory.unwrap_or_default();
            rows.sort_by_key(|(_, row)| row.stream);
            return Ok(Found { meta, rows, fault: None });
        }
        Err(trouble) => trouble.into_error(None),
    };
    let fault = unreadable(error)?;
    let mut rows: BTreeMap<u64, (RunId, Row)> = BTreeMap::new();
    // What can be read before the first damage is better than nothing.
    let _ = reader.with(|database| {
        let records = database.begin_read()?.open_table(RECORDS)?;
        for entry in records.iter()? {
            let (key, frame) = entry?;
            let (stream, seq) = key.value();
            let Ok(envelope) = record::any_envelope(frame.value()) else { continue };
            let (first, tail) = (Seq(seq), Seq(seq));
            let bytes = frame.value().len() as u64;
            let new = Row { stream, fence: Fence(stream), first, tail, bytes: 0 };
            let (_, row) = rows.entry(stream).or_insert((envelope.run_id, new));
            row.tail = row.tail.max(tail);
            row.bytes += bytes;
        }
        Ok(())
    });
    let meta = Meta { fence: u64::from(u32::MAX), stream: rows.keys().last().copied().unwrap_or_default() };
    Ok(Found { meta, rows: rows.into_values().collect(), fault: Some(fault) })
}

fn check(reader: &Reader, run: &RunId, row: &Row) -> RunReport {
    let mut report = RunReport {
        run: run.clone(),
        first: row.first,
        last: row.tail(),
        sound: 0,
        checkpoints: 0,
        unsound_checkpoints: 0,
        fault: None,
    };
    let mut sound = 0;
    let walked = reader.with(|database| {
        let transaction = database.begin_read()?;
        page::walk(&transaction, run, row, row.first, Budget::ALL, |_| sound += 1)
    });
    report.sound = sound;
    report.fault = match walked {
        Ok(result) => result.err(),
        Err(trouble) => Some((Seq(row.first.0 + sound), RecordFault::Store(trouble_text(trouble)))),
    };
    let counted = reader.with(|database| {
        let (mut sound, mut unsound) = (0, 0);
        for seq in page::checkpoints(database, row.stream)? {
            match page::checkpoint(database, row.stream, seq)? {
                Some(_) if seq <= row.tail => sound += 1,
                _ => unsound += 1,
            }
        }
        Ok((sound, unsound))
    });
    match counted {
        Ok((sound, unsound)) => (report.checkpoints, report.unsound_checkpoints) = (sound, unsound),
        Err(trouble) => {
            let at = row.tail.next();
            report.fault.get_or_insert_with(|| (at, RecordFault::Store(trouble_text(trouble))));
        }
    }
    if report.fault.is_none() && row.first > Seq(1) && report.checkpoints == 0 {
        report.fault = Some((Seq(1), RecordFault::Missing));
    }
    report
}

pub(crate) fn trouble_text(trouble: Trouble) -> String {
    text(&trouble.into_error(None))
}

/// The stored checkpoints of a stream, sound or not, as they are.
pub(crate) fn stored_checkpoints(reader: &Reader, stream: u64) -> Vec<(Seq, Vec<u8>)> {
    let mut found = Vec::new();
    // What can be read before the first damage is better than nothing.
    let _ = reader.with(|database| {
        let table = database.begin_read()?.open_table(CHECKPOINTS)?;
        for entry in table.range((stream, 0)..=(stream, u64::MAX))? {
            let (key, frame) = entry?;
            found.push((Seq(key.value().1), frame.value().to_vec()));
        }
        Ok(())
    });
    found
}
