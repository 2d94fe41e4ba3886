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
