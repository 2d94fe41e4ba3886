//! Help that teaches.

use crate::program::Folder;

const VERBS: [&str; 29] = [
    "demo",
    "init",
    "doctor",
    "validate",
    "plan",
    "run",
    "serve",
    "ls",
    "watch",
    "explain",
    "edit",
    "undo",
    "redo",
    "pause",
    "resume",
    "cancel",
    "rollback",
    "retry",
    "skip",
    "approve",
    "reject",
    "show",
    "report",
    "export",
    "import",
    "devices ls",
    "devices check",
    "schema",
    "completions",
];

#[test]
fn every_verb_explains_itself() {
    let folder = Folder::new();
    for verb in VERBS {
        let words: Vec<&str> = verb.split(' ').collect();
        let with = |before: &[&'static str], after: &[&'static str]| {
            let arguments: Vec<&str> = before.iter().chain(&words).chain(after).copied().collect();
            folder.run(&arguments)
        };
        let long = with(&[], &["--help"]);
        assert_eq!((long.code, long.stderr.as_str()), (Some(0), ""), "{verb}");
        for text in ["Usage: starline", "Examples:", "--json", "STARLINE_JSON"] {
            assert!(long.stdout.contains(text), "{verb}: no {text}");
        }
        assert_eq!(with(&["help"], &[]).stdout, long.stdout, "{verb}");
        assert_eq!(with(&[], &["-h"]).code, Some(0), "{verb}");
        assert!(long.stdout.lines().all(|line| line.chars().count() <= 120), "{verb}: {}", long.stdout);
    }
}

#[test]
fn the_program_itself_does_too() {
    let folder = Folder::new();
    let ended = folder.run(&["--help"]);
    let verbs = VERBS.iter().filter_map(|verb| verb.split(' ').next());
    for text in verbs.chain(["Start here:", "STARLINE_"]) {
        assert!(ended.stdout.contains(text), "no {text}: {}", ended.stdout);
    }
    let version = folder.run(&["--version"]);
    assert_eq!(version.stdout, format!("starline {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn verbs_below_a_verb_are_listed_where_one_is_misspelt() {
    let folder = Folder::new();
    let ended = folder.run(&["devices", "fly"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("verbs are ls, check"), "{}", ended.stderr);
    let ended = folder.run(&["devices"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("starline devices ls"), "{}", ended.stderr);
}
