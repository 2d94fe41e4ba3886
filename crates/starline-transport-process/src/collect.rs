//! Files that a process leaves behind and that are kept.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use starline_device::{Artifact, BlobStore, ErrorKind, TaskError, TaskReport, Value};
use tokio::task::spawn_blocking;

use crate::inputs::below;

/// Whether files can be kept at all. Asked before anything is started.
pub(crate) fn check(paths: &[String], store: Option<&Arc<dyn BlobStore>>) -> Result<(), TaskError> {
    let refuse = |message| Err(TaskError::new(ErrorKind::InvalidRequest, message));
    if let Some(path) = paths.iter().find(|path| below(Path::new("/"), path).is_none()) {
        return refuse(format!(
            "file {path:?} cannot be collected: it is no path below the folder of the task"
        ));
    }
    match (paths.first(), store) {
        (Some(path), None) => refuse(format!(
            "file {path:?} cannot be collected: this device has no store of files to keep it in"
        )),
        _ => Ok(()),
    }
}

/// Keeps the files of an attempt that is done, and adds them to its result as `files`.
pub(crate) async fn keep(
    report: TaskReport,
    paths: &[String],
    store: Option<&Arc<dyn BlobStore>>,
    folder: &Path,
    limit: u64,
) -> TaskReport {
    let (mut result, stdout, store) = match (report, store) {
        (TaskReport::Completed { result, stdout }, Some(store)) if !paths.is_empty() => {
            (result, stdout, store)
        }
        (report, _) => return report,
    };
    let (paths, folder, store) = (paths.to_vec(), folder.to_owned(), Arc::clone(store));
    let keeping = spawn_blocking(move || {
        let root = fs::canonicalize(&folder).map_err(|error| bad(format!("folder of the task: {error}")))?;
        let keep = |path: String| {
            let artifact = keep_one(&path, &root, &*store, limit)?;
            Ok((path, artifact.to_value()))
        };
        paths.into_iter().map(keep).collect::<Result<Value, _>>()
    });
    let kept =
        keeping.await.unwrap_or_else(|error| Err(bad(format!("files could not be collected: {error}"))));
    match kept {
        Ok(files) => {
            if let Value::Object(members) = &mut result {
                members.insert("files".to_owned(), files);
            }
            TaskReport::Completed { result, stdout }
        }
        Err(error) => TaskReport::Failed { error, result },
    }
}

fn keep_one(path: &str, root: &Path, store: &dyn BlobStore, limit: u64) -> Result<Artifact, TaskError> {
    let fault = |why: &str| bad(format!("file {path:?} cannot be collected: {why}"));
    let place = resolve(path, root).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => fault("it is not there"),
        _ => fault(&error.to_string()),
    })?;
    // Resolved already, so a link in its place has only just been put there.
    let opened = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK).open(&place);
    let mut file = opened.map_err(|error| fault(&error.to_string()))?;
    match file.metadata() {
        Ok(found) if !found.is_file() => return Err(fault("it is no regular file")),
        Ok(found) if found.len() > limit => {
            return Err(fault(&format!("it has {} bytes, and {limit} are kept at most", found.len())));
        }
        Ok(_) => {}
        Err(error) => return Err(fault(&error.to_string())),
    }
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    store.store(&name, &mut file, limit).map_err(|error| fault(&error.to_string()))
}

/// The file that a path leads to, if that is below the root.
fn resolve(path: &str, root: &Path) -> io::Result<PathBuf> {
    let refuse = || io::Error::other("it leads out of the folder of the task");
    let place = fs::canonicalize(below(root, path).ok_or_else(refuse)?)?;
    if place.starts_with(root) { Ok(place) } else { Err(refuse()) }
}

fn bad(message: String) -> TaskError {
    TaskError::new(ErrorKind::BadOutput, message)
}
