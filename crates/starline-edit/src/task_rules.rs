//! What a task must be, whatever the graph.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use starline_graph::check_templates;
use starline_types::{DeviceId, FileInput, Millis, Payload, TaskSpec};

use crate::hint::Hints;
use crate::{Code, Fault, Surroundings};

/// Longest time limit of an attempt: 7 days.
const MAX_RUN_TIMEOUT: Millis = Millis::from_secs(7 * 24 * 3600);
/// Largest number of retries, and of further attempts after losses.
const MAX_RETRIES: u32 = 100;

/// The devices of the surroundings by name, once a task is pinned to one.
pub(crate) type Devices<'a> = OnceCell<FxHashSet<&'a DeviceId>>;

/// Every fault of a task in itself.
pub(crate) fn faults<'a>(
    edit: usize,
    task: &TaskSpec,
    around: &Surroundings<'a>,
    devices: &Devices<'a>,
    hints: &Hints,
) -> Vec<Fault> {
    let mut found = Vec::new();
    let mut invalid = |field: &str, message: String, hint: &str| {
        let message = format!("{field} of task {}: {message}", task.id);
        found.push(Fault::new(edit, Code::InvalidValue, &task.id, message).hint(hint));
    };
    if task.queue_timeout == Some(Millis::ZERO) {
        invalid("queue_timeout", "is zero".into(), "leave it out for no limit");
    }
    match task.run_timeout {
        Some(Millis::ZERO) => invalid("run_timeout", "is zero".into(), "write `none` for no limit"),
        Some(limit) if limit > MAX_RUN_TIMEOUT => {
            invalid("run_timeout", format!("{limit} is too long"), "at most 168h, or `none`");
        }
        _ => {}
    }
    let retry = task.retry_policy();
    if retry.max > MAX_RETRIES || retry.lost_max > MAX_RETRIES {
        invalid(
            "retry",
            format!("max {} or lost_max {} is too large", retry.max, retry.lost_max),
            "at most 100",
        );
    }
    if !(retry.factor.is_finite() && retry.factor >= 1.0) {
        invalid("retry", format!("factor {} is not a growth", retry.factor), "a number from 1 up");
    }
    let mut unreadable = false;
    let undo = task.compensation().map(|undo| ("compensate.", &undo.run));
    for (within, run) in std::iter::once(("", &task.run)).chain(undo) {
        if let Payload::Exec(exec) = run
            && exec.argv.first().is_none_or(String::is_empty)
        {
            let hint = "a list of the program and its arguments";
            invalid(&format!("{within}run"), "exec names no program".into(), hint);
        }
        for (field, message) in unpassable(run) {
            unreadable |= field == "run.sh";
            let hint = "what a program is started with has no NUL byte, and names of variables no `=`";
            invalid(&format!("{within}{field}"), message, hint);
        }
    }
    let (text, metadata) = sizes(task);
    if text > around.limits.text_bytes {
        let message = format!("task {} has {text} bytes of text", task.id);
        let limit = format!("at most {}", around.limits.text_bytes);
        found.push(Fault::new(edit, Code::LimitExceeded, &task.id, message).hint(limit));
    }
    if metadata > around.limits.metadata_bytes {
        let message = format!("task {} has {metadata} bytes of metadata", task.id);
        let limit = format!("at most {}", around.limits.metadata_bytes);
        found.push(Fault::new(edit, Code::LimitExceeded, &task.id, message).hint(limit));
    }
    if let (Some(pin), Some(known)) = (task.pin(), around.devices)
        && !devices.get_or_init(|| known.iter().collect()).contains(pin)
    {
        let message = format!("task {} is pinned to {pin}, and no device has that id", task.id);
        let mut fault = Fault::new(edit, Code::UnknownDevice, pin, message);
        fault.hint = hints.nearest(pin.as_str(), known.iter().map(DeviceId::as_str));
        found.push(fault);
    }
    if !unreadable && let Err(error) = check_templates(task) {
        found.push(Fault::new(edit, Code::InvalidTemplate, &task.id, format!("task {}: {error}", task.id)));
    }
    found
}

