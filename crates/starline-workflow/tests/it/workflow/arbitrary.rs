//! Any workflow that a file can say.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use starline_types::{
    ApprovalGate, ApprovalTimeout, Compensation, Dependency, DependencyId, DependencyKind, DeviceId,
    DeviceSelector, EditorSettings, ErrorKind, Estimate, Exec, FailurePolicy, FileInput, GraphSpec,
    HoldScope, HoldSettings, Jitter, LateEdits, Millis, OpenAiSettings, OutcomeStatus, OutputSource,
    OutputSpec, OutputType, Patterns, Payload, Policy, PolicyLimits, Priority, Prompt, Resources,
    RetryPolicy, RunSettings, ScriptedRule, Shell, TaskDetails, TaskId, TaskSpec,
};
use starline_workflow::{Input, InputType, Value, Workflow};

/// Texts that are easily misread.
const ODD: &[&str] = &[
    "",
    "null",
    "~",
    "yes",
    "No",
    "on",
    "true",
    "5",
    "007",
    "1e3",
    ".5",
    ".inf",
    "0x1F",
    "- a",
    "-",
    "--",
    "---",
    "...",
    "a: b",
    "a #b",
    "#",
    " lead",
    "trail ",
    "a\nb",
    "a\nb\n",
    "a\n\nb\n",
    "\n",
    "a\n ",
    " a\nb",
    "a\tb\n",
    "\ta\nb",
    "a\r\nb",
    "\r",
    "'",
    "\"",
    "\\",
    "\\n",
    "{",
    "}",
    "[x]",
    "*a",
    "&a",
    "!t",
    "|",
    ">",
    "%",
    "@",
    "`",
    "\u{FEFF}",
    "\u{85}",
    "\u{2028}",
    "é",
    "日本",
    "🦀",
    "\0",
    "\u{7f}",
    "\u{9f}",
    "\u{FFFE}",
    "2026-01-05",
    "1:30",
    "=",
    "<<",
    "?",
    "? x",
    ":",
    "x:",
    "a,b",
    "none",
    "./x",
    "-x",
    "..",
    "/",
    "a  b",
    "a\n# b\n",
    "if x\n  y\nfi\n",
    "{{ x }}",
    "{% if x %}",
    "{{ \"{{\" }} {{{",
];

/// Texts that are easily misread, and any others.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(ODD).prop_map(str::to_owned),
        1 => "[ -~\n]{0,30}",
        1 => any::<String>(),
        1 => vec(any::<char>(), 0..20).prop_map(|chars| chars.into_iter().collect()),
        1 => (0..1_500_usize).prop_map(|length| "long ".repeat(length / 5)),
    ]
}

/// Texts where templates are read.
pub(crate) fn words() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.replace('{', "{ "))
}

pub(crate) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        words().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(key(), inner, 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Names, those with a meaning of their own in `inputs` among them.
pub(crate) fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => words(),
        1 => prop::sample::select(vec!["file", "artifact", "value"]).prop_map(str::to_owned),
    ]
}

/// Texts that a program can be started with.
fn given() -> impl Strategy<Value = String> {
    words().prop_map(|text| text.replace('\0', "_"))
}

/// Names that a program may find a variable under.
fn variable() -> impl Strategy<Value = String> {
    key().prop_map(|name| format!("v{}", name.replace(['=', '\0'], "_")))
}

/// Names of secrets, of files and of variables.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Za-z_][A-Za-z0-9_]{0,8}", Just("on".to_owned()), Just("null".to_owned())]
}

fn path() -> impl Strategy<Value = String> {
    let part = prop_oneof!["[a-z]{1,5}", words().prop_map(|text| text.replace(['/', '\0'], "_"))];
    let path = vec(part, 1..4).prop_map(|parts| parts.join("/"));
    path.prop_filter("a path below the folder", |path| {
        let parts: Vec<&str> = path.split('/').collect();
        let leads = parts.iter().any(|part| !part.is_empty() && *part != ".");
        leads && !path.starts_with('/') && !path.ends_with('/') && !parts.contains(&"..")
    })
}

