#![doc = include_str!("../README.md")]

mod analysis;
mod antichain;
mod audit;
mod engine;
mod expression;
mod graph;
mod guards;
mod level;
mod outputs;
mod readiness;
mod record;
mod rows;
mod shell;
mod statistics;
mod syntax;
mod template;
mod texts;
mod tokens;
mod topology;

pub use analysis::{
    CriticalPath, Parallelism, Timing, critical_path, heaviest_path, longest_path, max_width, parallelism,
};
pub use antichain::{MAX_ANTICHAIN_TASKS, TooManyTasks, maximum_antichain};
pub use audit::{Finding, audit};
pub use expression::{Condition, ConditionError};
pub use graph::{EdgeIx, EdgeView, TaskGraph, default_id};
pub use level::{Cycle, NewEdge};
pub use outputs::{OutputError, extract_outputs};
pub use readiness::Effect;
pub use record::{Record, Remains, Waits};
pub use statistics::statistics;
pub use template::{
    Interpolation, RenderError, TemplateContext, check_templates, has_templates, interpolations,
    must_be_rendered, references, rename_references, render_inputs, render_payload, render_text,
    resolve_files,
};
pub use topology::{ancestors, components, descendants, levels, topological_order};
