//! A map that costs one word while it is empty.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A map by name that costs one word while it is empty, as it is for most of a million tasks.
///
/// Reads and writes like the [`BTreeMap`] it stands for.
#[derive(Clone, Debug)]
#[expect(clippy::box_collection, reason = "an empty map without the box has three words")]
pub struct SparseMap<T>(Option<Box<BTreeMap<String, T>>>);

impl<T> SparseMap<T> {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }
}

impl<T> Default for SparseMap<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: PartialEq> PartialEq for SparseMap<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T> Deref for SparseMap<T> {
    type Target = BTreeMap<String, T>;

    fn deref(&self) -> &Self::Target {
        match &self.0 {
            Some(map) => map,
            None => const { &BTreeMap::new() },
        }
    }
}

impl<T> DerefMut for SparseMap<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.get_or_insert_default()
    }
}

impl<T> From<BTreeMap<String, T>> for SparseMap<T> {
    fn from(map: BTreeMap<String, T>) -> Self {
        Self((!map.is_empty()).then(|| Box::new(map)))
    }
}

impl<T> FromIterator<(String, T)> for SparseMap<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(entries: I) -> Self {
        BTreeMap::from_iter(entries).into()
    }
}

impl<'a, T> IntoIterator for &'a SparseMap<T> {
    type Item = (&'a String, &'a T);
    type IntoIter = std::collections::btree_map::Iter<'a, String, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Serialize> Serialize for SparseMap<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for SparseMap<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_map_is_a_word_and_equals_one_that_became_empty_when_read_again() {
        assert_eq!(size_of::<SparseMap<u64>>(), size_of::<usize>());
        let mut map = SparseMap::new();
        assert!(map.is_empty());
        map.insert("a".to_owned(), 1);
        assert_eq!((map.len(), map["a"]), (1, 1));
        let text = serde_json::to_string(&map).expect("json");
        assert_eq!(text, r#"{"a":1}"#);
        assert_eq!(serde_json::from_str::<SparseMap<i32>>(&text).expect("json"), map);
        map.clear();
        assert_eq!(map, SparseMap::new());
        assert_eq!(serde_json::from_str::<SparseMap<i32>>("{}").expect("json"), SparseMap::new());
    }
}
