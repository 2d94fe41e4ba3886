//! The laws of every device, for programs and scripts.

use std::path::Path;
use std::sync::Arc;

use starline_device::{Exec, Payload, Shell};
use starline_transport_process::{ProcessDevice, ProcessOptions};

use crate::request::profile;

fn device() -> Arc<ProcessDevice> {
    let work_root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("laws");
    let options = ProcessOptions { allow_sh: true, work_root, ..ProcessOptions::default() };
    Arc::new(ProcessDevice::new(profile().with_slots(3), options))
}

fn exec<const N: usize>(argv: [&str; N]) -> Payload {
    Payload::Exec(Arc::new(Exec { argv: argv.map(str::to_owned).to_vec(), ..Exec::default() }))
}

fn sh(script: &str) -> Payload {
    Payload::Sh(Arc::new(Shell { script: script.to_owned(), ..Shell::default() }))
}

starline_testkit::device_laws! {
    mod programs:
    device: device,
    ends: || exec(["true"]),
    lasts: || exec(["sleep", "0.05"]),
    hangs: || exec(["sleep", "100000"]),
}

starline_testkit::device_laws! {
    mod scripts:
    device: device,
    ends: || sh("exit 0"),
    lasts: || sh("sleep 0.05; echo done"),
    hangs: || sh("sleep 100000 & wait"),
}
