//! Where choices come from: numbers that shrink towards the plainest case, or a generator for volume.

/// A stream of choices. A list that is used up says 0 for ever, which every caller takes as the plainest choice.
#[derive(Clone, Debug)]
pub(crate) enum Choices {
    /// Given numbers.
    Listed(std::vec::IntoIter<u16>),
    /// Numbers of a generator (SplitMix64) with its state.
    Seeded(u64),
}

impl Choices {
    pub(crate) fn listed(numbers: Vec<u16>) -> Self {
        Self::Listed(numbers.into_iter())
    }

    fn next(&mut self) -> u64 {
        match self {
            Self::Listed(numbers) => numbers.next().unwrap_or(0).into(),
            Self::Seeded(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (mixed ^ (mixed >> 31)) >> 32
            }
        }
    }

    /// A number below another one; 0 below 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let number = usize::try_from(self.next()).expect("small");
        number.checked_rem(end).unwrap_or(0)
    }

    /// Whether something happens that happens in one of so many cases; not in the plainest.
    pub(crate) fn one_in(&mut self, cases: usize) -> bool {
        self.below(cases) == cases - 1
    }

    /// One of some things.
    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}
