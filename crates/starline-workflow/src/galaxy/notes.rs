//! Warnings as they are found.

use std::collections::BTreeSet;

use crate::Warning;
use crate::excerpt::printable;
use crate::problem::{Mark, Report};
use crate::tree::pointers;

/// Warnings that are kept. What a hostile file has beyond that is counted.
const KEPT: usize = 100_000;
/// Longest item, in characters.
const ITEM: usize = 256;

/// Something that could not be taken over as it is, at its place.
#[derive(Debug)]
struct Note {
    at: Mark,
    code: &'static str,
    item: String,
    message: String,
}

/// Warnings as they are found.
#[derive(Debug, Default)]
pub(super) struct Notes {
    list: Vec<Note>,
    told: BTreeSet<&'static str>,
    counted: usize,
    /// Whether what is told once for a file is told at each of its places.
    is_each: bool,
}

impl Notes {
    pub(super) fn add(&mut self, at: Mark, code: &'static str, item: &str, message: impl AsRef<str>) {
        if self.list.len() >= KEPT {
            self.counted += 1;
            return;
        }
        let item = printable(item).chars().take(ITEM).collect();
        self.list.push(Note { at, code, item, message: printable(message.as_ref()) });
    }

    /// Notes that tell every place, as of something that nobody may write.
    pub(super) fn each() -> Self {
        Self { is_each: true, ..Self::default() }
    }

    /// A warning that is given once for a file, where it is first due.
    pub(super) fn once(&mut self, at: Mark, code: &'static str, item: &str, message: impl AsRef<str>) {
        if self.told.insert(code) || self.is_each {
            self.add(at, code, item, message);
        }
    }

    /// The warnings in the order of the file.
    pub(super) fn finish(mut self, source: &str) -> Vec<Warning> {
        self.list.sort_by_key(|note| note.at);
        let pointers = pointers(source, self.list.iter().map(|note| note.at));
        let warnings = self.list.into_iter().map(|note| Warning {
            code: note.code.to_owned(),
            message: note.message,
            pointer: pointers.get(&note.at).cloned().unwrap_or_default(),
            item: note.item,
        });
        let more = (self.counted > 0).then(|| {
            let message = format!("{} more warnings are not listed", self.counted);
            Warning::new("limit_exceeded", String::new(), message)
        });
        warnings.chain(more).collect()
    }

    /// The warnings without their places: code, item and message.
    pub(super) fn told(self) -> impl Iterator<Item = (&'static str, String, String)> {
        self.list.into_iter().map(|note| (note.code, note.item, note.message))
    }

    /// Makes problems of the warnings of one code, without what is made of it otherwise.
    pub(super) fn refuse_only(self, code: &str, otherwise: &str, report: &mut Report) {
        for note in self.list.into_iter().filter(|note| note.code == code) {
            report.add(note.at, note.code, note.message.strip_suffix(otherwise).unwrap_or(&note.message));
        }
    }

    /// Makes problems of the warnings.
    pub(super) fn refuse(self, report: &mut Report) {
        for note in self.list {
            report.add(note.at, note.code, note.message);
        }
    }
}
