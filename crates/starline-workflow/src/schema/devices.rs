//! The shape of a device file.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::words::{
    AbsolutePath, Amount, Anything, Argv, Count, Digest, Flag, Id, Positive, Size, Something, Span, Text,
    Variable, Version, Wait, Words,
};

/// The devices that tasks run on.
#[derive(JsonSchema)]
#[schemars(title = "Device file", deny_unknown_fields, extend("required" = ["version", "devices"]))]
pub(super) struct DeviceFile {
    /// Version of the format. Always 1.
    version: Version,
    /// The devices, each with an id of its own; at most 10000.
    #[schemars(extend("maxItems" = 10_000))]
    devices: Vec<Device>,
    /// What is known about the network between devices, for strategies that weigh the cost of moving data.
    #[schemars(extend("examples" = [[{ "between": ["host-a", "host-b"], "bandwidth": "100MB/s" }]]))]
    links: Vec<Link>,
}

/// A machine, service or program that runs tasks.
#[derive(JsonSchema)]
#[schemars(title = "Device", deny_unknown_fields, extend("required" = ["id", "kind"], "allOf" = [
    { "if": { "properties": { "kind": { "enum": ["process", "simulated"] } }, "required": ["kind"] },
      "then": { "properties": {
          "address": false, "listen": false, "command": false, "ssh": false, "auth": false, "network": false,
      } } },
    { "if": { "properties": { "kind": { "const": "aip" } }, "required": ["kind"] },
      "then": {
          "properties": {
              "address": { "pattern": "^wss?://[^/?#@\\s]+([/?][^#\\s]*)?$" },
              "command": false, "ssh": false, "auth": { "properties": { "identity_file_env": false } },
          },
          "anyOf": [
              { "required": ["address"], "properties": { "listen": { "const": false } } },
              { "required": ["listen"], "properties": { "listen": { "const": true }, "address": false } },
          ],
      } },
    { "if": { "properties": { "kind": { "const": "ssh" } }, "required": ["kind"] },
      "then": {
          "properties": {
              "address": { "pattern": "^ssh://([A-Za-z0-9._][A-Za-z0-9._-]*@)?([A-Za-z0-9._]|\\[)[^/?#@\\s]*/?$" },
              "listen": false, "command": false,
              "auth": { "properties": {
                  "token_env": false, "cert_file": false, "key_env": false, "ca_file": false, "server_name": false,
              } },
          },
          "required": ["address"],
      } },
    { "if": { "properties": { "kind": { "const": "mcp" } }, "required": ["kind"] },
      "then": {
          "properties": {
              "address": { "pattern": "^https?://[^/?#@\\s]+([/?][^#\\s]*)?$" },
              "listen": false, "ssh": false, "auth": { "properties": { "identity_file_env": false } },
          },
          "anyOf": [
              { "required": ["address"], "properties": { "command": false } },
              { "required": ["command"], "properties": { "address": false } },
          ],
      } },
]))]
struct Device {
    /// Id, unique in the file: `A-Z a-z 0-9 . _ : # -`, at most 256 of them. Tasks pin themselves to it with `on`.
    #[schemars(extend("examples" = ["laptop", "host-a"]))]
    id: Id,
    /// How the device is reached.
    kind: Kind,
    /// Where the device is: `wss://…` or `ws://…` for `aip`, `ssh://USER@HOST:PORT` for `ssh`, `https://…` or
    /// `http://…` for `mcp`. No passwords and tokens: those are named in `auth`.
    #[schemars(extend("examples" = ["wss://host-a:5000/ws", "ssh://me@host-b", "https://tools.example/mcp"]))]
    address: Words,
    /// Whether the device dials in, in place of having an address. Kind `aip` alone.
    #[schemars(extend("default" = false))]
    listen: Flag,
    /// Program and arguments of a tool server on this machine, in place of an address. Kind `mcp` alone.
    #[schemars(extend("examples" = [["npx", "-y", "@modelcontextprotocol/server-everything"]]))]
    command: Argv,
    /// What runs at the other end of an SSH connection. Kind `ssh` alone.
    ssh: Ssh,
    /// Operating system. Tasks ask for it with `os`, in any case of letters.
    #[schemars(extend("examples" = ["linux", "macos", "windows"]))]
    os: Text,
    /// What the device can do, at most 256 words of your own. Tasks ask for them with `needs`. What a device says about
    /// itself counts only if it is listed here.
    #[schemars(extend("maxItems" = 256, "examples" = [["logs", "python"]]))]
    capabilities: Vec<Text>,
    /// Amounts that the device has, by name: whole numbers, or bytes with a unit such as `32GiB`.
    #[schemars(extend("examples" = [{ "cpu_cores": 8, "memory": "32GiB" }]))]
    resources: BTreeMap<String, Amount>,
    /// Facts for strategies and editors, by name. `speed` (above 0; 1 is usual) and `cost` (from 0 up) are relative
    /// to other devices.
    #[schemars(extend("examples" = [{ "zone": "home", "speed": 1.5, "cost": 0.2 }], "properties" = {
        "speed": { "description": "Speed relative to other devices; 1 is usual.", "type": "number", "exclusiveMinimum": 0 },
        "cost": { "description": "Cost relative to other devices.", "type": "number", "minimum": 0 },
    }))]
    attributes: BTreeMap<String, Anything>,
    /// Attempts that run at the same time.
    #[schemars(extend("default" = 1))]
    slots: Positive,
    /// Whether the device takes tasks that nobody approved.
    #[schemars(extend("default" = "auto"))]
    approval: Approval,
    /// What processes of tasks may do, and what they get.
    exec: Exec,
    /// What is shown to the device, and what it must show. Kinds `aip`, `ssh` and `mcp`.
    auth: Auth,
    /// Which addresses may be connected to. Kinds `aip`, `ssh` and `mcp`.
    network: Network,
    /// When the device is connected, and how long silence is endured.
    connection: Connection,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum Kind {
    /// Processes on this machine.
    Process,
    /// Nothing but its description, for `plan` and `run --simulate`.
    Simulated,
    /// A device that speaks AIP over WebSocket: the device host of starline on another machine, or an agent.
    Aip,
    /// A machine that is reached over SSH.
    Ssh,
    /// A server of tools that speaks MCP.
    Mcp,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum Approval {
    /// It takes any task that fits.
    Auto,
    /// It takes tasks that have an approval gate, and no others.
    Ask,
    /// It takes no tasks.
    Deny,
}

/// What runs at the other end of an SSH connection.
#[derive(JsonSchema)]
#[schemars(title = "SSH", deny_unknown_fields, extend("required" = []))]
struct Ssh {
    /// What runs there.
    #[schemars(extend("default" = "host"))]
    mode: SshMode,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum SshMode {
    /// The device host of starline, which ends attempts by itself when the connection is lost.
    Host,
    /// Nothing of starline. An attempt may go on when the connection is lost, so it is retried only if the task is
    /// `idempotent`.
    Plain,
}

/// What processes of tasks may do, and what they get.
#[derive(JsonSchema)]
#[schemars(title = "Processes", deny_unknown_fields, extend("required" = []))]
struct Exec {
    /// Whether tasks with `sh` run here.
    #[schemars(extend("default" = false))]
    allow_sh: Flag,
    /// The programs that may be started, by absolute path. Any, unless it is there.
    #[schemars(extend("examples" = [["/usr/bin/grep"]]))]
    programs: Vec<Program>,
    /// Names of environment variables that processes get from where starline runs. `PATH`, `LANG`, `LC_ALL`, `HOME`
    /// and `TMPDIR`, unless it is there.
    #[schemars(extend("examples" = [["PATH", "LANG"]]))]
    env_pass: Vec<Variable>,
    /// What keeps processes from the rest of the machine.
    #[schemars(extend("default" = "none"))]
    sandbox: Sandbox,
    /// Folder below which each attempt gets one of its own, relative to the device file.
    work_root: Text,
    /// Folder that `cwd` of tasks is relative to, itself relative to the device file. The folder of the workflow file,
    /// unless it is there.
    base_dir: Text,
    /// Bytes that are kept of each output stream, or an amount with a unit.
    #[schemars(extend("default" = "1MiB"))]
    capture_limit: Amount,
    /// Time between asking a process to end and killing it.
    #[schemars(extend("default" = "5s"))]
    kill_grace: Span,
    /// Whether the folders of attempts are kept, to look into them.
    #[schemars(extend("default" = false))]
    keep_work_dirs: Flag,
    /// What each attempt may use at most. No limits, unless they are there.
    limits: Limits,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Program {
    /// An absolute path: the program may be started with any arguments.
    Path(AbsolutePath),
    /// A path with rules for its arguments.
    Rule(ProgramRule),
}

/// A program that may be started, and with what.
#[derive(JsonSchema)]
#[schemars(title = "Program", deny_unknown_fields, extend("required" = ["path"]))]
struct ProgramRule {
    /// Absolute path of the program.
    #[schemars(extend("examples" = ["/usr/bin/grep"]))]
    path: AbsolutePath,
    /// Patterns, of which each argument must match one. `*` stands for any text.
    #[schemars(extend("examples" = [["-c", "/var/log/*"]]))]
    args: Vec<Text>,
    /// The one script that this program, an interpreter, may run.
    script: ScriptFile,
}

/// A script file that must be as it was.
#[derive(JsonSchema)]
#[schemars(title = "Script file", deny_unknown_fields)]
struct ScriptFile {
    /// Absolute path of the script.
    path: AbsolutePath,
    /// BLAKE3 hash of its contents, 64 digits of `0-9 a-f`. `b3sum FILE` prints it.
    blake3: Digest,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum Sandbox {
    /// Nothing but the rights of the user.
    None,
    /// Bubblewrap. Tasks are refused if it is not there.
    Bwrap,
}

/// What each attempt may use at most.
#[derive(JsonSchema)]
#[schemars(title = "Limits", deny_unknown_fields, extend("required" = []))]
struct Limits {
    /// Processor time, such as `10m`.
    #[schemars(extend("examples" = ["10m"]))]
    cpu: Wait,
    /// Memory of each process, in bytes or with a unit.
    #[schemars(extend("examples" = ["512MiB"]))]
    memory: Size,
    /// Files that are open at the same time.
    #[schemars(extend("examples" = [256]))]
    files: Positive,
    /// Largest file that is written, in bytes or with a unit.
    #[schemars(extend("examples" = ["1GiB"]))]
    file_size: Size,
    /// Processes at the same time.
    #[schemars(extend("examples" = [64]))]
    processes: Positive,
}

/// What is shown to the device, and what it must show. Variables are named here, and secrets never.
#[derive(JsonSchema)]
#[schemars(title = "Authentication", deny_unknown_fields, extend("required" = [], "anyOf" = [
    { "properties": { "cert_file": false, "key_env": false } },
    { "required": ["cert_file", "key_env"], "properties": { "token_env": false } },
]))]
struct Auth {
    /// Environment variable with the token that is shown.
    #[schemars(extend("examples" = ["HOST_A_TOKEN"]))]
    token_env: Variable,
    /// File with the certificate that is shown, in place of a token.
    cert_file: Something,
    /// Environment variable with the private key of the certificate.
    key_env: Variable,
    /// File with the certificates that are trusted. Those of the system, unless it is there.
    #[schemars(extend("examples" = ["ca.pem"]))]
    ca_file: Something,
    /// Name that the certificate of the device must have. The host of the address, unless it is there.
    server_name: Something,
    /// Environment variable with the path of the private key for SSH. What the settings of SSH say, unless it is there.
    identity_file_env: Variable,
}

