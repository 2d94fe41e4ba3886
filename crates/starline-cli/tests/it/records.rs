//! What runs leave behind, and for whom.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::program::{Ended, Folder, json};

const FLOW: &str = "version: 1\ntasks:\n  a: { run: { sh: 'pwd; echo kept > file' } }\n";
const FILES: [&str; 9] = [
    "devices.json",
    "graph.mmd",
    "journal.redb",
    "launch.json",
    "report.html",
    "report.md",
    "result.json",
    "settings.json",
    "trace.json",
];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_run_leaves_its_facts_and_its_result_for_its_owner_alone() {
    let folder = Folder::with("flow.yaml", FLOW);
    let facts = folder.run_json(&["run", "flow.yaml"]);
    let run = facts.result["run_id"].as_str().expect("an id");
    let left = folder.path().join(".starline/runs").join(run);
    for path in [".starline", ".starline/runs", ".starline/blobs"] {
        assert_eq!(mode(&folder.path().join(path)), 0o700, "{path}");
    }
    assert_eq!(mode(&left), 0o700);
    assert_eq!(names(&left), FILES, "folders of attempts are gone");
    for name in FILES {
        assert_eq!(mode(&left.join(name)), 0o600, "{name}");
    }
    let read = |name: &str| fs::read_to_string(left.join(name)).expect(name);
    let exported = folder.run(&["journal", "export", "last"]).stdout;
    assert_eq!(exported.lines().map(json).collect::<Vec<_>>(), facts.events);
    assert_eq!(json(&read("result.json")), facts.result);
    assert_eq!(facts.result["folder"], format!(".starline/runs/{run}"));
    assert_eq!(json(&read("devices.json"))[0]["id"], "local");
    assert!(read("report.html").starts_with("<!DOCTYPE html>"));
    assert!(read("report.md").starts_with("# "));
    assert!(json(&read("trace.json"))["traceEvents"].is_array());
    assert!(read("graph.mmd").starts_with("flowchart"));

    let working = facts.result["results"]["a"]["result"]["stdout"].as_str().expect("a path").trim_end();
    assert!(working.contains(&format!("runs/{run}/work/")), "{working}");
}

#[test]
fn runs_that_fail_or_are_cancelled_or_simulated_leave_the_same_files() {
    let flow = "version: 1\nrun: { deadline: 200ms }\ntasks:\n  a: { run: { sh: 'sleep 60' } }\n";
    let folder = Folder::with("cancelled.yaml", flow);
    folder.write("failed.yaml", "version: 1\ntasks:\n  a: { run: { exec: ['false'] } }\n");
    for (arguments, code, state) in [
        (&["run", "failed.yaml"][..], 1, "failed"),
        (&["run", "cancelled.yaml"], 130, "cancelled"),
        (&["run", "failed.yaml", "--simulate"], 0, "completed"),
    ] {
        let facts = folder.run_json(arguments);
        assert_eq!(
            (facts.code, facts.result["status"].as_str()),
            (Some(code), Some(state)),
            "{}",
            facts.stderr
        );
        let left = facts.result["folder"].as_str().expect("a folder");
        let mut left = names(&folder.path().join(left));
        if arguments.contains(&"--simulate") {
            // Nothing can go on that was never carried out.
            left.push("launch.json".to_owned());
            left.sort();
        }
        assert_eq!(left, FILES, "{arguments:?}");
    }
}

#[test]
fn an_ephemeral_run_leaves_nothing_but_a_trace_that_was_asked_for() {
    let folder = Folder::with("flow.yaml", FLOW);
    let facts = folder.run_json(&["run", "flow.yaml", "--ephemeral", "--trace", "trace.json"]);
    assert_eq!((facts.code, facts.result["folder"].is_null()), (Some(0), true));
    assert_eq!(names(folder.path()), ["flow.yaml", "trace.json"]);
    let trace = fs::read_to_string(folder.path().join("trace.json")).expect("a trace");
    assert!(trace.contains("\"completed\""), "{trace}");
    let working = facts.result["results"]["a"]["result"]["stdout"].as_str().expect("a path").trim_end();
    assert!(!fs::exists(working).expect("an answer"), "{working}");
}

