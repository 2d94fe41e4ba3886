//! How the end of a process is told.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use starline_device::{Attempt, ErrorKind, OutputSource, TaskError, TaskReport, TaskSpec, Value};

use crate::capture::Outputs;
use crate::{Limits, ProcessOptions, Sandbox};

/// Why a process was ended early.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cause {
    Cancelled,
    TimedOut,
}

/// The report of an attempt whose processes have all ended.
pub(crate) fn report(
    status: io::Result<ExitStatus>,
    cause: Option<Cause>,
    attempt: &Attempt,
    outputs: &Outputs,
    options: &ProcessOptions,
) -> TaskReport {
    if cause == Some(Cause::Cancelled) {
        return TaskReport::Stopped;
    }
    let stdout = outputs.stdout.text();
    let exit = status.as_ref().ok();
    let result = result(exit, &stdout, outputs);
    let fail =
        |kind, message| TaskReport::Failed { error: TaskError::new(kind, message), result: result.clone() };
    if cause == Some(Cause::TimedOut) {
        let limit = attempt.timeout.unwrap_or_default();
        return fail(ErrorKind::Timeout, format!("attempt ran longer than {limit}"));
    }
    if let Some(why) = outputs.stderr.unstarted() {
        let what = match options.sandbox {
            Sandbox::Bwrap if why.starts_with("bwrap:") => "sandbox could not be made",
            _ => "limits could not be set",
        };
        return TaskReport::failed(TaskError::new(ErrorKind::DeviceError, format!("{what}: {why}")));
    }
    if let (Ok(status), Some(name)) = (&status, cut_output(&attempt.spec, outputs))
        && status.success()
    {
        let kept = outputs.stdout.limit();
        let message =
            format!("output `{name}` from stdout: there is more than the {kept} bytes that are kept");
        return fail(ErrorKind::BadOutput, message);
    }
    match status {
        Ok(status) if status.success() => TaskReport::Completed { result, stdout: Some(stdout.into()) },
        Ok(status) => fail(ErrorKind::ExitStatus, describe(status, outputs, &options.limits)),
        Err(error) => fail(ErrorKind::DeviceError, format!("process could not be waited for: {error}")),
    }
}

/// An output of the task that would be taken out of a part of what the process wrote.
fn cut_output<'s>(spec: &'s TaskSpec, outputs: &Outputs) -> Option<&'s str> {
    let mut named = spec.outputs.iter().filter(|_| outputs.stdout.is_truncated());
    let cut = named.find(|(_, output)| match &output.from {
        OutputSource::Stdout => true,
        OutputSource::Pointer(pointer) => pointer == "/stdout",
        OutputSource::Result => false,
    });
    cut.map(|(name, _)| name.as_str())
}

fn describe(status: ExitStatus, outputs: &Outputs, limits: &Limits) -> String {
    let last_line = outputs.stderr.last_line();
    let limit = match limits.reached(status, last_line.as_deref()) {
        Some(limit) => format!(" (its limit is {limit})"),
        None => String::new(),
    };
    match (status.code(), status.signal()) {
        (Some(code), _) => match last_line {
            Some(line) => format!("exit status {code}{limit}: {line}"),
            None => format!("exit status {code}{limit}"),
        },
        (None, Some(signal)) => match signal_name(signal) {
            Some(name) => format!("killed by signal {signal} ({name}){limit}"),
            None => format!("killed by signal {signal}{limit}"),
        },
        (None, None) => status.to_string(),
    }
}

fn result(status: Option<&ExitStatus>, stdout: &str, outputs: &Outputs) -> Value {
    let mut fields = Vec::new();
    if let Some(code) = status.and_then(ExitStatus::code) {
        fields.push(("exit_code", Value::from(code)));
    }
    if let Some(signal) = status.and_then(ExitStatusExt::signal) {
        fields.push(("signal", Value::from(signal)));
        if let Some(name) = signal_name(signal) {
            fields.push(("signal_name", Value::from(name)));
        }
    }
    fields.push(("stdout", Value::from(stdout)));
    fields.push(("stderr", Value::from(outputs.stderr.text())));
    if outputs.stdout.is_truncated() || outputs.stderr.is_truncated() {
        fields.push(("truncated", Value::from(true)));
    }
    Value::from_iter(fields)
}

fn signal_name(signal: i32) -> Option<&'static str> {
    Signal::try_from(signal).ok().map(Signal::as_str)
}
