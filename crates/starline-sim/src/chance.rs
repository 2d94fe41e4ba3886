//! Random numbers from a seed.

/// A stream of random numbers: SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, 2014). Equal seeds give equal
/// streams.
#[derive(Clone, Debug)]
pub(crate) struct Chance {
    state: u64,
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: mix(seed ^ 0x5851_f42d_4c95_7f2d) }
    }

    /// A stream of its own for a matter, so that one matter less leaves the others as they are.
    pub(crate) fn about(seed: u64, matter: &[u64]) -> Self {
        let state = matter.iter().fold(Self::new(seed).state, |state, part| {
            mix(state.wrapping_add(part.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(1))
        });
        Self { state }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number below `n`; 0 if `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in that many of a hundred cases.
    pub(crate) fn percent(&mut self, of_hundred: u8) -> bool {
        of_hundred > 0 && self.below(100) < u64::from(of_hundred)
    }

    /// One of several; none of none.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(usize::try_from(self.below(from.len() as u64)).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_repeatable_and_spread() {
        let draw = |seed| -> Vec<u64> {
            let mut chance = Chance::new(seed);
            (0..100).map(|_| chance.below(10)).collect()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!((0..10).all(|n| draw(7).contains(&n)));
        let mut chance = Chance::about(1, &[2, 3]);
        assert!((0..100).all(|_| (5..=9).contains(&chance.within(5, 9))));
        assert_eq!(chance.pick::<u8>(&[]), None);
        assert!(!chance.percent(0) && chance.percent(100));
    }
}
