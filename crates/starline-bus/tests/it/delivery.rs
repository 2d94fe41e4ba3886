//! Who gets which facts, and for how long.

use std::sync::{Arc, Mutex};

use futures_util::{FutureExt, StreamExt};
use starline_bus::EventBus;
use starline_event::{Envelope, EventFilter, EventKind, EventSink, EventSource, Observer, Seq};

use crate::fact::{resumed, run, started};

#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    fn seen(&self) -> Vec<String> {
        self.0.lock().expect("lock").clone()
    }
}

impl Observer for Recorder {
    fn on_event(&self, event: &Envelope) {
        self.0.lock().expect("lock").push(format!("{} {}", event.run_id, event.seq.0));
    }
}

#[test]
fn filters_narrow_by_run_and_kind() {
    let bus = EventBus::new();
    let (a, b) = (run("a"), run("b"));
    let mut of_a = bus.subscribe(EventFilter::all().run(a.clone()));
    let mut starts = bus.subscribe(EventFilter::all().kinds([EventKind::RunStarted]));
    let recorder = Arc::new(Recorder::default());
    let _guard = bus.observe(EventFilter::all().run(b.clone()), recorder.clone());
    bus.publish(&[resumed(&a, 1), started(&b, 1), resumed(&b, 2), started(&a, 2)]);

    let mut seen = Vec::new();
    while let Some(Ok(fact)) = of_a.try_next() {
        seen.push(format!("{} {}", fact.run_id, fact.seq.0));
    }
    while let Some(Ok(fact)) = starts.try_next() {
        seen.push(format!("{} {}", fact.run_id, fact.seq.0));
    }
    assert_eq!(seen, ["a 1", "a 2", "b 1", "a 2"]);
    assert_eq!(recorder.seen(), ["b 1", "b 2"]);
}

#[test]
fn wanting_follows_the_listeners() {
    let bus = EventBus::new();
    let (a, b) = (run("a"), run("b"));
    assert!(!bus.wants(&a));
    let of_a = bus.subscribe(EventFilter::all().run(a.clone()));
    assert!(bus.wants(&a) && !bus.wants(&b));
    let guard = bus.observe(EventFilter::all(), Arc::new(Recorder::default()));
    assert!(bus.wants(&b));
    drop(guard);
    assert!(!bus.wants(&b));
    drop(of_a);
    assert!(!bus.wants(&a));
    assert_eq!(bus.listeners(), 0);
}

#[test]
fn dropping_ends_a_subscription_and_its_facts() {
    let bus = EventBus::new();
    let a = run("a");
    let reader = bus.subscribe(EventFilter::all());
    let fact = resumed(&a, 1);
    bus.publish(std::slice::from_ref(&fact));
    assert_eq!(fact.holders(), 2);
    drop(reader);
    assert_eq!(fact.holders(), 1);
    bus.publish(std::slice::from_ref(&fact));
    assert_eq!(fact.holders(), 1);
}

#[test]
fn dropping_the_guard_takes_the_observer_off_and_keeping_it_does_not() {
    let bus = EventBus::new();
    let a = run("a");
    let (first, second) = (Arc::new(Recorder::default()), Arc::new(Recorder::default()));
    let guard = bus.observe(EventFilter::all(), first.clone());
    bus.observe(EventFilter::all(), second.clone()).keep();
    bus.publish(&[resumed(&a, 1)]);
    drop(guard);
    bus.publish(&[resumed(&a, 2)]);
    assert_eq!((first.seen().len(), second.seen().len()), (1, 2));
    assert_eq!(Arc::strong_count(&first), 1, "nothing keeps it");
}