fn collect() -> impl Strategy<Value = Vec<String>> {
    vec(path(), 0..3).prop_map(|mut paths| {
        let parts = |path: &str| {
            let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
            parts.map(str::to_owned).collect::<Vec<_>>()
        };
        let mut seen = std::collections::BTreeSet::new();
        paths.retain(|path| seen.insert(parts(path)));
        paths
    })
}

pub(crate) fn values() -> impl Strategy<Value = BTreeMap<String, Value>> {
    btree_map(key(), json(), 0..3)
}

fn span() -> impl Strategy<Value = Millis> {
    prop_oneof![1..100_u64, 1_000..10_000_000_u64, Just(3_600_000)].prop_map(Millis)
}

/// What every file declares.
const SECRETS: &[&str] = &["TOKEN", "_key2", "null"];

fn payload() -> impl Strategy<Value = Payload> {
    let process = || {
        let secrets = btree_map(name(), prop::sample::select(SECRETS).prop_map(str::to_owned), 0..3);
        let common = (btree_map(variable(), given(), 0..3), option::of(given()), option::of(words()));
        (common, secrets, collect()).prop_map(|((env, cwd, stdin), mut secrets, collect)| {
            secrets.retain(|variable, _| !env.contains_key(variable));
            Exec { argv: Vec::new(), env, cwd, stdin, secrets, collect }
        })
    };
    prop_oneof![
        Just(Payload::Noop),
        span().prop_map(Payload::Sleep),
        words().prop_map(|text| Payload::Prompt(Arc::new(Prompt { text }))),
        (words(), json()).prop_map(|(name, arguments)| Payload::Call {
            name: name.into(),
            arguments: Arc::new(arguments)
        }),
        (given(), process()).prop_map(|(script, process)| {
            let Exec { env, cwd, stdin, secrets, collect, .. } = process;
            Payload::Sh(Arc::new(Shell { script, env, cwd, stdin, secrets, collect }))
        }),
        (vec(given(), 0..5), process()).prop_map(|(arguments, process)| {
            let argv = std::iter::once("./run".to_owned()).chain(arguments).collect();
            Payload::Exec(Arc::new(Exec { argv, ..process }))
        }),
    ]
}

fn device() -> impl Strategy<Value = DeviceSelector> {
    let id = || option::of("[A-Za-z0-9._:#-]{1,9}".prop_map(|id| DeviceId::new(id).expect("an id")));
    let amount = prop_oneof![any::<u64>(), (0..64_u64).prop_map(|number| number << 30)];
    let resources =
        btree_map(prop_oneof![Just("memory".to_owned()), Just("cpu_cores".to_owned()), key()], amount, 0..3);
    (id(), id(), option::of(text()), vec(text(), 0..3), resources).prop_map(
        |(on, prefer, os, needs, resources)| DeviceSelector {
            on,
            os,
            needs,
            resources: Resources(resources),
            prefer,
        },
    )
}

fn retry() -> impl Strategy<Value = RetryPolicy> {
    let kinds = vec(prop_oneof![Just(ErrorKind::Timeout), Just(ErrorKind::Other("no".into()))], 0..3);
    (0..100_u32, span(), 1.0..9.0_f64, span(), any::<bool>(), kinds, 0..100_u32).prop_map(
        |(max, base, factor, cap, full, non_retryable, lost_max)| {
            let jitter = if full { Jitter::Full } else { Jitter::None };
            RetryPolicy { max, base, factor, cap, jitter, non_retryable, lost_max }
        },
    )
}

