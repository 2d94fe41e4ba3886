//! Rules as their users meet them.

mod committed;
mod data;
mod load;
mod repair;
mod rules;
mod scene;
