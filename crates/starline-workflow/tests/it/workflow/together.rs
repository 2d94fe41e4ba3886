//! All problems of a file at once.

use starline_workflow::{LoadOptions, Workflow};

use crate::{listed, problems};

#[test]
fn all_problems_are_told_at_once_by_line() {
    let file = "\
version: 1
nmae: x
run: { max_parallel: many, deadline: 1 }
defaults:
  retry: { max: x }
tasks:
  scan a:
    run: { sh: ls }
  scan_b:
    after: [scan a, nowhere]
    priority: urgent
    run: { shell: ls }
  merge:
    after: { scan_b: sucess, page: success }
    run: { exec: [./merge.sh] }
    run_timeout: 0s
  page:
    run: { noop: {} }
    after: [tail]
  tail:
    run: { noop: {} }
    after: [page]
    secrets: [A]
    tips: 5
";
    let found = problems(file);
    let places: Vec<String> =
        found.iter().map(|problem| format!("{} {}", problem.line, problem.code)).collect();
    let expected = [
        "2 unknown_field",
        "3 invalid_value",
        "3 invalid_value",
        "5 invalid_value",
        "7 invalid_id",
        "10 invalid_id",
        "10 unknown_task",
        "11 invalid_value",
        "12 missing_field",
        "12 unknown_field",
        "14 invalid_value",
        "16 invalid_value",
        "22 would_cycle",
        "23 unknown_field",
        "24 invalid_value",
    ];
    assert_eq!(places, expected, "{}", listed(&found));
}

#[test]
fn one_mistake_brings_no_others() {
    // The edge that could not be read is why the template cannot see its task.
    let file = "version: 1\ntasks:\n  a: { run: { noop: } }\n  b: { after: { a: sucess }, run: { sh: \"x {{ tasks.a.result }}\" } }\n";
    let found = problems(file);
    assert_eq!(found.len(), 1, "{}", listed(&found));
    // Edges to a task with a bad id are not unknown as well.
    let file =
        "version: 1\ntasks:\n  a/b: { run: { noop: } }\n  c: { after: { a/b: success }, run: { noop: } }\n";
    let codes: Vec<String> = problems(file).into_iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["invalid_id", "invalid_id"]);
    // What an alias repeats is told once.
    let file = "version: 1\ntasks:\n  a: &x { run: { noop: }, tisp: 1 }\n  b: *x\n  c: *x\n";
    let found = problems(file);
    assert_eq!(found.len(), 3, "{}", listed(&found));
    assert!(found.iter().all(|problem| problem.line == 3));
}

#[test]
fn many_cycles_are_each_told() {
    let mut file = "version: 1\ntasks:\n".to_owned();
    for at in 0..5 {
        file.push_str(&format!("  a{at}: {{ run: {{ noop: }}, after: [b{at}] }}\n"));
        file.push_str(&format!("  b{at}: {{ run: {{ noop: }}, after: [a{at}] }}\n"));
    }
    let found = problems(&file);
    assert_eq!(found.iter().map(|problem| problem.line).collect::<Vec<_>>(), [4, 6, 8, 10, 12]);
    assert!(found.iter().all(|problem| problem.path.len() == 2));
}

#[test]
fn limits_of_graphs_can_be_chosen() {
    let file = "version: 1\ntasks:\n  a: { run: { noop: } }\n  b: { run: { noop: } }\n";
    let mut options = LoadOptions::default();
    options.limits.tasks = 1;
    let found = Workflow::parse(file.as_bytes(), &options).expect_err("too many tasks");
    assert_eq!((found[0].line, found[0].code.as_str()), (2, "limit_exceeded"));
    assert_eq!(found[0].hint.as_deref(), Some("at most 1"));
}
