//! Rounds for tests of strategies, and the laws that every strategy keeps. Feature `testing`.
//!
//! [`round()`] describes a round in one expression; the [`TestRound`] it builds owns what a
//! [`Round`](crate::Round) borrows. [`laws`] plays a strategy over many pseudo-random rounds.
//!
//! ```
//! use starline_assign::testing::round;
//!
//! let scene = round()
//!     .device("laptop", 1)
//!     .device("phone", 2)
//!     .done("fetch", "phone")
//!     .ready("parse", ["fetch"])
//!     .build();
//! let mut round = scene.round();
//! round.place(scene.task("parse"), scene.device("phone"))?;
//! assert_eq!(round.to_string(), "parse -> phone");
//! # Ok::<(), starline_assign::PlaceError>(())
//! ```

mod builder;
mod graph;
pub mod laws;
mod random;
mod scene;

pub use builder::{RoundBuilder, round};
pub use graph::TestGraph;
pub use random::{SplitMix64, random_round};
pub use scene::TestRound;
