//! Drawings of graphs.

mod draw;
mod layout;
mod options;

pub use options::{SvgOptions, to_svg, to_svg_with};
