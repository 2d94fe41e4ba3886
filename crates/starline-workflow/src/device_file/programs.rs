//! The list of programs that a device may start.

use serde_json::{Map, json};
use starline_types::{BlobHash, Value};

use crate::fields::{Field, Fields, What};
use crate::problem::{INVALID_VALUE, Report};
use crate::tree::View;

/// What an entry may be.
const FORMS: &str = "an absolute path, or a mapping with `path`";

pub(super) fn read(section: &Field<'_>, device: &str, report: &mut Report) -> Value {
    let Some(list) = section.value.list() else {
        let problem = section.wrong(section.value, "a list of programs", report);
        problem.hint("write `programs: [/usr/bin/grep]`; without the field any program may be started");
        return Value::Array(Vec::new());
    };
    let programs = list.items().filter_map(|item| {
        if item.map().is_some() {
            return mapped(item, device, report);
        }
        let field = Field { value: item, ..*section };
        if item.list().is_some() {
            field.wrong(item, FORMS, report);
            return None;
        }
        absolute(&field, report).map(Value::String)
    });
    Value::Array(programs.collect())
}

/// `{ path, args, script }`, with what it does not say left out.
fn mapped(item: View<'_>, device: &str, report: &mut Report) -> Option<Value> {
    let what = What::named("program of device", device);
    let mut fields = Fields::read(item, item.mark(), what, report)?;
    let path = fields.need("path", "write `path: /usr/bin/PROGRAM`", report);
    let path = path.and_then(|field| absolute(&field, report));
    let args = fields.take("args").and_then(|field| field.texts(report));
    let script = fields.take("script").and_then(|field| script(&field, device, report));
    fields.close(report);
    let mut program = Map::new();
    program.extend(path.map(|path| ("path".to_owned(), Value::String(path))));
    program.extend(args.map(|args| ("args".to_owned(), Value::from(args))));
    program.extend(script.map(|script| ("script".to_owned(), script)));
    Some(Value::Object(program))
}

/// The one file that an interpreter may run.
fn script(section: &Field<'_>, device: &str, report: &mut Report) -> Option<Value> {
    let what = What::named("script of a program of device", device);
    let mut fields = Fields::of(section, what, "script: { path: /ABSOLUTE/PATH, blake3: HASH }", report)?;
    let path = fields.need("path", "write `path: /ABSOLUTE/PATH`", report);
    let path = path.and_then(|field| absolute(&field, report));
    let hint = "write `blake3:` with the 64 digits that `b3sum` prints for the file";
    let hash = fields.need("blake3", hint, report).and_then(|field| digest(&field, report));
    fields.close(report);
    Some(json!({ "path": path?, "blake3": hash? }))
}

fn digest(field: &Field<'_>, report: &mut Report) -> Option<String> {
    let digits = field.text(report)?;
    if BlobHash::from_hex(digits).is_err() {
        let message = format!(
            "`{}` of {} has {} characters, expected 64 digits of 0-9 a-f",
            field.name,
            field.what,
            digits.chars().count()
        );
        let problem = report.add(field.value.mark(), INVALID_VALUE, message);
        problem.hint("`b3sum` prints them for a file");
        return None;
    }
    Some(digits.to_owned())
}

/// A path that means the same file wherever it is read.
fn absolute(field: &Field<'_>, report: &mut Report) -> Option<String> {
    let path = field.text(report)?;
    let climbs = path.split('/').any(|part| part == "..");
    if path.starts_with('/') && !path.ends_with('/') && !climbs && !path.contains('\0') {
        return Some(path.to_owned());
    }
    let problem = field.wrong(field.value, "the absolute path of a file, without `..`", report);
    problem.hint("write the whole path, such as /usr/bin/grep; `command -v grep` prints it");
    None
}
