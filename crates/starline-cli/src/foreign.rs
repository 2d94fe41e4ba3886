//! Files of other formats, and what cannot be taken over as it is.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use starline::types::{DeviceProfile, UnixMillis};
use starline::workflow::{
    DeviceEntry, DeviceFile, GalaxyOptions, ImportOptions, ImportedGalaxy, Problem, Warning, Workflow,
    WriteError, import_galaxy, import_wfformat_with, to_json, to_yaml,
};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::issue::Issue;
use crate::output::Output;
use crate::paint::printable;
use crate::source::Source;

/// Something that could not be taken over, or not be written, as it is.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub(crate) struct Loss {
    code: String,
    message: String,
    pointer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    item: String,
}

impl From<Warning> for Loss {
    fn from(warning: Warning) -> Self {
        let Warning { code, message, pointer, item, .. } = warning;
        Self { code, message, pointer, item }
    }
}

/// What was read from a file of another format.
#[derive(Debug)]
pub(crate) struct Foreign {
    pub(crate) workflow: Workflow,
    pub(crate) devices: Vec<DeviceProfile>,
    pub(crate) losses: Vec<Loss>,
}

/// Reads a constellation.
///
/// # Errors
/// Every problem in it.
pub(crate) fn galaxy(source: &Source, options: &GalaxyOptions) -> Result<ImportedGalaxy, Failure> {
    import_galaxy(&source.bytes, options).map_err(|problems| told(source, problems))
}

/// Reads a constellation as a workflow.
///
/// # Errors
/// Every problem in it.
pub(crate) fn constellation(source: &Source) -> Result<Foreign, Failure> {
    let imported = galaxy(source, &GalaxyOptions { now: now(), ..GalaxyOptions::default() })?;
    let losses = imported.warnings.into_iter().map(Loss::from).collect();
    Ok(Foreign { workflow: imported.workflow, devices: Vec::new(), losses })
}

/// Reads a recorded workflow.
///
/// # Errors
/// Every problem in it.
pub(crate) fn record(source: &Source, pin: bool) -> Result<Foreign, Failure> {
    let options = ImportOptions { pin, ..ImportOptions::default() };
    let imported =
        import_wfformat_with(&source.bytes, &options).map_err(|problems| told(source, problems))?;
    let losses = imported.warnings.into_iter().map(Loss::from).collect();
    Ok(Foreign { workflow: imported.workflow, devices: imported.devices, losses })
}

fn told(source: &Source, problems: Vec<Problem>) -> Failure {
    Failure::issues(&source.name, problems.into_iter().map(Issue::from).collect())
}

/// Says what was lost: every warning in a line of its own.
///
/// # Errors
/// Something was, and that was not to be.
pub(crate) fn settle(losses: &[Loss], strict: bool, name: &str, output: &Output) -> Result<(), Failure> {
    if strict && !losses.is_empty() {
        let issues = losses.iter().map(|loss| Issue::whole(&loss.code, line(loss), None));
        return Err(Failure::issues(name, issues.collect()));
    }
    if output.is_json() || output.is_quiet() {
        return Ok(());
    }
    for loss in losses {
        output.warning(&printable(&format!("{}: {}", loss.code, line(loss))));
    }
    Ok(())
}

fn line(loss: &Loss) -> String {
    let item = if loss.item.is_empty() { String::new() } else { format!("{}: ", loss.item) };
    let place = if loss.pointer.is_empty() { String::new() } else { format!(" at {}", loss.pointer) };
    format!("{item}{}{place}", loss.message)
}

/// A workflow as a workflow file.
///
/// # Errors
/// The workflow has something that a file cannot say.
pub(crate) fn native(workflow: &Workflow, as_json: bool) -> Result<String, WriteError> {
    if as_json { to_json(workflow) } else { to_yaml(workflow) }
}

/// Profiles as a device file.
///
/// # Errors
/// An attribute is nested more deeply than files may be.
pub(crate) fn device_file(profiles: Vec<DeviceProfile>) -> Result<String, WriteError> {
    let mut file = DeviceFile::default();
    file.devices = profiles.into_iter().map(DeviceEntry::new).collect();
    file.to_yaml()
}

/// The workflow cannot be written.
pub(crate) fn unwritable(name: &str, error: &WriteError) -> Failure {
    Failure::file(name, "not_writable", error.to_string())
}

/// Writes a file that was asked for.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| {
        Failure::infrastructure("unwritable_file", format!("failed to write {}", path.display()), &error)
    })
}

/// Whether a file of this name is to be JSON.
pub(crate) fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

/// Now, for ids of files that have none.
pub(crate) fn now() -> UnixMillis {
    #[expect(clippy::disallowed_methods, reason = "part of a generated id; no decision reads it")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or_default())
}

/// Flags that belong to another format.
pub(crate) fn misplaced(flag: &str, format: &str) -> Failure {
    Failure::new(Exit::Invalid, "usage", format!("{flag} is for --from {format} alone"))
}