/// What no program can be started with, by the field that it stands in. Standard input may be anything.
fn unpassable(run: &Payload) -> Vec<(&'static str, String)> {
    let (texts, env, secrets, cwd, collect): (Vec<_>, _, _, _, _) = match run {
        Payload::Sh(sh) => (
            vec![("run.sh", "the script".to_owned(), &sh.script)],
            &sh.env,
            &sh.secrets,
            &sh.cwd,
            &sh.collect,
        ),
        Payload::Exec(exec) => {
            let argv = exec.argv.iter().enumerate();
            let argv = argv.map(|(at, text)| ("run.exec", format!("item {at}"), text)).collect();
            (argv, &exec.env, &exec.secrets, &exec.cwd, &exec.collect)
        }
        Payload::Noop | Payload::Sleep(_) | Payload::Prompt(_) | Payload::Call { .. } => return Vec::new(),
    };
    let values = env.iter().map(|(name, value)| ("run.env", format!("the value of {name:?}"), value));
    let folder = cwd.iter().map(|cwd| ("run.cwd", "the folder".to_owned(), cwd));
    let files = collect.iter().map(|path| ("run.collect", format!("the path {path:?}"), path));
    let mut found: Vec<_> = texts
        .into_iter()
        .chain(values)
        .chain(folder)
        .chain(files)
        .filter(|(_, _, text)| text.contains('\0'))
        .map(|(field, what, _)| (field, format!("{what} has a NUL byte, which no program can be given")))
        .collect();
    let names = env.keys().map(|name| ("run.env", name));
    let names = names.chain(secrets.keys().map(|name| ("run.secrets", name)));
    found.extend(
        names
            .filter(|(_, name)| name.is_empty() || name.contains(['=', '\0']))
            .map(|(field, name)| (field, format!("{name:?} is no name of an environment variable"))),
    );
    found
}

/// Bytes of the texts and of the metadata of a task.
fn sizes(task: &TaskSpec) -> (usize, usize) {
    let named = |named: &BTreeMap<String, String>| -> usize {
        named.iter().map(|(name, value)| name.len() + value.len()).sum()
    };
    let process = |env: &BTreeMap<String, String>, cwd: &Option<String>, stdin: &Option<String>| {
        named(env) + [cwd, stdin].into_iter().flatten().map(String::len).sum::<usize>()
    };
    let kept = |secrets: &BTreeMap<String, String>, collect: &[String]| named(secrets) + texts(collect);
    let size = |run: &Payload| match run {
        Payload::Noop | Payload::Sleep(_) => 0,
        Payload::Sh(shell) => {
            let process = process(&shell.env, &shell.cwd, &shell.stdin);
            shell.script.len() + process + kept(&shell.secrets, &shell.collect)
        }
        Payload::Exec(exec) => {
            // An empty argument takes room as well.
            let argv = texts(&exec.argv) + exec.argv.len();
            let process = process(&exec.env, &exec.cwd, &exec.stdin);
            argv + process + kept(&exec.secrets, &exec.collect)
        }
        Payload::Prompt(prompt) => prompt.text.len(),
        Payload::Call { name, arguments } => name.len() + json_bytes(arguments),
    };
    let run = size(&task.run) + task.compensation().map_or(0, |undo| size(&undo.run));
    let details = task.details.as_ref().map_or((0, 0), |details| {
        let metadata: usize = details.metadata.iter().map(|(key, value)| key.len() + json_bytes(value)).sum();
        let files: usize = details.files.iter().map(|(name, file)| name.len() + file_bytes(file)).sum();
        let prompt = details.approval.as_ref().map_or(0, |gate| gate.prompt.len());
        (details.description.len() + texts(&details.tips) + files + prompt, metadata)
    });
    let device = task.device.as_ref().map_or(0, |device| {
        let resources: usize = device.resources.0.keys().map(String::len).sum();
        texts(&device.needs) + resources
    });
    let inputs: usize = task.inputs.iter().map(|(key, value)| key.len() + json_bytes(value)).sum();
    let outputs: usize =
        task.outputs.iter().map(|(name, output)| name.len() + output.from.to_string().len()).sum();
    (task.name().len() + run + details.0 + device + inputs + outputs, details.1)
}

fn file_bytes(file: &FileInput) -> usize {
    match file {
        FileInput::File { path, .. } => path.len(),
        FileInput::Output { task, output } => task.as_str().len() + output.len(),
    }
}

fn texts(texts: &[String]) -> usize {
    texts.iter().map(String::len).sum()
}

fn json_bytes(value: &starline_types::Value) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |text| text.len())
}
