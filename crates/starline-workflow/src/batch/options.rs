//! What a batch is read with, and what comes of it.

use std::sync::Arc;

use starline_edit::{Limits, TaskGraph, Unread};
use starline_types::{Edit, EditBatch, Payload, Prompt, Revision, TaskField};

use super::files;
use super::graph::ProposedGraph;
use super::propose::propose;
use crate::{FileResolver, Warning};

/// What a batch is read with.
#[derive(Clone, Debug, Default)]
pub struct BatchOptions {
    /// The revision that a batch is for which does not say.
    pub base: Revision,
    /// Limits; of these, the number of edits counts here.
    pub limits: Limits,
    /// Names of the secrets that the run has; `None`: they are not checked.
    pub secrets: Option<Vec<String>>,
    /// Reads the files that tasks are sent; `None`: they are not read, and [`ReadBatch::resolve`] refuses them.
    pub files: Option<Arc<dyn FileResolver>>,
}

/// A batch as far as it can be read, and what is wrong with the rest of it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ReadBatch {
    /// The edits that can be read.
    pub batch: EditBatch,
    /// The whole graph that was sent in place of edits; [`Self::resolve`] makes edits of it.
    pub graph: Option<ProposedGraph>,
    /// Faults of the edits that cannot be read, for [`starline_edit::Surroundings::unread`]: the verdict on the others
    /// comes in the same answer.
    pub unread: Unread,
    /// What is ignored.
    pub warnings: Vec<Warning>,
    /// Whether the batch says which revision it is for; otherwise its base is [`BatchOptions::base`].
    pub names_base: bool,
    /// Whether files that tasks are sent were not read.
    pub(super) is_without_files: bool,
    /// Edits that say in words what a task is to do: what a task that is asked in words is asked from now on.
    pub(super) described: Vec<usize>,
}

impl ReadBatch {
    /// Makes edits of what can only be said with the graph of the run at hand: a whole graph becomes the edits that
    /// lead to it, a new description from Galaxy's `update_task` also becomes the prompt of a task that has one, and a
    /// file that a task is sent already keeps its content. Where files are not read, another file is a fault.
    ///
    /// To be called before the check, with the graph that the batch is checked against. Costs
    /// O((n + m) log (n + m)) for a whole graph, else what the batch has.
    #[must_use]
    pub fn resolve(mut self, graph: &TaskGraph) -> Self {
        for at in std::mem::take(&mut self.described) {
            self.ask(at, graph);
        }
        if let Some(proposed) = self.graph.take() {
            self.propose(graph, &proposed);
        }
        if self.is_without_files {
            files::settle(&mut self, graph);
        }
        self
    }

    fn propose(&mut self, graph: &TaskGraph, proposed: &ProposedGraph) {
        let proposal = propose(graph, proposed);
        self.unread.positions.splice(0..0, proposal.unread.positions);
        self.unread.faults.extend(proposal.unread.faults);
        self.unread.tasks.extend(proposal.unread.tasks);
        self.batch.edits.splice(0..0, proposal.batch.edits);
        self.warnings.extend(proposal.warnings.into_iter().map(|warning| Warning {
            code: warning.code.to_owned(),
            message: warning.message,
            pointer: String::new(),
            item: warning.item.to_string(),
        }));
    }

    /// Lets a description be the prompt, where the task has a prompt.
    fn ask(&mut self, at: usize, graph: &TaskGraph) {
        if at >= self.batch.edits.len() {
            return;
        }
        let (before, rest) = self.batch.edits.split_at_mut(at);
        let Some(Edit::UpdateTask { id, set }) = rest.first_mut() else { return };
        let made = before.iter().rev().find_map(|edit| match edit {
            Edit::AddTask { task, .. } if task.id == *id => Some(matches!(task.run, Payload::Prompt(_))),
            _ => None,
        });
        let known = || graph.find(id.as_str()).map(|task| &graph.spec(task).run);
        let is_asked = made.or_else(|| known().map(|run| matches!(run, Payload::Prompt(_))));
        let said = set.iter().find_map(|field| match field {
            TaskField::Description(text) => Some(text.clone()),
            _ => None,
        });
        if let (Some(true), Some(text)) = (is_asked, said) {
            set.push(TaskField::Run(Payload::Prompt(Arc::new(Prompt { text }))));
        }
    }
}
