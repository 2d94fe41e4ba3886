//! The memory of a system is measured by starting the program again.
#![cfg(target_os = "linux")]

use std::error::Error as _;
use std::path::Path;

use starline_benches::{System, Usage};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ratios");

#[test]
fn a_child_reports_its_peak() {
    let usage = Usage::of_child(Path::new(PROGRAM), System::Dagx, "layered_10000").expect("the child runs");
    assert_eq!((usage.system.as_str(), usage.workload.as_str()), ("dagx", "layered_10000"));
    assert_eq!((usage.tasks, usage.payload), (10_000, 0));
    assert!(usage.peak > usage.before, "{usage:?}");
    // A boxed node, three boxed channels and two entries in hash maps are well above this.
    assert!(usage.per_task() > 100.0, "{usage:?}");
}

#[test]
fn a_child_that_fails_says_why() {
    let error =
        Usage::of_child(Path::new(PROGRAM), System::Dagx, "chain_7").expect_err("there is no such graph");
    let cause = error.source().expect("the child told").to_string();
    assert!(cause.contains("no graph is called `chain_7`"), "{cause}");
}
