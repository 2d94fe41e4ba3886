//! The laws over choices that shrink.

use proptest::prelude::*;

use crate::choices::Choices;
use crate::laws::{live, remember};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3_000) })]

    #[test]
    fn every_batch_keeps_the_laws(numbers in prop::collection::vec(any::<u16>(), 0..240)) {
        live(Choices::listed(numbers), 3);
    }

    #[test]
    fn the_history_is_that_of_whole_graphs(numbers in prop::collection::vec(any::<u16>(), 0..400)) {
        remember(Choices::listed(numbers), 12);
    }
}
