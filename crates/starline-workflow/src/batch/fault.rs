//! What is wrong with an edit, told as the check tells it.

use std::collections::BTreeMap;

use starline_edit::{Code, Fault};
use starline_types::TaskId;

use crate::excerpt::printable;
use crate::problem::{
    DUPLICATE_DEPENDENCY, DUPLICATE_TASK, INVALID_CONDITION, INVALID_ID, LIMIT_EXCEEDED, Mark, Problem,
    Report, UNKNOWN_DEVICE, UNKNOWN_FIELD, UNKNOWN_TASK, UNSUPPORTED_FIELD,
};
use crate::tree::{Shape, View};

/// Longest item, in characters.
const ITEM: usize = 256;

/// What the faults of an edit are about.
#[derive(Debug)]
pub(super) struct Subject<'t> {
    /// The edit, or what else the batch has.
    pub(super) view: View<'t>,
    /// Where it names nothing of its own.
    pub(super) item: String,
    /// Where tasks of a whole graph begin, by rising place.
    pub(super) tasks: Vec<(Mark, String)>,
}

impl Subject<'_> {
    /// The task that a place is in, else the edit as a whole.
    fn item(&self, at: Mark) -> &str {
        let behind = self.tasks.partition_point(|(begin, _)| *begin <= at);
        let task = behind.checked_sub(1).and_then(|at| self.tasks.get(at));
        task.map_or(&self.item, |(_, id)| id)
    }
}

/// The problems of a reading as faults of an edit, in the order in which they stand.
pub(super) fn faults(edit: usize, report: Report, subject: &Subject<'_>) -> Vec<Fault> {
    let problems = report.finish("");
    let is_about_fields = problems.iter().any(|problem| code(&problem.code) == Code::UnknownField);
    let mut keys = BTreeMap::new();
    if is_about_fields {
        collect_keys(subject.view, &mut keys);
    }
    let fault = |problem: &Problem| {
        let (code, at) = (code(&problem.code), problem.mark());
        let field = keys.get(&at).copied().filter(|_| code == Code::UnknownField);
        let mut fault =
            Fault::new(edit, code, item(field.unwrap_or_else(|| subject.item(at))), problem.message.as_str());
        fault.hint.clone_from(&problem.hint);
        fault.path = problem.path.iter().filter_map(|id| TaskId::new(id).ok()).collect();
        fault
    };
    problems.iter().map(fault).collect()
}

/// The beginning of a text, without what would harm a terminal.
pub(super) fn item(text: &str) -> String {
    printable(text).chars().take(ITEM).collect()
}

/// Where each key stands. Recurses as deeply as the text, which is limited.
fn collect_keys<'t>(view: View<'t>, keys: &mut BTreeMap<Mark, &'t str>) {
    match view.shape() {
        Shape::Map(map) => {
            for entry in map.entries() {
                keys.insert(entry.at, entry.key);
                collect_keys(entry.value, keys);
            }
        }
        Shape::List(list) => list.items().for_each(|item| collect_keys(item, keys)),
        Shape::Scalar(_) => {}
    }
}

/// The code that edits have for a problem of a file.
fn code(word: &str) -> Code {
    const CODES: [(&str, Code); 14] = [
        (UNKNOWN_FIELD, Code::UnknownField),
        (UNSUPPORTED_FIELD, Code::UnknownField),
        (INVALID_ID, Code::InvalidId),
        (DUPLICATE_DEPENDENCY, Code::DuplicateDependency),
        (DUPLICATE_TASK, Code::DuplicateTask),
        (UNKNOWN_TASK, Code::UnknownTask),
        (UNKNOWN_DEVICE, Code::UnknownDevice),
        (INVALID_CONDITION, Code::InvalidCondition),
        (LIMIT_EXCEEDED, Code::LimitExceeded),
        ("self_dependency", Code::SelfDependency),
        ("would_cycle", Code::WouldCycle),
        ("invalid_template", Code::InvalidTemplate),
        ("reference_not_upstream", Code::ReferenceNotUpstream),
        (EMPTY_UPDATE, Code::EmptyUpdate),
    ];
    CODES.iter().find(|(known, _)| *known == word).map_or(Code::InvalidValue, |(_, code)| *code)
}

/// An update says nothing that changes.
pub(super) const EMPTY_UPDATE: &str = "empty_update";
