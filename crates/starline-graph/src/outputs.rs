//! Outputs: what a task hands on, taken out of its result by name and type.

use starline_types::{
    Artifact, MAX_INLINE_BYTES, OutputSource, OutputSpec, OutputType, Outputs, TaskSpec, Value,
    stream_artifact_key,
};

/// Characters of a value that a message shows.
const EXCERPT: usize = 64;
/// Streams that a device may keep as artefacts, as results name them.
const STREAMS: [&str; 2] = ["stdout", "stderr"];

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
/// A stream that the device has kept as an artefact, as it does with long ones, is that artefact: for the types
/// `string` and `json` if it has more than 64 KiB, for the type `artifact` in any case.
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
    let stream = match &output.from {
        OutputSource::Stdout => Some("stdout"),
        OutputSource::Pointer(pointer) => pointer.strip_prefix('/').filter(|name| STREAMS.contains(name)),
        OutputSource::Result => None,
    };
    let whole = stream.and_then(|stream| result.get(stream_artifact_key(stream)));
    if let (OutputType::Artifact, Some(whole)) = (output.kind, whole) {
        return Ok(whole.clone());
    }
    // A stream that was kept is not whole in the result.
    let text = match stream {
        Some("stdout") => stdout.or_else(|| result.get("stdout").and_then(Value::as_str)),
        _ => None,
    };
    let found = match &output.from {
        OutputSource::Pointer(_) if output.kind == OutputType::String && whole.is_some() => {
            match (text, whole) {
                (Some(text), _) if text.len() <= MAX_INLINE_BYTES => Value::from(text),
                (_, Some(whole)) => return Ok(whole.clone()),
                (_, None) => return Err("nothing".to_owned()),
            }
        }
        OutputSource::Stdout => {
            let text = stdout.ok_or("no standard output")?;
            let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
            let long = whole.filter(|_| line.len() > MAX_INLINE_BYTES);
            if output.kind == OutputType::String {
                return Ok(long.cloned().unwrap_or_else(|| Value::from(line)));
            }
            let text = text.trim();
            serde_json::from_str(text)
                .map_err(|_| if text.is_empty() { "nothing".to_owned() } else { excerpt(text) })
                // What is long and right is handed on as it was written.
                .map(|value: Value| {
                    long.filter(|_| output.kind == OutputType::Json).cloned().unwrap_or(value)
                })?
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
    fn long_streams_are_artefacts_and_short_ones_are_texts() {
        let whole = |bytes: usize| json!({"artifact": "0".repeat(64), "bytes": bytes, "name": "stdout.txt"});
        let long = "x".repeat(MAX_INLINE_BYTES + 1);
        let kept = json!({"stdout": "x…x", "stdout_artifact": whole(long.len())});
        for from in ["stdout", "/stdout"] {
            let extracted = |kind, text: &str| extract_one(from, kind, &kept, Some(text));
            assert_eq!(extracted(OutputType::String, &long), Ok(whole(long.len())), "{from}");
            assert_eq!(extracted(OutputType::String, "short"), Ok(json!("short")), "{from}");
            assert_eq!(extracted(OutputType::Artifact, "short"), Ok(whole(long.len())), "{from}");
        }
        let list = format!("[{}1]", "1,".repeat(MAX_INLINE_BYTES));
        assert_eq!(extract_one("stdout", OutputType::Json, &kept, Some(&list)), Ok(whole(long.len())));
        assert_eq!(extract_one("stdout", OutputType::Json, &kept, Some("[1]")), Ok(json!([1])));
        assert_eq!(
            extract_one(
                "/stderr",
                OutputType::String,
                &json!({"stderr": "…", "stderr_artifact": whole(9)}),
                None
            ),
            Ok(whole(9))
        );
        // Without a store nothing is kept, and texts are as long as they are.
        let inline = json!({"stdout": long});
        assert_eq!(extract_one("stdout", OutputType::String, &inline, Some(&long)), Ok(json!(long)));
        assert!(extract_one("stdout", OutputType::Artifact, &inline, Some("1")).is_err());
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
