//! Publishers and readers in every order that a schedule can give them: the sources of the bus, over locks and
//! atomics whose threads the test schedules.

use starline_testkit::interleave::shuttle;

mod laws;
mod reader;
mod sync;

#[expect(unreachable_pub, reason = "public in the crate that this file belongs to")]
#[path = "../../src/backlog.rs"]
mod backlog;
#[expect(unreachable_pub, dead_code, reason = "public in the crate that this file belongs to")]
#[path = "../../src/bus.rs"]
mod bus;
#[path = "../../src/queue.rs"]
mod queue;
#[expect(unreachable_pub, dead_code, reason = "public in the crate that this file belongs to")]
#[path = "../../src/subscription.rs"]
mod subscription;

use bus::EventBus;
use subscription::Subscription;
