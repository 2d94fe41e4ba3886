//! Every code of a problem and a warning, at its place; and hostile files.

use proptest::prelude::*;
use starline_types::DependencyKind;
use starline_workflow::{GalaxyOptions, import_galaxy, render};

use super::{import, options, refused, warned};
use crate::listed;

/// A file with the members of two tasks and of a dependency between them.
fn pair(task: &str, line: &str) -> String {
    format!(
        "{{\"constellation_id\": \"c\", \"tasks\": {{\"a\": {{{task}}}, \"b\": {{}}}},\n \"dependencies\": [{{\"from_task_id\": \"a\", \"to_task_id\": \"b\"{line}}}]}}"
    )
}

/// Files with problems: `code pointer` of each, and words of the first or its hint.
#[test]
fn problems_have_pointers() {
    let lines =
        |lines: &str| format!("{{\"tasks\": {{\"a\": {{}}, \"b\": {{}}}}, \"dependencies\": {lines}}}");
    for (file, expected, words) in [
        ("{\"tasks\": {\"a\": {]}}".to_owned(), "syntax_error /tasks/a", "a key in double quotes"),
        ("[]".to_owned(), "invalid_value ", "an object"),
        ("{}".to_owned(), "missing_field ", "tasks"),
        ("{\"tasks\": null}".to_owned(), "invalid_value /tasks", "a list or an object"),
        ("{\"tasks\": [1]}".to_owned(), "invalid_value /tasks/0", "expected a mapping"),
        ("{\"tasks\": {\"a\": {}, \"a\": {}}}".to_owned(), "duplicate_key /tasks/a", "`a`"),
        (
            "{\"tasks\": {\"a\": {}, \"x\": {\"task_id\": \"a\"}}}".to_owned(),
            "duplicate_task /tasks/x",
            "the first is in line 1",
        ),
        ("{\"tasks\": [{\"task_id\": 5}]}".to_owned(), "invalid_value /tasks/0/task_id", "a text"),
        (pair("\"name\": []", ""), "invalid_value /tasks/a/name", "a text"),
        (pair("\"description\": 5", ""), "invalid_value /tasks/a/description", "a text"),
        (pair("\"tips\": [\"x\", 1]", ""), "invalid_value /tasks/a/tips/1", "a text"),
        (pair("\"tips\": {}", ""), "invalid_value /tasks/a/tips", "a list of texts"),
        (pair("\"target_device_id\": \"a b\"", ""), "invalid_id /tasks/a/target_device_id", "a b"),
        (pair("\"device_type\": \"toaster\"", ""), "unknown_enum /tasks/a/device_type", "windows"),
        (pair("\"timeout\": 0", ""), "invalid_value /tasks/a/timeout", "above 0"),
        (pair("\"timeout\": -1.5", ""), "invalid_value /tasks/a/timeout", "above 0"),
        (pair("\"timeout\": \"9\"", ""), "invalid_value /tasks/a/timeout", "seconds"),
        (pair("\"timeout\": 1e9", ""), "invalid_value /tasks/a/timeout", "604800"),
        (pair("\"retry_count\": -1", ""), "invalid_value /tasks/a/retry_count", "0 to 100"),
        (pair("\"retry_count\": 101", ""), "invalid_value /tasks/a/retry_count", "0 to 100"),
        (pair("\"retry_count\": 0.5", ""), "invalid_value /tasks/a/retry_count", "0 to 100"),
        (pair("\"task_data\": []", ""), "invalid_value /tasks/a/task_data", "an object"),
        (pair("\"status\": \"done\"", ""), "unknown_enum /tasks/a/status", "completed"),
        (pair("\"status\": 1", ""), "invalid_value /tasks/a/status", "a text"),
        (pair("\"dependents\": 1", ""), "invalid_value /tasks/a/dependents", "a list of ids"),
        ("{\"tasks\": {}, \"state\": \"paused\"}".to_owned(), "unknown_enum /state", "executing"),
        ("{\"tasks\": {}, \"metadata\": 1}".to_owned(), "invalid_value /metadata", "an object"),
        (
            pair("", ", \"dependency_type\": \"sucess_only\""),
            "unknown_enum /dependencies/0/dependency_type",
            "did you mean `success_only`?",
        ),
        (lines("1"), "invalid_value /dependencies", "a list or an object"),
        (lines("[1]"), "invalid_value /dependencies/0", "a mapping"),
        (lines("[{\"from_task_id\": \"a\"}]"), "missing_field /dependencies/0", "to_task_id"),
        (
            lines("[{\"from_task_id\": \"a\", \"to_task_id\": \"x\"}]"),
            "unknown_task /dependencies/0/to_task_id",
            "valid are a, b",
        ),
        (lines("{\"b\": [\"a\", \"y\"]}"), "unknown_task /dependencies/b/1", "`y`"),
        (lines("{\"x\": [\"a\"]}"), "unknown_task /dependencies/x", "`x`"),
        (lines("{\"b\": [\"a\", \"a\"]}"), "duplicate_dependency /dependencies/b/1", "twice"),
        (lines("{\"b\": [[]]}"), "invalid_value /dependencies/b/0", "a text"),
        (
            lines(
                "[{\"line_id\": \"l\", \"from_task_id\": \"a\", \"to_task_id\": \"b\"}, {\"line_id\": \"l\", \"from_task_id\": \"a\", \"to_task_id\": \"b\"}]",
            ),
            "duplicate_dependency /dependencies/1",
            "there twice",
        ),
        (lines("{\"b\": [\"a\"], \"a\": [\"b\"]}"), "would_cycle /dependencies/a/0", "a -> b -> a"),
        (lines("{\"a\": [\"a\"]}"), "self_dependency /dependencies/a/0", "itself"),
        (
            format!(
                "{{\"tasks\": {{\"a\": {{\"task_data\": {{\"x\": {}}}}}}}}}",
                "[".repeat(80) + &"]".repeat(80)
            ),
            "limit_exceeded ",
            "64",
        ),
        (
            format!("{{\"tasks\": [{{\"task_id\": \"a\", \"description\": \"{}\"}}]}}", "x".repeat(200_000)),
            "limit_exceeded /tasks/0",
            "bytes of text",
        ),
    ] {
        let problems = refused(&file);
        let shown: Vec<String> = problems
            .iter()
            .map(|problem| format!("{} {}", problem.code, problem.pointer.as_deref().unwrap_or("none")))
            .collect();
        if expected.starts_with("limit_exceeded ") {
            assert!(shown[0].starts_with(expected), "{shown:?}");
        } else {
            assert_eq!(shown.join(", "), expected, "{file}\n{}", listed(&problems));
        }
        assert!(problems[0].to_string().contains(words), "{}", problems[0]);
        assert!(render(&problems[0], "plan.json").contains(&problems[0].code));
    }
    let cycle = refused(&lines("{\"b\": [\"a\"], \"a\": [\"b\"]}"));
    assert_eq!(cycle[0].path.len(), 2);
}

