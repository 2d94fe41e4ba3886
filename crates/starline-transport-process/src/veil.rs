//! Keeps the secrets of an attempt out of whatever leaves it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use starline_device::{ErrorKind, Mask, SHORTEST_SECRET, Secret, Secrets, TaskError, TaskReport};

/// Masking makes a text longer by less than this factor.
const GROWTH: usize = 3;

/// The secrets of one attempt, and what hides them and those of others: an attempt may find what another one has left.
#[derive(Debug, Default)]
pub(crate) struct Veil {
    /// By the names of environment variables.
    secrets: BTreeMap<String, Secret>,
    mask: Mask,
    hold: usize,
}

impl Veil {
    /// The secrets that a task names, with the variables they are for. All that are known are hidden.
    pub(crate) fn new(named: &BTreeMap<String, String>, known: &Secrets) -> Result<Self, TaskError> {
        let find = |(variable, name): (&String, &String)| match known.get(name) {
            Some(secret) if secret.width() < SHORTEST_SECRET => {
                let width = secret.width();
                let message = format!(
                    "secret `{name}` has {width} characters; at least {SHORTEST_SECRET}, since shorter ones cannot \
                     be masked"
                );
                Err(TaskError::new(ErrorKind::PermissionDenied, message))
            }
            Some(secret) => Ok((variable.clone(), secret.clone())),
            None => {
                let message =
                    format!("secret `{name}` for the variable {variable:?} is not given to this device");
                Err(TaskError::new(ErrorKind::PermissionDenied, message))
            }
        };
        let secrets: BTreeMap<_, _> = named.iter().map(find).collect::<Result<_, _>>()?;
        let mask = Mask::new(known.iter().map(|(_, secret)| secret));
        let hold = mask.reach() * GROWTH;
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
        self.mask.apply_to_report(report)
    }
}

/// The largest length up to `end` that ends between two characters.
pub(crate) fn boundary(text: &str, end: usize) -> usize {
    (0..=end.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn veil(text: &str) -> Veil {
        let known = Secrets::from_iter([("NAME".to_owned(), Secret::new(text))]);
        Veil::new(&[("VARIABLE".to_owned(), "NAME".to_owned())].into(), &known).expect("a known secret")
    }

    #[test]
    fn secrets_of_other_tasks_are_hidden_and_not_given() {
        let known = Secrets::from_iter([("NAME".to_owned(), Secret::new("canary"))]);
        let veil = Veil::new(&BTreeMap::new(), &known).expect("nothing is named");
        assert!(veil.secrets().is_empty() && veil.hold() > 0);
        assert_eq!(veil.text("a canary"), "a [redacted]");
    }

    #[test]
    fn what_is_too_short_to_be_hidden_is_refused() {
        let known = Secrets::from_iter([("PIN".to_owned(), Secret::new(" 042\n"))]);
        let error = Veil::new(&[("V".to_owned(), "PIN".to_owned())].into(), &known).expect_err("refused");
        assert_eq!(error.kind, ErrorKind::PermissionDenied);
        assert!(
            error.message.contains("`PIN` has 3 characters") && !error.message.contains("042"),
            "{error}"
        );
        assert!(Veil::new(&BTreeMap::new(), &known).is_ok_and(|veil| veil.hold() == 0));
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
        assert!(veil("canary\n\"x\"").hold() >= 24);
        assert_eq!(boundary("aä", 2), 1);
        assert_eq!(boundary("aä", 9), 3);
    }
}
