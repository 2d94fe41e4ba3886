//! Who may use a folder, and what an earlier process left in it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use starline_blobs::FolderBlobs;

use crate::scratch::{Scratch, incoming, place, read, store};

fn mode(path: impl AsRef<std::path::Path>) -> u32 {
    fs::symlink_metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn only_the_owner_gets_in() {
    let scratch = Scratch::new();
    let blobs = scratch.blobs();
    let artifact = store(&blobs, b"secret");
    let place = place(&blobs, &artifact.hash);
    assert_eq!(
        (mode(blobs.path()), mode(place.parent().expect("a folder")), mode(&place)),
        (0o700, 0o700, 0o600)
    );
}

#[test]
fn a_folder_that_others_may_use_is_refused() {
    let scratch = Scratch::new();
    let path = scratch.path().join("blobs");
    FolderBlobs::open(&path).expect("a folder");
    let refusal = |path: &std::path::Path| {
        let error = FolderBlobs::open(path).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
        error.to_string()
    };
    for loose in [0o701, 0o710, 0o750, 0o755, 0o777] {
        fs::set_permissions(&path, Permissions::from_mode(loose)).expect("a mode");
        assert!(refusal(&path).contains(&format!("has the mode {loose:03o}")));
    }
    fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("a mode");
    let link = scratch.path().join("link");
    symlink(&path, &link).expect("a link");
    assert!(refusal(&link).ends_with("is a symbolic link"));
    symlink("nowhere", scratch.path().join("dangling")).expect("a link");
    assert!(refusal(&scratch.path().join("dangling")).ends_with("is a symbolic link"));
    File::create(scratch.path().join("file")).expect("a file");
    assert!(refusal(&scratch.path().join("file")).ends_with("is no folder"));
    // Only the superuser can give a folder away.
    if chown(&path, Some(65_534), None).is_ok() {
        assert!(refusal(&path).ends_with("belongs to somebody else"));
    }
}

#[test]
fn leftovers_of_a_crash_are_removed_and_live_ones_are_not() {
    let scratch = Scratch::new();
    let blobs = scratch.blobs();
    let artifact = store(&blobs, b"kept");
    let stale = blobs.path().join("incoming-1-1");
    fs::write(&stale, "half of it").expect("a file");
    let live = File::create(blobs.path().join("incoming-1-2")).expect("a file");
    live.lock().expect("a lock");
    fs::write(blobs.path().join("notes"), "not ours").expect("a file");
    let blobs = scratch.blobs();
    let mut left = incoming(&blobs);
    left.sort();
    assert_eq!(left, ["incoming-1-2", "notes"]);
    drop(live);
    assert_eq!(incoming(&scratch.blobs()), ["notes"]);
    assert_eq!(read(&blobs, &artifact.hash).expect("contents"), b"kept");
}
