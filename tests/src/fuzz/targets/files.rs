//! Workflow files and device files.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use jsonschema::Validator;
use starline_types::{Artifact, BlobHash, DeviceId};
use starline_workflow::{
    DeviceFile, ExportOptions, FileResolver, GalaxyExport, GalaxyOptions, LoadOptions, SchemaKind, Value,
    Workflow, export_galaxy, export_wfformat, import_galaxy, import_wfformat, schema, to_dot, to_json,
    to_mermaid, to_svg, to_yaml,
};

use super::places;
use crate::fuzz::meter::call;
use crate::fuzz::seeds;

/// Largest graph that is written, read again and compared, in tasks and dependencies.
pub(super) const COMPARED: usize = 4_000;
/// Largest file that is written, read again and compared, in bytes.
pub(super) const COMPARED_BYTES: usize = 1 << 20;

const WORKFLOW: &str = r#"version: 1
name: "x y"
description: text
inputs: { n: { type: integer, default: 3 }, x: { type: string, default: "a b", description: d }, l: { type: list, default: [1] } }
secrets: [TOKEN, KEY]
defaults: { run_timeout: 2m, queue_timeout: none, retry: { max: 2, base: 500ms } }
run: { on_failure: wait_for_edit, edit_wait: 5m, deadline: 8h, max_parallel: 4, strategy: load_balance }
policy:
  allow: [add_task, undo]
  only: { devices: ["web-*"], kinds: [exec] }
  limits: { edits: 5 }
  require_approval: { kinds: [sh] }
editor:
  edit_on: [failed]
  hold: { scope: graph, batch_window: 50ms, modification_timeout: 10m, late_edits: refuse }
  attempts: 3
  scripted:
    - { task: "a*", outcome: failed, when: outputs.n > 1, reason: why, edits: [{ op: add_task }] }
tasks:
  a: &a
    name: first
    run: { sh: "echo {{ inputs.n }}", env: { A: 'b' }, secrets: { T: TOKEN }, collect: [out/x.csv], cwd: sub }
    outputs: { n: { from: stdout, type: integer }, f: { from: "/files/out~1x.csv", type: artifact } }
    approval: { prompt: "sure?", timeout: 1h, on_timeout: reject }
    metadata: { k: [1, { z: null }] }
  b:
    after: { a: { when: outputs.n > 2, note: why } }
    retry: { max: 2, factor: 1.5, jitter: none, cap: 1m, non_retryable: [timeout] }
    device: { on: d1, needs: [net], resources: { memory: 2GiB } }
    inputs: { v: 5, c: { artifact: tasks.a.outputs.f }, w: { value: { file: x } } }
    run:
      exec: [ls, "{{ tasks.a.outputs.n }}", "{{ inputs.v }}"]
      stdin: |
        lines
  c: { after: [a, b], priority: high, run: { call: tools.x, arguments: { q: ["{{ inputs.x }}"] } }, tips: [t] }
  e: { after: { a: failure, c: completion }, run: { prompt: "{{ tasks.a.outputs.n }}" }, estimate: { duration: 5s, output_bytes: 1MiB } }
  s: { run: { sleep: 10ms }, idempotent: true, queue_timeout: 1h }
  d: *a
"#;

const FILES: &str = "version: 1\ntasks:\n  a: { run: { noop: }, inputs: { data: { file: in/data.csv }, more: { file: other } } }\n";

