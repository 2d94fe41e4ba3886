//! Small broken files, each with what a person is told about it, in `tests/broken`.
//!
//! `STARLINE_UPDATE_GOLDEN=1` writes the texts anew; a person reads them then.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use starline_types::{Artifact, BlobHash, DeviceId};
use starline_workflow::{FileResolver, LoadOptions, Workflow, render};

/// Files that there are at least.
const FILES: usize = 48;
/// Codes that files of devices alone have, and imports.
const ELSEWHERE: [&str; 2] = ["duplicate_device", "unknown_enum"];

/// A folder with one file.
#[derive(Debug)]
struct Folder;

impl FileResolver for Folder {
    fn resolve(&self, path: &str) -> Result<Artifact, String> {
        if path != "rules.txt" {
            return Err("no such file".to_owned());
        }
        Ok(Artifact { hash: BlobHash::from_hex(&"0a".repeat(32))?, bytes: 12, name: path.to_owned() })
    }
}

pub(crate) fn options() -> LoadOptions {
    let mut options = LoadOptions {
        partial_inputs: true,
        devices: Some(["host-a", "host-b"].map(|id| DeviceId::new(id).expect("an id")).to_vec()),
        strategies: ["capability_match", "round_robin"].map(str::to_owned).to_vec(),
        files: Some(Arc::new(Folder)),
        ..LoadOptions::default()
    };
    // So that a file with too many edges is a small one.
    options.limits.degree = 4;
    options
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken")
}

/// Names of the files in the folder, in order.
fn names() -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder()).expect("the folder is there");
    entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect()
}

/// What `validate` prints about a file.
fn told(name: &str) -> String {
    let bytes = std::fs::read(folder().join(name)).expect("readable");
    match Workflow::parse(&bytes, &options()) {
        Ok(_) => panic!("{name} is valid"),
        Err(problems) => problems.iter().map(|problem| render(problem, name)).collect(),
    }
}

#[test]
fn each_broken_file_is_told_as_it_was_read_by_a_person() {
    let update = std::env::var_os("STARLINE_UPDATE_GOLDEN").is_some_and(|value| value == "1");
    let (goldens, files): (BTreeSet<String>, BTreeSet<String>) =
        names().into_iter().partition(|name| name.ends_with(".golden"));
    assert!(files.len() >= FILES, "{} files", files.len());
    let mut wrong = Vec::new();
    for name in &files {
        let (told, golden) = (told(name), folder().join(name).with_extension("golden"));
        if update {
            std::fs::write(&golden, &told).expect("writable");
        } else if std::fs::read_to_string(&golden).ok().as_deref() != Some(&told) {
            wrong.push(format!("{name}:\n{told}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), files.len(), wrong.join("\n"));
    let stem = |name: &String| name.split('.').next().unwrap_or_default().to_owned();
    let stems: BTreeSet<String> = files.iter().map(stem).collect();
    assert_eq!(stems.len(), files.len(), "two files share a text");
    let stray: Vec<&String> = goldens.iter().filter(|name| !stems.contains(&stem(name))).collect();
    assert!(stray.is_empty(), "{stray:?}");
}

#[test]
fn each_code_of_the_table_has_a_broken_file() {
    let readme = include_str!("../../../README.md");
    let (_, section) = readme.split_once("\n## Codes of problems\n").expect("the section");
    let table = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let codes: BTreeSet<&str> = rows.map(|(code, _)| code).collect();
    assert!(codes.len() >= 10, "{codes:?}");
    let all: String =
        names().iter().filter(|name| !name.ends_with(".golden")).map(|name| told(name)).collect();
    for code in codes {
        assert_eq!(all.contains(&format!(": {code}: ")), !ELSEWHERE.contains(&code), "{code}");
    }
}
