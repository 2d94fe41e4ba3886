//! What is exported imports equal, and what is imported exports equal.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, json};
use starline_types::{DependencyId, DependencyKind, Exec, GraphSpec, Millis, Payload, TaskDetails, TaskSpec};
use starline_workflow::{GalaxyOptions, ImportedGalaxy, Value, Workflow, import_galaxy};

use super::{export, exported, json as parsed, options, warned};
use crate::listed;
use crate::workflow::arbitrary;
use crate::workflow::written::difference;

/// A workflow with what Galaxy could take for its own: texts, platforms, kept metadata, ids of dependencies.
fn workflow() -> impl Strategy<Value = Workflow> {
    let line = (option::weighted(0.3, select(vec!["l", "x>y", "a->b#2", "line_1", "p.q"])), any::<Index>());
    let kept = select(vec![
        json!({"original_id": "a b"}),
        json!({"original_id": 5, "tips": []}),
        json!({"device_type": "web", "description": null, "timeout": null}),
        json!({"device_type": "linux", "created_at": "then", "expected_output_type": "text"}),
        json!({"dependencies": {"l": {"dependency_type": "unconditional", "metadata": {"x": 1}}}, "name": null}),
        json!("a text"),
    ]);
    let kept = vec(option::weighted(0.3, kept), 8);
    let prompts =
        vec(option::weighted(0.5, select(vec!["name", "description", "own {{ \"{{\" }}", "os"])), 8);
    (arbitrary::workflow(), vec(line, 0..6), kept, prompts).prop_map(
        |(mut workflow, lines, kept, prompts)| {
            let graph = Arc::make_mut(&mut workflow.graph);
            for (task, (kept, prompt)) in graph.tasks.iter_mut().zip(kept.iter().zip(prompts)) {
                decorate(Arc::make_mut(task), kept.as_ref(), prompt);
            }
            if let Some(Some(kept)) = kept.last() {
                graph.metadata.insert("galaxy".to_owned(), kept.clone());
                graph.metadata.insert("starline".to_owned(), json!({"format": 1, "revision": "x"}));
            }
            decorate_edges(graph, &lines);
            workflow
        },
    )
}

fn decorate(task: &mut TaskSpec, kept: Option<&Value>, prompt: Option<&str>) {
    let mut details = task.details.as_deref().cloned().unwrap_or_default();
    if let Some(kept) = kept {
        details.metadata.insert("galaxy".to_owned(), kept.clone());
    }
    let asked = match prompt {
        // A prompt is a template, and a name any text.
        Some("name") => details.name.clone().filter(|name| !name.contains("{{") && !name.contains("{%")),
        Some("description") => Some(details.description.clone()),
        Some("os") => {
            let mut device = task.device.as_deref().cloned().unwrap_or_default();
            device.os = Some("Linux".to_owned());
            device.needs = vec!["web".to_owned()];
            task.device = Some(Arc::new(device));
            None
        }
        own => own.map(str::to_owned),
    };
    if let Some(text) = asked {
        task.run = Payload::Prompt(Arc::new(starline_types::Prompt { text }));
    }
    if details != TaskDetails::default() {
        task.details = Some(Arc::new(details));
    }
}

/// Parallel edges, and edges with ids of their own.
fn decorate_edges(graph: &mut GraphSpec, lines: &[(Option<&str>, Index)]) {
    for (id, at) in lines {
        if graph.dependencies.is_empty() {
            return;
        }
        let mut edge = at.get(&graph.dependencies).clone();
        let taken = |id: &DependencyId| graph.dependencies.iter().any(|edge| edge.id.as_ref() == Some(id));
        let plain = format!("{}->{}", edge.from, edge.to);
        edge.id = id.map(|id| id.replace("a->b", &plain)).and_then(|id| DependencyId::new(id).ok());
        if !edge.id.as_ref().is_some_and(taken) {
            graph.dependencies.push(edge);
        }
    }
}

fn read_back(written: &str, options: &GalaxyOptions) -> Result<ImportedGalaxy, TestCaseError> {
    import_galaxy(written.as_bytes(), options)
        .map_err(|problems| TestCaseError::fail(format!("{}\n{written}", listed(&problems))))
}

fn moment() -> impl Strategy<Value = String> {
    let texts = vec![
        "2026-01-05T08:00:00+00:00",
        "2026-01-05T08:00:00.123456+00:00",
        "2026-01-05T09:00:00.250000+01:00",
        "1999-12-31T23:59:59Z",
        "2026-03-01T00:00:00",
    ];
    select(texts).prop_map(str::to_owned)
}

