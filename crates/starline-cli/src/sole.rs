//! One `starline serve` for each state folder: a second one would take away what the first has running.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::remote::is_alive;
use crate::state::{State, unusable};

/// Most that is read of the file, in bytes.
const LIMIT: u64 = 4 << 10;

/// This process alone serves a state folder, for as long as this lives.
///
/// The system lets go of the lock when the process ends, however it ends. The file stays: whoever removed it could
/// remove the one that the next process has just locked.
#[derive(Debug)]
pub(crate) struct Sole {
    file: File,
}

/// What the file says of the process that has it.
#[derive(Debug, Deserialize, Serialize)]
struct Holder {
    pid: u32,
    /// Not known at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<SocketAddr>,
}

impl Sole {
    /// Takes the state folder.
    ///
    /// # Errors
    /// Another process serves it, which is named; or the file cannot be used.
    pub(crate) fn take(state: &State, root: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| unusable(root, &error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(state.sole()).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(root, holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut sole = Self { file };
        sole.say(None).map_err(failed)?;
        Ok(sole)
    }

    /// Says where this process listens, for whoever is refused.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn listens(&mut self, root: &Path, address: SocketAddr) -> Result<(), Failure> {
        self.say(Some(address)).map_err(|error| unusable(root, &error))
    }

    fn say(&mut self, address: Option<SocketAddr>) -> io::Result<()> {
        let text = serde_json::to_vec(&Holder { pid: std::process::id(), address })?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)
    }
}

impl Drop for Sole {
    fn drop(&mut self) {
        // What is left of it names a process that is gone, and is not told.
        let _ = self.file.set_len(0);
    }
}

/// Who has the file, if it says so: it may be just about to.
fn holder(file: &mut File) -> Option<Holder> {
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok().filter(|holder: &Holder| is_alive(holder.pid))
}

fn taken(root: &Path, holder: Option<Holder>) -> Failure {
    let who = match &holder {
        Some(Holder { pid, address: Some(address) }) => format!("process {pid} at http://{address}"),
        Some(Holder { pid, address: None }) => format!("process {pid}"),
        None => "another process".to_owned(),
    };
    let message = format!("{who} serves the state folder {} already", root.display());
    Failure::new(Exit::Infrastructure, "already_serving", message)
        .with_hint("hand workflows over to it with `starline run FILE --detach`, or choose another folder with --state-dir")
}
