//! What the tests of the whole have in common: scenarios with golden traces, and hostile input.

pub mod fuzz;
pub mod lease;

use std::path::PathBuf;

use starline_sim::{PlayedScript, Script};

/// Plays `tests/scenarios/NAME.txt`: every expectation must hold.
///
/// # Panics
/// One does not, or the file cannot be read.
#[must_use]
pub fn run_scenario(name: &str) -> PlayedScript {
    let file = scenarios().join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let script = Script::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let played = script.play();
    let (trace, findings) = (played.sim.trace(), played.findings.join("\n  "));
    assert!(findings.is_empty(), "{name}:\n  {findings}\n{trace}");
    played
}

/// Plays a scenario: beside its expectations, the journal of every run must give its state, and the trace must
/// be that of `NAME.golden`. With `UPDATE_GOLDEN=1` in the environment the golden trace is written instead of
/// compared.
///
/// # Panics
/// One of these is not so, or a file cannot be read.
pub fn play_scenario(name: &str) -> PlayedScript {
    let played = run_scenario(name);
    for run in 0..played.sim.run_count() {
        let (alive, read) = played.sim.replayed(run).expect("a journal that was written can be read");
        assert_eq!(alive, read, "{name}: a replay of run {run} gives another state\n{}", played.sim.trace());
    }
    compare(name, played.sim.trace());
    played
}

fn scenarios() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// Names of all scenarios, sorted.
///
/// # Panics
/// The folder cannot be read.
#[must_use]
pub fn all_scenarios() -> Vec<String> {
    let entries = std::fs::read_dir(scenarios()).expect("the folder of scenarios can be read");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".txt").map(str::to_owned)).collect();
    names.sort();
    names
}

fn compare(name: &str, trace: &str) {
    let file = scenarios().join(format!("{name}.golden"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, trace).expect("the golden trace can be written");
        return;
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    let difference = golden.lines().zip(trace.lines()).find(|(golden, found)| golden != found);
    let difference = difference.map_or_else(
        || format!("{} lines instead of {}", trace.lines().count(), golden.lines().count()),
        |(golden, found)| format!("\n  golden: {golden}\n  found:  {found}"),
    );
    assert!(
        golden == trace,
        "{name}: the trace is not the golden one (UPDATE_GOLDEN=1 rewrites it): {difference}\n{trace}"
    );
}
