//! The bus as its users see it.

mod delivery;
mod fact;
mod gaps;
mod threads;
