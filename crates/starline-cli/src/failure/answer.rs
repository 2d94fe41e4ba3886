//! Refusals of another process, told to people.

use serde_json::Value;

use crate::output::Output;
use crate::paint::printable;

/// The refusal in one line.
pub(super) fn headline(body: &Value) -> String {
    let word = body["error"].as_str().unwrap_or("refused");
    let faults = body["rejections"].as_array().map_or(0, Vec::len);
    let count = |what: &str| if faults == 1 { format!("1 {what}") } else { format!("{faults} {what}s") };
    match word {
        "conflict" => {
            let changed: Vec<&str> = list(&body["changed"]);
            let what =
                if changed.is_empty() { String::new() } else { format!("{} changed; ", changed.join(", ")) };
            format!("conflict: {what}the run is at revision {}: look again, and do it again", body["current"])
        }
        "rejected" => format!("the edit was rejected and nothing has changed: {}", count("fault")),
        word => match body["message"].as_str().filter(|message| !message.is_empty()) {
            Some(message) => format!("{word}: {message}"),
            None if faults > 0 => format!("{word}: {}", count("fault")),
            None => word.to_owned(),
        },
    }
}

/// The refusal with every fault.
pub(super) fn tell(body: &Value, output: &Output) {
    for fault in body["rejections"].as_array().into_iter().flatten() {
        let text = |field: &str| fault[field].as_str().unwrap_or_default();
        let rule = fault["rule"].as_str().map(|rule| format!(" ({rule})")).unwrap_or_default();
        let line = format!("edit {}: {}{rule}: {}", fault["edit"], text("code"), text("message"));
        output.notice(&printable(&line));
        if let Some(hint) = fault["hint"].as_str() {
            output.notice(&format!("  = {}", printable(hint)));
        }
    }
    for problem in body["problems"].as_array().into_iter().flatten() {
        let text = |field: &str| problem[field].as_str().unwrap_or_default();
        let (line, column) = (&problem["line"], &problem["column"]);
        output.notice(&printable(&format!(
            "line {line}, column {column}: {}: {}",
            text("code"),
            text("message")
        )));
        if let Some(hint) = problem["hint"].as_str() {
            output.notice(&format!("  = {}", printable(hint)));
        }
    }
    output.error(&printable(&headline(body)));
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
