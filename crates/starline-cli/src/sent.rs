//! Files that are sent along with tasks: looked at while a workflow is read, and stored when it runs.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use starline::blobs::FolderBlobs;
use starline::device::BlobStore;
use starline::types::{Artifact, BlobHash, FileInput, RunId};
use starline::workflow::{FileResolver, Workflow};

use crate::failure::Failure;
use crate::state::State;

/// Largest file that is sent, in bytes: 64 MiB.
const LIMIT: u64 = 64 << 20;

/// Files below the folder of a workflow file.
#[derive(Clone, Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    /// Opens a file below the folder. Links that lead out of it are not followed.
    fn open(&self, path: &str) -> Result<File, String> {
        let relative = Path::new(path);
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if relative.as_os_str().is_empty() || !relative.components().all(plain) {
            return Err("it is not below the folder of the workflow file".to_owned());
        }
        let told = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => "it does not exist".to_owned(),
            _ => error.to_string(),
        };
        let folder = fs::canonicalize(&self.0).map_err(told)?;
        let whole = fs::canonicalize(folder.join(relative)).map_err(told)?;
        if !whole.starts_with(&folder) {
            return Err("a link leads out of the folder of the workflow file".to_owned());
        }
        // Looked at before it is opened: a pipe would be waited for.
        let found = fs::symlink_metadata(&whole).map_err(told)?;
        if !found.is_file() {
            return Err(if found.is_dir() { "it is a folder" } else { "it is no regular file" }.to_owned());
        }
        if found.len() > LIMIT {
            return Err(format!("it is larger than {} MiB", LIMIT >> 20));
        }
        File::open(&whole).map_err(told)
    }
}

impl FileResolver for Folder {
    /// Reads the file to its end, and keeps nothing of it.
    fn resolve(&self, path: &str) -> Result<Artifact, String> {
        let mut hasher = blake3::Hasher::new();
        let bytes = io::copy(&mut self.open(path)?.take(LIMIT + 1), &mut hasher)
            .map_err(|error| error.to_string())?;
        let hash = BlobHash::from_hex(&hasher.finalize().to_hex())?;
        Ok(Artifact { hash, bytes, name: name(path) })
    }
}

fn name(path: &str) -> String {
    let name = Path::new(path).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Contents that a run needs, for as long as it needs them.
#[derive(Debug)]
pub(crate) struct Contents {
    blobs: Arc<FolderBlobs>,
    /// Removed with it.
    temporary: Option<PathBuf>,
}

impl Contents {
    /// Contents that all runs of a state folder share, or those of one run that leaves nothing behind.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub(crate) fn open(state: Option<&State>, run: &RunId) -> Result<Self, Failure> {
        let temporary = state.is_none().then(|| std::env::temp_dir().join(format!("starline-blobs-{run}")));
        let folder = state.map(State::blobs).or_else(|| temporary.clone()).unwrap_or_default();
        let blobs = FolderBlobs::open(&folder).map_err(|error| {
            let what = format!("failed to use the folder of contents {}", folder.display());
            Failure::infrastructure("blob_folder", what, &error)
        })?;
        Ok(Self { blobs: Arc::new(blobs), temporary })
    }

    /// Contents that all runs of a state folder share.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub(crate) fn shared(state: &State) -> Result<Self, Failure> {
        Self::open(Some(state), &RunId::system())
    }

    /// The store.
    pub(crate) fn store(&self) -> Arc<dyn BlobStore> {
        Arc::clone(&self.blobs) as Arc<dyn BlobStore>
    }

    /// Stores the files that tasks are sent.
    ///
    /// # Errors
    /// One of them cannot be read any more, or not be stored.
    pub(crate) fn take(&self, workflow: &mut Workflow, folder: &Folder) -> Result<(), Failure> {
        if workflow.graph.tasks.iter().all(|task| task.files().is_empty()) {
            return Ok(());
        }
        for task in &mut Arc::make_mut(&mut workflow.graph).tasks {
            if task.files().is_empty() {
                continue;
            }
            let Some(details) = &mut Arc::make_mut(task).details else { continue };
            for file in Arc::make_mut(details).files.values_mut() {
                if let FileInput::File { path, artifact } = file {
                    *artifact = Some(self.store_file(path, folder)?);
                }
            }
        }
        Ok(())
    }

    fn store_file(&self, path: &str, folder: &Folder) -> Result<Artifact, Failure> {
        let mut file = folder.open(path).map_err(|fault| {
            Failure::file(path, "file_not_readable", format!("{path} cannot be read: {fault}"))
        })?;
        let stored = self.blobs.store(&name(path), &mut file, LIMIT);
        stored.map_err(|error| {
            Failure::infrastructure("blob_folder", format!("failed to store {path}"), &error)
        })
    }
}

impl Drop for Contents {
    fn drop(&mut self) {
        if let Some(folder) = &self.temporary {
            // What cannot be removed does no harm.
            let _ = fs::remove_dir_all(folder);
        }
    }
}
