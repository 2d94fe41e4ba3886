//! The reference: what a commit changed, found by comparing the graph before with the graph after.

use std::collections::{BTreeMap, BTreeSet};

use starline_edit::{ChangeSummary, ModificationType, TaskField};
use starline_types::{DependencyId, DependencyKind, TaskId};

use crate::reference::Model;

type Ends = (TaskId, TaskId);
/// What the edges between two tasks ask and say.
type Joined = BTreeMap<Ends, Vec<(DependencyKind, Option<String>)>>;

fn joined(model: &Model) -> Joined {
    let mut joined = Joined::new();
    for edge in &model.edges {
        let says = (edge.kind.clone(), edge.note.as_ref().map(ToString::to_string));
        joined.entry((edge.from.clone(), edge.to.clone())).or_default().push(says);
    }
    for edges in joined.values_mut() {
        edges.sort_by_key(|(kind, note)| (kind.to_string(), note.clone()));
    }
    joined
}

/// The ends behind the ids of a summary.
fn ends(ids: &[DependencyId], model: &Model) -> BTreeSet<Ends> {
    let named = |id: &DependencyId| {
        let found = model.edges.iter().find(|edge| edge.id == *id);
        found.map(|edge| (edge.from.clone(), edge.to.clone()))
    };
    ids.iter().map(|id| named(id).expect("an edge of the graph")).collect()
}

/// Panics where a summary does not say what happened between two graphs. Edges that went and came again may be
/// called modified even if they are as before.
#[track_caller]
pub(crate) fn agree(summary: &ChangeSummary, before: &Model, after: &Model) {
    let ids =
        |model: &Model| -> Vec<TaskId> { model.tasks.iter().map(|task| task.spec.id.clone()).collect() };
    let (old, new) = (ids(before), ids(after));
    let added: Vec<TaskId> = new.iter().filter(|id| !old.contains(id)).cloned().collect();
    let removed: BTreeSet<TaskId> = old.iter().filter(|id| !new.contains(id)).cloned().collect();
    assert_eq!(summary.added_tasks, added);
    assert_eq!(summary.removed_tasks.iter().cloned().collect::<BTreeSet<_>>(), removed);
    assert_eq!(summary.removed_tasks.len(), removed.len());
    let mut modified: BTreeMap<TaskId, Vec<String>> = BTreeMap::new();
    for task in &after.tasks {
        let known = before.task(&task.spec.id);
        let fields = known.map(|known| TaskField::differences(&known.spec, &task.spec)).unwrap_or_default();
        let mut names: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
        names.dedup();
        if !names.is_empty() {
            modified.insert(task.spec.id.clone(), names);
        }
    }
    assert_eq!(summary.modified_tasks, modified);
    let (old, new) = (joined(before), joined(after));
    let none = Vec::new();
    let all: BTreeSet<&Ends> = old.keys().chain(new.keys()).collect();
    let count = |joined: &Joined, ends: &Ends| joined.get(ends).unwrap_or(&none).len();
    let more = |ends: &&&Ends| count(&new, ends) > count(&old, ends);
    let fewer = |ends: &&&Ends| count(&new, ends) < count(&old, ends);
    let come: BTreeSet<Ends> = all.iter().filter(more).map(|ends| (*ends).clone()).collect();
    let gone: BTreeSet<Ends> = all.iter().filter(fewer).map(|ends| (*ends).clone()).collect();
    assert_eq!(ends(&summary.added_dependencies, after), come);
    assert_eq!(ends(&summary.removed_dependencies, before), gone);
    let changed = ends(&summary.modified_dependencies, after);
    assert!(changed.is_disjoint(&come) && changed.is_disjoint(&gone));
    for ends in all.iter().filter(|ends| old.get(**ends) != new.get(**ends)) {
        assert!(changed.contains(ends) || come.contains(ends) || gone.contains(ends), "{ends:?} is left out");
    }
    assert_eq!(summary.modification_type, kind(summary, before.tasks.is_empty()));
}

fn kind(summary: &ChangeSummary, was_empty: bool) -> ModificationType {
    let tasks = (summary.added_tasks.is_empty(), summary.removed_tasks.is_empty());
    let edges = (summary.added_dependencies.is_empty(), summary.removed_dependencies.is_empty());
    match (tasks, edges) {
        ((false, _), _) if was_empty => ModificationType::GraphCreated,
        ((false, false), _) => ModificationType::TasksAddedAndRemoved,
        ((false, true), _) => ModificationType::TasksAdded,
        ((true, false), _) => ModificationType::TasksRemoved,
        (_, (false, false)) => ModificationType::DependenciesModified,
        (_, (false, true)) => ModificationType::DependenciesAdded,
        (_, (true, false)) => ModificationType::DependenciesRemoved,
        _ if !summary.modified_dependencies.is_empty() => ModificationType::DependencyPropertiesUpdated,
        _ if !summary.modified_tasks.is_empty() => ModificationType::TaskPropertiesUpdated,
        _ => ModificationType::GraphUpdated,
    }
}
