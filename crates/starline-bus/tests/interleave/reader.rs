//! A reader that counts: each number of a run comes once and in order, as a fact or as part of a gap.

use std::collections::BTreeMap;

use starline_event::{Envelope, Event, Gap, RunId, Seq, SharedEnvelope};

use crate::Subscription;

pub(crate) fn fact(run: &str, seq: u64) -> SharedEnvelope {
    SharedEnvelope::from(Envelope {
        seq: Seq(seq),
        run_id: RunId::new(run).expect("an id"),
        revision: Default::default(),
        t: Default::default(),
        at: Default::default(),
        cause: None,
        event: Event::RunResumed { by: "test".into() },
    })
}

/// Reads one subscription and checks that nothing is missing.
pub(crate) struct Reader {
    pub(crate) subscription: Subscription,
    capacity: usize,
    /// The last number of each run.
    last: BTreeMap<RunId, u64>,
    /// Whether numbers begin with the first one.
    from_first: bool,
}

impl Reader {
    /// A reader of everything that was published, or of what was published since some time.
    pub(crate) fn new(subscription: Subscription, capacity: usize, from_first: bool) -> Self {
        Self { subscription, capacity, last: BTreeMap::new(), from_first }
    }

    /// Whether a run was read up to this number.
    pub(crate) fn has(&self, run: &str, seq: u64) -> bool {
        self.last.get(&RunId::new(run).expect("an id")).copied() == Some(seq)
    }

    /// Waits for what comes next; false at the end.
    pub(crate) async fn read(&mut self) -> bool {
        match self.subscription.next().await {
            Some(item) => {
                self.check(item);
                true
            }
            None => false,
        }
    }

    /// Reads what is there without waiting.
    pub(crate) fn read_rest(&mut self) {
        while let Some(item) = self.subscription.try_next() {
            self.check(item);
        }
    }

    fn check(&mut self, item: Result<SharedEnvelope, Gap>) {
        assert!(self.subscription.backlog() <= self.capacity, "no more waits than there is room for");
        let (run, from, to) = match item {
            Ok(fact) => (fact.run_id.clone(), fact.seq.0, fact.seq.0),
            Err(gap) => (gap.run_id, gap.from.0, gap.to.0),
        };
        assert!(from <= to, "a gap from {from} to {to}");
        match self.last.insert(run.clone(), to) {
            None if self.from_first => assert_eq!(from, 1, "{run} begins with its first fact"),
            None => {}
            Some(last) => assert_eq!(from, last + 1, "{run} goes on after {last}"),
        }
    }
}
