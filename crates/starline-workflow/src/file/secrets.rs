//! Names of secrets: declared by the file, asked for by tasks.

use std::collections::{BTreeMap, BTreeSet};

use super::name::{NAME_RULE, is_name};
use crate::excerpt::quoted;
use crate::fields::Field;
use crate::problem::{INVALID_VALUE, Report, UNKNOWN_SECRET};

/// The names that a file declares.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    /// In the order of the file.
    pub(super) names: Vec<String>,
    known: BTreeSet<String>,
    /// Whether the declaration could not be read, so that any name may have been meant.
    unreadable: bool,
}

impl Secrets {
    /// The names that a run has; `None`: any may be meant.
    pub(crate) fn of(names: Option<&[String]>) -> Self {
        let known = names.unwrap_or_default();
        Self { names: known.to_vec(), known: known.iter().cloned().collect(), unreadable: names.is_none() }
    }

    pub(super) fn read(section: &Field<'_>, report: &mut Report) -> Self {
        let mut secrets = Self::default();
        let Some(list) = section.value.list() else {
            let problem = section.wrong(section.value, "a list of names", report);
            problem.hint("write `secrets: [NAME]`; values never stand in a workflow file").conceal();
            secrets.unreadable = true;
            return secrets;
        };
        for item in list.items() {
            let Some(name) = section.text_at(item, report) else { continue };
            if !is_name(name) {
                let message = format!("{} cannot be the name of a secret", quoted(name));
                report.add(item.mark(), INVALID_VALUE, message).hint(NAME_RULE);
            } else if secrets.known.contains(name) {
                let message = format!("secret {} is declared twice", quoted(name));
                report.add(item.mark(), INVALID_VALUE, message).hint("leave one out");
            }
            if secrets.known.insert(name.to_owned()) {
                secrets.names.push(name.to_owned());
            }
        }
        secrets
    }

    /// What a task asks for: names of secrets by environment variable.
    pub(super) fn asked(
        &self,
        section: &Field<'_>,
        env: Option<&Field<'_>>,
        report: &mut Report,
    ) -> BTreeMap<String, String> {
        let mut asked = BTreeMap::new();
        let Some(map) = section.value.map() else {
            let expected = "a mapping from environment variables to names of secrets";
            let problem = section.wrong(section.value, expected, report);
            problem.hint("write `secrets: { TOKEN: PAGER_TOKEN }`");
            return asked;
        };
        let env = env.and_then(|env| env.value.map()).into_iter().flat_map(|map| map.entries());
        let env: BTreeSet<&str> = env.map(|entry| entry.key).collect();
        for entry in map.entries() {
            let (variable, what) = (quoted(entry.key), section.what);
            let is_variable = !entry.key.is_empty() && !entry.key.contains(['=', '\0']);
            if !is_variable {
                let message = format!("`secrets` of {what} has {variable}, which is no environment variable");
                report.add(entry.at, INVALID_VALUE, message).hint("write `secrets: { VARIABLE: SECRET }`");
            }
            if env.contains(entry.key) {
                let message = format!("variable {variable} is in both `env` and `secrets` of {what}");
                report.add(entry.at, INVALID_VALUE, message).hint("leave one out");
            }
            let Some(name) = section.text_at(entry.value, report) else { continue };
            if !self.unreadable && !self.known.contains(name) {
                let message = format!("{what} asks for secret {}, which is not declared", quoted(name));
                let hint = report.hints.choices(name, self.names.iter().map(String::as_str));
                report.add(entry.value.mark(), UNKNOWN_SECRET, message).hint(
                    hint.unwrap_or_else(|| format!("declare it at the top of the file: `secrets: [{name}]`")),
                );
            }
            if is_variable {
                asked.insert(entry.key.to_owned(), name.to_owned());
            }
        }
        asked
    }
}
