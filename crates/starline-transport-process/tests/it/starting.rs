//! What processes are started with, and what cannot be started.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use starline_device::{
    DeliveryFault, Device, ErrorKind, Exec, Millis, Payload, Prompt, Shell, TaskReport, Value,
};
use starline_transport_process::ProcessOptions;

use crate::request::{
    Scratch, attempt, begin, device, exec, exec_with, failure, run, sh, stdout, within, write_program,
};

#[tokio::test]
async fn a_program_gets_its_arguments_as_they_are() {
    let scratch = Scratch::new();
    let report = run(&scratch.device(), exec(["printf", "%s|", "a b", "$HOME", "*", "'", ""])).await;
    assert_eq!(stdout(report), "a b|$HOME|*|'||");
}

#[tokio::test]
async fn a_script_runs_in_the_shell() {
    let scratch = Scratch::new();
    let report =
        run(&scratch.device(), sh("for x in a b; do printf '<%s>' $x; done; false || printf $0")).await;
    assert_eq!(stdout(report), "<a><b>sh");
    let (kind, ..) = failure(run(&scratch.device(), sh("-x")).await);
    assert_eq!(kind, ErrorKind::ExitStatus, "a command that is not found, and no option");
}

/// A script that is too long for an argument does what it would do as one.
#[tokio::test]
async fn a_long_script_runs_like_a_short_one() {
    let scratch = Scratch::new();
    let mut all = vec![scratch.options(), scratch.limited()];
    // A path that has to be quoted.
    let apart = scratch.path().join("it's $(apart)");
    fs::create_dir(&apart).expect("a folder");
    all.push(ProcessOptions { work_root: apart, ..scratch.options() });
    all.extend(scratch.contained().await);
    for options in all {
        let root = options.work_root.clone();
        let device = device(options);
        let small = "printf '%s|%s|' \"${0##*/}\" \"$#\"; cat; ls -A; [ \"$(pwd)\" -ef \"$STARLINE_WORK_DIR\" ] && echo here || echo $(pwd) $STARLINE_WORK_DIR\n";
        let shell = |script: String| {
            let stdin = Some("from outside\n".to_owned());
            attempt("t", Payload::Sh(Arc::new(Shell { script, stdin, ..Shell::default() })))
        };
        let expected = stdout(run(&device, shell(small.to_owned())).await);
        assert_eq!(expected, "sh|0|from outside\nhere\n");
        for length in [(100 << 10) - 1, 100 << 10, 128 << 10, 1 << 20] {
            let script = format!("{}\n{small}", ": 'it is $(long)'\n".repeat(length / 17));
            assert_eq!(stdout(run(&device, shell(script)).await), expected, "{length}");
        }
        let long = |end: &str| sh(&format!("{}\n{end}", ":\n".repeat(100_000)));
        let (kind, message, _) = failure(run(&device, long("echo no >&2; exit 7")).await);
        assert_eq!((kind, message.as_str()), (ErrorKind::ExitStatus, "exit status 7: no"));
        let (kind, ..) = failure(run(&device, long("echo 'open")).await);
        assert_eq!(kind, ErrorKind::ExitStatus);
        assert_eq!(fs::read_dir(&root).expect("a folder").count(), 0, "nothing is left");
    }
    // Nobody else reads it.
    let device = device(ProcessOptions { keep_work_dirs: true, ..scratch.options() });
    assert_eq!(stdout(run(&device, sh(&format!("{}\nexit 0", ":\n".repeat(100_000)))).await), "");
    let [file] = scratch
        .attempts()
        .into_iter()
        .filter(|name| name.ends_with(".sh"))
        .collect::<Vec<_>>()
        .try_into()
        .expect("one");
    let found = fs::metadata(scratch.options().work_root.join(file)).expect("a file");
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn the_environment_is_empty_but_for_what_is_passed() {
    let scratch = Scratch::new();
    let options = ProcessOptions {
        env_pass: ["PATH", "CARGO_PKG_NAME", "NO_SUCH_VARIABLE"].map(str::to_owned).to_vec(),
        ..scratch.options()
    };
    let env = [("GREETING", "hello there"), ("STARLINE_TASK", "mine"), ("EMPTY", "")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let program = Exec { argv: vec!["env".to_owned()], env: env.into(), ..Exec::default() };
    let text = stdout(run(&device(options), exec_with(program)).await);
    let mut found: BTreeMap<_, _> = text.lines().filter_map(|line| line.split_once('=')).collect();
    assert_eq!(found.remove("PATH"), std::env::var("PATH").ok().as_deref());
    let key = found.remove("STARLINE_IDEMPOTENCY_KEY").expect("a key");
    assert!(key.starts_with("r/t/"), "{key}");
    let folder = found.remove("STARLINE_WORK_DIR").expect("a folder");
    for name in ["STARLINE_CHECKPOINT", "STARLINE_CHECKPOINT_OUT"] {
        assert!(found.remove(name).expect("a file").starts_with(folder), "{name}");
    }
    assert!(folder.starts_with(scratch.options().work_root.to_str().expect("text")), "{folder}");
    let inputs = found.remove("STARLINE_INPUTS").expect("a folder");
    assert_eq!(inputs, format!("{folder}/inputs"));
    let expected = [
        ("CARGO_PKG_NAME", env!("CARGO_PKG_NAME")),
        ("EMPTY", ""),
        ("GREETING", "hello there"),
        ("STARLINE_ATTEMPT", "1"),
        ("STARLINE_RUN", "r"),
        ("STARLINE_TASK", "mine"),
    ];
    assert_eq!(found, BTreeMap::from(expected));
}

#[tokio::test]
async fn programs_are_found_by_the_path_of_the_task() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("bin");
    fs::create_dir(&folder).expect("a folder");
    let program = folder.join("greet");
    let device = scratch.device();
    write_program(&device, &program, "#!/bin/sh\necho hello from $0\n").await;
    let greet = |name: &str| {
        let env = [("PATH".to_owned(), format!(":{}", folder.display()))].into();
        exec_with(Exec { argv: vec![name.to_owned()], env, ..Exec::default() })
    };

    let (kind, message, _) = failure(run(&device, greet("greet")).await);
    assert_eq!(
        (kind, message.as_str()),
        (ErrorKind::PermissionDenied, "program \"greet\" may not be executed")
    );
    let (kind, ..) = failure(run(&device, exec([program.to_str().expect("text")])).await);
    assert_eq!(kind, ErrorKind::PermissionDenied);

    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("a mode");
    let said = stdout(run(&device, greet("greet")).await);
    assert_eq!(said, format!("hello from {}\n", program.display()));

    let options = ProcessOptions { base_dir: Some(scratch.path().to_owned()), ..scratch.options() };
    let here = Exec { argv: vec!["./greet".to_owned()], cwd: Some("bin".to_owned()), ..Exec::default() };
    assert!(stdout(run(&crate::request::device(options), exec_with(here)).await).starts_with("hello"));
}

#[tokio::test]
async fn what_cannot_be_started_is_no_matter_of_trying_again() {
    let scratch = Scratch::new();
    refuse_all(&scratch, scratch.options()).await;
}

#[tokio::test]
async fn limits_change_nothing_about_what_cannot_be_started() {
    let scratch = Scratch::new();
    refuse_all(&scratch, scratch.limited()).await;
}

async fn refuse_all(scratch: &Scratch, options: ProcessOptions) {
    let device = device(options);
    let text = scratch.path().join("text");
    write_program(&device, &text, "echo no interpreter is named\n").await;
    fs::set_permissions(&text, fs::Permissions::from_mode(0o700)).expect("a mode");
    let lost = scratch.path().join("lost");
    write_program(&device, &lost, "#!/no/such/interpreter\n").await;
    fs::set_permissions(&lost, fs::Permissions::from_mode(0o700)).expect("a mode");
    let with = |change: &dyn Fn(&mut Exec)| {
        let mut program = Exec { argv: vec!["true".to_owned()], ..Exec::default() };
        change(&mut program);
        exec_with(program)
    };
    let nul = "a\0b".to_owned();
    let cases = [
        (with(&|program| program.argv.clear()), "program is missing: `argv` is empty"),
        (exec([""]), "program \"\" was not found"),
        (exec(["no-such-program", "x"]), "program \"no-such-program\" was not found in PATH"),
        (exec(["./no-such-program"]), "program \"./no-such-program\" was not found"),
        (exec([lost.to_str().expect("text")]), "or its interpreter was not found"),
        (exec([text.to_str().expect("text")]), "has no format that this system can execute"),
        (with(&|program| program.argv.push(nul.clone())), "an argument or variable contains a NUL byte"),
        (
            with(&|program| program.argv.push("x".repeat(1 << 20))),
            "argument 1 (exec[1]) has 1048576 bytes, and the system takes at most 131071 in one",
        ),
        (
            with(&|program| drop(program.env.insert("BIG".to_owned(), "x".repeat(131_068)))),
            "variable BIG, with its name, has 131072 bytes, and the system takes at most 131071 in one",
        ),
        (
            with(&|program| program.argv.extend(std::iter::repeat_n("x".repeat(100_000), 80))),
            "too long for the system, with 8000080 bytes of arguments",
        ),
        (
            with(&|program| _ = program.env.insert("A=B".into(), String::new())),
            "is no name of an environment",
        ),
        (with(&|program| _ = program.env.insert("A".into(), nul.clone())), "contains a NUL byte"),
        (
            with(&|program| program.cwd = Some("no-such-folder".into())),
            "folder \"no-such-folder\" is not there",
        ),
        (
            with(&|program| program.cwd = Some("/no/such/folder".into())),
            "folder \"/no/such/folder\" is not there",
        ),
        (with(&|program| program.cwd = Some(nul.clone())), "is not there"),
    ];
    for (attempt, said) in cases {
        let (kind, message, result) = failure(run(&device, attempt).await);
        assert_eq!((kind, &result), (ErrorKind::InvalidRequest, &Value::Null), "{message}");
        assert!(message.contains(said), "{message}");
    }
    assert_eq!(scratch.attempts(), [""; 0], "nothing is left behind");
}

#[tokio::test]
async fn standard_input_is_what_the_task_gives() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let cat =
        |stdin: Option<String>| exec_with(Exec { argv: vec!["cat".to_owned()], stdin, ..Exec::default() });
    assert_eq!(stdout(run(&device, cat(None)).await), "");
    let text = "line\n".repeat(100_000); // more than a pipe holds, in both directions
    assert_eq!(stdout(run(&device, cat(Some(text.clone()))).await), text);

    let script = Shell { script: "read x; echo $x".to_owned(), stdin: Some(text), ..Shell::default() };
    let report = run(&device, attempt("t", Payload::Sh(Arc::new(script)))).await;
    assert_eq!(stdout(report), "line\n", "nobody must read it all");
}

