//! What a process in a sandbox sees, and that nothing gets out of one alive.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join;
use starline_device::{Attempt, Device, ErrorKind, Exec, Millis, Payload, Shell, TaskReport, Value};
use starline_transport_process::{AllowedProgram, ProcessDevice, ProcessOptions, Sandbox};

use crate::request::{
    Pending, Scratch, attempt, begin, device, exec, exec_with, failure, heard, run, sh, stdout, within,
    write_program,
};

fn in_folder(script: &str, cwd: &str) -> Attempt {
    let shell = Shell { script: script.to_owned(), cwd: Some(cwd.to_owned()), ..Shell::default() };
    attempt("t", Payload::Sh(Arc::new(shell)))
}

#[tokio::test]
async fn a_process_sees_the_system_and_its_own_folder() {
    let scratch = Scratch::new();
    let Some(options) = scratch.contained().await else { return };
    fs::write(scratch.path().join("secret"), "canary").expect("a file");
    let base_dir = Some(scratch.path().to_owned());
    let device = device(ProcessOptions { base_dir, ..options });
    let outside = scratch.path().display();
    // Its own folder is there to write to, and the one for temporary files.
    let script = "pwd; echo x > file; cat file; echo y > /tmp/file; cat /tmp/file; echo $TMPDIR";
    let said = stdout(run(&device, sh(script)).await);
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with(scratch.options().work_root.to_str().expect("text")), "{said}");
    assert_eq!(lines[1..], ["x", "y", "/tmp"]);
    // Nothing else is, nor to read what is nobody's business.
    for script in [
        format!("cat {outside}/secret"),
        "touch /file".to_owned(),
        "touch /usr/file".to_owned(),
        "touch /etc/file".to_owned(),
        "cat /etc/shadow".to_owned(),
        "ls /root".to_owned(),
        "ls /home".to_owned(),
        "ls /run".to_owned(),
        "kill -0 2000000000".to_owned(),
    ] {
        let (kind, message, _) = failure(run(&device, sh(&script)).await);
        assert_eq!(kind, ErrorKind::ExitStatus, "{script}: {message}");
    }
    // It is alone: no processes, no network, no rights.
    let alone =
        "ls /proc | grep -c '^[0-9]'; tail -n +3 /proc/net/dev | grep -vc lo:; grep CapEff /proc/self/status";
    let said = stdout(run(&device, sh(&format!("{alone}; exit 0"))).await);
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].parse::<u32>().is_ok_and(|count| count < 8), "{said}");
    assert_eq!(lines[1..], ["0", "CapEff:\t0000000000000000"]);
    assert_eq!(scratch.attempts(), [""; 0]);
}

#[tokio::test]
async fn the_folder_a_task_names_is_there_to_read() {
    let scratch = Scratch::new();
    let Some(options) = scratch.contained().await else { return };
    fs::create_dir(scratch.path().join("sub")).expect("a folder");
    fs::write(scratch.path().join("data"), "data\n").expect("a file");
    let base_dir = Some(scratch.path().to_owned());
    let device = device(ProcessOptions { base_dir, ..options });
    let script =
        "cat ../data; touch file || echo read-only; echo z > $STARLINE_WORK_DIR/z; cat $STARLINE_WORK_DIR/z";
    let said = stdout(run(&device, in_folder(script, "sub")).await);
    assert_eq!(said, "data\nread-only\nz\n");
    assert!(!scratch.path().join("sub/file").exists());
    for cwd in ["/", "/usr", "..", "sub/../.."] {
        let (kind, message, _) = failure(run(&device, in_folder("true", cwd)).await);
        assert_eq!(kind, ErrorKind::PermissionDenied);
        assert!(message.contains("is not in `base_dir`"), "{message}");
    }
}

#[tokio::test]
async fn ends_and_outputs_are_those_of_the_program() {
    let scratch = Scratch::new();
    let Some(options) = scratch.contained().await else { return };
    let device = device(options);
    let (kind, message, result) = failure(run(&device, sh("echo out; echo last >&2; exit 3")).await);
    assert_eq!((kind, message.as_str()), (ErrorKind::ExitStatus, "exit status 3: last"));
    assert_eq!((&result["stdout"], &result["stderr"]), (&Value::from("out\n"), &Value::from("last\n")));
    assert!(failure(run(&device, sh("kill -9 $$")).await).1.starts_with("exit status 137"));
    assert_eq!(stdout(run(&device, exec(["echo", "x"])).await), "x\n");
    let cat = Exec { argv: vec!["cat".to_owned()], stdin: Some("line\n".repeat(100_000)), ..Exec::default() };
    assert_eq!(stdout(run(&device, exec_with(cat)).await).len(), 500_000);
    let (kind, message, _) = failure(run(&device, exec(["no-such-program"])).await);
    assert_eq!(kind, ErrorKind::InvalidRequest, "{message}");
}

