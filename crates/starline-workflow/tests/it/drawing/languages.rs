//! Drawings of graphs.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use proptest::prelude::*;
use starline_types::{Dependency, DependencyKind, GraphSpec, Payload, TaskDetails, TaskId, TaskSpec};
use starline_workflow::{to_dot, to_mermaid};

use super::graphs::{HOSTILE, graph, states};

fn id(id: &str) -> TaskId {
    TaskId::new(id).expect("an id")
}

fn named(task: &str, name: &str) -> Arc<TaskSpec> {
    let details = TaskDetails { name: Some(name.to_owned()), ..TaskDetails::default() };
    Arc::new(TaskSpec { details: Some(Arc::new(details)), ..TaskSpec::new(id(task), Payload::Noop) })
}

fn edge(from: &str, to: &str, kind: DependencyKind, note: Option<&str>) -> Dependency {
    Dependency { note: note.map(Arc::from), ..Dependency::success(id(from), id(to)).with_kind(kind) }
}

fn sample() -> GraphSpec {
    let when = DependencyKind::When("result[\"a\"] > \"1\"".into());
    GraphSpec {
        name: "say \"hi\" & <b>go</b>".to_owned(),
        tasks: vec![
            named("fetch", "Fetch it"),
            named("end", "end"),
            named("c", "a\\n[\"x\"]"),
            named("d", ""),
        ],
        dependencies: vec![
            edge("fetch", "end", DependencyKind::Success, None),
            edge("fetch", "c", DependencyKind::Failure, Some("try\n\"again\"")),
            edge("end", "c", DependencyKind::Completion, None),
            edge("c", "d", when, None),
            edge("c", "gone", DependencyKind::Success, None),
        ],
        ..GraphSpec::default()
    }
}

#[test]
fn a_graph_is_drawn_for_graphviz() {
    let graph = sample();
    let states = states(&graph, 8);
    let expected = r##"digraph workflow {
  graph [label="say \"hi\" &amp; <b>go</b>", labelloc=t, fontname="Helvetica"];
  node [shape=box, style="rounded,filled", fillcolor="#ffffff", fontname="Helvetica"];
  edge [fontname="Helvetica", fontsize=10];
  "fetch" [label="Fetch it\nfetch\nrunning", class="running", fillcolor="#bfdbfe", color="#1d4ed8"];
  "end" [label="end\ncancelling", class="cancelling", fillcolor="#e2e8f0", color="#334155"];
  "c" [label="a\\n[\"x\"]\nc"];
  "d" [label="d\nfailed", class="failed", fillcolor="#fecaca", color="#b91c1c"];
  "fetch" -> "end";
  "fetch" -> "c" [label="failure\ntry \"again\"", style=dashed, color="#b91c1c", fontcolor="#b91c1c"];
  "end" -> "c" [label="completion", style=dotted, color="#475569", fontcolor="#475569"];
  "c" -> "d" [label="when result[\"a\"] > \"1\"", style=bold, color="#1d4ed8", fontcolor="#1d4ed8"];
}
"##;
    assert_eq!(to_dot(&graph, Some(&states)), expected.replace("try \"again\"", "try \\\"again\\\""));
    assert_eq!(to_dot(&GraphSpec::default(), None).lines().count(), 4);
}

#[test]
fn a_graph_is_drawn_for_mermaid() {
    let graph = sample();
    let states = states(&graph, 8);
    let expected = r##"---
title: "say \u0022hi\u0022 \u0026 \u003cb\u003ego\u003c/b\u003e"
---
flowchart TD
  t0["Fetch it<br/>fetch<br/>running"]:::running
  t1["end<br/>cancelling"]:::cancelling
  t2["a#92;n#91;#34;x#34;#93;<br/>c"]
  t3["d<br/>failed"]:::failed
  t0 --> t1
  t0 -.->|"failure<br/>try #34;again#34;"| t2
  t1 -.->|"completion"| t2
  t2 ==>|"when result#91;#34;a#34;#93; #62; #34;1#34;"| t3
  linkStyle 3 stroke:#1d4ed8
  linkStyle 2 stroke:#475569,stroke-dasharray:2 4
  linkStyle 1 stroke:#b91c1c,stroke-dasharray:8 4
  classDef running fill:#bfdbfe,stroke:#1d4ed8,color:#111827
  classDef cancelling fill:#e2e8f0,stroke:#334155,color:#111827
  classDef failed fill:#fecaca,stroke:#b91c1c,color:#111827
"##;
    assert_eq!(to_mermaid(&graph, Some(&states)), expected);
    assert_eq!(to_mermaid(&GraphSpec::default(), None), "flowchart TD\n");
}

/// A drawing in which every hostile text is a name, a note, a condition and the title.
fn hostile(text: &str) -> GraphSpec {
    let mut graph = GraphSpec { name: text.to_owned(), ..GraphSpec::default() };
    graph.tasks.extend([named("a", text), named("b", "plain")]);
    graph.dependencies.push(edge("a", "b", DependencyKind::When(text.into()), Some(text)));
    graph
}