const DEVICES: &str = r#"version: 1
devices:
  - id: laptop
    kind: process
    os: linux
    capabilities: [logs, python]
    resources: { cpu_cores: 8, memory: 32GiB }
    attributes: { zone: home, speed: 1.5 }
    slots: 2
    approval: ask
    exec:
      allow_sh: true
      programs: [/usr/bin/grep, { path: /usr/bin/find, args: [/srv/*] }]
      env_pass: [PATH, LANG]
      sandbox: bwrap
      capture_limit: 1MiB
      kill_grace: 5s
      limits: { cpu: 1.5m, memory: 512MiB, files: 64, file_size: 10MB, processes: 8 }
  - { id: node-1, kind: simulated }
  - id: north
    kind: aip
    address: wss://north.example:5000/ws
    auth: { cert_file: north.pem, key_env: NORTH_KEY, ca_file: ca.pem, server_name: north }
    network: { allow_loopback: true, block_private: true, allow_plaintext: true }
    connection: { auto: false, base: 2s, cap: 30s, max: 7, heartbeat: 1s, lease: 10s }
  - { id: east, kind: aip, listen: true, auth: { token_env: EAST_TOKEN } }
  - { id: south, kind: ssh, address: 'ssh://me@south:2222', ssh: { mode: plain }, auth: { identity_file_env: K } }
  - { id: tools, kind: mcp, address: 'https://tools.example/mcp' }
  - { id: files, kind: mcp, command: [npx, server, 5] }
  - { device_id: old, server_url: 'ws://old/ws', metadata: { a: 1 }, auto_connect: true, max_retries: 3 }
links:
  - { between: [laptop, north], bandwidth: 100MB/s }
"#;

pub(super) fn workflows() -> Vec<String> {
    let mut seeds = vec![WORKFLOW.to_owned(), FILES.to_owned()];
    seeds.extend(seeds::folder("docs/examples", &["yaml"]));
    seeds.extend(seeds::folder("crates/starline-workflow/tests/broken", &["yaml", "json"]));
    // The same as JSON.
    let written = |text: &String| {
        Workflow::parse(text.as_bytes(), &LoadOptions::default()).ok().map(|file| to_json(&file))
    };
    let documents: Vec<String> = seeds.iter().filter_map(written).flatten().collect();
    seeds.extend(documents);
    seeds
}

pub(super) fn device_files() -> Vec<String> {
    let mut seeds = vec![DEVICES.to_owned()];
    seeds.extend(seeds::folder("docs/examples", &["yaml"]));
    seeds.extend(seeds::folder("crates/starline-workflow/tests/broken_devices", &["yaml"]));
    let documents: Vec<String> = seeds.iter().filter_map(|text| document(text)).collect();
    seeds.extend(documents);
    seeds
}

/// A YAML file as JSON, read by another reader than that under test.
fn document(text: &str) -> Option<String> {
    let value: Value = serde_saphyr::from_str(text).ok()?;
    serde_json::to_string(&value).ok()
}

pub(super) fn validator(kind: SchemaKind) -> &'static Validator {
    static VALIDATORS: [OnceLock<Validator>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    let make = || jsonschema::draft202012::new(&schema(kind)).expect("a valid schema");
    VALIDATORS[kind as usize].get_or_init(make)
}

fn assert_fits(kind: SchemaKind, value: &Value) {
    let refusal =
        validator(kind).iter_errors(value).next().map(|error| format!("{}: {error}", error.instance_path()));
    assert!(refusal.is_none(), "the schema refuses what is read: {}", refusal.unwrap_or_default());
}

#[derive(Debug)]
struct Folder;

impl FileResolver for Folder {
    fn resolve(&self, path: &str) -> Result<Artifact, String> {
        assert!(
            !path.starts_with('/') && !path.split('/').any(|part| part == ".."),
            "outside of the folder: {path}"
        );
        let hash = BlobHash::from_hex(&"0123456789abcdef".repeat(4))?;
        if path.len() % 7 == 6 {
            Err("it is not there".to_owned())
        } else {
            Ok(Artifact { hash, bytes: 5, name: path.to_owned() })
        }
    }
}

/// Options that differ from input to input, and not from run to run.
fn options(bytes: &[u8]) -> LoadOptions {
    let mut options = LoadOptions::default();
    let sum = bytes.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    match sum % 5 {
        1 => options.partial_inputs = true,
        2 => {
            let given = [("n", "7"), ("x", "{{ }} $(id)"), ("l", "[1, null]")];
            options.inputs = given.map(|(name, text)| (name.to_owned(), Value::from(text))).into();
        }
        3 => options.files = Some(Arc::new(Folder)),
        4 => {
            options.devices = Some(DeviceId::new("d1").into_iter().collect());
            options.strategies = vec!["load_balance".to_owned()];
        }
        _ => {}
    }
    options
}

pub(super) fn workflow(bytes: &[u8]) -> bool {
    let options = options(bytes);
    match call("Workflow::parse", || Workflow::parse(bytes, &options)) {
        Ok(workflow) => {
            holds(&workflow, &options, bytes);
            true
        }
        Err(problems) => {
            places::check(bytes, &problems);
            false
        }
    }
}

/// Whether a workflow is so small that it may be written and read again beside itself. Aliases make much of little.
pub(super) fn is_compared(workflow: &Workflow, bytes: &[u8]) -> bool {
    let graph = &workflow.graph;
    let mut written = Written(0);
    graph.tasks.len() + graph.dependencies.len() <= COMPARED
        && bytes.len() <= COMPARED_BYTES
        && serde_json::to_writer(&mut written, &**graph).is_ok()
        && serde_json::to_writer(&mut written, &workflow.settings).is_ok()
}

/// Counts bytes, up to a limit.
struct Written(usize);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        if self.0 <= 4 * COMPARED_BYTES { Ok(bytes.len()) } else { Err(io::Error::other("too long")) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn holds(workflow: &Workflow, options: &LoadOptions, bytes: &[u8]) {
    let graph = &workflow.graph;
    drop(call("to_dot", || to_dot(graph, None)));
    drop(call("to_mermaid", || to_mermaid(graph, None)));
    drop(call("to_svg", || to_svg(graph, None)));
    if !is_compared(workflow, bytes) {
        return;
    }
    let yaml = call("to_yaml", || to_yaml(workflow)).expect("what is read can be written as YAML");
    let read = Workflow::parse(yaml.as_bytes(), options);
    assert!(read.as_ref() == Ok(workflow), "written as YAML it reads as another one: {read:#?}\n{yaml}");
    let json = to_json(workflow).expect("what is read can be written as JSON");
    let read = Workflow::parse(json.as_bytes(), options);
    assert!(read.as_ref() == Ok(workflow), "written as JSON it reads as another one: {read:#?}\n{json}");
    let value: Value = serde_json::from_str(&json).expect("what is written as JSON is JSON");
    assert_fits(SchemaKind::Workflow, &value);
    if let Ok(value) = serde_json::from_slice(bytes) {
        assert_fits(SchemaKind::Workflow, &value);
    }
    exports(workflow, options);
}

fn exports(workflow: &Workflow, options: &LoadOptions) {
    if let Ok(written) = call("export_galaxy", || export_galaxy(workflow, &GalaxyExport::default())) {
        let read = import_galaxy(written.json.as_bytes(), &GalaxyOptions::default());
        let same = read.as_ref().is_ok_and(|read| read.workflow == *workflow);
        assert!(
            same || !options.inputs.is_empty(),
            "exported to Galaxy it imports as another one: {read:#?}\n{}",
            written.json
        );
    }
    let written =
        call("export_wfformat", || export_wfformat(&workflow.graph, None, &ExportOptions::default()));
    let read = import_wfformat(written.json.as_bytes());
    assert!(read.is_ok(), "exported to WfFormat it is refused: {read:#?}\n{}", written.json);
}

pub(super) fn devices(bytes: &[u8]) -> bool {
    match call("DeviceFile::parse", || DeviceFile::parse(bytes)) {
        Ok(file) => {
            if bytes.len() <= COMPARED_BYTES && !bytes.contains(&b'*') {
                let yaml =
                    call("DeviceFile::to_yaml", || file.to_yaml()).expect("what is read can be written");
                let read = DeviceFile::parse(yaml.as_bytes());
                assert!(read.as_ref() == Ok(&file), "written it reads as another one: {read:#?}\n{yaml}");
                if let (Ok(value), false) = (serde_json::from_slice(bytes), is_of_galaxy(bytes)) {
                    assert_fits(SchemaKind::Devices, &value);
                }
            }
            true
        }
        Err(problems) => {
            places::check(bytes, &problems);
            false
        }
    }
}

/// Whether names of fields may be in the file that only Galaxy has, which no schema knows.
fn is_of_galaxy(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    ["device_id", "server_url", "metadata", "auto_connect", "max_retries", "\\u"]
        .iter()
        .any(|name| text.contains(name))
}
