//! The report as a page.

mod course;
mod document;
mod figures;
mod line;
mod page;
mod tasks;
mod trouble;

pub(crate) use course::{change_text, names};
pub(crate) use document::notes;
pub use document::to_html;
pub(crate) use tasks::{listed, times, told};
pub(crate) use trouble::{circumstances, repeated, what_happened, why_cancelled};
