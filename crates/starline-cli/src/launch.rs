//! What a run was begun with, kept so that another process can go on with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::devices::Devices;
use crate::editor::EditorName;
use crate::failure::Failure;
use crate::source::Source;

/// Name of the file in the folder of the run.
pub(crate) const LAUNCH: &str = "launch.json";

/// What a run was begun with beside its graph and settings, which are in its first fact.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Launch {
    /// The workflow file, as it was named.
    pub(crate) file: String,
    /// Its folder, as an absolute path.
    pub(crate) folder: PathBuf,
    /// The strategy that was asked for, if not that of the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) strategy: Option<String>,
    /// Who was asked for as the editor, if not that of the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) editor: Option<EditorName>,
    /// The device file; none for this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) devices: Option<DeviceText>,
    /// Whether `starline serve` carries it out, and goes on with it when it starts again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) served: bool,
}

/// A device file as it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeviceText {
    /// The file, as it was named.
    pub(crate) file: String,
    /// Its folder, as an absolute path.
    pub(crate) folder: PathBuf,
    /// What was in it.
    pub(crate) text: String,
}

impl Launch {
    /// A launch of a workflow file.
    pub(crate) fn of(file: &str, folder: &Path) -> Self {
        Self { file: file.to_owned(), folder: absolute(folder), ..Self::default() }
    }

    /// What the run of a folder was begun with.
    ///
    /// # Errors
    /// There is no such file, or it is of another form.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(folder.join(LAUNCH))?)?)
    }

    /// The devices, as they were described then.
    ///
    /// # Errors
    /// They cannot be read any more.
    pub(crate) fn devices(&self) -> Result<Devices, Failure> {
        match &self.devices {
            None => Devices::this_machine(),
            Some(DeviceText { file, folder, text }) => {
                let (name, folder, bytes) = (file.clone(), folder.clone(), text.clone().into_bytes());
                Devices::of(Source { name, bytes, folder })
            }
        }
    }
}

/// A path that means the same in every process.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
