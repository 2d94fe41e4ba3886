//! The law of gaps: whatever is published and read, every fact is delivered or named by exactly one gap, in
//! its place, and never more than the capacity is held.

use std::collections::{BTreeMap, VecDeque};

use futures_util::FutureExt;
use proptest::prelude::*;
use starline_bus::{EventBus, Subscription};
use starline_event::{EventFilter, EventKind, EventSink, Gap, RunId, Seq};

use crate::fact::{resumed, run, started};

#[derive(Clone, Debug)]
enum Op {
    /// One fact of a run each; the flag says whether the reader wants it.
    Publish(Vec<(u8, bool)>),
    /// Reads one by one.
    Read(usize),
    /// Reads a batch.
    ReadMany(usize),
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Entry {
    Fact(u8, u64),
    Gap(u8, u64, u64),
}

/// The same promise in the plainest words: one list, searched from its end.
struct Model {
    capacity: usize,
    overflowing: bool,
    entries: VecDeque<Entry>,
}

impl Model {
    fn push(&mut self, run: u8, seq: u64) {
        let facts = self.entries.iter().filter(|entry| matches!(entry, Entry::Fact(..))).count();
        if facts <= self.capacity / 2 {
            self.overflowing = false;
        }
        self.overflowing |= facts == self.capacity;
        if !self.overflowing {
            self.entries.push_back(Entry::Fact(run, seq));
            return;
        }
        for entry in self.entries.iter_mut().rev() {
            match entry {
                Entry::Gap(of, _, to) if *of == run => {
                    *to = seq;
                    return;
                }
                Entry::Gap(..) => {}
                Entry::Fact(..) => break,
            }
        }
        self.entries.push_back(Entry::Gap(run, seq, seq));
    }
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => prop::collection::vec((0..3u8, prop::bool::weighted(0.8)), 1..12).prop_map(Op::Publish),
        2 => (1..6usize).prop_map(Op::Read),
        1 => (1..12usize).prop_map(Op::ReadMany),
    ];
    prop::collection::vec(op, 0..40)
}

fn name(run_id: &RunId) -> u8 {
    run_id.as_str().parse().expect("a number")
}

fn entry(item: Result<starline_event::SharedEnvelope, Gap>) -> Entry {
    match item {
        Ok(fact) => Entry::Fact(name(&fact.run_id), fact.seq.0),
        Err(Gap { run_id, from: Seq(from), to: Seq(to) }) => Entry::Gap(name(&run_id), from, to),
    }
}

fn read(reader: &mut Subscription, count: usize) -> Vec<Entry> {
    std::iter::from_fn(|| reader.try_next()).take(count).map(entry).collect()
}

proptest! {
    #[test]
    fn every_fact_is_delivered_or_named_by_a_gap(capacity in 1..9usize, ops in ops()) {
        let bus = EventBus::new();
        let filter = EventFilter::all().kinds([EventKind::RunResumed]);
        let mut reader = bus.subscribe_with(filter, capacity);
        let mut model = Model { capacity, overflowing: false, entries: VecDeque::new() };
        let mut seqs = [0u64; 3];
        let mut wanted: BTreeMap<u8, Vec<u64>> = BTreeMap::new();
        let mut delivered = Vec::new();

        for op in ops {
            match op {
                Op::Publish(facts) => {
                    let batch: Vec<_> = facts.iter().map(|(of, wants)| {
                        let seq = &mut seqs[usize::from(*of)];
                        *seq += 1;
                        let run_id = run(&of.to_string());
                        if *wants {
                            model.push(*of, *seq);
                            wanted.entry(*of).or_default().push(*seq);
                            resumed(&run_id, *seq)
                        } else {
                            started(&run_id, *seq)
                        }
                    }).collect();
                    bus.publish(&batch);
                }
                Op::Read(count) => {
                    let got = read(&mut reader, count);
                    let expected: Vec<_> = model.entries.drain(..count.min(model.entries.len())).collect();
                    prop_assert_eq!(&got, &expected);
                    delivered.extend(got);
                }
                Op::ReadMany(count) => {
                    let mut buffer = Vec::new();
                    let _ = reader.recv_many(&mut buffer, count).now_or_never();
                    let got: Vec<_> = buffer.into_iter().map(entry).collect();
                    let expected: Vec<_> = model.entries.drain(..count.min(model.entries.len())).collect();
                    prop_assert_eq!(&got, &expected);
                    delivered.extend(got);
                }
            }
            prop_assert!(reader.backlog() <= capacity);
        }
        drop(bus);
        delivered.extend(read(&mut reader, usize::MAX));
        prop_assert!(reader.is_ended());

        // Independent of the model: each run is told once, in order, without a hole.
        for (of, seqs) in wanted {
            let mut rest = seqs.as_slice();
            for entry in &delivered {
                let told = match *entry {
                    Entry::Fact(run, seq) if run == of => seq..=seq,
                    Entry::Gap(run, from, to) if run == of => from..=to,
                    _ => continue,
                };
                let count = rest.iter().take_while(|seq| told.contains(seq)).count();
                prop_assert!(count > 0 && rest[0] == *told.start() && rest[count - 1] == *told.end());
                rest = &rest[count..];
            }
            prop_assert!(rest.is_empty());
        }
    }
}
