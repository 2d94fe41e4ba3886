//! Small broken batches, each with the answer of one check, in `tests/broken_batches`.
//!
//! `STARLINE_UPDATE_GOLDEN=1` writes the texts anew; a person reads them then.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use starline_types::{DeviceIx, Timestamp};
use starline_workflow::{Problem, read_batch};

/// Files that there are at least.
const FILES: usize = 24;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken_batches")
}

/// The graph that the batches are for.
fn graph() -> starline_edit::TaskGraph {
    let mut graph = super::graph(
        "  scan_a: { run: { sh: ls }, outputs: { count: { from: stdout, type: integer } } }
  scan_b: { run: { exec: [grep, -c, x, app.log] } }
  merge: { after: [scan_a, scan_b], run: { exec: [./merge.sh] }, outputs: { total: { from: stdout, type: integer } } }
  page: { after: { merge: { when: outputs.total > 100 } }, run: { noop: } }
  settle: { after: { page: completion }, run: { sleep: 1s } }
",
    );
    let started = graph.find("scan_a").expect("a task");
    graph.start(started, 1, DeviceIx(0), Timestamp::default());
    graph
}

/// What the author of a batch is told.
fn told(name: &str) -> String {
    let bytes = std::fs::read(folder().join(name)).expect("readable");
    let mut told = String::new();
    match read_batch(&bytes, &super::options()) {
        Err(problems) => problems.iter().for_each(|problem: &Problem| {
            let _ = writeln!(told, "{problem}");
        }),
        Ok(read) => {
            let read = read.resolve(&graph());
            for warning in &read.warnings {
                let _ = writeln!(told, "warning: {}: {}: {}", warning.code, warning.pointer, warning.message);
            }
            match super::judged(&mut graph(), read) {
                Ok(_) => told.push_str("committed\n"),
                Err(rejection) => {
                    let _ = writeln!(told, "{rejection}");
                }
            }
        }
    }
    told
}

#[test]
fn each_broken_batch_is_answered_as_it_was_read_by_a_person() {
    let update = std::env::var_os("STARLINE_UPDATE_GOLDEN").is_some_and(|value| value == "1");
    let entries = std::fs::read_dir(folder()).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned());
    let (goldens, files): (BTreeSet<String>, BTreeSet<String>) =
        names.partition(|name| name.ends_with(".golden"));
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
    let stray: Vec<&String> = goldens.iter().filter(|name| !stems.contains(&stem(name))).collect();
    assert!(stray.is_empty(), "{stray:?}");
}
