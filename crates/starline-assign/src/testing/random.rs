//! Pseudo-random rounds, the same for a seed everywhere and always.

use crate::Binding;
use crate::testing::{RoundBuilder, TestRound, round};

/// A generator of pseudo-random numbers (G. Steele, D. Lea, C. Flood, *Fast splittable pseudorandom number
/// generators*, 2014). For tests: not for secrets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// A generator whose numbers depend on the seed alone.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number, of all 2^64.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        // The upper half of the product: no division, and a bias too small to matter here.
        ((u128::from(self.draw()) * u128::from(bound)) >> 64) as u32
    }

    /// True in one of `n` cases.
    pub fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    /// Some of the items, each with even odds, in their order.
    fn some_of<'s>(&mut self, items: &[&'s str]) -> Vec<&'s str> {
        items.iter().copied().filter(|_| self.one_in(2)).collect()
    }

    fn one_of<'s>(&mut self, items: &[&'s str]) -> Option<&'s str> {
        let count = u32::try_from(items.len()).expect("a short list");
        items.get(self.below(count) as usize).copied()
    }
}

const SYSTEMS: [&str; 2] = ["linux", "windows"];
const CAPABILITIES: [&str; 3] = ["camera", "excel", "gpu"];
const DEVICES: [&str; 6] = ["d0", "d1", "d2", "d3", "d4", "d5"];

/// A round of up to 6 devices and 24 tasks, with requirements, pins, preferences and loads of all kinds.
#[must_use]
pub fn random_round<'a>(binding: Binding, seed: u64) -> TestRound<'a> {
    let mut rng = SplitMix64::new(seed);
    let count = rng.below(7) as usize;
    let mut draft = round().binding(binding);
    for device in &DEVICES[..count] {
        draft = random_device(draft, &mut rng, device);
        if rng.one_in(6) {
            draft = draft.unavailable();
        }
        let (slots, queued) = (rng.below(5), rng.below(4));
        draft = draft.in_flight(slots).queued(queued);
    }
    let devices = &DEVICES[..count];
    for n in 0..rng.below(5) {
        if let Some(device) = rng.one_of(devices) {
            draft = draft.done(&format!("done{n}"), device);
        }
    }
    let tasks = rng.below(25);
    random_tasks(draft, &mut rng, devices, tasks).build()
}

/// Idle devices and many tasks, some of which may fit none of them: the beginning of a run.
pub(crate) fn random_world(seed: u64) -> RoundBuilder {
    let mut rng = SplitMix64::new(seed);
    let devices = &DEVICES[..1 + rng.below(5) as usize];
    let mut draft = round();
    for device in devices {
        draft = random_device(draft, &mut rng, device);
    }
    let tasks = 48 + rng.below(49);
    random_tasks(draft, &mut rng, devices, tasks)
}

fn random_device(draft: RoundBuilder, rng: &mut SplitMix64, id: &str) -> RoundBuilder {
    let mut draft = draft.device(id, 1 + rng.below(4)).capabilities(rng.some_of(&CAPABILITIES));
    if let Some(os) = rng.one_of(&SYSTEMS).filter(|_| !rng.one_in(3)) {
        draft = draft.os(os);
    }
    draft
}

fn random_tasks(mut draft: RoundBuilder, rng: &mut SplitMix64, devices: &[&str], count: u32) -> RoundBuilder {
    let done: Vec<String> = draft.tasks.iter().map(|task| task.spec.id.to_string()).collect();
    let done: Vec<&str> = done.iter().map(String::as_str).collect();
    for n in 0..count {
        draft = draft.ready(&format!("t{n}"), rng.some_of(&done));
        if rng.one_in(4) {
            draft = draft.needs(rng.some_of(&CAPABILITIES));
        }
        if let Some(os) = rng.one_of(&SYSTEMS).filter(|_| rng.one_in(4)) {
            draft = draft.needs_os(os);
        }
        if let Some(device) = rng.one_of(devices).filter(|_| rng.one_in(3)) {
            draft = draft.prefer(device);
        }
        if let Some(device) = rng.one_of(devices).filter(|_| rng.one_in(10)) {
            draft = draft.on(device);
        }
    }
    draft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        let mut rng = SplitMix64::new(1_234_567);
        let drawn = [(); 5].map(|()| rng.draw());
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
        assert!((0..1000).all(|_| rng.below(7) < 7));
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn random_rounds_depend_on_their_seed_and_are_varied() {
        let text = |seed| format!("{:?}", random_round(Binding::Late, seed));
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
        let scenes: Vec<_> = (0..200).map(|seed| random_round(Binding::Early, seed).graph_spec()).collect();
        assert!(scenes.iter().any(|graph| graph.tasks.is_empty()));
        assert!(scenes.iter().any(|graph| !graph.dependencies.is_empty()));
        let preferences =
            scenes.iter().flat_map(|graph| &graph.tasks).filter(|task| task.preference().is_some());
        assert!(preferences.count() > 100);
    }
}
