//! A damaged store becomes a sound one, and what is lost is written down.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use redb::{Builder, Database, ReadableDatabase};
use serde_json::{Value, json};
use starline_journal::{JournalError, RunId, Seq};

use crate::disk::{self, Source};
use crate::engine::change;
use crate::fault::{Trouble, guarded};
use crate::reader::Reader;
use crate::record::{self, RecordFault};
use crate::reserve::beside;
use crate::table::{self, CHECKPOINTS, META, Meta, RECORDS, RUNS, Row, STORE};
use crate::verify::{self, Found, Report};

/// What a repair found and did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Repair {
    /// The store before.
    pub before: Report,
    /// The store after: clean.
    pub after: Report,
    /// What was done; none for a store that was clean.
    pub done: Option<Done>,
}

/// What a repair did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Done {
    /// The store as it was found.
    pub damaged: PathBuf,
    /// What is not in the store any more: a JSON object on each line, with `run`, `seq` and either the `record` or
    /// its `fault` and its `bytes` in hexadecimal digits.
    pub cut: PathBuf,
    /// Lines of that file.
    pub lines: u64,
}

/// Makes a sound store of a damaged one: each stream keeps its longest sound beginning.
///
/// The damaged store is kept beside it as `….damaged`, and what is cut is written to `….cut.jsonl`, before the sound
/// one takes its place. A store that is clean is left alone.
///
/// # Errors
/// [`JournalFault::Locked`](starline_journal::JournalFault) if a process owns the store, `Newer` if it holds what only a newer
/// version reads, `Corrupt` if nothing of it can be read, `Full` and
/// `Failed` for what the disk says. The damaged store is then where it was.
pub fn repair(path: impl AsRef<Path>) -> Result<Repair, JournalError> {
    let path = path.as_ref();
    let before = verify::verify(path)?;
    if before.is_clean() {
        return Ok(Repair { after: before.clone(), before, done: None });
    }
    let newer = before.runs.iter().find_map(|run| match &run.fault {
        Some((seq, fault @ (RecordFault::Format(_) | RecordFault::Kind(_)))) => {
            Some(fault.clone().at(&run.run, *seq))
        }
        _ => None,
    });
    if let Some(error) = newer {
        return Err(error);
    }
    let [sound, cut, damaged] = ["repairing", "cut.jsonl", "damaged"].map(|ending| free(path, ending));
    let lines = rebuild(path, &sound, &cut, &before)?;
    let after = verify::verify(&sound)?;
    let swap = || {
        fs::rename(path, &damaged)?;
        fs::rename(&sound, path)?;
        disk::sync_folder(path)
    };
    swap().map_err(|error| Trouble::from(error).into_error(None))?;
    Ok(Repair { before, after, done: Some(Done { damaged, cut, lines }) })
}

/// A name beside the store that nothing has yet.
fn free(path: &Path, ending: &str) -> PathBuf {
    let first = beside(path, ending);
    if !first.exists() {
        return first;
    }
    (2_u32..)
        .map(|number| beside(path, &format!("{number}.{ending}")))
        .find(|path| !path.exists())
        .unwrap_or(first)
}

fn rebuild(from: &Path, to: &Path, cut: &Path, before: &Report) -> Result<u64, JournalError> {
    let source: Source = {
        let from = from.to_owned();
        Box::new(move || disk::open_file_to_read(&from))
    };
    let reader = Reader::view(&source, false).map_err(|trouble| trouble.into_error(None))?;
    let found = verify::found(&reader)?;
    let cut = || -> Result<_, Trouble> {
        let file = File::create_new(cut)?;
        Ok(Cut { to: BufWriter::new(file), lines: 0 })
    };
    let mut cut = cut().map_err(|trouble| trouble.into_error(None))?;
    let rebuilt = guarded(|| {
        let database = Builder::new().create(to)?;
        copy(&reader, &found, before, &database, &mut cut)
    });
    let finish = || -> Result<(), Trouble> {
        rebuilt?;
        cut.to.flush()?;
        cut.to.get_ref().sync_all()?;
        Ok(disk::sync_folder(from)?)
    };
    finish().map_err(|trouble| {
        // Half a store is of no use.
        let _ = fs::remove_file(to);
        trouble.into_error(None)
    })?;
    Ok(cut.lines)
}

