//! The features of the facade: each builds alone, `full` is complete, and none means no tokio.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::cargo;
use crate::metadata::{Depth, Metadata};

pub(crate) const HELP: &str = "\
The facade is the crate of the layer `facade`. `full` must name every feature but `default`, so that
the command line, which asks for `full`, offers all there is. Each feature is built alone, because a
feature that needs another one must say so. Without features the tree must be free of tokio.";

/// One line for each feature set that does not build, and for each broken promise.
pub(crate) fn check() -> anyhow::Result<Vec<String>> {
    let metadata = Metadata::load(None, Depth::Declared)?;
    let members = metadata.members();
    let facade = members
        .iter()
        .find(|member| member.starline("layer") == Some("facade"))
        .context("the workspace has no crate of the layer `facade`")?;

    let mut faults = incomplete(&facade.features);
    for set in sets(&facade.features) {
        let begun = now();
        match build(&facade.name, &set)? {
            None => println!("{} {set:?} builds ({:.1} s)", facade.name, begun.elapsed().as_secs_f32()),
            Some(reason) => {
                faults.push(format!("{} with features {set:?} does not build:\n{reason}", facade.name));
            }
        }
    }
    let tree = tree(&facade.name)?;
    if let Some(way) = reaches(&tree, "tokio") {
        faults.push(format!("{} without features needs tokio: {}", facade.name, way.join(" -> ")));
    }
    Ok(faults)
}

/// Features that `full` leaves out.
fn incomplete(features: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let Some(full) = features.get("full") else {
        return vec!["the facade has no feature `full`".to_owned()];
    };
    features
        .keys()
        .filter(|name| !["default", "full"].contains(&name.as_str()) && !full.contains(name))
        .map(|name| format!("`full` leaves out the feature `{name}`"))
        .collect()
}

/// The feature sets to build: none, each alone, the defaults, everything.
fn sets(features: &BTreeMap<String, Vec<String>>) -> Vec<Vec<&str>> {
    let mut sets = vec![Vec::new()];
    sets.extend(features.keys().map(|name| vec![name.as_str()]));
    sets
}

/// Builds the facade with these features alone; the reason if that fails.
fn build(facade: &str, features: &[&str]) -> anyhow::Result<Option<String>> {
    let mut command = cargo::command();
    command.args(["check", "--quiet", "--package", facade, "--no-default-features"]);
    command.args(["--features", &features.join(",")]);
    let output = command.output().context("failed to start cargo")?;
    let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Ok((!output.status.success()).then_some(reason))
}

/// The normal dependencies of the facade without features: depth and name, in the order of `cargo tree`.
fn tree(facade: &str) -> anyhow::Result<Vec<(usize, String)>> {
    let mut command = cargo::command();
    command.args(["tree", "--package", facade, "--no-default-features", "--edges", "normal"]);
    command.args(["--prefix", "depth", "--format", " {p}"]);
    let output = command.output().context("failed to start cargo")?;
    if !output.status.success() {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(read_line).collect())
}

/// Reads `2 serde v1.0.0 (*)`.
fn read_line(line: &str) -> Option<(usize, String)> {
    let mut words = line.split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.to_owned()))
}

/// The way from the root to a package of this name.
fn reaches(tree: &[(usize, String)], target: &str) -> Option<Vec<String>> {
    let mut way: Vec<String> = Vec::new();
    for (depth, name) in tree {
        way.truncate(*depth);
        way.push(name.clone());
        if name == target {
            return Some(way);
        }
    }
    None
}

#[expect(clippy::disallowed_methods, reason = "a person wants to see what took long")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features() -> BTreeMap<String, Vec<String>> {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        BTreeMap::from([
            ("default".to_owned(), list(&["bus"])),
            ("bus".to_owned(), list(&["dep:bus"])),
            ("sim".to_owned(), list(&["dep:sim"])),
            ("full".to_owned(), list(&["bus"])),
        ])
    }

    #[test]
    fn full_must_name_every_feature() {
        assert_eq!(incomplete(&features()), ["`full` leaves out the feature `sim`"]);
        let mut without = features();
        without.remove("full");
        assert_eq!(incomplete(&without), ["the facade has no feature `full`"]);
    }

    #[test]
    fn nothing_and_each_feature_alone_are_built() {
        assert_eq!(sets(&features()), [vec![], vec!["bus"], vec!["default"], vec!["full"], vec!["sim"]]);
    }

    #[test]
    fn a_tree_shows_the_way_to_a_package() {
        let lines =
            "0 starline v0.1.0 (x)\n1 graph v0.1.0\n2 petgraph v0.8.0\n1 bus v0.1.0\n2 tokio v1.0.0 (*)";
        let tree: Vec<_> = lines.lines().filter_map(read_line).collect();
        assert_eq!(reaches(&tree, "tokio"), Some(["starline", "bus", "tokio"].map(str::to_owned).to_vec()));
        assert_eq!(reaches(&tree, "mio"), None);
    }
}
