//! What is sent along with a task: the field `inputs`, with values, files, and artefacts of other tasks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use starline_types::{Artifact, FileInput, GraphSpec, OutputType, TaskId, TaskSpec, Value};

use super::checked::Marks;
use super::name::{NAME_RULE, is_name, path_fault};
use super::task::output_word;
use crate::excerpt::quoted;
use crate::fields::{Field, What};
use crate::problem::{FILE_NOT_READABLE, INVALID_VALUE, Mark, Report, UNKNOWN_OUTPUT, UNKNOWN_TASK};
use crate::tree::{Entry, View};

/// Reads the files of a workflow while it is loaded: paths are relative to the folder of the workflow file.
///
/// An implementation keeps the contents where a run finds them by their hash, and stays below its folder, symbolic
/// links included; it is asked once for each path.
pub trait FileResolver: fmt::Debug + Send + Sync {
    /// The contents of a file. The path is relative, without `..`, and not empty.
    ///
    /// # Errors
    /// Why the file cannot be read, as a fragment that fits after a colon.
    fn resolve(&self, path: &str) -> Result<Artifact, String>;
}

/// Values and files, each by the name of its input.
type Inputs = (BTreeMap<String, Value>, BTreeMap<String, FileInput>);

/// What an entry sends, if it is a mapping with one of these keys and no other.
const KEYS: [&str; 3] = ["file", "artifact", "value"];

/// The one entry of a mapping that says what is sent, unless the mapping is a value itself.
pub(super) fn sent(value: View<'_>) -> Option<Entry<'_>> {
    let only = value.map().filter(|map| map.len() == 1)?.entries().next();
    only.filter(|entry| KEYS.contains(&entry.key))
}

/// Whether a value must be written as `{ value: … }`.
pub(crate) fn looks_sent(value: &Value) -> bool {
    let members = value.as_object().filter(|members| members.len() == 1);
    members.is_some_and(|members| members.keys().all(|key| KEYS.contains(&key.as_str())))
}

pub(super) fn read(section: &Field<'_>, task: &str, report: &mut Report) -> Inputs {
    let (mut values, mut files) = Inputs::default();
    let Some(map) = section.value.map() else {
        let problem = section.wrong(section.value, "a mapping from names to values", report);
        problem.hint("write `inputs: { NAME: VALUE }`, `{ NAME: { file: PATH } }` or `{ artifact: … }`");
        return (values, files);
    };
    let is_file = |entry: &Entry<'_>| sent(entry.value).is_some_and(|only| only.key != "value");
    let size = if map.entries().any(|entry| is_file(&entry)) { size_of::<FileInput>() } else { 0 };
    if !report.takes(section.value.mark(), map.bytes(size_of::<Value>() + size)) {
        return (values, files);
    }
    for entry in map.entries() {
        let name = entry.key.to_owned();
        match sent(entry.value) {
            Some(only) if only.key == "value" => {
                values.insert(name, only.value.json(report));
            }
            Some(only) => {
                if let Some(file) = file(&entry, &only, task, report) {
                    files.insert(name, file);
                }
            }
            None => {
                values.insert(name, entry.value.json(report));
            }
        }
    }
    (values, files)
}

fn file(entry: &Entry<'_>, only: &Entry<'_>, task: &str, report: &mut Report) -> Option<FileInput> {
    let what = What::named("input", entry.key);
    if !is_name(entry.key) {
        let message = format!(
            "{what} of task {} is a file, and its name becomes a file name on the device",
            quoted(task).trim_matches('`')
        );
        report.add(entry.at, INVALID_VALUE, message).hint(NAME_RULE);
    }
    let text = Field { name: only.key, at: only.at, value: only.value, what }.text(report)?;
    if only.key == "file" {
        if let Some(fault) = path_fault(text) {
            let message = format!("path {} of {what} {fault}", quoted(text));
            report.add(only.value.mark(), INVALID_VALUE, message).hint(
                "write a path below the folder of the workflow file, such as `rules.txt`; a value that looks like \
                 this is written `{ value: { file: … } }`",
            );
        }
        return Some(FileInput::File { path: text.to_owned(), artifact: None });
    }
    let found = reference(text).and_then(|(task, output)| Some((TaskId::new(task).ok()?, output)));
    if found.is_none() {
        let message = format!("`artifact` of {what} is {}, expected an output of a task", quoted(text));
        let problem = report.add(only.value.mark(), INVALID_VALUE, message);
        let inner = text.trim().strip_prefix("{{").and_then(|text| text.strip_suffix("}}")).map(str::trim);
        if let Some(inner) = inner.filter(|inner| reference(inner).is_some()) {
            problem.hint(format!("write `{inner}`, without braces"));
        } else {
            problem.hint("write `tasks.ID.outputs.NAME` or `tasks[\"ID\"].outputs.NAME`");
        }
    }
    let (task, output) = found?;
    Some(FileInput::Output { task, output })
}

/// Reads `tasks.ID.outputs.NAME`; both names may stand in brackets and quotes.
fn reference(text: &str) -> Option<(String, String)> {
    let rest = text.trim_matches(' ').strip_prefix("tasks")?;
    let (task, rest) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(".outputs")?;
            (rest[..end].to_owned(), &rest[end..])
        }
        None => bracketed(rest)?,
    };
    let rest = rest.strip_prefix(".outputs")?;
    if let Some(name) = rest.strip_prefix('.') {
        let is_plain = !name.is_empty() && !name.contains(['{', '}', '[', ']', ' ']);
        return is_plain.then(|| (task, name.to_owned()));
    }
    let (output, rest) = bracketed(rest)?;
    rest.is_empty().then_some((task, output))
}

