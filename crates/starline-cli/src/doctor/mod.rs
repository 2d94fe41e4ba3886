//! What this machine offers to devices and to the program itself, and what is missing.

mod limits;
mod place;
mod programs;
mod terminal;

use std::path::Path;

use serde::Serialize;

use crate::failure::Failure;

/// How something stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Health {
    /// It works.
    Ok,
    /// It works in part, or may be too little.
    Limited,
    /// It does not work.
    Missing,
}

impl Health {
    /// The word of it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Limited => "limited",
            Self::Missing => "missing",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    /// Its name.
    pub(crate) name: &'static str,
    /// How it stands.
    pub(crate) status: Health,
    /// What was found.
    pub(crate) found: String,
    /// How to get more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fix: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, status: Health::Ok, found: found.into(), fix: None }
    }

    fn limited(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, status: Health::Limited, found: found.into(), fix: Some(fix.into()) }
    }

    fn missing(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, status: Health::Missing, found: found.into(), fix: Some(fix.into()) }
    }
}

/// Everything that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Examination {
    /// Whether tasks can run here at all, as processes.
    pub(crate) works: bool,
    /// The single findings, the device kinds first.
    pub(crate) checks: Vec<Check>,
}

/// Kinds of devices that files may name one day.
const LATER: [&str; 3] = ["aip", "ssh", "mcp"];

/// Looks at this machine. What is tried leaves nothing behind.
///
/// # Errors
/// The system does not even start a runtime.
pub(crate) fn examine(state_dir: &Path) -> Result<Examination, Failure> {
    // Input and output are those of the programs that are asked.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::infrastructure("runtime", "failed to start a runtime", &error))?;
    let process = programs::process();
    let works = process.status == Health::Ok;
    let mut checks = vec![process];
    runtime.block_on(async {
        checks.push(programs::sandbox().await);
        checks.extend(LATER.map(later));
        checks.push(programs::ssh_client().await);
        checks.push(programs::ssh_server());
        checks.push(place::state_folder(state_dir));
        checks.push(place::disk(state_dir).await);
        checks.push(limits::open_files().await);
        checks.push(limits::clock().await);
    });
    checks.push(terminal::terminal());
    Ok(Examination { works, checks })
}

fn later(kind: &'static str) -> Check {
    Check::missing(kind, "devices of this kind are not in this version", "use devices of the kind process")
}
