//! Constellations: the graphs of Galaxy, the graph system of UFO, in JSON.

mod document;
mod graph;
mod ids;
mod kept;
mod moment;
mod notes;
mod outcome;
mod patch;
mod read;
mod read_line;
mod read_task;
mod starline;
mod task;
mod value;
mod within;
mod words;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_types::{DependencyKind, GraphSpec, Revision, RunId, RunOutcome, UnixMillis};

use crate::file::{Marks, check};
use crate::problem::{Mark, Problem, Report, Stop};
use crate::tree::{Tree, View, pointers, text};
use crate::write::write_json;
use crate::{Exported, Limits, LoadOptions, Warning, Workflow, WriteError};
use notes::Notes;
use read::Source;
use starline::Ignored;
pub(crate) use within::{Within, import_within, restated_task, task_within};
pub(crate) use words::is_capability;

/// Name of the member in the metadata of a constellation that holds what Galaxy cannot express.
const STARLINE: &str = "starline";

/// What a Galaxy file is read with.
#[derive(Clone, Debug, Default)]
pub struct GalaxyOptions {
    /// Whether statuses, results, errors and times are kept as the outcome of a run. Otherwise only structure is
    /// taken.
    pub inspect: bool,
    /// Whether warnings are problems.
    pub strict: bool,
    /// Seed of the ids of tasks, and of a constellation, that have none: equal files and options give equal ids.
    pub seed: u64,
    /// The moment that stands in the id of a constellation that has none.
    pub now: UnixMillis,
    /// Limits of the graph.
    pub limits: Limits,
}

/// A constellation as imported.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ImportedGalaxy {
    /// The workflow.
    pub workflow: Workflow,
    /// The id of the constellation, in the alphabet of runs.
    pub run_id: RunId,
    /// The revision of the graph, where the file was exported from a run.
    pub revision: Revision,
    /// How far the constellation has got, if [`GalaxyOptions::inspect`] asks for it: to be shown, compared and
    /// exported, and not to be started.
    pub outcome: Option<RunOutcome>,
    /// What could not be taken over as it is, in the order of the file.
    pub warnings: Vec<Warning>,
}

/// What a constellation is written with.
#[derive(Clone, Debug, Default)]
pub struct GalaxyExport<'o> {
    /// The id of the constellation; `None`: that of the outcome, else the one that it had when it was imported, else a
    /// generated one.
    pub run_id: Option<RunId>,
    /// How far a run of the graph has got; `None`: nothing has been started.
    pub outcome: Option<&'o RunOutcome>,
    /// The revision of the graph; that of the outcome counts if it is later.
    pub revision: Revision,
    /// Seed of a generated id.
    pub seed: u64,
    /// The moment that stands in a generated id.
    pub now: UnixMillis,
}

/// Imports a constellation from Galaxy's JSON, in the map form or the form that models write.
///
/// Texts are taken literally: Galaxy has no templates. What a graph has no place for is kept in its metadata and in
/// those of its tasks, under `galaxy`, so that [`export_galaxy`] writes it again. Costs
/// O(bytes + tasks log tasks + dependencies log dependencies).
///
/// # Errors
/// Every problem by line, with its JSON pointer: no JSON, a top level that is no object, a missing or ill-typed
/// field, an unknown word, an id or a key that is there twice, an unknown task, a cycle, a limit; with
/// [`GalaxyOptions::strict`], warnings too. Nothing is imported then.
///
/// # Examples
///
/// ```
/// use starline_workflow::{GalaxyOptions, import_galaxy};
///
/// let plan = r#"{"name": "disk check", "constellation_id": "c7",
///   "tasks": [{"task_id": "probe", "name": "Probe", "description": "Read the free space", "priority": "HIGH"},
///             {"task_id": "mail", "name": "Mail", "description": "Send the number"}],
///   "dependencies": [{"from_task_id": "probe", "to_task_id": "mail", "dependency_type": "SUCCESS_ONLY"}]}"#;
/// let imported = import_galaxy(plan.as_bytes(), &GalaxyOptions::default()).expect("a valid constellation");
/// assert_eq!(imported.workflow.graph.tasks[0].priority.value(), 75);
/// assert_eq!((imported.warnings[0].code.as_str(), imported.warnings[0].item.as_str()), ("edge_repaired", "probe->mail"));
/// ```
pub fn import_galaxy(bytes: &[u8], options: &GalaxyOptions) -> Result<ImportedGalaxy, Vec<Problem>> {
    let mut report = Report::default();
    let Ok(source) = text(bytes, &mut report) else { return Err(located(report, "")) };
    let mut notes = Notes::default();
    let imported = import(source, options, &mut notes, &mut report);
    if options.strict {
        std::mem::take(&mut notes).refuse(&mut report);
    }
    match imported {
        Ok(mut imported) if report.is_empty() => {
            imported.warnings = notes.finish(source);
            Ok(imported)
        }
        Ok(_) | Err(Stop) => Err(located(report, source)),
    }
}

