//! The report as text in GitHub-flavoured Markdown.

mod document;
mod sections;
mod sheet;
mod tables;

pub use document::to_markdown;
