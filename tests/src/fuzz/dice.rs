//! Chance that can be repeated.

/// Numbers that look random: SplitMix64. Equal seeds give equal numbers.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice for one input of one target.
    #[must_use]
    pub fn new(seed: u64, target: &str, index: u64) -> Self {
        let mut dice = Self(seed);
        for byte in target.bytes() {
            dice.0 ^= u64::from(byte);
            dice.next();
        }
        dice.0 ^= index.wrapping_mul(0xd6e8_feb8_6659_fd93);
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, or 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % (n.max(1) as u64)) as usize
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of several.
    pub fn pick<'s, T>(&mut self, from: &'s [T]) -> &'s T {
        &from[self.below(from.len())]
    }

    /// A number up to `most`, small ones more often than large ones.
    pub fn often_small(&mut self, most: usize) -> usize {
        let bits = (usize::BITS - most.leading_zeros()) as usize;
        let below = 1_usize << self.below(bits + 1);
        self.below(below).min(most)
    }
}
