//! Whatever ends an attempt, no process of it is left.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use starline_device::{Device, ErrorKind, Millis, TaskReport};
use starline_transport_process::{ProcessDevice, ProcessOptions};

use crate::request::{
    Pending, Scratch, assert_dead, begin, device, exec, failure, heard, is_alive, numbers, run, sh, stdout,
    within,
};

/// A shell, a child, a grandchild and a child that hears no polite signal; it says who they are.
const FAMILY: &str = "
    sleep 1000 & child=$!
    sh -c 'trap \"\" TERM; sleep 1000 & echo $! > pid; wait' & deaf=$!
    until [ -s pid ]; do :; done
    echo $$ $child $deaf $(cat pid)
    wait";
/// The same without the deaf one.
const POLITE_FAMILY: &str = "
    sleep 1000 & child=$!
    (sleep 1000 & echo $! > pid; wait) & other=$!
    until [ -s pid ]; do :; done
    echo $$ $child $other $(cat pid)
    wait";

#[tokio::test]
async fn a_polite_cancel_ends_the_whole_group() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let mut signals = device.signals().expect("a stream");
    let attempt = sh(POLITE_FAMILY);
    let (id, pending) = (attempt.id.clone(), begin(&device, attempt));
    let cancel = async {
        let family = numbers(&heard(&mut signals).await);
        assert!(family.len() == 4 && family.iter().all(|number| is_alive(*number)));
        device.cancel(id, false).await.expect("stopped");
        assert_dead(&family);
    };
    let (report, ()) = join(pending, cancel).await;
    assert_eq!(report.expect("a report"), TaskReport::Stopped);
    assert_eq!(scratch.attempts(), [""; 0]);
}

#[tokio::test]
async fn a_polite_cancel_waits_for_the_last_and_force_does_not() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let mut signals = device.signals().expect("a stream");
    let attempt = sh(FAMILY);
    let (id, pending) = (attempt.id.clone(), begin(&device, attempt));
    let cancel = async {
        let family = numbers(&heard(&mut signals).await);
        let mut polite = device.cancel(id.clone(), false);
        assert!((&mut polite).now_or_never().is_none());
        let mut forced = device.cancel(id, true);
        assert!((&mut forced).now_or_never().is_none(), "an answer comes when all are gone");
        let (polite, forced) = join(polite, forced).await;
        assert!(polite.is_ok() && forced.is_ok());
        assert_dead(&family);
    };
    let (report, ()) = join(pending, cancel).await;
    assert_eq!(report.expect("a report"), TaskReport::Stopped);
}

#[tokio::test]
async fn a_process_may_tidy_up() {
    let scratch = Scratch::new();
    let device = device(ProcessOptions { base_dir: Some(scratch.path().to_owned()), ..scratch.options() });
    let mut signals = device.signals().expect("a stream");
    let script = "trap 'echo tidy > \"$FILE\"; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
    let file = scratch.path().join("file");
    let mut shell = starline_device::Shell { script: script.to_owned(), ..Default::default() };
    shell.env.insert("FILE".to_owned(), file.display().to_string());
    let attempt = crate::request::attempt("t", starline_device::Payload::Sh(Arc::new(shell)));
    let (id, pending) = (attempt.id.clone(), begin(&device, attempt));
    let cancel = async {
        assert_eq!(heard(&mut signals).await, "ready");
        device.cancel(id, false).await.expect("stopped");
    };
    let (report, ()) = join(pending, cancel).await;
    assert_eq!(report.expect("a report"), TaskReport::Stopped, "even with status 0: it was not done");
    assert_eq!(std::fs::read_to_string(file).expect("a file"), "tidy\n");
}

#[tokio::test]
async fn a_suspended_process_hears_a_polite_cancel() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let mut signals = device.signals().expect("a stream");
    let attempt = sh("sh -c 'kill -STOP $$' & stopped=$!; echo $$ $stopped; wait; sleep 1000");
    let (id, pending) = (attempt.id.clone(), begin(&device, attempt));
    let cancel = async {
        let family = numbers(&heard(&mut signals).await);
        device.cancel(id, false).await.expect("stopped");
        assert_dead(&family);
    };
    assert_eq!(join(pending, cancel).await.0.expect("a report"), TaskReport::Stopped);
}

