//! Writes a device file that reads back equal.

use starline_types::{DeviceApproval, DeviceProfile, Millis, Value};

use super::entry::approval_word;
use super::exec::default_options;
use super::{AuthSettings, ConnectionSettings, DeviceEntry, DeviceFile, Link, NetworkSettings, SshMode};
use crate::WriteError;
use crate::amount;
use crate::file::VERSION;
use crate::write::{Doc, Entries, bare, resources, text, texts, value, values, word, yaml};

pub(super) fn to_yaml(file: &DeviceFile) -> Result<String, WriteError> {
    let mut fields = Entries::default();
    fields.add("version", bare(VERSION));
    fields.add("devices", Doc::List(file.devices.iter().map(device).collect()));
    if !file.links.is_empty() {
        fields.add("links", Doc::List(file.links.iter().map(link).collect()));
    }
    let doc = fields.map();
    if doc.is_deeper_than(crate::tree::MAX_DEPTH) { Err(WriteError::TooDeep) } else { Ok(yaml(&doc)) }
}

fn device(entry: &DeviceEntry) -> Doc {
    let DeviceEntry {
        profile,
        address,
        listen,
        command,
        ssh,
        options,
        auth: credentials,
        network,
        connection,
    } = entry;
    let DeviceProfile { id, kind, os, capabilities, resources: amounts, attributes, slots, approval, .. } =
        profile;
    let mut fields = Entries::default();
    fields.add("id", text(id.as_str()));
    fields.add("kind", text(kind));
    fields.add("address", address.as_deref().map(text));
    if *listen {
        fields.add("listen", bare(true));
    }
    fields.add("command", texts(command));
    if *ssh != SshMode::default() {
        let mut mode = Entries::default();
        mode.add("mode", word(ssh.as_str()));
        fields.section("ssh", mode);
    }
    fields.add("os", os.as_deref().map(text));
    fields.add("capabilities", texts(capabilities));
    if !amounts.is_empty() {
        fields.add("resources", resources(amounts));
    }
    fields.add("attributes", values(attributes));
    if *slots != 1 {
        fields.add("slots", bare(slots));
    }
    if *approval != DeviceApproval::default() {
        fields.add("approval", word(approval_word(*approval)));
    }
    if *options != default_options() {
        fields.add("exec", exec("exec", options));
    }
    fields.section("auth", auth(credentials));
    fields.section("network", reach(*network));
    fields.section("connection", contact(connection));
    fields.map()
}

/// The order in which options are written; others follow.
const ORDER: [&str; 18] = [
    "allow_sh",
    "programs",
    "path",
    "args",
    "script",
    "blake3",
    "env_pass",
    "sandbox",
    "work_root",
    "base_dir",
    "capture_limit",
    "kill_grace",
    "keep_work_dirs",
    "limits",
    "cpu",
    "memory",
    "files",
    "file_size",
];

fn ordered(members: &serde_json::Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()));
    members
}

/// Options with their times and sizes as people write them.
fn exec(name: &str, option: &Value) -> Doc {
    match (name, option) {
        (_, Value::Object(members)) => {
            let members = ordered(members).into_iter();
            Doc::Map(members.map(|(name, member)| (name.clone(), exec(name, member))).collect())
        }
        (_, Value::Array(items)) => Doc::List(items.iter().map(|item| exec("", item)).collect()),
        ("kill_grace" | "cpu", Value::String(span)) if span.parse::<Millis>().is_ok() => word(span),
        ("capture_limit" | "memory" | "file_size", Value::Number(bytes)) => {
            bytes.as_u64().and_then(amount::write).map_or_else(|| bare(bytes), word)
        }
        _ => value(option),
    }
}

fn auth(auth: &AuthSettings) -> Entries {
    let mut fields = Entries::default();
    let AuthSettings { token_env, cert_file, key_env, ca_file, server_name, identity_file_env } = auth;
    for (name, setting) in [
        ("token_env", token_env),
        ("cert_file", cert_file),
        ("key_env", key_env),
        ("ca_file", ca_file),
        ("server_name", server_name),
        ("identity_file_env", identity_file_env),
    ] {
        fields.add(name, setting.as_deref().map(text));
    }
    fields
}

fn reach(network: NetworkSettings) -> Entries {
    let mut fields = Entries::default();
    let NetworkSettings { allow_loopback, block_private, allow_plaintext } = network;
    for (name, flag) in [
        ("allow_loopback", allow_loopback),
        ("block_private", block_private),
        ("allow_plaintext", allow_plaintext),
    ] {
        fields.add(name, flag.then(|| bare(true)));
    }
    fields
}

fn contact(connection: &ConnectionSettings) -> Entries {
    let usual = ConnectionSettings::default();
    let ConnectionSettings { auto, base, cap, max, heartbeat, lease } = connection;
    let mut fields = Entries::default();
    fields.add("auto", (*auto != usual.auto).then(|| bare(auto)));
    for (name, span, usual) in [("base", base, usual.base), ("cap", cap, usual.cap)] {
        fields.add(name, (*span != usual).then(|| word(span)));
    }
    fields.add("max", (*max != usual.max).then(|| bare(max)));
    for (name, span, usual) in [("heartbeat", heartbeat, usual.heartbeat), ("lease", lease, usual.lease)] {
        fields.add(name, (*span != usual).then(|| word(span)));
    }
    fields
}

fn link(link: &Link) -> Doc {
    let mut fields = Entries::default();
    fields.add("between", Doc::List(link.between.iter().map(|id| text(id.as_str())).collect()));
    let units = [("GB/s", 1_000_000_000), ("MB/s", 1_000_000), ("kB/s", 1_000)];
    let rate =
        units.into_iter().find(|(_, factor)| link.bandwidth > 0 && link.bandwidth.is_multiple_of(*factor));
    let rate = rate.map_or_else(
        || bare(link.bandwidth),
        |(unit, factor)| word(format!("{}{unit}", link.bandwidth / factor)),
    );
    fields.add("bandwidth", rate);
    fields.map()
}
