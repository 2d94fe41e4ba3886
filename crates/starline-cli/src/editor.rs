//! Who edits the graph of a run while it goes on.

use std::sync::Arc;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use starline::agent::{RuleFault, ScriptedPlanner};
use starline::orchestrator::{Run, RunError};
use starline::planner::Planner;
use starline::types::{EditorSettings, HoldScope, Millis};
use starline::workflow::Workflow;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::issue::Issue;
use crate::output::Output;

/// Name of an editor in another process, as facts have it.
pub(crate) const EXTERNAL: &str = "external";

/// Who is asked when a task ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EditorName {
    /// Nobody: ends of tasks open no holds, and anybody may edit all the same
    None,
    /// The rules under `editor: { scripted: … }` in the workflow file
    Scripted,
    /// Another process: holds wait for its answers through the interface of the run
    External,
}

/// Who is asked, ready to be.
#[derive(Clone, Debug, Default)]
pub(crate) enum EditorChoice {
    #[default]
    Nobody,
    Here(Arc<dyn Planner>),
    Elsewhere,
}

impl EditorChoice {
    /// The editor that is asked for, or else the one of the file.
    ///
    /// # Errors
    /// The file has no rules for the scripted one, or they have faults.
    pub(crate) fn of(wanted: Option<EditorName>, workflow: &Workflow, file: &str) -> Result<Self, Failure> {
        let settings = workflow.settings.editor.as_deref();
        let has_rules = settings.is_some_and(|settings| !settings.scripted.is_empty());
        let wanted = wanted.unwrap_or_else(|| match settings {
            Some(_) if has_rules => EditorName::Scripted,
            Some(settings) if settings.openai.is_none() => EditorName::External,
            // Told by [`warn`].
            Some(_) | None => EditorName::None,
        });
        match (wanted, settings) {
            (EditorName::None, _) => Ok(Self::Nobody),
            (EditorName::External, _) => Ok(Self::Elsewhere),
            (EditorName::Scripted, Some(settings)) if has_rules => {
                rules(settings, file).map(|planner| Self::Here(Arc::new(planner)))
            }
            (EditorName::Scripted, _) => {
                let message = "the workflow has no rules for the scripted editor";
                let failure = Failure::new(Exit::Invalid, "no_rules", message);
                Err(failure
                    .with_hint("write them under `editor: { scripted: [ … ] }`, or choose --editor external"))
            }
        }
    }

    /// The planner that answers holds in this process.
    pub(crate) fn planner(&self) -> Option<Arc<dyn Planner>> {
        match self {
            Self::Here(planner) => Some(Arc::clone(planner)),
            Self::Nobody | Self::Elsewhere => None,
        }
    }

    /// Lets holds wait for answers from another process.
    ///
    /// # Errors
    /// The run is over already.
    pub(crate) async fn wait_for_others(&self, run: &Run) -> Result<(), RunError> {
        if !matches!(self, Self::Elsewhere) {
            return Ok(());
        }
        let mut editor = run.editor(EXTERNAL).await?;
        #[expect(clippy::disallowed_methods, reason = "ends with the run, which ends the holds")]
        drop(tokio::spawn(async move {
            // Taken and not answered here: that is for whoever sees them as facts.
            while editor.next_hold().await.is_some() {}
        }));
        Ok(())
    }
}

/// Says what a file asks for and this version does not have.
pub(crate) fn warn(workflow: &Workflow, output: &Output) {
    let asks = workflow.settings.editor.as_deref().is_some_and(|editor| editor.openai.is_some());
    if asks && !output.is_quiet() {
        output.warning("this version has no editor `openai`: nobody is asked");
    }
}

/// The planner of the rules of a file.
///
/// # Errors
/// Everything that is wrong with them.
pub(crate) fn rules(settings: &EditorSettings, file: &str) -> Result<ScriptedPlanner, Failure> {
    ScriptedPlanner::new(settings).map_err(|faults| {
        let issue = |fault: RuleFault| {
            let edit = fault.edit.map(|edit| format!(", edit {edit}")).unwrap_or_default();
            let message =
                format!("editor.scripted[{}]{edit}, {}: {}", fault.rule, fault.place, fault.message);
            Issue::whole("invalid_rule", message, fault.hint)
        };
        Failure::issues(file, faults.into_iter().map(issue).collect())
    })
}

/// Changes what flags say about holds.
pub(crate) fn overlay(workflow: &mut Workflow, scope: Option<HoldScope>, timeout: Option<Millis>) {
    if scope.is_none() && timeout.is_none() {
        return;
    }
    let mut settings = workflow.settings.editor.as_deref().cloned().unwrap_or_default();
    settings.hold.scope = scope.unwrap_or(settings.hold.scope);
    settings.hold.modification_timeout = timeout.unwrap_or(settings.hold.modification_timeout);
    workflow.settings.editor = Some(Arc::new(settings));
}
