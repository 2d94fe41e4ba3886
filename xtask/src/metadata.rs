//! What cargo knows about the workspace, reduced to what the checks ask.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::cargo;

/// How much `cargo metadata` has to work out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Depth {
    /// Manifests as written; needs neither a registry nor a lock file.
    Declared,
    /// Also the resolved graph for this host, with the default features of every member.
    Resolved,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_members: Vec<String>,
    pub(crate) workspace_root: PathBuf,
    pub(crate) target_directory: PathBuf,
    pub(crate) resolve: Option<Resolve>,
    #[serde(default)]
    pub(crate) metadata: Value,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(crate) metadata: Value,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// Name of the package, whatever it is called in the manifest.
    pub(crate) name: String,
    /// `None` for a normal dependency, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Resolve {
    pub(crate) nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) deps: Vec<NodeDependency>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct NodeDependency {
    pub(crate) pkg: String,
    pub(crate) dep_kinds: Vec<DependencyKind>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DependencyKind {
    pub(crate) kind: Option<String>,
}

impl Metadata {
    /// Asks cargo about the workspace of `manifest`, or about this one.
    pub(crate) fn load(manifest: Option<&Path>, depth: Depth) -> anyhow::Result<Self> {
        let manifest = manifest.map_or_else(|| root().join("Cargo.toml"), Path::to_path_buf);
        let mut command = cargo::command();
        command.args(["metadata", "--format-version", "1", "--manifest-path"]).arg(&manifest);
        match depth {
            Depth::Declared => command.arg("--no-deps"),
            // One platform is enough, and what it needs is there as soon as the workspace has been built.
            Depth::Resolved => command.args(["--filter-platform", &host()?]),
        };
        let output = command.stderr(Stdio::piped()).output().context("failed to start cargo")?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            bail!("cargo metadata refused {}: {}", manifest.display(), reason.trim());
        }
        serde_json::from_slice(&output.stdout).context("failed to read the answer of cargo metadata")
    }

    /// The packages of the workspace, by name.
    pub(crate) fn members(&self) -> Vec<&Package> {
        let mut members: Vec<_> =
            self.packages.iter().filter(|package| self.workspace_members.contains(&package.id)).collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        members
    }

    /// The folder of a member below the root, with forward slashes.
    pub(crate) fn folder(&self, package: &Package) -> String {
        let folder = package.manifest_path.parent().unwrap_or_else(|| Path::new(""));
        let below = folder.strip_prefix(&self.workspace_root).unwrap_or(folder);
        below.to_string_lossy().replace('\\', "/")
    }
}

impl Package {
    /// A field of `[package.metadata.starline]`.
    pub(crate) fn starline(&self, field: &str) -> Option<&str> {
        self.metadata.get("starline")?.get(field)?.as_str()
    }
}

/// The root of the workspace this tool belongs to.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable for what it runs; the constant serves a binary started by hand.
    let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&own).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The target triple that cargo builds for when nothing else is said.
fn host() -> anyhow::Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().context("failed to start rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let triple = text.lines().find_map(|line| line.strip_prefix("host: "));
    triple.map(str::to_owned).context("rustc -vV names no host")
}
