//! The schemas that are kept in `docs/schema`.

use std::path::{Path, PathBuf};
use std::{env, fs};

use starline_workflow::{SchemaKind, Value, schema};

fn path(kind: SchemaKind) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    folder.join(format!("{}.schema.json", kind.as_str()))
}

#[test]
fn the_schemas_in_the_documentation_are_those_of_the_code() {
    for kind in SchemaKind::ALL {
        let path = path(kind);
        if env::var_os("STARLINE_UPDATE_GOLDEN").is_some() {
            let mut text = serde_json::to_string_pretty(&schema(kind)).expect("json");
            text.push('\n');
            fs::write(&path, text).expect("the file can be written");
        }
        let text = fs::read_to_string(&path).expect("the file is there");
        let committed: Value = serde_json::from_str(&text).expect("json");
        assert!(committed == schema(kind), "run with STARLINE_UPDATE_GOLDEN=1: {} is old", kind.as_str());
    }
}

#[test]
fn kinds_are_found_by_their_words() {
    for kind in SchemaKind::ALL {
        assert_eq!(SchemaKind::from_name(kind.as_str()), Some(kind));
        assert_eq!(schema(kind), schema(kind));
    }
    assert_eq!(SchemaKind::from_name("tasks"), None);
}
