//! The section `editor`: when and how an agent is asked for edits.

use std::sync::Arc;

use starline_graph::Condition;
use starline_types::{
    EditorSettings, HoldScope, HoldSettings, LateEdits, Millis, OpenAiSettings, OutcomeStatus, ScriptedRule,
    Value,
};

use super::after::condition_hint;
use super::conditions::check_rule;
use super::name::is_name;
use super::policy::EDITS;
use super::sent::sent;
use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::nearest;
use crate::problem::{INVALID_CONDITION, INVALID_VALUE, MISSING_FIELD, Report};
use crate::tree::{List, Map, View};

/// Most answers for each hold.
const MAX_ATTEMPTS: u64 = 20;
/// Longest that an editor may take: one day.
const LONGEST: Millis = Millis::from_secs(24 * 3600);
/// How long one answer may take, and what tokens a run may cost, unless the file says otherwise.
const ANSWER: Millis = Millis::from_secs(60);
const TOKENS: u64 = 50_000;

const OUTCOMES: [(&str, Option<OutcomeStatus>); 2] =
    [("completed", Some(OutcomeStatus::Completed)), ("failed", Some(OutcomeStatus::Failed))];
const SCOPES: [(&str, Option<HoldScope>); 2] =
    [("descendants", Some(HoldScope::Descendants)), ("graph", Some(HoldScope::Graph))];
const LATE: [(&str, Option<LateEdits>); 2] =
    [("accept", Some(LateEdits::Accept)), ("refuse", Some(LateEdits::Refuse))];

/// The word for what a hold covers.
pub(crate) fn scope_word(scope: HoldScope) -> &'static str {
    SCOPES.iter().find(|(_, known)| *known == Some(scope)).map_or("descendants", |(word, _)| word)
}

/// The word for what becomes of late answers.
pub(crate) fn late_word(late: LateEdits) -> &'static str {
    LATE.iter().find(|(_, known)| *known == Some(late)).map_or("accept", |(word, _)| word)
}

pub(super) fn read(section: &Field<'_>, report: &mut Report) -> EditorSettings {
    let mut settings = EditorSettings::default();
    let what = What::new("editor");
    let example = "editor: { edit_on: [failed], scripted: [] }";
    let Some(mut fields) = Fields::of(section, what, example, report) else { return settings };
    if let Some(field) = fields.take("edit_on") {
        settings.edit_on = edit_on(&field, report);
    }
    if let Some(field) = fields.take("hold") {
        settings.hold = hold(&field, report);
    }
    let attempts = fields.take("attempts").and_then(|field| field.count(1..=MAX_ATTEMPTS, report));
    if let Some(attempts) = attempts.and_then(|attempts| u32::try_from(attempts).ok()) {
        settings.attempts = attempts;
    }
    if let Some(field) = fields.take("scripted") {
        settings.scripted = scripted(&field, report);
    }
    settings.openai = fields.take("openai").and_then(|field| openai(&field, report));
    fields.close(report);
    settings
}

fn edit_on(section: &Field<'_>, report: &mut Report) -> Vec<OutcomeStatus> {
    let Some(list) = section.value.list() else {
        section.wrong(section.value, "a list", report).hint("write `edit_on: [completed, failed]`");
        return Vec::new();
    };
    let mut outcomes = Vec::new();
    for item in list.items() {
        let word = item.scalar().map_or("", |scalar| scalar.text);
        if matches!(word, "skipped" | "cancelled") {
            let message =
                format!("`edit_on` of {} names {}, and such tasks never ask", section.what, quoted(word));
            report.add(item.mark(), INVALID_VALUE, message).hint("use completed, failed or both");
        } else {
            outcomes.extend(Field { value: item, ..*section }.word(&OUTCOMES, report));
        }
    }
    outcomes
}

fn hold(section: &Field<'_>, report: &mut Report) -> HoldSettings {
    let mut hold = HoldSettings::default();
    let what = What::new("hold of editor");
    let example = "hold: { scope: descendants, modification_timeout: 600s }";
    let Some(mut fields) = Fields::of(section, what, example, report) else { return hold };
    if let Some(scope) = fields.take("scope").and_then(|field| field.word(&SCOPES, report)) {
        hold.scope = scope;
    }
    if let Some(span) = fields.take("batch_window").and_then(|field| field.duration(report)) {
        hold.batch_window = span;
    }
    if let Some(span) = fields.take("modification_timeout").and_then(|field| field.wait(LONGEST, report)) {
        hold.modification_timeout = span;
    }
    if let Some(late) = fields.take("late_edits").and_then(|field| field.word(&LATE, report)) {
        hold.late_edits = late;
    }
    fields.close(report);
    hold
}

fn scripted(section: &Field<'_>, report: &mut Report) -> Vec<ScriptedRule> {
    let Some(list) = section.value.list() else {
        let problem = section.wrong(section.value, "a list of rules", report);
        problem.hint("write `scripted: [{ task: \"scan_*\", outcome: failed, edits: [] }]`");
        return Vec::new();
    };
    list.items().filter_map(|item| rule(item, report)).collect()
}

