//! What every manifest must say, so that crates look alike and nothing is decided twice.

use std::path::Path;

use anyhow::Context as _;
use toml::{Table, Value};

use crate::metadata::{self, Depth, Metadata};

pub(crate) const HELP: &str = "\
Every member inherits version, edition, rust-version and licence, and the lints of the workspace.
A crate below crates/ also lies in a folder of its own name, has a description, a layer, a README.md
that is its crate documentation, and takes the versions of its dependencies from the root manifest.
`xtask`, `tests` and `benches` are tools: they are never published and may name versions themselves.";

const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];

/// One line for each thing that a manifest lacks.
pub(crate) fn check() -> anyhow::Result<Vec<String>> {
    let metadata = Metadata::load(None, Depth::Declared)?;
    let root = metadata::root();
    let mut faults = Vec::new();
    for package in metadata.members() {
        let folder = metadata.folder(package);
        let manifest = std::fs::read_to_string(&package.manifest_path)
            .with_context(|| format!("failed to read {folder}/Cargo.toml"))?;
        let table: Table = manifest.parse().with_context(|| format!("failed to read {folder}/Cargo.toml"))?;
        let documents = Documents::read(&root.join(&folder));
        faults.extend(judge(&folder, &table, &documents).iter().map(|fault| format!("{folder}: {fault}")));
    }
    Ok(faults)
}

/// What lies beside a manifest.
#[derive(Debug, Default)]
struct Documents {
    readme: bool,
    library: Option<String>,
}

impl Documents {
    fn read(folder: &Path) -> Self {
        Self {
            readme: folder.join("README.md").is_file(),
            library: std::fs::read_to_string(folder.join("src/lib.rs")).ok(),
        }
    }
}

fn judge(folder: &str, manifest: &Table, documents: &Documents) -> Vec<String> {
    let mut faults = Vec::new();
    let empty = Table::new();
    let package = manifest.get("package").and_then(Value::as_table).unwrap_or(&empty);
    for field in INHERITED {
        if !inherits(package.get(field)) {
            faults.push(format!("say `{field}.workspace = true`"));
        }
    }
    if !inherits(manifest.get("lints")) {
        faults.push("inherit the lints: `[lints] workspace = true`".to_owned());
    }
    match folder.strip_prefix("crates/") {
        Some(name) => faults.extend(judge_crate(name, manifest, package, documents)),
        None if package.get("publish") == Some(&Value::Boolean(false)) => {}
        None => faults.push("a tool says `publish = false`".to_owned()),
    }
    faults
}

/// What is asked of crates of the product in addition.
fn judge_crate(folder: &str, manifest: &Table, package: &Table, documents: &Documents) -> Vec<String> {
    let mut faults = Vec::new();
    let text = |field: &str| package.get(field).and_then(Value::as_str).unwrap_or_default();
    if text("name") != folder {
        faults.push(format!("the crate is called `{}`, its folder `{folder}`", text("name")));
    }
    let description = text("description");
    if description.is_empty() || description.ends_with('.') {
        faults.push("`description` is one line without a full stop".to_owned());
    }
    if text("readme") != "README.md" || !documents.readme {
        faults.push("have a README.md, and say `readme = \"README.md\"`".to_owned());
    }
    if documents.library.as_ref().is_some_and(|library| !library.contains("include_str!(\"../README.md\")")) {
        faults.push("src/lib.rs takes its documentation from README.md by `include_str!`".to_owned());
    }
    let starline = package.get("metadata").and_then(|metadata| metadata.get("starline"));
    if starline.and_then(|table| table.get("layer")).and_then(Value::as_str).is_none() {
        faults.push("say `layer` in [package.metadata.starline]".to_owned());
    }
    for (section, name, dependency) in dependencies(manifest) {
        if !inherits(Some(dependency)) {
            faults.push(format!("{section}.{name} names its own version: say `workspace = true`"));
        }
    }
    faults
}

/// `{ workspace = true, … }`.
fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")) == Some(&Value::Boolean(true))
}

/// All dependencies of all kinds, those for some targets only included.
fn dependencies(manifest: &Table) -> Vec<(String, &str, &Value)> {
    let mut found = Vec::new();
    let mut tables = vec![(String::new(), manifest)];
    for (target, table) in manifest.get("target").and_then(Value::as_table).into_iter().flatten() {
        if let Value::Table(table) = table {
            tables.push((format!("target.{target}."), table));
        }
    }
    for (prefix, table) in tables {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in table.get(section).and_then(Value::as_table).into_iter().flatten() {
                found.push((format!("{prefix}{section}"), name.as_str(), value));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [package]
        name = "starline-x"
        description = "A crate"
        readme = "README.md"
        version.workspace = true
        edition.workspace = true
        rust-version.workspace = true
        license.workspace = true
        [package.metadata.starline]
        layer = "model"
        [dependencies]
        serde.workspace = true
        [target.'cfg(unix)'.dependencies]
        libc = { workspace = true, features = ["std"] }
        [lints]
        workspace = true
    "#;

    fn judged(manifest: &str, readme: bool, library: &str) -> Vec<String> {
        let documents = Documents { readme, library: Some(library.to_owned()) };
        judge("crates/starline-x", &manifest.parse().expect("toml"), &documents)
    }

    const LIBRARY: &str = "#![doc = include_str!(\"../README.md\")]";

    #[test]
    fn a_complete_manifest_passes() {
        assert_eq!(judged(GOOD, true, LIBRARY), [""; 0]);
    }

    #[test]
    fn each_missing_part_is_one_fault() {
        for (from, to, fault) in [
            ("version.workspace = true", "version = \"1.0.0\"", "`version.workspace"),
            ("license.workspace = true", "", "`license.workspace"),
            ("[lints]\n", "[other]\n", "inherit the lints"),
            ("description = \"A crate\"", "", "`description`"),
            ("layer = \"model\"", "", "`layer`"),
            ("name = \"starline-x\"", "name = \"x\"", "its folder"),
            ("serde.workspace = true", "serde = \"1\"", "dependencies.serde names its own version"),
            ("workspace = true, features", "version = \"1\", features", "target.cfg(unix).dependencies.libc"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let faults = judged(&GOOD.replacen(from, to, 1), true, LIBRARY);
            assert!(faults.iter().any(|line| line.contains(fault)), "{from} -> {to}: {faults:?}");
        }
        assert_eq!(judged(GOOD, false, LIBRARY).len(), 1);
        assert_eq!(judged(GOOD, true, "").len(), 1);
    }

    #[test]
    fn a_tool_is_not_published_and_needs_no_layer() {
        let tool = GOOD.replace("layer = \"model\"", "").replace("readme = \"README.md\"", "publish = false");
        let documents = Documents::default();
        assert_eq!(judge("xtask", &tool.parse().expect("toml"), &documents), [""; 0]);
        assert_eq!(judge("xtask", &GOOD.parse().expect("toml"), &documents).len(), 1);
    }
}
