//! A small model of leases and failover, small enough to look at every state there is.
//!
//! One task, at most two attempts, two orchestrators over one store, two devices that end attempts by themselves. An
//! orchestrator may stop at any point and go on at any later one; a device host may die and leave its process group
//! behind; a message may be lost, come twice, late, and in any order. The clock of a device may be slower than that of
//! an orchestrator within a bound. Nothing of the product is used: the model is another telling of the same rules.
//!
//! [`explore`] looks at every state within the bounds, breadth first, so that what it finds is as short as can be.

mod device;
mod message;
mod owner;
mod rule;
mod search;
mod state;

pub use rule::{ALL, Rule, Rules};
pub use search::{Explored, Fault, explore};
