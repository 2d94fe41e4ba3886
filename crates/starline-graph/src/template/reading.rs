//! What is done with templates without rendering them: their tasks and names, and other names in their place.

use starline_types::TaskId;

use super::{Quotes, ROOTS, RenderError, split};
use crate::engine::Program;
use crate::names::NamePath;
use crate::texts::{Place, Visitor};

/// Reads without rendering.
pub(super) struct Reader {
    pub(super) tasks: Vec<String>,
    /// Whether a text that cannot be read is an error.
    pub(super) strict: bool,
}

impl Visitor for Reader {
    fn text(&mut self, place: &Place<'_>, text: &str) -> Result<Option<String>, RenderError> {
        match tasks_named(place, text) {
            Err(_) if !self.strict => {}
            tasks => self.tasks.extend(tasks?),
        }
        Ok(None)
    }
}

/// Gathers names.
pub(super) struct Namer {
    pub(super) names: Vec<(NamePath, bool)>,
}

impl Visitor for Namer {
    fn text(&mut self, place: &Place<'_>, text: &str) -> Result<Option<String>, RenderError> {
        let (before, is_input) = (self.names.len(), matches!(place, Place::Input(_)));
        let read = split(text, ROOTS, |_, interpolation| {
            let names = interpolation.into_iter().flat_map(|(_, parsed)| parsed.names);
            self.names.extend(names.map(|name| (name, is_input)));
            Ok(())
        });
        if read.is_err() {
            self.names.truncate(before);
        }
        Ok(None)
    }
}

/// Writes texts so that they are no templates.
pub(super) struct Literal;

impl Visitor for Literal {
    fn text(&mut self, place: &Place<'_>, text: &str) -> Result<Option<String>, RenderError> {
        let (mut literal, mut rest) = (String::with_capacity(text.len() + 16), text);
        while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
            let (before, mark) = rest.split_at(at);
            literal.push_str(before);
            let mark = mark.get(..2).unwrap_or(mark);
            if *place == Place::Script {
                // Only a quoted word has it: ending the quotes and beginning them again changes nothing.
                literal.push_str("{''");
                rest = &rest[at + 1..];
            } else {
                literal.push_str(&format!("{{{{ \"{mark}\" }}}}"));
                rest = &rest[at + 2..];
            }
        }
        literal.push_str(rest);
        Ok(Some(literal))
    }
}

/// Writes other names.
pub(super) struct Renamer<'n> {
    pub(super) name: &'n dyn Fn(&str) -> Option<String>,
}

impl Visitor for Renamer<'_> {
    fn text(&mut self, place: &Place<'_>, text: &str) -> Result<Option<String>, RenderError> {
        let mut spans = Vec::new();
        split(text, ROOTS, |_, interpolation| {
            spans.extend(interpolation.into_iter().flat_map(|(_, parsed)| parsed.references));
            Ok(())
        })
        .map_err(|fault| RenderError::unreadable(place, fault))?;
        let mut renamed = text.to_owned();
        for reference in spans.into_iter().rev() {
            if let Some(name) = (self.name)(&reference.task) {
                // Anything else might end the text that it is written in.
                TaskId::new(&name).map_err(|error| RenderError::new(place, error.to_string()))?;
                renamed.replace_range(reference.span, &format!("[\"{name}\"]"));
            }
        }
        Ok(Some(renamed))
    }
}

/// The tasks that a text names, if it can be read.
///
/// Each program is made to see that it can be, and not kept: together they take far more memory than the text.
fn tasks_named(place: &Place<'_>, source: &str) -> Result<Vec<String>, RenderError> {
    let (mut quotes, mut tasks, mut end) = (Quotes::default(), Vec::new(), 0);
    let read = split(source, ROOTS, |text, interpolation| {
        quotes.text(text);
        end += text.len();
        if let Some((source, parsed)) = interpolation {
            let references = Program::new(parsed)?.references;
            tasks.extend(references.into_iter().map(|reference| reference.task));
            quotes.interpolation(end);
            end += source.len();
        }
        Ok(())
    });
    let checked = read.and_then(|()| if *place == Place::Script { quotes.check() } else { Ok(()) });
    checked.map(|()| tasks).map_err(|fault| RenderError::unreadable(place, fault))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use starline_types::{Exec, Payload, Shell};

    use crate::{TemplateContext, literal_payload, render_payload};

    #[test]
    fn what_was_filled_in_is_not_read_again() {
        let (none, files) = (BTreeMap::new(), BTreeMap::new());
        let context = TemplateContext { run: &none, task: &none, files: &files, outcome: &|_| None };
        let argv = ["echo", "{{{ x }} {% raw %}", "{{%", "a {{ tasks.b }}"].map(str::to_owned).to_vec();
        let exec = Payload::Exec(Arc::new(Exec { argv, stdin: Some("{{".to_owned()), ..Exec::default() }));
        let literal = literal_payload(&exec).expect("any text can be written");
        assert_eq!(render_payload(&literal, &context).expect("a template"), exec);
        let script = "echo '{{{ it'\\''s {% x'".to_owned();
        let shell = Payload::Sh(Arc::new(Shell { script, ..Shell::default() }));
        let Ok(Payload::Sh(shell)) = literal_payload(&shell) else { panic!("a script") };
        assert_eq!(shell.script, "echo '{''{''{ it'\\''s {''% x'");
    }
}
