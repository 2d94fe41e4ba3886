//! Habits of the tree that no compiler checks.

use crate::files::{self, File};
use crate::metadata::{self, Depth, Metadata};
use crate::model::Rules;

pub(crate) const HELP: &str = "\
Faults: a source file of more than 600 lines; a module, folder or crate called utils, common or helpers;
anything visible at the top of the tree that does not belong there; a path of somebody's machine in any
text; trailing white space or a tab in a source file; unfinished code and tests that are switched off;
the standard hash map or set in the sources of a crate below the shell, whose order is random.
A file of more than 400 lines is listed as a signal: it may hold two ideas.";

const SIGNAL: usize = 400;
const STOP: usize = 600;
const FORBIDDEN: [&str; 6] = ["utils", "common", "helpers", "util", "helper", "misc"];
const TOP: [&str; 11] = [
    "Cargo.toml",
    "Cargo.lock",
    "crates",
    "xtask",
    "tests",
    "benches",
    "docs",
    "README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "target",
];
const MACHINE: [&str; 3] = ["work", "root", "farm"];
// In two halves, so that the list is no finding of its own.
const UNFINISHED: [(&str, &str); 3] = [("todo", "!("), ("unimplemented", "!("), ("#[ign", "ore")];

/// One line for each fault; long files are printed as a signal.
pub(crate) fn check() -> anyhow::Result<Vec<String>> {
    let root = metadata::root();
    let mut faults = Vec::new();
    for entry in files::entries(&root)? {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        faults.extend(top_fault(&name));
    }
    let pure = pure_folders()?;
    for file in files::texts(&root)? {
        faults.extend(machine_paths(&file));
        faults.extend(name_fault(&file.path));
        if file.is("rs") {
            faults.extend(source_faults(&file));
            if pure.iter().any(|folder| file.path.starts_with(&format!("{folder}/src/"))) {
                faults.extend(hash_faults(&file));
            }
            let lines = file.text.lines().count();
            if (SIGNAL + 1..=STOP).contains(&lines) {
                println!("tidy: signal: {} has {lines} lines; is it one idea?", file.path);
            }
        }
    }
    Ok(faults)
}

/// Folders of the crates below the shell.
fn pure_folders() -> anyhow::Result<Vec<String>> {
    let metadata = Metadata::load(None, Depth::Declared)?;
    let rules = Rules::new(&metadata)?;
    let members = metadata.members().into_iter();
    let pure = members.filter(|member| member.starline("layer").is_some_and(|layer| rules.is_pure(layer)));
    Ok(pure.map(|member| metadata.folder(member)).collect())
}

fn top_fault(name: &str) -> Option<String> {
    (!name.starts_with('.') && !TOP.contains(&name))
        .then(|| format!("{name} has no place at the top: there are {}", TOP.join(", ")))
}

fn name_fault(path: &str) -> Option<String> {
    let found = path.split('/').find(|part| {
        let stem = part.strip_suffix(".rs").unwrap_or(part);
        let stem = stem.strip_prefix("starline-").unwrap_or(stem);
        FORBIDDEN.contains(&stem)
    })?;
    Some(format!("{path}: `{found}` says nothing; call it after what it holds"))
}

fn source_faults(file: &File) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = file.text.lines().count();
    if lines > STOP {
        faults.push(format!("{} has {lines} lines, the limit is {STOP}", file.path));
    }
    for (at, line) in numbered(file) {
        if line.ends_with(char::is_whitespace) {
            faults.push(format!("{at}: trailing white space"));
        }
        if line.contains('\t') {
            faults.push(format!("{at}: a tab"));
        }
        for (head, tail) in UNFINISHED {
            let word = format!("{head}{tail}");
            if line.contains(&word) {
                faults.push(format!("{at}: `{word}`: finish it, or leave it out"));
            }
        }
        let module = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        let module = module.strip_prefix("mod ").and_then(|rest| rest.split([' ', ';', '{']).next());
        if let Some(name) = module.filter(|name| FORBIDDEN.contains(name)) {
            faults.push(format!("{at}: module `{name}` says nothing; call it after what it holds"));
        }
    }
    faults
}

