//! Templates: texts of a task with `{{ expression }}` in them, filled in when an attempt is assigned.

mod reading;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use starline_types::{Artifact, AttemptFile, FileInput, Outcome, Payload, TaskId, TaskSpec, Value};

use crate::engine::{Found, Program, Scope};
use crate::names::NamePath;
use crate::shell;
use crate::syntax::{self, Parsed};
use crate::texts::{self, Place, Visitor};
use reading::{Literal, Namer, Reader, Renamer};

/// Variables of a template.
pub(crate) const ROOTS: &[&str] = &["tasks", "inputs"];
/// What comes before the place of a text of what undoes a task.
const COMPENSATE: &str = "compensate ";
/// Largest value that can be interpolated, in bytes: 64 KiB.
pub(crate) const MAX_VALUE_BYTES: usize = 64 << 10;
/// Largest text of a rendered payload, in bytes: 1 MiB.
pub(crate) const MAX_RENDERED_BYTES: usize = 1 << 20;
/// Words that begin a control block of the template language.
const BLOCKS: [&str; 24] = [
    "autoescape",
    "block",
    "break",
    "call",
    "continue",
    "do",
    "elif",
    "else",
    "endfor",
    "endif",
    "endraw",
    "endset",
    "endwith",
    "extends",
    "filter",
    "for",
    "from",
    "if",
    "import",
    "include",
    "macro",
    "raw",
    "set",
    "with",
];

/// What templates refer to.
#[derive(Clone, Copy)]
pub struct TemplateContext<'c> {
    /// Inputs of the run.
    pub run: &'c BTreeMap<String, Value>,
    /// Inputs of the task as specified. One of the same name hides that of the run.
    pub task: &'c BTreeMap<String, Value>,
    /// Files of the task, from [`resolve_files`]: an input of each name is the path of the file.
    pub files: &'c BTreeMap<String, AttemptFile>,
    /// Outcome of a task, if it is visible and has ended. Asked once for each task that the texts name.
    pub outcome: &'c dyn Fn(&str) -> Option<Outcome>,
}

impl fmt::Debug for TemplateContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateContext")
            .field("run", &self.run.keys())
            .field("task", &self.task.keys())
            .field("files", &self.files.keys())
            .finish_non_exhaustive()
    }
}

/// Why a template could not be read or rendered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct RenderError {
    place: String,
    message: String,
    at: Option<usize>,
}

impl RenderError {
    fn new(place: &Place<'_>, message: impl Into<String>) -> Self {
        Self { place: place.to_string(), message: message.into(), at: None }
    }

    fn unreadable(place: &Place<'_>, fault: Unreadable) -> Self {
        Self { place: place.to_string(), message: fault.message, at: Some(fault.at) }
    }

    /// The same of a text of what undoes the task.
    pub(crate) fn in_compensation(self) -> Self {
        Self { place: format!("{COMPENSATE}{}", self.place), ..self }
    }

    /// Where in the task the text stands, such as `sh` or `exec[2]`; of what undoes the task, `compensate sh`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The byte of the text where the interpolation or block begins that cannot be read; `None` if all can.
    #[must_use]
    pub fn at(&self) -> Option<usize> {
        self.at
    }
}

/// An interpolation or block that cannot be read, or that stands where it must not.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Byte of the text where it begins.
    pub(crate) at: usize,
    pub(crate) message: String,
}

/// What stands from `{{` to `}}` in a text, and what it names.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Interpolation {
    /// Byte of the text where it begins.
    pub at: usize,
    /// Tasks that it names, in the order of the text.
    pub tasks: Vec<String>,
    /// Inputs that it names and must find: those that it never asks for with `default(...)` or `is defined`.
    pub inputs: Vec<String>,
    /// What it reads by name and must find, inputs included.
    pub names: Vec<NamePath>,
}

