//! Senders, runners and the driver in every order that a schedule can give them: the sources of the mailbox, the
//! dispatcher and the driver, over locks and tasks that the test schedules.
//!
//! The core is a stand-in that counts what it hears. Semaphores, single answers and wakers are those of the product:
//! each call of them is one step here.

use starline_testkit::interleave::shuttle;

mod clock;
mod command;
mod core;
mod laws;
mod scene;
mod sync;

#[path = "../../src/ask.rs"]
mod ask;
#[expect(dead_code, reason = "this core does not ask devices for what it needs no answer to")]
#[path = "../../src/dispatch.rs"]
mod dispatch;
#[path = "../../src/driver.rs"]
mod driver;
#[expect(dead_code, reason = "this core does not read all of what is said to it")]
#[path = "../../src/inbox.rs"]
mod inbox;

/// Why a command has no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RunError {
    ShutDown,
}
