//! Which process carries a run out.

use std::path::Path;

use serde::{Deserialize, Serialize};
use starline::server::Token;
use starline::types::StateCounts;

use super::registered::registered;
use super::{Client, segment};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::past::{LAST, choose};

/// A run as its server tells it in short.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Live {
    pub(crate) run_id: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) revision: u64,
    pub(crate) counts: StateCounts,
}

#[derive(Debug, Deserialize)]
struct Runs {
    runs: Vec<Live>,
}

/// A run of another process.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) client: Client,
    pub(crate) run: String,
    /// Token of whoever answers its holds from elsewhere.
    editor: Option<Token>,
}

impl Remote {
    /// The same run, seen by its editor: what it sends is bound by the policy of the run.
    pub(crate) fn for_editor(mut self) -> Self {
        if let Some(token) = self.editor.take() {
            self.client = self.client.with_token(token);
        }
        self
    }

    /// The address of something about the run.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/runs/{}{rest}", segment(&self.run))
    }

    /// The address of something about a task of the run.
    pub(crate) fn task(&self, task: &str, rest: &str) -> String {
        self.path(&format!("/tasks/{}{rest}", segment(task)))
    }
}

/// Runs that processes of this state folder carry out or have carried out, each with its server.
///
/// # Errors
/// The state folder cannot be used.
pub(crate) async fn live(root: &Path) -> Result<Vec<(Client, Live)>, Failure> {
    Ok(served(root).await?.into_iter().map(|(client, _, run)| (client, run)).collect())
}

async fn served(root: &Path) -> Result<Vec<(Client, Option<Token>, Live)>, Failure> {
    let mut found = Vec::new();
    for entry in registered(root)? {
        let client = Client::new(&entry.connection)?;
        // One that is ending just now has nothing to say.
        let Ok(answer) = client.probe("/v1/runs").await else { continue };
        let Ok(Runs { runs }) = serde_json::from_value(answer) else { continue };
        found.extend(runs.into_iter().map(|run| (client.clone(), entry.editor.clone(), run)));
    }
    found.sort_by(|(.., one), (.., other)| one.run_id.cmp(&other.run_id));
    Ok(found)
}

/// The run of an id, of the beginning of one, or the one that began last.
///
/// # Errors
/// There is none, or there are several.
pub(crate) async fn find(root: &Path, wanted: &str) -> Result<Remote, Failure> {
    let runs = served(root).await?;
    let names: Vec<String> = runs.iter().map(|(.., run)| run.run_id.clone()).collect();
    if wanted == LAST
        && let Some(over) = crate::past::names(root)?.last().filter(|last| !names.contains(last))
    {
        // Never silently another run than the one that began last.
        return Err(is_over(over));
    }
    let is = |name: &&String| name.eq_ignore_ascii_case(wanted);
    if !names.iter().any(|name| is(&name))
        && let Some(over) = crate::past::names(root)?.iter().find(is)
    {
        // Nor one whose id only begins like that.
        return Err(is_over(over));
    }
    let name = match choose(&names, wanted) {
        Ok(name) => name.to_owned(),
        Err(failure) => return Err(absent(root, wanted, &names).unwrap_or(failure)),
    };
    let found = runs.into_iter().find(|(.., run)| run.run_id == name);
    found.map(|(client, editor, _)| Remote { client, run: name, editor }).ok_or_else(|| nothing(root))
}

/// Says of a run that is over, or of a folder without processes, what to do instead.
fn absent(root: &Path, wanted: &str, names: &[String]) -> Option<Failure> {
    let past = crate::past::names(root).ok()?;
    let over = if wanted == LAST { None } else { choose(&past, wanted).ok() };
    if let Some(over) = over {
        return Some(is_over(over));
    }
    names.is_empty().then(|| nothing(root))
}

fn is_over(run: &str) -> Failure {
    let message = format!("no process carries run {run} out any more");
    let failure = Failure::new(Exit::Infrastructure, "no_orchestrator", message);
    failure
        .with_hint(format!("look back at it with `starline show {run}`; `starline ls` lists those under way"))
}

fn nothing(root: &Path) -> Failure {
    let message = format!("no run is under way in {}", root.display());
    Failure::new(Exit::Infrastructure, "no_orchestrator", message)
        .with_hint("begin one with `starline run FILE`, or name its folder with --state-dir")
}

/// The process that takes workflows: `starline serve`.
///
/// # Errors
/// There is none.
pub(crate) async fn server(root: &Path) -> Result<Client, Failure> {
    for entry in registered(root)?.into_iter().filter(|entry| entry.takes_workflows) {
        let client = Client::new(&entry.connection)?;
        if client.get("/healthz").await.is_ok() {
            return Ok(client);
        }
    }
    let message = format!("no `starline serve` is under way in {}", root.display());
    let failure = Failure::new(Exit::Infrastructure, "no_orchestrator", message);
    Err(failure.with_hint("begin one with `starline serve`, or run the workflow here without --detach"))
}
