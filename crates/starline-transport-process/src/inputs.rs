//! Files that are sent along with a task.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use starline_device::{AttemptFile, BlobStore, ErrorKind, SparseMap, TaskError};
use tokio::task::spawn_blocking;

/// Subfolder of the folder of an attempt for files that are sent along.
pub(crate) const FOLDER: &str = "inputs";

/// Copies files out of a store into the folder of an attempt, which is new and private.
pub(crate) async fn give(
    files: &SparseMap<AttemptFile>,
    store: Option<&Arc<dyn BlobStore>>,
    folder: &Path,
) -> Result<(), TaskError> {
    let Some(first) = files.keys().next() else { return Ok(()) };
    let Some(store) = store.cloned() else {
        let message =
            format!("input `{first}` is a file, and this device has no store of files to take it from");
        return Err(TaskError::new(ErrorKind::InvalidRequest, message));
    };
    let (files, folder) = (files.clone(), folder.to_owned());
    let copying =
        spawn_blocking(move || files.iter().try_for_each(|(name, file)| copy(name, file, &*store, &folder)));
    copying.await.unwrap_or_else(|error| {
        let message = format!("inputs could not be copied: {error}");
        Err(TaskError::new(ErrorKind::DeviceError, message))
    })
}

fn copy(name: &str, file: &AttemptFile, store: &dyn BlobStore, folder: &Path) -> Result<(), TaskError> {
    let invalid = |why: &str| {
        let message = format!("input `{name}` cannot be given as {:?}: {why}", file.path);
        TaskError::new(ErrorKind::InvalidRequest, message)
    };
    let path = below(folder, &file.path)
        .ok_or_else(|| invalid("the path leads out of the folder of the attempt"))?;
    let mut contents = store.open(&file.artifact.hash).map_err(|error| invalid(&error.to_string()))?;
    let mut write = || {
        if let Some(parent) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        io::copy(&mut contents, &mut target)
    };
    match write() {
        Ok(bytes) if bytes == file.artifact.bytes => Ok(()),
        Ok(bytes) => {
            let why = format!("it has {bytes} bytes, and not the {} it should have", file.artifact.bytes);
            Err(invalid(&why))
        }
        // The contents are not what they were; anything else is a matter of this machine.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(invalid(&error.to_string())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(invalid("another input has the path"))
        }
        Err(error) => {
            let message = format!("input `{name}` could not be written: {error}");
            Err(TaskError::new(ErrorKind::DeviceError, message))
        }
    }
}

/// The place of a relative path that leads down and nowhere else.
pub(crate) fn below(folder: &Path, path: &str) -> Option<PathBuf> {
    let mut parts = Path::new(path).components().peekable();
    parts.peek()?;
    let leads_down = parts.all(|part| matches!(part, Component::Normal(_)));
    (leads_down && !path.contains('\0') && !path.ends_with('/')).then(|| folder.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_down() {
        let folder = Path::new("/w");
        assert_eq!(below(folder, "inputs/a.csv").as_deref(), Some(Path::new("/w/inputs/a.csv")));
        assert_eq!(below(folder, "-rf").as_deref(), Some(Path::new("/w/-rf")));
        assert_eq!(below(folder, "...").as_deref(), Some(Path::new("/w/...")));
        for path in ["", ".", "..", "/", "/etc/passwd", "../x", "a/../../x", "a/..", "./a", "a/", "a\0b"] {
            assert_eq!(below(folder, path), None, "{path:?}");
        }
    }
}