/// The problems with their pointers; what has no place of its own is about the whole file.
fn located(report: Report, source: &str) -> Vec<Problem> {
    let mut problems = report.finish(source);
    let places = pointers(source, problems.iter().map(Problem::mark));
    for problem in &mut problems {
        problem.pointer = Some(places.get(&problem.mark()).cloned().unwrap_or_default());
    }
    problems
}

fn import(
    source: &str,
    options: &GalaxyOptions,
    notes: &mut Notes,
    report: &mut Report,
) -> Result<ImportedGalaxy, Stop> {
    let tree = Tree::read_json(source, report)?;
    Ok(import_root(tree.root(), options, notes, report)?.0)
}

/// Imports the constellation that a value is.
fn import_root<'t>(
    root: View<'t>,
    options: &GalaxyOptions,
    notes: &mut Notes,
    report: &mut Report,
) -> Result<(ImportedGalaxy, Source<'t>), Stop> {
    let read = read::read(root, options, notes, report)?;
    let Source { plan, section, tasks, lines, lost } = &read;
    let run_id = ids::run(&plan.id).ok_or(Stop)?;
    let mut workflow = Workflow::new(graph::to_graph(plan));
    let section = section.as_ref().and_then(|(section, view)| {
        let known = section.get("format").and_then(starline_types::Value::as_u64) == Some(starline::FORMAT);
        if !known {
            let message = format!("`starline` is of another format than {}, it is ignored", starline::FORMAT);
            notes.add(view.mark(), "starline_ignored", STARLINE, message);
        }
        known.then_some((section, *view))
    });
    // With a part missing, nothing would agree with anything.
    let section = section.filter(|_| !lost);
    let mut revision = Revision::default();
    if let Some((section, view)) = section {
        let again =
            |graph: &GraphSpec| graph::from_graph(graph, &run_id).ok().map(|plan| graph::to_graph(&plan));
        let ignored = starline::apply(section, plan, &mut workflow, &again);
        note_ignored(&ignored, view, notes);
        revision = Revision(section.get("revision").and_then(starline_types::Value::as_u64).unwrap_or(0));
    }
    let dependencies = &workflow.graph.dependencies;
    for (((line, edge), name), (_, kind_at)) in
        plan.lines.iter().zip(dependencies).zip(ids::names(dependencies)).zip(lines)
    {
        // A kind of ours is meant where starline has written it, and needs no word about Galaxy's.
        let meant = matches!(edge.kind, DependencyKind::Failure | DependencyKind::When(_));
        if let Some(at) = kind_at.filter(|_| !meant) {
            read::note_kind(line.kind, line.id.as_deref().unwrap_or(&name), at, notes);
        }
    }
    let mut marks = Marks::new(root);
    tasks.iter().for_each(|entry| marks.task(entry));
    lines.iter().for_each(|(at, _)| marks.edge(*at));
    if *lost {
        marks.lose_edges();
    }
    let limits = LoadOptions { limits: options.limits.clone(), ..LoadOptions::default() };
    let valid = check(&workflow.graph, &marks, &limits, report);
    let outcome = (options.inspect && valid && report.is_empty()).then(|| {
        let graph = Arc::clone(&workflow.graph);
        let mut outcome = outcome::to_outcome(plan, &graph, &run_id, &options.limits);
        outcome.revision = revision;
        if let Some((section, view)) = section {
            let again = |outcome: &RunOutcome| restated(&graph, outcome, &run_id, &options.limits);
            let ignored = starline::apply_outcome(section, plan, &graph, &mut outcome, &again);
            note_ignored(&ignored, view, notes);
            outcome::count(&mut outcome, &graph, &options.limits);
        }
        outcome
    });
    Ok((ImportedGalaxy { workflow, run_id, revision, outcome, warnings: Vec::new() }, read))
}