/// Which addresses may be connected to.
#[derive(JsonSchema)]
#[schemars(title = "Network", deny_unknown_fields, extend("required" = []))]
struct Network {
    /// Whether this machine itself may be connected to.
    #[schemars(extend("default" = false))]
    allow_loopback: Flag,
    /// Whether addresses of private networks are refused.
    #[schemars(extend("default" = false))]
    block_private: Flag,
    /// Whether a connection without TLS may leave this machine.
    #[schemars(extend("default" = false))]
    allow_plaintext: Flag,
}

/// When the device is connected, and how long silence is endured.
#[derive(JsonSchema)]
#[schemars(title = "Connection", deny_unknown_fields, extend("required" = []))]
struct Connection {
    /// Whether it is connected without being asked to.
    #[schemars(extend("default" = true))]
    auto: Flag,
    /// Wait before the second try, doubled from try to try.
    #[schemars(extend("default" = "1s"))]
    base: Wait,
    /// Longest wait between two tries; at least `base`.
    #[schemars(extend("default" = "60s"))]
    cap: Wait,
    /// Tries in a row before the device counts as failed; 0 for ever.
    #[schemars(extend("default" = 0))]
    max: Count,
    /// Time between two signs of life.
    #[schemars(extend("default" = "5s"))]
    heartbeat: Wait,
    /// How long the device may go on with its work after the last sign of life; at least three heartbeats and 500ms.
    #[schemars(extend("default" = "20s"))]
    lease: Wait,
}

/// The network between two devices, in both directions.
#[derive(JsonSchema)]
#[schemars(title = "Link", deny_unknown_fields)]
struct Link {
    /// Ids of the two devices.
    #[schemars(extend("minItems" = 2, "maxItems" = 2, "uniqueItems" = true, "examples" = [["host-a", "host-b"]]))]
    between: Vec<Id>,
    /// Bytes per second, or an amount such as `100MB/s`.
    #[schemars(extend("examples" = ["100MB/s", "1GB/s"]))]
    bandwidth: Size,
}
