//! What the engine is given: the filters and tests that are safe, and guards for operators and filters that are not.
//!
//! A guard refuses what the engine lets pass: values of different types that are ordered, texts that grow without
//! bound, names that are missing without being named.

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value, filters, tests};
use starline_types::Artifact;

/// Bytes of text that one evaluation may put together: 1 MiB.
const MAX_TEXT: usize = 1 << 20;
/// Names that a message lists at most.
const MAX_HINTS: usize = 20;

/// Gives the engine its words.
pub(crate) fn install(engine: &mut Environment<'static>) {
    add_guards(engine);
    add_filters(engine);
    add_tests(engine);
}

/// Functions that the reader of expressions writes in place of operators. Nobody else can call them.
fn add_guards(engine: &mut Environment<'static>) {
    engine.add_function("__item", item);
    engine.add_function("__compare", compare_chain);
    engine.add_function("__add", |state: &mut State<'_, '_>, terms: Rest<Value>| fold(state, &terms, add));
    engine.add_function("__multiply", |state: &mut State<'_, '_>, terms: Rest<Value>| {
        fold(state, &terms, multiply)
    });
    engine.add_function("__concat", |state: &mut State<'_, '_>, parts: Rest<Value>| {
        join_all(state, &parts, "")
    });
}

fn add_filters(engine: &mut Environment<'static>) {
    engine.add_filter("abs", filters::abs);
    engine.add_filter("attr", filters::attr);
    engine.add_filter("bool", filters::bool);
    engine.add_filter("capitalize", filters::capitalize);
    engine.add_filter("count", filters::length);
    engine.add_filter("d", filters::default);
    engine.add_filter("default", filters::default);
    engine.add_filter("dictsort", filters::dictsort);
    engine.add_filter("first", filters::first);
    engine.add_filter("float", filters::float);
    engine.add_filter("int", filters::int);
    engine.add_filter("items", filters::items);
    engine.add_filter("join", join);
    engine.add_filter("last", filters::last);
    engine.add_filter("length", filters::length);
    engine.add_filter("lines", filters::lines);
    engine.add_filter("list", filters::list);
    engine.add_filter("lower", filters::lower);
    engine.add_filter("map", map);
    engine.add_filter("max", filters::max);
    engine.add_filter("min", filters::min);
    engine.add_filter("reject", filters::reject);
    engine.add_filter("rejectattr", filters::rejectattr);
    engine.add_filter("replace", replace);
    engine.add_filter("reverse", filters::reverse);
    engine.add_filter("round", filters::round);
    engine.add_filter("select", filters::select);
    engine.add_filter("selectattr", filters::selectattr);
    engine.add_filter("sort", filters::sort);
    engine.add_filter("split", filters::split);
    engine.add_filter("string", |state: &mut State<'_, '_>, value: Value| join_all(state, &[value], ""));
    engine.add_filter("sum", sum);
    engine.add_filter("title", filters::title);
    engine.add_filter("tojson", tojson);
    engine.add_filter("trim", filters::trim);
    engine.add_filter("unique", filters::unique);
    engine.add_filter("upper", filters::upper);
}

