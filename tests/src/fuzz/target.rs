//! One reader and what must hold of it.

/// What the inputs of a target look like, and so how they are changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shape {
    /// YAML, or JSON as a part of it.
    Yaml,
    /// One JSON document.
    Json,
    /// Lines of JSON.
    Lines,
    /// Any other text.
    Text,
}

/// One reader of outside data.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name on the command line, and the folder of its findings.
    pub name: &'static str,
    /// Share of all inputs: a target of weight 2 gets twice as many as one of weight 1.
    pub weight: u64,
    /// What inputs look like.
    pub shape: Shape,
    /// Words that inputs are changed with.
    pub words: &'static [&'static str],
    /// Largest input that is made on purpose, in bytes.
    pub most: usize,
    /// Valid inputs to begin with.
    pub seeds: fn() -> Vec<String>,
    /// Gives an input to the reader; whether it was accepted.
    ///
    /// # Panics
    /// The reader did, or something does not hold that must.
    pub check: fn(&[u8]) -> bool,
}
