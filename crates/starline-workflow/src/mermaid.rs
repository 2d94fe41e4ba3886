//! Drawings for Mermaid.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use starline_types::{DependencyKind, GraphSpec, Reading, TaskId};

use crate::drawing::{LOOKS, edge_lines, edges, line, looks, task_lines};

/// The graph as a Mermaid flowchart, with one statement on each line.
///
/// It shows the same as [`to_dot`](crate::to_dot): names, ids and states of tasks, kinds, conditions and notes of
/// edges. Nodes are called `t0`, `t1` and so on, in the order of the graph, since Mermaid reads some ids as words of
/// its own. Whatever stands in names and notes, it stays text. Edges whose ends are not both in the graph are left
/// out. Equal graphs give equal drawings.
///
/// Mermaid refuses more than 500 edges and 50 000 characters, unless the page that shows the drawing allows more;
/// [`to_dot`](crate::to_dot) has no such limit. Costs O((tasks + dependencies) log tasks).
///
/// # Examples
///
/// ```
/// use starline_workflow::{LoadOptions, Workflow, to_mermaid};
///
/// let file = "
/// version: 1
/// tasks:
///   fetch: { run: { noop: } }
///   alarm: { after: { fetch: failure }, run: { noop: } }
/// ";
/// let workflow = Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect("a valid file");
/// let drawing = to_mermaid(&workflow.graph, None);
/// assert!(drawing.starts_with("flowchart TD\n  t0[\"fetch\"]\n  t1[\"alarm\"]\n  t0 -.->|\"failure\"| t1\n"));
/// ```
#[must_use]
pub fn to_mermaid(graph: &GraphSpec, states: Option<&BTreeMap<TaskId, Reading>>) -> String {
    let mut out = String::new();
    let title = line(&graph.name);
    if !title.is_empty() {
        let _ = writeln!(out, "---\ntitle: {}\n---", yaml(&title));
    }
    out.push_str("flowchart TD\n");
    let looks = looks(graph, states);
    for (at, (task, look)) in graph.tasks.iter().zip(&looks).enumerate() {
        let _ = write!(out, "  t{at}[{}]", quoted(&task_lines(task, *look)));
        if let Some(look) = look {
            let _ = write!(out, ":::{}", look.word);
        }
        out.push('\n');
    }
    let mut styled: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (number, (from, to, edge)) in edges(graph).enumerate() {
        let (arrow, style) = match &edge.kind {
            DependencyKind::Success => ("-->", None),
            DependencyKind::Failure => ("-.->", Some("stroke:#b91c1c,stroke-dasharray:8 4")),
            DependencyKind::Completion => ("-.->", Some("stroke:#475569,stroke-dasharray:2 4")),
            DependencyKind::When(_) => ("==>", Some("stroke:#1d4ed8")),
        };
        let lines = edge_lines(edge);
        let label = if lines.is_empty() { String::new() } else { format!("|{}|", quoted(&lines)) };
        let _ = writeln!(out, "  t{from} {arrow}{label} t{to}");
        if let Some(style) = style {
            styled.entry(style).or_default().push(number.to_string());
        }
    }
    for (style, numbers) in styled {
        let _ = writeln!(out, "  linkStyle {} {style}", numbers.join(","));
    }
    for look in LOOKS.iter().filter(|look| looks.contains(&Some(**look))) {
        let (word, fill, line) = (look.word, look.fill, look.line);
        let _ = writeln!(out, "  classDef {word} fill:{fill},stroke:{line},color:#111827");
    }
    out
}

/// Lines as a label. Mermaid finds directives, comments, Markdown and statements in texts, so every character that
/// could begin one is written by its number.
fn quoted(lines: &[String]) -> String {
    let mut label = String::from("\"");
    for (at, text) in lines.iter().enumerate() {
        if at > 0 {
            label.push_str("<br/>");
        }
        for c in text.chars() {
            if !c.is_ascii() || c.is_ascii_alphanumeric() || " ,/()_".contains(c) {
                label.push(c);
            } else {
                let _ = write!(label, "#{};", u32::from(c));
            }
        }
    }
    label.push('"');
    label
}

/// A text as a YAML text in double quotes, without what Mermaid looks for before it reads YAML.
fn yaml(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if !c.is_ascii() || c.is_ascii_alphanumeric() || " ,./()_-+=:;!?'".contains(c) {
            quoted.push(c);
        } else {
            let _ = write!(quoted, "\\u{:04x}", u32::from(c));
        }
    }
    quoted.push('"');
    quoted
}