fn add_tests(engine: &mut Environment<'static>) {
    engine.add_test("boolean", tests::is_boolean);
    engine.add_test("defined", tests::is_defined);
    engine.add_test("divisibleby", |value: Value, by: i128| {
        Ok::<_, Error>(
            integer("divisibleby", &value)?.checked_rem(by).ok_or_else(|| invalid("division by zero"))? == 0,
        )
    });
    engine.add_test("endingwith", |value: Value, end: Value| {
        Ok::<_, Error>(string("endingwith", &value)?.ends_with(string("endingwith", &end)?))
    });
    engine.add_test("even", |value: Value| Ok::<_, Error>(integer("even", &value)? % 2 == 0));
    engine.add_test("false", tests::is_false);
    engine.add_test("float", tests::is_float);
    engine.add_test("in", |value: Value, container: Value| compare(&value, "in", &container));
    engine.add_test("integer", tests::is_integer);
    engine.add_test("iterable", tests::is_iterable);
    engine.add_test("mapping", tests::is_mapping);
    engine.add_test("none", tests::is_none);
    engine.add_test("number", tests::is_number);
    engine.add_test("odd", |value: Value| Ok::<_, Error>(integer("odd", &value)? % 2 != 0));
    engine.add_test("sequence", tests::is_sequence);
    engine.add_test("startingwith", |value: Value, start: Value| {
        Ok::<_, Error>(string("startingwith", &value)?.starts_with(string("startingwith", &start)?))
    });
    engine.add_test("string", tests::is_string);
    engine.add_test("true", tests::is_true);
    engine.add_test("undefined", tests::is_undefined);
    for (names, operator) in [
        (["eq", "equalto"], "=="),
        (["ne", "ne"], "!="),
        (["lt", "lessthan"], "<"),
        (["le", "le"], "<="),
        (["gt", "greaterthan"], ">"),
        (["ge", "ge"], ">="),
    ] {
        for name in names {
            engine.add_test(name, move |left: Value, right: Value| compare(&left, operator, &right));
        }
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// What a value is, in the words of a message.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::Undefined => "undefined",
        ValueKind::None => "null",
        ValueKind::Bool => "a boolean",
        ValueKind::Number => "a number",
        ValueKind::String => "a string",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => "a map",
        _ => "a value of another type",
    }
}

fn string<'v>(name: &str, value: &'v Value) -> Result<&'v str, Error> {
    value.as_str().ok_or_else(|| invalid(format!("`{name}` wants a string, found {}", kind(value))))
}

fn integer(name: &str, value: &Value) -> Result<i128, Error> {
    let found = value.is_integer().then(|| i128::try_from(value.clone()).ok()).flatten();
    found.ok_or_else(|| invalid(format!("`{name}` wants an integer, found {}", kind(value))))
}

/// Follows keys from a value on; a missing key is named with the way to it.
fn item(value: Value, name: &str, lenient: bool, keys: Rest<Value>) -> Result<Value, Error> {
    let (mut value, mut path) = (value, name.to_owned());
    for (at, key) in keys.iter().enumerate() {
        let parent = path.clone();
        match key.as_str() {
            Some(key) if path.is_empty() => path.push_str(key),
            Some(key) if key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
                path.push('.');
                path.push_str(key);
            }
            _ => path.push_str(&format!("[{key:?}]")),
        }
        let found = value.get_item(key).unwrap_or(Value::UNDEFINED);
        if found.is_undefined() && !(lenient && at + 1 == keys.len()) {
            return Err(Error::new(ErrorKind::UndefinedError, missing(&value, &parent, &path)));
        }
        value = found;
    }
    Ok(value)
}

fn missing(value: &Value, parent: &str, path: &str) -> String {
    let path: String = path.chars().take(200).collect();
    if parent.is_empty() {
        return format!("`{path}` is undefined");
    }
    if value.kind() != ValueKind::Map {
        return format!("`{path}` is undefined: `{parent}` is {}", kind(value));
    }
    let names: Vec<String> = value.try_iter().into_iter().flatten().map(|name| name.to_string()).collect();
    match names.len() {
        0 => format!("`{path}` is undefined: `{parent}` is empty"),
        count => {
            let more = if count > MAX_HINTS { " …" } else { "" };
            format!("`{path}` is undefined: `{parent}` has {}{more}", names[..count.min(MAX_HINTS)].join(" "))
        }
    }
}

/// `a < b <= c`: values and operators in turn.
fn compare_chain(terms: Rest<Value>) -> Result<bool, Error> {
    let mut satisfied = true;
    for window in terms.windows(3).step_by(2) {
        satisfied &= compare(&window[0], window[1].as_str().unwrap_or_default(), &window[2])?;
    }
    Ok(satisfied)
}

