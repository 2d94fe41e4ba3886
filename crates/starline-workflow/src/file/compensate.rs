//! What undoes a task: the field `compensate`.

use starline_types::Compensation;

use super::secrets::Secrets;
use super::work;
use crate::fields::{Field, Fields, What};
use crate::problem::Report;

/// A mapping with what is done: further fields may follow it.
pub(super) fn read(
    section: &Field<'_>,
    task: &str,
    declared: &Secrets,
    report: &mut Report,
) -> Option<Compensation> {
    let what = What::named("compensate of task", task);
    let mut fields = Fields::of(section, what, "compensate: { run: { sh: \"…\" } }", report)?;
    let run = fields.need("run", "write what undoes the task: `run: { sh: \"…\" }`", report);
    let what = What::named("run of compensate of task", task);
    let run = run.map(|field| work::read(&field, what, declared, report));
    fields.displaced(&work::FIELDS, "run", report);
    fields.close(report);
    run.map(|run| Compensation { run })
}
