//! The layer check against real manifests: a wrong arrow, planted in a copy of this workspace, is found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A copy of the manifests of the workspace below the target folder, with empty sources.
struct Copy {
    root: PathBuf,
}

impl Copy {
    fn new(name: &str) -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace");
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let answer = cargo_metadata(workspace);
        let below = |path: &Value| {
            let path = Path::new(path.as_str().expect("a path"));
            path.strip_prefix(workspace).expect("members lie below the root").to_path_buf()
        };
        for package in answer["packages"].as_array().expect("a list") {
            let manifest = below(&package["manifest_path"]);
            write(&root.join(&manifest), &read(&workspace.join(&manifest)));
            for target in package["targets"].as_array().expect("a list") {
                write(&root.join(below(&target["src_path"])), "");
            }
        }
        for file in ["Cargo.toml", "Cargo.lock"] {
            write(&root.join(file), &read(&workspace.join(file)));
        }
        Self { root }
    }

    /// Lets one crate depend on another.
    fn plant(&self, from: &str, to: &str) {
        let path = self.root.join("crates").join(from).join("Cargo.toml");
        let manifest = read(&path);
        let planted =
            manifest.replacen("[dependencies]\n", &format!("[dependencies]\n{to}.workspace = true\n"), 1);
        assert_ne!(planted, manifest, "{from} has no dependencies to add to");
        write(&path, &planted);
    }

    fn layers(&self) -> Output {
        let mut check = Command::new(env!("CARGO_BIN_EXE_xtask"));
        check.args(["layers", "--manifest-path"]).arg(self.root.join("Cargo.toml"));
        check.output().expect("the tool starts")
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // A copy that stays behind costs a little room below the target folder, nothing else.
        drop(fs::remove_dir_all(&self.root));
    }
}

fn cargo_metadata(workspace: &Path) -> Value {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(workspace);
    let output = command.output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) {
    let folder = path.parent().expect("a file lies in a folder");
    fs::create_dir_all(folder).and_then(|()| fs::write(path, text)).expect("the target folder is writable");
}

/// The check of a copy with this arrow fails with one line that names both crates.
fn assert_refused(from: &str, to: &str, why: &str) {
    let copy = Copy::new(from);
    copy.plant(from, to);
    let output = copy.layers();
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{printed}{complaint}");
    let line = printed.lines().find(|line| line.contains(from) && line.contains(to));
    let line = line.unwrap_or_else(|| panic!("no line names both crates: {printed}{complaint}"));
    assert!(line.contains(why), "{line}");
}

#[test]
fn an_untouched_copy_has_no_fault() {
    let output = Copy::new("untouched").layers();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn an_arrow_to_a_higher_layer_is_refused() {
    assert_refused("starline-assign", "starline-graph", "a higher layer is out of reach");
}

#[test]
fn an_arrow_that_closes_a_cycle_is_named_all_the_same() {
    assert_refused("starline-graph", "starline-scheduler", "a higher layer is out of reach");
}

#[test]
fn an_arrow_that_a_family_forbids_is_refused() {
    assert_refused("starline-strategies", "starline-types", "the family allows only starline-assign");
}

#[test]
fn an_unlisted_arrow_within_a_layer_is_refused() {
    assert_refused("starline-device", "starline-journal", "lists no such sideways arrow");
}

#[test]
fn tokio_below_the_shell_is_refused() {
    let copy = Copy::new("tokio");
    copy.plant("starline-event", "tokio");
    let output = copy.layers();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{printed}");
    let expected =
        "starline-event (contract) needs tokio, which is refused below shell: starline-event -> tokio";
    assert!(printed.contains(expected), "{printed}");
}