#[test]
fn limits_of_graphs_hold() {
    let mut few = options(false);
    few.limits.tasks = 1;
    let problems = import_galaxy(pair("", "").as_bytes(), &few).expect_err("too many tasks");
    assert_eq!(
        (problems[0].code.as_str(), problems[0].hint.as_deref()),
        ("limit_exceeded", Some("at most 1"))
    );
    let deep = "[".repeat(1_000_000);
    assert_eq!(refused(&deep)[0].code, "limit_exceeded");
    let open = "{\"a\":".repeat(1_000_000);
    assert_eq!(refused(&open)[0].code, "limit_exceeded");
    let large = vec![b' '; (16 << 20) + 1];
    let problems = import_galaxy(&large, &options(false)).expect_err("too large");
    assert_eq!(problems[0].code, "limit_exceeded");
    let problems = import_galaxy(b"{\"a\": \"\xff\"}", &options(false)).expect_err("no text");
    assert_eq!((problems[0].code.as_str(), problems[0].column), ("syntax_error", 8));
}

#[test]
fn moments_count_in_inspect_mode_alone() {
    let file = pair("\"execution_start_time\": \"soon\"", "");
    assert_eq!(warned(&import(&file))[0], "state_ignored /tasks/a/execution_start_time a");
    let problems = import_galaxy(file.as_bytes(), &options(true)).expect_err("no moment");
    assert_eq!(problems[0].pointer.as_deref(), Some("/tasks/a/execution_start_time"));
    assert_eq!(problems[0].code, "invalid_value");
}

