//! Workflow files, read and written.

mod agents;
pub(crate) mod arbitrary;
mod at_once;
pub(crate) mod broken;
pub(crate) mod golden;
mod hostile;
mod laws;
mod together;
mod valid;
mod volume;
pub(crate) mod written;
