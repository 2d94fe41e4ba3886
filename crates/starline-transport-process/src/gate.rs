//! Keeps what is said before a program starts apart from what the program says.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Bytes kept of what is said before the start: its end says why there was none.
const KEPT: usize = 4 * 1024;

/// The beginning of a stream on which a line of ours tells that a program starts now.
#[derive(Debug)]
pub(crate) enum Gate {
    /// The program speaks.
    Open,
    /// Others speak: a shell of ours, a sandbox.
    Closed {
        /// The line, with its end.
        mark: Vec<u8>,
        /// What they have said.
        said: Vec<u8>,
    },
}

/// A word that nobody says by chance.
pub(crate) fn new_mark() -> String {
    format!("starline-{:016x}", RandomState::new().build_hasher().finish())
}

impl Gate {
    /// A gate that a line opens; open without one.
    pub(crate) fn until(mark: Option<&str>) -> Self {
        match mark {
            Some(mark) => Self::Closed { mark: format!("{mark}\n").into_bytes(), said: Vec::new() },
            None => Self::Open,
        }
    }

    /// What the program says in these bytes.
    pub(crate) fn pass<'b>(&mut self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let Self::Closed { mark, said } = self else { return Cow::Borrowed(bytes) };
        said.extend_from_slice(bytes);
        match said.windows(mark.len()).position(|window| window == mark.as_slice()) {
            Some(at) => {
                let rest = said.split_off(at + mark.len());
                *self = Self::Open;
                Cow::Owned(rest)
            }
            None => {
                let excess = said.len().saturating_sub(KEPT + mark.len());
                said.drain(..excess);
                Cow::Borrowed(&[])
            }
        }
    }

    /// What was said in place of a start, if there was none.
    pub(crate) fn said(&self) -> Option<&[u8]> {
        match self {
            Self::Open => None,
            Self::Closed { said, .. } => Some(said),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_before_the_mark_is_not_the_programs() {
        let mut gate = Gate::until(Some("mark"));
        let passed: Vec<u8> = [&b"warning\nma"[..], b"rk", b"\nmark", b"\nend"]
            .iter()
            .flat_map(|bytes| gate.pass(bytes).into_owned())
            .collect();
        assert_eq!(passed, b"mark\nend");
        assert_eq!(gate.said(), None);
    }

    #[test]
    fn without_the_mark_there_is_a_reason() {
        let mut gate = Gate::until(Some("mark"));
        for _ in 0..100 {
            assert_eq!(gate.pass(&[b'x'; 1000]).len(), 0);
        }
        gate.pass(b"\nfor this reason\n");
        let said = gate.said().expect("closed");
        assert!(said.len() < 2 * KEPT && said.ends_with(b"reason\n"));
        assert_eq!(Gate::until(None).pass(b"x").as_ref(), b"x");
        assert_ne!(new_mark(), new_mark());
    }
}
