//! What processes may use up, as the system keeps to it.

use starline_device::{ErrorKind, Millis};
use starline_transport_process::{Limits, ProcessOptions};

use crate::request::{Scratch, device, exec, failure, run, sh, stdout};

fn limited(scratch: &Scratch, limits: Limits) -> ProcessOptions {
    ProcessOptions { limits, ..scratch.options() }
}

#[tokio::test]
async fn a_process_has_the_limits_it_was_given() {
    let scratch = Scratch::new();
    let mut all = vec![scratch.options()];
    all.extend(scratch.contained().await);
    for options in all {
        let limits = Limits {
            cpu: Some(Millis(1500)),
            memory: Some(1 << 30),
            files: Some(40),
            file_size: Some(1 << 20),
            processes: Some(5000),
        };
        let device = device(ProcessOptions { limits, ..options });
        let script = "ulimit -S -t; ulimit -H -t; ulimit -v; ulimit -n; ulimit -f; ulimit -c";
        assert_eq!(stdout(run(&device, sh(script)).await), "2\n3\n1048576\n40\n2048\n0\n");
        // Shells differ in how they call it.
        let count = stdout(run(&device, sh("ulimit -u 2>/dev/null || ulimit -p")).await);
        assert_eq!(count.trim(), "5000");
        // None of them can be raised again, unless by the superuser.
        if !nix::unistd::geteuid().is_root() {
            assert_eq!(
                failure(run(&device, sh("ulimit -n 50 2>/dev/null || exit 7")).await).1,
                "exit status 7"
            );
        }
        // Only what was asked for is limited, and the streams are the program's own.
        assert_eq!(stdout(run(&device, exec(["echo", "x"])).await), "x\n");
    }
}

#[tokio::test]
async fn too_much_processor_time_is_told() {
    let scratch = Scratch::new();
    let mut all = vec![scratch.options()];
    all.extend(scratch.contained().await);
    for options in all {
        let limits = Limits { cpu: Some(Millis::from_secs(1)), ..Limits::default() };
        let device = device(ProcessOptions { limits, ..options });
        let (kind, message, _) = failure(run(&device, sh("while :; do :; done")).await);
        assert_eq!(kind, ErrorKind::ExitStatus);
        assert!(message.contains("(its limit is 1s of processor time)"), "{message}");
    }
}

#[tokio::test]
async fn too_large_a_file_is_told() {
    let scratch = Scratch::new();
    let limits = Limits { file_size: Some(64 << 10), ..Limits::default() };
    let device = device(limited(&scratch, limits));
    let (kind, message, _) = failure(run(&device, sh("exec head -c 1000000 /dev/zero > file")).await);
    assert_eq!(kind, ErrorKind::ExitStatus);
    assert_eq!(message, "killed by signal 25 (SIGXFSZ) (its limit is files of 65536 bytes)");
    assert_eq!(
        stdout(run(&device, sh("head -c 65536 /dev/zero > file; wc -c < file")).await).trim(),
        "65536"
    );
}

#[tokio::test]
async fn too_much_memory_and_too_many_files_are_told() {
    let scratch = Scratch::new();
    let limits = Limits { memory: Some(256 << 20), files: Some(16), ..Limits::default() };
    let device = device(limited(&scratch, limits));
    // It keeps as much of the end as it is asked for.
    let (_, message, _) = failure(run(&device, sh("cat /dev/zero | tail -c 1000000000")).await);
    assert!(message.contains("(its limit is 268435456 bytes of memory)"), "{message}");
    let script = "tee $(i=0; while [ $i -lt 20 ]; do echo file$i; i=$((i+1)); done) < /dev/null";
    let (_, message, _) = failure(run(&device, sh(script)).await);
    assert!(message.contains("(its limit is 16 open files)"), "{message}");
}

#[tokio::test]
async fn what_cannot_be_limited_is_not_started() {
    let scratch = Scratch::new();
    let mut all = vec![scratch.options()];
    all.extend(scratch.contained().await);
    for options in all {
        let limits = Limits { files: Some(u64::MAX / 2), ..Limits::default() };
        let options = ProcessOptions { limits, base_dir: Some(scratch.path().to_owned()), ..options };
        let device = device(options);
        assert!(device.check().await.is_err());
        let started = scratch.path().join("started");
        let report = run(&device, exec(["touch", started.to_str().expect("text")])).await;
        let (kind, message, result) = failure(report);
        assert_eq!((kind, result.is_null()), (ErrorKind::DeviceError, true));
        assert!(message.starts_with("limits could not be set: "), "{message}");
        assert!(!started.exists());
    }
    assert_eq!(scratch.attempts(), [""; 0]);
}
