//! The device file, version 1.

mod address;
mod auth;
mod connection;
mod entry;
mod exec;
mod file;
mod kind;
mod link;
mod place;
mod programs;
mod settings;
mod write;

pub use entry::DeviceEntry;
pub use file::DeviceFile;
pub use link::Link;
pub use settings::{AuthSettings, ConnectionSettings, NetworkSettings, SshMode};
