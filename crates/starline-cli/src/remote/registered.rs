//! Where other processes find this one: a file in the state folder, for its owner alone.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use starline::server::{ConnectionFile, Token};

use crate::failure::Failure;
use crate::state::{State, make, unusable, write_private};

/// Largest file of this kind, in bytes.
const LIMIT: u64 = 64 << 10;
const SUFFIX: &str = "json";

/// What the file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(flatten)]
    pub(super) connection: ConnectionFile,
    /// Whether the process takes workflows of others.
    pub(super) takes_workflows: bool,
    /// Token of whoever answers holds from elsewhere: within the policy of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) editor: Option<Token>,
}

/// This process can be found for as long as this lives.
#[derive(Debug)]
pub(crate) struct Registered {
    path: PathBuf,
}

impl Registered {
    /// Writes the file, of mode 0600.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub(crate) fn write(
        state: &State,
        connection: ConnectionFile,
        takes_workflows: bool,
        editor: Option<Token>,
    ) -> Result<Self, Failure> {
        let folder = state.servers();
        let path = folder.join(connection.pid.to_string()).with_extension(SUFFIX);
        let entry = Entry { connection, takes_workflows, editor };
        let write = || -> io::Result<()> {
            make(&folder)?;
            forget_the_dead(&folder);
            write_private(&path, |file| serde_json::to_writer(file, &entry).map_err(io::Error::from))
        };
        write().map_err(|error| unusable(&folder, &error))?;
        Ok(Self { path })
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // Whoever finds it afterwards sees that the process is gone.
        let _ = fs::remove_file(&self.path);
    }
}

/// What processes of a state folder wrote that are still there.
///
/// # Errors
/// The state folder cannot be used.
pub(super) fn registered(root: &Path) -> Result<Vec<Entry>, Failure> {
    let Some(state) = State::open(root)? else { return Ok(Vec::new()) };
    let entries = match fs::read_dir(state.servers()) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unusable(root, &error)),
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths.iter().filter_map(|path| read(path)).filter(|found| is_alive(found.connection.pid)).collect())
}

fn read(path: &Path) -> Option<Entry> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(LIMIT).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Removes files of processes that were killed.
fn forget_the_dead(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if read(&path).is_some_and(|found| !is_alive(found.connection.pid)) {
            // Another process may have done it just now.
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether there is such a process; where the system does not say, there may be.
pub(crate) fn is_alive(pid: u32) -> bool {
    let processes = Path::new("/proc");
    !processes.join("self").exists() || processes.join(pid.to_string()).exists()
}
