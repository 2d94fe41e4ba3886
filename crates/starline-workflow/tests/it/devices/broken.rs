//! Broken device files beside what a person is told about each.

use std::path::{Path, PathBuf};
use std::{env, fs};

use starline_workflow::{DeviceFile, Problem, render};

/// The files, by name.
pub(crate) fn files() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken_devices");
    let entries = fs::read_dir(&folder).expect("the folder is there");
    let mut files: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
        .collect();
    files.sort();
    files
}

fn told(name: &str, problems: &[Problem]) -> String {
    let shown: Vec<String> =
        problems.iter().map(|problem| render(problem, &format!("{name}.yaml"))).collect();
    shown.join("\n")
}

#[test]
fn what_is_told_about_broken_files_is_as_reviewed() {
    let rewrite = env::var_os("STARLINE_UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    let files = files();
    assert!(files.len() >= 14);
    for (name, path) in files {
        let bytes = fs::read(&path).expect("a file");
        let problems = DeviceFile::parse(&bytes).expect_err("the file is broken");
        let told = told(&name, &problems);
        let golden = path.with_extension("golden");
        if rewrite {
            fs::write(&golden, &told).expect("the golden file can be written");
        } else if fs::read_to_string(&golden).unwrap_or_default() != told {
            wrong.push(told);
        }
    }
    assert!(
        wrong.is_empty(),
        "run with STARLINE_UPDATE_GOLDEN=1 and review the difference:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_problem_says_what_to_do() {
    for (name, path) in files() {
        let problems = DeviceFile::parse(&fs::read(&path).expect("a file")).expect_err("broken");
        for problem in problems {
            let message = &problem.message;
            assert!(!message.ends_with('.') && !message.contains('\n'), "{name}: {message}");
            assert!(!message.starts_with(|c: char| c.is_uppercase()), "{name}: {message}");
            let told = problem.hint.is_some() || message.contains("expected") || message.contains("use A-Z");
            assert!(told, "{name}: {message}");
        }
    }
}
