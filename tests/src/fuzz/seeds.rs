//! Valid inputs, and inputs that are known to be broken, to begin with.

use std::fs;
use std::path::{Path, PathBuf};

/// Longest file that is taken, in bytes: changes of a longer one take long, and reach no more.
const MOST: u64 = 24 << 10;

/// Files of a folder of this workspace, those that can be read, by name.
pub(crate) fn folder(path: &str, extensions: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let Ok(entries) = fs::read_dir(root.join(path)) else { return Vec::new() };
    let fits = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        extensions.contains(&extension) && fs::metadata(path).is_ok_and(|facts| facts.len() <= MOST)
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(fits).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// Journals of scenarios, one record in each line.
pub(crate) fn journals() -> Vec<String> {
    let names = [
        "o4_fail_fast",
        "t1_retries_and_failure",
        "d3_lost_device_and_another_one",
        "o6_pause_and_resume",
        "c_restart_takes_attempts_over",
        "o5_wait_for_edit_until_the_deadline",
    ];
    let known = crate::all_scenarios();
    let mut journals = Vec::new();
    for name in names.iter().filter(|name| known.iter().any(|known| known == *name)) {
        let played = crate::run_scenario(name);
        let lines = played.sim.journal(0).iter().filter_map(|record| serde_json::to_string(record).ok());
        journals.push(lines.collect::<Vec<_>>().join("\n"));
    }
    journals
}