/// The interpolations of a text in their order; none if one of them cannot be read.
///
/// Costs O(bytes).
#[must_use]
pub fn interpolations(text: &str) -> Vec<Interpolation> {
    let (mut found, mut end) = (Vec::new(), 0);
    let read = split(text, ROOTS, |before, interpolation| {
        end += before.len();
        if let Some((source, parsed)) = interpolation {
            let inputs = parsed.inputs().map(str::to_owned).collect();
            let Parsed { references, names, .. } = parsed;
            let tasks = references.into_iter().map(|reference| reference.task).collect();
            found.push(Interpolation { at: end, tasks, inputs, names });
            end += source.len();
        }
        Ok(())
    });
    if read.is_ok() { found } else { Vec::new() }
}

/// Whether any text of a task must be rendered. Costs one search of its texts.
#[must_use]
pub fn has_templates(spec: &TaskSpec) -> bool {
    texts::is_templated_task(spec)
}

/// Whether anything of a task is known only when it is assigned: a text with templates, or a file.
#[must_use]
pub fn must_be_rendered(spec: &TaskSpec) -> bool {
    has_templates(spec) || !spec.files().is_empty()
}

/// Checks the texts of a task: that they can be read, and that no interpolation stands inside quotes of a script.
///
/// # Errors
/// The first text that does not pass, with its place.
pub fn check_templates(spec: &TaskSpec) -> Result<(), RenderError> {
    if !has_templates(spec) {
        return Ok(());
    }
    texts::visit_task(spec, &mut Reader { tasks: Vec::new(), strict: true }).map(|_| ())
}

/// Checks one text of a task as [`check_templates`] does. `place` says where it stands, in the words of
/// [`RenderError::place`]; only `sh` is a script.
///
/// # Errors
/// The text does not pass.
pub fn check_template(place: &str, text: &str) -> Result<(), RenderError> {
    let is_script = place.strip_prefix(COMPENSATE).unwrap_or(place) == "sh";
    let kind = if is_script { Place::Script } else { Place::Description };
    let named = |error: RenderError| RenderError { place: place.to_owned(), ..error };
    Template::read_at(&kind, text).map(|_| ()).map_err(named)
}

/// The tasks that the texts and files of a task name, each once, in alphabetical order. The task itself is none of
/// them where what undoes it names it.
///
/// Texts that [`check_templates`] refuses are left out.
#[must_use]
pub fn references(spec: &TaskSpec) -> Vec<String> {
    if !must_be_rendered(spec) {
        return Vec::new();
    }
    let sources = spec.files().values().filter_map(|file| match file {
        FileInput::Output { task, .. } => Some(task.to_string()),
        FileInput::File { .. } => None,
    });
    let mut reader = Reader { tasks: sources.collect(), strict: false };
    let _ = texts::visit_work(spec, &mut reader);
    let mut undo = Reader { tasks: Vec::new(), strict: false };
    let _ = texts::visit_compensation(spec, &mut undo);
    // What undoes a task is behind it.
    reader.tasks.extend(undo.tasks.into_iter().filter(|task| task != spec.id.as_str()));
    reader.tasks.sort_unstable();
    reader.tasks.dedup();
    reader.tasks
}

/// What the texts of a task read by name and must find, and of each whether it stands in an input of the task, where
/// only inputs of the run are seen.
///
/// Texts that cannot be read are left out. Costs O(bytes).
#[must_use]
pub fn template_names(spec: &TaskSpec) -> Vec<(NamePath, bool)> {
    if !has_templates(spec) {
        return Vec::new();
    }
    let mut namer = Namer { names: Vec::new() };
    let _ = texts::visit_task(spec, &mut namer);
    namer.names
}

/// The task with other names for the tasks that its texts and files refer to; `None` keeps a name.
///
/// # Errors
/// A text cannot be read, or a name is no id.
pub fn rename_references(
    spec: &TaskSpec,
    name: &dyn Fn(&str) -> Option<String>,
) -> Result<TaskSpec, RenderError> {
    let mut renamed = texts::visit_task(spec, &mut Renamer { name })?;
    if spec.files().is_empty() {
        return Ok(renamed);
    }
    for (input, file) in renamed.details.iter_mut().flat_map(|details| &mut Arc::make_mut(details).files) {
        if let FileInput::Output { task, .. } = file
            && let Some(other) = name(task.as_str())
        {
            let place = Place::Input(input.clone());
            *task = TaskId::new(other).map_err(|error| RenderError::new(&place, error.to_string()))?;
        }
    }
    Ok(renamed)
}

