#![doc = include_str!("../README.md")]

mod amount;
mod device_file;
mod excerpt;
mod fields;
mod file;
mod nearest;
mod problem;
mod render;
mod tree;
mod wfformat;
mod write;

pub use device_file::{DeviceEntry, DeviceFile};
pub use file::{Input, InputType, LoadOptions, Workflow};
pub use problem::Problem;
pub use render::render;
pub use wfformat::{ImportOptions, Imported, Warning, import_wfformat, import_wfformat_with};
pub use write::{WriteError, to_json, to_yaml};

pub use starline_edit::Limits;
pub use starline_types::{DeviceId, DeviceProfile, GraphSpec, RunSettings, Value};