/// Compares what can be compared: equality always, order for two numbers or two strings.
fn compare(left: &Value, operator: &str, right: &Value) -> Result<bool, Error> {
    if left.is_undefined() || right.is_undefined() {
        return Err(Error::new(
            ErrorKind::UndefinedError,
            format!("`{operator}` compares an undefined value"),
        ));
    }
    let alike = left.kind() == right.kind();
    match operator {
        // `true == 1` holds for the engine.
        "==" => Ok(equal(left, right)),
        "!=" => Ok(!equal(left, right)),
        "in" => contains(left, right),
        "not in" => Ok(!contains(left, right)?),
        _ if alike && matches!(left.kind(), ValueKind::Number | ValueKind::String) => Ok(match operator {
            "<" => left < right,
            "<=" => left <= right,
            ">" => left > right,
            _ => left >= right,
        }),
        _ => Err(invalid(format!("`{operator}` cannot compare {} with {}", kind(left), kind(right)))),
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    (left.kind() == ValueKind::Bool) == (right.kind() == ValueKind::Bool) && left == right
}

fn contains(value: &Value, container: &Value) -> Result<bool, Error> {
    match (container.kind(), value.as_str()) {
        (ValueKind::String, Some(part)) => Ok(string("in", container)?.contains(part)),
        (ValueKind::Map, Some(key)) => Ok(!container.get_attr(key)?.is_undefined()),
        (ValueKind::Seq | ValueKind::Iterable, _) => {
            Ok(container.try_iter()?.any(|item| equal(value, &item)))
        }
        _ => Err(invalid(format!("`in` cannot look for {} in {}", kind(value), kind(container)))),
    }
}

/// Text that may still be put together in this evaluation, in bytes.
struct Budget(usize);

fn charge(state: &mut State<'_, '_>, bytes: usize) -> Result<(), Error> {
    let budget = state.get_or_insert_extension_with(|| Budget(MAX_TEXT));
    budget.0 = budget
        .0
        .checked_sub(bytes)
        .ok_or_else(|| invalid(format!("the evaluation puts together more than {MAX_TEXT} bytes of text")))?;
    Ok(())
}

type Operation = fn(&mut State<'_, '_>, &Value, &Value) -> Result<Value, Error>;

fn fold(state: &mut State<'_, '_>, terms: &[Value], operation: Operation) -> Result<Value, Error> {
    let (first, rest) = terms.split_first().ok_or_else(|| invalid("an operator without operands"))?;
    rest.iter().try_fold(first.clone(), |left, right| operation(state, &left, right))
}

/// A pair of numbers, as integers if both are.
enum Pair {
    Integers(i128, i128),
    Floats(f64, f64),
}

fn pair(left: &Value, right: &Value) -> Option<Pair> {
    if left.kind() != ValueKind::Number || right.kind() != ValueKind::Number {
        return None;
    }
    if left.is_integer() && right.is_integer() {
        let integers = (i128::try_from(left.clone()).ok()?, i128::try_from(right.clone()).ok()?);
        return Some(Pair::Integers(integers.0, integers.1));
    }
    Some(Pair::Floats(f64::try_from(left.clone()).ok()?, f64::try_from(right.clone()).ok()?))
}

fn whole(value: Option<i128>) -> Result<Value, Error> {
    let value = value.ok_or_else(|| invalid("a number is out of range"))?;
    Ok(i64::try_from(value).map_or_else(|_| Value::from(value), Value::from))
}

fn add(state: &mut State<'_, '_>, left: &Value, right: &Value) -> Result<Value, Error> {
    match pair(left, right) {
        Some(Pair::Integers(left, right)) => return whole(left.checked_add(right)),
        Some(Pair::Floats(left, right)) => return Ok(Value::from(left + right)),
        None => {}
    }
    if let (Some(left), Some(right)) = (left.as_str(), right.as_str()) {
        charge(state, left.len() + right.len())?;
        return Ok(Value::from(format!("{left}{right}")));
    }
    if left.kind() == ValueKind::Seq && right.kind() == ValueKind::Seq {
        charge(state, (left.len().unwrap_or(0) + right.len().unwrap_or(0)) * size_of::<Value>())?;
        return Ok(Value::from_iter(left.try_iter()?.chain(right.try_iter()?)));
    }
    Err(invalid(format!("`+` cannot add {} and {}", kind(left), kind(right))))
}

fn multiply(state: &mut State<'_, '_>, left: &Value, right: &Value) -> Result<Value, Error> {
    match pair(left, right) {
        Some(Pair::Integers(left, right)) => return whole(left.checked_mul(right)),
        Some(Pair::Floats(left, right)) => return Ok(Value::from(left * right)),
        None => {}
    }
    let repeated = match (left.as_str(), right.as_str()) {
        (Some(text), None) => right.as_usize().filter(|_| right.is_integer()).map(|count| (text, count)),
        (None, Some(text)) => left.as_usize().filter(|_| left.is_integer()).map(|count| (text, count)),
        _ => None,
    };
    let Some((text, count)) = repeated else {
        return Err(invalid(format!("`*` cannot multiply {} and {}", kind(left), kind(right))));
    };
    charge(state, text.len().saturating_mul(count))?;
    Ok(Value::from(text.repeat(count)))
}

/// A value as data.
pub(crate) fn json(value: &Value) -> Result<serde_json::Value, Error> {
    if value.kind() == ValueKind::Number && !f64::try_from(value.clone()).is_ok_and(f64::is_finite) {
        return Err(invalid(format!("{value} is no number that JSON has")));
    }
    serde_json::to_value(value).map_err(|error| invalid(error.to_string()))
}

/// A text as it is, anything else as compact JSON.
pub(crate) fn text(value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None if value.is_undefined() => {
            Err(Error::new(ErrorKind::UndefinedError, "a part of a text is undefined"))
        }
        None => {
            let value = json(value)?;
            match Artifact::from_value(&value) {
                Some(Artifact { bytes, .. }) => {
                    let message = format!(
                        "is an artifact of {bytes} bytes, which is not written into a text: send it as a file, with \
                         `inputs: {{ NAME: {{ artifact: tasks.ID.outputs.NAME }} }}`"
                    );
                    Err(Error::new(ErrorKind::InvalidOperation, message))
                }
                None => Ok(value.to_string()),
            }
        }
    }
}