/// Files with warnings: `code pointer item` of each.
#[test]
fn warnings_come_in_the_order_of_the_file() {
    let typed = |kind: &str| format!(", \"dependency_type\": \"{kind}\"");
    for (file, expected) in [
        (pair("", ""), &["runs_after_failure /dependencies/0 a->b"][..]),
        (pair("", &typed("Unconditional")), &["runs_after_failure /dependencies/0/dependency_type a->b"]),
        (pair("", &typed("COMPLETION_ONLY")), &[]),
        (pair("", &typed("SUCCESS_only")), &["edge_repaired /dependencies/0/dependency_type a->b"]),
        (pair("", &typed("conditional")), &["condition_not_executable /dependencies/0/dependency_type a->b"]),
        (
            "{\"constellation_id\": \"c d\", \"tasks\": {\"a b\": {}, \"a/b\": {}, \"a_b\": {}}, \"dependencies\": {\"l 1\": {\"from_task_id\": \"a b\", \"to_task_id\": \"a/b\", \"dependency_type\": \"completion_only\"}}}".to_owned(),
            &[
                "id_rewritten /constellation_id c d",
                "id_rewritten /tasks/a b a b",
                "id_rewritten /tasks/a~1b a/b",
                "id_rewritten /dependencies/l 1 l 1",
            ],
        ),
        (
            "{\"tasks\": {\"x\": {\"task_id\": \"a\"}, \"b\": {}}, \"dependencies\": {\"k\": {\"line_id\": \"l\", \"from_task_id\": \"a\", \"to_task_id\": \"b\", \"dependency_type\": \"completion_only\"}}}".to_owned(),
            &["key_mismatch /tasks/x a", "key_mismatch /dependencies/k l"],
        ),
        (
            "{\"tasks\": {\"a\": {\"dependents\": [\"b\"], \"dependencies\": [\"b\"]}, \"b\": {\"dependencies\": []}}, \"dependencies\": {\"b\": [\"a\"]}}".to_owned(),
            &[
                "derived_mismatch /tasks/a/dependencies a",
                "derived_mismatch /tasks/b/dependencies b",
                "wire_form /dependencies dependencies",
            ],
        ),
        (
            pair("\"priority\": 7, \"colour\": 1, \"retry_count\": 2", ", \"weight\": 1, \"dependency_type\": \"completion_only\""),
            &[
                "priority_unknown /tasks/a/priority a",
                "field_ignored /tasks/a/colour colour",
                "retry_now_honoured /tasks/a/retry_count a",
                "field_ignored /dependencies/0/weight weight",
            ],
        ),
        (pair("\"priority\": \"urgent\"", &typed("completion_only")), &["priority_unknown /tasks/a/priority a"]),
        (
            "{\"llm_note\": 1, \"state\": \"completed\", \"tasks\": {\"a\": {\"status\": \"completed\", \"result\": 1}}}".to_owned(),
            &["field_ignored /llm_note llm_note", "state_ignored /state @"],
        ),
        ("{\"tasks\": {\"a\": {\"status\": \"waiting_dependency\"}}}".to_owned(), &[]),
        (
            "{\"tasks\": {\"a\": {\"retry_count\": 1}, \"b\": {\"retry_count\": 1, \"current_retry\": 1}}}".to_owned(),
            &["retry_now_honoured /tasks/a/retry_count a", "state_ignored /tasks/b/current_retry b"],
        ),
        (
            "{\"tasks\": {}, \"metadata\": {\"starline\": {\"format\": 2}}}".to_owned(),
            &["starline_ignored /metadata/starline starline"],
        ),
        (
            "{\"tasks\": {\"a\": {}}, \"metadata\": {\"starline\": {\"format\": 1, \"strategy\": 5, \"inputs\": [{}], \"settings\": {\"deadline\": \"x\"}, \"graph\": 1, \"tasks\": {\"a\": {\"set\": {\"/run\": \"x\"}}, \"b\": {}}, \"dependencies\": []}}}".to_owned(),
            &[
                "starline_ignored /metadata/starline/strategy strategy",
                "starline_ignored /metadata/starline/inputs inputs",
                "starline_ignored /metadata/starline/settings settings",
                "starline_ignored /metadata/starline/graph graph",
                "starline_ignored /metadata/starline/tasks/a a",
                "starline_ignored /metadata/starline/tasks/b b",
                "starline_ignored /metadata/starline/dependencies dependencies",
            ],
        ),
    ] {
        let imported = import(&file);
        let expected: Vec<String> =
            expected.iter().map(|line| line.replace('@', imported.run_id.as_str())).collect();
        assert_eq!(warned(&imported), expected, "{file}");
        let strict = GalaxyOptions { strict: true, ..options(false) };
        match import_galaxy(file.as_bytes(), &strict) {
            Ok(_) => assert!(expected.is_empty(), "{file}"),
            Err(problems) => {
                let shown = problems.iter().map(|one| format!("{} {}", one.code, one.pointer.as_deref().unwrap_or("none")));
                let expected = expected.iter().map(|line| line.rsplitn(2, ' ').last().unwrap_or_default().to_owned());
                let (shown, expected): (Vec<String>, Vec<String>) = (shown.collect(), expected.collect());
                assert_eq!(shown.len(), expected.len(), "{}", listed(&problems));
                assert!(shown.iter().zip(&expected).all(|(one, other)| other.starts_with(one.as_str())), "{shown:?}");
            }
        }
    }
}