fn rule(item: View<'_>, report: &mut Report) -> Option<ScriptedRule> {
    let pattern = item.field("task").and_then(View::scalar).map_or("", |scalar| scalar.text);
    let what = What::named("scripted rule", pattern);
    let mut fields = Fields::read(item, item.mark(), what, report)?;
    let task = fields.need("task", "write a pattern over ids of tasks, such as `scan_*`", report);
    let task = task.and_then(|field| pattern_of(&field, report));
    let outcome = fields.take("outcome").and_then(|field| field.word(&OUTCOMES, report));
    let when = fields.take("when").and_then(|field| condition(&field, report));
    let reason = fields.take("reason").and_then(|field| field.string(report));
    let edits = fields.need("edits", "write a list of edits; `[]` releases the hold", report);
    let edits = edits.map(|field| edits_of(&field, report)).unwrap_or_default();
    fields.close(report);
    Some(ScriptedRule { task: task?.into(), outcome, when, reason, edits })
}

fn pattern_of<'t>(field: &Field<'t>, report: &mut Report) -> Option<&'t str> {
    let text = field.text(report)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:#-*".contains(&byte);
    if text.is_empty() || !text.bytes().all(fits) {
        field
            .wrong(field.value, "a pattern over ids of tasks", report)
            .hint("characters of ids are A-Z a-z 0-9 . _ : # -, and `*` stands for any of them");
    }
    Some(text)
}

fn condition(field: &Field<'_>, report: &mut Report) -> Option<String> {
    let text = field.text(report)?;
    if let Err(error) = Condition::compile(Arc::from(text)) {
        let message = format!("`when` of {}: {error}", field.what);
        report.add(field.value.mark(), INVALID_CONDITION, message).hint(condition_hint(text));
    }
    check_rule(&field.what.to_string(), field.value, text, report);
    Some(text.to_owned())
}

fn edits_of(section: &Field<'_>, report: &mut Report) -> Vec<Value> {
    let Some(list) = section.value.list() else {
        let problem = section.wrong(section.value, "a list of edits", report);
        problem.hint("write `edits: [{ op: remove_task, id: settle }]`");
        return Vec::new();
    };
    for item in list.items() {
        let what = section.what;
        if item.map().is_none() {
            section.wrong(item, "an edit", report).hint("write `{ op: remove_task, id: settle }`");
            continue;
        }
        let Some(op) = item.field("op") else {
            if item.is_merged() {
                continue;
            }
            let message = format!("an edit of {what} has no `op`");
            report.add(item.mark(), MISSING_FIELD, message).hint(format!("one of {}", EDITS.join(", ")));
            continue;
        };
        let name = op.scalar().map_or("", |scalar| scalar.text);
        if !EDITS.contains(&name) {
            let message = format!("`op` of an edit of {what} is {}, which is no operation", quoted(name));
            report.add(op.mark(), INVALID_VALUE, message).hint = nearest::choices(name, &EDITS);
        }
        refuse_files(what, item, report);
    }
    list.items().map(|item| item.json(report)).collect()
}

/// Refuses files of the author in the tasks of an edit: nobody reads them while the run goes on.
fn refuse_files(what: What<'_>, edit: View<'_>, report: &mut Report) {
    let tasks = edit.field("graph").and_then(|graph| graph.field("tasks"));
    let listed = tasks.and_then(View::list).into_iter().flat_map(List::items);
    let named = tasks.and_then(View::map).into_iter().flat_map(Map::entries).map(|entry| entry.value);
    let one = ["task", "set"].into_iter().filter_map(|name| edit.field(name));
    let tasks = one.chain(listed).chain(named);
    for inputs in tasks.filter_map(|task| task.field("inputs")?.map()) {
        for input in inputs.entries() {
            let Some(only) = sent(input.value).filter(|only| only.key == "file") else { continue };
            let message = format!(
                "input {} of an edit of {what} is a file, and an edit of a run cannot send files of its author",
                quoted(input.key)
            );
            report.add(only.at, INVALID_VALUE, message).hint(
                "write a value, or send an output such as `{ artifact: tasks.ID.outputs.NAME }`; a value that looks \
                 like this is written `{ value: { file: … } }`",
            );
        }
    }
}

fn openai(section: &Field<'_>, report: &mut Report) -> Option<OpenAiSettings> {
    let what = What::new("openai of editor");
    let example = "openai: { base_url_env: OPENAI_BASE_URL, model: NAME }";
    let mut fields = Fields::of(section, what, example, report)?;
    let hint = "write the environment variable that holds the address, such as OPENAI_BASE_URL";
    let base_url_env = fields.need("base_url_env", hint, report);
    let base_url_env = base_url_env.and_then(|field| variable(&field, report));
    let key_env = fields.take("key_env").and_then(|field| variable(&field, report));
    let model = fields.need("model", "write the name of a model that the server has", report);
    let model = model.and_then(|field| field.string(report));
    let timeout = fields.take("timeout").and_then(|field| field.wait(LONGEST, report));
    let max_tokens = fields.take("max_tokens").and_then(|field| field.count(1..=u64::MAX, report));
    fields.close(report);
    Some(OpenAiSettings {
        base_url_env: base_url_env?,
        key_env,
        model: model?,
        timeout: timeout.unwrap_or(ANSWER),
        max_tokens: max_tokens.unwrap_or(TOKENS),
    })
}

/// The name of an environment variable.
fn variable(field: &Field<'_>, report: &mut Report) -> Option<String> {
    let text = field.text(report)?;
    if !is_name(text) {
        let message = format!("`{}` of {} is no name of an environment variable", field.name, field.what);
        let problem = report.add(field.value.mark(), INVALID_VALUE, message);
        problem.hint("addresses and keys never stand in a workflow file").conceal();
        return None;
    }
    Some(text.to_owned())
}
