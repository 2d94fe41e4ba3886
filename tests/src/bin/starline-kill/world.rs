//! One workflow, carried out by processes that are killed.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use starline_tests::fuzz::Dice;
use starline_types::Envelope;

use crate::options::Options;
use crate::{folder, ledger, task};

/// Longest time that a process may take which is not killed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was done to worlds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) worlds: u64,
    pub(crate) kills: u64,
    pub(crate) task_kills: u64,
    pub(crate) stops: u64,
    pub(crate) edits: u64,
    pub(crate) tasks: u64,
    /// Executions that were cut off, or whose end was not recorded.
    pub(crate) repeated: u64,
}

impl Tally {
    /// Adds those of others.
    pub(crate) fn add(&mut self, other: &Self) {
        self.worlds += other.worlds;
        self.kills += other.kills;
        self.task_kills += other.task_kills;
        self.stops += other.stops;
        self.edits += other.edits;
        self.tasks += other.tasks;
        self.repeated += other.repeated;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { worlds, kills, task_kills, stops, edits, tasks, repeated } = self;
        write!(
            f,
            "{worlds} runs of {tasks} tasks, {kills} kills of the program, {task_kills} of tasks, {stops} stops, \
             {edits} edits acknowledged, {repeated} executions cut off and repeated"
        )
    }
}

/// A run that is tormented.
#[derive(Debug)]
pub(crate) struct World<'o> {
    dice: Dice,
    options: &'o Options,
    folder: PathBuf,
    edges: Vec<(String, String)>,
    acknowledged: BTreeSet<String>,
    tally: Tally,
}

impl<'o> World<'o> {
    /// A random workflow in a folder of its own.
    pub(crate) fn new(seed: u64, options: &'o Options) -> Result<Self, String> {
        let folder = folder(seed).map_err(|error| format!("no folder: {error}"))?;
        let dice = Dice::new(seed, "kill", 0);
        let (edges, acknowledged, tally) = (Vec::new(), BTreeSet::new(), Tally::default());
        let mut world = Self { dice, options, folder, edges, acknowledged, tally };
        let text = world.workflow()?;
        fs::write(world.folder.join("workflow.yaml"), text).map_err(|error| error.to_string())?;
        Ok(world)
    }

    fn workflow(&mut self) -> Result<String, String> {
        let me = Options::me()?;
        let ledger = self.folder.join("ledger");
        let count = 10 + self.dice.below(30);
        let mut text = String::from("version: 1\nname: killed\ntasks:\n");
        for at in 0..count {
            let span = self.dice.below(120);
            let exec = format!("{:?}, {}, {ledger:?}, \"{span}\"", me, task::WORD);
            let _ = write!(
                text,
                "  t{at}:\n    run: {{ exec: [{exec}] }}\n    retry: {{ max: 100, lost_max: 100, base: 5ms, cap: 20ms }}\n"
            );
            let mut after = BTreeSet::new();
            for _ in 0..self.dice.below(3).min(at) {
                after.insert(at - 1 - self.dice.below(at.min(6)));
            }
            if !after.is_empty() {
                let names: Vec<String> = after.iter().map(|task| format!("t{task}")).collect();
                let _ = writeln!(text, "    after: [{}]", names.join(", "));
                self.edges.extend(names.into_iter().map(|from| (from, format!("t{at}"))));
            }
        }
        self.tally.tasks = count as u64;
        Ok(text)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.options.program);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    fn start(&self, verb: &[&str]) -> Result<Child, String> {
        let log = |name: &str| {
            let mut options = fs::OpenOptions::new();
            options.append(true).create(true).open(self.folder.join(name)).map_err(|error| error.to_string())
        };
        let mut command = self.command(verb);
        command.stdout(log("out")?).stderr(log("err")?);
        command.spawn().map_err(|error| format!("the program does not start: {error}"))
    }

    /// Carries the workflow out and kills whoever does.
    pub(crate) fn play(mut self) -> Result<Tally, String> {
        let kills = 3 + self.dice.below(8) as u64;
        let mut verb: &[&str] = &["run", "workflow.yaml"];
        let end = loop {
            let mut child = self.start(verb)?;
            let last = self.tally.kills >= kills;
            match self.torment(&mut child, last)? {
                Some(code) => break code,
                None => self.tally.kills += 1,
            }
            let facts = match self.journal() {
                Some(folder) => self.facts(&folder)?,
                None => Vec::new(),
            };
            verb = match facts.last() {
                // Killed behind the end of the run.
                Some(last) if last.event.run_end().is_some() => break Some(0),
                Some(_) => &["resume", "last"],
                // Killed before its first fact: nobody was told that there is a run.
                None => {
                    self.forget()?;
                    &["run", "workflow.yaml"]
                }
            };
        };
        if end != Some(0) {
            return Err(format!("the last process ended with {end:?}: {}", self.said()));
        }
        let run = self.journal().ok_or("there is no run")?;
        let verified =
            self.command(&["journal", "verify", "last"]).output().map_err(|error| error.to_string())?;
        if !verified.status.success() {
            return Err(format!("the journal: {}", String::from_utf8_lossy(&verified.stdout)));
        }
        let facts = self.facts(&run)?;
        self.tally.repeated =
            ledger::check(&self.folder.join("ledger"), &facts, &self.edges, &self.acknowledged)?;
        let done = facts.iter().filter(|fact| fact.event.kind().as_str() == "task_completed").count() as u64;
        if done != self.tally.tasks + self.acknowledged.len() as u64 {
            return Err(format!("{done} tasks were done of {}", self.tally.tasks));
        }
        self.tally.worlds = 1;
        if !self.options.keep {
            fs::remove_dir_all(&self.folder).map_err(|error| error.to_string())?;
        }
        Ok(self.tally)
    }

