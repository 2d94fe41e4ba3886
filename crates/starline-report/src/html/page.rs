//! A page under construction: what comes from outside can get in as text only.

use std::fmt::Display;

use crate::text::clean;

/// A page under construction. Markup is written in the source; everything else passes through
/// [`text`](Self::text), which escapes it.
#[derive(Debug, Default)]
pub(crate) struct Page {
    out: String,
}

impl Page {
    /// Adds markup.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.out.push_str(markup);
        self
    }

    /// Adds text.
    pub(crate) fn text(&mut self, text: impl Display) -> &mut Self {
        let text = text.to_string();
        self.escape(&clean(&text), false)
    }

    /// Adds an attribute with its value. Line breaks in it stay.
    pub(crate) fn attr(&mut self, name: &'static str, value: impl Display) -> &mut Self {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        let value = value.to_string();
        self.escape(&clean(&value), true);
        self.out.push('"');
        self
    }

    /// Adds a drawing that starline made.
    pub(crate) fn drawing(&mut self, svg: &str) -> &mut Self {
        self.out.push_str(svg);
        self
    }

    fn escape(&mut self, text: &str, attribute: bool) -> &mut Self {
        for c in text.chars() {
            match c {
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '&' => self.out.push_str("&amp;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                '\n' if attribute => self.out.push_str("&#10;"),
                c => self.out.push(c),
            }
        }
        self
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }
}
