//! Secrets: values that leave this process through an environment or a standard input, and in no other way.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What stands in place of a secret wherever one would be shown.
pub const REDACTED: &str = "[redacted]";
/// Shorter lines of a secret are not looked for in texts: they would be found everywhere.
const SHORTEST: usize = 4;

/// A secret text. It has no way of being shown or written down.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes a text as a secret.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The text itself, for whoever hands it on to the task it belongs to.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Secrets by name, as the operator gave them.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<String, Secret>);

impl Secrets {
    /// The secret of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, Secret)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, Secret)>>(secrets: I) -> Self {
        Self(secrets.into_iter().collect())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Finds secrets in texts and puts [`REDACTED`] in their place.
#[derive(Clone, Default)]
pub struct Mask {
    /// The longest first, so that a secret within another does not leave the rest of it.
    texts: Vec<String>,
}

impl Mask {
    /// A mask for some secrets. A secret of several lines is looked for as a whole and line by line, since outputs
    /// are passed on by line; a line of fewer than 4 bytes is not looked for.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut texts: Vec<String> = secrets
            .into_iter()
            .flat_map(|secret| std::iter::once(secret.expose()).chain(secret.expose().lines()))
            .map(str::trim)
            .filter(|text| text.len() >= SHORTEST)
            .flat_map(|text| {
                // As a value of JSON has it.
                let escaped = serde_json_escape(text);
                [text.to_owned(), escaped]
            })
            .collect();
        texts.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        texts.dedup();
        Self { texts }
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The text without the secrets. O(secrets × bytes).
    #[must_use]
    pub fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut masked = Cow::Borrowed(text);
        for secret in &self.texts {
            if masked.contains(secret.as_str()) {
                masked = Cow::Owned(masked.replace(secret.as_str(), REDACTED));
            }
        }
        masked
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({} texts)", self.texts.len())
    }
}

fn serde_json_escape(text: &str) -> String {
    let quoted = starline_types::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&quoted).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_itself_to_nobody() {
        let secret = Secret::new("hunter2");
        let secrets: Secrets = [("TOKEN".to_owned(), secret.clone())].into_iter().collect();
        let shown = format!("{secret} {secret:?} {secrets:?} {:?}", Mask::new([&secret]));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("TOKEN"));
        assert_eq!(secrets.get("TOKEN").map(Secret::expose), Some("hunter2"));
    }

    #[test]
    fn texts_are_masked_whole_by_line_and_escaped() {
        let secrets = [Secret::new("abcd"), Secret::new("abcdef\nsecond \"line\"\n"), Secret::new("xy")];
        let mask = Mask::new(&secrets);
        for (text, masked) in [
            ("nothing here", "nothing here"),
            ("an abcdef and an abcd", "an [redacted] and an [redacted]"),
            ("abcdef\nsecond \"line\"", "[redacted]"),
            ("only the second \"line\"", "only the [redacted]"),
            (r#"{"v":"second \"line\""}"#, r#"{"v":"[redacted]"}"#),
            ("xy is too short", "xy is too short"),
        ] {
            assert_eq!(mask.apply(text), masked, "{text}");
        }
        assert!(Mask::default().is_empty());
    }
}