#[test]
fn edges_are_warned_of_one_by_one() {
    let line = |kind: &str| {
        format!("{{\"from_task_id\": \"a\", \"to_task_id\": \"b\", \"dependency_type\": \"{kind}\"}}")
    };
    let kinds =
        ["success_only", "unconditional", "success_only", "unconditional", "conditional", "conditional"];
    let lines: Vec<String> = kinds.iter().map(|kind| line(kind)).collect();
    let file =
        format!("{{\"tasks\": {{\"a\": {{}}, \"b\": {{}}}}, \"dependencies\": [{}]}}", lines.join(","));
    let imported = import(&file);
    let codes: Vec<&str> = imported.warnings.iter().map(|warning| warning.code.as_str()).collect();
    let expected = [
        "edge_repaired",
        "runs_after_failure",
        "edge_repaired",
        "condition_not_executable",
        "condition_not_executable",
    ];
    assert_eq!(codes, expected);
    assert_eq!(imported.warnings[2].item, "a->b#3");
    let completion = imported.workflow.graph.dependencies.iter();
    assert_eq!(completion.filter(|edge| edge.kind == DependencyKind::Completion).count(), 2);
}

#[test]
fn a_section_that_does_not_agree_is_ignored_there() {
    let file = |line: &str, priority: u8| {
        format!(
            "{{\"constellation_id\": \"c\", \"tasks\": {{\"a\": {{\"priority\": {priority}}}, \"b\": {{}}}}, \"dependencies\": {{{line}}},\n \"metadata\": {{\"starline\": {{\"format\": 1, \"revision\": 4, \"tasks\": {{\"a\": {{\"set\": {{\"/priority\": 60, \"/run\": {{\"sh\": {{\"script\": \"ls\"}}}}}}}}}}, \"dependencies\": {{\"l\": {{\"from\": \"a\", \"to\": \"b\", \"set\": {{\"/kind\": \"failure\"}}}}}}}}}}}}"
        )
    };
    let line = |from: &str, to: &str, kind: &str| {
        format!(
            "\"l\": {{\"from_task_id\": \"{from}\", \"to_task_id\": \"{to}\", \"dependency_type\": \"{kind}\"}}"
        )
    };
    let imported = import(&file(&line("a", "b", "conditional"), 2));
    assert_eq!(warned(&imported), Vec::<String>::new());
    let graph = &imported.workflow.graph;
    assert_eq!(
        (imported.revision.0, graph.tasks[0].priority.value(), graph.tasks[0].run.kind()),
        (4, 60, "sh")
    );
    assert_eq!(graph.dependencies[0].kind, DependencyKind::Failure);
    // Another priority, other ends, another kind: what the file says counts.
    let imported = import(&file(&line("a", "b", "completion_only"), 4));
    let graph = &imported.workflow.graph;
    assert_eq!((graph.tasks[0].priority.value(), graph.tasks[0].run.kind()), (100, "sh"));
    assert_eq!(graph.dependencies[0].kind, DependencyKind::Completion);
    assert_eq!(
        warned(&imported),
        [
            "starline_ignored /metadata/starline/tasks/a a",
            "starline_ignored /metadata/starline/dependencies/l l",
        ]
    );
    let imported = import(&file(&line("b", "a", "completion_only"), 2));
    assert_eq!(warned(&imported), ["starline_ignored /metadata/starline/dependencies/l l"]);
}

