//! Editors: who is asked about a hold, and what is said to a run.

use starline_graph::TaskGraph;
use starline_scheduler::{Answer, Input, Refusal};
use starline_types::{Edit, EditBatch, HoldId, Millis, TaskId};

use super::{Action, Happening, RunFile, Saying, Sim, TRY_AGAIN};

/// What an editor or an operator sees when it makes something up.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) run: usize,
    pub(crate) graph: &'a TaskGraph,
    /// The hold in question, if there is one.
    pub(crate) hold: Option<HoldId>,
}

impl Sim {
    /// A hold is in the hands of the editor.
    pub(super) fn ask_editor(&mut self, run: usize, hold: HoldId) {
        self.with_judge(|judge, _| judge.handed_over(run, hold));
        let seat = &self.office.seats[run];
        let seen = Seen { run, graph: seat.scheduler.graph(), hold: Some(hold) };
        for (after, saying) in self.nature.answer(&seen) {
            self.tally.answers += 1;
            self.agenda.add(self.now + after, Happening::Act(Action::Say { run, saying }));
        }
    }

    /// Somebody says something. While the orchestrator is down it is said again later.
    pub(super) fn say_to(&mut self, run: usize, saying: Saying) {
        if !self.up {
            let said = Action::Say { run, saying };
            return self.agenda.add(self.now + TRY_AGAIN, Happening::Act(said));
        }
        if run >= self.office.seats.len() {
            return;
        }
        let seat = &self.office.seats[run];
        let saying = match saying {
            Saying::Improvise(salt) => {
                let hold = seat.scheduler.synchronizer().active().map(|(hold, _)| hold);
                let seen = Seen { run, graph: seat.scheduler.graph(), hold };
                self.nature.improvise(salt, &seen)
            }
            saying => saying,
        };
        let Some(input) = saying.input(self.office.seats[run].scheduler.revision()) else { return };
        match saying {
            Saying::Attach => self.runs[run].attached = true,
            Saying::Detach => self.runs[run].attached = false,
            _ => {}
        }
        let answer = self.hear_out(run, input);
        self.answer = answer;
        let action = Action::Say { run, saying };
        let Self { trace, answer, runs, now, .. } = self;
        trace.answer(*now, &runs[run].id, &action, answer.as_ref());
    }

    /// Feeds an input about the graph or its holds to a run, under the eyes of the oracles.
    fn hear_out(&mut self, run: usize, input: Input) -> Option<Result<Answer, Refusal>> {
        let before = self.office.seats[run].scheduler.seq();
        self.office.input(self.now, run, input.clone());
        let answer = self.office.seats[run].step.answer.take();
        let after = self.office.seats[run].scheduler.seq();
        if let Some(answer) = &answer {
            self.with_judge(|judge, _| judge.said(run, (before, after), &input, answer));
        }
        answer
    }

    /// After a restart the editors that were there may come back.
    pub(super) fn reattach(&mut self) {
        for run in 0..self.runs.len() {
            if self.runs[run].attached
                && let Some(after) = self.nature.reattaches(run)
            {
                let saying = Saying::Attach;
                self.agenda.add(self.now + after, Happening::Act(Action::Say { run, saying }));
            }
        }
    }
}

impl RunFile {
    /// Tasks that a commit made get a number: one that had a number before keeps it.
    pub(super) fn learn(&mut self, batch: &EditBatch) {
        for task in names(batch) {
            let number = self.names.len() as u32;
            if !self.tasks.contains_key(&task) {
                self.tasks.insert(task.clone(), number);
                self.names.push(task);
            }
        }
    }
}

/// The names of the tasks that a batch makes, in order.
pub(crate) fn names(batch: &EditBatch) -> Vec<TaskId> {
    let mut names = Vec::new();
    for edit in &batch.edits {
        match edit {
            Edit::AddTask { task, .. } => names.push(task.id.clone()),
            Edit::Build { graph, .. } => names.extend(graph.tasks.iter().map(|task| task.id.clone())),
            Edit::Merge { graph, prefix } => {
                let renamed = graph.tasks.iter().map(|task| TaskId::new(format!("{prefix}{}", task.id)));
                names.extend(renamed.flatten());
            }
            Edit::Restore { tasks, .. } => names.extend(tasks.iter().map(|(_, task)| task.id.clone())),
            Edit::UpdateTask { .. }
            | Edit::RemoveTask { .. }
            | Edit::AddDependency(_)
            | Edit::UpdateDependency { .. }
            | Edit::RemoveDependency { .. }
            | Edit::Clear => {}
        }
    }
    names
}

/// When an editor that is there answers: a time, and what it says.
pub(crate) type Answers = Vec<(Millis, Saying)>;
