//! What must hold for every graph, expression and template, against oracles that search everything.

mod cycles;
mod expressions;
mod figures;
mod forms;
mod order;
mod quoting;
mod random;
mod readiness;
mod shells;
mod templates;