fn outputs() -> impl Strategy<Value = BTreeMap<String, OutputSpec>> {
    let from = prop_oneof![
        Just(OutputSource::Stdout),
        Just(OutputSource::Result),
        text().prop_map(|text| OutputSource::Pointer(format!("/{text}").into())),
    ];
    let kind = prop::sample::select(vec![
        OutputType::String,
        OutputType::Integer,
        OutputType::Number,
        OutputType::Boolean,
        OutputType::Json,
    ]);
    let artifact = prop_oneof![Just(OutputSource::Result), Just(OutputSource::Pointer("/files/a".into()))];
    let artifact = artifact.prop_map(|from| OutputSpec { from, kind: OutputType::Artifact });
    let plain = (from, kind).prop_map(|(from, kind)| OutputSpec { from, kind });
    btree_map(key(), prop_oneof![3 => plain, 2 => artifact], 0..3)
}

fn gate() -> impl Strategy<Value = ApprovalGate> {
    let timeout = option::of(prop_oneof![span(), Just(Millis(3_600_000))]);
    let word = prop_oneof![Just(ApprovalTimeout::Reject), Just(ApprovalTimeout::Approve)];
    (text(), timeout, word).prop_map(|(prompt, timeout, on_timeout)| ApprovalGate {
        prompt,
        timeout,
        on_timeout,
    })
}

fn files() -> impl Strategy<Value = BTreeMap<String, FileInput>> {
    btree_map(name(), path().prop_map(|path| FileInput::File { path, artifact: None }), 0..3)
}

fn details() -> impl Strategy<Value = Option<Arc<TaskDetails>>> {
    let texts = (option::of(text()), words(), vec(words(), 0..3));
    let undo = option::of(payload().prop_map(|run| Compensation { run }).boxed());
    (texts, values(), option::of(gate()), undo, files()).prop_map(
        |((name, description, tips), metadata, approval, compensate, files)| {
            let details = TaskDetails { name, description, tips, metadata, approval, compensate, files };
            (details != TaskDetails::default()).then(|| Arc::new(details))
        },
    )
}

pub(crate) fn task() -> impl Strategy<Value = TaskSpec> {
    let limits = (option::of(span()), option::of(span()), option::of(retry()), any::<bool>());
    let estimate = option::of((option::of(span()), option::of(any::<u64>())));
    (
        payload().boxed(),
        option::of(device().boxed()),
        0..=100_u64,
        limits.boxed(),
        values().boxed(),
        outputs().boxed(),
        estimate,
        details().boxed(),
    )
        .prop_map(
            |(
                run,
                device,
                priority,
                (queue, limit, retry, idempotent),
                mut inputs,
                outputs,
                estimate,
                details,
            )| {
                if let Some(details) = &details {
                    inputs.retain(|name, _| !details.files.contains_key(name));
                }
                let id = TaskId::new("replaced").expect("an id");
                let estimate =
                    estimate.map(|(duration, output_bytes)| Arc::new(Estimate { duration, output_bytes }));
                TaskSpec {
                    device: device.map(Arc::new),
                    priority: Priority::new(priority).expect("a priority"),
                    queue_timeout: queue,
                    run_timeout: limit,
                    retry: retry.map(Arc::new),
                    inputs: inputs.into(),
                    outputs: outputs.into(),
                    idempotent,
                    estimate,
                    details,
                    ..TaskSpec::new(id, run)
                }
            },
        )
}

pub(crate) fn ids() -> impl Strategy<Value = Vec<TaskId>> {
    let id = prop_oneof![
        3 => "[A-Za-z0-9._:#-]{1,12}",
        1 => prop::sample::select(vec!["null", "5", "-", "on", "1.5", "~x", "a#b", "<<"]).prop_map(|id| id.replace(['~', '<'], "_")),
    ];
    vec(id, 1..8).prop_map(|mut ids| {
        let mut seen = std::collections::BTreeSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        ids.into_iter().map(|id| TaskId::new(id).expect("an id")).collect()
    })
}

pub(crate) fn kind() -> impl Strategy<Value = DependencyKind> {
    let conditions = vec![
        "outputs.x | default(1) > 1",
        "status == 'failed'",
        "result is defined or\n  error is none",
        "\"a: #b\" == result",
    ];
    prop_oneof![
        3 => Just(DependencyKind::Success),
        1 => Just(DependencyKind::Failure),
        1 => Just(DependencyKind::Completion),
        1 => prop::sample::select(conditions).prop_map(|text| DependencyKind::When(text.into())),
    ]
}

