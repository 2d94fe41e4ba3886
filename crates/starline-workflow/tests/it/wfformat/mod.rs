//! Records in WfFormat, in both directions.

mod exported;
mod imported;
mod laws;
mod schema;
