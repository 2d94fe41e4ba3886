//! Shrinking: the smallest schedule that still breaks the same rule.

use std::sync::Arc;

use starline_types::{GraphSpec, TaskSpec};

use super::Schedule;
use crate::oracle::Violation;

/// Schedules that are played at the most.
const BUDGET: usize = 600;

struct Search<'a> {
    best: Schedule,
    violation: Violation,
    left: usize,
    fails: &'a dyn Fn(&Schedule) -> Option<Violation>,
}

impl Schedule {
    /// Leaves out runs, tasks, edges, actions and faults for as long as the same oracle objects. The smaller
    /// schedule and what it does wrong; plays at most 600 schedules.
    #[must_use]
    pub fn shrink(&self, violation: &Violation) -> (Self, Violation) {
        self.shrink_by(violation, &|schedule| schedule.play().violation)
    }

    fn shrink_by(
        &self,
        violation: &Violation,
        fails: &dyn Fn(&Self) -> Option<Violation>,
    ) -> (Self, Violation) {
        let mut search = Search { best: self.clone(), violation: violation.clone(), left: BUDGET, fails };
        loop {
            let progress = search.runs() | search.actions() | search.tasks() | search.edges();
            if !(progress | search.knobs() | search.fields()) || search.left == 0 {
                return (search.best, search.violation);
            }
        }
    }
}

impl Search<'_> {
    /// Takes a smaller schedule if it fails in the same way.
    fn accept(&mut self, smaller: Schedule) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        match (self.fails)(&smaller) {
            // A graph that is not even taken is another matter.
            Some(found)
                if found.oracle == self.violation.oracle && (found.step > 0 || self.violation.step == 0) =>
            {
                (self.best, self.violation) = (smaller, found);
                true
            }
            _ => false,
        }
    }

    fn runs(&mut self) -> bool {
        let mut smaller = self.best.clone();
        smaller.runs.len() > 1 && smaller.runs.pop().is_some() && self.accept(smaller)
    }

    /// Leaves out parts of a list: halves first, single ones last.
    fn parts(
        &mut self,
        length: impl Fn(&Schedule) -> usize,
        without: impl Fn(&Schedule, usize, usize) -> Schedule,
    ) -> bool {
        let mut progress = false;
        let mut size = length(&self.best).div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < length(&self.best) {
                let end = (at + size).min(length(&self.best));
                if self.accept(without(&self.best, at, end)) {
                    progress = true;
                } else {
                    at = end;
                }
            }
            size /= 2;
        }
        progress
    }

    fn actions(&mut self) -> bool {
        self.parts(
            |schedule| schedule.actions.len(),
            |schedule, from, to| {
                let mut smaller = schedule.clone();
                smaller.actions.drain(from..to);
                smaller
            },
        )
    }

    fn tasks(&mut self) -> bool {
        let each = |run: usize| {
            move |schedule: &Schedule, from: usize, to: usize| {
                edited(schedule, run, |graph| {
                    let gone: Vec<_> = graph.tasks.drain(from..to).map(|task| task.id.clone()).collect();
                    graph.dependencies.retain(|edge| !gone.contains(&edge.from) && !gone.contains(&edge.to));
                })
            }
        };
        let mut progress = false;
        for run in 0..self.best.runs.len() {
            progress |= self.parts(|schedule| schedule.runs[run].graph.tasks.len(), each(run));
        }
        progress
    }

    fn edges(&mut self) -> bool {
        let mut progress = false;
        for run in 0..self.best.runs.len() {
            progress |= self.parts(
                |schedule| schedule.runs[run].graph.dependencies.len(),
                |schedule, from, to| {
                    edited(schedule, run, |graph| {
                        graph.dependencies.drain(from..to);
                    })
                },
            );
        }
        progress
    }

    fn knobs(&mut self) -> bool {
        let mut progress = false;
        for at in 0..self.best.knobs.percents().len() {
            let mut smaller = self.best.clone();
            let knobs = smaller.knobs.percents();
            if std::mem::take(knobs[at].1) > 0 {
                progress |= self.accept(smaller);
            }
        }
        for at in 0..self.best.extras.percents().len() {
            let mut smaller = self.best.clone();
            let extras = smaller.extras.percents();
            if std::mem::take(extras[at].1) > 0 {
                progress |= self.accept(smaller);
            }
        }
        if self.best.knobs.delay > 0 {
            let mut smaller = self.best.clone();
            smaller.knobs.delay = 0;
            progress |= self.accept(smaller);
        }
        progress
    }

    /// Makes tasks plainer.
    fn fields(&mut self) -> bool {
        let changes: [fn(&mut TaskSpec) -> bool; 7] = [
            |task| task.details.take().is_some(),
            |task| task.retry.take().is_some(),
            |task| task.device.take().is_some(),
            |task| task.queue_timeout.take().is_some(),
            |task| task.run_timeout.take().is_some(),
            |task| !std::mem::take(&mut task.outputs).is_empty(),
            |task| std::mem::take(&mut task.priority).value() != 50,
        ];
        let mut progress = false;
        for run in 0..self.best.runs.len() {
            for change in changes {
                let mut changed = false;
                let smaller = edited(&self.best, run, |graph| {
                    for task in &mut graph.tasks {
                        changed |= change(Arc::make_mut(task));
                    }
                });
                progress |= changed && self.accept(smaller);
            }
        }
        progress
    }
}

fn edited(schedule: &Schedule, run: usize, change: impl FnOnce(&mut GraphSpec)) -> Schedule {
    let mut smaller = schedule.clone();
    let plan = &mut smaller.runs[run];
    change(Arc::make_mut(&mut plan.graph));
    let tasks = &plan.graph.tasks;
    plan.assignments.retain(|(id, _)| tasks.iter().any(|task| task.id == *id));
    smaller
}
