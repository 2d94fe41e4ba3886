//! Colours, always beside words and never in their place.

use std::env;
use std::io::IsTerminal;

use clap::ValueEnum;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    /// Whether to colour what is written to a stream.
    pub(crate) fn applies_to(self, stream: &impl IsTerminal) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let forbidden = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
                stream.is_terminal() && !forbidden && !dumb
            }
        }
    }
}

/// A colour, by what it means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tone {
    /// As the terminal has it.
    Plain,
    /// It went well.
    Good,
    /// It went wrong.
    Bad,
    /// Worth a look.
    Attention,
    /// It is going on.
    Busy,
    /// Of little interest.
    Faint,
}

/// A text in a colour, if colours are on.
pub(crate) fn paint(text: &str, tone: Tone, coloured: bool) -> String {
    let code = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Attention => "33",
        Tone::Busy => "36",
        Tone::Faint => "2",
    };
    if coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// A text from outside as one line without characters that move the cursor, change colours, or turn the
/// reading direction.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => '\u{FFFD}',
            c if c.is_control() => '\u{FFFD}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_reaches_the_terminal_raw() {
        assert_eq!(printable("a\u{1b}[31mb\nc\u{202E}"), "a\u{FFFD}[31mb c\u{FFFD}");
    }

    #[test]
    fn colours_are_off_where_they_are_not_wanted() {
        assert_eq!(paint("done", Tone::Good, false), "done");
        assert_eq!(paint("done", Tone::Good, true), "\u{1b}[32mdone\u{1b}[0m");
        assert!(!ColorChoice::Never.applies_to(&std::io::stdout()));
        assert!(ColorChoice::Always.applies_to(&std::io::stdout()));
    }
}
