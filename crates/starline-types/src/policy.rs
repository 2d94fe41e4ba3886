//! What editors of a run may do, and when they are asked.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{HoldScope, Millis, OutcomeStatus, Value};

/// Guard rails for every editor of a run: fixed when it is created, out of reach of any edit.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Names of the operations that are allowed; `None`: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<SmolStr>>,
    /// What tasks that an edit adds or changes may ask for.
    pub only: Patterns,
    /// How much may be edited.
    pub limits: PolicyLimits,
    /// Tasks that an edit adds or changes get an approval gate if they match one of these.
    pub require_approval: Patterns,
}

/// Patterns over what a task asks for. `*` stands for any text.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Patterns {
    /// Over devices; `None`: not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<Vec<SmolStr>>,
    /// Over capabilities; `None`: not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<SmolStr>>,
    /// Over kinds of payloads; `None`: not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<SmolStr>>,
}

/// How much may be edited in a run; `None`: the limits of every run.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyLimits {
    /// Edits of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edits: Option<u64>,
    /// Tasks added to the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_tasks: Option<u64>,
}

/// When and how an agent is asked for edits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EditorSettings {
    /// Ends of tasks that ask: completed, failed or both.
    pub edit_on: Vec<OutcomeStatus>,
    /// What waits meanwhile, and for how long.
    pub hold: HoldSettings,
    /// Answers for each hold; after the last rejection it is released.
    pub attempts: u32,
    /// Rules in place of an agent; the first that matches answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scripted: Vec<ScriptedRule>,
    /// An agent behind a server that speaks the OpenAI protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openai: Option<OpenAiSettings>,
}

impl Default for EditorSettings {
    fn default() -> Self {
        Self {
            edit_on: vec![OutcomeStatus::Completed, OutcomeStatus::Failed],
            hold: HoldSettings::default(),
            attempts: 3,
            scripted: Vec::new(),
            openai: None,
        }
    }
}

/// What waits while an edit is made, and for how long.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HoldSettings {
    /// What a hold covers.
    pub scope: HoldScope,
    /// How long completions are gathered before the editor is asked.
    pub batch_window: Millis,
    /// How long the editor may take.
    pub modification_timeout: Millis,
    /// What becomes of an answer that comes too late.
    pub late_edits: LateEdits,
}

impl Default for HoldSettings {
    fn default() -> Self {
        Self {
            scope: HoldScope::Descendants,
            batch_window: Millis::ZERO,
            modification_timeout: Millis::from_secs(600),
            late_edits: LateEdits::Accept,
        }
    }
}

/// What becomes of an answer that comes after its hold has expired.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateEdits {
    /// It is an edit like any other.
    #[default]
    Accept,
    /// It is refused.
    Refuse,
}

/// An answer given by a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedRule {
    /// Pattern over ids of tasks.
    pub task: SmolStr,
    /// End of the task; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeStatus>,
    /// Condition over the outcome; `None`: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Edits as files write them; texts are templates over `task`.
    pub edits: Vec<Value>,
}

/// A server that speaks the OpenAI protocol. Address and key come from the environment, never from a file.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAiSettings {
    /// Variable with the address.
    pub base_url_env: String,
    /// Variable with the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// Name of the model.
    pub model: String,
    /// Longest wait for one answer.
    pub timeout: Millis,
    /// Tokens of the whole run.
    pub max_tokens: u64,
}
