//! Secrets reach the tasks that ask for them, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::program::{Ended, Folder};

const CANARY: &str = "canary-7f3a91c0e5";

const FLOW: &str = "
version: 1
secrets: [PAGER_TOKEN, UNUSED]
tasks:
  page:
    run:
      sh: 'echo \"token $TOKEN\"; echo \"again $TOKEN\" >&2; test ${#TOKEN} -eq 17'
      secrets: { TOKEN: PAGER_TOKEN }
    outputs: { said: { from: stdout } }
  fail:
    run: { exec: [sh, -c, 'echo \"$TOKEN\" >&2; exit 3'], secrets: { TOKEN: PAGER_TOKEN } }
  plain: { run: { sh: 'test -z \"$TOKEN\"' } }
";

/// Every file below a folder that has a text in it.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if String::from_utf8_lossy(&fs::read(&path).expect("a file")).contains(text) {
            found.push(path.display().to_string());
        }
    }
    found
}

fn with_token(folder: &Folder, arguments: &[&str]) -> Ended {
    let mut command = folder.command(arguments);
    command.env("PAGER_TOKEN", CANARY);
    Ended::of(command)
}

#[test]
fn a_secret_is_nowhere_in_what_a_run_shows_and_leaves() {
    let folder = Folder::with("flow.yaml", FLOW);
    for arguments in [
        &["run", "flow.yaml", "-v"][..],
        &["run", "flow.yaml", "-v", "--json"],
        &["show", "last"],
        &["show", "last", "page"],
        &["show", "last", "fail", "--json"],
        &["export", "last", "--to", "galaxy"],
        &["export", "last", "--to", "wfformat"],
        &["export", "last", "--to", "native"],
        &["report", "last", "-o", "report"],
    ] {
        let ended = with_token(&folder, arguments);
        let expected = if arguments[0] == "run" { 1 } else { 0 };
        assert_eq!(ended.code, Some(expected), "{arguments:?}: {}", ended.stderr);
        assert!(!ended.stdout.contains(CANARY), "{arguments:?}: {}", ended.stdout);
        assert!(!ended.stderr.contains(CANARY), "{arguments:?}: {}", ended.stderr);
    }
    assert_eq!(holding(folder.path(), CANARY), Vec::<String>::new());
    assert!(!holding(folder.path(), "token [redacted]").is_empty(), "the task has had it");
    let shown = with_token(&folder, &["show", "last"]).stdout;
    assert!(shown.contains("completed  page") && shown.contains("completed  plain"), "{shown}");
}

#[test]
fn a_secret_without_a_value_prevents_the_run() {
    let folder = Folder::with("flow.yaml", FLOW);
    let ended = folder.run(&["run", "flow.yaml", "--json"]);
    assert_eq!(ended.code, Some(2));
    let error = ended.object()["error"].clone();
    assert_eq!(
        (&error["code"], &error["message"]),
        (&"missing_secret".into(), &"1 secret has no value: PAGER_TOKEN".into())
    );
    assert!(!folder.path().join(".starline").exists(), "nothing has begun");
    let simulated = folder.run(&["run", "flow.yaml", "--simulate", "--ephemeral", "--json", "--quiet"]);
    assert_eq!(simulated.code, Some(0), "a simulation needs none");
    assert_eq!(folder.run(&["validate", "flow.yaml"]).code, Some(0));
}

#[test]
fn a_secret_that_cannot_be_masked_prevents_the_run() {
    let folder = Folder::with("flow.yaml", FLOW);
    for (value, width) in [("042", "3 characters"), (" x \n", "1 character"), ("", "0 characters")] {
        let mut command = folder.command(&["run", "flow.yaml", "--json"]);
        command.env("PAGER_TOKEN", value);
        let ended = Ended::of(command);
        assert_eq!(ended.code, Some(2), "{value:?}");
        let error = ended.object()["error"].clone();
        let message = format!(
            "secret PAGER_TOKEN has {width}; at least 4, since shorter ones cannot be masked in what tasks write"
        );
        assert_eq!((&error["code"], &error["message"]), (&"short_secret".into(), &message.into()));
        assert!(!folder.path().join(".starline").exists(), "nothing has begun");
    }
}

const SPREAD: &str = r#"
version: 1
secrets: [WORD]
tasks:
  tell:
    run:
      sh: 'printf "{\"w\": \"p\\\\u00e4ssw\\\\u00f6rd-1234\", \"p\\\\u00e4ssw\\\\u00f6rd-1234\": 1}"; printf %s "$W" > left'
      secrets: { W: WORD }
      collect: [left]
    outputs:
      said: { from: stdout, type: json }
      left: { from: /files/left, type: artifact }
  find:
    after: [tell]
    inputs: { left: { artifact: tasks.tell.outputs.left } }
    run: { sh: 'cat {{ inputs.left }}; cat {{ inputs.left }} >&2; exit 3' }
"#;

#[test]
fn neither_json_nor_another_task_brings_a_secret_back() {
    let folder = Folder::with("flow.yaml", SPREAD);
    let secret = "p\u{e4}ssw\u{f6}rd-1234";
    for arguments in [
        &["run", "flow.yaml", "-v"][..],
        &["run", "flow.yaml", "-v", "--json"],
        &["show", "last", "tell", "--json"],
        &["show", "last", "find"],
    ] {
        let mut command = folder.command(arguments);
        command.env("WORD", secret);
        let ended = Ended::of(command);
        assert_eq!(ended.code, Some(i32::from(arguments[0] == "run")), "{arguments:?}: {}", ended.stderr);
        for text in [&ended.stdout, &ended.stderr] {
            assert!(!text.contains(secret), "{arguments:?}: {text}");
        }
    }
    let found = holding(folder.path(), secret);
    assert!(found.iter().all(|path| path.contains("blobs")), "files alone are kept as they are: {found:?}");
    assert!(
        !holding(folder.path(), r#"{"[redacted]":1,"w":"[redacted]"}"#).is_empty(),
        "the task has said it"
    );
}

#[test]
fn a_secret_file_belongs_to_its_owner_alone() {
    let folder =
        Folder::with("flow.yaml", &FLOW.replace("  fail:", "  unused_fail:").replace("exit 3", "exit 0"));
    folder.write("secrets", format!("# for the pager\n\nPAGER_TOKEN={CANARY}\n"));
    let path = folder.path().join("secrets");
    let run = || folder.run(&["run", "flow.yaml", "--secret-file", "secrets", "--ephemeral"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
    let ended = run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("may be read by others: its mode is 640"), "{}", ended.stderr);
    assert!(ended.stderr.contains("chmod 600 secrets"), "{}", ended.stderr);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
    assert_eq!(run().code, Some(0), "{:?}", run());
    folder.write("secrets", format!("PAGER_TOKEN {CANARY}\n"));
    let ended = run();
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("line 1 of secrets"), "{}", ended.stderr);
    assert!(!ended.stderr.contains(CANARY), "{}", ended.stderr);
    let ended = folder.run(&["run", "flow.yaml", "--secret-file", "none"]);
    assert_eq!(ended.code, Some(2));
}
