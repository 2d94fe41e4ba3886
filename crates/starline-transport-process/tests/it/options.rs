//! Devices made from device files.

use starline_device::{DeliveryFault, Endpoint, Transport, Value};
use starline_transport_process::{ProcessOptions, ProcessTransport};

use crate::request::{Scratch, profile, sh, stdout};

#[tokio::test]
async fn the_transport_makes_devices_as_described() {
    let scratch = Scratch::new();
    let transport = ProcessTransport::new(ProcessOptions { allow_sh: false, ..scratch.options() });
    assert_eq!(transport.scheme(), "process");
    let options = Value::from_iter([("allow_sh", true)]);
    let mut endpoint = Endpoint { profile: profile(), address: None, options };
    let device = transport.connect(&endpoint).await.expect("a device");
    assert_eq!(device.profile().kind, "process");
    assert!(device.profile().local && device.profile().fenced);
    assert_eq!(stdout(device.run(sh("echo x")).await.expect("a report")), "x\n");

    endpoint.options = Value::from_iter([("sandbox", "of straw")]);
    let error = transport.connect(&endpoint).await.expect_err("not known, so refused");
    assert_eq!(error.kind(), DeliveryFault::Protocol);
    // More than any system counts.
    let limits = Value::from_iter([("files", u64::MAX / 2)]);
    endpoint.options = Value::from_iter([("limits", limits)]);
    let error = transport.connect(&endpoint).await.expect_err("cannot be kept, so refused");
    assert_eq!(error.kind(), DeliveryFault::Protocol);
    endpoint.options = Value::Null;
    endpoint.address = Some("ws://here".to_owned());
    assert!(transport.connect(&endpoint).await.is_err());
}