/// Reads `["NAME"]` with the escapes of JSON, or `['NAME']`; gives also what is behind it.
fn bracketed(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('[')?;
    if let Some(name) = inner.strip_prefix('\'') {
        let (name, rest) = name.split_once("']")?;
        return Some((name.to_owned(), rest));
    }
    let mut names = serde_json::Deserializer::from_str(inner).into_iter::<String>();
    let name = names.next()?.ok()?;
    let rest = inner.get(names.byte_offset()..)?.strip_prefix(']')?;
    Some((name, rest))
}

/// Writes what [`read`] reads as an artefact of a task.
pub(crate) fn written(task: &TaskId, output: &str) -> String {
    let bracketed = |name: &str| format!("[{}]", Value::from(name));
    let task = match task.as_str() {
        plain if is_name(plain) => format!(".{plain}"),
        other => bracketed(other),
    };
    let output = if is_name(output) { format!(".{output}") } else { bracketed(output) };
    format!("tasks{task}.outputs{output}")
}

/// Checks what is sent once every task is known: reads the files, and looks the outputs up.
///
/// A reference that leads nowhere is taken out, so that nothing more is said about it.
pub(super) fn settle(
    graph: &mut GraphSpec,
    marks: &Marks<'_>,
    resolver: Option<&dyn FileResolver>,
    report: &mut Report,
) {
    let sending: Vec<usize> =
        (0..graph.tasks.len()).filter(|at| !graph.tasks[*at].files().is_empty()).collect();
    if sending.is_empty() {
        return;
    }
    let index = graph.tasks.iter().enumerate().map(|(at, task)| (task.id.clone(), at)).collect();
    let mut sources = Sources { index, marks, resolver, resolved: BTreeMap::new() };
    for at in sending {
        let spec = Arc::clone(&graph.tasks[at]);
        let mut files = spec.files().clone();
        let places = marks.inputs(at);
        let place = |name: &str| places.get(name).copied().unwrap_or(Mark::START);
        files.retain(|name, file| sources.settle(graph, at, (name, place(name)), file, report));
        drop(spec);
        if let Some(details) = &mut Arc::make_mut(&mut graph.tasks[at]).details {
            Arc::make_mut(details).files = files;
        }
    }
}

/// Where contents come from.
struct Sources<'m, 't> {
    index: BTreeMap<TaskId, usize>,
    marks: &'m Marks<'t>,
    resolver: Option<&'m dyn FileResolver>,
    resolved: BTreeMap<String, Result<Artifact, String>>,
}

impl Sources<'_, '_> {
    /// Whether the input leads to something.
    fn settle(
        &mut self,
        graph: &GraphSpec,
        at: usize,
        (name, mark): (&str, Mark),
        file: &mut FileInput,
        report: &mut Report,
    ) -> bool {
        let spec = &graph.tasks[at];
        match file {
            FileInput::File { path, artifact } => {
                *artifact = self.resolve(path, name, &spec.id, mark, report);
                true
            }
            FileInput::Output { task, output } => {
                self.look_up(graph, spec, (name, mark), (task, output), report)
            }
        }
    }

