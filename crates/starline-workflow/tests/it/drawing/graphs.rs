//! Any graphs, with names and notes that are out for trouble.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use starline_types::{
    Dependency, DependencyKind, DeviceId, DeviceSelector, Estimate, Exec, GraphSpec, Millis, Payload,
    Priority, Prompt, Reading, Resources, Shell, TaskDetails, TaskId, TaskSpec, Value,
};

/// Texts that languages of drawings read as something else.
pub(crate) const HOSTILE: &[&str] = &[
    "",
    "\"",
    "\\",
    "\\\"",
    "a\\",
    "\\n\\l\\N\\G\\E",
    "a\nb",
    "a\r\nb\u{2028}c",
    "\"];\n  evil -> x [label=\"",
    "\"]\nclick t0 call alert(1)\n",
    "]}>)|",
    "[[x]] ((y)) {{z}}",
    "|x|",
    "-->",
    "-.->|\"x\"| t9",
    "%% comment",
    "%%{init: {\"securityLevel\": \"loose\"}}%%",
    "---",
    "---\ntitle: x\n---\n",
    "end",
    "graph",
    "subgraph x",
    "style t0 fill:#f00;",
    "classDef x:a#b;",
    "linkStyle 0 stroke:red",
    ":::evil",
    "<b>bold</b>",
    "<script>alert(\"1\")</script>",
    "<img src=x onerror=\"alert(1)\">",
    "</svg>",
    "&lt;b&gt; &amp; &#34;",
    "#quot; #35; #60;",
    "`code`",
    "\"`**md**`\"",
    "1. first",
    "- item",
    "# head",
    "$$x^2$$",
    "fa:fa-car",
    "@{ shape: circle }",
    "t0@{ shape: circle }",
    "/* c */ // d",
    "#include",
    "<<TABLE>>",
    "{{ x }}",
    "{% y %}",
    "{{ \"{{\" }}",
    "{{ \"{%\" }}{%",
    "\u{202E}abc",
    "\0\u{1}\u{7f}",
    "é 日本 🦀 \u{FFFE}",
    "\t",
];

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(HOSTILE).prop_map(str::to_owned),
        2 => (prop::sample::select(HOSTILE), prop::sample::select(HOSTILE)).prop_map(|(a, b)| format!("{a}{b}")),
        1 => "[ -~\n]{0,40}",
        1 => any::<String>(),
        1 => (50..200_usize).prop_map(|length| "\"\\& ".repeat(length)),
    ]
}

/// Texts that a program can be started with.
fn given() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.replace('\0', "_"))
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        Just(Payload::Noop),
        (0..100_000_u64).prop_map(|span| Payload::Sleep(Millis(span))),
        given().prop_map(|script| Payload::Sh(Arc::new(Shell { script, ..Shell::default() }))),
        vec(given(), 0..4).prop_map(|argv| Payload::Exec(Arc::new(Exec { argv, ..Exec::default() }))),
        text().prop_map(|text| Payload::Prompt(Arc::new(Prompt { text }))),
        text().prop_map(|name| Payload::Call { name: name.into(), arguments: Arc::new(Value::Null) }),
    ]
}

fn task() -> impl Strategy<Value = TaskSpec> {
    let device = (option::of("[a-c:#.]{1,2}"), option::of("[a-c]"), 0..4_u64, 0..4_u64).prop_map(
        |(on, prefer, cores, memory)| {
            let id = |id: String| DeviceId::new(id).expect("an id");
            let amounts = [("cpu_cores", cores), ("memory", memory)];
            let resources = amounts.into_iter().filter(|(_, amount)| *amount < 3);
            let resources = resources.map(|(name, amount)| (name.to_owned(), amount)).collect();
            DeviceSelector {
                on: on.map(id),
                prefer: prefer.map(id),
                resources: Resources(resources),
                ..DeviceSelector::default()
            }
        },
    );
    let estimate = (option::of(prop_oneof![0..10_000_u64, any::<u64>()]), option::of(any::<u64>()));
    (payload(), option::of(text()), option::of(device), option::of(estimate), 0..=100_u64).prop_map(
        |(run, name, device, estimate, priority)| {
            let details = TaskDetails { name, ..TaskDetails::default() };
            let estimate = estimate.map(|(duration, output_bytes)| {
                Arc::new(Estimate { duration: duration.map(Millis), output_bytes })
            });
            TaskSpec {
                details: Some(Arc::new(details)),
                device: device.map(Arc::new),
                estimate,
                priority: Priority::new(priority).expect("a priority"),
                ..TaskSpec::new(TaskId::new("replaced").expect("an id"), run)
            }
        },
    )
}

fn kind() -> impl Strategy<Value = DependencyKind> {
    prop_oneof![
        2 => Just(DependencyKind::Success),
        1 => Just(DependencyKind::Failure),
        1 => Just(DependencyKind::Completion),
        1 => text().prop_map(|condition| DependencyKind::When(condition.into())),
    ]
}

/// A graph without cycles; two tasks may be joined more than once.
pub(crate) fn graph() -> impl Strategy<Value = GraphSpec> {
    let id = prop_oneof![
        3 => "[A-Za-z0-9._:#-]{1,8}",
        1 => prop::sample::select(vec!["end", "graph", "node", "edge", "subgraph", "t0", "o--", "x-", "-1", "#", "::"])
            .prop_map(str::to_owned),
    ];
    let edge = (any::<prop::sample::Index>(), kind(), option::weighted(0.4, text()));
    let rows = vec((task(), vec(edge, 0..4)), 8);
    (btree_set(id, 1..8), rows, text()).prop_map(|(ids, rows, name)| {
        let ids: Vec<TaskId> = ids.into_iter().map(|id| TaskId::new(id).expect("an id")).collect();
        let mut graph = GraphSpec { name, ..GraphSpec::default() };
        for (at, (id, (task, edges))) in ids.iter().zip(rows).enumerate() {
            graph.tasks.push(Arc::new(TaskSpec { id: id.clone(), ..task }));
            for (source, kind, note) in edges.into_iter().filter(|_| at > 0) {
                let (from, note) = (ids[source.index(at)].clone(), note.map(Arc::from));
                graph.dependencies.push(Dependency { id: None, from, to: id.clone(), kind, note });
            }
        }
        graph
    })
}

/// States of some tasks of a graph.
pub(crate) fn states(graph: &GraphSpec, seed: usize) -> BTreeMap<TaskId, Reading> {
    const WORDS: [&str; 14] = [
        "blocked",
        "waiting",
        "held",
        "awaiting_approval",
        "backoff",
        "unplaced",
        "queued",
        "ready",
        "running",
        "cancelling",
        "completed",
        "failed",
        "cancelled",
        "skipped",
    ];
    let reading =
        |at: usize| serde_json::from_value(WORDS[(seed + at) % WORDS.len()].into()).expect("a state");
    let some = graph.tasks.iter().enumerate().filter(|(at, _)| !(seed + at).is_multiple_of(5));
    some.map(|(at, task)| (task.id.clone(), reading(at))).collect()
}
