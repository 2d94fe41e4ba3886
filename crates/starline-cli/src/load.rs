//! Reading workflow files.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline::orchestrator::AssignmentStrategy;
use starline::strategies::{self, LoadBalance};
use starline::types::{DeviceId, Value};
use starline::workflow::{FileResolver, LoadOptions, Problem, Workflow};

use crate::devices::DESCRIBE;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::issue::Issue;
use crate::output::Output;
use crate::paint::printable;
use crate::sent::Folder;
use crate::source::Source;

/// Warnings shown at most.
const LISTED: usize = 20;

/// What a workflow file is checked with.
#[derive(Debug, Default)]
pub(crate) struct Context {
    /// Values of inputs, as they are written on a command line.
    pub(crate) inputs: Vec<(String, String)>,
    /// Whether inputs may stay without a value.
    pub(crate) partial_inputs: bool,
    /// Devices that tasks may be pinned to; none: pins are not checked.
    pub(crate) devices: Option<Vec<DeviceId>>,
    /// Whether the operator has named these devices.
    pub(crate) named_devices: bool,
    /// Whether files that tasks are sent are left alone.
    pub(crate) without_files: bool,
}

/// Reads a workflow.
///
/// # Errors
/// Every problem of the file, by line.
pub(crate) fn workflow(source: &Source, context: Context) -> Result<Workflow, Failure> {
    let Context { inputs, partial_inputs, devices, named_devices, without_files } = context;
    let inputs: BTreeMap<String, Value> =
        inputs.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    let options = LoadOptions {
        inputs,
        partial_inputs,
        devices,
        strategies: spellings(),
        files: (!without_files).then(|| Arc::new(Folder(source.folder.clone())) as Arc<dyn FileResolver>),
        ..LoadOptions::default()
    };
    Workflow::parse(&source.bytes, &options).map_err(|problems| {
        let explained = |problem| if named_devices { problem } else { explain(problem) };
        Failure::issues(&source.name, problems.into_iter().map(explained).map(Issue::from).collect())
    })
}

/// Where only this machine is known, a pin to another device has a remedy.
fn explain(mut problem: Problem) -> Problem {
    if problem.code == "unknown_device" {
        let hint = problem.hint.take().map(|hint| format!("{hint}; ")).unwrap_or_default();
        problem.hint = Some(format!("{hint}{DESCRIBE}"));
    }
    problem
}

/// The names of strategies, and as they are written with hyphens.
pub(crate) fn spellings() -> Vec<String> {
    let names = strategies::NAMES.into_iter();
    names.flat_map(|name| [name.to_owned(), name.replace('_', "-")]).collect()
}

/// The strategy that was asked for, on the command line or else in the file.
///
/// # Errors
/// There is no such strategy; the message lists those there are.
pub(crate) fn strategy(
    wanted: Option<&str>,
    workflow: &Workflow,
) -> Result<Box<dyn AssignmentStrategy>, Failure> {
    match wanted.or(workflow.strategy.as_deref()) {
        None => Ok(Box::new(LoadBalance)),
        Some(name) => strategies::by_name(name)
            .map_err(|error| Failure::new(Exit::Invalid, "unknown_strategy", error.to_string())),
    }
}

/// Reads inputs as they are written on a command line, each `K=V`.
///
/// # Errors
/// One is of another form.
pub(crate) fn inputs(pairs: &[String]) -> Result<Vec<(String, String)>, Failure> {
    pairs.iter().map(|pair| input(pair)).collect()
}

fn input(pair: &str) -> Result<(String, String), Failure> {
    let named = pair.split_once('=').filter(|(name, _)| !name.trim().is_empty());
    let (name, value) = named.ok_or_else(|| {
        Failure::new(Exit::Invalid, "usage", format!("--input {pair:?} is not of the form NAME=VALUE"))
    })?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// Says what is ignored, and stops nothing.
pub(crate) fn warn(wishes: &[String], output: &Output) {
    if output.is_quiet() {
        return;
    }
    for wish in wishes.iter().take(LISTED) {
        output.warning(&printable(wish));
    }
    let more = wishes.len().saturating_sub(LISTED);
    if more > 0 {
        output.warning(&format!("{more} more preferences are ignored"));
    }
}
