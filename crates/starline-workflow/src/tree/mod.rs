//! A file as a tree of texts, lists and mappings that knows where everything stands.
//!
//! The tree is read before anything is made of it, so that all problems of a file can be told at once and each at
//! its line. YAML and JSON give the same tree.

mod build;
mod inside;
mod json;
mod pointer;
mod scalar;

pub(crate) use build::{MAX_FILE_BYTES, text};
pub(crate) use inside::Inside;
pub(crate) use pointer::{pointer_step, pointers};
pub(crate) use scalar::{Meaning, meaning};

use serde_json::Value;

use crate::excerpt::quoted;
use crate::problem::{INVALID_VALUE, Mark, Report};

/// Deepest nesting of lists and mappings.
pub(crate) const MAX_DEPTH: usize = 64;
/// Longest text, in bytes: 1 MiB.
pub(crate) const MAX_TEXT_BYTES: usize = 1 << 20;
/// Most texts, lists and mappings in one file.
pub(crate) const MAX_VALUES: usize = 3_000_000;
/// What aliases may stand for, in bytes of text and in values, all aliases of the file together.
pub(crate) const MAX_EXPANSION: u64 = 16 << 20;

/// The values of one document.
#[derive(Debug)]
pub(crate) struct Tree<'s> {
    source: &'s str,
    /// Texts that are written differently from what they mean, one after the other.
    decoded: String,
    /// Where in the source those texts begin, by rising node.
    raw: Vec<(u32, u32)>,
    nodes: Vec<Node>,
    /// Members of lists, and keys and values of mappings in turn; each collection owns a range.
    children: Vec<u32>,
    /// Mappings that had merge keys, by rising node: what else is in them is not known.
    merged: Vec<u32>,
    root: u32,
}

/// One value. There may be millions, so it is small.
#[derive(Clone, Copy, Debug)]
struct Node {
    mark: Mark,
    body: Body,
}

#[derive(Clone, Copy, Debug)]
enum Body {
    Scalar { start: u32, end: u32, plain: bool, decoded: bool },
    List { start: u32, end: u32 },
    Map { start: u32, end: u32 },
}

/// One value of a tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'t> {
    tree: &'t Tree<'t>,
    id: u32,
}

/// What a value is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape<'t> {
    Scalar(Scalar<'t>),
    List(List<'t>),
    Map(Map<'t>),
}

/// A scalar as written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scalar<'t> {
    pub(crate) text: &'t str,
    plain: bool,
}

/// The members of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List<'t> {
    tree: &'t Tree<'t>,
    ids: &'t [u32],
}

/// The entries of a mapping; no key is there twice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Map<'t> {
    tree: &'t Tree<'t>,
    ids: &'t [u32],
}

/// A key and its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'t> {
    pub(crate) key: &'t str,
    pub(crate) at: Mark,
    pub(crate) value: View<'t>,
}

impl Tree<'_> {
    pub(crate) fn root(&self) -> View<'_> {
        View { tree: self, id: self.root }
    }

    fn text(&self, node: Node) -> &str {
        let Body::Scalar { start, end, decoded, .. } = node.body else { return "" };
        let from = if decoded { &self.decoded } else { self.source };
        from.get(start as usize..end as usize).unwrap_or_default()
    }
}

impl<'t> View<'t> {
    fn node(self) -> Node {
        self.tree.nodes[self.id as usize]
    }

    /// Where the value begins.
    pub(crate) fn mark(self) -> Mark {
        self.node().mark
    }

