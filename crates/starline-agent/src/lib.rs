#![doc = include_str!("../README.md")]

mod scripted;

pub use scripted::{RuleFault, ScriptedPlanner};

pub use starline_planner::{EditorSettings, Planner, ScriptedRule};
