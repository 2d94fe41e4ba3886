//! The course of a simulation as text.

use std::fmt::Write as _;

use starline_scheduler::{Answer, Refusal};
use starline_types::{Envelope, Event, RunId, Timestamp};

use crate::Action;

/// The course of a simulation as text; costs nothing unless it is kept.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    kept: bool,
    /// Whether what devices do is kept as well.
    all: bool,
    text: String,
}

impl Trace {
    pub(crate) fn keep(&mut self) {
        self.kept = true;
    }

    pub(crate) fn keep_all(&mut self) {
        (self.kept, self.all) = (true, true);
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A fact that has become durable.
    pub(crate) fn fact(&mut self, now: Timestamp, envelope: &Envelope) {
        if self.kept {
            let (run, kind) = (&envelope.run_id, envelope.event.kind().as_str());
            let data = data(&envelope.event);
            self.line(format_args!("{now:>10}  {run}  {:>3} {kind:<21} {data}", envelope.seq.0));
        }
    }

    /// What a command came to.
    pub(crate) fn answer(
        &mut self,
        now: Timestamp,
        run: &RunId,
        action: &Action,
        answer: Option<&Result<Answer, Refusal>>,
    ) {
        if self.kept {
            let what = match answer {
                Some(Ok(Answer::Done)) | None => "done".to_owned(),
                Some(Ok(Answer::Count(count))) => format!("{count} tasks"),
                Some(Ok(Answer::Committed(applied))) => format!("revision {}", applied.revision.0),
                Some(Ok(Answer::Checked(applied))) => format!("would be revision {}", applied.revision.0),
                Some(Err(refusal)) => format!("refused: {refusal}"),
            };
            self.line(format_args!("{now:>10}  {run}  > {action}: {what}"));
        }
    }

    /// What happened to devices and to the orchestrator.
    pub(crate) fn circumstance(&mut self, now: Timestamp, what: &str) {
        if self.kept {
            self.line(format_args!("{now:>10}  ~ {what}"));
        }
    }

    /// Anything else.
    pub(crate) fn note(&mut self, now: Timestamp, what: impl FnOnce() -> String) {
        if self.all {
            let what = what();
            self.line(format_args!("{now:>10}  - {what}"));
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{line}");
        self.text.truncate(self.text.trim_end().len());
        self.text.push('\n');
    }
}

/// The data of a fact in one line; a graph is too long for one.
fn data(event: &Event) -> String {
    if let Event::RunCreated { name, graph, .. } = event {
        return format!("{name:?}: {} tasks, {} dependencies", graph.tasks.len(), graph.dependencies.len());
    }
    match serde_json::to_string(event) {
        Ok(text) => match text.split_once(r#""data":"#) {
            Some((_, data)) => data.strip_suffix('}').unwrap_or(data).to_owned(),
            None => String::new(),
        },
        Err(error) => error.to_string(),
    }
}

/// A hash of a text that is the same everywhere: FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo).
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
