//! Values of secrets: from the environment or from a file, and to nobody but the devices.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{env, io};

use starline::device::{SHORTEST_SECRET, Secret, Secrets};
use starline::types::Payload;
use starline::workflow::Workflow;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::state::{OTHERS, word};

/// Largest file with secrets, in bytes.
const LIMIT: u64 = 1 << 20;

/// The secrets that tasks of a workflow use.
///
/// # Errors
/// The file cannot be read, may be read by others or is of another form; or a secret has no value, or one that is too
/// short to be masked.
pub(crate) fn secrets(workflow: &Workflow, file: Option<&Path>) -> Result<Secrets, Failure> {
    let given = file.map(read).transpose()?.unwrap_or_default();
    let (mut known, mut missing) = (Vec::new(), Vec::new());
    for name in used(workflow) {
        let value = given.get(name).cloned().or_else(|| env::var(name).ok().map(|value| Secret::new(&value)));
        match value {
            Some(value) => known.push((name.to_owned(), value)),
            None => missing.push(name),
        }
    }
    if missing.is_empty() {
        short(&known)?;
        // Tasks that are added while it runs may use what is declared.
        let used = used(workflow);
        for name in workflow.settings.secrets.iter().filter(|name| !used.contains(name.as_str())) {
            let value = given.get(name.as_str()).cloned();
            let value = value.or_else(|| env::var(name.as_str()).ok().map(|value| Secret::new(&value)));
            let value = value.filter(|secret| secret.width() >= SHORTEST_SECRET);
            known.extend(value.map(|value| (name.to_string(), value)));
        }
        return Ok(known.into_iter().collect());
    }
    let word = if missing.len() == 1 { "secret has" } else { "secrets have" };
    let message = format!("{} {word} no value: {}", missing.len(), missing.join(", "));
    let hint =
        "set an environment variable of that name, or name a file of lines NAME=value with --secret-file";
    Err(Failure::new(Exit::Invalid, "missing_secret", message).with_hint(hint))
}

/// Every secret of a file, if there is one.
///
/// # Errors
/// The file cannot be read, may be read by others or is of another form; or a secret is too short to be masked.
pub(crate) fn all(file: Option<&Path>) -> Result<Secrets, Failure> {
    let known: Vec<(String, Secret)> = file.map(read).transpose()?.unwrap_or_default().into_iter().collect();
    short(&known)?;
    Ok(known.into_iter().collect())
}

/// Refuses secrets that could not be masked in what tasks write.
fn short(known: &[(String, Secret)]) -> Result<(), Failure> {
    let short: Vec<String> = known
        .iter()
        .filter(|(_, secret)| secret.width() < SHORTEST_SECRET)
        .map(|(name, secret)| match secret.width() {
            1 => format!("secret {name} has 1 character"),
            width => format!("secret {name} has {width} characters"),
        })
        .collect();
    if short.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{}; at least {SHORTEST_SECRET}, since shorter ones cannot be masked in what tasks write",
        short.join(", ")
    );
    let hint = "give it a longer value; what is no secret belongs in `inputs`";
    Err(Failure::new(Exit::Invalid, "short_secret", message).with_hint(hint))
}

/// Names that tasks use, each once. All of them are declared.
pub(crate) fn used(workflow: &Workflow) -> BTreeSet<&str> {
    let tasks = workflow.graph.tasks.iter();
    tasks
        .flat_map(|task| task.payloads())
        .filter_map(|run| match run {
            Payload::Sh(shell) => Some(&shell.secrets),
            Payload::Exec(exec) => Some(&exec.secrets),
            Payload::Noop | Payload::Sleep(_) | Payload::Prompt(_) | Payload::Call { .. } => None,
        })
        .flat_map(|secrets| secrets.values().map(String::as_str))
        .collect()
}

fn read(path: &Path) -> Result<BTreeMap<String, Secret>, Failure> {
    let shown = path.display();
    let refuse = |what: String| Failure::new(Exit::Invalid, "secret_file", what);
    let text = open(path).map_err(|error| match error {
        Unusable::Open(mode) => refuse(format!("{shown} may be read by others: its mode is {mode:03o}"))
            .with_hint(format!("chmod 600 {}", word(&shown.to_string()))),
        Unusable::Unreadable(error) => refuse(format!("{shown} cannot be read: {error}")),
    })?;
    let mut secrets = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let pair = line.split_once('=').map(|(name, value)| (name.trim(), value));
        // The line itself is never shown: it may be a secret.
        let (name, value) = pair
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| refuse(format!("line {} of {shown} is not of the form NAME=value", at + 1)))?;
        secrets.insert(name.to_owned(), Secret::new(value));
    }
    Ok(secrets)
}

enum Unusable {
    Open(u32),
    Unreadable(io::Error),
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

fn open(path: &Path) -> Result<String, Unusable> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    if found.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
    }
    // What a shell hands over as a pipe belongs to nobody else.
    if found.is_file() && found.mode() & OTHERS != 0 {
        return Err(Unusable::Open(found.mode() & 0o777));
    }
    let mut text = String::new();
    file.take(LIMIT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LIMIT {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge).into());
    }
    Ok(text)
}
