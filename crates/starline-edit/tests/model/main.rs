//! Batches, histories and differences against a naive reference that was written from the rules alone.

mod bulk;
mod choices;
mod finish;
mod found;
mod generate;
mod guard;
mod history;
mod judge;
mod laws;
mod prefix;
mod random;
mod reference;
mod scenarios;
mod summary;
mod volume;
mod world;
