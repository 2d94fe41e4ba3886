//! YAML or JSON as a plain value.

use serde_json::Value;

use crate::problem::{Problem, Report, Stop};
use crate::tree::{Tree, text};

/// Reads YAML or JSON of any shape as one JSON value, within the limits of a workflow file: for programs that pass on
/// what people write. Costs O(bytes).
///
/// ```
/// let value = starline_workflow::read_value(b"{ run: { sleep: 5s }, tips: [a, 1] }").expect("YAML");
/// assert_eq!(value["tips"][1], 1);
/// ```
///
/// # Errors
/// It is not YAML, or beyond a limit.
pub fn read_value(bytes: &[u8]) -> Result<Value, Vec<Problem>> {
    let mut report = Report::default();
    let Ok(source) = text(bytes, &mut report) else { return Err(report.finish("")) };
    match Tree::read(source, &mut report).map(|tree| tree.root().json(&mut report)) {
        Ok(value) if report.is_empty() => Ok(value),
        Ok(_) | Err(Stop) => Err(report.finish(source)),
    }
}