fn task(id: &str) -> impl Strategy<Value = Value> + use<> {
    let id = id.to_owned();
    let texts = (
        option::of(arbitrary::text()),
        option::of(prop_oneof![arbitrary::text(), Just("{{ x }} {% if %}".to_owned())]),
        option::of(vec(arbitrary::text(), 0..3)),
        option::of(select(vec!["", "box1", "a.b"])),
        option::of(select(vec!["windows", "macos", "linux", "android", "ios", "web", "api"])),
    );
    let numbers = (1..=4_u8, option::of(1..604_800_000_u64), 0..=100_u32);
    let rest = (arbitrary::values(), option::of(arbitrary::text()), moment());
    (texts, numbers, rest).prop_map(
        move |(
            (name, description, tips, target, kind),
            (priority, timeout, retries),
            (data, expected, at),
        )| {
            json!({
                "task_id": id, "name": name, "description": description, "tips": tips,
                "target_device_id": target, "device_type": kind, "priority": priority, "status": "pending",
                "result": null, "error": null, "timeout": timeout.map(|ms| ms as f64 / 1000.0),
                "retry_count": retries, "current_retry": 0, "task_data": data,
                "expected_output_type": expected, "created_at": at, "updated_at": at,
                "execution_start_time": null, "execution_end_time": null, "execution_duration": null,
            })
        },
    )
}

fn line() -> impl Strategy<Value = (String, Index, Index, Value)> {
    let kind = select(vec!["unconditional", "conditional", "success_only", "completion_only"]);
    let id = prop_oneof![Just(String::new()), arbitrary::text(), "[a-z>-]{1,6}"];
    let rest = (option::of(arbitrary::text()), arbitrary::values(), moment());
    (id, any::<Index>(), any::<Index>(), kind, rest).prop_map(|(id, from, to, kind, (note, metadata, at))| {
        let body = json!({
            "dependency_type": kind, "condition_description": note, "metadata": metadata,
            "is_satisfied": false, "last_evaluation_result": null, "last_evaluation_time": null,
            "created_at": at, "updated_at": at,
        });
        (id, from, to, body)
    })
}

/// A constellation as Galaxy saves it before anything has been started.
fn constellation() -> impl Strategy<Value = Value> {
    let id = prop_oneof!["[a-z]{1,5}", "[ -~é]{1,6}"];
    let tasks =
        btree_map(id, Just(()), 1..7).prop_flat_map(|ids| ids.keys().map(|id| task(id)).collect::<Vec<_>>());
    let head = ("[a-z _]{1,9}", option::of(arbitrary::text()), arbitrary::values(), moment(), any::<bool>());
    (tasks, vec(line(), 0..8), head).prop_map(|(tasks, lines, (id, name, mut metadata, at, own))| {
        let names: Vec<String> =
            tasks.iter().map(|task| task["task_id"].as_str().expect("an id").to_owned()).collect();
        let mut edges = Map::new();
        for (id, from, to, mut body) in lines {
            let (from, to) = (from.index(names.len()), to.index(names.len()));
            if from == to {
                continue;
            }
            let (from, to) = (&names[from.min(to)], &names[from.max(to)]);
            let id = if id.is_empty() { format!("{from}->{to}") } else { id };
            body["line_id"] = json!(id);
            body["from_task_id"] = json!(from);
            body["to_task_id"] = json!(to);
            edges.insert(id, body);
        }
        if own {
            metadata.insert("galaxy".to_owned(), json!({"name": null, "created_at": 5}));
        }
        let mut whole = json!({
            "constellation_id": id, "name": name, "state": "created", "dependencies": edges,
            "metadata": metadata, "created_at": at, "updated_at": at,
            "execution_start_time": null, "execution_end_time": null, "execution_duration": null,
        });
        whole["tasks"] = Value::Object(names.iter().cloned().zip(tasks).collect());
        whole
    })
}

/// Lets a constellation run for a while.
fn progress() -> impl Strategy<Value = Vec<(u8, Value, String, u64, u32)>> {
    vec((0..5_u8, arbitrary::json(), arbitrary::text(), 0..10_000_000_u64, 0..9_u32), 7)
}

fn run(mut whole: Value, progress: Vec<(u8, Value, String, u64, u32)>) -> Value {
    let start = "2026-01-05T08:00:00+00:00";
    for (task, (status, result, error, ms, retries)) in
        whole["tasks"].as_object_mut().expect("tasks").values_mut().zip(progress)
    {
        let word = ["pending", "running", "completed", "failed", "cancelled"][usize::from(status)];
        task["status"] = json!(word);
        task["result"] = result;
        task["updated_at"] = json!("2027-01-01T00:00:00.000001+00:00");
        if status > 0 {
            task["execution_start_time"] = json!(start);
            task["current_retry"] = json!(retries);
        }
        if status > 1 {
            task["execution_duration"] = json!(ms as f64 / 1000.0);
        }
        if status > 2 {
            task["error"] = json!(error);
        }
    }
    whole["state"] = json!("executing");
    whole["execution_start_time"] = json!("2026-01-05T08:00:00.5Z");
    whole
}

