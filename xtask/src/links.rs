//! Links in Markdown: does what they point to exist?

use std::collections::BTreeSet;
use std::path::Path;

use crate::files::File;

/// One line for each link of `page` that leads nowhere. Links to other hosts are not followed.
pub(crate) fn faults(root: &Path, page: &File) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, target) in links(&page.text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (path, anchor) = target.split_once('#').map_or((target.as_str(), None), |(p, a)| (p, Some(a)));
        let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let file = if path.is_empty() { root.join(&page.path) } else { root.join(folder).join(path) };
        if !file.exists() {
            faults.push(format!("{}:{line}: the link `{target}` leads nowhere", page.path));
        } else if let Some(anchor) = anchor
            && let Ok(text) = std::fs::read_to_string(&file)
            && !anchors(&text).contains(anchor)
        {
            faults.push(format!("{}:{line}: `{target}`: there is no such heading", page.path));
        }
    }
    faults
}

/// Targets of inline links, images and reference definitions, with their line. Code is left out.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code(line);
        let definition = line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        if let Some((_, target)) = definition {
            found.push((number, target.split_whitespace().next().unwrap_or_default().to_owned()));
        }
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            found.push((number, target.trim_matches(['<', '>']).to_owned()));
        }
    }
    found
}

/// Names under which the headings of a page can be linked to.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let slug: String = title
            .trim()
            .to_lowercase()
            .chars()
            .filter_map(|c| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                _ => None,
            })
            .collect();
        let repeated = (1..).map(|n| format!("{slug}-{n}")).find(|name| !anchors.contains(name));
        let fresh = !anchors.contains(&slug);
        anchors.extend(if fresh { Some(slug) } else { repeated });
    }
    anchors
}

/// Lines outside fenced code, with their numbers.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut prose = Vec::new();
    for (ix, line) in text.lines().enumerate() {
        if line.trim_start().trim_start_matches("> ").starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            prose.push((ix + 1, line));
        }
    }
    prose
}

/// A line without its inline code, which may look like a link.
fn without_code(line: &str) -> String {
    // Split at back-ticks: pieces at odd places are code, unless the last tick is never closed.
    let pieces: Vec<_> = line.split('`').collect();
    let last = pieces.len() - 1;
    let kept = pieces.iter().enumerate().filter(|(ix, _)| ix % 2 == 0 || *ix == last);
    kept.map(|(_, piece)| *piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_code() {
        let text = "See [a](one.md), ![b](two.png \"title\") and [`c`](three.md#x).\n\
                    `[no](code.md)`\n```text\n[no](fence.md)\n```\n[ref]: four.md\n";
        let targets: Vec<_> =
            links(text).into_iter().map(|(line, target)| format!("{line}:{target}")).collect();
        assert_eq!(targets, ["1:one.md", "1:two.png", "1:three.md#x", "6:four.md"]);
    }

    #[test]
    fn headings_become_anchors() {
        let text =
            "# Two words\n## I4: no effect *before* its event\n## Two words\n```sh\n# comment\n```\n#tag";
        let expected = ["two-words", "i4-no-effect-before-its-event", "two-words-1"].map(str::to_owned);
        assert_eq!(anchors(text), BTreeSet::from(expected));
    }

    #[test]
    fn a_link_to_nothing_is_a_fault_with_its_line() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let page = |text: &str| File { path: "src/page.md".to_owned(), text: text.to_owned() };
        assert_eq!(
            faults(root, &page("[x](main.rs) [y](../Cargo.toml) [z](https://example.org/none)")),
            [""; 0]
        );
        let gone = faults(root, &page("\n[x](gone.md)"));
        assert_eq!(gone, ["src/page.md:2: the link `gone.md` leads nowhere"]);
    }
}
