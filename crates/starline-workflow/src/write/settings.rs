//! The sections `policy` and `editor`, as they are written.

use starline_types::{
    EditorSettings, HoldSettings, OpenAiSettings, OutcomeStatus, Patterns, Policy, ScriptedRule,
};

use super::document::{Doc, Entries, bare, text, value, word};
use crate::file::{late_word, scope_word};

/// A list, also if it is empty.
fn list<T: AsRef<str>>(items: &[T]) -> Doc {
    Doc::List(items.iter().map(|item| text(item.as_ref())).collect())
}

pub(super) fn policy(policy: &Policy) -> Doc {
    let mut fields = Entries::default();
    fields.add("allow", policy.allow.as_deref().map(list));
    fields.section("only", patterns(&policy.only));
    let mut limits = Entries::default();
    limits.add("edits", policy.limits.edits.map(bare));
    limits.add("added_tasks", policy.limits.added_tasks.map(bare));
    fields.section("limits", limits);
    fields.section("require_approval", patterns(&policy.require_approval));
    fields.map()
}

fn patterns(patterns: &Patterns) -> Entries {
    let mut fields = Entries::default();
    fields.add("devices", patterns.devices.as_deref().map(list));
    fields.add("capabilities", patterns.capabilities.as_deref().map(list));
    fields.add("kinds", patterns.kinds.as_deref().map(list));
    fields
}

pub(super) fn editor(settings: &EditorSettings) -> Doc {
    let default = EditorSettings::default();
    let mut fields = Entries::default();
    if settings.edit_on != default.edit_on {
        fields.add("edit_on", Doc::List(settings.edit_on.iter().map(word).collect()));
    }
    fields.section("hold", hold(&settings.hold));
    if settings.attempts != default.attempts {
        fields.add("attempts", bare(settings.attempts));
    }
    if !settings.scripted.is_empty() {
        fields.add("scripted", Doc::List(settings.scripted.iter().map(rule).collect()));
    }
    fields.add("openai", settings.openai.as_ref().map(openai));
    fields.map()
}

fn hold(hold: &HoldSettings) -> Entries {
    let default = HoldSettings::default();
    let mut fields = Entries::default();
    if hold.scope != default.scope {
        fields.add("scope", word(scope_word(hold.scope)));
    }
    if hold.batch_window != default.batch_window {
        fields.add("batch_window", word(hold.batch_window));
    }
    if hold.modification_timeout != default.modification_timeout {
        fields.add("modification_timeout", word(hold.modification_timeout));
    }
    if hold.late_edits != default.late_edits {
        fields.add("late_edits", word(late_word(hold.late_edits)));
    }
    fields
}

fn rule(rule: &ScriptedRule) -> Doc {
    let mut fields = Entries::default();
    fields.add("task", text(&rule.task));
    fields.add("outcome", rule.outcome.as_ref().map(|outcome: &OutcomeStatus| word(outcome)));
    fields.add("when", rule.when.as_deref().map(text));
    fields.add("reason", rule.reason.as_deref().map(text));
    fields.add("edits", Doc::List(rule.edits.iter().map(value).collect()));
    fields.map()
}

fn openai(settings: &OpenAiSettings) -> Doc {
    let mut fields = Entries::default();
    fields.add("base_url_env", text(&settings.base_url_env));
    fields.add("key_env", settings.key_env.as_deref().map(text));
    fields.add("model", text(&settings.model));
    fields.add("timeout", word(settings.timeout));
    fields.add("max_tokens", bare(settings.max_tokens));
    fields.map()
}
