//! Starts processes from a thread that never ends.
//!
//! A sandbox asks the system to be killed when whoever started it ends, and the system takes the thread for that. A
//! thread of a runtime may end at any time; this one ends with the program, however the program ends.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// Orders that wait; whoever orders more waits as well.
const CAPACITY: usize = 64;

static ORDERS: Mutex<Option<mpsc::Sender<Order>>> = Mutex::new(None);

#[derive(Debug)]
struct Order {
    command: Command,
    runtime: Handle,
    reply: oneshot::Sender<io::Result<Child>>,
}

/// Starts a process as a child of the present runtime.
///
/// # Cancellation safety
/// Dropping the future drops the child.
pub(crate) async fn start(command: Command) -> io::Result<Child> {
    let (reply, answer) = oneshot::channel();
    let order = Order { command, runtime: Handle::current(), reply };
    let gone = || io::Error::other("nobody starts processes any more");
    orders()?.send(order).await.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}

fn orders() -> io::Result<mpsc::Sender<Order>> {
    let mut orders = ORDERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(orders) = &*orders {
        return Ok(orders.clone());
    }
    let (sender, receiver) = mpsc::channel(CAPACITY);
    thread::Builder::new().name("starline-starter".to_owned()).spawn(move || work(receiver))?;
    Ok(orders.insert(sender).clone())
}

fn work(mut orders: mpsc::Receiver<Order>) {
    while let Some(Order { mut command, runtime, reply }) = orders.blocking_recv() {
        let _entered = runtime.enter();
        // A runtime that goes away panics, and everything that was started here would go with this thread.
        let started = catch_unwind(AssertUnwindSafe(|| command.spawn()));
        let _ = reply.send(started.unwrap_or_else(|_| Err(io::Error::other("the runtime goes away"))));
    }
}
