//! Drawings for Graphviz.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use starline_types::{DependencyKind, GraphSpec, Reading, TaskId};

use crate::drawing::{edge_lines, edges, line, looks, task_lines};

/// The graph in the DOT language of Graphviz, with one statement on each line.
///
/// Tasks show their names and ids, and, with `states`, the word for their state, which is their class and their
/// colour as well. Edges of the kind success are plain; failure is dashed, completion dotted, a condition bold with
/// its expression, each with a label. Long texts are shortened. Whatever stands in names and notes, it stays text.
/// Edges whose ends are not both in the graph are left out. Equal graphs give equal drawings.
///
/// Costs O((tasks + dependencies) log tasks).
///
/// # Examples
///
/// ```
/// use starline_workflow::{LoadOptions, Workflow, to_dot};
///
/// let file = "
/// version: 1
/// name: nightly
/// tasks:
///   fetch: { run: { noop: } }
///   alarm: { after: { fetch: failure }, run: { noop: } }
/// ";
/// let workflow = Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect("a valid file");
/// let dot = to_dot(&workflow.graph, None);
/// assert!(dot.contains(r#"  "fetch" -> "alarm" [label="failure", style=dashed, "#), "{dot}");
/// ```
#[must_use]
pub fn to_dot(graph: &GraphSpec, states: Option<&BTreeMap<TaskId, Reading>>) -> String {
    let mut out = String::from("digraph workflow {\n");
    let title = line(&graph.name);
    if !title.is_empty() {
        let _ = writeln!(out, "  graph [label={}, labelloc=t, fontname=\"Helvetica\"];", quoted(&[title]));
    }
    out.push_str(
        "  node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", fontname=\"Helvetica\"];\n",
    );
    out.push_str("  edge [fontname=\"Helvetica\", fontsize=10];\n");
    for (task, look) in graph.tasks.iter().zip(looks(graph, states)) {
        let label = quoted(&task_lines(task, look));
        let _ = write!(out, "  \"{}\" [label={label}", task.id);
        if let Some(look) = look {
            let (word, fill, line) = (look.word, look.fill, look.line);
            let _ = write!(out, ", class=\"{word}\", fillcolor=\"{fill}\", color=\"{line}\"");
        }
        out.push_str("];\n");
    }
    for (_, _, edge) in edges(graph) {
        let _ = write!(out, "  \"{}\" -> \"{}\"", edge.from, edge.to);
        let lines = edge_lines(edge);
        let style = match &edge.kind {
            DependencyKind::Success => None,
            DependencyKind::Failure => Some("style=dashed, color=\"#b91c1c\", fontcolor=\"#b91c1c\""),
            DependencyKind::Completion => Some("style=dotted, color=\"#475569\", fontcolor=\"#475569\""),
            DependencyKind::When(_) => Some("style=bold, color=\"#1d4ed8\", fontcolor=\"#1d4ed8\""),
        };
        let label = (!lines.is_empty()).then(|| format!("label={}", quoted(&lines)));
        let attributes: Vec<&str> = label.as_deref().into_iter().chain(style).collect();
        if !attributes.is_empty() {
            let _ = write!(out, " [{}]", attributes.join(", "));
        }
        out.push_str(";\n");
    }
    out.push_str("}\n");
    out
}

/// Lines as a label. Graphviz replaces escapes and entities in labels, so their first characters are escaped too.
fn quoted(lines: &[String]) -> String {
    let mut label = String::from("\"");
    for (at, text) in lines.iter().enumerate() {
        if at > 0 {
            label.push_str("\\n");
        }
        for c in text.chars() {
            match c {
                '"' => label.push_str("\\\""),
                '\\' => label.push_str("\\\\"),
                '&' => label.push_str("&amp;"),
                c => label.push(c),
            }
        }
    }
    label.push('"');
    label
}
