//! What a commit changed, in brief.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{DependencyId, TaskId};

/// What a commit changed. Dependencies are compared by their ends.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeSummary {
    /// The change in one word.
    pub modification_type: ModificationType,
    /// Tasks that are new, in the order of insertion.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added_tasks: Vec<TaskId>,
    /// Tasks that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed_tasks: Vec<TaskId>,
    /// Names of the fields that changed, by task.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub modified_tasks: BTreeMap<TaskId, Vec<String>>,
    /// Edges that are new.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added_dependencies: Vec<DependencyId>,
    /// Edges that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed_dependencies: Vec<DependencyId>,
    /// Edges that ask something else, or have another note.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modified_dependencies: Vec<DependencyId>,
}

/// A change in one word: the first that applies, from the top.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModificationType {
    /// There was no graph.
    GraphCreated,
    /// Tasks came and went.
    TasksAddedAndRemoved,
    /// Tasks came.
    TasksAdded,
    /// Tasks went.
    TasksRemoved,
    /// Edges came and went.
    DependenciesModified,
    /// Edges came.
    DependenciesAdded,
    /// Edges went.
    DependenciesRemoved,
    /// Edges ask something else.
    DependencyPropertiesUpdated,
    /// Fields of tasks changed.
    TaskPropertiesUpdated,
    /// Nothing of the above.
    #[default]
    GraphUpdated,
}

impl ChangeSummary {
    /// The summary with its type, as the lists have it. `created`: there was no graph before.
    #[must_use]
    pub fn typed(mut self, created: bool) -> Self {
        use ModificationType as Type;
        let come_and_gone =
            |added: bool, removed: bool, both: Type, come: Type, gone: Type| match (added, removed) {
                (true, true) => Some(both),
                (true, false) => Some(come),
                (false, true) => Some(gone),
                (false, false) => None,
            };
        let tasks = come_and_gone(
            !self.added_tasks.is_empty(),
            !self.removed_tasks.is_empty(),
            Type::TasksAddedAndRemoved,
            Type::TasksAdded,
            Type::TasksRemoved,
        );
        let dependencies = come_and_gone(
            !self.added_dependencies.is_empty(),
            !self.removed_dependencies.is_empty(),
            Type::DependenciesModified,
            Type::DependenciesAdded,
            Type::DependenciesRemoved,
        );
        let edges = (!self.modified_dependencies.is_empty()).then_some(Type::DependencyPropertiesUpdated);
        let fields = (!self.modified_tasks.is_empty()).then_some(Type::TaskPropertiesUpdated);
        self.modification_type = if created && !self.added_tasks.is_empty() {
            Type::GraphCreated
        } else {
            tasks.or(dependencies).or(edges).or(fields).unwrap_or_default()
        };
        self
    }
}
