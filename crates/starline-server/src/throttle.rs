//! Failed authentications, by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(60);
/// Addresses with failures that are remembered; what comes beyond that shares one count.
const ADDRESSES: usize = 4_096;

/// Failed authentications that are told of in a minute, from wherever they come; more are only counted.
const TOLD: u32 = 60;

/// Counts failed authentications in windows of a minute.
#[derive(Debug)]
pub(crate) struct Throttle {
    limit: u32,
    told: Mutex<Option<Failures>>,
    failures: Mutex<HashMap<Option<IpAddr>, Failures>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    since: Instant,
    count: u32,
}

impl Throttle {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, told: Mutex::default(), failures: Mutex::default() }
    }

    /// Time until an address may try again; none if it may now.
    pub(crate) fn wait(&self, address: IpAddr) -> Option<Duration> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let key = if failures.contains_key(&Some(address)) { Some(address) } else { None };
        let known = failures.get(&key)?;
        let left = WINDOW.checked_sub(known.since.elapsed()).filter(|left| !left.is_zero())?;
        (known.count >= self.limit && (key.is_some() || failures.len() > ADDRESSES)).then_some(left)
    }

    /// Whether a log has room for one more failure: whoever has many addresses does not fill it.
    pub(crate) fn is_worth_telling(&self) -> bool {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let known = told.get_or_insert(Failures { since: now, count: 0 });
        if now.duration_since(known.since) >= WINDOW {
            *known = Failures { since: now, count: 0 };
        }
        known.count = known.count.saturating_add(1);
        known.count <= TOLD
    }

    /// Notes a failed authentication.
    pub(crate) fn note(&self, address: IpAddr) {
        let now = Instant::now();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |known: &Failures| now.duration_since(known.since) < WINDOW;
        if failures.len() >= ADDRESSES && !failures.contains_key(&Some(address)) {
            failures.retain(|_, known| fresh(known));
        }
        let room = failures.len() < ADDRESSES || failures.contains_key(&Some(address));
        let key = room.then_some(address);
        let known = failures.entry(key).or_insert(Failures { since: now, count: 0 });
        if !fresh(known) {
            *known = Failures { since: now, count: 0 };
        }
        known.count = known.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u16) -> IpAddr {
        IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 1, last])
    }

    #[tokio::test(start_paused = true)]
    async fn the_eleventh_attempt_waits_for_the_rest_of_the_minute() {
        let throttle = Throttle::new(10);
        for _ in 0..10 {
            assert_eq!(throttle.wait(address(1)), None);
            throttle.note(address(1));
        }
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(throttle.wait(address(1)), Some(Duration::from_secs(40)));
        assert_eq!(throttle.wait(address(2)), None, "addresses do not share a count");
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(throttle.wait(address(1)), None);
        throttle.note(address(1));
        assert_eq!(throttle.wait(address(1)), None, "a new minute begins at one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_is_told_of_so_many_failures_in_a_minute() {
        let throttle = Throttle::new(10);
        let told = |throttle: &Throttle| (0..1_000).filter(|_| throttle.is_worth_telling()).count();
        assert_eq!(told(&throttle), TOLD as usize);
        tokio::time::advance(WINDOW).await;
        assert_eq!(told(&throttle), TOLD as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn very_many_addresses_share_a_count_and_no_more_memory() {
        let throttle = Throttle::new(2);
        for at in 0..5_000 {
            throttle.note(address(at));
        }
        assert!(throttle.failures.lock().expect("sound").len() <= ADDRESSES + 1);
        assert!(throttle.wait(address(60_000)).is_some());
        assert_eq!(throttle.wait(address(1)), None, "one that is remembered has its own count");
    }
}
