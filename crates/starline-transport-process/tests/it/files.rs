//! Files that are sent along with a task, and files that it leaves behind.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor, Read};
use std::os::unix::fs::symlink;
use std::sync::{Arc, Mutex};

use starline_device::{
    Artifact, Attempt, AttemptFile, BlobHash, BlobStore, ErrorKind, Payload, Shell, TaskReport, Value,
};
use starline_transport_process::{ProcessDevice, ProcessOptions};

use crate::request::{Scratch, attempt, failure, profile, run, sh, stdout};

/// A store in memory.
#[derive(Debug, Default)]
struct Memory(Mutex<BTreeMap<BlobHash, Vec<u8>>>);

impl Memory {
    fn text(&self, artifact: &Artifact) -> String {
        let mut text = String::new();
        self.open(&artifact.hash).expect("kept").read_to_string(&mut text).expect("text");
        text
    }

    fn count(&self) -> usize {
        self.0.lock().expect("unharmed").len()
    }
}

impl BlobStore for Memory {
    fn store(&self, name: &str, contents: &mut dyn Read, limit: u64) -> io::Result<Artifact> {
        let mut bytes = Vec::new();
        contents.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large"));
        }
        let hash = BlobHash::from_hex(&blake3::hash(&bytes).to_hex()).expect("a hash");
        let artifact = Artifact { hash: hash.clone(), bytes: bytes.len() as u64, name: name.to_owned() };
        self.0.lock().expect("unharmed").insert(hash, bytes);
        Ok(artifact)
    }

    fn open(&self, hash: &BlobHash) -> io::Result<Box<dyn Read + Send>> {
        match self.0.lock().expect("unharmed").get(hash) {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "not kept here")),
        }
    }
}

fn keeping(options: ProcessOptions) -> (Arc<ProcessDevice>, Arc<Memory>) {
    let store = Arc::new(Memory::default());
    let device = ProcessDevice::new(profile(), options).with_blobs(Arc::clone(&store) as Arc<dyn BlobStore>);
    (Arc::new(device), store)
}

fn with_file(mut attempt: Attempt, name: &str, file: AttemptFile) -> Attempt {
    attempt.files.insert(name.to_owned(), file);
    attempt
}

fn collecting(script: &str, paths: &[&str]) -> Attempt {
    let collect = paths.iter().map(|path| (*path).to_owned()).collect();
    attempt("t", Payload::Sh(Arc::new(Shell { script: script.to_owned(), collect, ..Shell::default() })))
}

/// The files in the result of an attempt that completed.
fn files(report: TaskReport) -> BTreeMap<String, Artifact> {
    match report {
        TaskReport::Completed { result, .. } => {
            let files = result["files"].as_object().cloned().unwrap_or_default();
            let artifact = |value: &Value| Artifact::from_value(value).expect("an artefact");
            files.iter().map(|(path, value)| (path.clone(), artifact(value))).collect()
        }
        other => panic!("not completed: {other:?}"),
    }
}

#[tokio::test]
async fn files_are_there_before_the_process_is() {
    let scratch = Scratch::new();
    let mut all = vec![scratch.options(), scratch.limited()];
    all.extend(scratch.contained().await);
    for options in all {
        let options = ProcessOptions { base_dir: Some(scratch.path().to_owned()), ..options };
        let (device, store) = keeping(options);
        let rules = store.store("my rules.txt", &mut &b"the rules\n"[..], 100).expect("kept");
        let script = "cat $STARLINE_INPUTS/rules.txt $STARLINE_WORK_DIR/inputs/rules.txt;
            cd $STARLINE_INPUTS; ls -l | tail -n +2 | cut -c1-10; ls -ld . | cut -c1-10";
        for cwd in [None, Some(".".to_owned())] {
            let shell = Shell { script: script.to_owned(), cwd, ..Shell::default() };
            let task = attempt("t", Payload::Sh(Arc::new(shell)));
            let task = with_file(task, "rules", AttemptFile::new("rules", rules.clone()));
            assert_eq!(stdout(run(&device, task).await), "the rules\nthe rules\n-rw-------\ndrwx------\n");
        }
        assert_eq!(scratch.attempts(), [""; 0]);
    }
}

#[tokio::test]
async fn files_that_cannot_be_given_are_named() {
    let scratch = Scratch::new();
    let (device, store) = keeping(scratch.options());
    let kept = store.store("a", &mut &b"abc"[..], 100).expect("kept");
    let file =
        |path: &str, artifact: &Artifact| AttemptFile { path: path.to_owned(), artifact: artifact.clone() };
    let missing = Artifact { hash: BlobHash::from_hex(&"0".repeat(64)).expect("a hash"), ..kept.clone() };
    let cut = Artifact { bytes: 2, ..kept.clone() };
    for (file, why) in [
        (file("inputs/a", &missing), "not kept here"),
        (file("inputs/a", &cut), "it has 3 bytes"),
        (file("../a", &kept), "leads out of the folder"),
        (file("/tmp/starline-test-a", &kept), "leads out of the folder"),
        (file("inputs/../../a", &kept), "leads out of the folder"),
        (file("", &kept), "leads out of the folder"),
    ] {
        let (kind, message, _) = failure(run(&device, with_file(sh("true"), "rules", file)).await);
        assert_eq!(kind, ErrorKind::InvalidRequest);
        assert!(message.contains("`rules`") && message.contains(why), "{message}");
    }
    let twice = with_file(sh("true"), "one", file("inputs/a", &kept));
    let (kind, message, _) = failure(run(&device, with_file(twice, "two", file("inputs/a", &kept))).await);
    assert_eq!(kind, ErrorKind::InvalidRequest);
    assert!(message.contains("`two`"), "{message}");

    let none = scratch.device();
    let (kind, message, _) =
        failure(run(&none, with_file(sh("true"), "rules", file("inputs/a", &kept))).await);
    assert_eq!(kind, ErrorKind::InvalidRequest);
    assert!(message.contains("`rules`") && message.contains("no store"), "{message}");
    assert_eq!(scratch.attempts(), [""; 0]);
}

