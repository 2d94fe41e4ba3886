//! The folder as an orchestrator and its devices see it.

mod access;
mod contents;
mod scratch;
