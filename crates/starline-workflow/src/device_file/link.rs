//! What is known about the network between devices.

use std::collections::BTreeMap;

use starline_types::DeviceId;

use super::file::Known;
use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::problem::{INVALID_VALUE, Mark, Report, UNKNOWN_DEVICE};
use crate::tree::View;

/// The network between two devices, in both directions.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Link {
    /// The two devices, which differ.
    pub between: [DeviceId; 2],
    /// Bytes per second; never zero.
    pub bandwidth: u64,
}

impl Link {
    /// A link of a bandwidth in bytes per second.
    #[must_use]
    pub fn new(between: [DeviceId; 2], bandwidth: u64) -> Self {
        Self { between, bandwidth }
    }
}

pub(super) fn read(section: &Field<'_>, known: &Known, report: &mut Report) -> Vec<Link> {
    let Some(list) = section.value.list() else {
        let problem = section.wrong(section.value, "a list of links", report);
        problem.hint("write `links: [{ between: [A, B], bandwidth: 100MB/s }]`");
        return Vec::new();
    };
    let mut seen: BTreeMap<[DeviceId; 2], Mark> = BTreeMap::new();
    let mut links = Vec::with_capacity(list.len());
    for item in list.items() {
        let Some(link) = link(item, known, report) else { continue };
        let mut ends = link.between.clone();
        ends.sort_unstable();
        if let Some(first) = seen.get(&ends) {
            let message = format!("the link between {} and {} is there twice", ends[0], ends[1]);
            let hint = format!("the first is in line {}; a link is for both directions", first.line);
            report.add(item.mark(), INVALID_VALUE, message).hint(hint);
        } else {
            seen.insert(ends, item.mark());
        }
        links.push(link);
    }
    links
}

fn link(item: View<'_>, known: &Known, report: &mut Report) -> Option<Link> {
    let mut fields = Fields::read(item, item.mark(), What::new("a link"), report)?;
    let ends = fields.need("between", "write `between: [A, B]` with the ids of two devices", report);
    let ends = ends.and_then(|field| pair(&field, known, report));
    let rate = fields.need("bandwidth", "write `bandwidth: 100MB/s`", report);
    let rate = rate.and_then(|field| {
        let bytes = field.amount_as("bytes per second, such as 100MB/s", report)?;
        if bytes == 0 {
            let problem = field.wrong(field.value, "a bandwidth above zero", report);
            problem.hint("leave the link out if nothing can be sent");
        }
        Some(bytes)
    });
    fields.close(report);
    Some(Link::new(ends?, rate?))
}

fn pair(field: &Field<'_>, known: &Known, report: &mut Report) -> Option<[DeviceId; 2]> {
    let items: Vec<View<'_>> = field.value.list().map(|list| list.items().collect()).unwrap_or_default();
    let &[first, second] = items.as_slice() else {
        let problem = field.wrong(field.value, "a list of two devices", report);
        problem.hint("write `between: [A, B]`");
        return None;
    };
    let ends = [first, second].map(|item| end(field, item, known, report));
    let [Some(first), Some(second)] = ends else { return None };
    if first == second {
        let message = format!("a link leads from {first} to itself");
        report.add(field.value.mark(), INVALID_VALUE, message).hint("name two devices");
        return None;
    }
    Some([first, second])
}

fn end(field: &Field<'_>, item: View<'_>, known: &Known, report: &mut Report) -> Option<DeviceId> {
    let own = Field { value: item, ..*field };
    let id = own.id(|text| DeviceId::new(text), report)?;
    if known.all && !known.ids.contains_key(&id) {
        let hint = report.hints.choices(id.as_str(), known.ids.keys().map(DeviceId::as_str));
        let message =
            format!("`between` of a link names {}, which is no device of the file", quoted(id.as_str()));
        report.add(item.mark(), UNKNOWN_DEVICE, message).hint = hint;
        return None;
    }
    Some(id)
}
