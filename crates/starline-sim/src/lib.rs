#![doc = include_str!("../README.md")]

mod agenda;
mod chance;
mod simulate;

pub use simulate::{SimulatedRun, Simulation, SimulationError, simulate};
