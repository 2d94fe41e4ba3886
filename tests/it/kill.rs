//! The real program, killed at random moments: the short tier of `cargo xtask soak kill`.

use std::path::Path;
use std::process::Command;

#[test]
fn whoever_is_killed_loses_nothing_and_does_nothing_twice() {
    let kill = Path::new(env!("CARGO_BIN_EXE_starline-kill"));
    let program = kill.with_file_name("starline");
    assert!(program.is_file(), "{} is not there: cargo build -p starline-cli", program.display());
    let tormented = Command::new(kill)
        .arg("--program")
        .arg(&program)
        .args(["--cycles", "50", "--base", "1", "--jobs", "2"])
        .output()
        .expect("the program that kills");
    let said = String::from_utf8_lossy(&tormented.stdout);
    assert!(tormented.status.success(), "{said}{}", String::from_utf8_lossy(&tormented.stderr));
    assert!(said.ends_with("; 0 violations\n"), "{said}");
}
