//! Where boxes and arrows are: a layered drawing of every connected part, packed into one picture.

mod acyclic;
mod component;
mod crossings;
mod direction;
mod geometry;
mod labels;
mod layers;
mod links;
mod order;
mod pack;
mod place;
mod ports;
mod proper;
mod route;
mod whole;

pub(super) use geometry::{Point, Rect, Step, Track};
pub(super) use layers::levels;
pub(super) use whole::{Demand, Line, layout};