#[tokio::test]
async fn a_listed_program_is_shown_wherever_it_is() {
    let scratch = Scratch::new();
    let Some(options) = scratch.contained().await else { return };
    let program = fs::canonicalize(scratch.path()).expect("a path").join("greet");
    write_program(&scratch.device(), &program, "#!/bin/sh\necho hello\n").await;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(&program, mode).expect("a mode");
    let path = program.to_str().expect("text");
    let (_, message, _) = failure(run(&device(options.clone()), exec([path])).await);
    assert!(message.starts_with("exit status 127"), "{message}");
    let printf =
        if std::path::Path::new("/usr/bin/printf").exists() { "/usr/bin/printf" } else { "/bin/printf" };
    let programs = Some(vec![AllowedProgram::new(&program), AllowedProgram::new(printf)]);
    let listed = device(ProcessOptions { programs, ..options });
    assert_eq!(stdout(run(&listed, exec([path])).await), "hello\n");
    assert_eq!(stdout(run(&listed, exec(["printf", "x"])).await), "x");
}

/// A daemon, a deaf one and a grandchild, which all hold a pipe whose other end is returned: its end is theirs.
const HERD: &str = "
    mkfifo pipe; echo $PWD/pipe; exec 9> pipe
    setsid sh -c 'trap \"\" TERM HUP; (sleep 1000 &) ; sleep 1000' >/dev/null 2>&1 &
    sh -c 'trap \"\" TERM; sleep 1000 & echo > ready; wait' &
    until [ -e ready ]; do :; done
    echo ready";

async fn herd(device: &Arc<ProcessDevice>, script: &str) -> (fs::File, Pending) {
    let mut signals = device.signals().expect("a stream");
    let mut pending = begin(device, sh(&format!("{HERD}\n{script}")));
    let opening = async {
        let pipe = tokio::fs::File::open(heard(&mut signals).await).await.expect("a pipe");
        assert_eq!(heard(&mut signals).await, "ready");
        pipe.into_std().await
    };
    tokio::select! {
        report = &mut pending => panic!("{report:?}"),
        pipe = opening => (pipe, pending),
    }
}

#[tokio::test]
async fn force_ends_whatever_is_inside() {
    let scratch = Scratch::new();
    let Some(options) = scratch.contained().await else { return };
    let device = device(options);
    let (mut pipe, pending) = herd(&device, "wait").await;
    let id = sh("").id;
    let (report, stopped) = join(pending, device.cancel(id, true)).await;
    stopped.expect("stopped");
    assert_eq!(report.expect("a report"), TaskReport::Stopped);
    pipe.read_to_end(&mut Vec::new()).expect("the end of the pipe");
    assert_eq!(scratch.attempts(), [""; 0]);
}

#[tokio::test]
async fn what_is_left_inside_ends_with_the_first() {
    let scratch = Scratch::new();
    let Some(options) = scratch.contained().await else { return };
    let device = device(options);
    let (mut pipe, pending) = herd(&device, "exit 7").await;
    assert_eq!(failure(pending.await.expect("a report")).1, "exit status 7");
    pipe.read_to_end(&mut Vec::new()).expect("the end of the pipe");
}

#[tokio::test]
async fn a_time_limit_ends_whatever_is_inside() {
    let scratch = Scratch::new();
    let Some(options) = scratch.contained().await else { return };
    let device = device(ProcessOptions { kill_grace: Millis(50), ..options });
    let deaf = "trap '' TERM; echo said; sleep 1000 & wait; wait; sleep 1000";
    let (kind, _, result) = failure(run(&device, within(sh(deaf), Millis(1000))).await);
    assert_eq!((kind, &result["stdout"]), (ErrorKind::Timeout, &Value::from("said\n")));
}

