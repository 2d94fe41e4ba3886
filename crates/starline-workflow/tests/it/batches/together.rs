//! Faults of all kinds of one batch, told at once.

use super::{graph, judged, read, told};

const TASKS: &str = "  a: { run: { sh: ls } }
  b: { after: [a], run: { sh: ls } }
";

/// What is told of a batch, without its order.
fn codes(text: &str) -> Vec<String> {
    let mut codes = told(&judged(&mut graph(TASKS), read(text)).expect_err(text));
    codes.sort();
    codes
}

/// Two tasks that wait for each other, and something else that is wrong.
fn circle(rest: &str) -> String {
    format!(
        r#"{{"tasks": {{"x": {{"run": {{"noop": {{}}}}, "after": ["y"]}},
             "y": {{"run": {{"noop": {{}}}}, "after": ["x"]}}, "z": {{"run": {{"noop": {{}}}}, {rest}}}}}}}"#
    )
}

#[test]
fn a_cycle_of_a_whole_graph_is_told_beside_other_faults() {
    for (rest, other) in [
        (r#""colour": "red""#, "0 unknown_field colour"),
        (r#""after": ["nobody"]"#, "0 unknown_task nobody"),
        (r#""inputs": {"i": "{{ tasks.nobody.result }}"}"#, "0 reference_not_upstream z"),
        (r#""run_timeout": "0s""#, "0 invalid_value z"),
        (r#""after": ["z"]"#, "0 self_dependency z->z"),
    ] {
        let graph = circle(rest);
        for (form, cycle) in [
            (format!(r#"{{"graph": {graph}}}"#), "0 would_cycle x->y"),
            (format!(r#"{{"edits": [{{"op": "build", "graph": {graph}}}]}}"#), "0 would_cycle x->y"),
            (
                format!(r#"{{"edits": [{{"op": "merge", "prefix": "p-", "graph": {graph}}}]}}"#),
                "0 would_cycle p-x->p-y",
            ),
        ] {
            let found = codes(&form);
            let has = |word: &str| found.iter().any(|told| told.contains(word));
            let word = |told: &str| told.split(' ').nth(1).unwrap_or_default().to_owned();
            assert!(has(&word(cycle)) && has(&word(other)) && found.len() == 2, "{form}: {found:?}");
        }
    }
}

#[test]
fn a_cycle_hides_no_reference_that_leads_nowhere() {
    let read = |reference: &str| {
        codes(&format!(
            r#"{{"edits": [{{"op": "add_dependency", "from": "b", "to": "a"}},
             {{"op": "update_task", "id": "b", "set": {{"run": {{"sh": "echo {{{{ tasks.{reference}.result }}}}"}}}}}}]}}"#
        ))
    };
    assert_eq!(read("nobody"), ["0 would_cycle b->a", "1 reference_not_upstream b"]);
    assert_eq!(read("a"), ["0 would_cycle b->a"]);
}

#[test]
fn an_edit_that_needs_a_faulty_one_is_still_told_as_that_alone() {
    let text = r#"{"edits": [
      {"op": "add_task", "task": {"id": "c", "run": {"noop": {}}, "colour": 1}, "after": ["d"]},
      {"op": "add_task", "task": {"id": "d", "run": {"noop": {}}}, "after": ["c"]}]}"#;
    assert_eq!(codes(text), ["0 unknown_field colour", "1 depends_on_rejected c"]);
}
