//! A device file that is written reads back equal, whatever is in it.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, json};
use starline_types::{DeviceApproval, DeviceId, DeviceProfile, Millis, Resources};
use starline_workflow::{
    AuthSettings, ConnectionSettings, DeviceEntry, DeviceFile, Link, NetworkSettings, SshMode, Value,
};

use crate::listed;
use crate::workflow::arbitrary::{json, key, text};

fn span() -> impl Strategy<Value = Millis> {
    prop_oneof![1..100_u64, 1_000..10_000_000_u64, Just(3_600_000)].prop_map(Millis)
}

fn amount() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), (0..64_u64).prop_map(|number| number << 30)]
}

fn variable() -> impl Strategy<Value = String> {
    "[A-Za-z_][A-Za-z0-9_]{0,12}"
}

fn path() -> impl Strategy<Value = String> {
    "(/[a-z. *'\"#-]{1,8}){1,3}".prop_filter("no step up", |path| path.split('/').all(|part| part != ".."))
}

fn program() -> impl Strategy<Value = Value> {
    let script = (path(), "[0-9a-f]{64}").prop_map(|(path, hash)| json!({ "path": path, "blake3": hash }));
    prop_oneof![
        path().prop_map(Value::from),
        (path(), option::of(vec(text(), 0..3)), option::of(script)).prop_map(|(path, args, script)| {
            let mut program = Map::from_iter([("path".to_owned(), Value::from(path))]);
            program.extend(args.map(|args| ("args".to_owned(), Value::from(args))));
            program.extend(script.map(|script| ("script".to_owned(), script)));
            Value::Object(program)
        }),
    ]
}

fn limits() -> impl Strategy<Value = Value> {
    (option::of(span()), option::of(amount()), option::of(1..u32::MAX)).prop_map(|(cpu, memory, files)| {
        let mut limits = Map::new();
        limits.extend(cpu.map(|cpu| ("cpu".to_owned(), Value::from(cpu.to_string()))));
        limits.extend(memory.map(|bytes| ("memory".to_owned(), Value::from(bytes.max(1)))));
        limits.extend(memory.map(|bytes| ("file_size".to_owned(), Value::from(bytes | 1))));
        limits.extend(files.map(|files| ("files".to_owned(), Value::from(files))));
        limits.extend(files.map(|files| ("processes".to_owned(), Value::from(files))));
        Value::Object(limits)
    })
}

fn exec() -> impl Strategy<Value = Value> {
    let folders = (option::of(text()), option::of(text()));
    let flags = (any::<bool>(), option::of(any::<bool>()), option::of(any::<bool>()));
    let programs = option::of(vec(program(), 0..3));
    let sizes = (option::of(amount()), option::of(span()));
    (flags, programs, option::of(vec(variable(), 0..3)), folders, sizes, option::of(limits())).prop_map(
        |((allow_sh, caged, kept), programs, env_pass, (root, base), (capture, grace), limits)| {
            let mut options = Map::from_iter([("allow_sh".to_owned(), Value::from(allow_sh))]);
            let mut keep = |name: &str, value: Option<Value>| {
                options.extend(value.map(|value| (name.to_owned(), value)));
            };
            keep("programs", programs.map(Value::from));
            keep("env_pass", env_pass.map(Value::from));
            keep("sandbox", caged.map(|caged| Value::from(if caged { "bwrap" } else { "none" })));
            keep("work_root", root.map(Value::from));
            keep("base_dir", base.map(Value::from));
            keep("capture_limit", capture.map(Value::from));
            keep("kill_grace", grace.map(|span| Value::from(span.to_string())));
            keep("keep_work_dirs", kept.map(Value::from));
            keep("limits", limits);
            Value::Object(options)
        },
    )
}

fn profile() -> impl Strategy<Value = DeviceProfile> {
    let approval =
        prop::sample::select(vec![DeviceApproval::Auto, DeviceApproval::Ask, DeviceApproval::Deny]);
    let attributes = btree_map(
        key().prop_filter("a meaning of its own", |key| !matches!(key.as_str(), "speed" | "cost")),
        json(),
        0..3,
    );
    (
        option::of(text()),
        vec(text(), 0..3),
        btree_map(key(), amount(), 0..3),
        attributes,
        1..u32::MAX,
        approval,
    )
        .prop_map(|(os, capabilities, resources, attributes, slots, approval)| {
            let id = DeviceId::new("replaced").expect("an id");
            let mut profile = DeviceProfile::new(id, "process").with_slots(slots);
            (profile.os, profile.capabilities, profile.approval) = (os, capabilities, approval);
            (profile.resources, profile.attributes) = (Resources(resources), attributes);
            profile
        })
}

fn connection() -> impl Strategy<Value = ConnectionSettings> {
    (any::<bool>(), any::<u32>(), span(), span(), span(), span()).prop_map(
        |(auto, max, base, more, heartbeat, longer)| {
            let mut connection = ConnectionSettings::default();
            (connection.auto, connection.max) = (auto, max);
            (connection.base, connection.cap) = (base, Millis(base.0 + more.0));
            (connection.heartbeat, connection.lease) = (heartbeat, Millis(heartbeat.0 * 3 + 500 + longer.0));
            connection
        },
    )
}

