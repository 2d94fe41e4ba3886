//! Shapes of single values.
//!
//! Where a text is expected, files may have a bare number or boolean, which is the text it is written as.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

macro_rules! shape {
    ($($(#[$doc:meta])* $name:ident = $schema:tt;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub(super) struct $name;

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($schema)
                }
            }
        )*
    };
}

/// A time with a unit.
const SPAN: &str = "^([0-9]+\\.?[0-9]*|\\.[0-9]+)(ms|s|m|h|d)$";
/// A time with a unit that is more than nothing.
const WAIT: &str = "^([0-9]*[1-9][0-9]*\\.?[0-9]*|[0-9]*\\.[0-9]*[1-9][0-9]*)(ms|s|m|h|d)$";
/// The same, or `none`.
const LIMIT: &str = "^(none|([0-9]*[1-9][0-9]*\\.?[0-9]*|[0-9]*\\.[0-9]*[1-9][0-9]*)(ms|s|m|h|d))$";
/// An amount of bytes with a unit.
const SIZE: &str = "^([0-9]+\\.?[0-9]*|\\.[0-9]+) *([kKMGTP]?B|[KMGTP]iB)(/s)?$";
/// The same, and more than nothing.
const SIZE_ABOVE_ZERO: &str =
    "^([0-9]*[1-9][0-9]*\\.?[0-9]*|[0-9]*\\.[0-9]*[1-9][0-9]*) *([kKMGTP]?B|[KMGTP]iB)(/s)?$";
/// An id of a task or device.
const ID: &str = "^[A-Za-z0-9._:#-]{1,256}$";
/// An id of a dependency.
const EDGE_ID: &str = "^[A-Za-z0-9._:#>-]{1,520}$";
/// A path below a folder: not absolute, and without a step up.
const PATH: &str =
    "^(\\.|[^/.][^/]*|\\.[^/.][^/]*|\\.\\.[^/]+)(/+(\\.|[^/.][^/]*|\\.[^/.][^/]*|\\.\\.[^/]+))*$";

/// Most of each unit of time within a week, and within a day.
const WEEK: [(u64, &str); 5] = [(604_800_000, "ms"), (604_800, "s"), (10_080, "m"), (168, "h"), (7, "d")];
const DAY: [(u64, &str); 5] = [(86_400_000, "ms"), (86_400, "s"), (1_440, "m"), (24, "h"), (1, "d")];

/// A pattern for `none` and for times up to a longest one, which is exact but for fractions of a millisecond.
fn within(longest: [(u64, &str); 5]) -> String {
    let units = longest.map(|(most, unit)| format!("({})({unit})", up_to(most)));
    format!("^(none|0*({}))$", units.join("|"))
}

/// A pattern for numbers up to a whole one, without leading zeros.
fn up_to(most: u64) -> String {
    let digits = most.to_string();
    let less = digits.char_indices().filter(|(_, digit)| *digit > '0').map(|(at, digit)| {
        let (same, rest) = (&digits[..at], digits.len() - at - 1);
        let below = char::from_u32(u32::from(digit) - 1).unwrap_or('0');
        format!("{same}[0-{below}][0-9]{{{rest}}}")
    });
    let less: Vec<String> = less.collect();
    format!("([0-9]{{0,{}}}|{})(\\.[0-9]*)?|{digits}(\\.0*)?", digits.len() - 1, less.join("|"))
}