    fn resolve(
        &mut self,
        path: &str,
        name: &str,
        task: &TaskId,
        mark: Mark,
        report: &mut Report,
    ) -> Option<Artifact> {
        let resolver = self.resolver.filter(|_| path_fault(path).is_none())?;
        let known = self.resolved.entry(path.to_owned()).or_insert_with(|| resolver.resolve(path));
        match known {
            Ok(artifact) => Some(artifact.clone()),
            Err(error) => {
                let message =
                    format!("file {} for input {name} of task {task} cannot be read: {error}", quoted(path));
                report
                    .add(mark, FILE_NOT_READABLE, message)
                    .hint("paths are relative to the folder of the workflow file");
                None
            }
        }
    }

    fn look_up(
        &self,
        graph: &GraphSpec,
        asking: &TaskSpec,
        (name, mark): (&str, Mark),
        (task, output): (&TaskId, &str),
        report: &mut Report,
    ) -> bool {
        let what = format!("input {name} of task {}", asking.id);
        let Some(at) = self.index.get(task).copied() else {
            if !self.marks.is_refused(task.as_str()) {
                let message = format!("{what} is sent an output of task {task}, which does not exist");
                let hint = report.hints.choices(task.as_str(), self.index.keys().map(TaskId::as_str));
                report.add(mark, UNKNOWN_TASK, message).hint = hint;
            }
            return false;
        };
        let outputs = &graph.tasks[at].outputs;
        match outputs.get(output).map(|declared| declared.kind) {
            // Long texts are artefacts whatever they are declared as.
            Some(OutputType::Artifact | OutputType::String | OutputType::Json) => {}
            Some(kind @ (OutputType::Integer | OutputType::Number | OutputType::Boolean)) => {
                let message = format!(
                    "{what} is sent output {} of task {task}, which is of the type {}",
                    quoted(output),
                    output_word(kind)
                );
                report.add(mark, INVALID_VALUE, message).hint(format!(
                    "give the output `type: artifact`, or write a value: `{{{{ {} }}}}`",
                    written(task, output)
                ));
            }
            // What could not be read has been told.
            None if self.marks.declares_output(at, output) => {}
            None => {
                let message = format!("task {task} has no output {}, which {what} is sent", quoted(output));
                let hint = report.hints.choices(output, outputs.keys().map(String::as_str));
                report.add(mark, UNKNOWN_OUTPUT, message).hint(hint.unwrap_or_else(|| {
                    format!(
                        "declare it: `outputs: {{ {output}: {{ from: \"/files/PATH\", type: artifact }} }}`"
                    )
                }));
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_named_as_templates_name_them() {
        for (text, task, output) in [
            ("tasks.merge.outputs.report", "merge", "report"),
            ("tasks.scan-b.outputs.x-y", "scan-b", "x-y"),
            ("tasks[\"scan:b\"].outputs.x", "scan:b", "x"),
            ("tasks['scan:b'].outputs['a b']", "scan:b", "a b"),
            ("tasks[\"a\"].outputs[\"q\\\" ]\"]", "a", "q\" ]"),
        ] {
            assert_eq!(reference(text), Some((task.to_owned(), output.to_owned())), "{text}");
        }
        for text in [
            "",
            "merge.report",
            "tasks.merge",
            "tasks.merge.result",
            "tasks.merge.outputs",
            "tasks.merge.outputs.",
            "tasks.merge.outputsx",
            "{{ tasks.merge.outputs.report }}",
            "tasks.merge.outputs.report }}",
            "tasks[merge].outputs.x",
            "tasks[\"a\"].outputs[\"b\"].c",
            "tasks[\"a\"",
        ] {
            assert_eq!(reference(text), None, "{text}");
        }
    }

    #[test]
    fn references_read_back_as_they_are_written() {
        for (task, output) in [("merge", "report"), ("scan:b", "x"), ("a.outputs", "it's \"q\" ]"), ("5", "")]
        {
            let task = TaskId::new(task).expect("an id");
            let text = written(&task, output);
            assert_eq!(reference(&text), Some((task.to_string(), output.to_owned())), "{text}");
        }
    }
}