/// The standard hash collections, written out or in a list of imports.
fn hash_faults(file: &File) -> Vec<String> {
    const START: &str = "std::collections::";
    let mut faults = Vec::new();
    for (at, _) in file.text.match_indices(START) {
        let rest = &file.text[at + START.len()..];
        let names = if let Some(list) = rest.strip_prefix('{') {
            list.split('}').next().unwrap_or_default()
        } else {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            &rest[..end]
        };
        let line = file.text[..at].matches('\n').count() + 1;
        for name in names.split([',', ' ', '\n']).map(str::trim) {
            if ["HashMap", "HashSet", "hash_map", "hash_set"].contains(&name.split("::").next().unwrap_or(""))
            {
                faults.push(format!(
                    "{}:{line}: `{name}` iterates in random order; below the shell use an ordered or a fixed-seed map",
                    file.path
                ));
            }
        }
    }
    faults
}

/// Absolute paths that exist on somebody's machine alone.
fn machine_paths(file: &File) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, line) in numbered(file) {
        for folder in MACHINE {
            let needle = format!("/{folder}/");
            for (start, _) in line.match_indices(&needle) {
                let before = line[..start].chars().next_back();
                let after = line[start + needle.len()..].chars().next();
                let inside = before.is_some_and(|c| c.is_ascii_alphanumeric() || "_.*".contains(c));
                if !inside && after.is_some_and(|c| c.is_ascii_lowercase() || c == '.') {
                    faults.push(format!("{at}: a path of one machine, below {needle}"));
                }
            }
        }
    }
    faults
}

fn numbered(file: &File) -> impl Iterator<Item = (String, &str)> {
    file.text.lines().enumerate().map(|(ix, line)| (format!("{}:{}", file.path, ix + 1), line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File { path: "crates/x/src/y.rs".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn only_known_names_are_visible_at_the_top() {
        assert_eq!(top_fault("docs"), None);
        assert_eq!(top_fault(".clippy.toml"), None);
        assert!(top_fault("notes.txt").is_some());
    }

    #[test]
    fn names_that_say_nothing_are_refused() {
        for path in ["crates/starline-utils/src/lib.rs", "tests/it/common/mod.rs", "xtask/src/helpers.rs"] {
            assert!(name_fault(path).is_some(), "{path}");
        }
        assert_eq!(name_fault("crates/starline-graph/src/uncommon.rs"), None);
        assert_eq!(source_faults(&file("pub(crate) mod common;\nmod communal {\n}")).len(), 1);
    }

    #[test]
    fn length_has_a_limit() {
        assert_eq!(source_faults(&file(&"x\n".repeat(STOP))).len(), 0);
        assert_eq!(source_faults(&file(&"x\n".repeat(STOP + 1))).len(), 1);
    }

    #[test]
    fn white_space_and_unfinished_code_are_named_with_their_line() {
        assert_eq!(source_faults(&file("a\nb \n")), ["crates/x/src/y.rs:2: trailing white space"]);
        assert_eq!(source_faults(&file("\ta")).len(), 1);
        for (head, tail) in UNFINISHED {
            assert_eq!(source_faults(&file(&format!("    {head}{tail}"))).len(), 1, "{head}");
        }
    }

    #[test]
    fn hash_collections_are_found_in_every_spelling() {
        let found = |text: &str| hash_faults(&file(text)).len();
        assert_eq!(found("use std::collections::HashMap;"), 1);
        assert_eq!(found("use std::collections::{BTreeMap, HashMap,\n    HashSet};"), 2);
        assert_eq!(found("let x = std::collections::HashSet::new();"), 1);
        assert_eq!(found("use std::collections::{BTreeMap, hash_map::Entry};"), 1);
        assert_eq!(found("use std::collections::{BTreeMap, VecDeque}; use rustc_hash::FxHashMap;"), 0);
    }

    #[test]
    fn paths_of_a_machine_are_found_and_lookalikes_are_not() {
        let found = |text: String| machine_paths(&file(&text)).len();
        for folder in MACHINE {
            assert_eq!(found(format!("see /{folder}/main")), 1);
            assert_eq!(found(format!("/{folder}/.cache")), 1);
            assert_eq!(found(format!("(/{folder}/x) and \"/{folder}/y\"")), 2);
            for harmless in ["a", "_", ".", "*"] {
                assert_eq!(found(format!("{harmless}/{folder}/main")), 0);
            }
            assert_eq!(found(format!("/{folder}/ /{folder}/X /{folder}s/a")), 0);
        }
    }
}