/// Ids of dependencies, those that another has by itself among them.
fn edge_id() -> impl Strategy<Value = DependencyId> {
    let id = prop_oneof![
        3 => "[A-Za-z0-9._:#>-]{1,12}",
        1 => prop::sample::select(vec!["null", "5", "on", "1.5", "a->b", "a->b#2", ">-", "->"]).prop_map(str::to_owned),
    ];
    id.prop_map(|id| DependencyId::new(id).expect("an id"))
}

pub(crate) fn graph() -> impl Strategy<Value = GraphSpec> {
    let said = (option::weighted(0.2, edge_id()), option::weighted(0.3, text()));
    let edge = (any::<prop::sample::Index>(), kind(), said);
    let rows = vec((task().boxed(), vec(edge, 0..5)), 8).boxed();
    (ids(), rows, text(), values()).prop_map(|(ids, rows, name, metadata)| {
        let mut graph = GraphSpec { name, metadata, ..GraphSpec::default() };
        let mut named = std::collections::BTreeSet::new();
        for (at, (id, (task, edges))) in ids.iter().zip(rows).enumerate() {
            graph.tasks.push(Arc::new(TaskSpec { id: id.clone(), ..task }));
            // Edges lead from earlier tasks to later ones, so there is no cycle; parallel ones are beside each other.
            let mut sources: Vec<(usize, Vec<Dependency>)> = Vec::new();
            for (source, kind, (own, note)) in edges.into_iter().filter(|_| at > 0) {
                let source = source.index(at);
                let own = own.filter(|own| named.insert(own.clone()));
                let (from, to) = (ids[source].clone(), id.clone());
                let edge = Dependency { id: own, from, to, kind, note: note.map(Arc::from) };
                match sources.iter_mut().find(|(known, _)| *known == source) {
                    Some((_, parallel)) => parallel.push(edge),
                    None => sources.push((source, vec![edge])),
                }
            }
            graph.dependencies.extend(sources.into_iter().flat_map(|(_, edges)| edges));
            send_artifacts(&mut graph, at);
        }
        graph
    })
}

/// Sends a task every artefact of the tasks that it waits for.
fn send_artifacts(graph: &mut GraphSpec, at: usize) {
    let mut files = BTreeMap::new();
    let id = graph.tasks[at].id.clone();
    for edge in graph.dependencies.iter().filter(|edge| edge.to == id) {
        let source = graph.tasks.iter().find(|task| task.id == edge.from).expect("a task");
        for (output, spec) in source.outputs.iter() {
            if spec.kind == OutputType::Artifact {
                let input = FileInput::Output { task: edge.from.clone(), output: output.clone() };
                files.insert(format!("sent_{}", files.len()), input);
            }
        }
    }
    if !files.is_empty() {
        let details = Arc::make_mut(&mut graph.tasks[at]).details.get_or_insert_default();
        Arc::make_mut(details).files.extend(files);
    }
}

fn patterns() -> impl Strategy<Value = Patterns> {
    let texts = || option::of(vec(text().prop_map(Into::into), 0..3));
    let kinds = option::of(vec(prop::sample::select(vec!["sh", "exec", "noop"]).prop_map(Into::into), 0..3));
    (texts(), texts(), kinds).prop_map(|(devices, capabilities, kinds)| Patterns {
        devices,
        capabilities,
        kinds,
    })
}

fn guard_rails() -> impl Strategy<Value = Policy> {
    let operations = vec!["add_task", "undo", "merge", "retry_task"];
    let allow = option::of(vec(prop::sample::select(operations).prop_map(Into::into), 0..3));
    let limits = (option::of(0..=1_000_000_u64), option::of(0..=1_000_000_u64))
        .prop_map(|(edits, added_tasks)| PolicyLimits { edits, added_tasks });
    (allow, patterns(), limits, patterns()).prop_map(|(allow, only, limits, require_approval)| Policy {
        allow,
        only,
        limits,
        require_approval,
    })
}

