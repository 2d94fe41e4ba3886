//! Runs that go on in another process: found by the state folder, reached over its loopback interface.

mod client;
mod find;
mod registered;
mod stream;

use std::future::Future;

pub(crate) use client::{Client, segment};
pub(crate) use find::{Remote, find, live, server};
pub(crate) use registered::{Registered, is_alive};
pub(crate) use stream::{Fact, Facts};

use crate::failure::Failure;

/// Waits for a future on this thread alone.
///
/// # Errors
/// The system has no room for a runtime, or the future fails.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::infrastructure("runtime", "failed to start", &error))?;
    runtime.block_on(future)
}
