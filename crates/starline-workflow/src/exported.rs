//! What exports hand out.

use crate::Warning;
use crate::tree::MAX_FILE_BYTES;

/// Bytes in a mebibyte.
const MEBI: usize = 1 << 20;

/// A workflow in the format of another system.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Exported {
    /// The file: JSON, indented by two spaces, with a line break at the end.
    pub json: String,
    /// What could not be written as it is, in the order of the file. `not_importable` is about the file as a whole:
    /// it is larger than files that are read may be.
    pub warnings: Vec<Warning>,
}

impl Exported {
    pub(crate) fn new(json: String, mut warnings: Vec<Warning>) -> Self {
        if json.len() > MAX_FILE_BYTES {
            warnings.insert(0, not_importable(json.len()));
        }
        Self { json, warnings }
    }
}

fn not_importable(bytes: usize) -> Warning {
    // Rounded up, so that what is too large looks so.
    let tenths = bytes.saturating_mul(10).div_ceil(MEBI);
    let (size, rest) = (tenths / 10, tenths % 10);
    let message =
        format!("the file has {size}.{rest} MiB, and files of up to {} MiB are read", MAX_FILE_BYTES / MEBI);
    Warning::new("not_importable", String::new(), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_too_large_to_be_read_are_told() {
        let codes = |bytes: usize| {
            let exported = Exported::new(" ".repeat(bytes), Vec::new());
            let shown = exported.warnings.into_iter();
            shown.map(|warning| format!("{}: {}", warning.code, warning.message)).collect::<Vec<_>>()
        };
        assert_eq!(codes(MAX_FILE_BYTES), [""; 0]);
        let told = "not_importable: the file has 16.1 MiB, and files of up to 16 MiB are read";
        assert_eq!(codes(MAX_FILE_BYTES + 1), [told]);
    }
}
