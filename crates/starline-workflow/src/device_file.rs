//! The device file, version 1.

use std::collections::BTreeMap;

use starline_types::{DeviceId, DeviceProfile, Value};

use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::file::{resources, version};
use crate::nearest;
use crate::problem::{
    DUPLICATE_DEVICE, INVALID_VALUE, LIMIT_EXCEEDED, Mark, Problem, Report, Stop, UNSUPPORTED_FIELD,
};
use crate::tree::{Tree, View, text};

/// Kinds of devices that a file may describe.
const KINDS: [&str; 2] = ["process", "simulated"];
/// Kinds that the format has and this version does not.
const LATER_KINDS: [&str; 9] =
    ["aip", "ssh", "mcp", "browser", "adb", "nats", "docker", "hyperqueue", "local"];
/// Fields that belong to devices elsewhere, and fields of devices that come later.
const LATER: [&str; 8] = ["address", "listen", "auth", "network", "connection", "ssh", "command", "cost"];
/// Most devices in one file.
const MAX_DEVICES: usize = 10_000;
/// Most capabilities of one device.
const MAX_CAPABILITIES: usize = 256;

/// The devices of an operator.
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
/// ";
/// let devices = DeviceFile::parse(file.as_bytes()).expect("a valid file").devices;
/// assert_eq!(devices[0].profile.slots, 4);
/// assert_eq!(devices[0].options["allow_sh"], true);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeviceFile {
    /// The devices, in the order of the file. No id is there twice.
    pub devices: Vec<DeviceEntry>,
}

/// A device as an operator describes it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeviceEntry {
    /// What the device is and offers. Its kind chooses the transport.
    pub profile: DeviceProfile,
    /// The section `exec`, an object. `allow_sh` is always in it, and false unless the file says otherwise.
    pub options: Value,
}

impl DeviceFile {
    /// Reads a device file, YAML or JSON.
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
}

fn read(source: &str, report: &mut Report) -> Result<DeviceFile, Stop> {
    let tree = Tree::read(source, report)?;
    let root = tree.root();
    let mut fields = Fields::read(root, root.mark(), What::new("the device file"), report).ok_or(Stop)?;
    version(&mut fields, report)?;
    let mut file = DeviceFile::default();
    if let Some(section) = fields.need("devices", "write `devices:` with a list of devices", report) {
        file.devices = devices(&section, report);
    }
    fields.refuse(&["links"], report);
    fields.close(report);
    Ok(file)
}

fn devices(section: &Field<'_>, report: &mut Report) -> Vec<DeviceEntry> {
    let Some(list) = section.value.list() else {
        let problem = section.wrong(section.value, "a list of devices", report);
        problem.hint("write `devices: [{ id: laptop, kind: process }]`");
        return Vec::new();
    };
    if list.len() > MAX_DEVICES {
        let message = format!("the file has {} devices", list.len());
        report.add(section.at, LIMIT_EXCEEDED, message).hint(format!("at most {MAX_DEVICES}"));
        return Vec::new();
    }
    let mut seen: BTreeMap<DeviceId, Mark> = BTreeMap::new();
    let mut entries = Vec::with_capacity(list.len());
    for item in list.items() {
        let Some((id_at, entry)) = device(item, report) else { continue };
        let id = entry.profile.id.clone();
        if let Some(first) = seen.get(&id) {
            let hint = format!("the first is in line {}", first.line);
            report.add(id_at, DUPLICATE_DEVICE, format!("device {id} is there twice")).hint(hint);
        } else {
            seen.insert(id, id_at);
        }
        entries.push(entry);
    }
    entries
}

