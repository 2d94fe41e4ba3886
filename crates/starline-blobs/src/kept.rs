//! Contents that are there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use starline_device::BlobHash;

/// Digits that name a folder.
const SHARD: usize = 2;

/// Contents that are there.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) hash: BlobHash,
    pub(crate) path: PathBuf,
}

/// The folder that contents are in.
pub(crate) fn shard(root: &Path, hash: &BlobHash) -> PathBuf {
    root.join(&hash.as_str()[..SHARD])
}

/// Where contents are. Made of digits alone, so it is always below the root.
pub(crate) fn place(root: &Path, hash: &BlobHash) -> PathBuf {
    shard(root, hash).join(hash.as_str())
}

/// All contents. What has another name than contents have is no matter of ours and left alone.
pub(crate) fn all(root: &Path) -> impl Iterator<Item = io::Result<Kept>> {
    let shards = paths(root).filter(|path| path.as_ref().map_or(true, |path| is_shard(path)));
    let files = shards.flat_map(|shard| match shard {
        Ok(shard) => paths(&shard),
        Err(error) => Paths::Fault(Some(error)),
    });
    files.filter_map(|path| match path {
        Ok(path) => {
            let hash = BlobHash::from_hex(path.file_name()?.to_str()?).ok()?;
            Some(Ok(Kept { hash, path }))
        }
        Err(error) => Some(Err(error)),
    })
}

/// Sees to it that the name of contents is on disk.
pub(crate) fn sync(root: &Path, hash: &BlobHash) -> io::Result<()> {
    File::open(shard(root, hash))?.sync_all()?;
    File::open(root)?.sync_all()
}

fn is_shard(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    name.len() == SHARD
        && name.bytes().all(hexadecimal)
        && path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// The paths in a folder.
fn paths(folder: &Path) -> Paths {
    fs::read_dir(folder).map_or_else(|error| Paths::Fault(Some(error)), Paths::Some)
}

/// Paths, or one fault in their place.
#[derive(Debug)]
enum Paths {
    Some(fs::ReadDir),
    Fault(Option<io::Error>),
}

impl Iterator for Paths {
    type Item = io::Result<PathBuf>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Some(entries) => entries.next().map(|entry| entry.map(|entry| entry.path())),
            Self::Fault(error) => error.take().map(Err),
        }
    }
}
