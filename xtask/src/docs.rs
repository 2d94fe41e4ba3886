//! The generated parts of `docs/`, and what must hold for the written ones.

use anyhow::Context as _;

use crate::metadata::{self, Depth, Metadata};
use crate::model::{HARNESS, Model};
use crate::{dependencies, files, links};

pub(crate) const HELP: &str = "\
Writes the layer diagram and the table of crates into docs/architecture.md, between the markers
`<!-- generated: name -->` and `<!-- end -->`, from the manifests. Then checks that every link in
README.md and docs/ leads somewhere, and that the table of external crates in the decisions names
each direct dependency with its licence and a reason. With --check nothing is written, and a part
that is out of date is a fault.";

const ARCHITECTURE: &str = "docs/architecture.md";
const DEPENDENCIES: &str = "docs/decisions/0007-external-crates.md";
const END: &str = "<!-- end -->";

/// Brings the generated parts up to date, or only looks; one line for each fault.
pub(crate) fn run(check: bool) -> anyhow::Result<Vec<String>> {
    let root = metadata::root();
    let metadata = Metadata::load(None, Depth::Resolved)?;
    let model = Model::new(&metadata)?;
    let mut faults = Vec::new();

    let path = root.join(ARCHITECTURE);
    let text = std::fs::read_to_string(&path).with_context(|| format!("failed to read {ARCHITECTURE}"))?;
    let mut fresh = text.clone();
    for (name, content) in [("layers", diagram(&model)), ("crates", table(&metadata, &model))] {
        match replace(&fresh, name, &content) {
            Some(replaced) => fresh = replaced,
            None => faults.push(format!("{ARCHITECTURE}: no `<!-- generated: {name} -->` … `{END}`")),
        }
    }
    if fresh != text && check {
        faults.push(format!("{ARCHITECTURE} is out of date with the manifests: run `cargo xtask docs`"));
    } else if fresh != text {
        std::fs::write(&path, &fresh).with_context(|| format!("failed to write {ARCHITECTURE}"))?;
        println!("docs: wrote {ARCHITECTURE}");
    }

    for page in files::texts(&root)? {
        if page.path == "README.md" || page.path.starts_with("docs/") && page.is("md") {
            faults.extend(links::faults(&root, &page));
        }
        if page.path == DEPENDENCIES {
            faults.extend(dependencies::faults(&page.path, &page.text, &dependencies::externals(&metadata)));
        }
    }
    if !root.join(DEPENDENCIES).is_file() {
        faults.push(format!("{DEPENDENCIES} is missing"));
    }
    Ok(faults)
}

/// The text with new content between the markers of `name`.
fn replace(text: &str, name: &str, content: &str) -> Option<String> {
    let start = format!("<!-- generated: {name} -->\n");
    let from = text.find(&start)? + start.len();
    let to = from + text[from..].find(END)?;
    Some(format!("{}{content}{}", &text[..from], &text[to..]))
}

/// Layers from top to bottom, with the line above which tokio may appear, and the sideways arrows.
fn diagram(model: &Model) -> String {
    let rules = &model.rules;
    let widest = rules.layers.iter().map(String::len).max().unwrap_or_default();
    let mut text = String::from("```text\n");
    for layer in rules.layers.iter().rev().map(String::as_str).chain([HARNESS]) {
        let names: Vec<_> =
            model.members.iter().filter(|member| member.layer.as_deref() == Some(layer)).collect();
        for (ix, row) in names.chunks(3).enumerate() {
            let head = if ix == 0 { layer } else { "" };
            let row: String = row.iter().map(|member| format!("  {:<26}", member.name)).collect();
            text.push_str(&format!("{head:widest$}{}\n", row.trim_end()));
        }
        if layer == rules.tokio_from {
            text.push_str(&format!("{:─<widest$}──── tokio above this line, never below ────\n", ""));
        }
    }
    text.push_str("```\n\nArrows point down. The sideways ones are these, and no others:\n\n");
    for arrow in &rules.sideways {
        text.push_str(&format!("- `{}` → `{}`: {}.\n", arrow.from, arrow.to, arrow.why));
    }
    text
}

/// What each crate is, and which crates of ours it names as normal dependencies.
fn table(metadata: &Metadata, model: &Model) -> String {
    let mut text = String::from("| Crate | Layer | What it is | Uses |\n|---|---|---|---|\n");
    for layer in model.rules.layers.iter().map(String::as_str).chain([HARNESS]) {
        for member in model.members.iter().filter(|member| member.layer.as_deref() == Some(layer)) {
            let package = metadata.packages.iter().find(|package| package.name == member.name);
            let description = package.and_then(|package| package.description.as_deref()).unwrap_or_default();
            let mut uses: Vec<_> =
                member.arrows.iter().filter(|arrow| !arrow.dev).map(|arrow| &arrow.to).collect();
            uses.sort();
            uses.dedup();
            let uses: Vec<_> =
                uses.iter().map(|name| name.strip_prefix("starline-").unwrap_or(name)).collect();
            let uses = if uses.is_empty() { "–".to_owned() } else { uses.join(", ") };
            text.push_str(&format!("| `{}` | {layer} | {description} | {uses} |\n", member.name));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_between_the_markers_changes() {
        let page =
            "a\n<!-- generated: x -->\nold\n<!-- end -->\nb\n<!-- generated: y -->\nkept\n<!-- end -->\n";
        let fresh = replace(page, "x", "new\n").expect("the marker is there");
        assert_eq!(fresh, page.replace("old", "new"));
        assert_eq!(replace(&fresh, "x", "new\n").as_ref(), Some(&fresh));
        assert_eq!(replace(page, "z", ""), None);
    }

    #[test]
    fn diagram_and_table_name_every_crate_of_the_workspace() {
        let metadata = Metadata::load(None, Depth::Declared).expect("cargo answers");
        let model = Model::new(&metadata).expect("the root manifest has rules");
        let (diagram, table) = (diagram(&model), table(&metadata, &model));
        for member in model.members.iter().filter(|member| !member.is_tool()) {
            assert!(diagram.contains(&member.name), "{}", member.name);
            assert!(table.contains(&format!("| `{}` |", member.name)), "{}", member.name);
        }
    }
}
