//! Questions to a person before a task: asked on a terminal, or told where nobody can be asked.

use std::collections::VecDeque;
use std::io::{self, BufRead, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::{env, thread};

use starline::orchestrator::Run;
use starline::types::{Envelope, Event, Millis, RunId, TaskId};
use tokio::sync::mpsc::{Receiver, channel};

use crate::drive::Watcher;
use crate::line::{shortened, span};
use crate::moment::utc;
use crate::output::Output;

/// Who answers questions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answers {
    /// The person at the terminal.
    Terminal,
    /// Nobody here.
    Nobody,
    /// They were answered in advance.
    InAdvance,
}

impl Answers {
    /// Who answers the questions of a run that is followed here.
    pub(crate) fn of(in_advance: bool, output: &Output) -> Self {
        if in_advance {
            Self::InAdvance
        } else if !output.is_json() && io::stdin().is_terminal() && io::stderr().is_terminal() {
            Self::Terminal
        } else {
            Self::Nobody
        }
    }
}

/// The questions of a run that are open.
#[derive(Debug)]
pub(crate) struct Gates {
    answers: Answers,
    /// The first is the one that is shown.
    open: VecDeque<Question>,
    /// Whether the first is shown.
    shown: bool,
    reader: Option<Reader>,
    /// Whether the person at the terminal has ended the input.
    has_ended: bool,
}

#[derive(Debug)]
struct Question {
    task: TaskId,
    prompt: Arc<str>,
}

/// A thread that reads a line whenever one is asked for: reading cannot be given up.
#[derive(Debug)]
struct Reader {
    ask: SyncSender<()>,
    lines: Receiver<Option<String>>,
    /// Whether a line was asked for and has not come.
    busy: bool,
}

impl Reader {
    fn start() -> io::Result<Self> {
        let (ask, asked) = sync_channel(1);
        let (tell, lines) = channel(1);
        thread::Builder::new().name("answers".to_owned()).spawn(move || {
            while asked.recv().is_ok() {
                let mut line = String::new();
                let read = io::stdin().lock().read_line(&mut line);
                let line = matches!(read, Ok(1..)).then_some(line);
                let over = line.is_none();
                if tell.blocking_send(line).is_err() || over {
                    break;
                }
            }
        })?;
        Ok(Self { ask, lines, busy: false })
    }
}

impl Gates {
    pub(crate) fn new(answers: Answers) -> Self {
        Self { answers, open: VecDeque::new(), shown: false, reader: None, has_ended: false }
    }

    /// Takes a fact in.
    pub(crate) fn observe(&mut self, envelope: &Envelope, output: &Output) {
        match &envelope.event {
            Event::ApprovalRequested { task, prompt, deadline, .. } => match self.answers {
                Answers::InAdvance => {}
                Answers::Terminal => {
                    self.open.push_back(Question { task: task.id().clone(), prompt: Arc::clone(prompt) });
                }
                Answers::Nobody => {
                    let left = deadline.map(|deadline| deadline.since(envelope.t));
                    let waiting = Waiting { run: &envelope.run_id, task: task.id(), prompt };
                    output.notice(&waiting.first(left, envelope.at.0, self.has_ended));
                }
            },
            Event::ApprovalGranted { task, .. }
            | Event::ApprovalRefused { task, .. }
            | Event::ApprovalExpired { task }
            | Event::TaskCancelled { task, .. }
            | Event::TaskSkipped { task, .. } => self.close(task.id()),
            event if event.run_end().is_some() => {
                self.shown &= self.open.is_empty();
                self.open.clear();
            }
            _ => {}
        }
    }

    /// Takes in a fact from before this process: what was asked and not answered is asked again.
    pub(crate) fn observe_past(&mut self, envelope: &Envelope) {
        match &envelope.event {
            Event::ApprovalRequested { task, prompt, .. } => {
                self.open.push_back(Question { task: task.id().clone(), prompt: Arc::clone(prompt) });
            }
            Event::ApprovalGranted { task, .. }
            | Event::ApprovalRefused { task, .. }
            | Event::ApprovalExpired { task }
            | Event::TaskCancelled { task, .. }
            | Event::TaskSkipped { task, .. } => self.close(task.id()),
            _ => {}
        }
    }

    /// After the facts from before this process: where nobody can be asked, it is told what is waited for.
    pub(crate) fn go_on(&mut self, run: &RunId, output: &Output) {
        match self.answers {
            Answers::Terminal => {}
            Answers::Nobody => self.give_up(run, "nobody is asked here", output),
            Answers::InAdvance => self.open.clear(),
        }
    }

