//! Systems the product is compared with, one file each.
//!
//! Each has `run(&Dag, workers) -> Result<Measurement, RunError>`: it builds what it needs, then measures the
//! execution alone. Tasks do nothing.

pub mod bare_tokio;
pub mod counter_loop;
pub mod dagrs;
pub mod dagx;
pub mod one_owner;

#[cfg(test)]
mod order;
