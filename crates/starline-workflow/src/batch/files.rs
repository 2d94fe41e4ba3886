//! Files that tasks are sent by edits, where files cannot be read.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_edit::{Code, Fault, TaskGraph};
use starline_types::{Edit, FileInput, GraphSpec, TaskField, TaskId};

use super::ReadBatch;
use super::graph::keep_contents;
use crate::excerpt::quoted;

/// What an edit may write in place of a file.
const CHOICES: &str = "write a value, send an output such as `{ artifact: tasks.ID.outputs.NAME }`, or name a file \
                       that the task is sent already";

/// Lets files that tasks are sent already keep their contents, and refuses others.
pub(super) fn settle(read: &mut ReadBatch, graph: &TaskGraph) {
    let mut faults = Vec::new();
    for (at, edit) in read.batch.edits.iter_mut().enumerate() {
        let position = read.unread.positions.get(at).copied().unwrap_or(at);
        match edit {
            Edit::AddTask { task, .. } => refuse(position, &task.id, task.files(), &mut faults),
            Edit::UpdateTask { id, set } => {
                let known = graph.find(id.as_str()).map(|known| graph.spec(known));
                for field in set {
                    let TaskField::Files(files) = field else { continue };
                    if let Some(known) = known {
                        keep_contents(files, known);
                    }
                    refuse(position, id, files, &mut faults);
                }
            }
            Edit::Build { graph: built, .. } => {
                keep_all(built, graph);
                built.tasks.iter().for_each(|task| refuse(position, &task.id, task.files(), &mut faults));
            }
            Edit::Merge { graph, .. } => {
                graph.tasks.iter().for_each(|task| refuse(position, &task.id, task.files(), &mut faults));
            }
            _ => {}
        }
    }
    if !faults.is_empty() {
        read.unread.faults.extend(faults);
        read.unread.faults.sort_by_key(|fault| fault.edit);
    }
}

/// Tasks of a graph that takes the place of another keep the files that they are sent there.
fn keep_all(built: &mut Arc<GraphSpec>, graph: &TaskGraph) {
    if built.tasks.iter().all(|task| task.files().is_empty()) {
        return;
    }
    for task in &mut Arc::make_mut(built).tasks {
        let Some(known) = graph.find(task.id.as_str()).map(|known| graph.spec(known)) else { continue };
        if !task.files().is_empty()
            && let Some(details) = &mut Arc::make_mut(task).details
        {
            keep_contents(&mut Arc::make_mut(details).files, known);
        }
    }
}

fn refuse(edit: usize, task: &TaskId, files: &BTreeMap<String, FileInput>, faults: &mut Vec<Fault>) {
    for (name, file) in files {
        let FileInput::File { path, artifact: None } = file else { continue };
        let message = format!(
            "input {} of task {task} is the file {}, and an edit of a run cannot send files of its author",
            quoted(name),
            quoted(path)
        );
        faults.push(Fault::new(edit, Code::InvalidValue, task, message).hint(CHOICES));
    }
}
