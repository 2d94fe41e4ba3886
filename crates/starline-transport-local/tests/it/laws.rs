//! The laws of every device, for functions and for payloads that need none.

use std::sync::Arc;

use starline_device::{DeviceProfile, Millis, Payload, TaskError, Value};
use starline_transport_local::{Call, LocalDevice};

use crate::request::profile;

fn device() -> Arc<LocalDevice> {
    let several: DeviceProfile = profile().with_slots(3);
    let device = LocalDevice::new(several)
        .function("echo", |arguments| async move { Ok(arguments) })
        .function("dawdle", |_| async move {
            tokio::task::yield_now().await;
            Ok(Value::Null)
        })
        .function_with("hang", |call: Call| async move {
            call.cancellation.requested().await;
            Err(TaskError::new(starline_device::ErrorKind::DeviceError, "stopped"))
        });
    Arc::new(device)
}

fn call(name: &str) -> Payload {
    Payload::Call { name: name.into(), arguments: Arc::new(Value::Null) }
}

starline_testkit::device_laws! {
    mod functions:
    device: device,
    ends: || call("echo"),
    lasts: || call("dawdle"),
    hangs: || call("hang"),
}

starline_testkit::device_laws! {
    mod pauses:
    device: device,
    ends: || Payload::Noop,
    lasts: || Payload::Sleep(Millis(20)),
    hangs: || Payload::Sleep(Millis::from_secs(1_000_000)),
}
