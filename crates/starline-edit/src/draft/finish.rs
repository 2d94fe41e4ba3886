//! What is judged on the finished draft: cycles, references of templates, degrees.

use starline_types::TaskIx;

use super::steps::{Step, Steps};
use super::{Draft, Drafted};
use crate::{Code, Fault};

/// Tasks with too many edges that are named.
const NAMED: usize = 20;

impl Draft<'_, '_> {
    /// Inserts the edges, judging cycles, and looks at templates and degrees.
    pub(crate) fn finish(mut self) -> Drafted {
        // The levels of the cuts are those from before anything is inserted.
        self.look_behind_cuts();
        self.insert_edges();
        let has_cycle = self.faults.iter().any(|fault| fault.code == Code::WouldCycle);
        // An edit with a fault may bring what a template needs.
        if !self.refused.mends {
            self.check_references(has_cycle);
        }
        if !has_cycle {
            self.check_degrees();
        }
        self.faults.sort_by_key(|fault| fault.edit);
        let Self { faults, steps, judgements, added, .. } = self;
        Drafted { faults, steps: Steps(steps), judgements, added }
    }

    /// Templates may refer to tasks that no edge joins them with: what was taken out in between may be what joined
    /// them. Costs what such references there are, and looks only at those that lie around a cut.
    fn look_behind_cuts(&mut self) {
        if self.cuts.is_empty() || !self.graph.has_distant() {
            return;
        }
        for (source, task) in self.graph.distant() {
            if !self.graph.contains(task) {
                continue;
            }
            let level = self.graph.contains(source).then(|| self.graph.level(source));
            let around = |cut: &&super::Cut| {
                level.is_none_or(|level| level <= cut.from) && self.graph.level(task) >= cut.to
            };
            if let Some(edit) = self.cuts.iter().rfind(around).map(|cut| cut.edit) {
                self.touched.push((edit, task));
            }
        }
    }

    /// Where edges are missing because they would close cycles, what is upstream is not judged: only names that lead
    /// nowhere are told.
    fn check_references(&mut self, has_cycle: bool) {
        // What each template refers to: the edit, the task, the name, and the place of its pair if it exists.
        let mut references: Vec<(usize, TaskIx, String, Option<usize>)> = Vec::new();
        let mut pairs: Vec<(TaskIx, TaskIx)> = Vec::new();
        let mut touched = std::mem::take(&mut self.touched);
        // A task that several edits touch is looked at once: on account of the last of them.
        touched.sort_by_key(|(edit, task)| (*task, std::cmp::Reverse(*edit)));
        touched.dedup_by_key(|(_, task)| *task);
        self.check_names(&touched);
        for (edit, task) in touched {
            if !self.graph.contains(task) {
                continue;
            }
            let names = starline_graph::references(self.graph.spec(task));
            let mut distant = Vec::new();
            for name in names {
                let pair = self.graph.find(&name).map(|source| {
                    if self.graph.edges_between(source, task).is_empty() {
                        distant.push(source);
                    }
                    pairs.push((source, task));
                    pairs.len() - 1
                });
                references.push((edit, task, name, pair));
            }
            if !distant.is_empty() || self.graph.has_distant() {
                let before = self.graph.set_distant(task, distant.into());
                self.steps.push(Step::Distant { task, before });
            }
        }
        let upstream = if has_cycle { Vec::new() } else { self.graph.are_upstream(&pairs) };
        for (edit, task, name, pair) in references {
            let id = self.graph.id(task);
            let (message, hint) = match pair {
                // With a cycle nothing is known of it.
                Some(pair) if upstream.get(pair).copied().unwrap_or(true) => continue,
                Some(_) => {
                    // A task can never wait for itself.
                    let hint = format!("add a dependency from {name}, or leave the reference out");
                    let message = format!("task {id} refers to {name}, which is not upstream of it");
                    (message, Some(hint).filter(|_| name != id.as_str()))
                }
                None => (
                    format!("task {id} refers to {name}, which does not exist"),
                    self.hints.nearest_task(&name, self.graph),
                ),
            };
            let hint = hint.unwrap_or_else(|| "leave the reference out".to_owned());
            let fault = Fault::new(edit, Code::ReferenceNotUpstream, id, message);
            self.faults.push(fault.hint(hint));
        }
    }

    fn check_degrees(&mut self) {
        let limit = self.around.limits.degree;
        if limit >= self.graph.edge_count() {
            return;
        }
        let ends = self.steps.iter().filter_map(|step| match step {
            Step::Edge(edge) => self.graph.edge(*edge).map(|edge| (edge.from, edge.to)),
            _ => None,
        });
        let (mut outgoing, mut incoming): (Vec<TaskIx>, Vec<TaskIx>) = ends.unzip();
        for tasks in [&mut outgoing, &mut incoming] {
            tasks.sort_unstable();
            tasks.dedup();
        }
        // Up to as many edges were counted before; walking over the lists of others would cost their degree.
        let exceeds = |edges: &mut dyn Iterator<Item = TaskIx>| edges.nth(limit).is_some();
        let mut over: Vec<(TaskIx, &str, usize)> = Vec::new();
        for task in outgoing {
            if exceeds(&mut self.graph.successors(task)) {
                over.push((task, "out of", self.graph.out_degree(task)));
            }
        }
        for task in incoming {
            if exceeds(&mut self.graph.predecessors(task)) {
                over.push((task, "into", self.graph.in_degree(task)));
            }
        }
        over.sort_unstable();
        for (task, side, count) in over.into_iter().take(NAMED) {
            let id = self.graph.id(task);
            let message = format!("{count} dependencies {side} task {id}");
            self.faults
                .push(Fault::new(0, Code::LimitExceeded, id, message).hint(format!("at most {limit}")));
        }
    }
}
