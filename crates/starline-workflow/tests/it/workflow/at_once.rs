//! Every mistake of a file is told at once, and nothing that only follows from another.

use crate::{load, problems};

/// Files, and each problem of theirs as `line code`, with words of its message or hint.
const TABLE: &[(&str, &[(&str, &str)])] = &[
    (
        "version: 1
tasks:
  a: { after: [b], run: { noop: {} } }
  b: { after: [a], run: { sh: \"echo {{ tasks.nope.result }}\" } }
  c: { after: { a: { when: \"1 +\" } }, run: { noop: {} } }
  d: { run: { noop: {} }, afer: [a] }
",
        &[
            ("4 would_cycle", "a -> b"),
            ("4 reference_not_upstream", "task b refers to nope, which does not exist"),
            ("5 invalid_condition", "a -> c"),
            ("6 unknown_field", "`afer`"),
        ],
    ),
    // What waits for something unknown may refer to anything that exists.
    (
        "version: 1
tasks:
  a: { run: { noop: {} } }
  b: { after: [aa], run: { sh: \"echo {{ tasks.a.result }} {{ tasks.zz.result }}\" } }
  c: { after: [b], run: { sh: \"echo {{ tasks.a.result }}\" } }
  d: { run: { sh: \"echo {{ tasks.a.result }}\" } }
",
        &[
            ("4 unknown_task", "aa"),
            ("4 reference_not_upstream", "refers to zz"),
            ("6 reference_not_upstream", "task d refers to a, which is not upstream"),
        ],
    ),
    // A mistyped `after` is no reason to call a reference wrong; another mistyped field is none to keep quiet.
    (
        "version: 1
tasks:
  a: { run: { noop: {} } }
  b: { afer: [a], run: { sh: \"echo {{ tasks.a.result }}\" } }
  c: { depends_on: [a], run: { sh: \"echo {{ tasks.a.result }}\" } }
  d: { priorty: 5, run: { sh: \"echo {{ tasks.a.result }}\" } }
",
        &[
            ("4 unknown_field", "afer"),
            ("5 unknown_field", "depends_on"),
            ("6 unknown_field", "priorty"),
            ("6 reference_not_upstream", "task d refers to a"),
        ],
    ),
    // A task that cannot be read is a known name.
    (
        "version: 1
tasks:
  a/b: { run: { noop: {} } }
  c: 5
  d: { after: [c, \"a/b\"], run: { sh: \"echo {{ tasks['a/b'].result }} {{ tasks.c.outputs.x }}\" } }
",
        &[("3 invalid_id", "a/b"), ("4 invalid_value", "task c"), ("5 invalid_id", "a/b")],
    ),
    // Texts of one task are told one by one, also where the work could not be read; so are conditions.
    (
        "version: 1
tasks:
  a: { run: { exec: [x, \"{{ 1 + }}\", \"{{ 2 + }}\"] }, run_timeout: 0s }
  b: { run: { sh: \"echo {{ tasks.gone.result }} {{ limit }}\", sleep: 1s } }
  c: { after: { a: [{ when: \"1 +\" }, { when: \"2 +\" }], gone: { when: \"3 +\" }, c: { when: \"4 +\" } }, run: { noop: } }
",
        &[
            ("3 invalid_template", "exec[1]"),
            ("3 invalid_template", "exec[2]"),
            ("3 invalid_value", "run_timeout"),
            ("4 reference_not_upstream", "refers to gone"),
            ("4 invalid_template", "`limit`"),
            ("4 invalid_value", "both `sh` and `sleep`"),
            ("5 invalid_condition", "a -> c"),
            ("5 invalid_condition", "a -> c"),
            ("5 unknown_task", "gone"),
            ("5 invalid_condition", "gone -> c"),
            ("5 self_dependency", "task c"),
            ("5 invalid_condition", "c -> c"),
        ],
    ),
    // Cycles beside edges that lead nowhere, twice the same id, and too long a wait.
    (
        "version: 1
tasks:
  a: { after: { c: { id: x }, zz: success }, run: { noop: } }
  b: { after: { a: { id: x } }, run: { noop: } }
  c: { after: { b: failure }, run: { noop: }, run_timeout: 200h }
",
        &[
            ("3 unknown_task", "zz"),
            ("4 duplicate_dependency", "x exists already"),
            ("5 would_cycle", "b -> c"),
            ("5 invalid_value", "too long"),
        ],
    ),
    // Merge keys are refused, and nobody knows what they would have brought.
    (
        "version: 1
x: &x { run: { noop: } }
tasks:
  a: { run: { noop: } }
  b: { <<: *x, after: [a] }
  c: { <<: *x, after: { b: { when: outputs.n > 1 } } }
  d: { run: { <<: *x }, after: { <<: *x } }
  e: { run: { sh: \"echo {{ tasks.a.result }}\" }, after: [d], outputs: { <<: *x } }
  f: { run: { sh: \"echo {{ tasks.e.outputs.n }} {{ tasks.a.result }} {{ inputs.y }}\" }, after: [e], inputs: { <<: *x } }
",
        &[
            ("2 unknown_field", "`x`"),
            ("5 unsupported_field", "merge"),
            ("6 unsupported_field", "merge"),
            ("7 unsupported_field", "merge"),
            ("7 unsupported_field", "merge"),
            ("8 unsupported_field", "merge"),
            ("9 unsupported_field", "merge"),
        ],
    ),
    (
        "version: 1
x: &x { a: { type: string, default: b } }
inputs: { <<: *x, n: { <<: *x } }
tasks: { <<: *x, b: { after: [a], run: { sh: \"echo {{ inputs.a }} {{ tasks.c.result }}\" } } }
",
        &[
            ("2 unknown_field", "`x`"),
            ("3 unsupported_field", "merge"),
            ("3 unsupported_field", "merge"),
            ("4 unsupported_field", "merge"),
        ],
    ),
    // Names that lead nowhere.
    (
        "version: 1
inputs: {limit: {type: integer, default: 1}}
tasks:
  a: {run: {sh: \"echo 5\"}, outputs: {total: {from: stdout, type: integer}}}
  b: {after: {a: {when: \"outputs.totl > inputs.limt\"}}, run: {sh: \"echo {{ tasks.a.outputs.totl }} {{ limit }}\"}}
",
        &[
            ("5 unknown_output", "did you mean `total`?"),
            ("5 unknown_input", "did you mean `limit`?"),
            ("5 unknown_output", "did you mean `total`?"),
            ("5 invalid_template", "write `inputs.limit`"),
        ],
    ),
    (
        "version: 1
inputs: { n: { type: integer, default: 1 } }
secrets: [T]
tasks:
  a: { run: { noop: }, outputs: { total: { from: result } } }
  b:
    after: { a: { when: total > n and tasks.a.status == 'completed' and outcome.reslt and error.knd } }
    inputs: { own: 5, other: \"{{ foo }}\" }
    run:
      exec: [x, \"{{ tasks.a.reslt }}\", \"{{ own }}\", \"{{ a }}\", \"{{ secrets.T }}\"]
      env: { A: \"{{ tasks.a.error.mesage }}\" }
editor:
  scripted: [{ task: \"*\", when: \"inputs.n > 1 or eror.kind == 'x' or outputs.any\", edits: [] }]
",
        &[
            ("7 invalid_condition", "write `outputs.total`"),
            ("7 invalid_condition", "write `inputs.n`"),
            ("7 invalid_condition", "`outcome`"),
            ("7 invalid_condition", "did you mean `result`?"),
            ("7 invalid_condition", "did you mean `kind`?"),
            ("8 invalid_template", "valid are"),
            ("10 invalid_template", "did you mean `result`?"),
            ("10 invalid_template", "write `inputs.own`"),
            ("10 invalid_template", "write `tasks.a.result`"),
            ("10 invalid_template", "secrets: { VARIABLE: NAME }"),
            ("11 invalid_template", "did you mean `message`?"),
            ("13 invalid_condition", "rules see none"),
            ("13 invalid_condition", "did you mean `error`?"),
        ],
    ),
];

#[test]
fn every_mistake_is_told_and_nothing_else() {
    let mut wrong = Vec::new();
    for (file, expected) in TABLE {
        let found = problems(file);
        let mut left: Vec<String> = found
            .iter()
            .map(|problem| {
                let hint = problem.hint.as_deref().unwrap_or_default();
                format!("{} {}: {} ({hint})", problem.line, problem.code, problem.message)
            })
            .collect();
        let mut missing = Vec::new();
        for (place, words) in *expected {
            let is_it = |told: &String| told.starts_with(&format!("{place}:")) && told.contains(words);
            match left.iter().position(is_it) {
                Some(at) => drop(left.remove(at)),
                None => missing.push(format!("{place} {words}")),
            }
        }
        if !(missing.is_empty() && left.is_empty()) {
            wrong.push(format!("{file}missing {missing:#?}\ntoo much {left:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What is asked for with care is no mistake.
#[test]
fn what_may_be_missing_may_be_named() {
    let file = "version: 1
inputs: { n: { type: integer, default: 1 } }
tasks:
  a: { run: { call: look }, outputs: { total: { from: result } } }
  b:
    after:
      a:
        - { when: \"outputs.x is defined and outputs.x > 1 or outputs.y | default(0) > inputs.n\" }
        - { when: \"'z' in outputs and outputs.z == 1 or outcome.attempts > 1 or result.any.thing == 2\" }
    inputs: { own: 5, f: { file: f.txt } }
    run: { prompt: \"{{ tasks.a.outputs.x | default('') }} {{ foo | default(1) }} {{ inputs.f }} {{ inputs.own }}\" }
    description: \"{{ tasks.a.device }} {{ tasks['a'].outputs['total'] }} {{ tasks.a.duration_ms }}\"
";
    assert_eq!(load(file).graph.tasks.len(), 2);
}
