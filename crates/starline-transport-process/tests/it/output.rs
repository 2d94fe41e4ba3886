//! What processes put out and how they end by themselves.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::join_all;
use starline_device::{
    Device, DeviceSignal, ErrorKind, OutputSource, OutputSpec, OutputType, ProgressStream, TaskReport, Value,
};
use starline_transport_process::ProcessOptions;

use crate::request::{Scratch, attempt, begin, device, exec, failure, heard, run, sh, stdout};

#[tokio::test]
async fn success_has_both_streams() {
    let scratch = Scratch::new();
    let report = run(&scratch.device(), sh("echo out; echo err >&2")).await;
    let expected = Value::from_iter([
        ("exit_code", Value::from(0)),
        ("stdout", Value::from("out\n")),
        ("stderr", Value::from("err\n")),
    ]);
    assert_eq!(report, TaskReport::Completed { result: expected, stdout: Some("out\n".into()) });
}

#[tokio::test]
async fn failure_names_the_status_and_the_last_words() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let (kind, message, result) =
        failure(run(&device, sh("echo x; echo first >&2; echo last >&2; exit 3")).await);
    assert_eq!((kind, message.as_str()), (ErrorKind::ExitStatus, "exit status 3: last"));
    assert_eq!((&result["exit_code"], &result["stdout"]), (&Value::from(3), &Value::from("x\n")));
    assert_eq!(result["stderr"], Value::from("first\nlast\n"));
    assert_eq!(failure(run(&device, exec(["false"])).await).1, "exit status 1");
}

#[tokio::test]
async fn a_signal_is_named() {
    let scratch = Scratch::new();
    let (kind, message, result) = failure(run(&scratch.device(), sh("kill -9 $$")).await);
    assert_eq!((kind, message.as_str()), (ErrorKind::ExitStatus, "killed by signal 9 (SIGKILL)"));
    assert_eq!((&result["signal"], &result["signal_name"]), (&Value::from(9), &Value::from("SIGKILL")));
    assert_eq!(result.get("exit_code"), None);
}

#[tokio::test]
async fn long_output_is_cut_and_never_stops_the_process() {
    let scratch = Scratch::new();
    let device = device(ProcessOptions { capture_limit: 1000, ..scratch.options() });
    // Both streams at once, each far beyond what a pipe holds; the end is told by the file.
    let script = "yes out | head -c 3000000 & yes err | head -c 3000000 >&2; wait; echo done >&2; exit 4";
    let (_, message, result) = failure(run(&device, sh(script)).await);
    assert_eq!(message, "exit status 4: done", "the last line is known though it was not kept");
    assert_eq!(result["stdout"].as_str().map(str::len), Some(1000));
    assert_eq!(result["stderr"].as_str().map(str::len), Some(1000));
    assert_eq!(result["truncated"], Value::from(true));
}

#[tokio::test]
async fn no_output_is_taken_from_a_part_of_what_was_written() {
    let scratch = Scratch::new();
    let device = device(ProcessOptions { capture_limit: 4, ..scratch.options() });
    let named = |from: &OutputSource, script: &str| {
        let mut attempt = sh(script);
        let output = OutputSpec { from: from.clone(), kind: OutputType::String };
        Arc::make_mut(&mut attempt.spec).outputs.insert("o".to_owned(), output);
        attempt
    };
    for from in [OutputSource::Stdout, OutputSource::Pointer("/stdout".into())] {
        let (kind, message, result) = failure(run(&device, named(&from, "echo 12345")).await);
        let expected = "output `o` from stdout: there is more than the 4 bytes that are kept";
        assert_eq!((kind, message.as_str()), (ErrorKind::BadOutput, expected));
        assert_eq!(result["stdout"], Value::from("1234"));
        assert_eq!(stdout(run(&device, named(&from, "printf 1234; echo 12345 >&2")).await), "1234");
    }
    let other = OutputSource::Pointer("/exit_code".into());
    assert_eq!(stdout(run(&device, named(&other, "echo 12345")).await), "1234");
    assert_eq!(
        failure(run(&device, named(&OutputSource::Stdout, "echo 12345; exit 3")).await).1,
        "exit status 3"
    );
}

#[tokio::test]
async fn output_up_to_the_limit_is_whole() {
    let scratch = Scratch::new();
    let report = run(&scratch.device(), sh("yes | head -c 1048576")).await;
    assert_eq!(stdout(report.clone()).len(), 1 << 20);
    match report {
        TaskReport::Completed { result, .. } => assert_eq!(result.get("truncated"), None),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_not_text_is_replaced() {
    let scratch = Scratch::new();
    let report = run(&scratch.device(), exec(["printf", r"a\377\303(\303\244\000b"])).await;
    assert_eq!(stdout(report), "a\u{FFFD}\u{FFFD}(ä\0b");
}

#[tokio::test]
async fn lines_are_told_while_the_process_runs() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let mut signals = device.signals().expect("a stream");
    // The process goes on only when the test has heard it: the name of the pipe is what it says first.
    let script = "mkfifo go; echo $PWD/go; read x < go; echo \"$x\" >&2; printf end";
    let pending = begin(&device, sh(script));
    let talk = async {
        let pipe = heard(&mut signals).await;
        tokio::fs::write(pipe, "went on\n").await.expect("a pipe");
        match signals.next().await {
            Some(DeviceSignal::Progress { attempt, stream, text }) => {
                assert_eq!((attempt.to_string().as_str(), &*text), ("r/t#1", "went on"));
                assert_eq!(stream, ProgressStream::Stderr);
            }
            other => panic!("{other:?}"),
        }
    };
    let (report, ()) = futures_util::future::join(pending, talk).await;
    assert!(stdout(report.expect("a report")).ends_with("/go\nend"));
    assert_eq!(heard(&mut signals).await, "end", "a line without its end is told at the end");
}

#[tokio::test]
async fn a_reader_that_is_behind_misses_lines_and_delays_nobody() {
    let scratch = Scratch::new();
    let device = device(ProcessOptions { capture_limit: 0, ..scratch.options() });
    let signals = device.signals().expect("a stream");
    let report = run(&device, sh("yes 0123456789 | head -c 50000000; echo last")).await;
    assert!(matches!(report, TaskReport::Completed { .. }));
    drop(device); // ends the stream
    let told = signals.count().await;
    assert_eq!(told, 1024);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_attempts_at_once_keep_to_themselves() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let attempts = (0..100).map(|n| {
        let mut attempt = sh("echo $STARLINE_ATTEMPT > file; cat file; echo $STARLINE_ATTEMPT >&2");
        attempt.id.number = n;
        begin(&device, attempt)
    });
    for (n, report) in join_all(attempts).await.into_iter().enumerate() {
        assert_eq!(stdout(report.expect("a report")), format!("{n}\n"));
    }
    assert_eq!(scratch.attempts(), [""; 0]);
    let noop = begin(&device, attempt("t", starline_device::Payload::Noop)).await;
    assert_eq!(noop.expect("a report"), TaskReport::done());
}
