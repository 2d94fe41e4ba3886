//! Who interrupts a run gets its end, and no process stays behind.

use crate::program::{Folder, is_alive, skip};

/// Number of the signal that the program begins to hear last.
const SIGTERM: u32 = 15;

/// A process with a child, and a task behind it.
const TREE: &str = "
version: 1
tasks:
  tree: { run: { sh: 'sleep 600 & echo pid $!; wait' } }
  behind: { after: [tree], run: { noop: {} } }
";

/// The same, deaf to polite requests.
const DEAF: &str = "
version: 1
tasks:
  tree: { run: { sh: 'trap \"\" TERM; sleep 600 & echo pid $!; wait; sleep 600' } }
";

fn interrupted_by(signal: &str) {
    let folder = Folder::with("flow.yaml", TREE);
    let mut live = folder.start(&["run", "flow.yaml", "--json", "--verbose"]);
    let pid = live.until_pid();
    assert!(is_alive(pid));
    live.signal(signal);
    let (code, lines, stderr) = live.wait();
    assert_eq!(code, Some(130), "{stderr}");
    assert!(!is_alive(pid), "the child of the task is gone");
    let result = lines.last().expect("a result");
    assert_eq!(result["status"], "cancelled");
    for task in ["tree", "behind"] {
        assert_eq!(result["results"][task]["status"], "cancelled");
    }
    let confirmed =
        lines.iter().find(|event| event["kind"] == "task_cancelled" && event["data"]["task"] == "tree");
    assert_eq!(confirmed.expect("a confirmation")["data"]["confirmed"], true);
    assert!(stderr.contains("cancelling"), "{stderr}");
    let run = result["run_id"].as_str().expect("an id");
    assert!(folder.path().join(".starline/runs").join(run).join("result.json").exists());
}

#[test]
fn an_interrupt_cancels_the_run_and_ends_its_processes() {
    interrupted_by("INT");
}

#[test]
fn so_does_a_request_to_terminate() {
    interrupted_by("TERM");
}

#[test]
fn and_a_lost_terminal() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    if ignored & 1 != 0 {
        skip("the tests themselves run with the signal for a lost terminal switched off");
        return;
    }
    interrupted_by("HUP");
}

#[test]
fn a_second_interrupt_ends_what_does_not_listen() {
    let folder = Folder::with("flow.yaml", DEAF);
    let mut live = folder.start(&["run", "flow.yaml", "--json", "--verbose", "--ephemeral"]);
    let pid = live.until_pid();
    live.signal("INT");
    live.until("task_cancel_requested");
    assert!(is_alive(pid), "it was asked, and does not listen");
    live.signal("INT");
    let (code, lines, stderr) = live.wait();
    assert_eq!(code, Some(130), "{stderr}");
    assert!(!is_alive(pid));
    assert_eq!(lines.last().expect("a result")["status"], "cancelled");
    assert!(stderr.contains("by force"), "{stderr}");
}

#[test]
fn a_simulation_is_interrupted_as_well() {
    // More facts than a pipe has room for: without a reader it cannot come to its end by itself.
    let tasks: String = (0..3000).map(|n| format!("  t{n}: {{ run: {{ sleep: 1h }} }}\n")).collect();
    let folder = Folder::with("flow.yaml", &format!("version: 1\ntasks:\n{tasks}"));
    let mut live = folder.start(&["run", "flow.yaml", "--simulate", "--json", "--ephemeral"]);
    assert_eq!(live.next().expect("a fact")["kind"], "run_created");
    live.signal("INT");
    assert_eq!(live.code(), Some(130));
}

#[test]
fn an_interrupt_before_the_run_has_begun_ends_the_program() {
    // A file that never comes: the program waits for it.
    let folder = Folder::new();
    let live = folder.start_with_stdin(&["run", "-", "--json", "--ephemeral"]);
    live.until_listening(SIGTERM);
    live.signal("INT");
    assert_eq!(live.code(), Some(130));
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let tasks: String = (0..50).map(|n| format!("  t{n}: {{ run: {{ sh: 'echo {n}' }} }}\n")).collect();
    let folder = Folder::with("flow.yaml", &format!("version: 1\ntasks:\n{tasks}"));
    let mut live = folder.start(&["run", "flow.yaml", "--json"]);
    let run = live.next().expect("a fact")["run_id"].as_str().expect("an id").to_owned();
    live.close_stdout();
    let (code, _, stderr) = live.wait();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let result = folder.path().join(".starline/runs").join(run).join("result.json");
    assert!(result.exists(), "the run went on to its end");
}

/// Started as `nohup` does, it outlives its terminal.
#[test]
fn a_lost_terminal_is_nothing_to_who_was_told_so() {
    let folder =
        Folder::with("flow.yaml", "version: 1\ntasks: { a: { run: { sh: 'kill -HUP $PPID; echo on' } } }\n");
    let program = env!("CARGO_BIN_EXE_starline");
    let mut command = std::process::Command::new("sh");
    let script = format!("trap '' HUP; exec '{program}' run flow.yaml --json --ephemeral");
    let output = command.args(["-c", &script]).current_dir(folder.path()).output().expect("a shell");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn what_cannot_be_written_is_a_fault() {
    if !std::path::Path::new("/dev/full").exists() {
        skip("no /dev/full");
        return;
    }
    let folder = Folder::with("flow.yaml", "version: 1\ntasks: { a: { run: { noop: {} } } }\n");
    let mut command = folder.command(&["run", "flow.yaml", "--json", "--ephemeral"]);
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device");
    let output = command.stdout(full).output().expect("the program");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
}