#[test]
fn a_trace_that_cannot_be_written_is_told_before_anything_is_done() {
    let folder = Folder::with("flow.yaml", FLOW);
    for more in [&[][..], &["--simulate"], &["--ephemeral"]] {
        let arguments = [&["run", "flow.yaml", "--trace", "none/trace.json"], more].concat();
        let ended = folder.run(&arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("failed to write none/trace.json"), "{}", ended.stderr);
        assert_eq!(names(folder.path()), ["flow.yaml"], "nothing was begun");
    }
    folder.write(
        "wide.yaml",
        "version: 1\ntasks:\n  a: { run: { exec: ['true'] }, inputs: { f: { file: no } } }\n",
    );
    assert_ne!(folder.run(&["run", "wide.yaml", "--trace", "trace.json"]).code, Some(0));
    assert!(
        !names(folder.path()).contains(&"trace.json".to_owned()),
        "no file is left of a run that did not begin"
    );

    folder.write("trace.json", "x".repeat(1 << 20));
    assert_eq!(folder.run(&["run", "flow.yaml", "--trace", "trace.json"]).code, Some(0));
    let trace = fs::read_to_string(folder.path().join("trace.json")).expect("a trace");
    assert!(serde_json::from_str::<Value>(&trace).is_ok(), "nothing is left of what was there");
    #[cfg(target_os = "linux")]
    {
        let ended = folder.run(&["run", "flow.yaml", "--trace", "/dev/full"]);
        assert_eq!(ended.code, Some(4), "what goes wrong at the end makes no success: {ended:?}");
    }
}

#[test]
fn a_state_folder_that_others_may_look_into_is_refused_with_the_command_that_mends_it() {
    let folder = Folder::with("flow.yaml", FLOW);
    let open = folder.path().join("open");
    fs::DirBuilder::new().mode(0o700).create(&open).expect("a folder");
    for (loose, arguments) in [
        (0o777, &["run", "flow.yaml", "--state-dir", "open"][..]),
        (0o750, &["run", "flow.yaml", "--state-dir", "open"]),
        (0o705, &["run", "flow.yaml", "--state-dir", "open", "--simulate"]),
    ] {
        fs::set_permissions(&open, fs::Permissions::from_mode(loose)).expect("a mode");
        let ended = folder.run(arguments);
        assert_eq!(ended.code, Some(4), "{ended:?}");
        assert!(
            ended.stderr.contains(&format!("open is open to others: its mode is {loose:03o}")),
            "{ended:?}"
        );
        assert!(ended.stderr.contains("chmod -R go-rwx open"), "{}", ended.stderr);
        assert_eq!(fs::read_dir(&open).expect("a folder").count(), 0);
    }
    let mend = std::process::Command::new("sh")
        .args(["-c", "chmod -R go-rwx open"])
        .current_dir(folder.path())
        .status();
    assert!(mend.expect("a shell").success());
    assert_eq!(folder.run(&["run", "flow.yaml", "--state-dir", "open"]).code, Some(0));
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).expect("a mode");
    assert_eq!(folder.run(&["show", "--state-dir", "open"]).code, Some(4), "whoever reads refuses as well");
}

#[test]
fn a_run_that_does_not_begin_leaves_nothing() {
    let folder =
        Folder::with("flow.yaml", "version: 1\ntasks:\n  a: { device: { os: cp-m }, run: { noop: {} } }\n");
    assert_eq!(folder.run(&["run", "flow.yaml"]).code, Some(3));
    assert!(!folder.path().join(".starline").exists());
}

/// The program under a limit of 2200 blocks for each file, which stands for a full disk.
fn run_in_little_space(folder: &Folder, arguments: &str) -> Ended {
    let mut command = folder.command(&[]);
    let program = command.get_program().to_owned();
    command = {
        let mut shell = std::process::Command::new("sh");
        shell.arg("-c").arg(format!("trap '' XFSZ; ulimit -f 2200; exec \"$0\" {arguments}")).arg(program);
        shell.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        shell
    };
    Ended::of(command)
}

