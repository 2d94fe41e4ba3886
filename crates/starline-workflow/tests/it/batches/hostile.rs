//! Batches that were made to do harm.

use proptest::prelude::*;
use starline_edit::{Surroundings, check_within};
use starline_workflow::{BatchOptions, read_answer, read_batch, write_batch};

/// Reads bytes in every way, and judges what comes of it.
fn read_all(bytes: &[u8]) {
    let mut told = Vec::new();
    let mut reads = Vec::new();
    match read_batch(bytes, &BatchOptions::default()) {
        Ok(read) => reads.push(read),
        Err(problems) => told.extend(problems.iter().map(ToString::to_string)),
    }
    match read_answer(&String::from_utf8_lossy(bytes), &BatchOptions::default()) {
        Ok(answer) => reads.extend(answer.edits),
        Err(problems) => told.extend(problems.iter().map(ToString::to_string)),
    }
    for read in reads {
        assert!(read.unread.faults.len() <= 1_001);
        assert_eq!(read.unread.positions.len(), read.batch.edits.len());
        for fault in &read.unread.faults {
            told.extend([fault.to_string(), fault.item.clone()]);
        }
        told.extend(read.warnings.iter().flat_map(|warning| [warning.message.clone(), warning.item.clone()]));
        let mut graph = super::graph("  a: { run: { prompt: x } }\n  b: { after: [a], run: { noop: } }\n");
        let read = read.resolve(&graph);
        let around = Surroundings { unread: Some(&read.unread), ..Surroundings::default() };
        let has_faults = !read.unread.faults.is_empty();
        let verdict = check_within(&mut graph, &read.batch, &around).map(|_| ());
        assert!(!has_faults || verdict.is_err());
        let _ = write_batch(&read.batch);
    }
    for text in told {
        assert!(text.chars().all(|c| !c.is_control()), "{text:?}");
        assert!(text.len() < 20_000, "{} bytes", text.len());
    }
}

#[test]
fn too_many_edits_are_refused_at_once() {
    let edits = vec![r#"{"op": "update_task", "id": "a", "set": {"colour": "red"}}"#; 10_000].join(",");
    let text = format!("{{\"edits\": [{edits}]}}");
    let read = read_batch(text.as_bytes(), &BatchOptions::default()).expect("a batch");
    let faults: Vec<String> = read.unread.faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults, ["edit 0: limit_exceeded: 10000 edits in one batch (at most 1000)"]);
    assert!(read.batch.edits.is_empty());
    read_all(text.as_bytes());
    let list = format!("[{edits}]");
    read_all(list.as_bytes());
}

#[test]
fn deep_large_and_endless_texts_are_refused() {
    for deep in ["[", "{\"a\":", "{\"edits\":[", "{\"edits\":[{\"op\":\"build\",\"graph\":", "{a: "] {
        let text = deep.repeat(100_000);
        let problems = read_batch(text.as_bytes(), &BatchOptions::default()).expect_err("deep");
        assert_eq!(problems[0].code, "limit_exceeded", "{}", problems[0]);
        assert!(problems[0].message.starts_with("the batch is nested"), "{}", problems[0]);
        read_all(text.as_bytes());
    }
    let large = vec![b' '; (4 << 20) + 1];
    let problems = read_batch(&large, &BatchOptions::default()).expect_err("large");
    assert_eq!(
        problems[0].to_string(),
        "line 1, column 1: limit_exceeded: the batch has 4194305 bytes (at most 4194304)"
    );
    let bomb = format!(
        "edits: &a [x, x, x, x]\n{}",
        (0..30).map(|n| format!("k{n}: &k{n} [*a, *a]\n")).collect::<String>()
    );
    read_all(bomb.as_bytes());
}

