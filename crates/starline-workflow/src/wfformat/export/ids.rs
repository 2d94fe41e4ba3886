//! Ids of tasks in the alphabet of a version.

use starline_types::{GraphSpec, MAX_ID_BYTES, Value};

use super::super::Warnings;
use super::super::kept::{ORIGINAL_ID, of_task};
use super::WfVersion;
use crate::excerpt::quoted;
use crate::names::Names;

/// The written id of each task.
#[derive(Debug)]
pub(super) struct Ids(Vec<String>);

impl Ids {
    /// Tasks keep their ids, or get back the ones they were recorded with. Only others are rewritten.
    pub(super) fn new(graph: &GraphSpec, version: WfVersion, warnings: &mut Warnings) -> Self {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.#".contains(c);
        let allowed = match version {
            WfVersion::V1_5 => plain,
            WfVersion::V1_6 => |c: char| c.is_ascii_alphanumeric() || "-_.#:/".contains(c),
        };
        let mut names = Names::new(allowed, MAX_ID_BYTES * 4);
        let original = |at: usize| of_task(&graph.tasks[at], ORIGINAL_ID).and_then(Value::as_str);
        let mut ids: Vec<Option<String>> = vec![None; graph.tasks.len()];
        let tasks = || graph.tasks.iter().enumerate();
        for (at, task) in tasks().filter(|(at, _)| original(*at).is_none()) {
            let id = task.id.as_str();
            ids[at] = (names.fits(id) && names.keep(id)).then(|| id.to_owned());
        }
        let mut written = Vec::with_capacity(graph.tasks.len());
        for (at, task) in tasks() {
            let id = ids[at].take().or_else(|| {
                let mut wanted = [original(at), Some(task.id.as_str())].into_iter().flatten();
                wanted.find(|id| names.fits(id) && names.keep(id)).map(str::to_owned)
            });
            written.push(id.unwrap_or_else(|| {
                let id = names.rewrite(task.id.as_str());
                let message = format!("task {} is called {id}", quoted(task.id.as_str()));
                warnings.add("id_rewritten", format!("/workflow/specification/tasks/{at}/id"), message);
                id
            }));
        }
        Self(written)
    }

    /// The id of the task at a position.
    pub(super) fn of(&self, at: usize) -> &str {
        self.0.get(at).map_or("", String::as_str)
    }

    /// The ids of the tasks at some positions.
    pub(super) fn all(&self, of: &[usize]) -> Vec<&str> {
        of.iter().map(|at| self.of(*at)).collect()
    }
}
