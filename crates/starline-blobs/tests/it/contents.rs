//! Contents come out as they went in, or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::sync::Barrier;
use std::thread;

use starline_blobs::{Collected, FolderBlobs};
use starline_device::{BlobHash, BlobStore};

use crate::scratch::{Scratch, incoming, place, read, store};

/// Gives a few bytes at a time, and fails in the end if told to.
struct Trickle {
    left: usize,
    fails: bool,
}

impl Read for Trickle {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && self.fails {
            return Err(io::Error::other("the source broke"));
        }
        let length = self.left.min(bytes.len()).min(1000);
        bytes[..length].fill(b'x');
        self.left -= length;
        Ok(length)
    }
}

#[test]
fn contents_have_the_name_of_their_hash() {
    let scratch = Scratch::new();
    let blobs = scratch.blobs();
    assert!(blobs.is_empty().expect("a look"));
    let artifact = store(&blobs, b"");
    // The published hash of nothing.
    let nothing = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
    assert_eq!((artifact.hash.as_str(), artifact.bytes, artifact.name.as_str()), (nothing, 0, "a.txt"));
    let big = vec![7; 1 << 20];
    let artifact = store(&blobs, &big);
    assert_eq!(artifact.bytes, 1 << 20);
    assert!(read(&blobs, &artifact.hash).expect("contents") == big);
    assert_eq!(fs::read(place(&blobs, &artifact.hash)).expect("a file"), big);
    assert_eq!((blobs.len().expect("a look"), blobs.bytes().expect("a look")), (2, 1 << 20));
    assert_eq!(incoming(&blobs), [""; 0]);
}

#[test]
fn the_same_contents_are_kept_once_whoever_brings_them() {
    let scratch = Scratch::new();
    let blobs = scratch.blobs();
    let text = b"again and again".repeat(10_000);
    let together = Barrier::new(8);
    thread::scope(|scope| {
        for number in 0..8 {
            let (blobs, text, together) = (&blobs, &text, &together);
            scope.spawn(move || {
                // Half of them as other processes would.
                let own = FolderBlobs::open(blobs.path()).expect("a folder");
                let blobs = if number % 2 == 0 { blobs } else { &own };
                together.wait();
                for round in 0..10_u8 {
                    let artifact = store(blobs, text);
                    assert!(read(blobs, &artifact.hash).expect("contents") == *text);
                    store(blobs, &[round; 10]);
                    FolderBlobs::open(blobs.path()).expect("opening disturbs nobody");
                }
            });
        }
    });
    assert_eq!(blobs.len().expect("a look"), 11);
    assert_eq!(incoming(&blobs), [""; 0]);
}

#[test]
fn damage_is_noticed_and_mended_by_storing_again() {
    let scratch = Scratch::new();
    let blobs = scratch.blobs();
    let artifact = store(&blobs, b"what was kept");
    let place = place(&blobs, &artifact.hash);
    for damaged in [&b"what was"[..], b"", b"what was kepT", b"what was kept and more"] {
        fs::write(&place, damaged).expect("damaged");
        let error = read(&blobs, &artifact.hash).expect_err("noticed");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains(artifact.hash.as_str()), "{error}");
        assert_eq!(store(&blobs, b"what was kept"), artifact);
        assert_eq!(read(&blobs, &artifact.hash).expect("mended"), b"what was kept");
    }
    fs::remove_file(&place).expect("removed");
    std::os::unix::fs::symlink("/etc/passwd", &place).expect("a link");
    assert!(blobs.open(&artifact.hash).is_err(), "no link is followed");
    fs::remove_file(&place).expect("removed");
    let error = read(&blobs, &artifact.hash).expect_err("missing");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert_eq!(error.to_string(), format!("contents {} are not kept here", artifact.hash));
}

#[test]
fn what_is_too_large_or_breaks_off_leaves_nothing() {
    let scratch = Scratch::new();
    let blobs = scratch.blobs();
    let error = blobs.store("big", &mut Trickle { left: 10_001, fails: false }, 10_000).expect_err("refused");
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(error.to_string(), "\"big\" is larger than the 10000 bytes that are kept");
    // A source without an end is not read to it.
    assert!(blobs.store("endless", &mut io::repeat(0), 1 << 20).is_err());
    let error = blobs.store("cut", &mut Trickle { left: 10, fails: true }, u64::MAX).expect_err("broken");
    assert_eq!(error.to_string(), "the source broke");
    assert!(blobs.is_empty().expect("a look"));
    assert_eq!(incoming(&blobs), [""; 0]);
    let artifact = blobs.store("fits", &mut Trickle { left: 10_000, fails: false }, 10_000).expect("kept");
    assert_eq!(artifact.bytes, 10_000);
}

#[test]
fn garbage_is_what_nobody_names() {
    let scratch = Scratch::new();
    let blobs = scratch.blobs();
    let kept = store(&blobs, b"kept");
    let other = store(&blobs, b"other");
    let mut reader = blobs.open(&other.hash).expect("contents");
    fs::write(blobs.path().join("ab.txt"), "not ours").expect("a file");
    let unknown = BlobHash::from_hex(&"0".repeat(64)).expect("a hash");
    let keep = BTreeSet::from([kept.hash.clone(), unknown]);
    let collected = blobs.collect_garbage(&keep).expect("collected");
    assert_eq!(collected, Collected { contents: 1, bytes: 5 });
    assert!(blobs.open(&other.hash).is_err());
    assert_eq!(read(&blobs, &kept.hash).expect("contents"), b"kept");
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("who reads reads on");
    assert_eq!(text, "other");
    assert!(blobs.path().join("ab.txt").exists());
    assert_eq!(blobs.collect_garbage(&keep).expect("collected"), Collected::default());
}
