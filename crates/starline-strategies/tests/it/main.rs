//! The strategies against their definition.

mod definition;
mod laws;
mod names;
mod placements;
mod turns;
mod volume;
