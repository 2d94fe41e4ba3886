//! What others find wrong with a task, told at its line.

use crate::problem::{Mark, Problem, Report};
use crate::tree::{Tree, View, text};

impl Problem {
    /// A problem of one task that was found outside of the file, such as that no device fits it: told where the file
    /// says what it asks of a device, else where the task begins.
    ///
    /// `file` is the workflow file as it was read; one that has no such task is marked at its beginning. Costs one
    /// reading of the file.
    ///
    /// # Examples
    ///
    /// ```
    /// use starline_workflow::{Problem, render};
    ///
    /// let file = b"version: 1\ntasks:\n  scan:\n    device: { os: plan9 }\n    run: { sh: ls }\n";
    /// let problem = Problem::of_task(file, "scan", "no_eligible_device", "task scan fits no device", None);
    /// assert!(render(&problem, "nightly.yaml").starts_with("nightly.yaml:4:5: no_eligible_device: "));
    /// ```
    #[must_use]
    pub fn of_task(file: &[u8], task: &str, code: &str, message: &str, hint: Option<&str>) -> Self {
        let mut ignored = Report::default();
        let source = text(file, &mut ignored).unwrap_or_default();
        let tree = Tree::read(source, &mut ignored).ok();
        let mark = tree.as_ref().and_then(|tree| place(tree.root(), task)).unwrap_or(Mark::START);
        let mut problem = Self::new(mark, code, message);
        if let Some(hint) = hint {
            problem.hint(hint);
        }
        problem.excerpted(source)
    }
}

fn place(root: View<'_>, task: &str) -> Option<Mark> {
    let found = root.field("tasks")?.map()?.entries().find(|entry| entry.key == task)?;
    let device = found.value.map().and_then(|map| map.entries().find(|entry| entry.key == "device"));
    Some(device.map_or(found.at, |entry| entry.at))
}
