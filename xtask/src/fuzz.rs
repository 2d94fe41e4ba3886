//! The long volume of the hostile-input tests.

use anyhow::ensure;

use crate::{cargo, test};

pub(crate) const HELP: &str = "\
Runs the tests of the package `starline-tests` whose name starts with `fuzz_`, in release mode and with
STARLINE_FUZZ_INPUTS set to the number of inputs for each target. The same tests run with a small volume
in every `cargo xtask test`. Nothing that comes from outside may panic, hang or use memory without bound.";

/// Runs each target over `inputs` hostile inputs.
pub(crate) fn run(inputs: u64, filters: &[String]) -> anyhow::Result<bool> {
    let mut command = cargo::command();
    command.args(["test", "--release", "--package", "starline-tests", "--test", "it", "--", "--show-output"]);
    if filters.is_empty() {
        command.arg("fuzz_");
    }
    command.args(filters.iter().map(|filter| match filter.strip_prefix("fuzz_") {
        Some(_) => filter.clone(),
        None => format!("fuzz_{filter}"),
    }));
    command.env("STARLINE_FUZZ_INPUTS", inputs.to_string());
    let (success, tally) = test::count(&mut command, &mut test::show)?;
    print!("\n{tally}");
    let counts = tally.counts();
    println!("{counts}");
    ensure!(!success || counts.passed > 0, "no target ran: no test `fuzz_…` has such a name");
    Ok(success)
}
