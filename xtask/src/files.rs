//! The files of the workspace as a person sees them: sources and texts, no build output.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Folders that hold what was made, not what was written.
const MADE: [&str; 3] = ["target", ".git", ".starline"];

/// A file of the workspace.
#[derive(Debug)]
pub(crate) struct File {
    /// Path below the root, with forward slashes.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
}

impl File {
    /// The end of the name behind the last dot.
    pub(crate) fn is(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, end)| end == extension)
    }
}

/// All text files below `root`, sorted by path. Files that are not UTF-8 are left out.
pub(crate) fn texts(root: &Path) -> anyhow::Result<Vec<File>> {
    let mut texts = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_symlink() {
                continue; // What it leads to is either listed anyway or none of ours.
            } else if path.is_dir() {
                if !MADE.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let below = path.strip_prefix(root).unwrap_or(&path);
                texts.push(File { path: below.to_string_lossy().replace('\\', "/"), text });
            }
        }
    }
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(texts)
}

/// What lies directly in a folder, sorted.
pub(crate) fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let read = std::fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
    let mut paths = Vec::new();
    for entry in read {
        paths.push(entry.with_context(|| format!("failed to read {}", folder.display()))?.path());
    }
    paths.sort();
    Ok(paths)
}
