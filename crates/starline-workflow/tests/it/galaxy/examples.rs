//! Files as Galaxy and models write them.

use std::path::{Path, PathBuf};

use serde_json::json;
use starline_types::{DependencyKind, Millis, Payload};
use starline_workflow::{GalaxyExport, GalaxyOptions, GraphSpec, Value, export_galaxy, to_json, to_yaml};

use super::{export, exported, import, import_with, json, options, refused, warned};

const DISK_CHECK: &str = include_str!("../../galaxy/disk_check.json");
const MERGED: &str = include_str!("../../galaxy/merged_logs.json");
const SUMMARISED: &str = include_str!("../../galaxy/summarised_logs.json");
const COMPRESSED: &str = include_str!("../../galaxy/compressed_logs.json");

fn edges(graph: &GraphSpec) -> Vec<String> {
    graph.dependencies.iter().map(|edge| format!("{}->{}", edge.from, edge.to)).collect()
}

fn prompt(graph: &GraphSpec, at: usize) -> String {
    match &graph.tasks[at].run {
        Payload::Prompt(prompt) => prompt.text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_saved_constellation_is_imported() {
    let imported = import(DISK_CHECK);
    assert_eq!(imported.run_id.as_str(), "c7");
    let graph = &imported.workflow.graph;
    assert_eq!((graph.name.as_str(), graph.tasks.len()), ("disk check", 2));
    assert_eq!(graph.metadata["galaxy"]["created_at"], "2026-01-05T08:00:00+00:00");
    let (probe, mail) = (&graph.tasks[0], &graph.tasks[1]);
    assert_eq!((probe.priority.value(), mail.priority.value()), (75, 50));
    assert_eq!((probe.run_timeout, mail.run_timeout), (Some(Millis(30_000)), Some(Millis(1_000_000))));
    assert_eq!((probe.retry_policy().max, mail.retry_policy().max), (1, 0));
    assert_eq!(probe.pin().map(|id| id.as_str()), Some("box1"));
    let device = mail.device.as_ref().expect("a device");
    assert_eq!((device.os.as_deref(), device.on.as_ref()), (Some("windows"), None));
    let details = mail.details.as_ref().expect("details");
    assert_eq!(details.metadata["galaxy"]["device_type"], "windows");
    assert_eq!(mail.inputs["to"], "team");
    assert_eq!(probe.details.as_ref().expect("details").tips, ["use df"]);
    assert_eq!(prompt(graph, 0), "Read the free space of /srv");
    let edge = &graph.dependencies[0];
    assert_eq!((&edge.kind, edge.note.as_deref()), (&DependencyKind::Success, Some("only with a reading")));
    assert_eq!(edge.id, None);
    assert_eq!(
        warned(&imported),
        [
            "retry_now_honoured /tasks/probe/retry_count probe",
            "edge_repaired /dependencies/probe->mail/dependency_type probe->mail",
        ]
    );
}

#[test]
fn files_of_galaxy_are_written_again_as_they_were() {
    for file in [DISK_CHECK, MERGED] {
        assert_eq!(json(&exported(&import(file))), json(file));
    }
    assert_eq!(json(&exported(&import_with(COMPRESSED, &options(true)))), json(COMPRESSED));
    // Keys keep their order, too.
    let written = exported(&import(MERGED));
    let at = |id: &str| written.find(&format!("\"{id}\": {{")).expect("a key");
    assert!((1..6).all(|n| at(&format!("t{n}")) < at(&format!("t{}", n + 1))));
}

/// A constellation with ids of its own for its dependencies, which a native file is in between.
const LINES: &str = r#"{"constellation_id": "my plan", "name": null, "tasks": {"a": {}, "b": {}, "c": {}},
  "dependencies": {
    "l1": {"line_id": "l1", "from_task_id": "a", "to_task_id": "b", "dependency_type": "conditional",
      "condition_description": "only if it rains", "metadata": {"weight": 2}},
    "my-line": {"line_id": "my-line", "from_task_id": "a", "to_task_id": "c", "dependency_type": "success_only",
      "condition_description": "", "metadata": {}},
    "a->b": {"line_id": "a->b", "from_task_id": "b", "to_task_id": "c", "dependency_type": "unconditional",
      "condition_description": null, "metadata": {}},
    "odd line": {"line_id": "odd line", "from_task_id": "b", "to_task_id": "c", "dependency_type": "completion_only",
      "condition_description": "", "metadata": {}}}}"#;

#[test]
fn constellations_keep_their_ids_through_native_files() {
    for file in [DISK_CHECK, MERGED, LINES] {
        let imported = import(file);
        let direct = json(&export(&imported.workflow));
        for native in [to_yaml(&imported.workflow), to_json(&imported.workflow)] {
            let native = native.expect("expressible");
            let again = json(&export(&crate::load(&native)));
            assert_eq!(again["constellation_id"], json(file)["constellation_id"], "{native}");
            assert_eq!(again["dependencies"], direct["dependencies"], "{native}");
            assert_eq!(again["metadata"], direct["metadata"], "{native}");
            assert_eq!(again["tasks"]["a"], direct["tasks"]["a"], "{native}");
        }
        assert_eq!(json(&exported(&imported))["constellation_id"], json(file)["constellation_id"]);
    }
    let native = to_yaml(&import(DISK_CHECK).workflow).expect("expressible");
    assert_eq!(json(&export(&crate::load(&native))), json(DISK_CHECK), "{native}");
    let native = to_yaml(&import(LINES).workflow).expect("expressible");
    let (again, file) = (json(&export(&crate::load(&native))), json(LINES));
    for (id, line) in file["dependencies"].as_object().expect("dependencies") {
        for (name, value) in line.as_object().expect("a dependency") {
            assert_eq!(&again["dependencies"][id][name], value, "{id} {name}\n{native}");
        }
    }
    // A run of the constellation has an id of its own.
    let options = GalaxyExport { run_id: Some("r-1".parse().expect("an id")), ..GalaxyExport::default() };
    let run = export_galaxy(&import(DISK_CHECK).workflow, &options).expect("expressible");
    assert_eq!(json(&run.json)["constellation_id"], "r-1");
    assert_eq!(import(&run.json).workflow, import(DISK_CHECK).workflow);
}

#[test]
fn a_plan_of_a_model_is_imported() {
    let imported = import(SUMMARISED);
    let graph = &imported.workflow.graph;
    assert_eq!(imported.run_id.as_str(), "constellation_481ec0a2_19700101_000000");
    assert_eq!((graph.name.as_str(), graph.tasks.len()), ("create example6", 7));
    assert_eq!(edges(graph), ["t1->t3", "t2->t4", "t3->t5", "t4->t5", "t5->t6", "t5->t7"]);
    assert_eq!(imported.warnings.len(), 6);
    assert!(imported.warnings.iter().all(|warning| warning.code == "edge_repaired"));
    assert_eq!(imported.warnings[0].pointer, "/dependencies/0/dependency_type");
    let written = json(&export(&imported.workflow));
    assert_eq!(written["tasks"]["t1"]["priority"], 3);
    assert_eq!(written["tasks"]["t5"]["dependencies"], json!(["t3", "t4"]));
    assert_eq!(written["metadata"], json!({}));
}

/// F1: list and map are the same, and so are the ways to write a priority.
#[test]
fn lists_and_maps_give_one_graph() {
    let task = |id: &str, priority: &str| format!("{{\"task_id\": \"{id}\", \"priority\": {priority}}}");
    let line =
        r#"{"line_id": "a->b", "from_task_id": "a", "to_task_id": "b", "dependency_type": "success_only"}"#;
    let (a, b, c) = (task("a", "3"), task("b", "\"HIGH\""), task("c", "\"high\""));
    let head = r#""constellation_id": "x", "tasks""#;
    let map = format!("{{\"a\": {a}, \"b\": {b}, \"c\": {c}}}");
    let graphs: Vec<GraphSpec> = [
        format!("{{{head}: [{a}, {b}, {c}], \"dependencies\": [{line}]}}"),
        format!("{{{head}: {map}, \"dependencies\": {{\"a->b\": {line}}}}}"),
        format!("{{{head}: {map}, \"dependencies\": [{line}]}}"),
        format!("{{{head}: [{a}, {b}, {c}], \"dependencies\": {{\"b\": [\"a\"]}}}}"),
    ]
    .iter()
    .map(|file| GraphSpec::clone(&import(file).workflow.graph))
    .collect();
    assert!(graphs.iter().all(|graph| *graph == graphs[0]), "{graphs:#?}");
    assert!(graphs[0].tasks.iter().all(|task| task.priority.value() == 75));

    let twice = refused(&format!("{{\"tasks\": [{a},\n {a}]}}"));
    assert_eq!((twice[0].code.as_str(), twice[0].pointer.as_deref()), ("duplicate_task", Some("/tasks/1")));
    assert!(twice[0].message.contains("`a`"), "{}", twice[0]);
}

/// F2: what Galaxy does not honour is repaired, and said.
#[test]
fn success_only_is_success() {
    let imported = import(
        r#"{"tasks": {"A": {}, "B": {}}, "dependencies": {"first": {"from_task_id": "A", "to_task_id": "B", "dependency_type": "success_only"}}}"#,
    );
    assert_eq!(imported.workflow.graph.dependencies[0].kind, DependencyKind::Success);
    assert_eq!(warned(&imported), ["edge_repaired /dependencies/first/dependency_type first"]);
}

/// F3: what is no constellation has a place and an expected type.
#[test]
fn what_is_no_object_is_refused() {
    for (file, place, words) in [
        ("nonsense", "1:1 syntax_error", "not JSON"),
        ("tasks: {}", "1:1 syntax_error", "not JSON"),
        ("{\"tasks\": {\n  a: 1}}", "2:3 syntax_error", "not JSON"),
        (" [1]", "1:2 invalid_value", "expected an object"),
        ("\"x\"", "1:1 invalid_value", "expected an object"),
        ("", "1:1 syntax_error", "empty"),
    ] {
        let problems = refused(file);
        let found = format!("{}:{} {}", problems[0].line, problems[0].column, problems[0].code);
        assert_eq!((problems.len(), found.as_str()), (1, place), "{file}");
        assert!(problems[0].message.contains(words), "{}", problems[0]);
    }
}

/// The examples of the prompts of UFO, as constellations in the map form.
fn constellations(data: &Value) -> Vec<Value> {
    let mut files: Vec<(String, Value)> = Vec::new();
    let name =
        |id: &str| id.split_once('.').map(|(name, task)| (name.to_owned(), task.to_owned())).expect("a name");
    for task in data["tasks"].as_array().expect("tasks") {
        let (file, id) = name(task["id"].as_str().expect("an id"));
        if files.last().is_none_or(|(last, _)| *last != file) {
            let empty = json!({"constellation_id": file, "name": file, "tasks": {}, "dependencies": {}});
            files.push((file, empty));
        }
        let (_, whole) = files.last_mut().expect("a file");
        whole["tasks"][&id] = json!({
            "task_id": id, "name": task["description"], "description": task["description"],
            "device_type": task["requirements"]["os"], "priority": 2,
            "task_data": {"capabilities": task["requirements"]["capabilities"]},
        });
    }
    for (at, edge) in data["edges"].as_array().expect("edges").iter().enumerate() {
        let (file, from) = name(edge["from"].as_str().expect("an id"));
        let (_, to) = name(edge["to"].as_str().expect("an id"));
        let (_, whole) = files.iter_mut().find(|(known, _)| *known == file).expect("a file");
        let line = format!("line {at}");
        whole["dependencies"][&line] = json!({
            "line_id": line, "from_task_id": from, "to_task_id": to, "dependency_type": "success_only",
        });
    }
    files.into_iter().map(|(_, whole)| whole).collect()
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/workflows/ufo_prompt_examples.json")
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that misses its data says so")]
fn examples_of_prompts_go_through() {
    let Ok(text) = std::fs::read_to_string(data()) else {
        eprintln!("skipped: no examples beside this folder");
        return;
    };
    let data = json(&text);
    let files = constellations(&data);
    let (mut tasks, mut dependencies) = (0, 0);
    for file in &files {
        let imported = import(&file.to_string());
        let graph = &imported.workflow.graph;
        tasks += graph.tasks.len();
        dependencies += graph.dependencies.len();
        let again = import(&exported(&imported));
        assert_eq!((&again.workflow, &again.run_id), (&imported.workflow, &imported.run_id));
        let written = json(&exported(&imported));
        let lines = written["dependencies"].as_object().expect("dependencies");
        assert!(lines.keys().all(|id| file["dependencies"].get(id).is_some()), "{lines:?}");
    }
    let count = |name: &str| data[name].as_array().expect("a list").len();
    assert_eq!((tasks, dependencies), (count("tasks"), count("edges")));
}

#[test]
fn ids_are_generated_alike_and_apart() {
    let file = r#"{"tasks": [{"name": "x"}, {"task_id": "b"}, {"task_id": null}], "dependencies": []}"#;
    let ids = |seed: u64| {
        let options =
            GalaxyOptions { seed, now: starline_types::UnixMillis(1_767_596_400_000), ..options(false) };
        let imported = import_with(file, &options);
        let tasks = imported.workflow.graph.tasks.iter().map(|task| task.id.to_string());
        (imported.run_id.to_string(), tasks.collect::<Vec<_>>())
    };
    assert_eq!(ids(7), ids(7));
    assert_ne!(ids(7), ids(8));
    let (run, tasks) = ids(7);
    assert!(run.starts_with("constellation_") && run.ends_with("_20260105_070000"), "{run}");
    assert!(tasks[0].starts_with("task_") && tasks[0].len() == 13 && tasks[0] != tasks[2], "{tasks:?}");
}

#[test]
fn texts_are_taken_literally() {
    let file = json!({"constellation_id": "x", "tasks": {"a": {
        "description": "write {{ tasks.b.result }} {% if %}", "task_data": {"x": ["{{ y }}"]},
    }}});
    let imported = import(&file.to_string());
    let graph = &imported.workflow.graph;
    assert!(!prompt(graph, 0).contains("{{ tasks"), "{}", prompt(graph, 0));
    let written = json(&export(&imported.workflow));
    assert_eq!(written["tasks"]["a"]["description"], file["tasks"]["a"]["description"]);
    assert_eq!(written["tasks"]["a"]["task_data"], file["tasks"]["a"]["task_data"]);
    assert_eq!(written["metadata"], json!({}));
}

#[test]
fn a_task_without_a_description_is_told_its_name() {
    let imported = import(
        r#"{"tasks": {"a": {"name": "Take a picture", "description": null}, "b": {"task_description": "see", "tips": "slowly"}, "c": {"description": "x", "task_description": "y"}}}"#,
    );
    let graph = &imported.workflow.graph;
    assert_eq!([0, 1, 2].map(|at| prompt(graph, at)), ["Take a picture", "see", "x"]);
    assert_eq!(graph.tasks[1].details.as_ref().expect("details").tips, ["slowly"]);
    assert_eq!(graph.tasks[1].name(), "b");
    assert_eq!(graph.name, imported.run_id.as_str());
}

#[test]
fn kinds_of_devices_become_requirements() {
    let imported = import(
        r#"{"tasks": {"a": {"device_type": "LINUX"}, "b": {"device_type": "web"}, "c": {"device_type": "Api", "target_device_id": "x"}, "d": {"device_type": null, "target_device_id": ""}}}"#,
    );
    let devices: Vec<_> = imported.workflow.graph.tasks.iter().map(|task| task.device.clone()).collect();
    assert_eq!(devices[0].as_ref().expect("a device").os.as_deref(), Some("linux"));
    assert_eq!(devices[1].as_ref().expect("a device").needs, ["web"]);
    let third = devices[2].as_ref().expect("a device");
    assert_eq!(
        (third.needs.as_slice(), third.on.as_ref().map(|id| id.as_str())),
        (&["api".to_owned()][..], Some("x"))
    );
    assert_eq!(devices[3], None);
}

#[test]
fn many_tasks_and_dependencies_go_through() {
    let tasks: Vec<String> = (0..6_000).map(|n| format!("{{\"task_id\": \"t {n}\"}}")).collect();
    let lines = (1..6_000).flat_map(|n| [(n - 1, n), (n / 2, n)]);
    let lines = lines.filter(|(from, to)| from != to).map(|(from, to)| {
        format!("{{\"from_task_id\": \"t {from}\", \"to_task_id\": \"t {to}\", \"dependency_type\": \"conditional\"}}")
    });
    let lines: Vec<String> = lines.collect();
    let file = format!(
        "{{\"constellation_id\": \"c\", \"tasks\": [{}], \"dependencies\": [{}]}}",
        tasks.join(",\n"),
        lines.join(",\n")
    );
    let imported = import(&file);
    assert_eq!(imported.workflow.graph.dependencies.len(), lines.len());
    let again = import(&exported(&imported));
    assert_eq!(again.workflow, imported.workflow);
}
