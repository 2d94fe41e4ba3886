//! The verbs, one file each.

pub(crate) mod demo;
pub(crate) mod import;
pub(crate) mod run;
pub(crate) mod validate;