fn join_all(state: &mut State<'_, '_>, parts: &[Value], separator: &str) -> Result<Value, Error> {
    let mut whole = String::new();
    for (at, part) in parts.iter().enumerate() {
        let part = text(part)?;
        charge(state, part.len() + separator.len())?;
        if at > 0 {
            whole.push_str(separator);
        }
        whole.push_str(&part);
    }
    Ok(Value::from(whole))
}

fn join(state: &mut State<'_, '_>, list: Value, separator: Option<String>) -> Result<Value, Error> {
    if !matches!(list.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Err(invalid(format!("`join` wants a list, found {}", kind(&list))));
    }
    let parts: Vec<Value> = list.try_iter()?.collect();
    join_all(state, &parts, separator.as_deref().unwrap_or_default())
}

fn replace(state: &mut State<'_, '_>, value: Value, old: Value, new: Value) -> Result<Value, Error> {
    let (value, old, new) = (string("replace", &value)?, string("replace", &old)?, string("replace", &new)?);
    charge(state, value.len().saturating_add(value.matches(old).count().saturating_mul(new.len())))?;
    Ok(Value::from(value.replace(old, new)))
}

fn tojson(state: &mut State<'_, '_>, value: Value) -> Result<Value, Error> {
    let text = json(&value)?.to_string();
    charge(state, text.len())?;
    Ok(Value::from(text))
}

/// One attribute of each item. To apply a filter to each item would multiply texts.
fn map(list: Value, options: Kwargs) -> Result<Value, Error> {
    if !options.has("attribute") {
        return Err(invalid("`map` wants an attribute: write map(attribute=\"name\")"));
    }
    let attribute: String = options.get("attribute")?;
    let default: Option<Value> = if options.has("default") { Some(options.get("default")?) } else { None };
    options.assert_all_used()?;
    let mut mapped = Vec::new();
    for item in list.try_iter()? {
        let found = attribute.split('.').try_fold(item, |value, key| value.get_attr(key));
        let found = found.unwrap_or(Value::UNDEFINED);
        mapped.push(match (found.is_undefined(), &default) {
            (false, _) => found,
            (true, Some(default)) => default.clone(),
            (true, None) => {
                return Err(Error::new(ErrorKind::UndefinedError, format!("an item has no `{attribute}`")));
            }
        });
    }
    Ok(Value::from(mapped))
}

fn sum(state: &mut State<'_, '_>, list: Value) -> Result<Value, Error> {
    list.try_iter()?.try_fold(Value::from(0), |total, item| match item.kind() {
        ValueKind::Number => add(state, &total, &item),
        _ => Err(invalid(format!("`sum` wants numbers, found {}", kind(&item)))),
    })
}