#[test]
fn dropping_the_bus_ends_streams_after_what_is_queued() {
    let bus = EventBus::new();
    let mut reader = bus.subscribe_with(EventFilter::all(), 1);
    let mut stream = EventSource::subscribe(&bus, EventFilter::all());
    let a = run("a");
    bus.publish(&[resumed(&a, 1), resumed(&a, 2)]);
    let guard = bus.observe(EventFilter::all(), Arc::new(Recorder::default()));
    drop(bus);

    assert!(!reader.is_ended());
    assert_eq!(reader.try_next().map(|item| item.is_ok()), Some(true));
    assert!(!reader.is_ended(), "the gap is still to come");
    assert_eq!(reader.try_next().map(|item| item.is_ok()), Some(false));
    assert!(reader.is_ended());
    assert_eq!(reader.next().now_or_never(), Some(None));
    assert_eq!(reader.next().now_or_never(), Some(None), "and stays ended");

    for expected in [Some(Some(Seq(1))), Some(Some(Seq(2))), Some(None)] {
        let item = stream.next().now_or_never();
        assert_eq!(item.map(|item| item.and_then(Result::ok).map(|fact| fact.seq)), expected);
    }
    drop(guard);
}

#[test]
fn batches_are_read_up_to_their_limit() {
    let bus = EventBus::new();
    let mut reader = bus.subscribe_with(EventFilter::all(), 4);
    let a = run("a");
    let mut buffer = Vec::new();
    assert_eq!(reader.recv_many(&mut buffer, 3).now_or_never(), None, "nothing yet");
    bus.publish(&(1..=6).map(|seq| resumed(&a, seq)).collect::<Vec<_>>());
    assert_eq!(reader.backlog(), 4);
    assert_eq!(bus.largest_backlog(), 4);
    assert_eq!(reader.recv_many(&mut buffer, 0).now_or_never(), Some(0));
    assert_eq!(reader.recv_many(&mut buffer, 3).now_or_never(), Some(3));
    assert_eq!(reader.backlog(), 1);
    assert_eq!(reader.recv_many(&mut buffer, 9).now_or_never(), Some(2), "a fact and the gap");
    let read: Vec<_> = buffer.iter().map(|item| item.as_ref().map_or(0, |fact| fact.seq.0)).collect();
    assert_eq!(read, [1, 2, 3, 4, 0]);
    drop(bus);
    assert_eq!(reader.recv_many(&mut buffer, 9).now_or_never(), Some(0));
}

#[derive(Debug)]
struct Fragile;

impl Observer for Fragile {
    fn on_event(&self, event: &Envelope) {
        assert!(event.seq != Seq(2), "cannot count to two");
    }
}

#[test]
fn a_panicking_observer_is_dropped_and_counted() {
    let bus = EventBus::new();
    let a = run("a");
    let fragile = Arc::new(Fragile);
    let _guard = bus.observe(EventFilter::all(), fragile.clone());
    let recorder = Arc::new(Recorder::default());
    let _other = bus.observe(EventFilter::all(), recorder.clone());
    let mut reader = bus.subscribe(EventFilter::all());
    bus.publish(&[resumed(&a, 1)]);
    assert_eq!((bus.observer_panics(), bus.last_observer_panic()), (0, None));
    bus.publish(&[resumed(&a, 2), resumed(&a, 3)]);
    bus.publish(&[resumed(&a, 2)]);
    assert_eq!(bus.observer_panics(), 1);
    assert_eq!(bus.last_observer_panic().as_deref(), Some("observer panicked: cannot count to two"));
    assert_eq!(Arc::strong_count(&fragile), 1, "the bus let go of it");
    assert_eq!(recorder.seen(), ["a 1", "a 2", "a 3", "a 2"], "others are not affected");
    assert_eq!(std::iter::from_fn(|| reader.try_next()).count(), 4);
}

/// Subscribes, publishes and unsubscribes from within a call.
#[derive(Debug)]
struct Meddler(Arc<EventBus>);

impl Observer for Meddler {
    fn on_event(&self, event: &Envelope) {
        if event.seq == Seq(1) {
            let mut reader = self.0.subscribe(EventFilter::all());
            self.0.publish(&[resumed(&event.run_id, 2)]);
            assert!(reader.try_next().is_some());
        }
    }
}

#[test]
fn an_observer_may_use_the_bus() {
    let bus = Arc::new(EventBus::new());
    let guard = bus.observe(EventFilter::all(), Arc::new(Meddler(Arc::clone(&bus))));
    bus.publish(&[resumed(&run("a"), 1)]);
    assert_eq!(bus.observer_panics(), 0);
    drop(guard);
    assert_eq!(Arc::strong_count(&bus), 1);
}