#[tokio::test]
async fn a_time_limit_ends_the_group_by_force_if_needed() {
    let scratch = Scratch::new();
    let device = device(ProcessOptions { kill_grace: Millis(50), ..scratch.options() });
    let (kind, message, result) = failure(run(&device, within(sh(FAMILY), Millis(2000))).await);
    assert_eq!((kind, message.as_str()), (ErrorKind::Timeout, "attempt ran longer than 2s"));
    let family = numbers(result["stdout"].as_str().expect("what it said is kept"));
    assert_dead(&family);
}

/// Who counts the time asks for the end a moment before the device would.
#[tokio::test]
async fn an_attempt_that_is_stopped_at_its_limit_shows_what_it_wrote() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let mut signals = device.signals().expect("a stream");
    let attempt = within(sh("echo begun; sleep 1000"), Millis(100));
    let (id, mut pending) = (attempt.id.clone(), begin(&device, attempt));
    let report = tokio::select! {
        // On a busy machine its time may be over before it has said anything.
        report = &mut pending => report,
        _ = heard(&mut signals) => {
            let (report, stopped) = join(pending, device.cancel(id, false)).await;
            stopped.expect("stopped");
            report
        }
    };
    let (kind, message, result) = failure(report.expect("a report"));
    assert_eq!((kind, message.as_str()), (ErrorKind::Timeout, "attempt ran longer than 100ms"));
    assert!(result["stdout"].is_string(), "{result}");
}

#[tokio::test]
async fn dropping_the_future_kills_the_group() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let mut signals = device.signals().expect("a stream");
    let attempt = sh(FAMILY);
    let id = attempt.id.clone();
    let mut pending = begin(&device, attempt);
    let family = tokio::select! {
        report = &mut pending => panic!("{report:?}"),
        text = heard(&mut signals) => numbers(&text),
    };
    drop(pending);
    device.cancel(id, false).await.expect("stopped");
    assert_dead(&family);
    device.shut_down().await;
    assert_eq!(scratch.attempts(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutting_down_kills_all_groups() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let mut signals = device.signals().expect("a stream");
    let mut attempts = tokio::task::JoinSet::new();
    for number in 1..=5 {
        let mut attempt = sh(FAMILY);
        attempt.id.number = number;
        attempts.spawn(begin(&device, attempt));
    }
    let mut families = Vec::new();
    for _ in 1..=5 {
        families.extend(numbers(&heard(&mut signals).await));
    }
    device.shut_down().await;
    assert_dead(&families);
    assert_eq!(scratch.attempts(), [""; 0]);
    for report in attempts.join_all().await {
        assert_eq!(report.expect("a report"), TaskReport::Stopped);
    }
}

/// Starts a family whose members all hold the pipe that is returned, so that its end is their end: the
/// system closes what a process holds when the process ends.
async fn family_on_a_pipe(device: &Arc<ProcessDevice>) -> (File, Pending) {
    let mut signals = device.signals().expect("a stream");
    let script = format!("mkfifo pipe; echo $PWD/pipe; exec 9> pipe; {FAMILY}");
    let mut pending = begin(device, sh(&script));
    let opening = async {
        let path = heard(&mut signals).await;
        let file = tokio::fs::File::open(path).await.expect("a pipe");
        let family = numbers(&heard(&mut signals).await);
        assert!(family.len() == 4 && family.iter().all(|number| is_alive(*number)));
        file.into_std().await
    };
    tokio::select! {
        report = &mut pending => panic!("{report:?}"),
        file = opening => (file, pending),
    }
}

#[tokio::test]
async fn letting_go_of_the_device_ends_no_attempt() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let mut signals = device.signals().expect("a stream");
    let pending = begin(&device, sh("mkfifo go; echo $PWD/go; read x < go; echo $x"));
    drop(device);
    let talk = async {
        let pipe = heard(&mut signals).await;
        tokio::fs::write(pipe, "went on\n").await.expect("a pipe");
    };
    let (report, ()) = join(pending, talk).await;
    assert!(stdout(report.expect("a report")).ends_with("/go\nwent on\n"));
    assert_eq!(scratch.attempts(), [""; 0]);
}

#[test]
fn the_end_of_the_runtime_kills_all_groups() {
    let scratch = Scratch::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let device = scratch.device();
    let (mut pipe, pending) = runtime.block_on(family_on_a_pipe(&device));
    std::mem::forget(pending); // Nobody asks the attempt to stop.
    drop(runtime);
    pipe.read_to_end(&mut Vec::new()).expect("the end of the pipe");
    assert_eq!(scratch.attempts(), [""; 0]);
}

