//! What undoes the work of a task.

use serde::{Deserialize, Serialize};

use crate::Payload;

/// What undoes the work of a task when its run is rolled back.
///
/// It may run more than once, and after work that was done in part or not at all: it has to allow for that. Its
/// templates may name the task itself beside what is upstream of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compensation {
    /// What is done.
    pub run: Payload,
}

impl Compensation {
    /// Key in the metadata of a task that undoes another one: the id of that task.
    pub const METADATA: &'static str = "compensates";
    /// What the id of a task that undoes another one ends with.
    pub const SUFFIX: &'static str = ".undo";
    /// Who commits these tasks.
    pub const AUTHOR: &'static str = "rollback";
}
