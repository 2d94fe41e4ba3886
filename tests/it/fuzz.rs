//! Hostile input: whatever comes from outside is refused or taken, and never a panic.
//!
//! A few thousand inputs of each target, and every input that once was a finding; `cargo xtask fuzz` runs many, within
//! limits of time and memory.

use std::path::{Path, PathBuf};

use starline_tests::fuzz::{Hunt, Source, find, targets};

/// Inputs of each target: the seed of the short run is that of no long run.
const INPUTS: u64 = 1_500;
const SEED: u64 = 0x5747_1e7e;

/// Runs a few inputs of a target: none may be a finding, and at least one in `share` must be accepted, as otherwise
/// little is tested.
#[track_caller]
fn check(name: &str, share: u64) {
    let source = Source::new(find(name).expect("a target")).small();
    let mut hunt = Hunt::new(&source, SEED);
    for index in 0..INPUTS {
        if let Some(finding) = hunt.run(index) {
            let input = String::from_utf8_lossy(&finding.input);
            panic!("{name}, input {index}: {}\n{input}", finding.what);
        }
    }
    let tally = hunt.finish();
    assert!(tally.accepted * share > tally.inputs, "{} of {} accepted", tally.accepted, tally.inputs);
}

macro_rules! targets {
    ($($test:ident $name:literal $share:literal,)*) => {
        $(#[test]
        fn $test() {
            check($name, $share);
        })*

        #[test]
        fn every_target_has_a_test() {
            let tested = [$($name),*];
            let known: Vec<&str> = targets().iter().map(|target| target.name).collect();
            assert_eq!(known, tested);
        }
    };
}

targets! {
    fuzz_amount "amount" 20,
    fuzz_batch "batch" 20,
    fuzz_condition "condition" 20,
    fuzz_devices "devices" 50,
    fuzz_edits "edits" 20,
    fuzz_envelope "envelope" 10,
    fuzz_galaxy "galaxy" 10,
    fuzz_graph "graph" 50,
    fuzz_history "history" 20,
    fuzz_journal "journal" 20,
    fuzz_settings "settings" 20,
    fuzz_template "template" 20,
    fuzz_wfformat "wfformat" 10,
    fuzz_workflow "workflow" 50,
}

/// `tests/fuzz/findings/TARGET/*`: inputs that were findings once.
#[test]
fn findings_stay_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/findings");
    for target in targets() {
        for path in files(&folder.join(target.name)) {
            let input = std::fs::read(&path).expect("a finding can be read");
            let verdict = starline_tests::fuzz::catch(|| (target.check)(&input));
            assert!(verdict.is_ok(), "{}: {}", path.display(), verdict.unwrap_err());
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    let mut files: Vec<PathBuf> = entries.unwrap_or_default();
    files.sort();
    files
}

#[test]
fn equal_seeds_give_equal_inputs() {
    for target in targets() {
        let (one, two) = (Source::new(target), Source::new(target));
        for index in [0, 7, 100, 3_999] {
            assert!(one.input(5, index) == two.input(5, index), "{} {index}", target.name);
        }
    }
}