/// Words of one line of DOT: quoted texts, with their quotes, and everything between blanks and punctuation.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = if first == '"' {
            let mut escaped = false;
            let close = rest.char_indices().skip(1).find(|(_, c)| {
                let closes = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                closes
            });
            close.unwrap_or_else(|| panic!("an open quote in {line}")).0 + 1
        } else if "[]{},;=".contains(first) {
            1
        } else {
            rest.find(|c: char| "[]{},;=\"".contains(c) || c.is_whitespace()).unwrap_or(rest.len())
        };
        let (word, behind) = rest.split_at(end);
        words.push(word.to_owned());
        rest = behind.trim_start();
    }
    words
}

/// Nodes and edges of a drawing in DOT, which must have one statement on each line.
fn counted(dot: &str) -> (usize, usize) {
    let lines: Vec<&str> = dot.lines().collect();
    assert_eq!((lines.first(), lines.last()), (Some(&"digraph workflow {"), Some(&"}")), "{dot}");
    let (mut nodes, mut edges) = (0, 0);
    for line in &lines[1..lines.len() - 1] {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(words.iter().filter(|word| **word == ";").count(), 1, "{line}");
        assert_eq!(words.last(), Some(&";"), "{line}");
        let attributes = match words.as_slice() {
            ["graph" | "node" | "edge", attributes @ .., ";"] => attributes,
            [from, "->", to, attributes @ .., ";"] => {
                assert!(from.starts_with('"') && to.starts_with('"'), "{line}");
                edges += 1;
                attributes
            }
            [node, attributes @ .., ";"] => {
                assert!(node.starts_with('"'), "{line}");
                nodes += 1;
                attributes
            }
            _ => panic!("{line}"),
        };
        let Some((inner, brackets)) = attributes
            .split_first()
            .zip(attributes.last())
            .map(|((open, rest), close)| (rest, (*open, *close)))
        else {
            continue;
        };
        assert_eq!(brackets, ("[", "]"), "{line}");
        for part in inner[..inner.len() - 1].split(|word| *word == ",") {
            assert!(matches!(part, [_, "=", _]), "{part:?} in {line}");
        }
    }
    (nodes, edges)
}

/// Nodes and edges of a drawing for Mermaid, which must have one statement on each line.
fn counted_for_mermaid(drawing: &str) -> (usize, usize) {
    let body = match drawing.strip_prefix("---\n") {
        Some(rest) => {
            let (title, body) = rest.split_once("\n---\n").expect("an end of the title");
            let title =
                title.strip_prefix("title: \"").and_then(|title| title.strip_suffix('"')).expect("a title");
            assert!(!title.contains(['"', '<', '>', '%', '\n']), "{title}");
            body
        }
        None => drawing,
    };
    let (mut nodes, mut edges) = (0, 0);
    let mut lines = body.lines();
    assert_eq!(lines.next(), Some("flowchart TD"));
    for line in lines {
        // Quotes delimit labels and stand nowhere else, so what is outside of them is ours.
        let parts: Vec<&str> = line.split('"').collect();
        assert!(parts.len() == 1 || parts.len() == 3, "{line}");
        if let [_, label, _] = parts.as_slice() {
            let plain = label.replace("<br/>", "");
            assert!(!plain.contains(['<', '>', '`', '\\', '%', '&', '{', '}', '[', ']', '|', ':']), "{line}");
        }
        let outside = [parts.first(), parts.get(2)].map(|part| part.map_or("", |part| part.trim())).concat();
        if outside.starts_with("linkStyle ") || outside.starts_with("classDef ") {
            continue;
        }
        if ["-->", "-.->", "==>"].iter().any(|arrow| outside.contains(arrow)) {
            edges += 1;
        } else {
            let class = outside.split_once("[]").expect("a node").1;
            assert!(class.is_empty() || class.starts_with(":::"), "{line}");
            nodes += 1;
        }
    }
    (nodes, edges)
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that misses a program says so")]
fn graphviz_accepts_every_drawing() {
    if Command::new("dot").arg("-V").stderr(Stdio::null()).status().is_err() {
        eprintln!("skipped: graphviz is not installed");
        return;
    }
    let graphs = HOSTILE.iter().map(|text| hostile(text)).chain([sample(), GraphSpec::default()]);
    // One start of the program for all of them.
    let drawings: String = graphs.map(|graph| to_dot(&graph, Some(&states(&graph, 3)))).collect();
    let started = Command::new("dot").arg("-Tsvg").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut dot = started.expect("it was there before");
    let mut input = dot.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || input.write_all(drawings.as_bytes()));
    let output = dot.wait_with_output().expect("an end");
    writer.join().expect("a thread").expect("everything is read");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let svg = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(svg.matches("class=\"node").count(), 2 * HOSTILE.len() + 4, "nodes");
    assert_eq!(svg.matches("class=\"edge\"").count(), HOSTILE.len() + 4, "edges");
    assert!(!svg.contains("<script") && !svg.contains("<img"), "markup out of a name");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn drawings_show_the_graph_and_nothing_else(graph in graph(), seed in 0..70_usize) {
        let shape = (graph.tasks.len(), graph.dependencies.len());
        let states = states(&graph, seed);
        for states in [None, Some(&states)] {
            let (dot, mermaid) = (to_dot(&graph, states), to_mermaid(&graph, states));
            prop_assert_eq!(counted(&dot), shape, "{}", dot);
            prop_assert_eq!(counted_for_mermaid(&mermaid), shape, "{}", mermaid);
            prop_assert_eq!((to_dot(&graph, states), to_mermaid(&graph, states)), (dot, mermaid));
        }
    }
}
