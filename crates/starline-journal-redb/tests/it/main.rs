//! The journal in a file: laws, locks, quotas, slow disks, damage and repair.

mod golden;
mod journal;
#[path = "../../../starline-journal/tests/laws/mod.rs"]
mod laws;
mod repair;
mod slow;
mod support;
