//! The graphs are those of the script that other systems take them from.

use std::io::{self, Write};
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::{env, fs};

use starline_benches::{Dag, NAMES};

/// FNV-1a of the text of each graph, in the order of [`NAMES`].
const FINGERPRINTS: [u64; 11] = [
    0x2214_36c4_51f0_948e,
    0x26e1_7c8f_d56b_4a8e,
    0x23d2_6ef6_d20e_78ab,
    0xed05_ae8d_cc63_d7de,
    0x197d_f549_4c95_0bd5,
    0xecd1_5665_b5ec_d7dd,
    0x4486_8f61_fc2c_d05d,
    0xed67_7fa7_2e33_32fa,
    0x04bb_0322_1eb7_d1c7,
    0x2a2c_d01b_6df9_2d3a,
    0x0353_46cc_0ac5_a506,
];

/// Hashes what is written to it.
struct Fingerprint(u64);

impl Write for Fingerprint {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 =
            bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn graphs_stay_what_they_are() {
    for (name, expected) in NAMES.into_iter().zip(FINGERPRINTS) {
        let mut fingerprint = Fingerprint(0xcbf2_9ce4_8422_2325);
        Dag::named(name).expect("a listed name").write(&mut fingerprint).expect("hashing does not fail");
        assert_eq!(fingerprint.0, expected, "{name}");
    }
}

#[test]
fn graphs_are_those_of_the_script() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/tools/gen_dags.py");
    if !script.is_file() {
        return skip("the shared folder is not beside the workspace");
    }
    let folder = env::temp_dir().join(format!("starline-dags-{}", process::id()));
    let Ok(status) = Command::new("python3").arg(&script).arg(&folder).stdout(Stdio::null()).status() else {
        return skip("there is no python3");
    };
    assert!(status.success(), "the script failed: {status}");
    let equal = NAMES.map(|name| {
        let written = fs::read(folder.join(format!("{name}.txt"))).expect("the script writes each graph");
        let mut generated = Vec::with_capacity(written.len());
        Dag::named(name).expect("a listed name").write(&mut generated).expect("a vector");
        (name, written == generated)
    });
    fs::remove_dir_all(&folder).expect("the folder is ours");
    assert_eq!(equal, NAMES.map(|name| (name, true)));
}

/// Says so where the test harness cannot hide it.
fn skip(reason: &str) {
    writeln!(io::stderr(), "skipped: {reason}").expect("standard error is open");
}