    /// Lets a process work for a while, does something to it, and kills it unless it has ended. The last one is left
    /// alone.
    fn torment(&mut self, child: &mut Child, last: bool) -> Result<Option<Option<i32>>, String> {
        let began = Instant::now();
        let patience = if last { PATIENCE } else { Duration::from_millis(self.dice.often_small(700) as u64) };
        let mut busy = !last;
        while began.elapsed() < patience {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                return Ok(Some(status.code()));
            }
            if busy && began.elapsed() > Duration::from_millis(40) {
                busy = self.dice.once_in(2);
                self.interfere(child)?;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        if last {
            let _ = child.kill();
            return Err(format!("the run does not end: {}", self.said()));
        }
        let ended = child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
        // It may have been faster.
        Ok(ended.code().map(Some))
    }

    fn interfere(&mut self, child: &Child) -> Result<(), String> {
        match self.dice.below(4) {
            0 => {
                let mut tasks = self.tasks_of(child);
                if !tasks.is_empty() {
                    let at = self.dice.below(tasks.len());
                    let _ = kill(tasks.swap_remove(at), Signal::SIGKILL);
                    self.tally.task_kills += 1;
                }
            }
            1 => {
                let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
                let _ = kill(pid, Signal::SIGSTOP);
                std::thread::sleep(Duration::from_millis(self.dice.below(80) as u64));
                let _ = kill(pid, Signal::SIGCONT);
                self.tally.stops += 1;
            }
            2 => self.edit()?,
            _ => {}
        }
        Ok(())
    }

    /// Adds a task. Once that is acknowledged, it is to be done whatever happens.
    fn edit(&mut self) -> Result<(), String> {
        let name = format!("e{}", self.tally.edits + self.dice.below(1 << 20) as u64 * 1000);
        let (me, ledger) = (Options::me()?, self.folder.join("ledger"));
        let payload = format!("{{exec: [{me:?}, {}, {ledger:?}, \"10\"]}}", task::WORD);
        let retry = "retry={max: 100, lost_max: 100, base: 5ms, cap: 20ms}";
        let arguments =
            ["edit", "last", "--add-task", &name, "--run", &payload, "--set", retry, "--after", "t0"];
        let answer = self.command(&arguments).output().map_err(|error| error.to_string())?;
        if answer.status.success() {
            self.acknowledged.insert(name);
            self.tally.edits += 1;
        }
        Ok(())
    }

    /// Processes that a process has started, without their own.
    fn tasks_of(&self, child: &Child) -> Vec<Pid> {
        // Each thread has its own.
        let threads = fs::read_dir(format!("/proc/{}/task", child.id())).into_iter().flatten().flatten();
        let children: Vec<String> =
            threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok()).collect();
        let pids =
            children.iter().flat_map(|line| line.split_whitespace()).filter_map(|pid| pid.parse().ok());
        pids.filter(|pid| {
            fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains("ledger"))
        })
        .map(Pid::from_raw)
        .collect()
    }

    fn journal(&self) -> Option<PathBuf> {
        let runs = fs::read_dir(self.folder.join(".starline/runs")).ok()?;
        runs.flatten().map(|run| run.path()).find(|run| run.join("journal.redb").exists())
    }

    fn facts(&self, run: &Path) -> Result<Vec<Envelope>, String> {
        let name = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let exported =
            self.command(&["journal", "export", &name]).output().map_err(|error| error.to_string())?;
        if !exported.status.success() {
            return Err(format!("export: {}", String::from_utf8_lossy(&exported.stderr)));
        }
        let text = String::from_utf8(exported.stdout).map_err(|error| error.to_string())?;
        text.lines().map(|line| serde_json::from_str(line).map_err(|error| error.to_string())).collect()
    }

    /// Removes a run that has not begun.
    fn forget(&self) -> Result<(), String> {
        let state = self.folder.join(".starline");
        if state.exists() { fs::remove_dir_all(state).map_err(|error| error.to_string()) } else { Ok(()) }
    }

    fn said(&self) -> String {
        let text = fs::read_to_string(self.folder.join("err")).unwrap_or_default();
        let from = text.len().saturating_sub(600);
        text.get(from..).unwrap_or_default().replace('\n', " | ")
    }
}
