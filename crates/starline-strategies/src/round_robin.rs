//! One device after the other.

use std::collections::BTreeMap;

use starline_assign::{
    AssignmentStrategy, Binding, DeviceId, DeviceIx, Edit, Event, GraphSpec, PlaceError, Placement, Round,
    TaskField, TaskId, TaskSpec, Unplaced,
};

use crate::preference::preferred;

/// Places each task on the next device in turn: with `k` tasks placed so far, on candidate `k` modulo the
/// number of candidates, in order of registration.
///
/// A task whose preferred device fits goes there, and `k` stays as it is. `k` starts at 0 with the run and is
/// learned from facts: it is the number of placements that `run_ready` and `tasks_placed` name, without those
/// on the device that the specification of the task prefers. Placements that somebody made by hand count as
/// well, since nothing tells them from others.
///
/// O(tasks * log devices). In a round with late binding, as a fallback meets, the candidates are the devices
/// with a free slot, `k` starts where the plans left it, and the cost is O(tasks * devices).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RoundRobin {
    /// Tasks placed so far without a preference.
    placed: u64,
    /// Tasks that prefer a device.
    preferences: BTreeMap<TaskId, DeviceId>,
}

impl RoundRobin {
    /// The name in files and events.
    pub const NAME: &'static str = "round_robin";

    fn learn_graph(&mut self, graph: &GraphSpec) {
        graph.tasks.iter().for_each(|task| self.learn_task(task));
    }

    fn learn_task(&mut self, task: &TaskSpec) {
        self.learn_preference(&task.id, task.preference());
    }

    fn learn_preference(&mut self, task: &TaskId, preference: Option<&DeviceId>) {
        match preference {
            Some(device) => {
                self.preferences.insert(task.clone(), device.clone());
            }
            // An earlier task of this id may have had one.
            None if self.preferences.is_empty() => {}
            None => {
                self.preferences.remove(task);
            }
        }
    }

    fn learn_edit(&mut self, edit: &Edit) {
        match edit {
            Edit::AddTask { task, .. } => self.learn_task(task),
            Edit::UpdateTask { id, set } => {
                for field in set {
                    if let TaskField::Device(device) = field {
                        let preference = device.as_ref().and_then(|device| device.prefer.as_ref());
                        self.learn_preference(id, preference);
                    }
                }
            }
            Edit::RemoveTask { id } => {
                self.preferences.remove(id);
            }
            Edit::AddDependency(_) | Edit::UpdateDependency { .. } | Edit::RemoveDependency { .. } => {}
            Edit::Clear => self.preferences.clear(),
            Edit::Merge { graph, prefix } => {
                for task in &graph.tasks {
                    if let Ok(id) = TaskId::new(format!("{prefix}{}", task.id)) {
                        self.learn_preference(&id, task.preference());
                    }
                }
            }
            Edit::Restore { tasks, .. } => tasks.iter().for_each(|(_, task)| self.learn_task(task)),
            Edit::Build { graph, clear_existing } => {
                if *clear_existing {
                    self.preferences.clear();
                }
                self.learn_graph(graph);
            }
        }
    }

    /// Whether a device was found in turn. One that was found by preference is the preferred one, and in turn
    /// that one is never found: if it were a candidate, it would have been taken by preference.
    fn was_in_turn(&self, placement: &Placement) -> bool {
        let Some(device) = &placement.device else { return false };
        self.preferences.get(placement.task.id()) != Some(device.id())
    }
}

impl AssignmentStrategy for RoundRobin {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn binding(&self) -> Binding {
        Binding::Early
    }

    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
        let mut k = self.placed;
        for task in round.tasks() {
            if let Some(device) = preferred(round, task) {
                round.place(task.ix, device)?;
            } else if let Some(device) = in_turn(round, task, k) {
                round.place(task.ix, device)?;
                k += 1;
            }
        }
        Ok(())
    }

    fn observe(&mut self, event: &Event) {
        match event {
            Event::RunCreated { graph, .. } => {
                *self = Self::default();
                self.learn_graph(graph);
            }
            Event::EditCommitted(applied) => {
                applied.batch.edits.iter().for_each(|edit| self.learn_edit(edit))
            }
            Event::RunReady { assignments, .. } | Event::TasksPlaced { assignments } => {
                let in_turn = assignments.iter().filter(|placement| self.was_in_turn(placement)).count();
                self.placed += in_turn as u64;
            }
            _ => {}
        }
    }
}

/// Candidate `k`, counted round and round.
fn in_turn(round: &Round<'_>, task: &Unplaced<'_>, k: u64) -> Option<DeviceIx> {
    let candidates = round.candidates_of(task.class);
    let place = |count: usize| usize::try_from(k.checked_rem(count as u64)?).ok();
    let found = match round.binding() {
        Binding::Early => candidates.nth(place(candidates.len())?),
        Binding::Late => candidates.iter().nth(place(candidates.iter().count())?),
    };
    found.map(|device| device.ix)
}
