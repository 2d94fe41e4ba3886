//! Kinds of devices.

use crate::excerpt::quoted;
use crate::fields::{Field, Fields};
use crate::nearest;
use crate::problem::{INVALID_VALUE, Report, UNSUPPORTED_FIELD};

/// Words of the kinds that are read.
const WORDS: [&str; 5] = ["process", "simulated", "aip", "ssh", "mcp"];
/// Words of the kinds that the format has and this version does not read.
const LATER: [&str; 6] = ["browser", "adb", "nats", "docker", "hyperqueue", "local"];

/// How a device is reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Process,
    Simulated,
    Aip,
    Ssh,
    Mcp,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Process, Self::Simulated, Self::Aip, Self::Ssh, Self::Mcp];

    pub(super) fn word(self) -> &'static str {
        WORDS[self as usize]
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The kind of a device. An address by its Galaxy name says which.
    pub(super) fn read(
        fields: &mut Fields<'_>,
        galaxy_address: Option<Field<'_>>,
        report: &mut Report,
    ) -> Option<Self> {
        let field = match (fields.take("kind"), galaxy_address) {
            (Some(field), _) => field,
            (None, Some(_)) => return Some(Self::Aip),
            (None, None) => {
                fields.miss("kind", &format!("write `kind: {}`, or one of {}", WORDS[0], listed()), report);
                return None;
            }
        };
        let kind = known(&field, report);
        if let (Some(kind), Some(address)) = (kind, galaxy_address.filter(|_| kind != Some(Self::Aip))) {
            let message =
                format!("`kind` of {} is {}, and `{}` means aip", field.what, kind.word(), address.name);
            let hint = "leave `kind` out, or write `address` with what this kind asks for";
            report.add(field.value.mark(), INVALID_VALUE, message).hint(hint);
            return None;
        }
        kind
    }
}

fn listed() -> String {
    WORDS[1..].join(", ")
}

fn known(field: &Field<'_>, report: &mut Report) -> Option<Kind> {
    let word = field.text(report)?;
    let kind = Kind::from_word(word);
    if kind.is_none() && LATER.contains(&word) {
        let message = format!("devices of the kind {word} are not supported by this version");
        let problem = report.add(field.value.mark(), UNSUPPORTED_FIELD, message);
        problem.hint(format!("use one of {}", WORDS.join(", ")));
    } else if kind.is_none() {
        let message = format!("`kind` of {} is {}, which is no kind of device", field.what, quoted(word));
        report.add(field.value.mark(), INVALID_VALUE, message).hint = nearest::choices(word, &WORDS);
    }
    kind
}

/// Refuses a field that goes with other kinds.
pub(super) fn only_with(field: Option<Field<'_>>, kinds: &[Kind], kind: Option<Kind>, report: &mut Report) {
    let (Some(field), Some(kind)) = (field, kind) else { return };
    if kinds.contains(&kind) {
        return;
    }
    let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
    let owners = match words.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("kinds {} and {last}", rest.join(", ")),
        _ => format!("kind {}", words.concat()),
    };
    let (name, what, kind) = (field.name, field.what, kind.word());
    let message =
        format!("`{name}` of {what} goes with the {owners} only, and this device is of the kind {kind}");
    report.add(field.at, INVALID_VALUE, message).hint("leave it out, or choose another kind");
}
