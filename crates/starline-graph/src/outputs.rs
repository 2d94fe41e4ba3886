//! Outputs: what a task hands on, taken out of its result by name and type.

use starline_types::{Artifact, OutputSource, OutputSpec, OutputType, Outputs, TaskSpec, Value};

/// Characters of a value that a message shows.
const EXCERPT: usize = 64;

/// Why an output could not be taken out of a result.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("output `{name}` from {from}: expected {expected}, found {found}")]
pub struct OutputError {
    name: String,
    from: String,
    expected: &'static str,
    found: String,
}

impl OutputError {
    /// The output.
    #[must_use]
    pub fn output(&self) -> &str {
        &self.name
    }
}

/// Takes the declared outputs out of a result, in the order of their names.
///
/// Standard output is read without its final line break: as it is for a string, else as JSON after trimming. A task
/// without standard output has none to read, even if its result is a string.
///
/// # Errors
/// The first output that is missing or not of its type.
pub fn extract_outputs(
    spec: &TaskSpec,
    result: &Value,
    stdout: Option<&str>,
) -> Result<Outputs, OutputError> {
    let extracted = spec.outputs.iter().map(|(name, output)| {
        let value = extract(output, result, stdout).map_err(|found| OutputError {
            name: name.clone(),
            from: output.from.to_string(),
            expected: expected(output.kind),
            found,
        })?;
        Ok((name.clone(), value))
    });
    extracted.collect()
}

/// The value, or what was found in its place.
fn extract(output: &OutputSpec, result: &Value, stdout: Option<&str>) -> Result<Value, String> {
    let found = match &output.from {
        OutputSource::Stdout => {
            let text = stdout.ok_or("no standard output")?;
            let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
            if output.kind == OutputType::String {
                return Ok(Value::from(line));
            }
            let text = text.trim();
            serde_json::from_str(text)
                .map_err(|_| if text.is_empty() { "nothing".to_owned() } else { excerpt(text) })?
        }
        OutputSource::Result => result.clone(),
        OutputSource::Pointer(pointer) => result.pointer(pointer).cloned().ok_or("nothing")?,
    };
    let fits = match output.kind {
        OutputType::String => found.is_string(),
        OutputType::Integer => found.is_i64() || found.is_u64(),
        OutputType::Number => found.is_number(),
        OutputType::Boolean => found.is_boolean(),
        OutputType::Json => true,
        OutputType::Artifact => Artifact::from_value(&found).is_some(),
    };
    if fits { Ok(found) } else { Err(excerpt(&found.to_string())) }
}

fn expected(kind: OutputType) -> &'static str {
    match kind {
        OutputType::String => "a string",
        OutputType::Integer => "an integer",
        OutputType::Number => "a number",
        OutputType::Boolean => "true or false",
        OutputType::Json => "JSON",
        OutputType::Artifact => "an artifact, such as a collected file",
    }
}

/// The beginning of a text, with control characters written out.
fn excerpt(text: &str) -> String {
    let shown: String = text.chars().take(EXCERPT).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("{shown:?}{more}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use starline_types::{Payload, TaskId};

    use super::*;

    fn extract_one(
        from: &str,
        kind: OutputType,
        result: &Value,
        stdout: Option<&str>,
    ) -> Result<Value, String> {
        let mut spec = TaskSpec::new(TaskId::new("t").expect("id"), Payload::Noop);
        let from = serde_json::from_value(json!(from)).expect("source");
        spec.outputs.insert("count".to_owned(), OutputSpec { from, kind });
        let outputs = extract_outputs(&spec, result, stdout).map_err(|error| error.to_string())?;
        Ok(outputs["count"].clone())
    }

    #[test]
    fn outputs_have_their_type_and_place() {
        let result = json!({"n": 3, "files": {"a/b": ["x"]}, "share": 0.5, "text": "7"});
        for (from, kind, value) in [
            ("/n", OutputType::Integer, json!(3)),
            ("/n", OutputType::Number, json!(3)),
            ("/share", OutputType::Number, json!(0.5)),
            ("/files/a~1b/0", OutputType::String, json!("x")),
            ("/files", OutputType::Json, json!({"a/b": ["x"]})),
            ("result", OutputType::Json, result.clone()),
            ("stdout", OutputType::String, json!(" 12 ")),
            ("stdout", OutputType::Integer, json!(12)),
            ("stdout", OutputType::Json, json!(12)),
        ] {
            assert_eq!(extract_one(from, kind, &result, Some(" 12 \n")), Ok(value), "{from} {kind:?}");
        }
        let text = |stdout| extract_one("stdout", OutputType::String, &Value::Null, Some(stdout));
        assert_eq!(
            (text("a\r\n"), text("a\n\n"), text("")),
            (Ok(json!("a")), Ok(json!("a\n")), Ok(json!("")))
        );
        assert_eq!(extract_one("stdout", OutputType::Boolean, &Value::Null, Some("true\n")), Ok(json!(true)));
    }

    #[test]
    fn what_is_missing_or_ill_typed_is_named_with_what_was_found() {
        let result = json!({"n": "3", "share": 0.5, "long": "x".repeat(200)});
        for (from, kind, stdout, message) in [
            ("/m", OutputType::Json, None, "output `count` from /m: expected JSON, found nothing"),
            (
                "/n",
                OutputType::Integer,
                None,
                "output `count` from /n: expected an integer, found \"\\\"3\\\"\"",
            ),
            (
                "/share",
                OutputType::Integer,
                None,
                "output `count` from /share: expected an integer, found \"0.5\"",
            ),
            (
                "stdout",
                OutputType::String,
                None,
                "output `count` from stdout: expected a string, found no standard output",
            ),
            (
                "stdout",
                OutputType::Integer,
                Some("\n"),
                "output `count` from stdout: expected an integer, found nothing",
            ),
            (
                "stdout",
                OutputType::Integer,
                Some("3.0"),
                "output `count` from stdout: expected an integer, found \"3.0\"",
            ),
            (
                "stdout",
                OutputType::Boolean,
                Some("yes"),
                "output `count` from stdout: expected true or false, found \"yes\"",
            ),
            (
                "stdout",
                OutputType::Number,
                Some("1 2"),
                "output `count` from stdout: expected a number, found \"1 2\"",
            ),
            (
                "stdout",
                OutputType::Number,
                Some("NaN"),
                "output `count` from stdout: expected a number, found \"NaN\"",
            ),
        ] {
            assert_eq!(extract_one(from, kind, &result, stdout), Err(message.to_owned()));
        }
        let long = extract_one("/long", OutputType::Boolean, &result, None).expect_err("a string");
        assert!(long.ends_with('…') && long.len() < 200, "{long}");
    }
}