#[tokio::test]
async fn a_polite_cancel_lets_a_process_tidy_up() {
    let scratch = Scratch::new();
    let Some(options) = scratch.contained().await else { return };
    let device = device(ProcessOptions { keep_work_dirs: true, ..options });
    let mut signals = device.signals().expect("a stream");
    let attempt = sh("trap 'echo tidy > file; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
    let (id, pending) = (attempt.id.clone(), begin(&device, attempt));
    let cancel = async {
        assert_eq!(heard(&mut signals).await, "ready");
        device.cancel(id, false).await.expect("stopped");
    };
    assert_eq!(join(pending, cancel).await.0.expect("a report"), TaskReport::Stopped);
    let [folder] = scratch.attempts().try_into().expect("one folder");
    let file = scratch.options().work_root.join(folder).join("file");
    assert_eq!(fs::read_to_string(file).expect("a file"), "tidy\n");
}

#[tokio::test]
async fn an_early_cancel_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let Some(options) = scratch.contained().await else { return };
    let device = device(options);
    // Wherever the beginning of a sandbox is interrupted.
    for turns in 0..40 {
        let attempt = sh("mkfifo pipe; sleep 1000");
        let (id, mut pending) = (attempt.id.clone(), begin(&device, attempt));
        for _ in 0..turns {
            assert!((&mut pending).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        let (report, stopped) = join(pending, device.cancel(id, turns % 2 == 0)).await;
        stopped.expect("stopped");
        assert_eq!(report.expect("a report"), TaskReport::Stopped);
    }
    assert_eq!(scratch.attempts(), [""; 0]);
}

#[test]
fn the_end_of_the_runtime_ends_whatever_is_inside() {
    let scratch = Scratch::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let started = runtime.block_on(async {
        let device = device(scratch.contained().await?);
        Some(herd(&device, "wait").await)
    });
    let Some((mut pipe, pending)) = started else { return };
    std::mem::forget(pending); // Nobody asks the attempt to stop.
    drop(runtime);
    pipe.read_to_end(&mut Vec::new()).expect("the end of the pipe");
}

/// The system would end a sandbox together with the thread that started it.
#[test]
fn a_sandbox_outlives_the_thread_that_asked_for_it() {
    let scratch = Scratch::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let script = "mkfifo go; echo $PWD/go; read x < go; echo $x";
    let asking = || {
        runtime.block_on(async {
            let device = device(scratch.contained().await?);
            let mut signals = device.signals().expect("a stream");
            let mut pending = begin(&device, sh(script));
            tokio::select! {
                report = &mut pending => panic!("{report:?}"),
                pipe = heard(&mut signals) => Some((pipe, pending)),
            }
        })
    };
    let Some((pipe, pending)) = std::thread::scope(|scope| scope.spawn(asking).join().expect("an answer"))
    else {
        return;
    };
    let report = runtime.block_on(async {
        tokio::fs::write(pipe, "went on\n").await.expect("a pipe");
        pending.await.expect("a report")
    });
    assert!(stdout(report).ends_with("/go\nwent on\n"));
}

/// Names the folder of the test that has started this program once more, to kill it.
const HOST: &str = "STARLINE_TEST_HOST";

/// No test by itself: the program that [`the_death_of_the_program_ends_whatever_is_inside`] kills.
#[tokio::test]
#[expect(clippy::print_stderr, reason = "whoever started this reads it there")]
async fn host_of_a_sandbox() {
    let Some(folder) = std::env::var_os(HOST) else { return };
    let options = ProcessOptions { allow_sh: true, work_root: folder.into(), ..ProcessOptions::default() };
    let device = device(ProcessOptions { sandbox: Sandbox::Bwrap, ..options });
    let mut signals = device.signals().expect("a stream");
    let mut pending = begin(&device, sh(&format!("{HERD}\nwait")));
    let telling = async {
        eprintln!("{}", heard(&mut signals).await);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        report = &mut pending => panic!("{report:?}"),
        () = telling => {}
    }
}

#[tokio::test]
async fn the_death_of_the_program_ends_whatever_is_inside() {
    let scratch = Scratch::new();
    if scratch.contained().await.is_none() {
        return;
    }
    let mut host = Command::new(std::env::current_exe().expect("this program"))
        .args(["sandbox::host_of_a_sandbox", "--exact", "--nocapture"])
        .env(HOST, scratch.options().work_root)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("a process");
    let mut said = BufReader::new(host.stderr.take().expect("a pipe")).lines();
    let mut pipe = fs::File::open(said.next().expect("a line").expect("text")).expect("a pipe");
    host.kill().expect("killed");
    host.wait().expect("a status");
    pipe.read_to_end(&mut Vec::new()).expect("the end of the pipe");
}
