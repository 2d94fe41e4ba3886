//! Files of measurements.

use std::fs;
use std::path::{Path, PathBuf};

use crate::RunError;

/// A folder on the disk of the build, as folders of temporary files may have none.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &'static str) -> Result<Self, RunError> {
        let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(beside, PathBuf::from);
        let folder = target.join("bench").join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| RunError::failed(name, error))?;
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left takes up some space, and harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}
