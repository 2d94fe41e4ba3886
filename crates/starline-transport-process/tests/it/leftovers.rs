//! What is left when the process that starts tasks is killed by force. The process is this test program, started once
//! more; what it does next depends on what its tasks say, and it is killed when they have said enough.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::join;
use starline_device::{Device, DeviceSignal};
use starline_transport_process::{Leftovers, LeftoversError, ProcessDevice, ProcessOptions, Sandbox};

use crate::request::{Scratch, assert_dead, begin, exec, is_alive, numbers, profile, run, sh, stdout};

/// Folder in which the second process is at work, and what it does there.
const FOLDER: &str = "STARLINE_TEST_FOLDER";
const SCENE: &str = "STARLINE_TEST_SCENE";
/// Marks what tasks have said, between what the test program says.
const SAID: &str = "said ";

/// Every way to leave: each says the numbers of all of its processes.
const FAMILY: [&str; 6] = [
    "echo $$; exec sleep 1000",
    "setsid sleep 1000 & echo $$ $!; wait",
    "(nohup setsid sleep 1000 >/dev/null 2>&1 & echo $!); echo $$; exec sleep 1000",
    "sh -c 'sh -c \"sleep 1000 & echo \\$! \\$\\$ \\$PPID; wait\" & wait' & echo $$; wait",
    // Without the variable, and in its group; then without it, and out of the group.
    "echo $$; exec env -i /bin/sleep 1000",
    "env -i setsid /bin/sleep 1000 & echo $$ $!; wait",
];
/// Those before it can be found after the end of their parents.
const STAYING: usize = 4;
/// Starts processes all the time that carry nothing and are in no group of ours.
const RESTLESS: &str =
    "while :; do env -i setsid /bin/sleep 0.02 & env -i /bin/sleep 0.001; echo 0; wait; done";
/// How many processes these are.
const MEMBERS: usize = 1 + 2 + 2 + 4 + 1 + 2;

fn registered(scratch: &Path, sandbox: Sandbox) -> Arc<ProcessDevice> {
    let options =
        ProcessOptions { allow_sh: true, sandbox, work_root: scratch.join("attempts"), ..Default::default() };
    Arc::new(ProcessDevice::new(profile(), options).with_register(scratch.join("groups")))
}

/// The second process. Without its variables it is a test of nothing.
#[test]
fn host() {
    let (Ok(folder), Ok(scene)) = (std::env::var(FOLDER), std::env::var(SCENE)) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let sandbox = if scene == "sandbox" { Sandbox::Bwrap } else { Sandbox::None };
        let device = registered(Path::new(&folder), sandbox);
        let mut signals = device.signals().expect("a stream");
        let telling = async {
            while let Some(signal) = signals.next().await {
                if let DeviceSignal::Progress { text, .. } = signal {
                    text.lines().for_each(tell);
                }
            }
        };
        let working = async {
            match scene.parse::<usize>() {
                Ok(fatal) => storm(&device, fatal).await,
                Err(_) if scene == "restless" => {
                    let _ = begin(&device, sh(RESTLESS)).await;
                }
                Err(_) => {
                    let all = FAMILY.iter().enumerate().map(|(number, script)| {
                        let mut attempt = sh(script);
                        attempt.id.number = u32::try_from(number).expect("small") + 1;
                        begin(&device, attempt)
                    });
                    futures_util::future::join_all(all).await;
                }
            }
        };
        join(telling, working).await;
    });
}

#[expect(clippy::print_stdout, reason = "the first process reads it")]
fn tell(line: &str) {
    println!("{SAID}{line}");
}

/// Starts tasks for ever, eight at a time, short ones among them. The one with the fatal number ends this process as
/// soon as it is a program.
async fn storm(device: &Arc<ProcessDevice>, fatal: usize) {
    let me = std::process::id().to_string();
    let attempts = futures_util::stream::iter(0_usize..).map(|number| {
        let script = FAMILY[number % STAYING];
        let mut attempt = match number {
            number if number == fatal => exec(["kill", "-9", &me]),
            number if number.is_multiple_of(3) => sh("echo 0"),
            number if number % 8 == 1 => sh(&format!("{script} & sleep 0.05; exit 0")),
            _ => sh("setsid sleep 0.2 & env -i sleep 0.01; echo 0; sleep 0.01"),
        };
        attempt.id.number = u32::try_from(number).unwrap_or(u32::MAX);
        begin(device, attempt)
    });
    attempts.buffer_unordered(8).for_each(|_| async {}).await;
}

struct Host {
    process: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Host {
    fn start(folder: &Path, scene: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "leftovers::host", "--nocapture"]);
        command.env(FOLDER, folder).env(SCENE, scene).stdout(Stdio::piped());
        let mut process = command.spawn().expect("a process");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        Self { process, lines }
    }

    /// What its tasks say next; `None` when it has ended.
    fn said(&mut self) -> Option<String> {
        let line = self.lines.by_ref().map_while(Result::ok).find(|line| line.contains(SAID))?;
        line.split_once(SAID).map(|(_, said)| said.to_owned())
    }

    /// Numbers of processes, as many as these.
    fn numbers(&mut self, count: usize) -> Vec<i32> {
        let mut all = Vec::new();
        while all.len() < count {
            all.extend(numbers(&self.said().expect("more")));
        }
        all
    }

    fn kill(mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("a status");
    }
}

async fn end(scratch: &Scratch) -> Leftovers {
    let left = ProcessDevice::end_leftovers(scratch.path().join("groups")).await;
    left.unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)))
}

