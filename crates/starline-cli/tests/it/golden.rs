//! What people are shown of a run, word for word. `UPDATE_GOLDEN=1` writes the files again.

use std::path::Path;

use crate::program::Folder;

const FLOW: &str = "
version: 1
name: nightly
inputs: { limit: { type: integer, default: 10 } }
tasks:
  fetch: { run: { exec: [fetch] }, estimate: { duration: 1500ms }, device: { needs: [net] } }
  parse:
    name: Parse what was fetched
    after: [fetch]
    tips: [the file is large]
    run: { sh: 'parse {{ inputs.limit }}', env: { LC_ALL: C } }
    estimate: { duration: 2s }
    retry: { max: 2 }
  alarm: { after: { fetch: failure }, run: { exec: [alarm] } }
  quiet: { after: [alarm], run: { noop: {} } }
  close: { after: { parse: completion, quiet: completion }, run: { sleep: 500ms } }
";
const DEVICES: &str = "
version: 1
devices:
  - { id: north, kind: process, capabilities: [net], slots: 2, exec: { allow_sh: true } }
  - { id: south, kind: process, exec: { allow_sh: true } }
";

#[test]
fn runs_and_tasks_are_shown_as_ever() {
    let folder = Folder::with("flow.yaml", FLOW);
    folder.write("devices.yaml", DEVICES);
    let facts = folder.run_json(&["run", "flow.yaml", "--devices", "devices.yaml", "--simulate"]);
    let run = facts.result["run_id"].as_str().expect("an id").to_owned();
    for (name, arguments) in [
        ("show-runs", &["show"][..]),
        ("show-run", &["show", "last"]),
        ("show-task", &["show", "last", "parse"]),
        ("show-skipped", &["show", "last", "quiet"]),
        ("export-native", &["export", "last", "--to", "native"]),
        ("export-mermaid", &["export", "last", "--to", "mermaid"]),
        ("export-dot", &["export", "last", "--to", "dot"]),
        ("report", &["report", "last"]),
        ("validate", &["validate", "flow.yaml", "--devices", "devices.yaml"]),
    ] {
        let ended = folder.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        let shown = format!("{}{}", ended.stdout, ended.stderr).replace(&run, "01RUN");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.txt"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &shown).expect("a file");
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(shown, golden, "{name}: with UPDATE_GOLDEN=1 the file is written again");
    }
}