    fn close(&mut self, task: &TaskId) {
        let Some(at) = self.open.iter().position(|question| question.task == *task) else { return };
        self.open.remove(at);
        self.shown &= at > 0;
    }

    /// Shows the question that is open, if there is one and it is not shown yet.
    pub(crate) fn show(&mut self, run: &RunId, watcher: &mut dyn Watcher, output: &Output) {
        if self.shown {
            return;
        }
        let Some(question) = self.open.front() else { return watcher.question(None) };
        let prompt = if question.prompt.is_empty() {
            String::new()
        } else {
            format!(" {}", shortened(&question.prompt))
        };
        watcher.question(Some(&format!("approve task {}?{prompt} [y/N] ", question.task)));
        self.shown = true;
        if self.reader.is_none() {
            match Reader::start() {
                Ok(reader) => self.reader = Some(reader),
                Err(error) => return self.give_up(run, &error.to_string(), output),
            }
        }
        if let Some(reader) = &mut self.reader
            && !reader.busy
        {
            reader.busy = reader.ask.try_send(()).is_ok();
        }
    }

    /// Waits for the next line of the person at the terminal; for ever if nobody was asked.
    ///
    /// # Cancellation safety
    /// Dropping the future loses nothing.
    pub(crate) async fn line(&mut self) -> Option<String> {
        match &mut self.reader {
            Some(reader) if reader.busy => {
                let line = reader.lines.recv().await.flatten();
                reader.busy = false;
                line
            }
            _ => std::future::pending().await,
        }
    }

    /// Does what the person at the terminal has said; nothing more comes after `None`.
    pub(crate) async fn answer(&mut self, line: Option<String>, run: &Run, output: &Output) {
        self.shown = false;
        let Some(line) = line else {
            self.has_ended = true;
            return self.give_up(run.id(), "there is no more input", output);
        };
        let Some(question) = self.open.front() else { return };
        let task = question.task.clone();
        let answered = match line.trim().to_lowercase().as_str() {
            "y" | "yes" => run.approve(task, &user()).await,
            "" | "n" | "no" => run.reject(task, &user()).await,
            _ => return output.notice("answer y for yes or n for no; with no the task is cancelled"),
        };
        self.open.pop_front();
        if let Err(error) = answered {
            output.notice(&format!("the answer came too late: {error}"));
        }
    }

    fn give_up(&mut self, run: &RunId, why: &str, output: &Output) {
        self.answers = Answers::Nobody;
        self.reader = None;
        for Question { task, prompt } in std::mem::take(&mut self.open) {
            let waiting = Waiting { run, task: &task, prompt: &prompt };
            output.notice(&waiting.again(why));
        }
    }
}

/// A question that nobody here answers.
struct Waiting<'q> {
    run: &'q RunId,
    task: &'q TaskId,
    prompt: &'q str,
}

impl Waiting<'_> {
    /// Says that a run waits, for what and until when, and what to do about it.
    fn first(&self, left: Option<Millis>, at: u64, has_ended: bool) -> String {
        let until = match left {
            Some(left) => format!("until {} ({})", utc(at.saturating_add(left.0)), span(left)),
            None => "for ever".to_owned(),
        };
        let why = if has_ended { "there is no more input" } else { "nobody is asked here" };
        format!(
            "the run waits for approval of task {}{} {until}: {why}; {}; with --yes everything is approved in advance",
            self.task,
            self.asked(),
            self.elsewhere()
        )
    }

    /// Says that a question which was shown stays open.
    fn again(&self, why: &str) -> String {
        let (task, asked) = (self.task, self.asked());
        format!(
            "the question stays open, and task {task}{asked} waits for approval: {why}; {}",
            self.elsewhere()
        )
    }

    fn asked(&self) -> String {
        if self.prompt.is_empty() { String::new() } else { format!(" ({})", shortened(self.prompt)) }
    }

    fn elsewhere(&self) -> String {
        let (run, task) = (self.run, self.task);
        format!(
            "answer in another terminal with `starline approve {run} {task}` or `starline reject {run} {task}`"
        )
    }
}

/// Who answers: the name of the user, as the system has it.
fn user() -> String {
    let name =
        ["USER", "LOGNAME"].into_iter().find_map(|name| env::var(name).ok().filter(|name| !name.is_empty()));
    name.map_or_else(|| "operator".to_owned(), |name| shortened(&name))
}