#[tokio::test]
async fn each_attempt_has_a_private_folder_that_goes_with_it() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let look = "pwd; ls -A | wc -l; ls -ld . | cut -c1-10; mkdir -p a/b; echo x > a/b/c; chmod 500 a/b";
    let mut folders = Vec::new();
    for task in ["secret-name", "secret-name"] {
        let script = Shell { script: look.to_owned(), ..Shell::default() };
        let text = stdout(run(&device, attempt(task, Payload::Sh(Arc::new(script)))).await);
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(lines[1..], ["0", "drwx------"], "{text}");
        assert!(lines[0].starts_with(scratch.options().work_root.to_str().expect("text")), "{text}");
        assert!(!lines[0].contains("secret"), "{text}");
        folders.push(lines[0].to_owned());
    }
    assert_ne!(folders[0], folders[1]);
    // The chmod keeps everybody but root from removing it, which is told and harms nothing.
    if nix::unistd::geteuid().is_root() {
        assert_eq!(scratch.attempts(), [""; 0]);
    }
    let root = fs::metadata(scratch.options().work_root).expect("a folder");
    assert_eq!(root.permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_task_may_name_its_folder() {
    let scratch = Scratch::new();
    let base = fs::canonicalize(scratch.path()).expect("a path");
    fs::create_dir(base.join("sub")).expect("a folder");
    let based = device(ProcessOptions { base_dir: Some(base.clone()), ..scratch.options() });
    let pwd = |cwd: Option<&str>| {
        let cwd = cwd.map(str::to_owned);
        exec_with(Exec { argv: vec!["pwd".to_owned()], cwd, ..Exec::default() })
    };
    assert_eq!(stdout(run(&based, pwd(Some("sub"))).await).trim(), base.join("sub").to_str().expect("text"));
    assert_eq!(stdout(run(&based, pwd(Some("/"))).await).trim(), "/");
    assert!(stdout(run(&based, pwd(None)).await).contains("attempts"), "without a name it is its own");
    assert!(stdout(run(&scratch.device(), pwd(Some("."))).await).contains("attempts"));
}

#[tokio::test]
async fn folders_are_kept_if_asked_for() {
    let scratch = Scratch::new();
    let device = device(ProcessOptions { keep_work_dirs: true, ..scratch.options() });
    run(&device, sh("echo kept > file")).await;
    let [folder] = scratch.attempts().try_into().expect("one folder");
    let file = scratch.options().work_root.join(folder).join("file");
    assert_eq!(fs::read_to_string(file).expect("a file"), "kept\n");
}

#[tokio::test]
async fn an_open_work_root_is_refused() {
    let scratch = Scratch::new();
    let root = scratch.options().work_root;
    fs::create_dir(&root).expect("a folder");
    fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).expect("a mode");
    let (kind, message, _) = failure(run(&scratch.device(), exec(["true"])).await);
    assert_eq!(kind, ErrorKind::DeviceError);
    assert!(message.ends_with("may be written to by others"), "{message}");

    let link = scratch.path().join("link");
    fs::set_permissions(&root, fs::Permissions::from_mode(0o700)).expect("a mode");
    std::os::unix::fs::symlink(&root, &link).expect("a link");
    let device = device(ProcessOptions { work_root: link, ..scratch.options() });
    let (_, message, _) = failure(run(&device, exec(["true"])).await);
    assert!(message.ends_with("is a symbolic link"), "{message}");
}