/// The files of a task with their contents known: those beside the workflow file, and outputs of tasks upstream.
///
/// # Errors
/// The task has not ended, has no output of the name, or one that is no artefact; or a file was never read.
pub fn resolve_files(
    spec: &TaskSpec,
    outcome: &dyn Fn(&str) -> Option<Outcome>,
) -> Result<BTreeMap<String, AttemptFile>, RenderError> {
    let resolved = spec.files().iter().map(|(input, file)| {
        let place = Place::Input(input.clone());
        let fault = |message: String| RenderError::new(&place, message);
        let artifact = match file {
            FileInput::File { artifact: Some(artifact), .. } => artifact.clone(),
            FileInput::File { path, artifact: None } => {
                return Err(fault(format!("file {path:?} was not read when the run was submitted")));
            }
            FileInput::Output { task, output } => {
                let found = outcome(task.as_str());
                let found =
                    found.ok_or_else(|| fault(format!("task `{task}` has not ended or is unknown")))?;
                let value = found.outputs.get(output);
                let value = value.ok_or_else(|| fault(format!("task `{task}` has no output `{output}`")))?;
                Artifact::from_value(value).ok_or_else(|| {
                    fault(format!(
                        "output `{output}` of task `{task}` is no artifact: give it `type: artifact`, or write it into a \
                         text, as it has no more than 64 KiB"
                    ))
                })?
            }
        };
        Ok((input.clone(), AttemptFile::new(input, artifact)))
    });
    resolved.collect()
}

/// The payload with every interpolation filled in. One without templates is shared, not copied.
///
/// Between `{{` and `}}` stands one expression, in the language of [`Condition`](crate::Condition), over `tasks` and
/// `inputs`: `{{ tasks.scan_a.outputs.count }}`, `{{ tasks["scan:b"].result }}`, `{{ tasks.x.status }}`,
/// `{{ inputs.pattern | default("ERROR") }}`. A task is named in so many words, never computed. A text is inserted as
/// it is, anything else as compact JSON. There are no control blocks, comments or whitespace marks; a literal `{{` is
/// written `{{ "{{" }}`.
///
/// In a `sh` script every interpolation becomes one quoted word, so a value is never code; whether it begins with a
/// dash is for the script to mind. In the arguments of a call and in inputs, a text that is nothing but one
/// interpolation becomes the value itself, whatever its type.
///
/// # Errors
/// A name or attribute is undefined, a value has more than 64 KiB, the payload has more than 1 MiB of rendered text,
/// or a text cannot be read. Nothing is rendered in part.
pub fn render_payload(payload: &Payload, context: &TemplateContext<'_>) -> Result<Payload, RenderError> {
    if !texts::is_templated_payload(payload) {
        return Ok(payload.clone());
    }
    let mut renderer = Renderer::new(context)?;
    texts::visit_payload(payload, &mut renderer)
}

/// A payload that is this one when it is rendered, whatever its texts look like: what was filled in once is not read as
/// a template again.
///
/// # Errors
/// Never for a payload that [`render_payload`] gave.
pub fn literal_payload(payload: &Payload) -> Result<Payload, RenderError> {
    texts::visit_payload(payload, &mut Literal)
}

