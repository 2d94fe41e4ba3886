//! Pictures as text.

mod boxes;
mod edges;
mod head;
mod legend;
mod levels;
mod markup;
mod palette;
mod style;
mod subject;
mod tasks;
mod width;

pub(super) use levels::draw_levels;
pub(super) use subject::Subject;
pub(super) use tasks::draw_tasks;