fn network() -> impl Strategy<Value = NetworkSettings> {
    any::<[bool; 3]>().prop_map(|[loopback, private, plaintext]| {
        let mut network = NetworkSettings::default();
        (network.allow_loopback, network.block_private) = (loopback, private);
        network.allow_plaintext = plaintext;
        network
    })
}

fn file_name() -> impl Strategy<Value = Option<String>> {
    option::of(text().prop_filter("a name", |name| !name.is_empty()))
}

/// What is shown to devices of the kinds `aip` and `mcp`.
fn auth() -> impl Strategy<Value = AuthSettings> {
    let shown = prop_oneof![
        Just((None, None, None)),
        variable().prop_map(|token| (Some(token), None, None)),
        ("[a-z/ ]{1,9}", variable()).prop_map(|(cert, key)| (None, Some(cert), Some(key))),
    ];
    (shown, file_name(), file_name()).prop_map(|((token, cert, key), ca, name)| {
        let mut auth = AuthSettings::default();
        (auth.token_env, auth.cert_file, auth.key_env) = (token, cert, key);
        (auth.ca_file, auth.server_name) = (ca, name);
        auth
    })
}

/// Where a device is, by its kind.
fn placed() -> impl Strategy<Value = DeviceEntry> {
    let shape = (0..7_usize, auth(), network(), vec(text(), 0..3), option::of(variable()));
    (profile(), shape).prop_map(|(profile, (form, auth, network, arguments, identity))| {
        let mut entry = DeviceEntry::new(profile);
        let kind = ["process", "simulated", "aip", "aip", "ssh", "mcp", "mcp"][form];
        kind.clone_into(&mut entry.profile.kind);
        match form {
            2 => entry.address = Some("wss://[::1]:5000/ws?x=1".to_owned()),
            3 => entry.listen = true,
            4 => {
                entry.address = Some("ssh://me@south:22".to_owned());
                entry.ssh = if network.allow_loopback { SshMode::Plain } else { SshMode::Host };
                entry.profile.fenced = entry.ssh == SshMode::Host;
            }
            5 => {
                entry.address = Some("http://tools/mcp".to_owned());
                entry.profile.fenced = false;
            }
            6 => entry.command = std::iter::once("npx".to_owned()).chain(arguments).collect(),
            _ => {}
        }
        match kind {
            "aip" | "mcp" => (entry.auth, entry.network) = (auth, network),
            "ssh" => {
                entry.auth.identity_file_env = identity;
                entry.network = network;
            }
            _ => {}
        }
        entry
    })
}

fn device() -> impl Strategy<Value = DeviceEntry> {
    (placed(), option::of(exec()), option::of(connection())).prop_map(|(mut entry, exec, connection)| {
        entry.options = exec.unwrap_or(entry.options);
        entry.connection = connection.unwrap_or_default();
        entry
    })
}

pub(crate) fn device_file() -> impl Strategy<Value = DeviceFile> {
    let ids = prop::collection::btree_set("[A-Za-z0-9._:#-]{1,9}", 0..6);
    let links = vec((any::<[prop::sample::Index; 2]>(), 1..u64::MAX), 0..4);
    (ids, vec(device(), 6), links).prop_map(|(ids, devices, links)| {
        let ids: Vec<DeviceId> = ids.into_iter().map(|id| DeviceId::new(id).expect("an id")).collect();
        let mut file = DeviceFile::default();
        for (id, mut device) in ids.iter().zip(devices) {
            device.profile.id = id.clone();
            file.devices.push(device);
        }
        let mut seen = std::collections::BTreeSet::new();
        for (ends, bandwidth) in links {
            if ids.len() < 2 {
                break;
            }
            let [first, second] = ends.map(|end| end.index(ids.len()));
            if first != second && seen.insert((first.min(second), first.max(second))) {
                file.links.push(Link::new([ids[first].clone(), ids[second].clone()], bandwidth));
            }
        }
        file
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_equal(file in device_file()) {
        let yaml = file.to_yaml().expect("expressible");
        let read = DeviceFile::parse(yaml.as_bytes())
            .map_err(|problems| TestCaseError::fail(format!("{}\n{yaml}", listed(&problems))))?;
        prop_assert_eq!(&read, &file, "{}", yaml);
        prop_assert_eq!(read.to_yaml().expect("expressible"), yaml);
    }
}

#[test]
fn what_files_cannot_say_is_refused() {
    let deep = (0..70).fold(Value::Null, |inner, _| Value::from(vec![inner]));
    let mut profile = DeviceProfile::new(DeviceId::new("a").expect("an id"), "process");
    profile.attributes.insert("x".to_owned(), deep);
    let mut file = DeviceFile::default();
    file.devices.push(DeviceEntry::new(profile));
    assert!(file.to_yaml().is_err());
}
