//! Hostile input: whatever comes from outside is refused or taken, and never a panic, a hang, or memory without bound.
//!
//! A [`Target`] is one reader with what must hold of it. A [`Source`] makes inputs for it out of valid ones, the same
//! ones for the same seed. [`Hunt`] runs them and keeps what went wrong. The tests run a few thousand inputs of each
//! target; the binary `starline-fuzz` runs many, each within a limit of memory and time.

mod catch;
mod dice;
mod hunt;
mod json;
mod meter;
mod seeds;
mod shrink;
mod source;
mod splitter;
mod target;
mod targets;
mod text;
#[rustfmt::skip] // Lists of words read best in full lines.
mod words;

pub use catch::{catch, listen};
pub use dice::Dice;
pub use hunt::{Finding, Hunt, Tally};
pub use meter::{Slowest, tell};
pub use source::Source;
pub use target::{Shape, Target};
pub use targets::{find, targets};
