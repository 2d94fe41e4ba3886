//! Secrets reach the task that names them, and nobody else.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use starline_device::{Device, DeviceSignal, ErrorKind, Exec, Payload, Secret, Secrets, Shell, TaskReport};
use starline_transport_process::{ProcessDevice, ProcessOptions};

use crate::request::{Scratch, attempt, exec_with, failure, profile, run, sh, stdout};

const CANARY: &str = "canary-5f0c \"quoted\" $(x)";
const LINES: &str = "-----BEGIN-----\nnested-canary-line\n-----END-----\n";

fn secrets() -> Secrets {
    [("CANARY", CANARY), ("LINES", LINES), ("OTHER", "not-for-this-task")]
        .map(|(name, text)| (name.to_owned(), Secret::new(text)))
        .into_iter()
        .collect()
}

fn device(options: ProcessOptions) -> Arc<ProcessDevice> {
    Arc::new(ProcessDevice::new(profile(), options).with_secrets(secrets()))
}

fn named() -> BTreeMap<String, String> {
    [("TOKEN", "CANARY"), ("KEY", "LINES")]
        .map(|(variable, name)| (variable.to_owned(), name.to_owned()))
        .into()
}

fn knowing(script: &str) -> starline_device::Attempt {
    let shell = Shell { script: script.to_owned(), secrets: named(), ..Shell::default() };
    attempt("t", Payload::Sh(Arc::new(shell)))
}

fn attempt_of(shell: Shell) -> starline_device::Attempt {
    attempt("t", Payload::Sh(Arc::new(shell)))
}

/// Everything that an attempt lets out, as one text.
async fn everything(device: &Arc<ProcessDevice>, attempt: starline_device::Attempt) -> String {
    let mut signals = device.signals().expect("a stream");
    let report = run(device, attempt).await;
    let mut all = match &report {
        TaskReport::Completed { result, stdout } => format!("{result} {stdout:?}"),
        TaskReport::Failed { error, result } => format!("{error} {error:?} {result}"),
        TaskReport::Stopped => String::new(),
    };
    all += &format!("{report:?} {device:?}");
    while let Some(Some(signal)) = signals.next().now_or_never() {
        all += &format!("{signal:?}");
        if let DeviceSignal::Progress { text, .. } = signal {
            all += &text;
        }
    }
    all
}

fn assert_clean(text: &str) {
    for part in ["canary-5f0c", "quoted", "nested-canary", "-----BEGIN"] {
        assert!(!text.contains(part), "{part} is in {text}");
    }
}

#[tokio::test]
async fn a_task_gets_the_secrets_it_names() {
    let scratch = Scratch::new();
    let mut all = vec![scratch.options(), scratch.limited()];
    all.extend(scratch.contained().await);
    for options in all {
        let base = scratch.path().to_owned();
        let device = device(options);
        // Compared in there: nothing comes out as it is.
        let mut check =
            knowing("[ \"$TOKEN\" = \"$(cat)\" ] && echo ${#KEY}; env | grep -c not-for-this-task");
        if let Payload::Sh(shell) = &mut check.payload {
            Arc::make_mut(shell).stdin = Some(CANARY.to_owned());
            Arc::make_mut(shell).script += " ; exit 0";
        }
        assert_eq!(stdout(run(&device, check).await), format!("{}\n0\n", LINES.len()));
        // By `exec` as well, and in place of what the task says itself.
        let exec = Exec {
            argv: ["printenv", "TOKEN"].map(str::to_owned).to_vec(),
            env: [("TOKEN".to_owned(), "mine".to_owned())].into(),
            secrets: named(),
            ..Exec::default()
        };
        assert_eq!(stdout(run(&device, exec_with(exec)).await), "[redacted]\n");
        // Not in the arguments that everybody on the machine can read.
        let script = "tr '\\0' ' ' < /proc/$PPID/cmdline; tr '\\0' ' ' < /proc/self/cmdline";
        assert_clean(&everything(&device, knowing(script)).await);
        drop(base);
    }
}

#[tokio::test]
async fn nothing_that_leaves_the_device_has_a_secret_in_it() {
    let scratch = Scratch::new();
    let mut all = vec![scratch.options(), scratch.limited()];
    all.extend(scratch.contained().await);
    for options in all {
        let device = device(ProcessOptions { keep_work_dirs: false, ..options });
        for script in [
            "env; echo \"$TOKEN\" >&2",
            "echo \"$TOKEN\"; echo \"$KEY\"; echo \"$KEY\" >&2; echo \"$TOKEN\" >&2; exit 3",
            "printf '%s' \"$TOKEN\" >&2; kill -9 $$",
            "printf '%s' \"$TOKEN$TOKEN$KEY$TOKEN\" >&2; exit 1",
            // In pieces that are read one by one.
            "for c in $(printf '%s' \"$KEY\" | head -n 2 | tail -n 1 | sed 's/./& /g'); do printf $c; done",
            "printf 'canary-5f'; sleep 0.05; printf '0c \"quoted\" $(x)\\n'",
            // As a text of JSON has it.
            "printf '{\"token\":\"%s\"}' \"$(printf '%s' \"$TOKEN\" | sed 's/\"/\\\\\"/g')\"",
            // A line longer than is sent at once, and more than is kept.
            "i=0; while [ $i -lt 3000 ]; do printf '%s.' \"$TOKEN\"; i=$((i+1)); done",
        ] {
            let all = everything(&device, knowing(script)).await;
            assert_clean(&all);
            assert!(all.contains("[redacted]"), "{script}: {all}");
        }
    }
}

