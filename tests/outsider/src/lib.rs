//! Assignment that keeps work where its inputs are.
//!
//! Use [`Sticky`] where carrying results from device to device costs more than an uneven load. It does not
//! look at sizes or durations.
//!
//! ```
//! use starline_assign::{AssignmentStrategy, testing::round};
//! use starline_sticky::Sticky;
//!
//! let scene = round()
//!     .device("laptop", 1)
//!     .device("phone", 2)
//!     .done("fetch", "phone")
//!     .ready("parse", ["fetch"])
//!     .build();
//! let mut round = scene.round();
//! Sticky.assign(&mut round)?;
//! assert_eq!(round.to_string(), "parse -> phone");
//! # Ok::<(), starline_assign::PlaceError>(())
//! ```

use starline_assign::{AssignmentStrategy, PlaceError, Round};

/// Stays on the device where the latest input was made, if it has a free slot; else takes the least loaded
/// device, the one registered first of equals.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sticky;

impl AssignmentStrategy for Sticky {
    fn name(&self) -> &'static str {
        "sticky"
    }

    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
        for task in round.tasks() {
            let candidates = round.candidates(task.ix);
            let home = round.graph().last_device_before(task.ix).and_then(|device| candidates.find(device));
            let device = home.or_else(|| candidates.iter().min_by(|a, b| a.cmp_load_ratio(b)));
            if let Some(device) = device {
                round.place(task.ix, device.ix)?;
            }
        }
        Ok(())
    }
}

/// The examples of the guide are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/write-a-strategy.md")]
mod guide {}

#[cfg(test)]
mod tests {
    use super::*;
    use starline_assign::testing::{RoundBuilder, round};

    fn placed(draft: &RoundBuilder) -> String {
        let scene = draft.build();
        let mut round = scene.round();
        Sticky.assign(&mut round).expect("it places on candidates alone");
        round.to_string()
    }

    fn kitchen() -> RoundBuilder {
        round().device("laptop", 2).device("phone", 1).done("fetch", "phone").done("login", "laptop")
    }

    #[test]
    fn work_stays_where_its_latest_input_is() {
        let draft = kitchen().ready("parse", ["login", "fetch"]).ready("show", ["fetch"]);
        assert_eq!(placed(&draft), "parse -> laptop\nshow -> phone");
    }

    #[test]
    fn work_moves_when_its_device_is_full_or_does_not_fit() {
        let full = kitchen().ready("a", ["fetch"]).ready("b", ["fetch"]).ready("c", ["fetch"]);
        assert_eq!(placed(&full), "a -> phone\nb -> laptop\nc -> laptop");
        let unfit = kitchen().ready("a", ["fetch"]).on("laptop");
        assert_eq!(placed(&unfit), "a -> laptop");
    }

    #[test]
    fn work_waits_when_everything_is_full() {
        assert_eq!(placed(&round().device("laptop", 1).running("x", "laptop").ready("y", ["x"])), "");
    }

    starline_testkit::strategy_laws!(|| Sticky);
}
