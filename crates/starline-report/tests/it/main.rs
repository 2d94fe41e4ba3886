//! Reports of runs that were written down by hand, and of simulated ones.

mod faults;
mod golden;
mod hostile;
mod laws;
mod records;
mod story;
