//! The workspace as layers see it: plain data, so that a wrong arrow can be planted in a test.

use std::collections::{BTreeMap, HashMap, VecDeque};

use anyhow::Context as _;
use serde::Deserialize;

use crate::metadata::Metadata;

/// The layer of crates that only tests use; it has no place in the order.
pub(crate) const HARNESS: &str = "harness";

/// `[workspace.metadata.starline]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Rules {
    /// From bottom to top.
    pub(crate) layers: Vec<String>,
    /// The lowest layer that may need tokio.
    pub(crate) tokio_from: String,
    pub(crate) sideways: Vec<Sideways>,
    #[serde(default)]
    pub(crate) families: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sideways {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) why: String,
}

/// The workspace, as far as layers are concerned.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) rules: Rules,
    pub(crate) members: Vec<Member>,
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Below the root of the workspace.
    pub(crate) folder: String,
    pub(crate) layer: Option<String>,
    pub(crate) family: Option<String>,
    pub(crate) arrows: Vec<Arrow>,
    /// How the resolved normal dependencies lead to tokio, if they do.
    pub(crate) tokio: Option<Vec<String>>,
}

/// A declared dependency on another member, optional ones included.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Arrow {
    pub(crate) to: String,
    pub(crate) dev: bool,
}

impl Rules {
    pub(crate) fn new(metadata: &Metadata) -> anyhow::Result<Self> {
        let table = metadata.metadata.get("starline").context("no [workspace.metadata.starline]")?;
        serde_json::from_value(table.clone()).context("failed to read [workspace.metadata.starline]")
    }

    /// Height of a layer; `None` for a harness and for names that are no layer.
    pub(crate) fn rank(&self, layer: &str) -> Option<usize> {
        self.layers.iter().position(|name| name == layer)
    }

    /// Whether crates of this layer must do without tokio, clocks and hash order.
    pub(crate) fn is_pure(&self, layer: &str) -> bool {
        matches!((self.rank(layer), self.rank(&self.tokio_from)), (Some(own), Some(from)) if own < from)
    }
}

impl Model {
    pub(crate) fn new(metadata: &Metadata) -> anyhow::Result<Self> {
        let packages = metadata.members();
        let names: Vec<_> = packages.iter().map(|package| package.name.as_str()).collect();
        let members = packages.iter().map(|package| Member {
            name: package.name.clone(),
            folder: metadata.folder(package),
            layer: package.starline("layer").map(str::to_owned),
            family: package.starline("family").map(str::to_owned),
            arrows: package
                .dependencies
                .iter()
                .filter(|dependency| names.contains(&dependency.name.as_str()))
                .map(|dependency| Arrow {
                    to: dependency.name.clone(),
                    dev: dependency.kind.as_deref() == Some("dev"),
                })
                .collect(),
            tokio: way_to("tokio", &package.id, metadata),
        });
        Ok(Self { rules: Rules::new(metadata)?, members: members.collect() })
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

impl Member {
    /// A package that serves the workspace and is no part of the product.
    pub(crate) fn is_tool(&self) -> bool {
        ["xtask", "tests", "benches"].contains(&self.folder.as_str())
    }

    pub(crate) fn is(&self, layer: &str) -> bool {
        self.layer.as_deref() == Some(layer)
    }

    /// The name with layer and family, for a fault.
    pub(crate) fn place(&self) -> String {
        match (&self.layer, &self.family) {
            (Some(layer), None) => format!("{} ({layer})", self.name),
            (Some(layer), Some(family)) => format!("{} ({layer}, family {family})", self.name),
            (None, _) => format!("{} (no layer)", self.name),
        }
    }
}

/// The shortest way over resolved normal dependencies from a package to one called `target`.
fn way_to(target: &str, from: &str, metadata: &Metadata) -> Option<Vec<String>> {
    let nodes: HashMap<_, _> =
        metadata.resolve.as_ref()?.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let names: HashMap<_, _> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package.name.as_str())).collect();
    let mut came_from = HashMap::from([(from, None)]);
    let mut queue = VecDeque::from([from]);
    while let Some(id) = queue.pop_front() {
        if id != from && names.get(id) == Some(&target) {
            let mut way = vec![target.to_owned()];
            let mut step = came_from.get(id).copied().flatten();
            while let Some(before) = step {
                way.push(names.get(before).unwrap_or(&before).to_string());
                step = came_from.get(before).copied().flatten();
            }
            way.reverse();
            return Some(way);
        }
        for dependency in nodes.get(id).map_or(&[][..], |node| &node.deps) {
            let normal = dependency.dep_kinds.iter().any(|kind| kind.kind.is_none());
            if normal && !came_from.contains_key(dependency.pkg.as_str()) {
                came_from.insert(&dependency.pkg, Some(id));
                queue.push_back(&dependency.pkg);
            }
        }
    }
    None
}