fn editor() -> impl Strategy<Value = EditorSettings> {
    let status = || prop_oneof![Just(OutcomeStatus::Completed), Just(OutcomeStatus::Failed)];
    let hold = (any::<bool>(), prop_oneof![Just(Millis::ZERO), span()], span(), any::<bool>());
    let hold = hold.prop_map(|(graph, batch_window, modification_timeout, late)| HoldSettings {
        scope: if graph { HoldScope::Graph } else { HoldScope::Descendants },
        batch_window,
        modification_timeout,
        late_edits: if late { LateEdits::Accept } else { LateEdits::Refuse },
    });
    let edit = values().prop_map(|mut members| {
        members.insert("op".to_owned(), "remove_task".into());
        Value::Object(members.into_iter().collect())
    });
    let when = option::of(Just("error.kind == 'exit_status'".to_owned()));
    let rule = ("[a-z*:#.-]{1,6}", option::of(status()), when, option::of(text()), vec(edit, 0..3));
    let rule = rule.prop_map(|(task, outcome, when, reason, edits)| {
        let task = task.into();
        ScriptedRule { task, outcome, when, reason, edits }
    });
    let openai = (name(), option::of(name()), text(), span(), 1..=u64::MAX).prop_map(
        |(base_url_env, key_env, model, timeout, max_tokens)| OpenAiSettings {
            base_url_env,
            key_env,
            model,
            timeout,
            max_tokens,
        },
    );
    (vec(status(), 0..3), hold, 1..=20_u32, vec(rule, 0..3), option::of(openai)).prop_map(
        |(edit_on, hold, attempts, scripted, openai)| EditorSettings {
            edit_on,
            hold,
            attempts,
            scripted,
            openai,
        },
    )
}

fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let typed = prop_oneof![
        words().prop_map(|text| (InputType::String, Value::from(text))),
        any::<i64>().prop_map(|number| (InputType::Integer, Value::from(number))),
        (-1.0e9..1.0e9_f64).prop_map(|number| (InputType::Number, Value::from(number))),
        any::<bool>().prop_map(|value| (InputType::Boolean, Value::from(value))),
        vec(json(), 0..3).prop_map(|items| (InputType::List, Value::from(items))),
        values().prop_map(|members| (InputType::Object, Value::Object(members.into_iter().collect()))),
    ];
    btree_map(key(), (typed, text()), 0..4).prop_map(|inputs| {
        let input = |(name, ((kind, default), description))| Input {
            name,
            kind,
            default: Some(default),
            description,
        };
        inputs.into_iter().map(input).collect()
    })
}

pub(crate) fn workflow() -> impl Strategy<Value = Workflow> {
    let policy = prop::sample::select(vec![
        FailurePolicy::SkipDependents,
        FailurePolicy::FailFast,
        FailurePolicy::WaitForEdit,
        FailurePolicy::Rollback,
    ]);
    let settings = (policy, option::of(1..1_000_u32), option::of(span()), span());
    let agents = (option::of(guard_rails().boxed()), option::of(editor().boxed())).boxed();
    (graph().boxed(), settings, option::of(text()), text(), inputs().boxed(), agents).prop_map(
        |(graph, settings, strategy, description, inputs, (policy, editor))| {
            let (on_failure, max_parallel, deadline, edit_wait) = settings;
            let mut workflow = Workflow::new(graph);
            let values = inputs.iter().filter_map(|input| Some((input.name.clone(), input.default.clone()?)));
            let values = values.collect();
            workflow.settings = RunSettings {
                on_failure,
                max_parallel,
                deadline,
                edit_wait,
                inputs: values,
                secrets: SECRETS.iter().map(|name| (*name).to_owned()).collect(),
                policy: policy.map(Arc::new),
                editor: editor.map(Arc::new),
                ..RunSettings::default()
            };
            (workflow.strategy, workflow.description, workflow.inputs) = (strategy, description, inputs);
            workflow
        },
    )
}
