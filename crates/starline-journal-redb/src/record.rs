//! A record as it is stored: format version, length, checksum, JSON.

use serde_json::Value;
use starline_journal::{Envelope, EventKind, JournalError, JournalFault, RunId, Seq, SharedEnvelope};

/// The format that is written, and the newest that is read.
pub(crate) const FORMAT: u16 = 1;

/// Bytes before the body: version, length, checksum.
const HEAD: usize = 10;

/// Why a stored record cannot be trusted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// There is no record of this number, though a later one exists or existed.
    #[error("the record is missing")]
    Missing,
    /// A record that was never acknowledged, behind the last one that was.
    #[error("there are records behind the last one")]
    Surplus,
    /// Too few bytes for a record.
    #[error("only {0} bytes are left of the record")]
    Short(usize),
    /// A format that only a newer version reads.
    #[error("format {0} is newer than format {FORMAT}")]
    Format(u16),
    /// The length does not fit.
    #[error("length is {stored} bytes, and the record has {found}")]
    Length {
        /// Length in the head of the record.
        stored: u32,
        /// Bytes that are there.
        found: usize,
    },
    /// The checksum does not fit.
    #[error("checksum is {stored:08x}, and that of the record {found:08x}")]
    Checksum {
        /// Checksum in the head of the record.
        stored: u32,
        /// Checksum of the bytes that are there.
        found: u32,
    },
    /// A kind of fact that only a newer version knows.
    #[error("unknown kind of fact `{0}`")]
    Kind(String),
    /// The body is not the JSON of an envelope.
    #[error("{0}")]
    Body(String),
    /// The record belongs to another run.
    #[error("the record belongs to run {0}")]
    Run(RunId),
    /// The record has another number.
    #[error("the record has number {}", .0.0)]
    Number(Seq),
    /// The store beneath cannot be read here.
    #[error("{0}")]
    Store(String),
}

impl RecordFault {
    /// The error of a journal that met this at a record.
    pub(crate) fn at(self, run: &RunId, seq: Seq) -> JournalError {
        let kind = match self {
            Self::Format(_) | Self::Kind(_) => JournalFault::Newer { at: Some(seq) },
            _ => JournalFault::Corrupt { at: Some(seq) },
        };
        JournalError::with_source(kind, self).of_run(run)
    }
}

/// Appends a frame around what `write` appends.
pub(crate) fn frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD]);
    write(out);
    let body = out.get(start + HEAD..).unwrap_or_default();
    // A store takes no value above 3 GiB, so a longer one is refused there.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let checksum = crc32fast::hash(body);
    let head = FORMAT.to_le_bytes().into_iter().chain(length.to_le_bytes()).chain(checksum.to_le_bytes());
    for (place, byte) in out[start..].iter_mut().zip(head) {
        *place = byte;
    }
}

/// The body of a frame, if it is what was written.
pub(crate) fn body(frame: &[u8]) -> Result<&[u8], RecordFault> {
    let Some((head, body)) = frame.split_first_chunk::<HEAD>() else {
        return Err(RecordFault::Short(frame.len()));
    };
    let [v0, v1, l0, l1, l2, l3, c0, c1, c2, c3] = *head;
    let format = u16::from_le_bytes([v0, v1]);
    let stored = u32::from_le_bytes([l0, l1, l2, l3]);
    let (checksum, found) = (u32::from_le_bytes([c0, c1, c2, c3]), crc32fast::hash(body));
    // A newer format may have another head, so its version comes first; a head that is damaged names no version.
    if format != FORMAT && checksum == found {
        return Err(RecordFault::Format(format));
    }
    if usize::try_from(stored).ok() != Some(body.len()) {
        return Err(RecordFault::Length { stored, found: body.len() });
    }
    if checksum != found {
        return Err(RecordFault::Checksum { stored: checksum, found });
    }
    Ok(body)
}

/// The envelope in a frame, if it is that of this run and number.
pub(crate) fn envelope(frame: &[u8], run: &RunId, seq: Seq) -> Result<Envelope, RecordFault> {
    let envelope = any_envelope(frame)?;
    if envelope.run_id != *run {
        return Err(RecordFault::Run(envelope.run_id));
    }
    if envelope.seq != seq {
        return Err(RecordFault::Number(envelope.seq));
    }
    Ok(envelope)
}

/// The envelope in a frame, whatever it belongs to.
pub(crate) fn any_envelope(frame: &[u8]) -> Result<Envelope, RecordFault> {
    let body = body(frame)?;
    Envelope::from_json(body).map_err(|error| unreadable(body, &error))
}

