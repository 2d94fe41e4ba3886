//! Random draws from a seed and a counter, so that equal runs draw equal numbers.

/// The `n`-th number of a seed: SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, 2014), which can be entered at
/// any point and therefore needs no state but the counter.
pub(crate) fn draw(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_add((n.wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number from zero to `max`, both included, from the `n`-th draw of a seed.
///
/// By multiplication (D. Lemire, 2019); the bias is below `max / 2^64`, which no delay in milliseconds shows.
pub(crate) fn uniform(seed: u64, n: u64, max: u64) -> u64 {
    if max == u64::MAX {
        return draw(seed, n);
    }
    let wide = u128::from(draw(seed, n)) * (u128::from(max) + 1);
    (wide >> 64) as u64
}
