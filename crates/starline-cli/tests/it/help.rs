//! Help that teaches.

use crate::program::Folder;

#[test]
fn every_verb_explains_itself() {
    let folder = Folder::new();
    for verb in ["demo", "run", "validate", "import"] {
        let long = folder.run(&[verb, "--help"]);
        assert_eq!((long.code, long.stderr.as_str()), (Some(0), ""), "{verb}");
        for text in ["Usage: starline", "Examples:", "--json", "STARLINE_JSON"] {
            assert!(long.stdout.contains(text), "{verb}: no {text}");
        }
        assert_eq!(folder.run(&["help", verb]).stdout, long.stdout, "{verb}");
        assert_eq!(folder.run(&[verb, "-h"]).code, Some(0), "{verb}");
        assert!(long.stdout.lines().all(|line| line.chars().count() <= 120), "{verb}: {}", long.stdout);
    }
}

#[test]
fn the_program_itself_does_too() {
    let folder = Folder::new();
    let ended = folder.run(&["--help"]);
    for text in ["demo", "run", "validate", "import", "Start here:", "STARLINE_"] {
        assert!(ended.stdout.contains(text), "no {text}: {}", ended.stdout);
    }
    let version = folder.run(&["--version"]);
    assert_eq!(version.stdout, format!("starline {}\n", env!("CARGO_PKG_VERSION")));
}
