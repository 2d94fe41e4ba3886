#![doc = include_str!("../README.md")]

mod amount;
mod batch;
mod device_file;
mod dot;
mod drawing;
mod excerpt;
mod exported;
mod fields;
mod file;
mod galaxy;
mod literal;
mod mermaid;
mod names;
mod nearest;
mod problem;
mod render;
mod schema;
mod svg;
mod tree;
mod value;
mod warning;
mod wfformat;
mod write;

pub use batch::{
    Answer, AnswerStatus, BatchOptions, Proposal, ProposedGraph, ReadBatch, propose, read_answer, read_batch,
    write_batch,
};
pub use device_file::{
    AuthSettings, ConnectionSettings, DeviceEntry, DeviceFile, Link, NetworkSettings, SshMode,
};
pub use dot::to_dot;
pub use exported::Exported;
pub use file::{FileResolver, Input, InputType, LoadOptions, Workflow};
pub use galaxy::{GalaxyExport, GalaxyOptions, ImportedGalaxy, export_galaxy, import_galaxy};
pub use mermaid::to_mermaid;
pub use problem::Problem;
pub use render::render;
pub use schema::{SchemaKind, schema};
pub use svg::{SvgOptions, to_svg, to_svg_with};
pub use value::read_value;
pub use warning::Warning;
pub use wfformat::{
    ExportOptions, ImportOptions, Imported, WfVersion, edge_bytes, export_wfformat, import_wfformat,
    import_wfformat_with,
};
pub use write::{WriteError, task_to_yaml, to_json, to_yaml};

pub use starline_edit::Limits;
pub use starline_types::{DeviceId, DeviceProfile, GraphSpec, RunSettings, Value};