#[tokio::test]
async fn what_one_task_has_left_another_does_not_show() {
    let scratch = Scratch::new();
    let device = device(scratch.options());
    let left = scratch.path().join("left");
    let script = format!("printf '%s' \"$TOKEN\" > {}", left.display());
    assert_eq!(stdout(run(&device, knowing(&script)).await), "");
    assert_eq!(fs::read_to_string(&left).expect("a file"), CANARY, "files are kept as they are");
    for script in ["cat", "cat >&2", "exit 3; cat >&2"] {
        let script = script.replace("cat", &format!("cat {}", left.display()));
        assert_clean(&everything(&device, sh(&script)).await);
    }
    assert!(
        everything(&device, sh(&format!("cat {} >&2; exit 3", left.display()))).await.contains("[redacted]")
    );
}

#[tokio::test]
async fn json_says_no_secret_when_it_is_read() {
    let scratch = Scratch::new();
    let known = [("WORD".to_owned(), Secret::new("p\u{e4}ssw\u{f6}rd/1234"))].into_iter().collect();
    let device = Arc::new(ProcessDevice::new(profile(), scratch.options()).with_secrets(known));
    for (printed, read) in [
        (r#"{"w": "p\\u00e4ssw\\u00f6rd/1234", "n": 1}"#, r#"{"n":1,"w":"[redacted]"}"#),
        (r#"["p\\u00E4sswörd\\/1234"]"#, r#"["[redacted]"]"#),
        (r#"{"p\\u00e4ssw\\u00f6rd\\u002f1234": 0}"#, r#"{"[redacted]":0}"#),
    ] {
        let report = run(&device, sh(&format!("printf '{printed}\\n'"))).await;
        let value: starline_device::Value = stdout(report).trim().parse().expect("still JSON");
        assert_eq!(value.to_string(), read);
    }
    let (_, message, _) =
        failure(run(&device, sh("printf 'p\\303\\244ssw\\303\\266rd\\1/1234' >&2; exit 1")).await);
    assert!(message.ends_with(": [redacted]"), "{message}");
}

#[tokio::test]
async fn a_limit_leaves_no_part_of_a_secret() {
    let scratch = Scratch::new();
    for limit in 0..CANARY.len() + 8 {
        let device = device(ProcessOptions { capture_limit: limit, ..scratch.options() });
        let report = run(&device, knowing("printf 'ab %s and more' \"$TOKEN\"")).await;
        let TaskReport::Completed { result, stdout } = report else { panic!("{report:?}") };
        let text = stdout.unwrap_or_default();
        assert!("ab [redacted] and more".starts_with(&*text) && text.len() <= limit, "{limit}: {text}");
        assert_eq!(result["stdout"].as_str(), Some(&*text));
        assert_eq!(result["truncated"], starline_device::Value::from(true));
    }
}

#[tokio::test]
async fn an_unknown_secret_is_refused_by_name() {
    let scratch = Scratch::new();
    let started = scratch.path().join("started");
    let script = format!("touch {}", started.display());
    let device = device(scratch.options());
    let mut attempt = knowing(&script);
    if let Payload::Sh(shell) = &mut attempt.payload {
        Arc::make_mut(shell).secrets.insert("X".to_owned(), "NO_SUCH_NAME".to_owned());
    }
    let (kind, message, _) = failure(run(&device, attempt).await);
    assert_eq!(kind, ErrorKind::PermissionDenied);
    assert!(message.contains("`NO_SUCH_NAME`"), "{message}");
    assert!(!started.exists());
    // One that could not be hidden is not given.
    let pin = [("PIN".to_owned(), Secret::new("042"))].into_iter().collect();
    let short = Arc::new(ProcessDevice::new(profile(), scratch.options()).with_secrets(pin));
    let shell = Shell { script, secrets: [("X".to_owned(), "PIN".to_owned())].into(), ..Shell::default() };
    let (kind, message, _) = failure(run(&short, attempt_of(shell)).await);
    assert_eq!((kind, started.exists()), (ErrorKind::PermissionDenied, false));
    assert!(message.contains("`PIN` has 3 characters; at least 4"), "{message}");
    // Without being named, none is given.
    assert_eq!(stdout(run(&device, sh("env | grep -c -e canary -e not-for; exit 0")).await), "0\n");
    assert!(format!("{device:?}").contains("CANARY"), "names are no secrets");
    assert!(!format!("{device:?}").contains("canary-5f0c"));
}

#[tokio::test]
async fn files_are_kept_as_they_are() {
    let scratch = Scratch::new();
    let device = device(ProcessOptions { keep_work_dirs: true, ..scratch.options() });
    assert_eq!(stdout(run(&device, knowing("printf '%s' \"$TOKEN\" > file")).await), "");
    let [folder] = scratch.attempts().try_into().expect("one folder");
    let file = scratch.options().work_root.join(folder).join("file");
    assert_eq!(fs::read_to_string(file).expect("a file"), CANARY);
}