#[tokio::test]
async fn scripts_run_only_where_they_may() {
    let scratch = Scratch::new();
    let strict = device(ProcessOptions { allow_sh: false, ..scratch.options() });
    let (kind, message, _) = failure(run(&strict, sh("true")).await);
    assert_eq!(kind, ErrorKind::PermissionDenied);
    assert_eq!(message, "device here may not run sh: its options do not say `allow_sh: true`");
    assert_eq!(stdout(run(&strict, exec(["echo", "x"])).await), "x\n");
    let prompt = attempt("t", Payload::Prompt(Arc::new(Prompt::default())));
    let (kind, message, _) = failure(run(&strict, prompt.clone()).await);
    assert_eq!(kind, ErrorKind::Unsupported);
    assert_eq!(message, "device here cannot run prompt: it runs noop, sleep, exec");
    assert!(failure(run(&scratch.device(), prompt).await).1.ends_with("noop, sleep, exec, sh"));
}

#[tokio::test(start_paused = true)]
async fn empty_tasks_and_sleeps_start_nothing() {
    let scratch = Scratch::new();
    let device = scratch.device();
    assert_eq!(run(&device, attempt("t", Payload::Noop)).await, TaskReport::done());
    let sleep = |ms| attempt("t", Payload::Sleep(Millis(ms)));
    assert_eq!(run(&device, sleep(5000)).await, TaskReport::done());
    let (kind, message, _) = failure(run(&device, within(sleep(5000), Millis(4000))).await);
    assert_eq!((kind, message.as_str()), (ErrorKind::Timeout, "attempt ran longer than 4s"));
    let long = sleep(5000);
    let (id, pending) = (long.id.clone(), begin(&device, long));
    let (report, answer) = futures_util::future::join(pending, device.cancel(id, false)).await;
    assert_eq!(report.expect("a report"), TaskReport::Stopped);
    assert!(answer.is_ok() && !scratch.options().work_root.exists());
}

#[tokio::test]
async fn nothing_starts_after_the_end() {
    let scratch = Scratch::new();
    let device = scratch.device();
    device.shut_down().await;
    let error = begin(&device, exec(["true"])).await.expect_err("refused");
    assert_eq!(error.kind(), DeliveryFault::NotAccepted);
    device.shut_down().await;
}
