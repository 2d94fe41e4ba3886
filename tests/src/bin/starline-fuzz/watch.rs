//! The parent: it shares inputs out to children, and looks after them.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use starline_tests::fuzz::{Finding, Source};

use crate::options::{Options, Work};
use crate::report::Report;
use crate::work::save;

/// Inputs that one child runs.
const SHARE: u64 = 20_000;
/// Most address space of a child, in KiB: 256 MiB, and 96 MiB for the program with its stacks and its tables.
const SPACE: u64 = (256 + 96) << 10;
/// How long one input may take with everything that is checked of it.
const HANG: Duration = Duration::from_secs(40);
/// How often a child is looked after.
const LOOK: Duration = Duration::from_millis(25);

/// Runs all inputs.
pub(crate) fn hunt(options: &Options) -> io::Result<Report> {
    let program = std::env::current_exe()?;
    let output = program.parent().and_then(Path::parent).unwrap_or_else(|| Path::new("target")).join("fuzz");
    fs::create_dir_all(&output)?;
    let queue = Mutex::new(shares(options, &output));
    let report = Mutex::new(Report::new(options));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..options.jobs)
            .map(|job| {
                scope.spawn({
                    let (queue, report, program, output) = (&queue, &report, &program, &output);
                    move || watch(job, queue, report, program, output)
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("a watcher panicked")))
        })
    })?;
    Ok(report.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// The inputs in shares, those of a target one after the other.
fn shares(options: &Options, output: &Path) -> VecDeque<Work> {
    let weights: u64 = options.targets.iter().map(|target| target.weight).sum();
    let mut shares = VecDeque::new();
    for target in &options.targets {
        let inputs = (options.inputs * target.weight).div_ceil(weights.max(1));
        for from in (0..inputs).step_by(SHARE as usize) {
            let to = (from + SHARE).min(inputs);
            let findings = output.to_owned();
            shares.push_back(Work { target, seed: options.seed, from, to, at: PathBuf::new(), findings });
        }
    }
    shares
}

fn watch(
    job: usize,
    queue: &Mutex<VecDeque<Work>>,
    report: &Mutex<Report>,
    program: &Path,
    output: &Path,
) -> io::Result<()> {
    loop {
        let next = queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop_front();
        let Some(mut work) = next else { return Ok(()) };
        work.at = output.join(format!("at-{job}"));
        while work.from < work.to {
            let said = output.join(format!("said-{job}"));
            fs::write(&work.at, [])?;
            let mut child = start(program, &work, &said)?;
            let end = attend(&mut child, &work.at)?;
            let mut report = report.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            report.read(work.target.name, &fs::read_to_string(&said)?);
            let what = match end {
                End::Finished(status) if status.success() => break,
                End::Finished(status) => format!("the process ended: {status}"),
                End::Hung => format!("hang: more than {} s", HANG.as_secs()),
            };
            let Some(index) = number(&work.at) else {
                return Err(io::Error::other(format!(
                    "a child of {} did not begin: {what}",
                    work.target.name
                )));
            };
            // The input is made again here: the same numbers give the same bytes.
            let input = Source::new(work.target).input(work.seed, index);
            let finding = Finding { what, index, input };
            let path = save(output, work.target, work.seed, &finding)?;
            report.read(work.target.name, &format!("finding {path} {}", finding.what));
            report.lost(work.target.name, index - work.from + 1);
            work.from = index + 1;
        }
    }
}

/// Starts a child within a limit of memory.
fn start(program: &Path, work: &Work, said: &Path) -> io::Result<Child> {
    // One arena: further ones reserve address space that nobody uses.
    let script = format!("ulimit -c 0; ulimit -v {SPACE}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(program).args(work.words()).env("MALLOC_ARENA_MAX", "1");
    command.stdin(Stdio::null()).stdout(File::create(said)?).stderr(Stdio::null()).spawn()
}

enum End {
    Finished(ExitStatus),
    Hung,
}

/// Waits for a child as long as it gets on.
#[expect(
    clippy::disallowed_methods,
    reason = "a watchdog reads the clock and waits; nothing of the product runs here"
)]
fn attend(child: &mut Child, at: &Path) -> io::Result<End> {
    let (mut last, mut since) = (None, Instant::now());
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(End::Finished(status));
        }
        let now = number(at);
        if now != last {
            (last, since) = (now, Instant::now());
        } else if since.elapsed() > HANG {
            child.kill()?;
            child.wait()?;
            return Ok(End::Hung);
        }
        std::thread::sleep(LOOK);
    }
}

/// The number of the input that a child runs.
fn number(at: &Path) -> Option<u64> {
    let bytes: [u8; 8] = fs::read(at).ok()?.try_into().ok()?;
    u64::from_le_bytes(bytes).checked_sub(1)
}