/// Tells a fact that is not known from what is no envelope.
fn unreadable(body: &[u8], error: &serde_json::Error) -> RecordFault {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    match value.as_ref().and_then(|value| value.get("kind")).and_then(Value::as_str) {
        Some(kind) if EventKind::ALL.iter().all(|known| known.as_str() != kind) => {
            RecordFault::Kind(kind.to_owned())
        }
        _ => RecordFault::Body(error.to_string()),
    }
}

/// Frames of consecutive records.
#[derive(Debug)]
pub(crate) struct Batch {
    first: Seq,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    /// Frames of the records, whose numbers must be consecutive and whose run must be this one.
    pub(crate) fn new(run: &RunId, events: &[SharedEnvelope]) -> Result<Self, JournalError> {
        let first = events.first().map_or(Seq(0), |event| event.seq);
        let mut batch = Self {
            first,
            bytes: Vec::with_capacity(events.len() * 256),
            ends: Vec::with_capacity(events.len()),
        };
        let mut expected = first;
        for event in events {
            if event.seq != expected || event.run_id != *run {
                return Err(JournalError::new(JournalFault::OutOfOrder).of_run(run));
            }
            expected = Seq(expected.0.saturating_add(1));
            let mut written = Ok(());
            frame(&mut batch.bytes, |out| written = serde_json::to_writer(out, &**event));
            written
                .map_err(|error| JournalError::with_source(JournalFault::Unsupported, error).of_run(run))?;
            batch.ends.push(batch.bytes.len());
        }
        Ok(batch)
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn first(&self) -> Seq {
        self.first
    }

    /// The frames with their numbers.
    pub(crate) fn frames(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        (self.first.0..)
            .zip(starts.zip(&self.ends))
            .map(|(seq, (start, end))| (seq, self.bytes.get(start..*end).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use starline_journal::{Event, Revision, Timestamp, UnixMillis};

    fn run(name: &str) -> RunId {
        RunId::new(name).expect("id")
    }

    fn framed(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        frame(&mut out, |out| out.extend_from_slice(text.as_bytes()));
        out
    }

    fn stored() -> Vec<u8> {
        let event = Event::RunResumed { by: "somebody".into() };
        let (revision, t, at) = (Revision(0), Timestamp(0), UnixMillis(0));
        let fact = Envelope { seq: Seq(7), run_id: run("r"), revision, t, at, cause: None, event };
        Batch::new(&run("r"), &[SharedEnvelope::from(fact)]).expect("one run").bytes
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let sound = stored();
        assert!(envelope(&sound, &run("r"), Seq(7)).is_ok());
        for at in 0..sound.len() {
            for mask in [1, 0x80, 0xff] {
                let mut changed = sound.clone();
                changed[at] ^= mask;
                assert!(envelope(&changed, &run("r"), Seq(7)).is_err(), "byte {at} xor {mask}");
            }
        }
        for length in 0..sound.len() {
            assert!(envelope(&sound[..length], &run("r"), Seq(7)).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_record_says_what_is_wrong_with_it() {
        let sound = stored();
        assert_eq!(envelope(&sound, &run("q"), Seq(7)), Err(RecordFault::Run(run("r"))));
        assert_eq!(envelope(&sound, &run("r"), Seq(8)), Err(RecordFault::Number(Seq(7))));
        assert_eq!(envelope(&sound[..3], &run("r"), Seq(7)), Err(RecordFault::Short(3)));
        let unknown =
            framed(r#"{"seq":7,"run_id":"r","revision":0,"t":0,"at":0,"kind":"sun_rose","data":{}}"#);
        let fault = envelope(&unknown, &run("r"), Seq(7)).expect_err("unknown");
        assert_eq!(fault, RecordFault::Kind("sun_rose".into()));
        assert_eq!(fault.at(&run("r"), Seq(7)).kind(), JournalFault::Newer { at: Some(Seq(7)) });
        let mut newer = framed("{}");
        newer[0] = 2;
        assert_eq!(envelope(&newer, &run("r"), Seq(7)), Err(RecordFault::Format(2)));
        assert!(matches!(envelope(&framed("{"), &run("r"), Seq(7)), Err(RecordFault::Body(_))));
    }

    #[test]
    fn a_batch_has_the_frames_of_its_records() {
        let bytes = stored();
        let batch = Batch { first: Seq(3), ends: vec![4, bytes.len()], bytes: bytes.clone() };
        let frames: Vec<_> = batch.frames().collect();
        assert_eq!(frames, [(3, &bytes[..4]), (4, &bytes[4..])]);
    }
}
