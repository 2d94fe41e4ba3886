//! Parents and children of each task, by position.

use std::collections::BTreeSet;

use starline_types::{DependencyKind, GraphSpec};

use super::super::Warnings;
use super::positions;
use crate::excerpt::quoted;

/// Edges from both sides, which agree.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) parents: Vec<Vec<usize>>,
    pub(super) children: Vec<Vec<usize>>,
}

impl Links {
    pub(super) fn new(graph: &GraphSpec, warnings: &mut Warnings) -> Self {
        let positions = positions(graph);
        let none = vec![Vec::new(); graph.tasks.len()];
        let mut links = Self { parents: none.clone(), children: none };
        let mut seen = BTreeSet::new();
        for edge in &graph.dependencies {
            let ends = (positions.get(edge.from.as_str()), positions.get(edge.to.as_str()));
            let (Some(&from), Some(&to)) = ends else { continue };
            if seen.insert((from, to)) {
                links.parents[to].push(from);
                links.children[from].push(to);
            }
            if edge.kind != DependencyKind::Success {
                let parent = links.parents[to].iter().position(|parent| *parent == from).unwrap_or_default();
                let pointer = format!("/workflow/specification/tasks/{to}/parents/{parent}");
                let kind = quoted(&edge.kind.to_string());
                let message =
                    format!("{} runs after {} by {kind}, a plain parent is written", edge.to, edge.from);
                warnings.add("kind_lost", pointer, message);
            }
        }
        links
    }

    /// Positions in an order in which parents come before children. Tasks of a cycle and behind it are missing.
    pub(super) fn order(&self) -> Vec<usize> {
        let mut open: Vec<usize> = self.parents.iter().map(Vec::len).collect();
        let mut order: Vec<usize> = (0..open.len()).filter(|at| open[*at] == 0).collect();
        let mut next = 0;
        while let Some(&at) = order.get(next) {
            next += 1;
            for child in &self.children[at] {
                open[*child] -= 1;
                if open[*child] == 0 {
                    order.push(*child);
                }
            }
        }
        order
    }

    /// The longest way to the end of each task, its own length included.
    pub(super) fn longest(&self, length: impl Fn(usize) -> u64) -> Vec<u64> {
        let mut longest = vec![0; self.parents.len()];
        for at in self.order() {
            let before = self.parents[at].iter().map(|parent| longest[*parent]).max().unwrap_or_default();
            longest[at] = length(at).saturating_add(before);
        }
        longest
    }
}
