//! Words that mean something to some reader.

/// Numbers at the edges of types, and beyond them.
pub(crate) const NUMBERS: [&str; 22] = [
    "0", "-0", "1", "-1", "5", "100", "101", "65536", "4294967295", "4294967296", "9007199254740993",
    "9223372036854775807", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "1e9",
    "1e308", "1e999", "-1.5", "0.1", "1e-320", "253402300800000",
];

/// Texts that are easily misread.
pub(crate) const ODD: [&str; 34] = [
    "", " ", "\0", "\u{1b}[31m", "\u{202e}", "\u{feff}", "\u{85}", "\u{2028}", "\u{fffe}", "\u{7f}", "é", "日本",
    "🦀", "e\u{301}", "\r\n", "\r", "\t", "'", "\"", "\\", "\\u0000", "../x", "/", "~", "-rf", "$(id)", "`id`",
    "a b", "{{", "}}", "{%", "<script>", "&lt;", "]]>",
];

/// Signs and words of YAML and JSON.
pub(crate) const FORMAT: [&str; 44] = [
    "{", "}", "[", "]", ",", ":", ": ", "- ", "\n", "\n  ", "\n- ", "  ", "? ", "&x ", "*x", "<<: *x", "!!str ", "!t ",
    "| \n ", ">-\n ", "---\n", "...\n", "%YAML 1.2\n", "#", " # x", "@", "`", "'", "\"", "\"\"", "null", "~", "true",
    "False", "yes", ".inf", ".nan", "0x1F", "0o17", "1_000", "[]", "{}", "{x: y}", "[[[[[[[[",
];

/// Fields and values of workflow files.
pub(crate) const WORKFLOW: &[&str] = &[
    "version: 1", "name", "description", "metadata", "inputs", "secrets", "defaults", "run", "tasks", "policy", "editor",
    "type", "string", "integer", "number", "boolean", "list", "object", "default", "strategy", "max_parallel",
    "on_failure", "skip_dependents", "fail_fast", "wait_for_edit", "edit_wait", "deadline", "after", "priority",
    "high", "device", "on", "prefer", "os", "needs", "resources", "approval", "prompt", "timeout", "on_timeout",
    "reject", "approve", "none", "sh", "exec", "sleep", "noop", "call", "arguments", "env", "cwd", "stdin", "collect",
    "file", "artifact", "value", "tasks.a.outputs.n", "queue_timeout", "run_timeout", "retry", "max", "base", "factor",
    "cap", "jitter", "full", "non_retryable", "lost_max", "idempotent", "estimate", "duration", "output_bytes",
    "outputs", "from", "stdout", "result", "/a/0/b", "json", "success", "failure", "completion", "when", "note", "kind",
    "allow", "only", "limits", "edits", "added_tasks", "require_approval", "devices", "capabilities", "kinds",
    "add_task", "update_task", "remove_task", "build", "merge", "undo", "edit_on", "completed", "failed", "hold",
    "scope", "graph", "descendants", "batch_window", "modification_timeout", "late_edits", "accept", "refuse",
    "attempts", "scripted", "task", "outcome", "reason", "openai", "base_url_env", "key_env", "model", "max_tokens",
    "500ms", "2.5s", "1h", "168h", "9000000000000000ms", "512MiB", "1.5GB", "tips", "compensate", "rollback",
    "{{ inputs.x }}", "{{ tasks.a.result }}", "{{ tasks['a'].outputs.n | default(1) }}", "{{ \"{{\" }}", "{% if x %}",
    "outputs.n > 3", "status == 'failed'", "a", "b",
];

/// Fields and values of device files.
pub(crate) const DEVICES: &[&str] = &[
    "version: 1", "devices", "links", "id", "kind", "process", "simulated", "aip", "ssh", "mcp", "address",
    "ws://h:1/x", "wss://user:pw@h/x?token=1", "ssh://me@h:22", "http://[::1]:80/", "https://h", "listen", "command",
    "mode", "plain", "os", "capabilities", "resources", "attributes", "slots", "approval", "auto", "ask", "deny",
    "exec", "allow_sh", "programs", "env_pass", "sandbox", "bwrap", "work_root", "base_dir", "capture_limit",
    "kill_grace", "keep_work_dirs", "limits", "cpu", "memory", "file_size", "files", "processes", "path", "args",
    "script", "blake3", "auth", "token_env", "cert_file", "ca_file", "server_name", "identity_file_env", "network",
    "allow_loopback", "block_private", "allow_plaintext", "connection", "base", "cap", "max", "heartbeat", "lease",
    "between", "bandwidth", "device_id", "server_url", "metadata", "auto_connect", "max_retries", "100MB/s", "16383PiB",
    "32GiB", "5s", "key_env", "a", "b",
];

/// Members and values of Galaxy's constellations.
pub(crate) const GALAXY: &[&str] = &[
    "constellation_id", "name", "state", "tasks", "dependencies", "metadata", "task_id", "description", "tips",
    "target_device_id", "device_type", "priority", "status", "result", "error", "timeout", "retry_count",
    "current_retry", "task_data", "expected_output_type", "created_at", "updated_at", "execution_start_time",
    "execution_end_time", "execution_duration", "dependents", "line_id", "from_task_id", "to_task_id",
    "dependency_type", "condition_description", "unconditional", "conditional", "success_only", "completion_only",
    "is_satisfied", "last_evaluation_result", "trigger_action", "starline", "format", "revision", "galaxy", "created",
    "ready", "executing", "completed", "failed", "pending", "running", "cancelled", "linux", "android",
    "2026-01-05T08:00:00+00:00", "9999-12-31T23:59:59.999999+14:00", "0001-01-01T00:00:00", "a->b", "a", "b", "inputs",
    "settings", "outputs", "when",
];

