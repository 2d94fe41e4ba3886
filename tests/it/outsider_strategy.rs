//! The seam of strategies: a stranger's crate with one dependency of ours builds, and passes its own tests.

use std::path::Path;
use std::process::Command;

fn cargo() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in the workspace");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    // What the tests themselves were built with is no matter of the outsider.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG") || name == "RUSTFLAGS" || name == "CARGO_ENCODED_RUSTFLAGS" {
            command.env_remove(name);
        }
    }
    command
}

const MANIFEST: &str = "tests/outsider/Cargo.toml";

#[test]
fn outsider_strategy_needs_one_crate() {
    let metadata = cargo()
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path", MANIFEST])
        .output()
        .expect("cargo starts");
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("metadata is JSON");
    let dependencies = metadata["packages"][0]["dependencies"].as_array().expect("a list of dependencies");
    let normal: Vec<_> = dependencies
        .iter()
        .filter(|dependency| dependency["kind"].is_null())
        .filter_map(|dependency| dependency["name"].as_str())
        .collect();
    assert_eq!(normal, ["starline-assign"]);
}

#[test]
fn outsider_strategy_builds_and_passes() {
    let tested = cargo()
        .args(["test", "--offline", "--manifest-path", MANIFEST, "--target-dir", "target/outsider"])
        .output()
        .expect("cargo starts");
    let (out, error) = (String::from_utf8_lossy(&tested.stdout), String::from_utf8_lossy(&tested.stderr));
    assert!(tested.status.success(), "{out}\n{error}");
    for law in ["placements_fit", "facts_restore_the_strategy", "runs_end", "schedules_keep_every_rule"] {
        assert!(out.contains(&format!("strategy_laws::{law} ... ok")), "{out}");
    }
}
