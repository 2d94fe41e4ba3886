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
