//! Where a device is: an address, a command, or nowhere until it dials in.

use super::address;
use super::entry::DeviceEntry;
use super::kind::{Kind, only_with};
use super::settings::SshMode;
use crate::fields::{Field, Fields, What};
use crate::problem::{INVALID_VALUE, Report};

const MODES: [(&str, Option<SshMode>); 2] =
    [(SshMode::Host.as_str(), Some(SshMode::Host)), (SshMode::Plain.as_str(), Some(SshMode::Plain))];

/// Where a device is.
#[derive(Debug, Default)]
pub(super) struct Place {
    address: Option<String>,
    listen: bool,
    command: Vec<String>,
    ssh: SshMode,
}

impl Place {
    /// Reads the fields that say where a device of a kind is. Without a kind, only their types are looked at.
    pub(super) fn read(
        address: Option<Field<'_>>,
        fields: &mut Fields<'_>,
        kind: Option<Kind>,
        report: &mut Report,
    ) -> Self {
        let (listen, command, ssh) = (fields.take("listen"), fields.take("command"), fields.take("ssh"));
        only_with(address, &[Kind::Aip, Kind::Ssh, Kind::Mcp], kind, report);
        only_with(listen, &[Kind::Aip], kind, report);
        only_with(command, &[Kind::Mcp], kind, report);
        only_with(ssh, &[Kind::Ssh], kind, report);
        let place = Self {
            address: address.and_then(|field| address::read(&field, kind, report)),
            listen: listen.and_then(|field| field.boolean(report)).unwrap_or_default(),
            command: command.map(|field| argv(&field, report)).unwrap_or_default(),
            ssh: ssh.map(|field| mode(&field, report)).unwrap_or_default(),
        };
        match kind {
            Some(Kind::Aip) => match (address, listen) {
                (Some(_), Some(listen)) if place.listen => either(&listen, "address", report),
                (None, _) if !place.listen => {
                    let hint =
                        "write `address: wss://HOST:PORT/PATH`, or `listen: true` for a device that dials in";
                    fields.miss("address", hint, report);
                }
                _ => {}
            },
            Some(Kind::Ssh) if address.is_none() => {
                fields.miss("address", "write `address: ssh://USER@HOST`", report);
            }
            Some(Kind::Mcp) => match (address, command) {
                (Some(_), Some(command)) => either(&command, "address", report),
                (None, None) => {
                    let hint = "write `address: https://HOST/PATH`, or `command: [PROGRAM, ARGUMENT]` for a server on this machine";
                    fields.miss("address", hint, report);
                }
                _ => {}
            },
            Some(Kind::Process | Kind::Simulated | Kind::Ssh) | None => {}
        }
        place
    }

    pub(super) fn put(self, entry: &mut DeviceEntry) {
        let Self { address, listen, command, ssh } = self;
        (entry.address, entry.listen, entry.command, entry.ssh) = (address, listen, command, ssh);
    }
}

/// Reports two fields of which a device has one.
fn either(field: &Field<'_>, other: &str, report: &mut Report) {
    let message = format!("{} has both `{other}` and `{}`", field.what, field.name);
    report.add(field.at, INVALID_VALUE, message).hint("leave one of them out");
}

fn argv(field: &Field<'_>, report: &mut Report) -> Vec<String> {
    if field.value.scalar().is_some() {
        let problem = field.wrong(field.value, "a list of the program and its arguments", report);
        problem.hint("write `command: [PROGRAM, ARGUMENT]`");
        return Vec::new();
    }
    let argv = field.texts(report).unwrap_or_default();
    if field.value.list().is_some() && argv.first().is_none_or(String::is_empty) {
        let problem = field.wrong(field.value, "a list that begins with a program", report);
        problem.hint("write `command: [PROGRAM, ARGUMENT]`");
    }
    argv
}

fn mode(section: &Field<'_>, report: &mut Report) -> SshMode {
    let device = section.what.name();
    let what = What::named("ssh of device", device);
    let Some(mut fields) = Fields::of(section, what, "ssh: { mode: host }", report) else {
        return SshMode::Host;
    };
    let mode = fields.take("mode").and_then(|field| field.word(&MODES, report));
    fields.close(report);
    mode.unwrap_or_default()
}