fn copy(
    reader: &Reader,
    found: &Found,
    before: &Report,
    database: &Database,
    cut: &mut Cut,
) -> Result<(), Trouble> {
    let mut meta = Meta { fence: found.meta.fence, stream: found.meta.stream };
    for (run, row) in &found.rows {
        meta.fence = meta.fence.max(row.fence.0);
        meta.stream = meta.stream.max(row.stream);
        let sound = before.runs.iter().find(|report| report.run == *run).map_or(0, |report| report.sound);
        let tail = Seq((row.first.0 + sound).saturating_sub(1));
        let bytes = copy_records(reader, run, row, tail, database, cut)?;
        change(database, |transaction| {
            let mut table = transaction.open_table(CHECKPOINTS)?;
            for (seq, frame) in verify::stored_checkpoints(reader, row.stream) {
                if seq <= tail && table::decode_checkpoint(seq, &frame).is_some() {
                    table.insert((row.stream, seq.0), frame.as_slice())?;
                } else {
                    let text = "the checkpoint is not sound, or its record is gone";
                    cut.line(&json!({"run": run, "checkpoint": seq, "fault": text, "bytes": hex(&frame)}))?;
                }
            }
            let row = Row { tail, bytes, ..*row };
            transaction.open_table(RUNS)?.insert(run.as_str(), row.encode().as_slice())?;
            Ok(())
        })?;
    }
    change(database, |transaction| {
        transaction.open_table(RECORDS)?;
        transaction.open_table(CHECKPOINTS)?;
        transaction.open_table(RUNS)?;
        transaction.open_table(META)?.insert(STORE, meta.encode().as_slice())?;
        Ok(())
    })
}

/// Copies the records up to a number, and writes down the others. Returns their bytes.
fn copy_records(
    reader: &Reader,
    run: &RunId,
    row: &Row,
    tail: Seq,
    database: &Database,
    cut: &mut Cut,
) -> Result<u64, Trouble> {
    let mut bytes = 0;
    let mut last = None;
    let read = reader.with(|from| {
        let records = from.begin_read()?.open_table(RECORDS)?;
        let mut entries = records.range((row.stream, row.first.0)..=(row.stream, u64::MAX))?.peekable();
        while entries.peek().is_some() {
            change(database, |transaction| {
                let mut table = transaction.open_table(RECORDS)?;
                for entry in entries.by_ref().take(4096) {
                    let (key, frame) = entry?;
                    let (seq, frame) = (key.value().1, frame.value());
                    last = Some(seq);
                    if seq <= tail.0 {
                        table.insert((row.stream, seq), frame)?;
                        bytes += frame.len() as u64;
                    } else {
                        cut.record(run, seq, frame)?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    });
    if let Err(trouble) = read {
        // Reading stopped here; what was to be kept was read before, when it was counted.
        if last.unwrap_or_default() < tail.0 {
            return Err(trouble);
        }
        let text = verify::trouble_text(trouble);
        cut.line(&json!({"run": run, "seq": last.unwrap_or_default() + 1, "fault": text}))?;
    }
    Ok(bytes)
}

/// The file of what is cut.
struct Cut {
    to: BufWriter<File>,
    lines: u64,
}

impl Cut {
    fn record(&mut self, run: &RunId, seq: u64, frame: &[u8]) -> Result<(), Trouble> {
        let sound = record::envelope(frame, run, Seq(seq)).and_then(|_| record::body(frame));
        let line = match sound.map(serde_json::from_slice::<Value>) {
            Ok(Ok(record)) => json!({"run": run, "seq": seq, "record": record}),
            Ok(Err(fault)) => {
                json!({"run": run, "seq": seq, "fault": fault.to_string(), "bytes": hex(frame)})
            }
            Err(fault) => json!({"run": run, "seq": seq, "fault": fault.to_string(), "bytes": hex(frame)}),
        };
        self.line(&line)
    }

    fn line(&mut self, line: &Value) -> Result<(), Trouble> {
        writeln!(self.to, "{line}")?;
        self.lines += 1;
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
