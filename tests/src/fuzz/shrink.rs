//! Smaller inputs that do the same.

/// Most attempts.
const ATTEMPTS: usize = 1_500;

/// Leaves out of an input what it does not need to `fail`.
pub(crate) fn shrink(input: &[u8], fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut best = input.to_vec();
    let mut attempts = 0;
    let mut size = best.len() / 2;
    while size > 0 && attempts < ATTEMPTS {
        let mut at = 0;
        let mut smaller = false;
        while at < best.len() && attempts < ATTEMPTS {
            attempts += 1;
            let mut shorter = best.clone();
            shorter.drain(at..(at + size).min(best.len()));
            if fails(&shorter) {
                best = shorter;
                smaller = true;
            } else {
                at += size;
            }
        }
        if !smaller || size > 1 {
            size /= 2;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_needed_goes() {
        let input = b"a long text with a needle somewhere in it";
        let fails = |text: &[u8]| text.windows(6).any(|part| part == b"needle");
        assert_eq!(shrink(input, fails), b"needle");
    }
}
