//! The devices of an operator.

use std::collections::BTreeMap;

use starline_types::DeviceId;

use super::{DeviceEntry, Link, entry, link, write};
use crate::WriteError;
use crate::fields::{Field, Fields, What};
use crate::file::version;
use crate::problem::{DUPLICATE_DEVICE, LIMIT_EXCEEDED, Mark, Problem, Report, Stop};
use crate::tree::{Tree, text};

/// Most devices in one file.
const MAX_DEVICES: usize = 10_000;

/// The devices of an operator, and what is known about the network between them.
///
/// # Examples
///
/// ```
/// use starline_workflow::DeviceFile;
///
/// let file = "
/// version: 1
/// devices:
///   - { id: laptop, kind: process, os: linux, capabilities: [logs], slots: 4, exec: { allow_sh: true } }
///   - { id: north, kind: aip, address: 'wss://north.example:5000/ws', auth: { token_env: NORTH_TOKEN } }
/// links:
///   - { between: [laptop, north], bandwidth: 100MB/s }
/// ";
/// let file = DeviceFile::parse(file.as_bytes()).expect("a valid file");
/// assert_eq!(file.devices[0].options["allow_sh"], true);
/// assert_eq!(file.devices[1].address.as_deref(), Some("wss://north.example:5000/ws"));
/// assert_eq!(file.links[0].bandwidth, 100_000_000);
/// assert_eq!(DeviceFile::parse(file.to_yaml()?.as_bytes()), Ok(file));
/// # Ok::<(), starline_workflow::WriteError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeviceFile {
    /// The devices, in the order of the file. No id is there twice.
    pub devices: Vec<DeviceEntry>,
    /// What is known about the network between devices, in the order of the file. No pair is there twice.
    pub links: Vec<Link>,
}

impl DeviceFile {
    /// Reads a device file, YAML or JSON.
    ///
    /// The names that Galaxy gives to fields are read as well: `device_id`, `server_url` (which means the kind
    /// `aip`), `metadata` (the attributes), `auto_connect` and `max_retries`.
    ///
    /// # Errors
    /// Every problem of the file, by line. A file that is not YAML, beyond a limit, or of another version has
    /// that one problem.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<Problem>> {
        let mut report = Report::default();
        let Ok(source) = text(bytes, &mut report) else { return Err(report.finish("")) };
        match read(source, &mut report) {
            Ok(file) if report.is_empty() => Ok(file),
            Ok(_) | Err(Stop) => Err(report.finish(source)),
        }
    }

    /// The file as YAML in block style, without what is as by default. Reading it gives an equal file.
    ///
    /// # Errors
    /// An attribute is nested more deeply than files may be.
    pub fn to_yaml(&self) -> Result<String, WriteError> {
        write::to_yaml(self)
    }
}

fn read(source: &str, report: &mut Report) -> Result<DeviceFile, Stop> {
    let tree = Tree::read(source, report)?;
    let root = tree.root();
    let mut fields = Fields::read(root, root.mark(), What::new("the device file"), report).ok_or(Stop)?;
    version(&mut fields, report)?;
    let mut file = DeviceFile::default();
    let mut known = Known::default();
    if let Some(section) = fields.need("devices", "write `devices:` with a list of devices", report) {
        (file.devices, known) = devices(&section, report);
    }
    if let Some(section) = fields.take("links") {
        file.links = link::read(&section, &known, report);
    }
    fields.close(report);
    Ok(file)
}

/// The ids of a file.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Each with its place.
    pub(super) ids: BTreeMap<DeviceId, Mark>,
    /// Whether every device has an id that could be read, so that no other can be meant.
    pub(super) all: bool,
}

fn devices(section: &Field<'_>, report: &mut Report) -> (Vec<DeviceEntry>, Known) {
    let mut known = Known::default();
    let Some(list) = section.value.list() else {
        let problem = section.wrong(section.value, "a list of devices", report);
        problem.hint("write `devices: [{ id: laptop, kind: process }]`");
        return (Vec::new(), known);
    };
    if list.len() > MAX_DEVICES {
        let message = format!("the file has {} devices", list.len());
        report.add(section.at, LIMIT_EXCEEDED, message).hint(format!("at most {MAX_DEVICES}"));
        return (Vec::new(), known);
    }
    known.all = true;
    let mut entries = Vec::with_capacity(list.len());
    for item in list.items() {
        let Some((id_at, entry)) = entry::read(item, report) else {
            known.all = false;
            continue;
        };
        let id = entry.profile.id.clone();
        if let Some(first) = known.ids.get(&id) {
            let hint = format!("the first is in line {}; give this one another id", first.line);
            report.add(id_at, DUPLICATE_DEVICE, format!("device {id} is there twice")).hint(hint);
        } else {
            known.ids.insert(id, id_at);
        }
        entries.push(entry);
    }
    (entries, known)
}