#[test]
fn floods_of_faults_are_cut() {
    let fields: String = (0..20_000).map(|n| format!("\"colour_of_the_page_{n}\": 1,")).collect();
    let text = format!(
        "{{\"edits\": [{{\"op\": \"update_task\", \"id\": \"a\", \"set\": {{{fields} \"x\": 2}}}}]}}"
    );
    let read = read_batch(text.as_bytes(), &BatchOptions::default()).expect("a batch");
    assert!(read.unread.faults.len() <= 1_001, "{}", read.unread.faults.len());
    let last = read.unread.faults.last().map(ToString::to_string).expect("a fault");
    assert!(last.contains("more"), "{last}");
    let tasks: String = (0..20_000).map(|n| format!("\"t{n}\": {{\"rum\": 1}},")).collect();
    read_all(format!("{{\"graph\": {{\"tasks\": {{{tasks} \"t\": {{}}}}}}}}").as_bytes());
    let edits =
        vec![r#"{"op": "build", "graph": {"tasks": {"x": {"a": 1, "b": 2, "c": 3}}}}"#; 1_000].join(",");
    read_all(format!("{{\"edits\": [{edits}]}}").as_bytes());
}

#[test]
fn control_characters_stay_out_of_messages() {
    let text = "{\"edits\": [{\"op\": \"cle\\u001b[31mar\"}, {\"op\": \"remove_task\", \"id\": \"a\\u0007\"},
      {\"op\": \"update_task\", \"id\": \"\\u001b]0;x\", \"set\": {\"na\\u001b[0mme\": 1}}, {\"op\": \"clear\", \"\\u202e\": 1},
      {\"op\": \"build\", \"graph\": {\"tasks\": {\"a\\u0000\": {\"status\": 1, \"x\\u0001\": 2}}}}], \"hold\": \"\\u001b\"}";
    let read = super::read(text);
    assert!(read.unread.faults.len() >= 7, "{:?}", read.unread.faults);
    read_all(text.as_bytes());
}

/// A batch with much of what a batch can have.
const VALID: &str = r#"{"base": 0, "hold": "h-1", "keep_open": true, "request": "r", "reason": "x", "edits": [
 {"op": "add_task", "task": {"id": "n", "run": {"exec": ["ls", "{{ tasks.a.result }}"], "env": {"A": "b"}}, "inputs": {"f": {"file": "x"}}}, "after": {"a": {"when": "result > 1", "note": "y"}}},
 {"op": "update_task", "id": "b", "set": {"priority": "HIGH", "retry": {"max": 2, "factor": 1.5}, "device": null, "tips": ["t"]}},
 {"op": "add_dependency", "from": "a", "to": "n", "kind": "when(true)", "id": "d", "note": "z"},
 {"op": "update_dependency", "id": "a->b", "kind": {"when": "status == 'x'"}},
 {"op": "remove_dependency", "from": "a", "to": "b"}, {"op": "clear"},
 {"op": "build", "clear_existing": false, "graph": {"name": "g", "metadata": {"x": [1]}, "tasks": [{"id": "q", "run": {"noop": {}}, "after": []}], "dependencies": [{"from": "q", "to": "q"}]}},
 {"op": "merge", "prefix": "p_", "graph": {"constellation_id": "c", "tasks": {"o": {"task_id": "o", "description": "d"}}, "dependencies": {}}}]}"#;

/// An answer with much of what an answer can have.
const ANSWER: &str = r#"Well: ```json
{"thought": "x", "status": "CONTINUE", "action": [{"function": "add_task", "arguments": {"task_id": "n", "name": "N", "description": "d", "tips": ["t"], "priority": 3}},
 {"function": "build_constellation", "arguments": {"config": "{\"tasks\": {\"m\": {\"run\": {\"noop\": {}}}}}", "clear_existing": false}},
 {"function": "update_dependency", "arguments": {"dependency_id": "a->b", "condition_description": "x"}}], "constellation": null}
``` {so}"#;

#[test]
fn batches_that_were_cut_off_are_read_or_refused() {
    for text in [VALID, ANSWER] {
        (0..text.len()).for_each(|end| read_all(&text.as_bytes()[..end]));
    }
}

fn mutated(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec((0..text.len(), 0..4_usize, any::<u8>(), 0..text.len()), 1..6).prop_map(
        |changes| {
            let mut bytes = text.as_bytes().to_vec();
            for (at, kind, byte, other) in changes {
                let at = at.min(bytes.len().saturating_sub(1));
                match kind {
                    0 => bytes.insert(at, byte),
                    1 => {
                        bytes.remove(at);
                    }
                    2 => bytes[at] = byte,
                    // A piece from elsewhere.
                    _ => {
                        let piece = text.as_bytes()[other..(other + 30).min(text.len())].to_vec();
                        bytes.splice(at..at, piece);
                    }
                }
            }
            bytes
        },
    )
}

/// JSON with pieces of one value in the place of others.
fn grafted(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5).prop_map(
        |grafts| {
            let start = text.find('{').unwrap_or(0);
            let mut values =
                serde_json::Deserializer::from_str(&text[start..]).into_iter::<serde_json::Value>();
            let mut root = values.next().and_then(Result::ok).unwrap_or_default();
            for (from, to) in grafts {
                let mut paths = Vec::new();
                paths_of(&root, String::new(), &mut paths);
                let piece = root.pointer(&paths[from.index(paths.len())]).cloned().unwrap_or_default();
                if let Some(place) = root.pointer_mut(&paths[to.index(paths.len())]) {
                    *place = piece;
                }
            }
            root.to_string().into_bytes()
        },
    )
}

fn paths_of(value: &serde_json::Value, path: String, paths: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| paths_of(item, format!("{path}/{at}"), paths));
        }
        serde_json::Value::Object(members) => {
            members.iter().for_each(|(key, member)| paths_of(member, format!("{path}/{key}"), paths));
        }
        _ => {}
    }
    paths.push(path);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn any_mutation_is_read_or_refused(bytes in prop_oneof![mutated(VALID), mutated(ANSWER)]) {
        read_all(&bytes);
    }

    #[test]
    fn any_graft_is_read_or_refused(bytes in prop_oneof![grafted(VALID), grafted(ANSWER)]) {
        read_all(&bytes);
    }
}