#[test]
fn settings_that_are_no_business_of_a_file_are_left_alone() {
    let imported = import(
        "{\"tasks\": {}, \"metadata\": {\"starline\": {\"format\": 1, \"settings\": {\"max_parallel\": 3, \"approved_in_advance\": true, \"seed\": 9}}}}",
    );
    let settings = &imported.workflow.settings;
    assert_eq!((settings.max_parallel, settings.approved_in_advance, settings.seed), (Some(3), false, 0));
}

#[test]
fn pointers_and_warnings_of_hostile_files_stay_small() {
    let key = "k".repeat(500_000);
    let fields: String = (0..150_000).map(|n| format!("\"f{n}\": 1, ")).collect();
    let file =
        format!("{{\"constellation_id\": \"c\", \"tasks\": {{\"{key}\": {{{fields}\"task_id\": \"a\"}}}}}}");
    let imported = import(&file);
    assert_eq!(imported.warnings.len(), 100_001);
    assert!(
        imported.warnings.iter().all(|warning| warning.pointer.len() <= 1_100 && warning.item.len() <= 256)
    );
}

const VALID: &str = include_str!("../../galaxy/compressed_logs.json");

fn read_all(bytes: &[u8]) {
    for inspect in [false, true] {
        match import_galaxy(bytes, &options(inspect)) {
            Ok(imported) => drop(super::exported(&imported)),
            Err(problems) => {
                assert!(!problems.is_empty());
                for problem in &problems {
                    assert!(problem.pointer.is_some(), "{problem}");
                    assert!(!render(problem, "plan.json").is_empty());
                }
            }
        }
    }
}

#[test]
fn files_that_were_cut_off_are_refused() {
    for end in (0..VALID.trim_end().len()).step_by(7) {
        let problems = import_galaxy(&VALID.as_bytes()[..end], &options(true)).expect_err("cut off");
        assert_eq!(problems[0].code, "syntax_error");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn any_punctuation_is_read_or_refused(text in r#"[-\[\]{}:,"a1.eE+\\u \n]{0,40}"#) {
        read_all(text.as_bytes());
        read_all(format!("{{\"tasks\": {{\"a\": {{\"task_data\": {text}}}}}}}").as_bytes());
    }

    #[test]
    fn any_mutation_is_read_or_refused(
        changes in proptest::collection::vec((0..VALID.len(), 0..4_usize, any::<u8>(), 0..VALID.len()), 1..6),
    ) {
        let mut bytes = VALID.as_bytes().to_vec();
        for (at, kind, byte, other) in changes {
            let at = at.min(bytes.len().saturating_sub(1));
            match kind {
                0 => bytes.insert(at, byte),
                1 => { bytes.remove(at); }
                2 => bytes[at] = byte,
                // A piece from elsewhere.
                _ => {
                    let piece: Vec<u8> = VALID.as_bytes()[other..(other + 30).min(VALID.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        read_all(&bytes);
    }

    /// Values in place of others keep a file JSON, so that what is behind the syntax is tried.
    #[test]
    fn any_exchange_of_values_is_read_or_refused(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5),
    ) {
        let mut whole = super::json(VALID);
        whole["metadata"] = serde_json::json!({"starline": {
            "format": 1, "graph": {"set": {"/name": "x"}}, "tasks": {"t1": {"set": {"/priority": 60}, "unset": ["/details"]}},
            "dependencies": {"l1": {"from": "t1", "to": "t2", "set": {"/kind": {"when": "true"}}}},
            "outcome": {"set": {"/reason": "x"}}, "results": {"t1": {"set": {"/attempts": 3}}}, "inputs": [{"name": "n"}],
        }});
        let mut places = Vec::new();
        pointers("", &whole, &mut places);
        for (one, other) in changes {
            let value = whole.pointer(&places[other.index(places.len())]).cloned().unwrap_or_default();
            if let Some(slot) = whole.pointer_mut(&places[one.index(places.len())]) {
                *slot = value;
            }
        }
        read_all(whole.to_string().as_bytes());
    }
}

fn pointers(at: &str, value: &starline_workflow::Value, found: &mut Vec<String>) {
    found.push(at.to_owned());
    if let Some(members) = value.as_object() {
        members.iter().for_each(|(name, member)| pointers(&format!("{at}/{name}"), member, found));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        pointers(&format!("{at}/{index}"), item, found);
    }
}
