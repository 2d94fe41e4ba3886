//! Device files, read and written.

mod broken;
pub(crate) mod laws;
mod valid;
