//! JSON Schemas of the files and of edit batches, for editors, agents and other programs.
//!
//! The shapes are plain types that say what may be written; the readers of files are apart from them, since they
//! tell more than a schema can. Laws keep the two together.

#[expect(dead_code, reason = "shapes are described and never built")]
mod devices;
#[expect(dead_code, reason = "shapes are described and never built")]
mod edit;
mod edit_task;
#[expect(dead_code, reason = "shapes are described and never built")]
mod editor;
mod kind;
#[expect(dead_code, reason = "shapes are described and never built")]
mod task;
mod words;
#[expect(dead_code, reason = "shapes are described and never built")]
mod work;
#[expect(dead_code, reason = "shapes are described and never built")]
mod workflow;

pub use kind::{SchemaKind, schema};
