//! Laws over random values, the same ones each time.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Holds a law against random values; `cases` of them, the same ones in every run of the test.
///
/// No file is written and no variable is read, so a failure on one machine is a failure on all. The value that breaks
/// the law is made as small as its generator allows before it is shown.
///
/// ```
/// starline_testkit::check(16, starline_testkit::arbitrary::graphs(8), |graph| assert!(graph.tasks.len() <= 8));
/// ```
///
/// # Panics
/// The law panics for a value.
pub fn check<S: Strategy>(cases: u32, values: S, law: impl Fn(S::Value)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let judged = runner.run(&values, |value| {
        law(value);
        Ok(())
    });
    if let Err(broken) = judged {
        panic!("{broken}");
    }
}