#[test]
fn nothing_is_done_that_the_journal_does_not_have() {
    let names: Vec<String> = (0..40).map(|n| format!("f{n}")).collect();
    let floods: String =
        names.iter().map(|name| format!("  {name}: {{ run: {{ exec: [seq, '12000'] }} }}\n")).collect();
    let flow = format!(
        "version: 1\ntasks:\n{floods}  after: {{ after: [{}], run: {{ exec: [touch, done], cwd: . }} }}\n  \
         long: {{ after: [f0], run: {{ sh: 'sleep 600 & wait' }} }}\n",
        names.join(", ")
    );
    let folder = Folder::with("flow.yaml", &flow);
    let ended = run_in_little_space(&folder, "run flow.yaml");
    assert_eq!(ended.code, Some(74), "{ended:?}");
    assert!(ended.stderr.contains("failed to write .starline/runs/"), "{}", ended.stderr);
    assert!(ended.stderr.contains("nothing more was started"), "{}", ended.stderr);
    assert!(!folder.path().join("done").exists(), "no task follows");

    let ended = run_in_little_space(&folder, "run flow.yaml --json");
    let last = ended.stdout.lines().last().expect("an error");
    let error: Value = serde_json::from_str(last).expect("an object");
    assert_eq!((ended.code, &error["error"]["code"]), (Some(74), &Value::from("journal")));
    assert_eq!(error["error"]["exit_code"], 74);

    // What was written is there to be looked at.
    let shown = folder.run(&["show", "last"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.stdout.contains("interrupted"), "{}", shown.stdout);

    let many: String = (0..6000).map(|n| format!("  t{n}: {{ run: {{ noop: {{}} }} }}\n")).collect();
    folder.write("many.yaml", format!("version: 1\ntasks:\n{many}"));
    assert_eq!(run_in_little_space(&folder, "run many.yaml --simulate").code, Some(74));
}

#[test]
fn a_journal_that_cannot_be_trusted_is_told_by_the_exit_code() {
    let folder = Folder::with("flow.yaml", FLOW);
    let facts = folder.run_json(&["run", "flow.yaml"]);
    let journal = folder.path().join(facts.result["folder"].as_str().expect("a folder")).join("journal.redb");
    let sound = folder.run(&["journal", "verify", "last", "--json"]).object();
    assert_eq!((&sound["clean"], &sound["records"]), (&json("true"), &facts.events.len().into()));
    let mut bytes = fs::read(&journal).expect("a journal");
    // Pages that are not in use any more may have it as well.
    let places: Vec<usize> =
        (0..bytes.len() - 10).filter(|at| bytes[*at..].starts_with(b"task_assig")).collect();
    places.into_iter().for_each(|place| bytes[place] ^= 1);
    fs::write(&journal, &bytes).expect("written");
    let verified = folder.run(&["journal", "verify", "last"]);
    assert!(verified.code == Some(74) && verified.stdout.contains("damaged"), "{verified:?}");
    let resumed = folder.run(&["resume", "last"]);
    assert!(resumed.code != Some(0), "{resumed:?}");
    let repaired = folder.run(&["journal", "repair", "last", "--json"]).object();
    assert!(repaired["cut_records"].as_u64().is_some_and(|cut| cut > 0), "{repaired}");
    assert_eq!(folder.run(&["journal", "verify", "last"]).code, Some(0));
    assert_eq!(folder.run(&["show", "last"]).code, Some(0));

    fs::write(&journal, "").expect("written");
    for verb in ["show", "report"] {
        let ended = folder.run(&[verb, "last"]);
        assert_eq!(ended.code, Some(74), "{verb}: {ended:?}");
    }
    fs::write(&journal, "no store at all").expect("written");
    let hopeless = folder.run(&["journal", "repair", "last"]);
    assert!(hopeless.code == Some(74) && hopeless.stderr.contains("put a copy of it"), "{hopeless:?}");
    assert_eq!(fs::read(&journal).expect("a file"), b"no store at all", "it is left as it was");
}