/// The inputs that texts of the task see: those of the run and those of the task, interpolations filled in.
///
/// Templates inside inputs of the task see the inputs of the run alone.
///
/// # Errors
/// As for [`render_payload`].
pub fn render_inputs(context: &TemplateContext<'_>) -> Result<BTreeMap<String, Value>, RenderError> {
    let mut inputs = context.run.clone();
    if context.task.values().any(texts::is_templated) {
        let mut renderer = Renderer::over(context, &inputs);
        inputs.extend(texts::visit_inputs(context.task, &mut renderer)?);
    } else {
        inputs.extend(context.task.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    let paths = context.files.iter();
    inputs.extend(paths.map(|(name, file)| (name.clone(), Value::from(file.path.as_str()))));
    Ok(inputs)
}

/// A text such as a description with every interpolation filled in, without quoting.
///
/// # Errors
/// As for [`render_payload`].
pub fn render_text(text: &str, context: &TemplateContext<'_>) -> Result<String, RenderError> {
    if !texts::looks_templated(text) {
        return Ok(text.to_owned());
    }
    let rendered = Renderer::new(context)?.text(&Place::Description, text)?;
    Ok(rendered.unwrap_or_else(|| text.to_owned()))
}

/// A text with interpolations.
#[derive(Debug)]
struct Template {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Interpolation { program: Program, source: String, at: usize },
}

impl Template {
    fn read(source: &str) -> Result<Self, Unreadable> {
        let mut end = 0;
        let mut parts = Vec::new();
        split(source, ROOTS, |text, interpolation| {
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            end += text.len();
            if let Some((source, parsed)) = interpolation {
                let shown: String = source.chars().take(80).collect();
                parts.push(Part::Interpolation { program: Program::new(parsed)?, source: shown, at: end });
                end += source.len();
            }
            Ok(())
        })?;
        Ok(Self { parts })
    }

    fn read_at(place: &Place<'_>, source: &str) -> Result<Self, RenderError> {
        let template = Self::read(source).map_err(|fault| RenderError::unreadable(place, fault))?;
        if *place == Place::Script {
            template.check_quotes().map_err(|fault| RenderError::unreadable(place, fault))?;
        }
        Ok(template)
    }

    fn check_quotes(&self) -> Result<(), Unreadable> {
        let mut quotes = Quotes::default();
        for part in &self.parts {
            match part {
                Part::Text(text) => quotes.text(text),
                Part::Interpolation { at, .. } => quotes.interpolation(*at),
            }
        }
        quotes.check()
    }
}

/// A script whose interpolations are looked at by where they stand.
#[derive(Debug, Default)]
struct Quotes {
    script: String,
    places: Vec<usize>,
    has_mark: bool,
}

impl Quotes {
    fn text(&mut self, text: &str) {
        self.has_mark |= text.contains(shell::MARK);
        self.script.push_str(text);
    }

    fn interpolation(&mut self, at: usize) {
        self.script.push(shell::MARK);
        self.places.push(at);
    }

    fn check(&self) -> Result<(), Unreadable> {
        if self.has_mark {
            return Err(Unreadable { at: 0, message: "the script has a NUL byte".to_owned() });
        }
        shell::check(&self.script).map_err(|fault| {
            let shell::Misplaced { line, nth, inside } = fault;
            let message = format!(
                "interpolation on line {line} stands inside {inside}: write it bare as a word of its own, as it is \
                 quoted when it is filled in"
            );
            Unreadable { at: self.places.get(nth).copied().unwrap_or_default(), message }
        })
    }
}

/// Hands over each text and the interpolation behind it, which may read the variables `roots`.
pub(crate) fn split<'s>(
    source: &'s str,
    roots: &'static [&'static str],
    mut part: impl FnMut(&'s str, Option<(&'s str, Parsed)>) -> Result<(), String>,
) -> Result<(), Unreadable> {
    let mut at = 0;
    while let Some(found) = source[at..].find("{{") {
        let open = at + found;
        let fault = |message| Unreadable { at: open, message };
        refuse_blocks(source, at..open)?;
        if source[open + 2..].starts_with(['-', '+']) {
            return Err(fault("whitespace marks such as `{{-` are not supported".to_owned()));
        }
        let (parsed, end) = syntax::interpolation(source, open + 2, roots).map_err(fault)?;
        part(&source[at..open], Some((&source[open..end], parsed))).map_err(fault)?;
        at = end;
    }
    refuse_blocks(source, at..source.len())?;
    part(&source[at..], None).map_err(|message| Unreadable { at, message })
}

/// Only what is surely meant as a control block: `{%s}` is text.
fn refuse_blocks(source: &str, within: std::ops::Range<usize>) -> Result<(), Unreadable> {
    let (start, text) = (within.start, &source[within]);
    for (at, _) in text.match_indices("{%") {
        let rest = text[at + 2..].trim_start_matches(['-', '+']).trim_start();
        let word = rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        if BLOCKS.contains(&word) {
            let message =
                format!("`{{% {word} %}}` is not supported: templates have {{{{ expressions }}}} alone");
            return Err(Unreadable { at: start + at, message });
        }
    }
    Ok(())
}

