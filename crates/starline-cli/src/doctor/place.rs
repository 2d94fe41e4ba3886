//! Where runs leave their files.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::Check;
use super::programs::said;
use crate::run_id;
use crate::state::{OTHERS, mending};

/// Free space that is enough for anything usual, in bytes: 1 GiB.
const ENOUGH_SPACE: u64 = 1 << 30;

/// Whether the state folder can be used, or made. It is not made.
pub(super) fn state_folder(folder: &Path) -> Check {
    const NAME: &str = "state folder";
    const FIX: &str = "choose another one with --state-dir";
    let shown = folder.display();
    let place = existing(folder);
    let is_there = place == folder;
    let tried = fs::metadata(&place).and_then(|found| {
        if !found.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        try_to_write(&place).map(|()| found.mode() & 0o777)
    });
    let mode = match tried {
        Ok(mode) => mode,
        Err(error) => return Check::missing(NAME, format!("{shown} cannot be used: {error}"), FIX),
    };
    if !is_there {
        return Check::ok(NAME, format!("{shown} is not there yet, and can be made"));
    }
    let runs = folder.join("runs");
    let open = [(folder, OTHERS), (runs.as_path(), OTHERS)].into_iter().find_map(|(place, mask)| {
        let mode = fs::metadata(place).ok()?.mode() & 0o777;
        (mode & mask != 0).then(|| (place.display().to_string(), mode))
    });
    match open {
        Some((place, mode)) => {
            let found = format!("{place} is open to others: its mode is {mode:03o}");
            Check::missing(NAME, found, mending(folder))
        }
        None => Check::ok(NAME, format!("{shown} can be written; its mode is {mode:03o}")),
    }
}

/// The folder itself, or the nearest one above it that is there.
fn existing(folder: &Path) -> PathBuf {
    let above = folder.ancestors().find(|place| !place.as_os_str().is_empty() && place.exists());
    above.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Makes a folder in a folder, and removes it again.
fn try_to_write(folder: &Path) -> io::Result<()> {
    let name = OsString::from(format!(".starline-doctor-{}", run_id::fresh()));
    let path = folder.join(name);
    DirBuilder::new().mode(0o700).create(&path)?;
    fs::remove_dir(path)
}

/// Whether there is room for what runs leave behind.
pub(super) async fn disk(folder: &Path) -> Check {
    const NAME: &str = "disk space";
    let mut command = Command::new("df");
    command.arg("-Pk").arg("--").arg(existing(folder)).env("LC_ALL", "C");
    let output = said(command).await.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let Some(free) = output.ok().as_deref().and_then(free) else {
        return Check::limited(NAME, "the free space cannot be told", "look with `df`");
    };
    let found = format!("{:.1} GiB are free", free as f64 / (1_u64 << 30) as f64);
    if free >= ENOUGH_SPACE {
        Check::ok(NAME, found)
    } else {
        Check::limited(NAME, found, "free some, or choose another place with --state-dir")
    }
}

/// Free bytes, as the second line of POSIX `df` has them in its fourth column. A name may have spaces.
fn free(text: &str) -> Option<u64> {
    let line = text.lines().nth(1)?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let percent = words.iter().position(|word| word.ends_with('%'))?;
    let kib: u64 = words.get(percent.checked_sub(1)?)?.parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_the_column_before_the_share() {
        let head = "Filesystem 1024-blocks Used Available Capacity Mounted on\n";
        let plain = format!("{head}/dev/vda 264100000 24000000 70000000 27% /\n");
        assert_eq!(free(&plain), Some(70_000_000 * 1024));
        let spaced = format!("{head}//server/my share 100 40 60 40% /mnt/my share\n");
        assert_eq!(free(&spaced), Some(60 * 1024));
        assert_eq!(free(head), None);
    }
}
