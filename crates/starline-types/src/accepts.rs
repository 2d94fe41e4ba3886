//! Which payloads a device takes.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Payload, PayloadKind};

/// Which payloads a device takes: their kinds and, where only some may run, the programs of `exec`.
///
/// A device takes everything unless something is said.
///
/// ```
/// use starline_types::{Accepts, PayloadKind};
///
/// let careful = Accepts::only([PayloadKind::Noop, PayloadKind::Exec]).with_programs(["grep"]);
/// assert!(!careful.takes(PayloadKind::Sh));
/// assert!(careful.may_start("/usr/bin/grep") && !careful.may_start("rm"));
/// assert!(Accepts::default().takes(PayloadKind::Prompt));
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Accepts {
    /// One bit for each kind.
    kinds: u8,
    programs: Option<Arc<BTreeSet<String>>>,
}

impl Accepts {
    /// These kinds and no others.
    #[must_use]
    pub fn only(kinds: impl IntoIterator<Item = PayloadKind>) -> Self {
        let kinds = kinds.into_iter().fold(0, |mask, kind| mask | 1 << kind as u8);
        Self { kinds, programs: None }
    }

    /// The same with a list of programs, by the names of their files: `exec` of anything else is not taken.
    #[must_use]
    pub fn with_programs<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.programs = Some(Arc::new(names.into_iter().map(Into::into).collect()));
        self
    }

    /// Whether everything is taken.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether payloads of a kind are taken.
    #[must_use]
    pub fn takes(&self, kind: PayloadKind) -> bool {
        self.kinds & (1 << kind as u8) != 0
    }

    /// The kinds that are taken, in the order of [`PayloadKind::ALL`].
    pub fn kinds(&self) -> impl Iterator<Item = PayloadKind> + '_ {
        PayloadKind::ALL.into_iter().filter(|kind| self.takes(*kind))
    }

    /// The names of the programs that may run, if only some may.
    #[must_use]
    pub fn programs(&self) -> Option<&BTreeSet<String>> {
        self.programs.as_deref()
    }

    /// Whether the list of programs, if there is one, has a program. A template is given the benefit of the doubt.
    #[must_use]
    pub fn may_start(&self, program: &str) -> bool {
        self.programs
            .as_ref()
            .is_none_or(|names| program_name(program).is_none_or(|name| names.contains(name)))
    }

    /// Whether a payload is taken, as far as that can be told before its templates are filled in.
    #[must_use]
    pub fn admits(&self, payload: &Payload) -> bool {
        self.takes(payload.tag()) && payload.program().is_none_or(|program| self.may_start(program))
    }
}

impl Default for Accepts {
    fn default() -> Self {
        Self::only(PayloadKind::ALL)
    }
}

/// The name by which lists of programs know a program; `None` as long as it is a template.
#[must_use]
pub fn program_name(program: &str) -> Option<&str> {
    if program.contains("{{") || program.contains("{%") {
        return None;
    }
    program.trim_end_matches('/').rsplit('/').next()
}

/// As it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kinds: Vec<PayloadKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    programs: Option<Arc<BTreeSet<String>>>,
}

impl From<Written> for Accepts {
    fn from(written: Written) -> Self {
        Self { programs: written.programs, ..Self::only(written.kinds) }
    }
}

impl From<Accepts> for Written {
    fn from(accepts: Accepts) -> Self {
        Self { kinds: accepts.kinds().collect(), programs: accepts.programs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let accepts = Accepts::only([PayloadKind::Exec, PayloadKind::Noop]).with_programs(["b", "a"]);
        let text = serde_json::to_string(&accepts).expect("json");
        assert_eq!(text, r#"{"kinds":["noop","exec"],"programs":["a","b"]}"#);
        assert_eq!(serde_json::from_str::<Accepts>(&text).expect("the same"), accepts);
        assert!(Accepts::default().is_everything() && !accepts.is_everything());
    }

    #[test]
    fn programs_are_known_by_the_names_of_their_files() {
        let accepts = Accepts::default().with_programs(["grep"]);
        for (program, expected) in [
            ("grep", true),
            ("/usr/bin/grep", true),
            ("./grep", true),
            ("grep2", false),
            ("", false),
            ("{{ inputs.tool }}", true),
            ("/bin/{% if x %}a{% endif %}", true),
        ] {
            assert_eq!(accepts.may_start(program), expected, "{program}");
        }
    }
}
