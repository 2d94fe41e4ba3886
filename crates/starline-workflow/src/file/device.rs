//! What a task asks of a device.

use starline_types::{DeviceId, DeviceSelector, Resources};

use crate::fields::{Field, Fields, What};
use crate::problem::Report;

/// Parts of the format that this version does not read.
const LATER: [&str; 3] = ["near", "apart", "spread"];

pub(super) fn read(section: &Field<'_>, task: &str, report: &mut Report) -> DeviceSelector {
    let mut selector = DeviceSelector::default();
    if section.value.scalar().is_some() {
        let problem = section.wrong(section.value, "a mapping", report);
        problem.hint("write `device: { on: ID }`, or `prefer` for a wish");
        return selector;
    }
    let what = What::named("device of task", task);
    let Some(mut fields) = Fields::read(section.value, section.at, what, report) else { return selector };
    selector.on = fields.take("on").and_then(|field| field.id(|text| DeviceId::new(text), report));
    selector.prefer = fields.take("prefer").and_then(|field| field.id(|text| DeviceId::new(text), report));
    selector.os = fields.take("os").and_then(|field| field.string(report));
    selector.needs = fields.take("needs").and_then(|field| field.texts(report)).unwrap_or_default();
    if let Some(field) = fields.take("resources") {
        selector.resources = resources(&field, report);
    }
    fields.refuse(&LATER, report);
    fields.close(report);
    selector
}

/// Amounts by name.
pub(crate) fn resources(section: &Field<'_>, report: &mut Report) -> Resources {
    let mut amounts = Resources::default();
    let Some(map) = section.value.map() else {
        let problem = section.wrong(section.value, "a mapping from names to amounts", report);
        problem.hint("write `{ cpu_cores: 4, memory: 32GiB }`");
        return amounts;
    };
    for entry in map.entries() {
        let field = Field { name: entry.key, at: entry.at, value: entry.value, what: section.what };
        if let Some(amount) = field.amount(report) {
            amounts.0.insert(entry.key.to_owned(), amount);
        }
    }
    amounts
}