/// Processes that work in a folder or have it in their environment.
fn at_work_in(folder: &Path) -> Vec<i32> {
    let folder = folder.join("attempts").to_string_lossy().into_owned();
    let all = fs::read_dir("/proc").expect("a table").flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_there = |number: &i32| {
        let environment = fs::read(format!("/proc/{number}/environ")).unwrap_or_default();
        let place = fs::read_link(format!("/proc/{number}/cwd")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(&folder) || place.to_string_lossy().contains(&folder)
    };
    numbers.filter(|number| is_there(number) && is_alive(*number)).collect()
}

#[tokio::test]
async fn nothing_is_left_of_a_process_that_was_killed() {
    let scratch = Scratch::new();
    let mut foreign = Command::new("sleep").arg("1000").spawn().expect("a process");
    let mut host = Host::start(scratch.path(), "family");
    let family = host.numbers(MEMBERS);
    assert_eq!(family.len(), MEMBERS);

    let pid = host.process.id();
    let refused = ProcessDevice::end_leftovers(scratch.path().join("groups")).await.expect_err("it lives");
    assert!(matches!(refused, LeftoversError::Alive { pid: found } if found == pid), "{refused:?}");
    assert_eq!(refused.to_string(), format!("process {pid} is alive and runs tasks of its own"));
    assert!(family.iter().all(|number| is_alive(*number)), "nothing was ended");

    host.kill();
    assert!(family.iter().all(|number| is_alive(*number)), "this is what it is about");
    // Two at once: between them they end everything, and each returns when nothing is left.
    let (one, other) = join(end(&scratch), end(&scratch)).await;
    assert_dead(&family);
    assert_eq!((one.groups + other.groups, one.processes + other.processes), (FAMILY.len(), MEMBERS));
    assert_eq!([one.warnings, other.warnings].concat(), [""; 0]);
    assert_eq!(at_work_in(scratch.path()), [0; 0]);
    assert_eq!(end(&scratch).await, Leftovers::default());
    assert!(is_alive(foreign.id().cast_signed()), "it only has the same name");
    foreign.kill().expect("killed");
    foreign.wait().expect("a status");
}

/// Each of them starts the next one, without the variable, in a session of its own, and stays its parent for a moment.
#[tokio::test]
async fn what_begins_while_it_is_looked_for_is_found() {
    let scratch = Scratch::new();
    let mut host = Host::start(scratch.path(), "restless");
    for _ in 0..20 {
        host.said().expect("more");
    }
    host.kill();
    let left = end(&scratch).await;
    assert_eq!(at_work_in(scratch.path()), [0; 0], "{left:?}");
}

#[tokio::test]
async fn nothing_is_left_of_a_sandbox() {
    let scratch = Scratch::new();
    if scratch.contained().await.is_none() {
        return;
    }
    let mut host = Host::start(scratch.path(), "sandbox");
    // Numbers inside mean nothing out here.
    for _ in 0..FAMILY.len() {
        host.said().expect("more");
    }
    assert_ne!(at_work_in(scratch.path()), [0; 0]);
    host.kill();
    end(&scratch).await;
    assert_eq!(at_work_in(scratch.path()), [0; 0]);
}

/// Some moments are counted in what tasks have said, others are those in which a task has just become a program: then
/// it is in the register or not yet.
#[tokio::test]
async fn there_is_no_moment_at_which_something_escapes() {
    let mut random: usize = 20_261_120;
    for round in 0..30 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = (random >> 33) % 25;
        let scratch = Scratch::new();
        if round % 2 == 0 {
            let mut host = Host::start(scratch.path(), &usize::MAX.to_string());
            for _ in 0..=moment {
                host.said().expect("more");
            }
            host.kill();
        } else {
            let mut host = Host::start(scratch.path(), &moment.to_string());
            while host.said().is_some() {}
            host.process.wait().expect("a status");
        }
        let left = end(&scratch).await;
        assert_eq!(at_work_in(scratch.path()), [0; 0], "round {round}, moment {moment}: {left:?}");
    }
}

#[tokio::test]
async fn a_life_in_order_leaves_no_register_and_its_tasks_know_it() {
    let scratch = Scratch::new();
    assert_eq!(end(&scratch).await, Leftovers::default(), "the folder is not there");
    let device = registered(scratch.path(), Sandbox::None);
    let mut shell = starline_device::Shell { script: "echo $STARLINE_HOST".to_owned(), ..Default::default() };
    shell.env.insert("STARLINE_HOST".to_owned(), "somebody else".to_owned());
    let attempt = crate::request::attempt("t", starline_device::Payload::Sh(Arc::new(shell)));
    let token = stdout(run(&device, attempt).await);
    assert!(token.trim_end().len() == 32 && token.trim_end().bytes().all(|byte| byte.is_ascii_hexdigit()));
    let registers = || {
        let entries = fs::read_dir(scratch.path().join("groups")).expect("a folder").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|name| name != "lock")
    };
    let names: Vec<String> = registers().collect();
    assert_eq!(names, [format!("{}-{}.groups", std::process::id(), token.trim_end())]);
    drop(device);
    assert_eq!(registers().count(), 0);
}

#[tokio::test]
async fn what_cannot_be_written_down_does_not_start() {
    let scratch = Scratch::new();
    let file = scratch.path().join("groups");
    fs::write(&file, "").expect("a file in its place");
    let device = registered(scratch.path(), Sandbox::None);
    let (kind, message, _) = crate::request::failure(run(&device, sh("echo started > \"$OLDPWD/x\"")).await);
    assert_eq!(kind, starline_device::ErrorKind::DeviceError);
    assert!(message.starts_with("register of process groups could not be written: "), "{message}");
    let refused = ProcessDevice::end_leftovers(&file).await.expect_err("no folder");
    assert!(matches!(refused, LeftoversError::System { .. }), "{refused:?}");
}
