//! Durations, amounts, ids and other small texts.

use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use starline_types::{
    Artifact, DependencyId, DeviceId, Millis, OutputSource, Priority, RequestId, RunId, TaskId, Value,
};
use starline_workflow::{DeviceFile, LoadOptions, Workflow, to_json};

use crate::fuzz::meter::call;

pub(super) fn seeds() -> Vec<String> {
    let texts = [
        "500ms",
        "2.5s",
        "30s",
        "2m",
        "1h",
        "7d",
        "32GiB",
        "512 MiB",
        "1.5GB",
        "100MB/s",
        "5",
        "high",
        "100",
        "scan_a",
        "a->b",
        "x:y#2.z-w",
        "/files/out~1x",
        "stdout",
        "tasks.a.outputs.n",
        "0.0004s",
        "2500000000h",
        "{\"artifact\": \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", \"bytes\": 12, \"name\": \"r.csv\"}",
    ];
    texts.map(str::to_owned).to_vec()
}

pub(super) fn check(bytes: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(bytes);
    let mut accepted = false;
    if let Ok(span) = call("Millis::from_str", || text.parse::<Millis>()) {
        let written = span.to_string();
        assert_eq!(written.parse(), Ok(span), "a duration is written as {written:?}");
        accepted = true;
    }
    if let Some(priority) = Priority::from_name(text) {
        assert!(priority.value() <= 100, "a priority of {}", priority.value());
        accepted = true;
    }
    accepted |= id::<TaskId>(text) | id::<DeviceId>(text) | id::<RunId>(text);
    accepted |= id::<RequestId>(text) | id::<DependencyId>(text);
    let value = Value::from(text);
    if let Ok(source) = serde_json::from_value::<OutputSource>(value.clone()) {
        let written = serde_json::to_value(&source).expect("what is read can be written");
        assert_eq!(
            serde_json::from_value::<OutputSource>(written).ok(),
            Some(source),
            "a source of an output"
        );
        accepted = true;
    }
    if let Ok(artifact) = serde_json::from_str::<Value>(text).map(|value| Artifact::from_value(&value)) {
        accepted |= artifact.is_some();
    }
    accepted | in_files(&value)
}

/// An id is read alike from a text and from JSON, and written as it was.
fn id<T>(text: &str) -> bool
where
    T: FromStr + Display + Serialize + DeserializeOwned + PartialEq,
{
    let found = T::from_str(text).ok();
    let json = serde_json::from_value::<T>(Value::from(text)).ok();
    assert!(found == json, "an id is read from JSON otherwise than from text");
    let Some(id) = found else { return false };
    assert_eq!(id.to_string(), text, "an id is written otherwise");
    assert_eq!(serde_json::to_value(&id).ok(), Some(Value::from(text)), "an id is written otherwise in JSON");
    true
}

/// The text where files have durations, amounts and ids.
fn in_files(value: &Value) -> bool {
    let file =
        format!("version: 1\ndevices:\n  - {{ id: d, kind: process, resources: {{ memory: {value} }} }}\n");
    let mut accepted = false;
    if let Ok(file) = DeviceFile::parse(file.as_bytes()) {
        let yaml = file.to_yaml().expect("what is read can be written");
        assert_eq!(DeviceFile::parse(yaml.as_bytes()), Ok(file), "an amount is read otherwise: {yaml}");
        accepted = true;
    }
    for field in [
        format!("run_timeout: {value}"),
        format!("retry: {{ base: {value} }}"),
        format!("priority: {value}"),
        format!("device: {{ on: {value} }}"),
        format!("name: {value}"),
        format!("outputs: {{ n: {{ from: {value} }} }}"),
        format!("estimate: {{ duration: {value} }}"),
        format!("inputs: {{ f: {{ file: {value} }} }}"),
    ] {
        let file = format!("version: 1\ntasks:\n  a: {{ run: {{ noop: }}, {field} }}\n");
        let options = LoadOptions::default();
        if let Ok(workflow) = call("Workflow::parse", || Workflow::parse(file.as_bytes(), &options)) {
            let json = to_json(&workflow).expect("what is read can be written");
            assert_eq!(
                Workflow::parse(json.as_bytes(), &options),
                Ok(workflow),
                "a field is read otherwise: {json}"
            );
            accepted = true;
        }
    }
    accepted
}
