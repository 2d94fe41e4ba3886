//! What a task does: the field `run`.

use std::collections::BTreeSet;
use std::sync::Arc;

use starline_types::{Exec, Payload, Prompt, Shell, Value};

use super::name::{components, path_fault};
use super::secrets::Secrets;
use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::problem::{INVALID_VALUE, MISSING_FIELD, Report};
use crate::tree::Meaning;

/// Every field of `run`.
pub(super) const FIELDS: [&str; 12] = [
    "sh",
    "exec",
    "sleep",
    "noop",
    "prompt",
    "call",
    "env",
    "cwd",
    "stdin",
    "secrets",
    "collect",
    "arguments",
];
const KINDS: [&str; 6] = ["sh", "exec", "sleep", "noop", "prompt", "call"];

/// What belongs to a process, beside what it executes.
#[derive(Debug, Default)]
struct Process<'t> {
    env: Option<Field<'t>>,
    cwd: Option<Field<'t>>,
    stdin: Option<Field<'t>>,
    secrets: Option<Field<'t>>,
    collect: Option<Field<'t>>,
}

pub(super) fn read(section: &Field<'_>, what: What<'_>, declared: &Secrets, report: &mut Report) -> Payload {
    if section.value.scalar().is_some() {
        let problem = section.wrong(section.value, "a mapping", report);
        problem.hint(
            "write `run: { sh: \"…\" }` for a script, `run: { exec: [program, argument] }` for a program",
        );
        return Payload::Noop;
    }
    let Some(mut fields) = Fields::read(section.value, section.at, what, report) else {
        return Payload::Noop;
    };
    let kinds: Vec<Field<'_>> = KINDS.into_iter().filter_map(|kind| fields.take(kind)).collect();
    let process = Process {
        env: fields.take("env"),
        cwd: fields.take("cwd"),
        stdin: fields.take("stdin"),
        secrets: fields.take("secrets"),
        collect: fields.take("collect"),
    };
    let arguments = fields.take("arguments");
    let is_merged = fields.is_merged();
    fields.close(report);
    let payload = match kinds.as_slice() {
        [kind] => payload(kind, &process, arguments, declared, report),
        [] if is_merged => None,
        [] => {
            let message = format!("{what} says nothing to do");
            report.add(section.at, MISSING_FIELD, message).hint(format!("write one of {}", KINDS.join(", ")));
            None
        }
        [first, rest @ ..] => {
            for other in rest {
                let message = format!("{what} has both `{}` and `{}`", first.name, other.name);
                report
                    .add(other.at, INVALID_VALUE, message)
                    .hint(format!("write one of {}", KINDS.join(", ")));
            }
            None
        }
    };
    payload.unwrap_or_default()
}

fn payload(
    kind: &Field<'_>,
    process: &Process<'_>,
    arguments: Option<Field<'_>>,
    declared: &Secrets,
    report: &mut Report,
) -> Option<Payload> {
    let is_process = matches!(kind.name, "sh" | "exec");
    if !is_process {
        let Process { env, cwd, stdin, secrets, collect } = *process;
        for field in [env, cwd, stdin, secrets, collect].into_iter().flatten() {
            misplaced(&field, "`sh` and `exec`", report);
        }
    }
    if let (Some(field), true) = (arguments, kind.name != "call") {
        misplaced(&field, "`call`", report);
    }
    match kind.name {
        "sh" => shell(kind, process, declared, report),
        "exec" => exec(kind, process, declared, report),
        "sleep" => kind.duration(report).map(Payload::Sleep),
        "prompt" => Some(Payload::Prompt(Arc::new(Prompt { text: kind.string(report)? }))),
        "call" => {
            let name = kind.text(report)?;
            let arguments = arguments
                .map_or_else(|| Value::Object(serde_json::Map::new()), |field| field.value.json(report));
            Some(Payload::Call { name: Arc::from(name), arguments: Arc::new(arguments) })
        }
        _ => {
            noop(kind, report);
            Some(Payload::Noop)
        }
    }
}

fn misplaced(field: &Field<'_>, owner: &str, report: &mut Report) {
    let message = format!("`{}` of {} goes with {owner} only", field.name, field.what);
    report.add(field.at, INVALID_VALUE, message).hint("leave it out");
}

fn noop(kind: &Field<'_>, report: &mut Report) {
    let nothing = match kind.value.scalar() {
        Some(scalar) => scalar.meaning() == Meaning::Null,
        None => kind.value.map().is_some_and(|map| map.len() == 0),
    };
    if !nothing {
        kind.wrong(kind.value, "nothing", report).hint("write `noop: {}`");
    }
}

impl Process<'_> {
    /// Everything but what is executed.
    fn read(&self, declared: &Secrets, report: &mut Report) -> Exec {
        Exec {
            argv: Vec::new(),
            env: self.env.and_then(|field| field.named_texts(report)).unwrap_or_default(),
            cwd: self.cwd.and_then(|field| field.string(report)),
            stdin: self.stdin.and_then(|field| field.string(report)),
            secrets: self
                .secrets
                .map(|field| declared.asked(&field, self.env.as_ref(), report))
                .unwrap_or_default(),
            collect: self.collect.map(|field| collect(&field, report)).unwrap_or_default(),
        }
    }
}

fn collect(section: &Field<'_>, report: &mut Report) -> Vec<String> {
    let Some(list) = section.value.list() else {
        section.wrong(section.value, "a list of paths", report).hint("write `collect: [report.csv]`");
        return Vec::new();
    };
    let (mut paths, mut seen) = (Vec::new(), BTreeSet::new());
    for item in list.items() {
        let Some(path) = section.text_at(item, report) else { continue };
        if let Some(fault) = path_fault(path) {
            let message = format!("path {} in `collect` of {} {fault}", quoted(path), section.what);
            report.add(item.mark(), INVALID_VALUE, message).hint(
                "write the path of a file below the folder that the task runs in, such as `report.csv`",
            );
        } else if !seen.insert(components(path).collect::<Vec<_>>()) {
            let message = format!("path {} is in `collect` of {} twice", quoted(path), section.what);
            report.add(item.mark(), INVALID_VALUE, message).hint("leave one out");
        }
        paths.push(path.to_owned());
    }
    paths
}

fn shell(
    kind: &Field<'_>,
    process: &Process<'_>,
    declared: &Secrets,
    report: &mut Report,
) -> Option<Payload> {
    let Exec { env, cwd, stdin, secrets, collect, .. } = process.read(declared, report);
    Some(Payload::Sh(Arc::new(Shell { script: kind.string(report)?, env, cwd, stdin, secrets, collect })))
}

fn exec(kind: &Field<'_>, process: &Process<'_>, declared: &Secrets, report: &mut Report) -> Option<Payload> {
    let process = process.read(declared, report);
    if kind.value.scalar().is_some() {
        let problem = kind.wrong(kind.value, "a list of the program and its arguments", report);
        problem.hint("write `exec: [program, argument]`, or `sh` for a script");
        return None;
    }
    let argv = kind.texts(report)?;
    if argv.is_empty() {
        let problem = kind.wrong(kind.value, "a program and its arguments", report);
        problem.hint("write `exec: [program, argument]`");
        return None;
    }
    Some(Payload::Exec(Arc::new(Exec { argv, ..process })))
}