/// Fills in, within the limits.
struct Renderer<'c> {
    outcome: &'c dyn Fn(&str) -> Option<Outcome>,
    outcomes: BTreeMap<String, Arc<Outcome>>,
    scope: Scope,
    remaining: usize,
}

impl<'c> Renderer<'c> {
    fn new(context: &TemplateContext<'c>) -> Result<Self, RenderError> {
        Ok(Self::over(context, &render_inputs(context)?))
    }

    fn over(context: &TemplateContext<'c>, inputs: &BTreeMap<String, Value>) -> Self {
        let mut scope = Scope::default();
        scope.bind("inputs", inputs);
        Self { outcome: context.outcome, outcomes: BTreeMap::new(), scope, remaining: MAX_RENDERED_BYTES }
    }

    fn evaluate(&mut self, program: &Program, source: &str) -> Result<Found, String> {
        for reference in &program.references {
            if !self.outcomes.contains_key(&reference.task) {
                let outcome = (self.outcome)(&reference.task).ok_or_else(|| {
                    format!("task `{}` in `{source}` has not ended or is unknown", reference.task)
                })?;
                self.outcomes.insert(reference.task.clone(), Arc::new(outcome));
            }
        }
        if program.reads("tasks") {
            let outcomes =
                self.outcomes.iter().map(|(task, outcome)| (task.as_str(), Arc::clone(outcome))).collect();
            self.scope.bind_outcomes("tasks", outcomes);
        }
        program.evaluate(&self.scope).map_err(|message| format!("`{source}`: {message}"))
    }

    fn word(&mut self, program: &Program, source: &str, place: &Place<'_>) -> Result<String, String> {
        let text = self.evaluate(program, source)?.text()?;
        if text.len() > MAX_VALUE_BYTES {
            let length = text.len();
            return Err(format!(
                "`{source}` is {length} bytes long, the limit of interpolation is {MAX_VALUE_BYTES}"
            ));
        }
        if place.is_passed_to_processes() && text.contains('\0') {
            return Err(format!("`{source}` has a NUL byte, which no program can be given"));
        }
        Ok(text)
    }

    fn fill(&mut self, template: &Template, place: &Place<'_>) -> Result<String, String> {
        let mut rendered = String::new();
        let behind = |at: usize| match template.parts.get(at + 1) {
            Some(Part::Text(text)) => text.as_str(),
            Some(Part::Interpolation { .. }) => "\0",
            None => "",
        };
        for (at, part) in template.parts.iter().enumerate() {
            match part {
                Part::Text(text) => rendered.push_str(text),
                Part::Interpolation { program, source, .. } if *place == Place::Script => {
                    let word = self.word(program, source, place)?;
                    rendered.push_str(&shell::word(&word, &rendered, behind(at)));
                }
                Part::Interpolation { program, source, .. } => {
                    rendered.push_str(&self.word(program, source, place)?)
                }
            }
            if rendered.len() > self.remaining {
                return Err(format!("the rendered payload is larger than {MAX_RENDERED_BYTES} bytes"));
            }
        }
        self.remaining -= rendered.len();
        Ok(rendered)
    }
}

impl Visitor for Renderer<'_> {
    fn text(&mut self, place: &Place<'_>, text: &str) -> Result<Option<String>, RenderError> {
        let template = Template::read_at(place, text)?;
        self.fill(&template, place).map(Some).map_err(|message| RenderError::new(place, message))
    }

    fn json(&mut self, place: &Place<'_>, text: &str) -> Result<Option<Value>, RenderError> {
        let template = Template::read_at(place, text)?;
        let fault = |message| RenderError::new(place, message);
        let [Part::Interpolation { program, source, .. }] = template.parts.as_slice() else {
            return self.fill(&template, place).map(|text| Some(Value::String(text))).map_err(fault);
        };
        // The limits are those of the text that the value would be.
        self.fill(&template, place).map_err(fault)?;
        self.evaluate(program, source).and_then(|found| found.json()).map(Some).map_err(fault)
    }
}
