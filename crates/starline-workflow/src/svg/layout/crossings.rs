//! Counting of crossings.

/// Numbers at places, with the sum behind a place in O(log n) (P. Fenwick, 1994).
#[derive(Debug)]
pub(super) struct Sums {
    tree: Vec<u64>,
    total: u64,
}

impl Sums {
    pub(super) fn new(places: usize) -> Self {
        Self { tree: vec![0; places + 1], total: 0 }
    }

    /// Adds one at a place.
    pub(super) fn add(&mut self, place: usize) {
        self.total += 1;
        let mut at = place + 1;
        while at < self.tree.len() {
            self.tree[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    /// The sum at the places behind this one.
    pub(super) fn behind(&self, place: usize) -> u64 {
        let mut until = 0;
        let mut at = place + 1;
        while at > 0 {
            until += self.tree[at];
            at &= at - 1;
        }
        self.total - until
    }
}

/// Crossings of the segments of two neighbours, by the sorted places of their other ends. O(a + b).
pub(super) fn pair(left: &[usize], right: &[usize]) -> u64 {
    let mut crossings = 0;
    let mut smaller = 0;
    for place in left {
        while smaller < right.len() && right[smaller] < *place {
            smaller += 1;
        }
        crossings += smaller as u64;
    }
    crossings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_counting_agree() {
        let (left, right) = ([0, 2, 2, 5], [1, 2, 4, 7]);
        let mut sums = Sums::new(8);
        left.iter().for_each(|place| sums.add(*place));
        assert_eq!(right.iter().map(|place| sums.behind(*place)).sum::<u64>(), pair(&left, &right));
        assert_eq!(pair(&left, &right), 5);
        assert_eq!(pair(&left, &[]), 0);
    }
}
