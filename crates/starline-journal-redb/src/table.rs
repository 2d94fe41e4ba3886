//! What lies where in a store.

use redb::TableDefinition;
use starline_journal::{Checkpoint, Fence, RunId, Seq, StateHash};

use crate::record::{self, RecordFault};

/// One row about the store itself.
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// The key of that row.
pub(crate) const STORE: &str = "store";
/// One row for each run, by its id.
pub(crate) const RUNS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("runs");
/// Records by stream and number.
pub(crate) const RECORDS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("records");
/// Checkpoints by stream and number of their record.
pub(crate) const CHECKPOINTS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("checkpoints");

/// About the store itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Meta {
    /// The last fence that was given out.
    pub(crate) fence: u64,
    /// The last stream that was begun.
    pub(crate) stream: u64,
}

/// About a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Row {
    /// Number of the stream: orders the runs.
    pub(crate) stream: u64,
    /// The present owner.
    pub(crate) fence: Fence,
    /// The first record that is kept, or would be.
    pub(crate) first: Seq,
    /// The last record; 0 if there is none.
    pub(crate) tail: Seq,
    /// Bytes of the records that are kept.
    pub(crate) bytes: u64,
}

impl Row {
    pub(crate) fn tail(&self) -> Option<Seq> {
        (self.tail.0 > 0).then_some(self.tail)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        numbers([self.stream, self.fence.0, self.first.0, self.tail.0, self.bytes])
    }

    pub(crate) fn decode(frame: &[u8]) -> Result<Self, RecordFault> {
        let [stream, fence, first, tail, bytes] = read_numbers(frame)?;
        Ok(Self { stream, fence: Fence(fence), first: Seq(first), tail: Seq(tail), bytes })
    }
}

impl Meta {
    pub(crate) fn encode(self) -> Vec<u8> {
        numbers([self.fence, self.stream])
    }

    pub(crate) fn decode(frame: &[u8]) -> Result<Self, RecordFault> {
        let [fence, stream] = read_numbers(frame)?;
        Ok(Self { fence, stream })
    }
}

fn numbers<const N: usize>(numbers: [u64; N]) -> Vec<u8> {
    let mut out = Vec::new();
    record::frame(&mut out, |out| out.extend(numbers.iter().flat_map(|number| number.to_le_bytes())));
    out
}

fn read_numbers<const N: usize>(frame: &[u8]) -> Result<[u64; N], RecordFault> {
    let body = record::body(frame)?;
    if body.len() != N * 8 {
        return Err(RecordFault::Short(body.len()));
    }
    let mut numbers = [0; N];
    for (number, bytes) in numbers.iter_mut().zip(body.chunks_exact(8)) {
        *number = bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    }
    Ok(numbers)
}

/// The id in a key of [`RUNS`].
pub(crate) fn run_id(key: &str) -> Result<RunId, RecordFault> {
    RunId::new(key).map_err(|error| RecordFault::Body(error.to_string()))
}

/// A checkpoint as it is stored: its hash, then the state.
pub(crate) fn encode_checkpoint(checkpoint: &Checkpoint) -> Vec<u8> {
    let mut out = Vec::with_capacity(checkpoint.state.len() + 64);
    record::frame(&mut out, |out| {
        out.extend_from_slice(&checkpoint.hash.0);
        out.extend_from_slice(&checkpoint.state);
    });
    out
}

/// A checkpoint, if it is sound.
pub(crate) fn decode_checkpoint(seq: Seq, frame: &[u8]) -> Option<Checkpoint> {
    let (hash, state) = record::body(frame).ok()?.split_first_chunk::<32>()?;
    let checkpoint = Checkpoint { seq, hash: StateHash(*hash), state: state.to_vec() };
    checkpoint.is_sound().then_some(checkpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_as_written() {
        let row = Row { stream: 1, fence: Fence(u64::MAX), first: Seq(3), tail: Seq(1 << 40), bytes: 5 };
        assert_eq!(Row::decode(&row.encode()), Ok(row));
        let meta = Meta { fence: 7, stream: 9 };
        assert_eq!(Meta::decode(&meta.encode()), Ok(meta));
        assert!(Row::decode(&meta.encode()).is_err());
        let checkpoint = Checkpoint::new(Seq(4), b"state".to_vec());
        assert_eq!(decode_checkpoint(Seq(4), &encode_checkpoint(&checkpoint)), Some(checkpoint));
    }
}
