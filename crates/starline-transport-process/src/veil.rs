//! Keeps the secrets of an attempt out of whatever leaves it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use starline_device::{ErrorKind, Mask, Secret, Secrets, TaskError, TaskReport, Value};

/// Masking makes a text longer by less than this factor.
const GROWTH: usize = 3;

/// The secrets of one attempt, and what hides them.
#[derive(Debug, Default)]
pub(crate) struct Veil {
    /// By the names of environment variables.
    secrets: BTreeMap<String, Secret>,
    mask: Mask,
    hold: usize,
}

impl Veil {
    /// The secrets that a task names, with the variables they are for.
    pub(crate) fn new(named: &BTreeMap<String, String>, known: &Secrets) -> Result<Self, TaskError> {
        let find = |(variable, name): (&String, &String)| match known.get(name) {
            Some(secret) => Ok((variable.clone(), secret.clone())),
            None => {
                let message =
                    format!("secret `{name}` for the variable {variable:?} is not given to this device");
                Err(TaskError::new(ErrorKind::PermissionDenied, message))
            }
        };
        let secrets: BTreeMap<_, _> = named.iter().map(find).collect::<Result<_, _>>()?;
        let mask = Mask::new(secrets.values());
        // As long as the mask looks for: a text of JSON is never shorter than what it says.
        let longest = secrets.values().map(|secret| Value::from(secret.expose()).to_string().len()).max();
        let hold = if mask.is_empty() { 0 } else { longest.unwrap_or_default() * GROWTH };
        Ok(Self { secrets, mask, hold })
    }

    /// Variables and their secrets.
    pub(crate) fn secrets(&self) -> &BTreeMap<String, Secret> {
        &self.secrets
    }

    /// Bytes at the open end of a text in which the beginning of a secret may be; 0 if there is none to hide.
    pub(crate) fn hold(&self) -> usize {
        self.hold
    }

    /// The text without the secrets.
    pub(crate) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.mask.apply(text)
    }

    /// The report without the secrets.
    pub(crate) fn report(&self, report: TaskReport) -> TaskReport {
        if self.mask.is_empty() {
            return report;
        }
        match report {
            TaskReport::Completed { mut result, stdout } => {
                self.value(&mut result);
                let stdout = stdout.map(|text| match self.text(&text) {
                    Cow::Owned(masked) => masked.into(),
                    Cow::Borrowed(_) => text.clone(),
                });
                TaskReport::Completed { result, stdout }
            }
            TaskReport::Failed { mut error, mut result } => {
                self.string(&mut error.message);
                self.value(&mut result);
                TaskReport::Failed { error, result }
            }
            TaskReport::Stopped => TaskReport::Stopped,
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => {
                if members.keys().any(|name| matches!(self.text(name), Cow::Owned(_))) {
                    let all = std::mem::take(members);
                    members
                        .extend(all.into_iter().map(|(name, value)| (self.text(&name).into_owned(), value)));
                }
                members.values_mut().for_each(|member| self.value(member));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn string(&self, text: &mut String) {
        if let Cow::Owned(masked) = self.text(text) {
            *text = masked;
        }
    }
}

/// The largest length up to `end` that ends between two characters.
pub(crate) fn boundary(text: &str, end: usize) -> usize {
    (0..=end.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn veil(text: &str) -> Veil {
        let known = Secrets::from_iter([("NAME".to_owned(), Secret::new(text))]);
        Veil::new(&[("VARIABLE".to_owned(), "NAME".to_owned())].into(), &known).expect("a known secret")
    }

    #[test]
    fn a_report_is_masked_in_every_place() {
        let veil = veil("canary");
        let result = json!({"stdout": "a canary", "files": {"canary.csv": {"name": ["the canary"]}}, "n": 1});
        let masked = json!({
            "stdout": "a [redacted]", "files": {"[redacted].csv": {"name": ["the [redacted]"]}}, "n": 1,
        });
        let report = TaskReport::Completed { result: result.clone(), stdout: Some("a canary".into()) };
        let expected = TaskReport::Completed { result: masked.clone(), stdout: Some("a [redacted]".into()) };
        assert_eq!(veil.report(report.clone()), expected);
        assert_eq!(Veil::default().report(report.clone()), report);
        let error = |text: &str| TaskError::new(ErrorKind::ExitStatus, text);
        let report = TaskReport::Failed { error: error("said canary"), result };
        assert_eq!(
            veil.report(report),
            TaskReport::Failed { error: error("said [redacted]"), result: masked }
        );
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        let named = [("TOKEN".to_owned(), "PAGER".to_owned())].into();
        let error = Veil::new(&named, &Secrets::default()).expect_err("refused");
        assert_eq!(error.kind, ErrorKind::PermissionDenied);
        assert!(error.message.contains("`PAGER`") && error.message.contains("\"TOKEN\""), "{error}");
    }

    #[test]
    fn it_holds_back_nothing_without_secrets() {
        assert_eq!(Veil::default().hold(), 0);
        assert_eq!(veil("abc").hold(), 0, "too short to be looked for");
        assert!(veil("canary\n\"x\"").hold() >= 24);
        assert_eq!(boundary("aä", 2), 1);
        assert_eq!(boundary("aä", 9), 3);
    }
}
