//! Reading what was kept, or an error.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use starline_device::BlobHash;

use crate::kept;

/// Contents that are read. Their end is an error if they are not what was kept.
#[derive(Debug)]
pub(crate) struct Verified {
    file: File,
    hash: BlobHash,
    hasher: blake3::Hasher,
}

impl Verified {
    pub(crate) fn open(root: &Path, hash: &BlobHash) -> io::Result<Self> {
        let place = kept::place(root, hash);
        let file = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK).open(&place).map_err(
            |error| {
                if error.kind() == io::ErrorKind::NotFound {
                    io::Error::new(error.kind(), format!("contents {hash} are not kept here"))
                } else {
                    fault("cannot open", &place, &error)
                }
            },
        )?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("contents {hash} are no file")));
        }
        Ok(Self { file, hash: hash.clone(), hasher: blake3::Hasher::new() })
    }
}

impl Read for Verified {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(bytes)?;
        self.hasher.update(&bytes[..length]);
        if length == 0 && !bytes.is_empty() && self.hasher.finalize().to_hex().as_str() != self.hash.as_str()
        {
            let message = format!("contents {} were damaged: their hash is another", self.hash);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(length)
    }
}

/// An error of the same kind that says what was tried with which path.
pub(crate) fn fault(what: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what} {}: {error}", path.display()))
}
