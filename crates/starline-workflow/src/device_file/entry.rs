//! One device.

use std::collections::BTreeMap;

use starline_types::{DeviceApproval, DeviceId, DeviceProfile, Value};

use super::kind::{Kind, only_with};
use super::place::Place;
use super::settings::{AuthSettings, ConnectionSettings, NetworkSettings, SshMode};
use super::{auth, connection, exec};
use crate::fields::{Field, Fields, What};
use crate::file::resources;
use crate::problem::{INVALID_VALUE, LIMIT_EXCEEDED, Mark, Report};
use crate::tree::View;

/// Most capabilities of one device.
const MAX_CAPABILITIES: usize = 256;

const APPROVALS: [(&str, Option<DeviceApproval>); 3] = [
    ("auto", Some(DeviceApproval::Auto)),
    ("ask", Some(DeviceApproval::Ask)),
    ("deny", Some(DeviceApproval::Deny)),
];

/// The word for an approval.
pub(super) fn approval_word(approval: DeviceApproval) -> &'static str {
    APPROVALS.iter().find(|(_, known)| *known == Some(approval)).map_or("auto", |(word, _)| word)
}

/// A device as an operator describes it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeviceEntry {
    /// What the device is and offers. Its kind chooses the transport: `process`, `simulated`, `aip`, `ssh` or `mcp`.
    ///
    /// It is not fenced if nothing at the other end can end an attempt by itself: plain SSH, and tool servers
    /// behind an address. Transports may learn more when they connect.
    pub profile: DeviceProfile,
    /// Where it is: `ws://` or `wss://` for the kind `aip`, `ssh://` for `ssh`, `http://` or `https://` for `mcp`.
    /// There are no credentials in it.
    pub address: Option<String>,
    /// Whether the device dials in, in place of having an address. Kind `aip` alone.
    pub listen: bool,
    /// Program and arguments of a tool server on this machine, in place of an address. Kind `mcp` alone.
    pub command: Vec<String>,
    /// What runs at the other end of an SSH connection. Kind `ssh` alone.
    pub ssh: SshMode,
    /// The section `exec`, an object, checked. `allow_sh` is always in it, and false unless the file says
    /// otherwise. Times are texts such as `5s`, amounts are bytes.
    pub options: Value,
    /// What is shown to the device, and what it must show.
    pub auth: AuthSettings,
    /// Which addresses may be connected to.
    pub network: NetworkSettings,
    /// When it is connected, and how long silence is endured.
    pub connection: ConnectionSettings,
}

impl DeviceEntry {
    /// A device without an address and with default settings.
    #[must_use]
    pub fn new(profile: DeviceProfile) -> Self {
        Self {
            profile,
            address: None,
            listen: false,
            command: Vec::new(),
            ssh: SshMode::Host,
            options: exec::default_options(),
            auth: AuthSettings::default(),
            network: NetworkSettings::default(),
            connection: ConnectionSettings::default(),
        }
    }
}

/// A device with the place of its id; `None` if it has none.
pub(super) fn read(item: View<'_>, report: &mut Report) -> Option<(Mark, DeviceEntry)> {
    let name = item.field("id").or_else(|| item.field("device_id"));
    let name = name.and_then(View::scalar).map_or("", |scalar| scalar.text);
    if let Some(scalar) = item.scalar() {
        let message = format!("a device is {}, expected a mapping", item.found());
        let id = DeviceId::new(scalar.text).map_or("laptop", |_| scalar.text);
        let hint = format!("write `{{ id: {id}, kind: process }}`");
        report.add(item.mark(), INVALID_VALUE, message).hint(hint);
        return None;
    }
    let mut fields = Fields::read(item, item.mark(), What::named("device", name), report)?;
    let id = fields.take_or("id", "device_id", report);
    if id.is_none() {
        fields.miss("id", "every device has an id of its own: write `id: laptop`", report);
    }
    let id_at = id.map_or_else(|| item.mark(), |field| field.value.mark());
    let id = id.and_then(|field| field.id(|text| DeviceId::new(text), report));
    // Read to the end without an id as well, for the problems that follow.
    let stand_in = id.clone().or_else(|| DeviceId::new("device").ok())?;
    let address = fields.take_or("address", "server_url", report);
    let galaxy = address.filter(|field| field.name == "server_url");
    let kind = Kind::read(&mut fields, galaxy, report);
    let mut entry = DeviceEntry::new(DeviceProfile::new(stand_in, kind.map_or("", Kind::word)));
    Place::read(address, &mut fields, kind, report).put(&mut entry);
    profile(&mut fields, &mut entry.profile, report);
    if let Some(field) = fields.take("exec") {
        entry.options = exec::read(&field, name, report);
    }
    let remote = [Kind::Aip, Kind::Ssh, Kind::Mcp];
    let (credentials, network) = (fields.take("auth"), fields.take("network"));
    only_with(credentials, &remote, kind, report);
    only_with(network, &remote, kind, report);
    if let Some(field) = credentials {
        entry.auth = auth::read(&field, name, kind, report);
    }
    if let Some(field) = network {
        entry.network = auth::network(&field, name, report);
    }
    entry.connection = connection::read(&mut fields, name, report);
    entry.profile.fenced = is_fenced(kind, &entry);
    fields.close(report);
    id.map(|_| (id_at, entry))
}

/// Whether something at the other end can end an attempt by itself.
fn is_fenced(kind: Option<Kind>, entry: &DeviceEntry) -> bool {
    match kind {
        Some(Kind::Ssh) => entry.ssh == SshMode::Host,
        Some(Kind::Mcp) => entry.address.is_none(),
        Some(Kind::Process | Kind::Simulated | Kind::Aip) | None => true,
    }
}

fn profile(fields: &mut Fields<'_>, profile: &mut DeviceProfile, report: &mut Report) {
    profile.os = fields.take("os").and_then(|field| field.string(report));
    if let Some(field) = fields.take("capabilities") {
        profile.capabilities = capabilities(&field, report);
    }
    if let Some(field) = fields.take("resources") {
        profile.resources = resources(&field, report);
    }
    if let Some(field) = fields.take_or("attributes", "metadata", report) {
        profile.attributes = attributes(&field, report);
    }
    if let Some(slots) = fields.take("slots").and_then(|field| field.whole(1, report)) {
        profile.slots = slots;
    }
    if let Some(approval) = fields.take("approval").and_then(|field| field.word(&APPROVALS, report)) {
        profile.approval = approval;
    }
}

fn capabilities(field: &Field<'_>, report: &mut Report) -> Vec<String> {
    let capabilities = field.texts(report).unwrap_or_default();
    if capabilities.len() > MAX_CAPABILITIES {
        let message = format!("{} has {} capabilities", field.what, capabilities.len());
        report.add(field.at, LIMIT_EXCEEDED, message).hint(format!("at most {MAX_CAPABILITIES}"));
    }
    capabilities
}

/// Facts for strategies. Those with a meaning of their own must be numbers.
fn attributes(field: &Field<'_>, report: &mut Report) -> BTreeMap<String, Value> {
    for entry in field.value.map().into_iter().flat_map(|map| map.entries()) {
        let own = Field { name: entry.key, at: entry.at, value: entry.value, what: field.what };
        let (lowest, expected) = match entry.key {
            "speed" => (f64::MIN_POSITIVE, "a number above 0; 1 is the speed of a usual device"),
            "cost" => (0.0, "a number from 0 up"),
            _ => continue,
        };
        if own.number(report).is_some_and(|number| number < lowest) {
            own.wrong(own.value, expected, report);
        }
    }
    field.named_values(report).unwrap_or_default()
}
