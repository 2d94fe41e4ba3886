//! The journal in a file: laws, locks, quotas, slow disks, damage and repair.

mod golden;
mod journal;
mod repair;
mod slow;
mod support;
