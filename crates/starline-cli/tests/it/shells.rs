//! Completions and schemas: texts for other programs.

use std::process::Command;

use crate::program::{Folder, skip};

#[test]
fn every_shell_gets_its_completions() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = folder.run(&["completions", shell]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{shell}");
        for word in ["doctor", "completions", "compare"] {
            assert!(ended.stdout.contains(word), "{shell}: no {word}");
        }
        let object = folder.run(&["completions", shell, "--json"]).object();
        assert_eq!((&object["shell"], &object["script"]), (&shell.into(), &ended.stdout.into()));
    }
    let ended = folder.run(&["completions", "tcsh"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("powershell"), "{}", ended.stderr);
}

#[test]
fn bash_reads_its_completions() {
    let folder = Folder::new();
    let script = folder.run(&["completions", "bash"]).stdout;
    folder.write("starline.bash", script);
    let question = "source ./starline.bash && COMP_WORDS=(starline dev) && COMP_CWORD=1 && \
                    _starline starline dev starline && printf '%s\\n' \"${COMPREPLY[@]}\"";
    let Ok(answer) = Command::new("bash").args(["-c", question]).current_dir(folder.path()).output() else {
        return skip("no bash");
    };
    assert_eq!(String::from_utf8_lossy(&answer.stdout).trim(), "devices", "{answer:?}");
}

#[test]
fn schemas_are_objects_or_said_to_be_missing() {
    let folder = Folder::new();
    for kind in ["workflow", "devices", "edit"] {
        let ended = folder.run(&["schema", kind, "--json"]);
        let object = ended.object();
        if ended.code == Some(0) {
            assert!(object["$schema"].is_string(), "{object}");
        } else {
            assert_eq!((ended.code, object["error"]["code"].as_str()), (Some(4), Some("no_schema")));
        }
    }
    assert_eq!(folder.run(&["schema", "graph"]).code, Some(2));
}