/// What an import makes of an outcome that was exported, without what starline writes beside it.
fn restated(graph: &GraphSpec, own: &RunOutcome, run: &RunId, limits: &Limits) -> RunOutcome {
    let Ok(mut plan) = graph::from_graph(graph, run) else { return own.clone() };
    outcome::from_outcome(&mut plan, graph, own);
    RunOutcome { revision: own.revision, ..outcome::to_outcome(&plan, graph, run, limits) }
}

fn note_ignored(ignored: &[Ignored], section: View<'_>, notes: &mut Notes) {
    if ignored.is_empty() {
        return;
    }
    let mut places: BTreeMap<(&str, &str), Mark> = BTreeMap::new();
    for part in section.map().into_iter().flat_map(|map| map.entries()) {
        places.insert((part.key, ""), part.at);
        for member in part.value.map().into_iter().flat_map(|map| map.entries()) {
            places.insert((part.key, member.key), member.at);
        }
    }
    for (part, id) in ignored {
        let item = id.as_deref().unwrap_or(part);
        let place =
            places.get(&(*part, id.as_deref().unwrap_or_default())).or_else(|| places.get(&(*part, "")));
        let at = place.copied().unwrap_or_else(|| section.mark());
        let message = match id {
            Some(id) => format!("what starline wrote about `{id}` in `{part}` does not agree with the file"),
            None => format!("what starline wrote in `{part}` does not agree with the file"),
        };
        notes.add(at, "starline_ignored", item, format!("{message}: it is ignored there"));
    }
}

/// Writes a workflow as a constellation: Galaxy's JSON in the map form, with every field.
///
/// Whatever Galaxy cannot express is written to `metadata.starline`; an import gives an equal graph. Where there is
/// no such thing, as after an import, nothing is added. Secrets stay out: only their names are in a graph. A file of more
/// than 16 MiB is not read again, which a warning `not_importable` says.
/// Costs O(tasks log tasks + dependencies log dependencies).
///
/// # Errors
/// Two tasks or two dependencies have one id, a dependency names a task that is not there, or a value is nested more
/// deeply than an import takes.
///
/// # Examples
///
/// ```
/// use starline_workflow::{GalaxyExport, GalaxyOptions, LoadOptions, Workflow, export_galaxy, import_galaxy};
///
/// let file = "version: 1\ntasks:\n  a: { run: { sh: ls } }\n  b: { run: { noop: }, after: { a: failure } }\n";
/// let workflow = Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect("a valid file");
/// let written = export_galaxy(&workflow, &GalaxyExport::default())?;
/// let imported = import_galaxy(written.json.as_bytes(), &GalaxyOptions::default()).expect("a valid constellation");
/// assert_eq!(imported.workflow, workflow);
/// # Ok::<(), starline_workflow::WriteError>(())
/// ```
pub fn export_galaxy(workflow: &Workflow, options: &GalaxyExport<'_>) -> Result<Exported, WriteError> {
    let graph = &workflow.graph;
    let run = run_id(graph, options);
    let mut plan = graph::from_graph(graph, &run)?;
    let mut revision = options.revision;
    let given = options.outcome.map(|own| {
        revision = revision.max(own.revision);
        outcome::from_outcome(&mut plan, graph, own);
        let limits = Limits::default();
        let given = outcome::to_outcome(&plan, graph, &run, &limits);
        (own, RunOutcome { revision: own.revision, ..given })
    });
    let base = graph::to_graph(&plan);
    let outcomes = given.as_ref().map(|(own, given)| (*own, given));
    let section = starline::section(workflow, revision, &plan, &base, outcomes);
    let doc = write::constellation(&plan, section.as_ref());
    if doc.is_deeper_than(crate::tree::MAX_DEPTH) {
        return Err(WriteError::TooDeep);
    }
    Ok(Exported::new(write_json(&doc), Vec::new()))
}

fn run_id(graph: &GraphSpec, options: &GalaxyExport<'_>) -> RunId {
    let given = options.run_id.clone().or_else(|| options.outcome.map(|outcome| outcome.run_id.clone()));
    let imported = || {
        let kept = kept::Kept::of(&graph.metadata);
        kept.text("original_id").and_then(ids::run)
    };
    let generated = || ids::run(&read::generated(options.seed, options.now.0));
    given.or_else(imported).or_else(generated).unwrap_or_else(RunId::system)
}
