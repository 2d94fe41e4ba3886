//! Files to begin with.

use std::fs;

use serde_json::{Value, json};

use crate::program::Folder;

const FILES: [&str; 3] = ["workflow.yaml", "devices.yaml", ".vscode/settings.json"];

#[test]
fn what_is_written_works_as_it_is() {
    let folder = Folder::new();
    let ended = folder.run(&["init"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for file in FILES {
        assert!(ended.stdout.contains(&format!("wrote  {file}\n")), "{}", ended.stdout);
    }
    assert!(ended.stdout.contains("\nNext:\n  starline validate workflow.yaml "), "{}", ended.stdout);
    let both = ["workflow.yaml", "--devices", "devices.yaml"];
    for verb in ["validate", "plan"] {
        assert_eq!(folder.run(&[verb, "workflow.yaml"]).code, Some(0), "{verb}");
        assert_eq!(folder.run(&[[verb].as_slice(), &both].concat()).code, Some(0), "{verb}");
    }
    let facts = folder.run_json(&["run", "workflow.yaml", "--ephemeral"]);
    assert_eq!(facts.code, Some(0), "{facts:?}");
    assert_eq!(facts.result["results"]["add"]["outputs"], json!({"total": 70}));
    assert_eq!(facts.result["results"]["count_b"]["attempts"], 2, "it shows a retry");
    assert_eq!(facts.status("tell"), "completed");
    let arguments = [["run"].as_slice(), &both, &["--ephemeral", "--input", "limit=100"]].concat();
    let facts = folder.run_json(&arguments);
    assert_eq!((facts.code, facts.status("tell")), (Some(0), "skipped"), "{facts:?}");
    let checked = folder.run(&["devices", "check", "--devices", "devices.yaml"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[test]
fn editors_are_told_which_schema_is_for_which_file() {
    let folder = Folder::new();
    folder.run(&["init"]);
    let text = fs::read_to_string(folder.path().join(".vscode/settings.json")).expect("settings");
    let settings: Value = serde_json::from_str(&text).expect("json");
    for (kind, file) in [("workflow", "workflow.yaml"), ("devices", "devices.yaml")] {
        let schema = format!("./.starline-schema/{kind}.schema.json");
        let files = settings["yaml.schemas"][&schema].as_array().expect("a list");
        assert!(files.contains(&json!(file)), "{settings}");
        let text = fs::read_to_string(folder.path().join(file)).expect("a file");
        let first = format!("# yaml-language-server: $schema={schema}");
        assert_eq!(text.lines().next(), Some(first.as_str()));
        // What is named is there, as far as this version has it.
        let printed = folder.run(&["schema", kind]);
        let written = fs::read_to_string(folder.path().join(&schema)).ok();
        assert_eq!(written, (printed.code == Some(0)).then_some(printed.stdout), "{kind}");
    }
}

#[test]
fn nothing_is_overwritten_unless_asked_for() {
    let folder = Folder::with("workflow.yaml", "mine");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a file");
    fs::create_dir(folder.path().join(".vscode")).expect("a folder");
    folder.write(".vscode/settings.json", "{\"editor.tabSize\": 3}");
    let ended = folder.run(&["init"]);
    assert_eq!(ended.code, Some(2));
    for (word, file) in [("kept ", FILES[0]), ("wrote", FILES[1]), ("kept ", FILES[2])] {
        assert!(ended.stdout.contains(&format!("{word}  {file}\n")), "{}", ended.stdout);
    }
    assert!(ended.stderr.contains("--force"), "{}", ended.stderr);
    assert_eq!((read("workflow.yaml"), read(FILES[2])), ("mine".into(), "{\"editor.tabSize\": 3}".into()));

    let object = folder.run(&["init", "--json"]).object();
    assert_eq!(object["error"]["code"], "file_exists");
    assert_eq!(object["error"]["exit_code"], 2);
    assert_eq!(object["written"], json!([]));
    assert_eq!(
        object["kept"].as_array().map(|kept| kept[..3].to_vec()),
        Some(FILES.map(Value::from).to_vec())
    );

    let ended = folder.run(&["init", "--force", "--json"]);
    assert_eq!((ended.code, ended.object()["kept"].clone()), (Some(0), json!([])));
    assert_ne!(read("workflow.yaml"), "mine");
    let settings: Value = serde_json::from_str(&read(FILES[2])).expect("json");
    assert_eq!(settings["editor.tabSize"], 3, "settings of others stay");
    assert!(settings["yaml.schemas"].is_object());

    folder.write(".vscode/settings.json", "{} // a comment");
    let ended = folder.run(&["init", "--force"]);
    assert_eq!(ended.code, Some(4), "they are not thrown away: {ended:?}");
    assert_eq!(read(FILES[2]), "{} // a comment");
}

#[test]
fn folders_are_made() {
    let folder = Folder::new();
    let object = folder.run(&["init", "a/b", "--json"]).object();
    assert_eq!(object["written"][0], "a/b/workflow.yaml");
    assert_eq!(object["next"][0], "starline validate a/b/workflow.yaml");
    assert!(folder.path().join("a/b/.vscode/settings.json").is_file());
    folder.write("file", "");
    let ended = folder.run(&["init", "file", "--json"]);
    assert_eq!((ended.code, ended.object()["error"]["code"].clone()), (Some(4), json!("unwritable_file")));
}