/// Without what is derived.
fn essential(mut whole: Value) -> Value {
    for task in whole["tasks"].as_object_mut().expect("tasks").values_mut() {
        let members = task.as_object_mut().expect("a task");
        members.remove("dependencies");
        members.remove("dependents");
    }
    for line in whole["dependencies"].as_object_mut().expect("dependencies").values_mut() {
        let members = line.as_object_mut().expect("a dependency");
        for name in ["is_satisfied", "last_evaluation_result", "last_evaluation_time"] {
            members.remove(name);
        }
    }
    whole
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_is_exported_imports_equal(workflow in workflow()) {
        let written = export(&workflow);
        let imported = read_back(&written, &GalaxyOptions::default())?;
        prop_assert_eq!(&imported.workflow, &workflow, "{}\n{:#?}", written, warned(&imported));
        prop_assert_eq!(difference(&imported.workflow), None);
        prop_assert!(imported.warnings.iter().all(|warning| warning.code != "starline_ignored"));
        // Writing is stable.
        prop_assert_eq!(exported(&imported).replace(imported.run_id.as_str(), ""), written.replace(imported.run_id.as_str(), ""));
    }

    #[test]
    fn what_is_imported_exports_equal(whole in constellation()) {
        let imported = read_back(&whole.to_string(), &GalaxyOptions::default())?;
        prop_assert_eq!(difference(&imported.workflow), None);
        // Both are read from text, since reading may round the last digit of a number.
        prop_assert_eq!(essential(parsed(&exported(&imported))), essential(parsed(&whole.to_string())));
    }

    #[test]
    fn what_has_run_exports_equal(whole in constellation(), progress in progress()) {
        let whole = run(whole, progress);
        let imported = read_back(&whole.to_string(), &options(true))?;
        // Both are read from text, since reading may round the last digit of a number.
        prop_assert_eq!(essential(parsed(&exported(&imported))), essential(parsed(&whole.to_string())));
    }

    /// Whatever somebody changes beside what starline wrote, counts.
    #[test]
    fn what_was_changed_since_counts(workflow in workflow(), priority in 1..=4_u64) {
        let mut whole = parsed(&export(&workflow));
        let ids: Vec<String> = whole["tasks"].as_object().expect("tasks").keys().cloned().collect();
        for id in &ids {
            whole["tasks"][id]["priority"] = json!(priority);
            whole["tasks"][id]["name"] = json!("changed");
        }
        let imported = read_back(&whole.to_string(), &GalaxyOptions::default())?;
        let again = parsed(&exported(&imported));
        for id in &ids {
            prop_assert_eq!(&again["tasks"][id]["priority"], &json!(priority));
            prop_assert_eq!(&again["tasks"][id]["name"], &json!("changed"));
        }
    }
}

#[test]
fn what_galaxy_cannot_express_survives() {
    let exec =
        Exec { argv: vec!["wc".into(), "-l".into(), "{{ tasks.a.result }}".into()], ..Exec::default() };
    let id = |id: &str| starline_types::TaskId::new(id).expect("an id");
    let mut tasks =
        vec![TaskSpec::new(id("a"), Payload::Noop), TaskSpec::new(id("b"), Payload::Exec(Arc::new(exec)))];
    tasks[0].run_timeout = None;
    tasks[0].queue_timeout = Some(Millis(5));
    tasks[1].priority = starline_types::Priority::new(60).expect("a priority");
    let edge = starline_types::Dependency::success(id("a"), id("b"));
    let when = DependencyKind::When("status == 'failed'".into());
    let graph = GraphSpec {
        name: "n".into(),
        tasks: tasks.into_iter().map(Arc::new).collect(),
        dependencies: vec![
            edge.clone(),
            edge.clone().with_kind(when),
            edge.with_kind(DependencyKind::Failure),
        ],
        metadata: BTreeMap::new(),
    };
    let workflow = Workflow::new(graph);
    let written = export(&workflow);
    let whole = parsed(&written);
    assert_eq!(whole["metadata"]["starline"]["format"], 1);
    assert_eq!(whole["tasks"]["b"]["priority"], 2);
    let line = |id: &str| {
        let line = &whole["dependencies"][id];
        (line["dependency_type"].clone(), line["condition_description"].clone())
    };
    assert_eq!(line("a->b"), (json!("success_only"), json!("")));
    assert_eq!(line("a->b#2"), (json!("conditional"), json!("status == 'failed'")));
    assert_eq!(line("a->b#3").0, json!("conditional"));
    let imported = super::import(&written);
    assert_eq!(imported.workflow, workflow);
    assert_eq!(warned(&imported), ["edge_repaired /dependencies/a->b/dependency_type a->b"]);
}
