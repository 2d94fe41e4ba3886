//! What one JSON value has that another lacks, by JSON pointers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Map;
use starline_types::Value;

/// Changes that make one value of another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Patch {
    /// Members that are put, by their pointers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) set: BTreeMap<String, Value>,
    /// Members that are taken out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unset: Vec<String>,
}

impl Patch {
    /// What makes `wanted` of `given`. Objects are compared member by member where their pointer is one of `open`,
    /// as a whole elsewhere.
    pub(super) fn between(given: &Value, wanted: &Value, open: &[&str]) -> Self {
        let mut patch = Self::default();
        patch.compare("", given, wanted, open);
        patch
    }

    fn compare(&mut self, at: &str, given: &Value, wanted: &Value, open: &[&str]) {
        match (given, wanted) {
            (Value::Object(given), Value::Object(wanted)) if open.contains(&at) => {
                for (name, value) in wanted {
                    let at = format!("{at}/{}", escaped(name));
                    match given.get(name) {
                        Some(other) => self.compare(&at, other, value, open),
                        None => drop(self.set.insert(at, value.clone())),
                    }
                }
                let gone = given.keys().filter(|name| !wanted.contains_key(*name));
                self.unset.extend(gone.map(|name| format!("{at}/{}", escaped(name))));
            }
            _ if given != wanted => drop(self.set.insert(at.to_owned(), wanted.clone())),
            _ => {}
        }
    }

    /// Makes the changes; one whose place does not exist is left out.
    pub(super) fn apply(&self, value: &mut Value) {
        for (pointer, wanted) in &self.set {
            if let Some((parent, name)) = split(pointer)
                && let Some(Value::Object(members)) = value.pointer_mut(parent)
            {
                members.insert(name, wanted.clone());
            }
        }
        for pointer in &self.unset {
            if let Some((parent, name)) = split(pointer)
                && let Some(Value::Object(members)) = value.pointer_mut(parent)
            {
                members.remove(&name);
            }
        }
    }

    /// Keeps the changes at places where two values agree; returns whether that were all.
    pub(super) fn retain_agreeing(&mut self, one: &Value, other: &Value) -> bool {
        let before = self.set.len() + self.unset.len();
        let agree = |pointer: &str| one.pointer(pointer) == other.pointer(pointer);
        self.set.retain(|pointer, _| agree(pointer));
        self.unset.retain(|pointer| agree(pointer));
        before == self.set.len() + self.unset.len()
    }

    /// The changes as JSON.
    pub(super) fn to_members(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The pointer of the collection, and the name of the member.
fn split(pointer: &str) -> Option<(&str, String)> {
    let (parent, name) = pointer.rsplit_once('/')?;
    Some((parent, name.replace("~1", "/").replace("~0", "~")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_makes_what_it_was_made_for() {
        let given = json!({"a": 1, "b": {"x": 1, "y/z": 2}, "c": {"x": 1}, "d": null});
        let wanted = json!({"a": 1, "b": {"x": 2, "~w": null}, "c": {"y": 1}, "e": []});
        let patch = Patch::between(&given, &wanted, &["", "/b"]);
        assert_eq!(patch.unset, ["/b/y~1z", "/d"]);
        assert_eq!(patch.set.keys().collect::<Vec<_>>(), ["/b/x", "/b/~0w", "/c", "/e"]);
        let mut made = given.clone();
        patch.apply(&mut made);
        assert_eq!(made, wanted);
        assert_eq!(Patch::between(&wanted, &made, &[""]), Patch::default());

        let mut partial = patch.clone();
        assert!(partial.retain_agreeing(&given, &given));
        assert!(!partial.retain_agreeing(&given, &json!({"a": 1, "b": {"x": 1}, "c": {"x": 1}, "d": null})));
        assert_eq!((partial.unset.len(), partial.set.len()), (1, 4));
    }
}