    pub(crate) fn shape(self) -> Shape<'t> {
        let node = self.node();
        let ids = |start: u32, end: u32| &self.tree.children[start as usize..end as usize];
        match node.body {
            Body::Scalar { plain, .. } => Shape::Scalar(Scalar { text: self.tree.text(node), plain }),
            Body::List { start, end } => Shape::List(List { tree: self.tree, ids: ids(start, end) }),
            Body::Map { start, end } => Shape::Map(Map { tree: self.tree, ids: ids(start, end) }),
        }
    }

    pub(crate) fn list(self) -> Option<List<'t>> {
        if let Shape::List(list) = self.shape() { Some(list) } else { None }
    }

    pub(crate) fn map(self) -> Option<Map<'t>> {
        if let Shape::Map(map) = self.shape() { Some(map) } else { None }
    }

    /// Members of a list or entries of a mapping; of a scalar, none.
    pub(crate) fn len(self) -> usize {
        match self.shape() {
            Shape::List(list) => list.len(),
            Shape::Map(map) => map.len(),
            Shape::Scalar(_) => 0,
        }
    }

    pub(crate) fn scalar(self) -> Option<Scalar<'t>> {
        if let Shape::Scalar(scalar) = self.shape() { Some(scalar) } else { None }
    }

    /// The value under a key of a mapping.
    pub(crate) fn field(self, name: &str) -> Option<Self> {
        self.map()?.entries().find(|entry| entry.key == name).map(|entry| entry.value)
    }

    /// Whether the value is a mapping that had a merge key, which has been told: any field may be meant to be there.
    pub(crate) fn is_merged(self) -> bool {
        self.tree.merged.binary_search(&self.id).is_ok()
    }

    /// What the value is, for a message.
    pub(crate) fn found(self) -> String {
        match self.shape() {
            Shape::List(list) if list.len() == 0 => "an empty list".to_owned(),
            Shape::List(_) => "a list".to_owned(),
            Shape::Map(_) => "a mapping".to_owned(),
            Shape::Scalar(scalar) => match scalar.meaning() {
                Meaning::Null if scalar.text.is_empty() => "empty".to_owned(),
                Meaning::Null | Meaning::Bool(_) | Meaning::Number(_) | Meaning::Unbounded => {
                    quoted(scalar.text)
                }
                Meaning::Text => format!("the text {}", quoted(scalar.text)),
            },
        }
    }

    /// The value as JSON; null for what there is no memory for, which is told. Recurses as deeply as the file, which is
    /// limited.
    pub(crate) fn json(self, report: &mut Report) -> Value {
        let bytes = match self.shape() {
            Shape::List(list) => 32 * list.len(),
            Shape::Map(map) => map.bytes(size_of::<Value>()),
            Shape::Scalar(scalar) => scalar.text.len(),
        };
        if !report.takes(self.mark(), bytes) {
            return Value::Null;
        }
        match self.shape() {
            Shape::List(list) => Value::Array(list.items().map(|item| item.json(report)).collect()),
            Shape::Map(map) => {
                let members = map.entries().map(|entry| (entry.key.to_owned(), entry.value.json(report)));
                Value::Object(members.collect())
            }
            Shape::Scalar(scalar) => match scalar.meaning() {
                Meaning::Null => Value::Null,
                Meaning::Bool(value) => Value::Bool(value),
                Meaning::Number(number) => Value::Number(number),
                Meaning::Text => Value::String(scalar.text.to_owned()),
                Meaning::Unbounded => {
                    let message = format!("number {} cannot be kept exactly", quoted(scalar.text));
                    report.add(self.mark(), INVALID_VALUE, message).hint("put it in quotes if it is a text");
                    Value::Null
                }
            },
        }
    }
}

impl<'t> Scalar<'t> {
    pub(crate) fn meaning(self) -> Meaning {
        if self.plain { meaning(self.text) } else { Meaning::Text }
    }

    /// The text, unless the scalar stands for nothing. A plain number or boolean is the text it is written as.
    pub(crate) fn as_text(self) -> Option<&'t str> {
        if self.plain && meaning(self.text) == Meaning::Null { None } else { Some(self.text) }
    }
}

impl<'t> List<'t> {
    pub(crate) fn items(self) -> impl Iterator<Item = View<'t>> {
        self.ids.iter().map(move |id| View { tree: self.tree, id: *id })
    }

    pub(crate) fn len(self) -> usize {
        self.ids.len()
    }
}

impl<'t> Map<'t> {
    pub(crate) fn entries(self) -> impl Iterator<Item = Entry<'t>> {
        self.ids.chunks_exact(2).map(move |pair| {
            let key = self.tree.nodes[pair[0] as usize];
            let value = View { tree: self.tree, id: pair[1] };
            Entry { key: self.tree.text(key), at: key.mark, value }
        })
    }

    pub(crate) fn len(self) -> usize {
        self.ids.len() / 2
    }

    /// About the memory that a map from texts takes with the keys of this one, and values of a size: it is made of
    /// nodes with room for eleven entries each, however few there are.
    pub(crate) fn bytes(self, value: usize) -> usize {
        let keys: usize = self.entries().map(|entry| entry.key.len()).sum();
        keys + self.len().div_ceil(8) * (11 * (size_of::<String>() + value) + 16)
    }
}