#[tokio::test]
async fn files_that_were_asked_for_are_kept() {
    let scratch = Scratch::new();
    let mut all = vec![scratch.options(), scratch.limited()];
    all.extend(scratch.contained().await);
    for options in all {
        let (device, store) = keeping(options);
        let script =
            "mkdir -p out; echo a,b > out/report.csv; printf x > -rf; ln -s out/report.csv link; echo done";
        let report =
            run(&device, collecting(script, &["out/report.csv", "-rf", "link", "out/report.csv"])).await;
        let kept = files(report.clone());
        let told: Vec<_> =
            kept.iter().map(|(path, file)| (path.as_str(), file.name.as_str(), file.bytes)).collect();
        let expected = [("-rf", "-rf", 1), ("link", "link", 4), ("out/report.csv", "report.csv", 4)];
        assert_eq!(told, expected);
        assert_eq!(store.text(&kept["out/report.csv"]), "a,b\n");
        assert_eq!(stdout(report), "done\n");
        assert_eq!(store.count(), 2);
    }
}

#[tokio::test]
async fn files_are_looked_for_where_the_process_ran() {
    let scratch = Scratch::new();
    let (device, store) =
        keeping(ProcessOptions { base_dir: Some(scratch.path().to_owned()), ..scratch.options() });
    let shell = Shell {
        script: "echo here > report; echo other > $STARLINE_WORK_DIR/report".to_owned(),
        cwd: Some(".".to_owned()),
        collect: vec!["report".to_owned()],
        ..Shell::default()
    };
    let report = run(&device, attempt("t", Payload::Sh(Arc::new(shell)))).await;
    assert_eq!(store.text(&files(report)["report"]), "here\n");
}

#[tokio::test]
async fn a_file_that_is_not_there_or_not_below_fails_the_attempt() {
    let scratch = Scratch::new();
    let secret = scratch.path().join("secret");
    fs::write(&secret, "secret").expect("a file");
    symlink("/etc", scratch.path().join("etc")).expect("a link");
    let (device, store) = keeping(ProcessOptions { blob_limit: 1000, ..scratch.options() });
    let outside = scratch.path().display().to_string();
    for (script, path, why) in [
        ("true".to_owned(), "report.csv", "it is not there"),
        ("mkdir report.csv".to_owned(), "report.csv", "it is no regular file"),
        ("mkfifo report.csv".to_owned(), "report.csv", "it is no regular file"),
        (format!("ln -s {outside}/secret report.csv"), "report.csv", "it leads out of the folder"),
        (format!("ln -s {outside} out"), "out/secret", "it leads out of the folder"),
        ("ln -s ../../secret report.csv".to_owned(), "report.csv", "it leads out of the folder"),
        ("ln -s nowhere report.csv".to_owned(), "report.csv", "it is not there"),
        ("ln -s report.csv report.csv".to_owned(), "report.csv", ""),
        ("head -c 1001 /dev/zero > report.csv".to_owned(), "report.csv", "1000 are kept at most"),
    ] {
        let (kind, message, result) = failure(run(&device, collecting(&script, &[path])).await);
        assert_eq!(kind, ErrorKind::BadOutput, "{message}");
        assert!(message.contains(&format!("{path:?}")) && message.contains(why), "{message}");
        assert_eq!(result["exit_code"], Value::from(0), "what there is to show is shown");
    }
    // What leads nowhere good by its letters starts nothing.
    let started = scratch.path().join("started");
    for path in ["../secret", "/etc/passwd", "", ".", "a/../b", "a/", "a\0"] {
        let attempt = collecting(&format!("touch {}", started.display()), &[path]);
        let (kind, message, _) = failure(run(&device, attempt).await);
        assert_eq!(kind, ErrorKind::InvalidRequest, "{message}");
    }
    let none = scratch.device();
    let (kind, ..) = failure(run(&none, collecting(&format!("touch {}", started.display()), &["a"])).await);
    assert_eq!(kind, ErrorKind::InvalidRequest);
    assert!(!started.exists());
    assert_eq!(store.count(), 0);
    // Without success nothing is looked for.
    assert_eq!(failure(run(&device, collecting("exit 3", &["report.csv"])).await).1, "exit status 3");
}
