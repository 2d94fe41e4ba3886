#![doc = include_str!("../README.md")]

#[cfg(not(unix))]
compile_error!("starline-blobs needs the file modes of a Unix system");

mod folder;
mod incoming;
mod kept;
mod verify;

pub use folder::{Collected, FolderBlobs};
