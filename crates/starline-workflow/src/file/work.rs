//! What a task does: the field `run`.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_types::{Exec, Payload, Prompt, Shell, Value};

use crate::fields::{Field, Fields, What};
use crate::problem::{INVALID_VALUE, MISSING_FIELD, Report};
use crate::tree::Meaning;

const KINDS: [&str; 6] = ["sh", "exec", "sleep", "noop", "prompt", "call"];
/// Parts of the format that this version does not read.
const LATER: [&str; 2] = ["collect", "secrets"];

/// What belongs to a process, beside what it executes.
#[derive(Debug, Default)]
struct Process<'t> {
    env: Option<Field<'t>>,
    cwd: Option<Field<'t>>,
    stdin: Option<Field<'t>>,
}

pub(super) fn read(section: &Field<'_>, task: &str, report: &mut Report) -> Payload {
    if section.value.scalar().is_some() {
        let problem = section.wrong(section.value, "a mapping", report);
        problem.hint(
            "write `run: { sh: \"…\" }` for a script, `run: { exec: [program, argument] }` for a program",
        );
        return Payload::Noop;
    }
    let what = What::named("run of task", task);
    let Some(mut fields) = Fields::read(section.value, section.at, what, report) else {
        return Payload::Noop;
    };
    let kinds: Vec<Field<'_>> = KINDS.into_iter().filter_map(|kind| fields.take(kind)).collect();
    let process = Process { env: fields.take("env"), cwd: fields.take("cwd"), stdin: fields.take("stdin") };
    let arguments = fields.take("arguments");
    fields.refuse(&LATER, report);
    fields.close(report);
    let payload = match kinds.as_slice() {
        [kind] => payload(kind, &process, arguments, report),
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
    report: &mut Report,
) -> Option<Payload> {
    let is_process = matches!(kind.name, "sh" | "exec");
    if !is_process {
        for field in [process.env, process.cwd, process.stdin].into_iter().flatten() {
            misplaced(&field, "`sh` and `exec`", report);
        }
    }
    if let (Some(field), true) = (arguments, kind.name != "call") {
        misplaced(&field, "`call`", report);
    }
    match kind.name {
        "sh" => shell(kind, process, report),
        "exec" => exec(kind, process, report),
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
    fn env(&self, report: &mut Report) -> BTreeMap<String, String> {
        self.env.and_then(|field| field.named_texts(report)).unwrap_or_default()
    }

    fn cwd(&self, report: &mut Report) -> Option<String> {
        self.cwd.and_then(|field| field.string(report))
    }

    fn stdin(&self, report: &mut Report) -> Option<String> {
        self.stdin.and_then(|field| field.string(report))
    }
}

fn shell(kind: &Field<'_>, process: &Process<'_>, report: &mut Report) -> Option<Payload> {
    let (env, cwd, stdin) = (process.env(report), process.cwd(report), process.stdin(report));
    Some(Payload::Sh(Arc::new(Shell { script: kind.string(report)?, env, cwd, stdin, ..Shell::default() })))
}

fn exec(kind: &Field<'_>, process: &Process<'_>, report: &mut Report) -> Option<Payload> {
    let (env, cwd, stdin) = (process.env(report), process.cwd(report), process.stdin(report));
    if kind.value.scalar().is_some() {
        let problem = kind.wrong(kind.value, "a list of the program and its arguments", report);
        problem.hint("write `exec: [program, argument]`, or `sh` for a script");
        return None;
    }
    let argv = kind.texts(report)?;
    if argv.is_empty() {
        kind.wrong(kind.value, "a program and its arguments", report);
        return None;
    }
    Some(Payload::Exec(Arc::new(Exec { argv, env, cwd, stdin, ..Exec::default() })))
}
