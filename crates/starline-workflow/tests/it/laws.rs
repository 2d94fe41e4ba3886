//! What is written reads back equal, whatever it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use starline_types::{
    Dependency, DependencyId, DependencyKind, DeviceId, DeviceSelector, ErrorKind, Estimate, Exec,
    FailurePolicy, GraphSpec, Jitter, Millis, OutputSource, OutputSpec, OutputType, Payload, Priority,
    Prompt, Resources, RetryPolicy, RunSettings, Shell, TaskDetails, TaskId, TaskSpec,
};
use starline_workflow::{Input, InputType, LoadOptions, Value, Workflow, WriteError, to_json, to_yaml};

use crate::listed;

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

pub(crate) fn key() -> impl Strategy<Value = String> {
    // A bare `<<` and what inputs may not be sent are left to their own tests.
    words().prop_filter("a meaning of its own", |key| !matches!(key.as_str(), "file" | "artifact"))
}

pub(crate) fn values() -> impl Strategy<Value = BTreeMap<String, Value>> {
    btree_map(key(), json(), 0..3)
}

fn span() -> impl Strategy<Value = Millis> {
    prop_oneof![1..100_u64, 1_000..10_000_000_u64, Just(3_600_000)].prop_map(Millis)
}

fn payload() -> impl Strategy<Value = Payload> {
    let process = || (btree_map(key(), words(), 0..3), option::of(words()), option::of(words()));
    prop_oneof![
        Just(Payload::Noop),
        span().prop_map(Payload::Sleep),
        words().prop_map(|text| Payload::Prompt(Arc::new(Prompt { text }))),
        (words(), json()).prop_map(|(name, arguments)| Payload::Call {
            name: name.into(),
            arguments: Arc::new(arguments)
        }),
        (words(), process()).prop_map(|(script, (env, cwd, stdin))| Payload::Sh(Arc::new(Shell {
            script,
            env,
            cwd,
            stdin,
            ..Shell::default()
        }))),
        (vec(words(), 0..5), process()).prop_map(|(arguments, (env, cwd, stdin))| {
            let argv = std::iter::once("./run".to_owned()).chain(arguments).collect();
            Payload::Exec(Arc::new(Exec { argv, env, cwd, stdin, ..Exec::default() }))
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
    btree_map(key(), (from, kind).prop_map(|(from, kind)| OutputSpec { from, kind }), 0..3)
}

fn details() -> impl Strategy<Value = Option<Arc<TaskDetails>>> {
    (option::of(text()), words(), vec(words(), 0..3), values()).prop_map(
        |(name, description, tips, metadata)| {
            let details = TaskDetails { name, description, tips, metadata, ..TaskDetails::default() };
            (details != TaskDetails::default()).then(|| Arc::new(details))
        },
    )
}

fn task() -> impl Strategy<Value = TaskSpec> {
    let limits = (option::of(span()), option::of(span()), option::of(retry()), any::<bool>());
    let estimate = option::of((option::of(span()), option::of(any::<u64>())));
    (payload(), option::of(device()), 0..=100_u64, limits, values(), outputs(), estimate, details()).prop_map(
        |(run, device, priority, (queue, limit, retry, idempotent), inputs, outputs, estimate, details)| {
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

fn ids() -> impl Strategy<Value = Vec<TaskId>> {
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

fn kind() -> impl Strategy<Value = DependencyKind> {
    let conditions = vec![
        "outputs.x > 1",
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

fn graph() -> impl Strategy<Value = GraphSpec> {
    let edge = (any::<prop::sample::Index>(), kind(), option::weighted(0.3, text()));
    let rows = vec((task(), vec(edge, 0..4)), 8);
    (ids(), rows, text(), values()).prop_map(|(ids, rows, name, metadata)| {
        let mut graph = GraphSpec { name, metadata, ..GraphSpec::default() };
        for (at, (id, (task, edges))) in ids.iter().zip(rows).enumerate() {
            graph.tasks.push(Arc::new(TaskSpec { id: id.clone(), ..task }));
            let mut sources = std::collections::BTreeSet::new();
            for (source, kind, note) in edges {
                // Edges lead from earlier tasks to later ones, so there is no cycle.
                if at > 0 && sources.insert(source.index(at)) {
                    let note = note.map(Arc::from);
                    let from = ids[source.index(at)].clone();
                    graph.dependencies.push(Dependency { id: None, from, to: id.clone(), kind, note });
                }
            }
        }
        graph
    })
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
    ]);
    let settings = (policy, option::of(1..1_000_u32), option::of(span()), span());
    (graph(), settings, option::of(text()), text(), inputs()).prop_map(
        |(graph, (on_failure, max_parallel, deadline, edit_wait), strategy, description, inputs)| {
            let mut workflow = Workflow::new(graph);
            let values = inputs.iter().filter_map(|input| Some((input.name.clone(), input.default.clone()?)));
            let values = values.collect();
            workflow.settings = RunSettings {
                on_failure,
                max_parallel,
                deadline,
                edit_wait,
                inputs: values,
                ..RunSettings::default()
            };
            (workflow.strategy, workflow.description, workflow.inputs) = (strategy, description, inputs);
            workflow
        },
    )
}

fn read_back(written: &str) -> Result<Workflow, TestCaseError> {
    Workflow::parse(written.as_bytes(), &LoadOptions::default())
        .map_err(|problems| TestCaseError::fail(format!("{}\n{written}", listed(&problems))))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_equal(workflow in workflow()) {
        let yaml = to_yaml(&workflow).expect("expressible");
        prop_assert_eq!(&read_back(&yaml)?, &workflow, "{}", yaml);
        let json = to_json(&workflow).expect("expressible");
        prop_assert_eq!(&read_back(&json)?, &workflow, "{}", json);
        let plain: Value = serde_json::from_str(&json).map_err(|error| TestCaseError::fail(format!("{error}\n{json}")))?;
        prop_assert_eq!(plain["version"].as_u64(), Some(1));
    }

    #[test]
    fn writing_is_stable(workflow in workflow()) {
        let yaml = to_yaml(&workflow).expect("expressible");
        prop_assert_eq!(to_yaml(&read_back(&yaml)?).expect("expressible"), yaml);
    }
}

#[test]
fn what_files_cannot_say_is_refused() {
    let task = |id: &str| Arc::new(TaskSpec::new(TaskId::new(id).expect("id"), Payload::Noop));
    let edge = Dependency::success(TaskId::new("a").expect("id"), TaskId::new("b").expect("id"));
    let write = |dependencies: Vec<Dependency>, metadata: Value| {
        let metadata = BTreeMap::from([("x".to_owned(), metadata)]);
        let graph =
            GraphSpec { tasks: vec![task("a"), task("b")], dependencies, metadata, ..GraphSpec::default() };
        to_yaml(&Workflow::new(graph))
    };
    let own = |id: &str| Dependency { id: DependencyId::new(id).ok(), ..edge.clone() };
    assert!(write(vec![own("a->b")], Value::Null).is_ok());
    assert!(matches!(write(vec![own("mine")], Value::Null), Err(WriteError::OwnId(_))));
    assert!(matches!(write(vec![edge.clone(), edge.clone()], Value::Null), Err(WriteError::Parallel { .. })));
    let lost = Dependency { to: TaskId::new("c").expect("id"), ..edge.clone() };
    assert!(matches!(write(vec![lost], Value::Null), Err(WriteError::UnknownTask(_))));
    let deep = |levels: usize| (0..levels).fold(Value::Null, |inner, _| Value::from(vec![inner]));
    assert!(
        write(Vec::new(), deep(62)).is_ok_and(|yaml| Workflow::parse(
            yaml.as_bytes(),
            &LoadOptions::default()
        )
        .is_ok())
    );
    assert_eq!(write(Vec::new(), deep(63)), Err(WriteError::TooDeep));
}
