//! The built program, started in a folder of its own.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// A folder for one test, removed at its end.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("cli-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// A folder with one file.
    pub(crate) fn with(name: &str, text: &str) -> Self {
        let folder = Self::new();
        folder.write(name, text);
        folder
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), text).expect("a file");
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The program with these arguments, and with no variable of the tests' own surroundings that it reads.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_starline"));
        command
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STARLINE_"))
        {
            command.env_remove(name);
        }
        command.env_remove("NO_COLOR");
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments))
    }

    /// Runs the program to its end and reads what it writes as facts and a result.
    pub(crate) fn run_json(&self, arguments: &[&str]) -> Facts {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        self.run(&arguments).facts()
    }

    /// Starts the program with a standard input that stays open and says nothing.
    pub(crate) fn start_with_stdin(&self, arguments: &[&str]) -> Live {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().expect("the program");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Live { child, stdout: Some(stdout) }
    }

    /// Starts the program.
    pub(crate) fn start(&self, arguments: &[&str]) -> Live {
        let mut child = self.command(arguments).spawn().expect("the program");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Live { child, stdout: Some(stdout) }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(mut command: Command) -> Self {
        let output = command.output().expect("the program");
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Standard output as one object.
    pub(crate) fn object(&self) -> Value {
        let text = &self.stdout;
        assert_eq!(text.lines().count(), 1, "{text}\n{}", self.stderr);
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Standard output as facts and a result.
    pub(crate) fn facts(self) -> Facts {
        let mut lines: Vec<Value> = self.stdout.lines().map(json).collect();
        let result = lines.pop().unwrap_or_else(|| panic!("no result: {}", self.stderr));
        Facts { code: self.code, events: lines, result, stderr: self.stderr }
    }
}

pub(crate) fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// The facts and the result of a run.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) code: Option<i32>,
    pub(crate) events: Vec<Value>,
    pub(crate) result: Value,
    pub(crate) stderr: String,
}

impl Facts {
    /// The status of a task in the result.
    pub(crate) fn status(&self, task: &str) -> &str {
        self.result["results"][task]["status"].as_str().unwrap_or_else(|| panic!("no task {task}: {self:?}"))
    }

    /// Facts of a kind, about any task.
    pub(crate) fn of(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["kind"] == kind).collect()
    }

    /// Position of the first fact of a kind about a task.
    pub(crate) fn position(&self, kind: &str, task: &str) -> usize {
        let wanted = |event: &Value| event["kind"] == kind && event["data"]["task"] == task;
        self.events.iter().position(wanted).unwrap_or_else(|| panic!("no {kind} of {task}"))
    }
}

/// A program that is running.
#[derive(Debug)]
pub(crate) struct Live {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Live {
    /// The next line of output as JSON.
    pub(crate) fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.stdout.as_mut().expect("an open pipe").read_line(&mut line).expect("a line");
        (read > 0).then(|| json(&line))
    }

    /// Reads until a fact of a kind; facts are the clock of these tests.
    pub(crate) fn until(&mut self, kind: &str) -> Value {
        while let Some(event) = self.next() {
            if event["kind"] == kind {
                return event;
            }
        }
        panic!("ended without {kind}");
    }

    /// Reads until a fact of a kind about a task.
    pub(crate) fn until_task(&mut self, kind: &str, task: &str) -> Value {
        loop {
            let event = self.until(kind);
            if event["data"]["task"] == task {
                return event;
            }
        }
    }

    /// Reads to its end: the exit code, and the last line.
    pub(crate) fn end(self) -> (Option<i32>, Value) {
        let (code, mut rest, stderr) = self.wait();
        (code, rest.pop().unwrap_or_else(|| panic!("no result: {stderr}")))
    }

    /// Reads until a task says which process it has started, as a line `pid NUMBER`.
    pub(crate) fn until_pid(&mut self) -> u32 {
        loop {
            let event = self.until("progress");
            let text = event["data"]["text"].as_str().unwrap_or_default();
            if let Some(pid) = text.lines().find_map(|line| line.strip_prefix("pid ")?.parse().ok()) {
                return pid;
            }
        }
    }

    /// Waits until the program has a handler of its own for a signal; without a system that says so, at once.
    pub(crate) fn until_listening(&self, number: u32) {
        let path = format!("/proc/{}/status", self.child.id());
        let caught = |status: &str| {
            let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        };
        while let Ok(status) = fs::read_to_string(&path) {
            if caught(&status).is_none_or(|mask| mask >> (number - 1) & 1 == 1) {
                return;
            }
            std::thread::yield_now();
        }
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &command]).status().expect("a shell");
        assert!(status.success());
    }

    /// Stops reading what it writes.
    pub(crate) fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// Waits for its end without reading on.
    pub(crate) fn code(mut self) -> Option<i32> {
        // Waiting would close it, which says something as well.
        let stdin = self.child.stdin.take();
        let code = self.child.wait().expect("an end").code();
        drop(stdin);
        code
    }

    /// Waits for its end and reads the rest of its output.
    pub(crate) fn wait(mut self) -> (Option<i32>, Vec<Value>, String) {
        let mut rest = String::new();
        if let Some(mut stdout) = self.stdout.take() {
            stdout.read_to_string(&mut rest).expect("text");
        }
        let mut stderr = String::new();
        self.child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("text");
        let code = self.child.wait().expect("an end").code();
        (code, rest.lines().map(json).collect(), stderr)
    }
}

/// Whether a process can still do something: it is there, and is no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    if Path::new("/proc/self/stat").exists() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
        return state.is_some_and(|state| !matches!(state, "Z" | "X"));
    }
    let status = Command::new("sh").args(["-c", &format!("kill -0 {pid} 2>/dev/null")]).status();
    status.expect("a shell").success()
}

/// Runs the program with a text for its standard input.
pub(crate) fn with_stdin(mut command: Command, text: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the program");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("a reader");
    let output = child.wait_with_output().expect("an end");
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

/// The words of all facts, in order, without anything that time decides.
pub(crate) fn words(events: &[Value]) -> Vec<String> {
    let told = |event: &Value| {
        let data = &event["data"];
        let fields = ["task", "attempt", "device", "reason", "retry", "delay_ms", "edge"];
        let fields = fields.iter().filter(|field| !data[**field].is_null());
        let fields: Vec<String> = fields.map(|field| format!("{field}={}", data[*field])).collect();
        format!("{} {}", event["kind"], fields.join(" "))
    };
    events.iter().map(told).collect()
}

/// Distinct values of a field of the data of facts.
pub(crate) fn distinct<'e>(events: &[&'e Value], field: &str) -> BTreeSet<&'e str> {
    events.iter().filter_map(|event| event["data"][field].as_str()).collect()
}

/// Says that a test misses something outside; the test then returns.
#[expect(clippy::print_stdout, reason = "the test run reads it there")]
pub(crate) fn skip(reason: &str) {
    println!("skipped: {reason}");
}
