//! Broken files, and what is said about each.

use crate::problems;

/// Files with one problem each: its place and code, and words of the message or hint.
pub(crate) const TABLE: &[(&str, &str, &str)] = &[
    // Not a file at all.
    ("", "1:1 syntax_error", "empty"),
    ("# only a comment\n", "1:1 syntax_error", "empty"),
    ("---\n", "1:4 invalid_value", "expected a mapping"),
    ("just text\n", "1:1 invalid_value", "the text `just text`, expected a mapping"),
    ("- 1\n- 2\n", "1:1 invalid_value", "a list, expected a mapping"),
    ("version: 1\ntasks: {}\n---\nversion: 1\n", "3:1 syntax_error", "second document"),
    ("version: 1\ntasks:\n  a: { run: { sh: \"x\n", "3:19 syntax_error", "cut off"),
    ("version: 1\ntasks:\n  a: { run: { sh: x }\n", "3:6 syntax_error", "cut off"),
    ("{\"version\": 1, \"tasks\": {\"a\": ", "1:25 syntax_error", "cut off"),
    ("version: 1\ntasks:\n\ta: 1\n", "3:2 syntax_error", "spaces"),
    ("version: 1\nname: a: b\ntasks: {}\n", "2:8 syntax_error", "quotes"),
    ("version: 1\ntasks: *gone\n", "2:8 syntax_error", "anchor"),
    ("version: 1\nmetadata: &m [*m]\ntasks: {}\n", "2:15 syntax_error", "inside its own value"),
    ("version: 1\ntasks:\n  a: { run: { prompt: {{ inputs.x }} } }\n", "3:24 syntax_error", "quotes"),
    ("version: 1\nname: \"a\0b\"\ntasks: {}\n", "2:9 syntax_error", "not YAML"),
    // Keys and tags.
    ("version: 1\nname: a\nname: b\ntasks: {}\n", "3:1 duplicate_key", "line 2"),
    ("{\"version\": 1, \"tasks\": {},\n \"tasks\": {}}", "2:2 duplicate_key", "line 1"),
    (
        "version: 1\ntasks:\n  a: { run: { noop: } }\n  b: { run: { noop: } }\n  a: { run: { noop: } }\n",
        "5:3 duplicate_key",
        "`a`",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, metadata: { x: 1, \"x\": 2 } }\n",
        "3:42 duplicate_key",
        "`x`",
    ),
    (
        "version: 1\nbase: &b { x: 1 }\ntasks: {}\nmetadata: { <<: *b }\n",
        "2:1 unknown_field\n4:13 unsupported_field",
        "merge",
    ),
    ("version: 1\nname: !python/object x\ntasks: {}\n", "2:7 invalid_value", "tag"),
    // The top.
    ("tasks: {}\n", "1:1 missing_field", "version: 1"),
    ("version: 2\nanything: goes\n", "1:10 unsupported_version", "reads 1"),
    ("version: \"1\"\ntasks: {}\n", "1:10 unsupported_version", "reads 1"),
    ("version: 1\nname: x\n", "1:1 missing_field", "tasks:"),
    ("version: 1\ntask: {}\ntasks: {}\n", "2:1 unknown_field", "did you mean `tasks`?"),
    ("version: 1\ntasks: [a]\n", "2:8 invalid_value", "a mapping from ids to tasks"),
    ("version: 1\ntasks: {}\nname: [x]\n", "3:7 invalid_value", "a list, expected a text"),
    ("version: 1\ntasks: {}\nname:\n", "3:5 invalid_value", "give it a value"),
    ("version: 1\ntasks: {}\nname: null\n", "3:7 invalid_value", "in quotes"),
    ("version: 1\ntasks: {}\npolicy: { alow: [] }\n", "3:11 unknown_field", "did you mean `allow`?"),
    ("version: 1\ntasks: {}\nsecrets: A\n", "3:10 invalid_value", "`secrets: [NAME]`"),
    ("version: 1\ntasks: {}\neditor: { attempts: 21 }\n", "3:21 invalid_value", "from 1 to 20"),
    ("version: 1\ntasks: {}\nmetadata: { x: .nan }\n", "3:16 invalid_value", "kept exactly"),
    (
        "version: 1\ntasks: {}\nmetadata: { x: [1, 99999999999999999999] }\n",
        "3:20 invalid_value",
        "kept exactly",
    ),
    // Settings.
    ("version: 1\ntasks: {}\nrun: { max_parallel: 0 }\n", "3:22 invalid_value", "whole number from 1"),
    (
        "version: 1\ntasks: {}\nrun: { on_failure: rolback }\n",
        "3:20 invalid_value",
        "did you mean `rollback`?",
    ),
    (
        "version: 1\ntasks: {}\nrun: { on_failure: failfast }\n",
        "3:20 invalid_value",
        "did you mean `fail_fast`?",
    ),
    ("version: 1\ntasks: {}\nrun: { deadline: 5 }\n", "3:18 invalid_value", "2.5s"),
    ("version: 1\ntasks: {}\nrun: { deadline: 0s }\n", "3:18 invalid_value", "more than no time"),
    ("version: 1\ntasks: {}\ndefaults: { retry: { jiter: full } }\n", "3:22 unknown_field", "`jitter`"),
    (
        "version: 1\ntasks: {}\ninputs: { n: { type: integer, default: many } }\n",
        "3:40 invalid_value",
        "integer",
    ),
    (
        "version: 1\ntasks: {}\ninputs: { n: { type: float } }\n",
        "3:22 invalid_value\n3:11 missing_field",
        "boolean",
    ),
    ("version: 1\ntasks: {}\ninputs: [n]\n", "3:9 invalid_value", "from names to inputs"),
    // Tasks.
    ("version: 1\ntasks:\n  a:\n", "3:4 invalid_value", "task a is empty"),
    ("version: 1\ntasks:\n  a: {}\n", "3:3 missing_field", "has no `run`"),
    ("version: 1\ntasks:\n  a/b: { run: { noop: } }\n", "3:3 invalid_id", "'/'"),
    ("version: 1\ntasks:\n  ../x: { run: { noop: } }\n", "3:3 invalid_id", "A-Z"),
    ("version: 1\ntasks:\n  \"a\\nb\": { run: { noop: } }\n", "3:3 invalid_id", "A-Z"),
    ("version: 1\ntasks:\n  a: { run: echo hi }\n", "3:13 invalid_value", "sh:"),
    ("version: 1\ntasks:\n  a: { run: {} }\n", "3:8 missing_field", "sh, exec"),
    (
        "version: 1\ntasks:\n  a: { run: { sh: a, exec: [b] } }\n",
        "3:22 invalid_value",
        "both `sh` and `exec`",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { exec: ls -l } }\n",
        "3:21 invalid_value",
        "exec: [program, argument]",
    ),
    ("version: 1\ntasks:\n  a: { run: { exec: [] } }\n", "3:21 invalid_value", "a program"),
    ("version: 1\ntasks:\n  a: { run: { exec: [\"\"] } }\n", "3:8 invalid_value", "names no program"),
    ("version: 1\ntasks:\n  a: { run: { exec: [ls, ~] } }\n", "3:26 invalid_value", "in quotes"),
    (
        "version: 1\ntasks:\n  a: { run: { exec: [ls, [x]] } }\n",
        "3:26 invalid_value",
        "a list, expected a text",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { sleep: 1s, env: { A: b } } }\n",
        "3:26 invalid_value",
        "`sh` and `exec` only",
    ),
    ("version: 1\ntasks:\n  a: { run: { noop: 1 } }\n", "3:21 invalid_value", "noop: {}"),
    ("version: 1\ntasks:\n  a: { run: { sh: ls, arguments: {} } }\n", "3:23 invalid_value", "`call` only"),
    ("version: 1\ntasks:\n  a: { run: { sh: ls, collect: [../x] } }\n", "3:33 invalid_value", "`../x`"),
    (
        "version: 1\ntasks:\n  a: { run: { sh: ls, secrets: { A: B } } }\n",
        "3:37 unknown_secret",
        "declare it",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, approval: { timeout: 1h } }\n",
        "3:24 missing_field",
        "`prompt`",
    ),
    ("version: 1\ntasks:\n  a: { run: { noop: }, cache: false }\n", "3:24 unsupported_field", "`cache`"),
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, inputs: { r: { file: /x } } }\n",
        "3:45 invalid_value",
        "is absolute",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, inputs: { r: { artifact: x } } }\n",
        "3:49 invalid_value",
        "tasks.ID.outputs.NAME",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, outputs: { r: { from: stderr } } }\n",
        "3:46 invalid_value",
        "stdout",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, outputs: { r: { type: json } } }\n",
        "3:35 missing_field",
        "from",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, outputs: { r: stdout } }\n",
        "3:38 invalid_value",
        "from: stdout",
    ),
    ("version: 1\ntasks:\n  a: { run: { noop: }, priority: urgent }\n", "3:34 invalid_value", "critical"),
    ("version: 1\ntasks:\n  a: { run: { noop: }, priority: 101 }\n", "3:34 invalid_value", "0 to 100"),
    ("version: 1\ntasks:\n  a: { run: { noop: }, idempotent: yes }\n", "3:36 invalid_value", "true or false"),
    ("version: 1\ntasks:\n  a: { run: { noop: }, device: host }\n", "3:32 invalid_value", "on: ID"),
    ("version: 1\ntasks:\n  a: { run: { noop: }, device: { on: \"a b\" } }\n", "3:38 invalid_id", "' '"),
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, device: { resources: { memory: 32Gb } } }\n",
        "3:55 invalid_value",
        "32GiB",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, device: { spread: zone } }\n",
        "3:34 unsupported_field",
        "`spread`",
    ),
    ("version: 1\ntasks:\n  a: { run: { noop: }, run_timeout: 0s }\n", "3:24 invalid_value", "is zero"),
    ("version: 1\ntasks:\n  a: { run: { noop: }, run_timeout: 8d }\n", "3:24 invalid_value", "168h"),
    ("version: 1\ntasks:\n  a: { run: { noop: }, queue_timeout: soon }\n", "3:39 invalid_value", "30s"),
    ("version: 1\ntasks:\n  a: { run: { noop: }, retry: { max: -1 } }\n", "3:38 invalid_value", "from 0"),
    ("version: 1\ntasks:\n  a: { run: { noop: }, retry: { max: 101 } }\n", "3:24 invalid_value", "100"),
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, retry: { factor: 0.5 } }\n",
        "3:41 invalid_value",
        "from 1 up",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, retry: { non_retryable: [Exit Status] } }\n",
        "3:48 invalid_value",
        "snake case",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, estimate: { duration: fast } }\n",
        "3:46 invalid_value",
        "2.5s",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, tips: read the log }\n",
        "3:30 invalid_value",
        "a list of texts",
    ),
    // Edges and templates.
    (
        "version: 1\ntasks:\n  a: { run: { noop: }, after: b }\n  b: { run: { noop: } }\n",
        "3:31 invalid_value",
        "after: [b]",
    ),
    ("version: 1\ntasks:\n  a: { run: { noop: }, after: [b] }\n", "3:32 unknown_task", "known are a"),
    (
        "version: 1\ntasks:\n  a:\n    after:\n      - a\n    run: { noop: }\n",
        "5:9 self_dependency",
        "itself",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: } }\n  b: { run: { noop: }, after: [a, a] }\n",
        "4:35 duplicate_dependency",
        "twice",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: } }\n  b: { run: { noop: }, after: { a: sucess } }\n",
        "4:36 invalid_value",
        "did you mean `success`?",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: } }\n  b: { run: { noop: }, after: { a: { when: \"1 +\" } } }\n",
        "4:44 invalid_condition",
        "a -> b",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: } }\n  b: { run: { noop: }, after: { a: { if: x } } }\n",
        "4:38 unknown_field",
        "`when`",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: } }\n  b: { run: { noop: }, after: { a: { when: 1, kind: success } } }\n",
        "4:47 invalid_value",
        "both",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: } }\n  b: { run: { noop: }, after: { a: [] } }\n",
        "4:36 invalid_value",
        "at least one",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: } }\n  b: { run: { noop: }, after: { a: [success, { when: 1, id: 'a b' }] } }\n",
        "4:61 invalid_id",
        "id",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: } }\n  b: { run: { noop: }, after: { a: [{ id: l }, { id: l }] } }\n",
        "4:54 duplicate_dependency",
        "another id",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { noop: } }\n  b: { run: { noop: }, after: { a: [{ when: 1 }, { when: \"1 +\" }] } }\n",
        "4:58 invalid_condition",
        "a -> b",
    ),
    (
        "version: 1\ntasks:\n  a: { run: { sh: \"echo '{{ inputs.x }}'\" } }\n",
        "3:26 invalid_template\n3:26 unknown_input",
        "write it bare",
    ),
    ("version: 1\ntasks:\n  a: { run: { sh: \"echo {{ inputs. }}\" } }\n", "3:25 invalid_template", "task a"),
    (
        "version: 1\ntasks:\n  a: { run: { noop: } }\n  b: { run: { sh: \"echo {{ tasks.a.result }}\" } }\n",
        "4:25 reference_not_upstream",
        "add a dependency from a",
    ),
];

#[test]
fn each_broken_file_is_told_what_is_wrong_and_where() {
    let mut wrong = Vec::new();
    for (file, expected, words) in TABLE {
        let found = problems(file);
        let places: Vec<String> = found
            .iter()
            .map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.code))
            .collect();
        let mut expected: Vec<&str> = expected.lines().collect();
        expected.sort_unstable();
        let mut sorted = places.clone();
        sorted.sort_unstable();
        let said = crate::listed(&found);
        if sorted != expected || !said.contains(words) {
            wrong.push(format!("{file}\n  expected {expected:?} with {words:?}\n  found {said}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), TABLE.len(), wrong.join("\n"));
    assert!(TABLE.len() >= 30);
}

#[test]
fn messages_are_fragments() {
    for (file, ..) in TABLE {
        for problem in problems(file) {
            let message = &problem.message;
            assert!(!message.ends_with('.') && !message.contains('\n'), "{message}");
            assert!(!message.starts_with(|c: char| c.is_uppercase()), "{message}");
            let shown = starline_workflow::render(&problem, "x.yaml");
            // The first line is whole, however long it is.
            assert!(shown.lines().skip(1).all(|line| line.chars().count() <= 110), "{shown}");
        }
    }
}

#[test]
fn a_cycle_is_told_with_its_path_at_the_closing_edge() {
    let file = "\
version: 1
tasks:
  a:
    after: [c]
    run: { noop: }
  b: { after: [a], run: { noop: } }
  c:
    after:
      x: success
      b: completion
    run: { noop: }
  x: { run: { noop: } }
";
    let found = problems(file);
    assert_eq!(found.len(), 1, "{}", crate::listed(&found));
    assert_eq!((found[0].code.as_str(), found[0].line, found[0].column), ("would_cycle", 10, 7));
    assert_eq!(found[0].path, ["b", "c", "a"]);
    assert_eq!(found[0].message, "b -> c closes c -> a -> b -> c");
    assert_eq!(found[0].excerpt, "      b: completion");
}