shape! {
    /// A text.
    Text = { "type": ["string", "number", "boolean"] };
    /// A text that no number is.
    Words = { "type": "string" };
    /// A text of at least one character.
    Something = { "type": ["string", "number", "boolean"], "minLength": 1 };
    /// Any value.
    Anything = {};
    /// `true` or `false`.
    Flag = { "type": "boolean" };
    /// Nothing, or an empty mapping.
    Nothing = { "type": ["object", "null"], "maxProperties": 0 };
    /// The version of the format.
    Version = { "type": "integer", "const": 1 };
    /// An id of a task or device.
    Id = { "type": ["string", "number", "boolean"], "pattern": ID };
    /// An id as a key.
    IdKey = { "type": "string", "pattern": ID };
    /// An id of a dependency.
    EdgeId = { "type": ["string", "number", "boolean"], "pattern": EDGE_ID };
    /// A time.
    Span = { "type": "string", "pattern": SPAN };
    /// A time that is more than nothing.
    Wait = { "type": "string", "pattern": WAIT };
    /// A time that is more than nothing, or `none`.
    Limit = { "type": "string", "pattern": LIMIT };
    /// A time that is more than nothing and at most a day.
    DayWait = { "type": "string", "pattern": WAIT, "allOf": [{ "pattern": (within(DAY)) }] };
    /// A time that is more than nothing and at most a week, or `none`.
    WeekLimit = { "type": "string", "pattern": LIMIT, "allOf": [{ "pattern": (within(WEEK)) }] };
    /// An amount.
    Amount = { "type": ["integer", "string"], "minimum": 0, "pattern": SIZE };
    /// An amount above zero.
    Size = { "type": ["integer", "string"], "minimum": 1, "pattern": SIZE_ABOVE_ZERO };
    /// A whole number.
    Count = { "type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32 };
    /// A whole number above zero.
    Positive = { "type": "integer", "minimum": 1, "maximum": 4_294_967_295_u32 };
    /// A whole number up to a hundred.
    Hundred = { "type": "integer", "minimum": 0, "maximum": 100 };
    /// A whole number up to a million.
    Million = { "type": "integer", "minimum": 0, "maximum": 1_000_000 };
    /// A number from one up.
    AtLeastOne = { "type": "number", "minimum": 1 };
    /// The name of an environment variable.
    Variable = { "type": ["string", "boolean"], "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" };
    /// A plain name, as variables and files have it.
    Name = { "type": ["string", "boolean"], "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,199}$" };
    /// The name of an environment variable as a key.
    VariableKey = { "type": "string", "pattern": "^[^=\\u0000]+$" };
    /// A path below a folder.
    RelativePath = { "type": ["string", "number", "boolean"], "pattern": PATH };
    /// An absolute path of a file.
    AbsolutePath = { "type": "string", "pattern": "^/.*[^/]$" };
    /// A BLAKE3 hash.
    Digest = { "type": ["string", "number"], "pattern": "^[0-9a-f]{64}$" };
    /// A word for a kind of errors.
    ErrorWord = { "type": ["string", "number", "boolean"], "pattern": "^[a-z0-9_]+$" };
    /// A program and its arguments.
    Argv = { "type": "array", "items": { "type": ["string", "number", "boolean"] }, "minItems": 1 };
    /// A priority.
    Priority = { "anyOf": [
        { "type": "integer", "minimum": 0, "maximum": 100 },
        { "enum": ["low", "medium", "high", "critical"] },
        { "type": "string", "pattern": "^([Ll][Oo][Ww]|[Mm][Ee][Dd][Ii][Uu][Mm]|[Hh][Ii][Gg][Hh]|[Cc][Rr][Ii][Tt][Ii][Cc][Aa][Ll])$" },
    ] };
    /// Where an output is taken from.
    Source = { "type": "string", "pattern": "^(stdout$|result$|/)" };
    /// An output of a task, as templates name it.
    Reference = { "type": "string", "pattern": "^ *tasks(\\.[^ {}]+|\\[.+\\])\\.?outputs(\\.[^ {}\\[\\]]+|\\[.+\\]) *$" };
    /// A pattern over ids.
    IdPattern = { "type": ["string", "number", "boolean"], "pattern": "^[A-Za-z0-9._:#*-]+$" };
    /// A pattern that a `*` makes one.
    Starred = { "type": "string", "pattern": "\\*" };
    /// A condition as kinds are shown.
    ShownCondition = { "type": "string", "pattern": "^when\\(.*\\)$" };
    /// A hold.
    Hold = { "type": ["string", "integer"], "pattern": "^h-[0-9]+$", "minimum": 0 };
    /// A revision.
    Revision = { "type": "integer", "minimum": 0 };
}
