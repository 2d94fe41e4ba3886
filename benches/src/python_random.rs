//! The random numbers of CPython, so that seeded graphs are the same without Python.

use std::num::Wrapping;

/// Words of state of the Mersenne Twister.
const WORDS: usize = 624;
/// Distance of the word that is mixed in.
const MIDDLE: usize = 397;

/// `random.Random(seed)` of CPython 3, as far as [`sample`](Self::sample) needs it.
///
/// The generator is MT19937, seeded the way CPython seeds from an integer below 2³².
#[derive(Clone, Debug)]
pub(crate) struct PythonRandom {
    state: Box<[u32; WORDS]>,
    next: usize,
}

impl PythonRandom {
    /// `random.Random(seed)`.
    pub(crate) fn new(seed: u32) -> Self {
        let mut state = Box::new([0; WORDS]);
        spread(&mut state, 19_650_218);
        mix_key(&mut state, &[seed]);
        Self { state, next: WORDS }
    }

    /// `sorted(rng.sample(range(population), picks))`.
    ///
    /// Draws until the picks differ, which is what CPython does for up to 5 picks out of more than 21;
    /// smaller populations take another path there, and none of the graphs has one.
    pub(crate) fn sample(&mut self, population: u32, picks: usize) -> Vec<u32> {
        debug_assert!(population > 21 && picks <= 5, "outside the path of `sample` that is reproduced");
        let mut chosen = Vec::with_capacity(picks);
        while chosen.len() < picks {
            let candidate = self.below(population);
            if !chosen.contains(&candidate) {
                chosen.push(candidate);
            }
        }
        chosen.sort_unstable();
        chosen
    }

    /// An even draw from `0..limit`: as many bits as `limit` has, again while they are too many.
    fn below(&mut self, limit: u32) -> u32 {
        loop {
            let drawn = self.word() >> limit.leading_zeros();
            if drawn < limit {
                return drawn;
            }
        }
    }

    /// The next 32 bits.
    fn word(&mut self) -> u32 {
        if self.next == WORDS {
            self.twist();
            self.next = 0;
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// Replaces all words of state, in place and in order: later words see the new earlier ones.
    fn twist(&mut self) {
        for ix in 0..WORDS {
            let joined = (self.state[ix] & 0x8000_0000) | (self.state[(ix + 1) % WORDS] & 0x7fff_ffff);
            let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[ix] = self.state[(ix + MIDDLE) % WORDS] ^ (joined >> 1) ^ odd;
        }
    }
}

/// Fills the state from one word.
fn spread(state: &mut [u32; WORDS], seed: u32) {
    state[0] = seed;
    for ix in 1..WORDS {
        state[ix] = (stirred(state, ix, 1_812_433_253) + Wrapping(ix as u32)).0;
    }
}

/// Mixes the key into a state that [`spread`] has filled.
fn mix_key(state: &mut [u32; WORDS], key: &[u32]) {
    let mut ix = 1;
    for round in 0..WORDS.max(key.len()) {
        let slot = round % key.len();
        let mixed = Wrapping(state[ix]) ^ stirred(state, ix, 1_664_525);
        state[ix] = (mixed + Wrapping(key[slot]) + Wrapping(slot as u32)).0;
        ix = following(state, ix);
    }
    for _ in 1..WORDS {
        let mixed = Wrapping(state[ix]) ^ stirred(state, ix, 1_566_083_941);
        state[ix] = (mixed - Wrapping(ix as u32)).0;
        ix = following(state, ix);
    }
    state[0] = 0x8000_0000;
}

/// The word before `ix`, folded onto itself and multiplied.
fn stirred(state: &[u32; WORDS], ix: usize, factor: u32) -> Wrapping<u32> {
    let before = state[ix - 1];
    Wrapping(before ^ (before >> 30)) * Wrapping(factor)
}

/// The index after `ix`. Index 0 is never mixed: it takes the last word, and the walk goes on at 1.
fn following(state: &mut [u32; WORDS], ix: usize) -> usize {
    if ix + 1 < WORDS {
        return ix + 1;
    }
    state[0] = state[WORDS - 1];
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_cpython() {
        let mut random = PythonRandom::new(42);
        let words: Vec<_> = (0..4).map(|_| random.word()).collect();
        assert_eq!(words, [2_746_317_213, 478_163_327, 107_420_369, 3_184_935_163]);
    }

    #[test]
    fn the_state_is_renewed_like_that_of_cpython() {
        let mut random = PythonRandom::new(42);
        let last = (0..2_000).map(|_| random.word()).last();
        assert_eq!(last, Some(1_557_724_698));
    }

    #[test]
    fn samples_are_those_of_cpython() {
        let mut random = PythonRandom::new(42);
        let samples: Vec<_> = (0..3).map(|_| random.sample(50, 3)).collect();
        assert_eq!(samples, [[1, 7, 40], [15, 17, 47], [8, 14, 47]]);
    }
}
