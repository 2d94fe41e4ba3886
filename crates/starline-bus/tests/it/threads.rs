//! The bus between threads.

use std::sync::Arc;
use std::thread;

use starline_bus::{EventBus, Subscription};
use starline_event::{EventFilter, EventSink, RunId, Seq};

use crate::fact::{resumed, run};

/// What a reader was told about one run: facts, and facts named by gaps.
#[derive(Debug, Default, Eq, PartialEq)]
struct Told {
    facts: u64,
    missed: u64,
}

/// Reads to the end and checks that a run is told without a hole.
async fn read_to_end(mut reader: Subscription, of: RunId, in_batches: bool) -> Told {
    let mut told = Told::default();
    let mut next = Seq(1);
    let mut buffer = Vec::new();
    loop {
        if in_batches {
            reader.recv_many(&mut buffer, 64).await;
        } else {
            buffer.extend(reader.next().await);
        }
        if buffer.is_empty() {
            return told;
        }
        for item in buffer.drain(..) {
            match item {
                Ok(fact) if fact.run_id == of => {
                    assert_eq!(fact.seq, next);
                    next = next.next();
                    told.facts += 1;
                }
                Err(gap) if gap.run_id == of => {
                    assert_eq!(gap.from, next);
                    next = gap.to.next();
                    told.missed += gap.to.0 - gap.from.0 + 1;
                }
                _ => {}
            }
        }
        tokio::task::consume_budget().await;
    }
}

fn publish(bus: &EventBus, of: &RunId, total: u64, batch: u64) {
    for first in (1..=total).step_by(batch as usize) {
        let facts: Vec<_> = (first..(first + batch).min(total + 1)).map(|seq| resumed(of, seq)).collect();
        bus.publish(&facts);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_reader_is_woken() {
    let bus = Arc::new(EventBus::new());
    let a = run("a");
    let mut reader = bus.subscribe(EventFilter::all());
    let mut back = bus.subscribe(EventFilter::all().run(run("b")));
    let answering = Arc::clone(&bus);
    let mut readers = tokio::task::JoinSet::new();
    readers.spawn(async move {
        // Each fact is answered by one of another run, so both sides wait for each other all the time.
        while let Some(Ok(fact)) = reader.next().await {
            if fact.run_id.as_str() == "a" {
                answering.publish(&[resumed(&run("b"), fact.seq.0)]);
                if fact.seq == Seq(500) {
                    break;
                }
            }
        }
    });
    for seq in 1..=500 {
        bus.publish(&[resumed(&a, seq)]);
        let answer = back.next().await.expect("not ended").expect("no gap");
        assert_eq!(answer.seq, Seq(seq));
    }
    readers.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_publishers_and_their_readers() {
    const TOTAL: u64 = 100_000;
    let bus = Arc::new(EventBus::new());
    let runs = [run("a"), run("b")];
    let mut readers = tokio::task::JoinSet::new();
    for of in &runs {
        for (capacity, in_batches) in [(1, false), (7, true), (4096, false), (4096, true), (1 << 20, true)] {
            let reader = bus.subscribe_with(EventFilter::all(), capacity);
            readers.spawn(read_to_end(reader, of.clone(), in_batches));
        }
    }
    let publishers: Vec<_> = runs
        .iter()
        .zip([1, 100])
        .map(|(of, batch)| {
            let (bus, of) = (Arc::clone(&bus), of.clone());
            thread::spawn(move || publish(&bus, &of, TOTAL, batch))
        })
        .collect();
    tokio::task::spawn_blocking(|| {
        for publisher in publishers {
            publisher.join().expect("no panic");
        }
    })
    .await
    .expect("no panic");
    drop(bus);
    while let Some(told) = readers.join_next().await {
        let told = told.expect("no panic");
        assert_eq!(told.facts + told.missed, TOTAL);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_come_and_go_while_facts_flow() {
    let bus = Arc::new(EventBus::new());
    let of = run("a");
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let bus = Arc::downgrade(&bus);
        readers.spawn(async move {
            let mut last = Seq(0);
            loop {
                let Some(bus) = bus.upgrade() else { return };
                let mut reader = bus.subscribe_with(EventFilter::all(), 16);
                drop(bus);
                for _ in 0..5 {
                    match reader.next().await {
                        Some(Ok(fact)) => {
                            assert!(fact.seq > last);
                            last = fact.seq;
                        }
                        Some(Err(gap)) => last = gap.to,
                        None => return,
                    }
                }
            }
        });
    }
    let publisher = tokio::task::spawn_blocking(move || publish(&bus, &of, 20_000, 3));
    publisher.await.expect("no panic");
    readers.join_all().await;
}
