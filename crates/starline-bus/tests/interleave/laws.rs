//! What holds whoever is next.

#![expect(clippy::print_stdout, reason = "whoever runs the tests sees how soon a break is noticed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use starline_event::{Envelope, EventFilter, EventSink as _, Observer, RunId};
use starline_testkit::interleave::{fails_at, hold};

use crate::EventBus;
use crate::reader::{Reader, fact};
use crate::shuttle::future::block_on;
use crate::shuttle::thread;
use crate::sync::{Rule, break_rule};

/// Facts of each run.
const FACTS: u64 = 5;
/// Room of each reader: less than what is published.
const ROOM: usize = 2;

fn publish(bus: &EventBus, run: &str) {
    let id = RunId::new(run).expect("an id");
    for batch in [&[1, 2][..], &[3][..], &[4, 5][..]] {
        assert!(bus.wants(&id), "somebody listens all the time");
        let batch: Vec<_> = batch.iter().map(|seq| fact(run, *seq)).collect();
        bus.publish(&batch);
    }
}

/// Two publishers, and readers that keep up, read late, come late, and leave.
fn every_fact_is_read_or_reported() {
    let bus = Arc::new(EventBus::new());
    let prompt = Reader::new(bus.subscribe_with(EventFilter::all(), ROOM), ROOM, true);
    let mut silent = Reader::new(bus.subscribe_with(EventFilter::all(), ROOM), ROOM, true);
    let publishers = ["a", "b"].map(|run| {
        let bus = Arc::clone(&bus);
        thread::spawn(move || publish(&bus, run))
    });
    let reading = thread::spawn(move || {
        let mut reader = prompt;
        // The bus is still there: nobody but a publisher wakes this reader.
        while !(reader.has("a", FACTS) && reader.has("b", FACTS)) {
            assert!(block_on(reader.read()), "the bus is there");
        }
        reader
    });
    let leaving = {
        let bus = Arc::clone(&bus);
        thread::spawn(move || {
            let mut reader = Reader::new(bus.subscribe_with(EventFilter::all(), ROOM), ROOM, false);
            reader.read_rest();
        })
    };
    let late = Reader::new(bus.subscribe_with(EventFilter::all(), ROOM), ROOM, false);
    let coming = thread::spawn(move || {
        let mut late = late;
        while block_on(late.read()) {}
        late
    });
    // The silent reader has not read anything: whoever waited for it would wait for ever.
    for publisher in publishers {
        publisher.join().expect("the publisher ends");
    }
    let mut prompt = reading.join().expect("the reader ends");
    leaving.join().expect("the one that leaves ends");
    prompt.read_rest();
    assert!(prompt.has("a", FACTS) && prompt.has("b", FACTS), "nothing comes twice");
    drop(prompt);
    silent.read_rest();
    assert!(silent.has("a", FACTS) && silent.has("b", FACTS), "everything is read or reported");
    assert_eq!(bus.listeners(), 2, "the others have left");
    drop(bus);
    let late = coming.join().expect("the reader that came late ends");
    assert!(late.subscription.is_ended() && silent.subscription.try_next().is_none());
}

/// A reader that finds nothing is woken by the next fact; nobody else wakes it.
fn whoever_waits_is_woken() {
    let bus = Arc::new(EventBus::new());
    let mut reader = Reader::new(bus.subscribe_with(EventFilter::all(), ROOM), ROOM, true);
    let publisher = {
        let bus = Arc::clone(&bus);
        thread::spawn(move || publish(&bus, "a"))
    };
    while !reader.has("a", FACTS) {
        assert!(block_on(reader.read()), "the bus is there");
    }
    publisher.join().expect("the publisher ends");
}

#[derive(Debug, Default)]
struct Count {
    last: AtomicU64,
}

impl Observer for Count {
    fn on_event(&self, event: &Envelope) {
        let before = self.last.swap(event.seq.0, Ordering::Relaxed);
        assert_eq!(event.seq.0, before + 1, "an observer sees each fact once and in order");
    }
}

/// Observers are on the list from the call that adds them to the end of their guard, whoever else comes and goes.
fn the_list_of_listeners_loses_nobody() {
    let bus = Arc::new(EventBus::new());
    let comers = [(); 2].map(|()| {
        let bus = Arc::clone(&bus);
        thread::spawn(move || {
            let count = Arc::new(Count::default());
            let guard = bus.observe(EventFilter::all(), Arc::clone(&count) as Arc<dyn Observer>);
            drop(bus.subscribe_with(EventFilter::all(), ROOM));
            (count, guard)
        })
    });
    let comers = comers.map(|comer| comer.join().expect("the comer ends"));
    assert_eq!(bus.listeners(), 2);
    let publisher = {
        let bus = Arc::clone(&bus);
        thread::spawn(move || publish(&bus, "a"))
    };
    let passing = {
        let bus = Arc::clone(&bus);
        thread::spawn(move || drop(bus.subscribe_with(EventFilter::all(), ROOM)))
    };
    publisher.join().expect("the publisher ends");
    passing.join().expect("the passer-by ends");
    for (count, guard) in comers {
        assert_eq!(count.last.load(Ordering::Relaxed), FACTS);
        drop(guard);
    }
    assert_eq!((bus.listeners(), bus.observer_panics()), (0, 0));
}

#[test]
fn readers_find_every_fact_or_its_gap() {
    hold(every_fact_is_read_or_reported);
}

#[test]
fn readers_that_wait_are_woken() {
    hold(whoever_waits_is_woken);
}

#[test]
fn listeners_come_and_go() {
    hold(the_list_of_listeners_loses_nobody);
}

/// Breaks a rule, and says on which schedule the law notices.
fn noticed(rule: Rule, law: fn()) {
    break_rule(Some(rule));
    let found = fails_at(law);
    break_rule(None);
    let at = found.unwrap_or_else(|| panic!("no schedule notices that {rule:?} is broken"));
    println!("{rule:?}: noticed on schedule {at}");
}

#[test]
fn a_gap_that_is_not_reported_is_noticed() {
    noticed(Rule::ReportGaps, every_fact_is_read_or_reported);
}

#[test]
fn a_lost_wake_up_is_noticed() {
    noticed(Rule::RegisterUnderLock, whoever_waits_is_woken);
}

#[test]
fn a_lost_listener_is_noticed() {
    noticed(Rule::ChangeUnderLock, the_list_of_listeners_loses_nobody);
}
