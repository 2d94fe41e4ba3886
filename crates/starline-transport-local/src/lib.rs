#![doc = include_str!("../README.md")]

mod cancellation;
mod device;
mod functions;
mod live;
mod progress;
mod transport;

pub use cancellation::Cancellation;
pub use device::LocalDevice;
pub use functions::{Call, Functions};
pub use progress::ProgressSender;
pub use transport::LocalTransport;
