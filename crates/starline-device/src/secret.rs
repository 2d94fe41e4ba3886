//! Secrets: values that leave this process through an environment or a standard input, and in no other way.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What stands in place of a secret wherever one would be shown.
pub const REDACTED: &str = "[redacted]";
/// Characters that a secret has at least, in its longest line and without blanks around it: a shorter one would be
/// found everywhere, so it cannot be masked.
pub const SHORTEST_SECRET: usize = 4;

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

    /// Characters of its longest line, without blanks around it. One with fewer than [`SHORTEST_SECRET`] cannot be
    /// masked, and is to be refused.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.lines().map(|line| line.trim().chars().count()).max().unwrap_or_default()
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

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, secret)| (name.as_str(), secret))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mask;

    #[test]
    fn a_secret_shows_itself_to_nobody() {
        let secret = Secret::new("hunter2");
        let secrets: Secrets = [("TOKEN".to_owned(), secret.clone())].into_iter().collect();
        let shown = format!("{secret} {secret:?} {secrets:?} {:?}", Mask::new([&secret]));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("TOKEN"));
        assert_eq!(secrets.get("TOKEN").map(Secret::expose), Some("hunter2"));
        assert_eq!(secrets.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["TOKEN"]);
    }

    #[test]
    fn the_width_is_what_can_be_looked_for() {
        for (text, width) in
            [("", 0), ("abc", 3), ("  a  \n", 1), ("\u{e4}\u{f6}\u{fc}", 3), ("ab\nabcde\nc", 5)]
        {
            assert_eq!(Secret::new(text).width(), width, "{text:?}");
        }
    }
}