#[tokio::test]
async fn what_the_leader_leaves_behind_is_killed() {
    let scratch = Scratch::new();
    let device = scratch.device();
    // One that holds the pipes open, and one that does not and hears no polite signal.
    let open = stdout(run(&device, sh("sleep 1000 & echo $!")).await);
    let quiet = "sh -c 'trap \"\" TERM HUP; sleep 1000' </dev/null >/dev/null 2>&1 & echo $!";
    let closed = stdout(run(&device, sh(quiet)).await);
    assert_dead(&[numbers(&open), numbers(&closed)].concat());
    // The status of the leader counts.
    assert_eq!(failure(run(&device, sh("sleep 1000 & exit 7")).await).1, "exit status 7");
}

#[tokio::test]
async fn last_words_of_those_left_behind_are_heard() {
    let scratch = Scratch::new();
    // They get all the time they want, and the attempt is over as soon as they are.
    let patient = device(ProcessOptions { drain: Millis::from_secs(3600), ..scratch.options() });
    let said = stdout(run(&patient, sh("(read x < /dev/null; echo late) & exit 0")).await);
    assert_eq!(said, "late\n");
}

#[tokio::test]
async fn a_process_that_leaves_its_group_does_not_hang_the_attempt() {
    let scratch = Scratch::new();
    let device = scratch.device();
    if !matches!(begin(&device, exec(["setsid", "true"])).await, Ok(TaskReport::Completed { .. })) {
        return; // This system has no such program.
    }
    let script = "mkfifo ready; setsid sh -c 'echo $$; echo > ready; exec sleep 1000' & read x < ready";
    let said = stdout(run(&device, sh(script)).await);
    let left = numbers(&said);
    assert_eq!(left.len(), 1);
    assert!(is_alive(left[0]), "it is not followed");
    kill(Pid::from_raw(left[0]), Signal::SIGKILL).expect("killed");
}

/// As `timeout` does, and shells with job control: a group of its own, below a parent that waits.
#[tokio::test]
async fn who_leaves_the_group_but_not_the_family_is_ended_as_well() {
    const STRAYS: &str = "
        setsid sh -c 'trap \"\" TERM; sleep 1000 & echo $$ $! > pids; wait' &
        until [ -s pids ]; do :; done
        echo $$ $(cat pids)
        wait";
    for force in [false, true] {
        let scratch = Scratch::new();
        let device = scratch.device();
        if !matches!(begin(&device, exec(["setsid", "true"])).await, Ok(TaskReport::Completed { .. })) {
            return; // This system has no such program.
        }
        let mut signals = device.signals().expect("a stream");
        let attempt = sh(STRAYS);
        let (id, pending) = (attempt.id.clone(), begin(&device, attempt));
        let cancel = async {
            let family = numbers(&heard(&mut signals).await);
            assert!(family.len() == 3 && family.iter().all(|number| is_alive(*number)));
            if !force {
                // It hears no polite request, and is waited for.
                assert!(device.cancel(id.clone(), false).now_or_never().is_none());
            }
            device.cancel(id, true).await.expect("stopped");
            assert_dead(&family);
        };
        assert_eq!(join(pending, cancel).await.0.expect("a report"), TaskReport::Stopped);
    }
}

#[tokio::test]
async fn a_cancel_after_the_end_and_of_the_unknown_is_fine() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let attempt = exec(["true"]);
    let id = attempt.id.clone();
    device.cancel(id.clone(), true).await.expect("not there");
    assert_eq!(stdout(run(&device, attempt).await), "");
    device.cancel(id, false).await.expect("over");
}

#[tokio::test]
async fn a_cancel_before_the_first_poll_starts_nothing() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let attempt = sh("touch ../started");
    let id = attempt.id.clone();
    let pending = begin(&device, attempt);
    let mut cancel = device.cancel(id, false);
    assert!((&mut cancel).now_or_never().is_none());
    let (report, answer) = join(pending, cancel).await;
    assert_eq!(report.expect("a report"), TaskReport::Stopped);
    assert!(answer.is_ok());
    assert_eq!(scratch.attempts(), [""; 0]);
}

#[tokio::test]
async fn a_flood_of_output_does_not_keep_a_cancel_waiting() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let mut signals = device.signals().expect("a stream");
    let attempt = within(sh("echo $$; yes & yes >&2"), Millis::from_secs(600));
    let (id, pending) = (attempt.id.clone(), begin(&device, attempt));
    let cancel = async {
        let first = heard(&mut signals).await;
        device.cancel(id, false).await.expect("stopped");
        assert_dead(&numbers(first.lines().next().unwrap_or_default()));
    };
    assert_eq!(join(pending, cancel).await.0.expect("a report"), TaskReport::Stopped);
}
