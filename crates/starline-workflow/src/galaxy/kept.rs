//! What a graph has no place for and an export gives back: the member `galaxy` of metadata.

use std::collections::BTreeMap;

use serde_json::Map;
use starline_types::Value;

use super::document::Times;
use super::moment;

/// Name of the member in the metadata of graphs and tasks.
pub(super) const GALAXY: &str = "galaxy";

/// What is kept of a file, a task or a dependency.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(pub(super) Map<String, Value>);

impl Kept {
    /// What the metadata of a graph or task keeps.
    pub(super) fn of(metadata: &BTreeMap<String, Value>) -> Self {
        Self(metadata.get(GALAXY).and_then(Value::as_object).cloned().unwrap_or_default())
    }

    pub(super) fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub(super) fn put_text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.put(name, text);
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// Whether the file had null where nothing is written otherwise.
    pub(super) fn is_null(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Value::is_null)
    }

    pub(super) fn put_times(&mut self, times: &Times) {
        self.put_text("created_at", times.created.as_deref());
        if times.updated != times.created {
            self.put_text("updated_at", times.updated.as_deref());
        }
        for (name, text) in [("execution_start_time", &times.started), ("execution_end_time", &times.ended)] {
            // What milliseconds cannot say again is kept as it was.
            if let Some(text) = text
                && moment::read(text).map(moment::write).as_deref() != Some(text)
            {
                self.put(name, text.as_str());
            }
        }
    }

    /// The moments that no run decides.
    pub(super) fn times(&self) -> Times {
        let created = self.text("created_at").map(str::to_owned);
        let updated = self.text("updated_at").map(str::to_owned).or_else(|| created.clone());
        Times { created, updated, ..Times::default() }
    }

    /// A moment of a run, as the file had it if it is the same one.
    pub(super) fn moment(&self, name: &str, millis: Option<u64>) -> Option<String> {
        let millis = millis?;
        let kept = self.text(name).filter(|text| moment::read(text) == Some(millis));
        Some(kept.map_or_else(|| moment::write(millis), str::to_owned))
    }

    /// Puts what is kept into metadata, if there is anything.
    pub(super) fn store(self, metadata: &mut BTreeMap<String, Value>) {
        if !self.0.is_empty() {
            metadata.insert(GALAXY.to_owned(), Value::Object(self.0));
        }
    }
}
