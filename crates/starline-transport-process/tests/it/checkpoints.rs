//! What a task puts down comes out while it runs and at its end, and into its next attempt.

use std::sync::Arc;

use futures_util::future::join;
use futures_util::{FutureExt, StreamExt};
use starline_device::{
    Attempt, BoxStream, Checkpoint, Device, DeviceSignal, MAX_CHECKPOINT_BYTES, Secret, Secrets, TaskReport,
};
use starline_transport_process::ProcessDevice;

use crate::request::{Scratch, begin, device, profile, run, sh, stdout};

/// Puts standard input down in one step.
const PUT: &str = "put() { cat > \"$STARLINE_CHECKPOINT_OUT.new\"; mv \"$STARLINE_CHECKPOINT_OUT.new\" \
                   \"$STARLINE_CHECKPOINT_OUT\"; }\n";

fn putting(script: &str) -> Attempt {
    sh(&format!("{PUT}{script}"))
}

fn checkpoint(bytes: &[u8]) -> Checkpoint {
    Checkpoint::new(bytes).expect("small")
}

/// What has been said: checkpoints, and messages of the device.
fn said(signals: &mut BoxStream<'static, DeviceSignal>) -> (Vec<Checkpoint>, Vec<String>) {
    let (mut checkpoints, mut texts) = (Vec::new(), Vec::new());
    while let Some(Some(signal)) = signals.next().now_or_never() {
        match signal {
            DeviceSignal::Checkpoint { content, .. } => checkpoints.push(content),
            DeviceSignal::Progress { text, .. } => texts.push(text.to_string()),
            other => panic!("{other:?}"),
        }
    }
    (checkpoints, texts)
}

#[tokio::test]
async fn it_comes_out_while_the_attempt_runs() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let mut signals = device.signals().expect("a stream");
    let attempt = putting("echo page 7 | put; exec sleep 1000");
    let (id, pending) = (attempt.id.clone(), begin(&device, attempt));
    let watching = async {
        match signals.next().await {
            Some(DeviceSignal::Checkpoint { attempt, content }) => {
                assert_eq!((attempt, content), (id.clone(), checkpoint(b"page 7\n")));
            }
            other => panic!("{other:?}"),
        }
        device.cancel(id, true).await.expect("stopped");
    };
    assert_eq!(join(pending, watching).await.0.expect("a report"), TaskReport::Stopped);
    assert_eq!(said(&mut signals), (vec![], vec![]), "it is sent once");
}

#[tokio::test]
async fn the_last_one_comes_out_however_the_attempt_ends() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let mut signals = device.signals().expect("a stream");
    for (end, is_done) in [("exit 0", true), ("exit 3", false), ("kill -9 $$", false)] {
        let report =
            run(&device, putting(&format!("echo one | put; printf 'two\\0\\377' | put; {end}"))).await;
        assert_eq!(matches!(report, TaskReport::Completed { .. }), is_done);
        // It is there before the report is.
        assert_eq!(said(&mut signals), (vec![checkpoint(b"two\0\xff")], vec![]), "{end}");
    }
}

#[tokio::test]
async fn it_comes_into_the_next_attempt() {
    let scratch = Scratch::new();
    let device = scratch.device();
    let mut signals = device.signals().expect("a stream");
    let script = "if [ -e \"$STARLINE_CHECKPOINT\" ]; then cat \"$STARLINE_CHECKPOINT\"; else echo new; fi";
    assert_eq!(stdout(run(&device, putting(script)).await), "new\n");
    let mut next = putting(&format!("{script}; put < \"$STARLINE_CHECKPOINT\""));
    next.checkpoint = Some(checkpoint(b"page 7"));
    assert_eq!(stdout(run(&device, next).await), "page 7");
    let (checkpoints, _) = said(&mut signals);
    assert_eq!(checkpoints, [], "it is what everybody knows");
}

#[tokio::test]
async fn what_cannot_be_kept_is_told_and_left_out() {
    let scratch = Scratch::new();
    let secrets = Secrets::from_iter([("NAME".to_owned(), Secret::new("swordfish"))]);
    let device = Arc::new(ProcessDevice::new(profile(), scratch.options()).with_secrets(secrets));
    let mut signals = device.signals().expect("a stream");
    let largest = format!("head -c {MAX_CHECKPOINT_BYTES} /dev/zero | put");
    run(&device, putting(&largest)).await;
    let (checkpoints, texts) = said(&mut signals);
    assert_eq!((checkpoints.len(), texts.len()), (1, 0));
    for (script, told) in [
        ("{ cat /dev/zero | head -c 1048577; } | put", "more than 1048576 bytes"),
        ("echo swordfish | put", "a secret in it"),
        ("ln -s /etc/passwd \"$STARLINE_CHECKPOINT_OUT\"", "cannot be read"),
        ("mkdir \"$STARLINE_CHECKPOINT_OUT\"", "no regular file"),
        ("mkfifo \"$STARLINE_CHECKPOINT_OUT\"", "no regular file"),
    ] {
        let report = run(&device, putting(script)).await;
        assert!(matches!(report, TaskReport::Completed { .. }), "{script}: {report:?}");
        let (checkpoints, texts) = said(&mut signals);
        assert_eq!(checkpoints, [], "{script}");
        assert!(matches!(texts.as_slice(), [text] if text.contains(told)), "{script}: {texts:?}");
    }
}

#[tokio::test]
async fn it_goes_in_and_out_of_a_sandbox() {
    let scratch = Scratch::new();
    let Some(options) = scratch.contained().await else { return };
    let device = device(options);
    let mut signals = device.signals().expect("a stream");
    let mut attempt = putting("{ cat \"$STARLINE_CHECKPOINT\"; echo and more; } | put");
    attempt.checkpoint = Some(checkpoint(b"page 7 "));
    let report = run(&device, attempt).await;
    assert!(matches!(report, TaskReport::Completed { .. }), "{report:?}");
    assert_eq!(said(&mut signals).0, [checkpoint(b"page 7 and more\n")]);
}
