//! Tasks that wait for a person.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::program::{Folder, skip};

const FLOW: &str = "
version: 1
tasks:
  before: { run: { noop: {} } }
  page: { after: [before], approval: 'Page on-call?', run: { exec: [echo, paged] } }
  after: { after: { page: completion }, run: { noop: {} } }
";

#[test]
fn everything_can_be_approved_in_advance_and_is_recorded_so() {
    let folder = Folder::with("flow.yaml", FLOW);
    let facts = folder.run_json(&["run", "flow.yaml", "--yes"]);
    assert_eq!((facts.code, facts.stderr.as_str()), (Some(0), ""));
    assert_eq!(facts.events[0]["data"]["settings"]["approved_in_advance"], true);
    let granted = facts.of("approval_granted");
    assert_eq!(granted[0]["data"]["by"], "approved in advance");
    let shown = folder.run(&["show", "last", "page"]);
    assert!(shown.stdout.contains("Page on-call?  granted by approved in advance"), "{}", shown.stdout);
}

#[test]
fn without_a_terminal_the_run_says_that_it_waits_until_when_and_how_to_go_on() {
    let flow = FLOW.replace("'Page on-call?'", "{ prompt: 'Page on-call?', timeout: 300ms }");
    let folder = Folder::with("flow.yaml", &flow);
    let ended = folder.run(&["run", "flow.yaml", "--ephemeral"]);
    assert_eq!(ended.code, Some(0), "a task that is cancelled is no failure: {ended:?}");
    let line = ended.stderr.lines().find(|line| line.starts_with("the run waits")).expect("a line");
    assert!(
        line.contains("approval of task page (Page on-call?) until ") && line.contains(" UTC (300 ms)"),
        "{line}"
    );
    assert!(line.contains("--yes") && line.contains("`starline approve 0"), "{line}");
    assert!(ended.stderr.contains("expired     page"), "{}", ended.stderr);
}

/// Runs on a terminal of its own and types an answer once the question is there.
fn answered(folder: &Folder, answer: &str) -> Option<String> {
    if !Command::new("script").arg("--version").output().is_ok_and(|output| output.status.success()) {
        skip("no script of util-linux");
        return None;
    }
    let program = folder.command(&[]).get_program().to_string_lossy().into_owned();
    let line = format!("stty rows 24 columns 100; {program} run flow.yaml --color never");
    let mut child = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .current_dir(folder.path())
        .env("TERM", "xterm")
        .env("USER", "erika")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a terminal");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut shown = Vec::new();
    let mut byte = [0];
    let mut asked = false;
    while stdout.read(&mut byte).expect("text") > 0 {
        shown.push(byte[0]);
        if !asked && String::from_utf8_lossy(&shown).contains("approve task page? Page on-call? [y/N]") {
            asked = true;
            stdin.write_all(answer.as_bytes()).expect("a reader");
        }
    }
    child.wait().expect("an end");
    assert!(asked, "{}", String::from_utf8_lossy(&shown));
    Some(String::from_utf8_lossy(&shown).into_owned())
}

#[test]
fn on_a_terminal_the_question_is_asked_beside_the_live_lines() {
    let folder = Folder::with("flow.yaml", FLOW);
    let Some(shown) = answered(&folder, "perhaps\ny\n") else { return };
    assert!(shown.contains("answer y for yes or n for no"), "{shown:?}");
    assert!(shown.contains("approved    page      by erika"), "{shown:?}");
    assert!(shown.contains("completed"), "{shown:?}");
    let shown = folder.run(&["show", "last", "page"]).stdout;
    assert!(shown.contains("granted by erika"), "{shown}");
}

#[test]
fn no_is_the_answer_that_needs_no_word() {
    let folder = Folder::with("flow.yaml", FLOW);
    let Some(shown) = answered(&folder, "\n") else { return };
    assert!(shown.contains("refused     page      by erika"), "{shown:?}");
    let object = folder.run(&["show", "last", "--json"]).object();
    let status = |task: &str| {
        let tasks = object["tasks"].as_array().expect("tasks");
        tasks.iter().find(|line| line["task"] == task).expect(task)["status"].clone()
    };
    assert_eq!((status("page"), status("after")), ("cancelled".into(), "completed".into()));
}

#[test]
fn devices_that_ask_bring_a_question_and_those_that_deny_get_nothing() {
    let flow = "
version: 1
tasks:
  a: { device: { needs: [x] }, run: { noop: {} } }
  b: { device: { needs: [y] }, run: { noop: {} } }
";
    let folder = Folder::with("flow.yaml", flow);
    let devices = "
version: 1
devices:
  - { id: careful, kind: process, capabilities: [x], approval: ask }
  - { id: free, kind: process, capabilities: [y] }
  - { id: closed, kind: process, capabilities: [x, y], approval: deny }
";
    folder.write("devices.yaml", devices);
    let facts = folder.run_json(&["run", "flow.yaml", "--devices", "devices.yaml", "--yes", "--ephemeral"]);
    assert_eq!(facts.code, Some(0), "{}", facts.stderr);
    let asked = facts.of("approval_requested");
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (&asked[0]["data"]["task"], &asked[0]["data"]["prompt"]),
        (&"a".into(), &"Run on careful?".into())
    );
    assert_eq!(facts.result["devices"]["closed"]["attempts"], 0);
    assert_eq!(folder.run(&["validate", "flow.yaml", "--devices", "devices.yaml"]).code, Some(0));
    assert_eq!(folder.run(&["plan", "flow.yaml", "--devices", "devices.yaml"]).code, Some(0));
    folder.write(
        "closed.yaml",
        "version: 1\ndevices: [{ id: closed, kind: process, capabilities: [x, y], approval: deny }]\n",
    );
    let ended = folder.run(&["run", "flow.yaml", "--devices", "closed.yaml"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("deny"), "{}", ended.stderr);
}

#[test]
fn the_end_of_input_leaves_the_question_open_and_says_so() {
    let flow = FLOW.replace("'Page on-call?'", "{ prompt: 'Page on-call?', timeout: 2s }");
    let folder = Folder::with("flow.yaml", &flow);
    let Some(shown) = answered(&folder, "\u{4}") else { return };
    assert!(
        shown.contains("the question stays open, and task page (Page on-call?) waits for approval"),
        "{shown:?}"
    );
    assert!(shown.contains("there is no more input") && shown.contains("`starline approve 0"), "{shown:?}");
    assert!(shown.contains("expired     page"), "{shown:?}");
}

#[test]
fn programs_that_read_json_leave_the_question_to_standard_error() {
    let flow = FLOW.replace("'Page on-call?'", "{ prompt: 'Page on-call?', timeout: 300ms }");
    let folder = Folder::with("flow.yaml", &flow);
    let facts = folder.run_json(&["run", "flow.yaml", "--ephemeral"]);
    assert!(facts.stderr.contains("task page (Page on-call?) until "), "{}", facts.stderr);
}
