//! The files that somebody begins with.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::schema::{self, SchemaOf};

/// The folder of schemas, beside the files that name them.
const SCHEMAS: &str = ".starline-schema";
/// Settings of an editor that many have.
const SETTINGS: &str = ".vscode/settings.json";
/// The setting that says which files a schema is for.
const SETTING: &str = "yaml.schemas";

/// What became of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    /// It is new, or was replaced because that was asked for.
    Written,
    /// It was there, and is as it was.
    Kept,
}

/// A file that is to be written.
#[derive(Clone, Debug)]
pub(crate) struct Starter {
    /// Its path below the folder.
    pub(crate) path: PathBuf,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Text(String),
    /// Settings that may stand beside others.
    Settings(Map<String, Value>),
}

/// All files, those that people read first.
pub(crate) fn starters() -> Vec<Starter> {
    let text = |path: &str, text: &str| Starter {
        path: PathBuf::from(path),
        content: Content::Text(text.to_owned()),
    };
    let mut files = vec![
        text("workflow.yaml", include_str!("workflow.yaml")),
        text("devices.yaml", include_str!("devices.yaml")),
        Starter { path: PathBuf::from(SETTINGS), content: Content::Settings(settings()) },
    ];
    for of in SchemaOf::ALL {
        files.push(text(&schema_path(of), &format!("{:#}\n", schema::schema(of))));
    }
    files
}

fn schema_path(of: SchemaOf) -> String {
    format!("{SCHEMAS}/{}.schema.json", of.word())
}

fn settings() -> Map<String, Value> {
    let of = |of: SchemaOf| format!("./{}", schema_path(of));
    let schemas = json!({
        of(SchemaOf::Workflow): ["workflow.yaml", "*.workflow.yaml"],
        of(SchemaOf::Devices): ["devices.yaml", "*.devices.yaml"],
    });
    Map::from_iter([(SETTING.to_owned(), schemas)])
}

impl Starter {
    /// Writes the file into a folder. One that is there is kept, unless `force`; settings of others are kept
    /// even then.
    ///
    /// # Errors
    /// The file cannot be written, or holds settings that cannot be read.
    pub(crate) fn write(&self, folder: &Path, force: bool) -> io::Result<Fate> {
        let path = folder.join(&self.path);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above)?;
        }
        let mut options = OpenOptions::new();
        match options.write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(self.text(None)?.as_bytes())?;
                Ok(Fate::Written)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && force => {
                let present = match self.content {
                    Content::Text(_) => None,
                    Content::Settings(_) => Some(fs::read_to_string(&path)?),
                };
                fs::write(&path, self.text(present.as_deref())?)?;
                Ok(Fate::Written)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Fate::Kept),
            Err(error) => Err(error),
        }
    }

    fn text(&self, present: Option<&str>) -> io::Result<String> {
        match &self.content {
            Content::Text(text) => Ok(text.clone()),
            Content::Settings(settings) => {
                let merged = match present.filter(|text| !text.trim().is_empty()) {
                    None => settings.clone(),
                    Some(text) => merged(text, settings)?,
                };
                Ok(format!("{:#}\n", Value::Object(merged)))
            }
        }
    }
}

/// Settings that are there, with ours among them.
fn merged(present: &str, ours: &Map<String, Value>) -> io::Result<Map<String, Value>> {
    let unreadable = || {
        let message = "it has comments or is no JSON object, so that nothing can be added";
        io::Error::new(io::ErrorKind::InvalidData, message)
    };
    let mut settings: Map<String, Value> = serde_json::from_str(present).map_err(|_| unreadable())?;
    for (name, value) in ours {
        match (settings.get_mut(name), value) {
            (Some(Value::Object(present)), Value::Object(ours)) => present.extend(ours.clone()),
            _ => {
                settings.insert(name.clone(), value.clone());
            }
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_others_stay() {
        let present = r#"{"editor.tabSize": 3, "yaml.schemas": {"./mine.json": "mine.yaml"}}"#;
        let merged = merged(present, &settings()).expect("settings");
        assert_eq!(merged["editor.tabSize"], 3);
        assert_eq!(merged[SETTING]["./mine.json"], "mine.yaml");
        assert!(merged[SETTING]["./.starline-schema/workflow.schema.json"].is_array(), "{merged:?}");
        assert!(super::merged("// a comment\n{}", &settings()).is_err());
    }
}