/// Members and values of WfFormat.
pub(crate) const WFFORMAT: &[&str] = &[
    "name", "description", "schemaVersion", "1.5", "1.6", "createdAt", "author", "email", "runtimeSystem", "workflow",
    "specification", "execution", "tasks", "files", "id", "parents", "children", "inputFiles", "outputFiles",
    "sizeInBytes", "makespanInSeconds", "executedAt", "runtimeInSeconds", "command", "program", "arguments",
    "coreCount", "memoryInBytes", "avgCPU", "readBytes", "writtenBytes", "energyInKWh", "avgPowerInW", "priority",
    "machines", "nodeName", "system", "architecture", "cpu", "vendor", "speedInMHz", "linux", "release", "metrics",
    "repo", "runName", "2024-01-01T00:00:00Z", "a", "b", "{{ x }}",
];

/// Words of conditions and templates.
pub(crate) const EXPRESSION: &[&str] = &[
    "{{", "}}", "{{ inputs.x }}", "{{inputs.v}}", "{{ tasks.a.outputs.n }}", "tasks['scan:b'].result", "{%", "{#",
    "outcome", "status", "result", "outputs", "error", "inputs", "outputs.n", "outputs['x']", "outputs.list",
    "outputs.rows", "outputs.deep.a.b", "outcome.attempts", "error.kind", "true", "False", "none", "and", "or", "not",
    "in", "not in", "is", "is not", "is defined", "is undefined", "if", "else", "==", "!=", "<", "<=", ">", ">=", "+",
    "-", "*", "/", "//", "%", "**", "~", "|", "(", ")", "[", "]", "{", "}", ",", ".", ":", "=", "[0]", "[-1]", "[1:]",
    "[:2]", "'a'", "\"b\"", "'\\n'", "'\\u00e9'", "'\\ud800'", "'\\x'", "''", "1.5", "| length", "| default(0)",
    "| map(attribute='size')", "| selectattr('size', 'gt', 4)", "| join(',')", "| replace('a', 'b')", "| sort", "| sum",
    "| tojson", "| int", "| float", "| round(2)", "| list", "| upper", "| first", "| last", "| abs", "| unique",
    "| items", "| dictsort", "| split", "| lines", "| string", "| bool", "| attr('x')", "| min", "| max", "| reverse",
    "is divisibleby 5", "is startingwith 'm'", "is gt 3", "is even", "is mapping", "is in [1]", "== 1",
    "'x' * 1000000", "9 ** 99", "-9223372036854775808", "170141183460469231731687303715884105727", "1e308 * 10",
    "__compare(1)", "range(9)", "loop", "self", "super()", "caller",
];

/// Signs of the shell.
pub(crate) const SHELL: &[&str] = &[
    "echo ", "$", "$(", "${", "$((", "))", "`", "'", "\"", "\\", "\n", ";", "&&", "|", ">", ">>", "<", "2>&1", "<<EOF\n",
    "<<-'E'\n", "EOF\n", "<<<", "# ", "(", ")", "{ ", "}", "if ", "then ", "fi", "case x in a) ;; esac", "for i in ",
    "do ", "done", "$'", "$\"", "\\\n", "!", "*", "~", "=", "A=", "\t", "3", "a", "-n", "$x", "$#", "$?", "${x:-", "[[ ", "=~",
    "\n%%\n",
];

/// Members and values of events and graphs.
pub(crate) const RECORDS: &[&str] = &[
    "run_id", "seq", "t", "at", "kind", "event", "run_created", "run_ready", "run_started", "task_assigned",
    "task_completed", "task_failed", "task_cancelled", "task_retry_scheduled", "task_skipped", "task_requeued",
    "attempt_cancelled", "approval_requested", "approval_granted", "edit_committed", "edit_rejected", "hold_opened",
    "hold_joined", "hold_closed", "run_paused", "run_resumed", "run_completed", "run_failed", "run_cancelled",
    "device_connected", "device_disconnected", "strategy_faulted", "result_ignored", "progress", "task", "attempt",
    "device", "graph", "settings", "edits", "op", "add_task", "add_dependency", "build", "after", "base", "revision",
    "hold", "request", "reason", "keep_open", "tasks", "dependencies", "id", "run", "sh", "script", "exec", "argv",
    "call", "noop", "sleep", "prompt", "from", "to", "success", "failure", "completion", "when", "outputs.n > 3", "note",
    "details", "metadata", "priority", "retry", "max", "max_parallel", "inputs", "outputs", "files", "policy", "editor",
    "secrets", "strategy", "system", "d1", "d2", "a", "b", "completed", "failed", "skipped", "descendants",
    "deadline", "duration_ms", "queue_timeout", "clear_existing", "total_tasks", "a->b", "a->b#2",
];

/// Durations, amounts and ids, and pieces of them.
pub(crate) const AMOUNTS: &[&str] = &[
    "500ms", "2.5s", "30s", "2m", "1h", "7d", "ms", "s", "m", "h", "d", ".", "..", "9", "0", "000", "1e3", "9007199254740992",
    "8999999999999999.5", "2500000000h", "0.0004", "32GiB", "512 MiB", "1.5GB", "B", "kB", "KB", "MB", "PiB", "/s",
    "16384PiB", "9.0", "high", "low", "critical", "medium", "a->b", "#2", "a:b", "a/b", "a.b", "_", "-", "@",
    "/files/a", "stdout", "result", "/a~1b/0", "~2",
];
