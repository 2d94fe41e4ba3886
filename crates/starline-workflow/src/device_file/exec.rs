//! The section `exec`: what a device lets processes do, as given once it has been checked.

use serde_json::Map;
use starline_types::{Millis, Value};

use super::auth::is_variable;
use super::programs;
use crate::fields::{Field, Fields, What};
use crate::problem::Report;

/// What holds for a device without the section.
pub(super) fn default_options() -> Value {
    serde_json::json!({ "allow_sh": false })
}

pub(super) fn read(section: &Field<'_>, device: &str, report: &mut Report) -> Value {
    let what = What::named("exec of device", device);
    let Some(mut fields) = Fields::of(section, what, "exec: { allow_sh: true }", report) else {
        return default_options();
    };
    let mut options = Map::new();
    let mut keep = |name: &str, value: Option<Value>| {
        options.extend(value.map(|value| (name.to_owned(), value)));
    };
    let allow_sh = fields.take("allow_sh").and_then(|field| field.boolean(report));
    keep("allow_sh", Some(Value::Bool(allow_sh.unwrap_or(false))));
    keep("programs", fields.take("programs").map(|field| programs::read(&field, device, report)));
    keep("env_pass", fields.take("env_pass").map(|field| variables(&field, report)));
    let sandbox = fields.take("sandbox");
    let sandbox =
        sandbox.and_then(|field| field.word(&[("none", Some("none")), ("bwrap", Some("bwrap"))], report));
    keep("sandbox", sandbox.map(Value::from));
    for name in ["work_root", "base_dir"] {
        keep(name, fields.take(name).and_then(|field| field.string(report)).map(Value::String));
    }
    let capture = fields.take("capture_limit").and_then(|field| field.amount(report));
    keep("capture_limit", capture.map(Value::from));
    let grace = fields.take("kill_grace").and_then(|field| field.duration(report));
    keep("kill_grace", grace.map(span));
    let kept = fields.take("keep_work_dirs").and_then(|field| field.boolean(report));
    keep("keep_work_dirs", kept.map(Value::Bool));
    keep("limits", fields.take("limits").and_then(|field| limits(&field, device, report)));
    fields.close(report);
    Value::Object(options)
}

fn span(span: Millis) -> Value {
    Value::String(span.to_string())
}

/// Names of environment variables.
fn variables(field: &Field<'_>, report: &mut Report) -> Value {
    let names = field.texts(report).unwrap_or_default();
    let items = field.value.list().into_iter().flat_map(|list| list.items());
    let odd = |name: &str| !is_variable(name);
    for item in items.filter(|item| item.scalar().and_then(|scalar| scalar.as_text()).is_some_and(odd)) {
        let problem = field.wrong(item, "a list of names of environment variables", report);
        problem.hint("a name is made of A-Z a-z 0-9 _; its value is taken from where starline runs");
    }
    Value::from(names)
}

/// What each attempt may use at most.
fn limits(section: &Field<'_>, device: &str, report: &mut Report) -> Option<Value> {
    let what = What::named("limits of exec of device", device);
    let mut fields = Fields::of(section, what, "limits: { cpu: 10m, memory: 1GiB }", report)?;
    let mut limits = Map::new();
    if let Some(field) = fields.take("cpu") {
        let time = field.duration(report);
        if time == Some(Millis::ZERO) {
            field.wrong(field.value, "more than no time", report);
        }
        limits.extend(time.map(|time| ("cpu".to_owned(), span(time))));
    }
    for name in ["memory", "file_size"] {
        let Some(field) = fields.take(name) else { continue };
        let bytes = field.amount(report);
        if bytes == Some(0) {
            field.wrong(field.value, "a size above zero", report).hint("leave it out for no limit");
        }
        limits.extend(bytes.map(|bytes| (name.to_owned(), Value::from(bytes))));
    }
    for name in ["files", "processes"] {
        let count = fields.take(name).and_then(|field| field.whole(1, report));
        limits.extend(count.map(|count| (name.to_owned(), Value::from(count))));
    }
    fields.close(report);
    Some(Value::Object(limits))
}
