//! The journal in a file: laws, locks, quotas, damage and repair.

mod journal;
#[path = "../../../starline-journal/tests/laws/mod.rs"]
mod laws;
mod repair;
mod support;