/// A device with the place of its id; `None` if it has none.
fn device(item: View<'_>, report: &mut Report) -> Option<(Mark, DeviceEntry)> {
    let name = item.field("id").and_then(View::scalar).map_or("", |scalar| scalar.text);
    let what = What::named("device", name);
    let mut fields = Fields::read(item, item.mark(), what, report)?;
    let id = fields.need("id", "every device has an id of its own", report);
    let id_at = id.map_or_else(|| item.mark(), |field| field.value.mark());
    let id = id.and_then(|field| field.id(|text| DeviceId::new(text), report));
    let kind = fields.need("kind", &format!("one of {}", KINDS.join(", ")), report);
    let kind = kind.and_then(|field| kind_of(&field, report)).unwrap_or_default();
    // Read to the end without an id as well, for the problems that follow.
    let mut profile = DeviceProfile::new(id.clone().or_else(|| DeviceId::new("device").ok())?, kind);
    profile.os = fields.take("os").and_then(|field| field.string(report));
    if let Some(field) = fields.take("capabilities") {
        profile.capabilities = capabilities(&field, report);
    }
    if let Some(field) = fields.take("resources") {
        profile.resources = resources(&field, report);
    }
    if let Some(field) = fields.take("attributes") {
        profile.attributes = attributes(&field, report);
    }
    if let Some(slots) = fields.take("slots").and_then(|field| field.whole(1, report)) {
        profile.slots = slots;
    }
    if let Some(field) = fields.take("approval") {
        let _: Option<()> = field.word(&[("auto", Some(())), ("ask", None), ("deny", None)], report);
    }
    let options = fields.take("exec").and_then(|field| exec(&field, name, report));
    let options = options.unwrap_or_else(|| serde_json::json!({ "allow_sh": false }));
    fields.refuse(&LATER, report);
    fields.close(report);
    id.map(|_| (id_at, DeviceEntry { profile, options }))
}

fn kind_of<'t>(field: &Field<'t>, report: &mut Report) -> Option<&'t str> {
    let kind = field.text(report)?;
    if KINDS.contains(&kind) {
        return Some(kind);
    }
    if LATER_KINDS.contains(&kind) {
        let message = format!("devices of the kind {kind} are not supported by this version");
        report
            .add(field.value.mark(), UNSUPPORTED_FIELD, message)
            .hint(format!("use one of {}", KINDS.join(", ")));
    } else {
        let message = format!("{} is no kind of device", quoted(kind));
        report.add(field.value.mark(), INVALID_VALUE, message).hint = nearest::choices(kind, &KINDS);
    }
    None
}

fn capabilities(field: &Field<'_>, report: &mut Report) -> Vec<String> {
    let capabilities = field.texts(report).unwrap_or_default();
    if capabilities.len() > MAX_CAPABILITIES {
        let message = format!("{} has {} capabilities", field.what, capabilities.len());
        report.add(field.at, LIMIT_EXCEEDED, message).hint(format!("at most {MAX_CAPABILITIES}"));
    }
    capabilities
}

/// Facts for strategies. Those with a meaning of their own must be positive numbers.
fn attributes(field: &Field<'_>, report: &mut Report) -> BTreeMap<String, Value> {
    for entry in field.value.map().into_iter().flat_map(|map| map.entries()) {
        let own = Field { name: entry.key, at: entry.at, value: entry.value, what: field.what };
        let lowest = match entry.key {
            "speed" => f64::MIN_POSITIVE,
            "cost" => 0.0,
            _ => continue,
        };
        if own.number(report).is_some_and(|number| number < lowest) {
            own.wrong(own.value, "a positive number", report);
        }
    }
    field.named_values(report).unwrap_or_default()
}

/// The options of a process, as given once they have been checked.
fn exec(section: &Field<'_>, device: &str, report: &mut Report) -> Option<Value> {
    let what = What::named("exec of device", device);
    let mut fields = Fields::read(section.value, section.at, what, report)?;
    let mut options = serde_json::Map::new();
    let mut keep = |name: &str, value: Option<Value>| {
        options.extend(value.map(|value| (name.to_owned(), value)));
    };
    let allow_sh = fields.take("allow_sh").and_then(|field| field.boolean(report));
    keep("allow_sh", Some(Value::Bool(allow_sh.unwrap_or(false))));
    keep("env_pass", fields.take("env_pass").and_then(|field| field.texts(report)).map(Value::from));
    for name in ["work_root", "base_dir"] {
        keep(name, fields.take(name).and_then(|field| field.string(report)).map(Value::String));
    }
    keep(
        "capture_limit",
        fields.take("capture_limit").and_then(|field| field.amount(report)).map(Value::from),
    );
    let grace = fields.take("kill_grace").and_then(|field| field.duration(report));
    keep("kill_grace", grace.map(|span| Value::String(span.to_string())));
    let kept = fields.take("keep_work_dirs").and_then(|field| field.boolean(report));
    keep("keep_work_dirs", kept.map(Value::Bool));
    // Protections that cannot be given are refused here, never left out.
    let sandbox = fields.take("sandbox");
    let sandbox = sandbox.and_then(|field| field.word(&[("none", Some("none")), ("bwrap", None)], report));
    keep("sandbox", sandbox.map(Value::from));
    fields.refuse(&["programs"], report);
    fields.close(report);
    Some(Value::Object(options))
}
