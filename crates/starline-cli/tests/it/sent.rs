//! Files that are sent along with tasks, and files that tasks leave behind.

use std::fs;
use std::os::unix::fs::symlink;

use crate::program::Folder;

fn flow(path: &str) -> String {
    format!(
        "version: 1\ntasks:\n  read:\n    inputs: {{ rules: {{ file: {path} }} }}\n    \
         run: {{ sh: 'cat {{{{ inputs.rules }}}} > copy.txt; cat copy.txt', collect: [copy.txt] }}\n    \
         outputs: {{ copy: {{ from: /files/copy.txt, type: artifact }} }}\n"
    )
}

#[test]
fn files_beside_the_workflow_reach_the_task_and_files_of_tasks_are_kept() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path().join("flows/below")).expect("a folder");
    folder.write("flows/flow.yaml", flow("below/rules.txt"));
    folder.write("flows/below/rules.txt", "one rule\n");
    let facts = folder.run_json(&["run", "flows/flow.yaml"]);
    assert_eq!(facts.code, Some(0), "{}", facts.stderr);
    assert_eq!(facts.result["results"]["read"]["result"]["stdout"], "one rule\n");
    let copy = &facts.result["results"]["read"]["outputs"]["copy"];
    let hash = copy["artifact"].as_str().expect("a hash");
    let kept = folder.path().join(".starline/blobs").join(&hash[..2]).join(hash);
    assert_eq!(fs::read_to_string(kept).expect("contents"), "one rule\n");
    let shown = folder.run(&["show", "last", "read"]).stdout;
    assert!(shown.contains(&format!("copy: copy.txt, 9 bytes, {hash}")), "{shown}");

    let facts = folder.run_json(&["run", "flows/flow.yaml", "--ephemeral", "--state-dir", "other"]);
    assert_eq!(facts.code, Some(0), "{}", facts.stderr);
    assert!(!folder.path().join("other").exists());
}

#[test]
fn nothing_is_read_outside_of_the_folder_of_the_workflow() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("flows")).expect("a folder");
    folder.write("secret.txt", "not for tasks\n");
    symlink("../secret.txt", folder.path().join("flows/link.txt")).expect("a link");
    symlink("..", folder.path().join("flows/up")).expect("a link");
    for path in ["../secret.txt", "/etc/passwd", "link.txt", "up/secret.txt", "none.txt", "."] {
        folder.write("flows/flow.yaml", flow(path));
        for verb in ["validate", "run"] {
            let ended = folder.run(&[verb, "flows/flow.yaml"]);
            assert_eq!(ended.code, Some(2), "{verb} {path}: {ended:?}");
            assert!(ended.stderr.contains("flows/flow.yaml:4:"), "{verb} {path}: {}", ended.stderr);
            assert!(!ended.stderr.contains("not for tasks"), "{}", ended.stderr);
        }
    }
    assert!(!folder.path().join(".starline").exists());
    folder.write("flows/inside.txt", "fine\n");
    symlink("inside.txt", folder.path().join("flows/inner.txt")).expect("a link");
    folder.write("flows/flow.yaml", flow("inner.txt"));
    let ended = folder.run(&["run", "flows/flow.yaml", "--ephemeral"]);
    assert_eq!(ended.code, Some(0), "a link within the folder will do: {ended:?}");
}

#[test]
fn a_long_output_is_kept_once_and_handed_on_as_a_file() {
    let flow = "
version: 1
tasks:
  flood: { run: { exec: [seq, '40000'] }, outputs: { o: { from: stdout } } }
  count:
    after: [flood]
    inputs: { f: { artifact: tasks.flood.outputs.o } }
    run: { sh: 'wc -l < $STARLINE_INPUTS/f.txt' }
    outputs: { n: { from: stdout, type: integer } }
  text: { after: [flood], run: { exec: [echo, '{{ tasks.flood.outputs.o }}'] } }
  short: { run: { exec: [echo, hello] }, outputs: { o: { from: stdout, type: artifact } } }
  read: { after: [short], inputs: { f: { artifact: tasks.short.outputs.o } }, run: { sh: 'cat $STARLINE_INPUTS/f.txt' } }
  fails: { run: { sh: 'seq 40000 >&2; exit 3' } }
";
    let folder = Folder::with("flow.yaml", flow);
    let facts = folder.run_json(&["run", "flow.yaml"]);
    let results = &facts.result["results"];
    let output = &results["flood"]["outputs"]["o"];
    assert_eq!((&output["bytes"], &output["name"]), (&228_894.into(), &"stdout.txt".into()), "{output}");
    let stdout = results["flood"]["result"]["stdout"].as_str().expect("a text");
    assert!(
        stdout.len() < 20_000 && stdout.starts_with("1\n2\n") && stdout.ends_with("\n40000\n"),
        "{stdout}"
    );
    assert!(stdout.contains("of 228894 bytes are left out here: all of it is the artifact "), "{stdout}");
    assert_eq!(results["count"]["outputs"]["n"], 40_000);
    let error = &results["text"]["error"];
    assert_eq!(error["kind"], "render_error");
    let message = error["message"].as_str().expect("a text");
    assert!(
        message.contains("is an artifact of 228894 bytes") && message.contains("artifact: tasks."),
        "{message}"
    );
    assert_eq!(results["read"]["result"]["stdout"], "hello\n");
    let stderr = results["fails"]["result"]["stderr"].as_str().expect("a text");
    assert!(stderr.len() < 20_000 && stderr.ends_with("\n40000\n"), "{stderr}");
    let journal = folder.path().join(facts.result["folder"].as_str().expect("a folder")).join("journal.redb");
    assert!(journal.exists());
    let length = folder.run(&["journal", "export", "last"]).stdout.len();
    assert!(length < 100_000, "{length}");
    for arguments in [&["show", "last", "flood"][..], &["report", "last"]] {
        assert_eq!(folder.run(arguments).code, Some(0));
    }
    assert!(folder.run(&["show", "last", "flood"]).stdout.contains("o: stdout.txt, 228894 bytes, "));
}
