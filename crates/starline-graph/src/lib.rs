#![doc = include_str!("../README.md")]

mod analysis;
mod antichain;
mod audit;
mod change;
mod changes;
mod document;
mod engine;
mod expression;
mod form;
mod graph;
mod guards;
mod level;
mod names;
mod outputs;
mod readiness;
mod record;
mod rows;
mod scan;
mod shell;
mod statistics;
mod syntax;
mod template;
mod texts;
mod tokens;
mod topology;
mod words;

pub use analysis::{
    CriticalPath, Parallelism, Timing, critical_path, heaviest_path, longest_path, max_width, parallelism,
};
pub use antichain::{MAX_ANTICHAIN_TASKS, TooManyTasks, maximum_antichain};
pub use audit::{Finding, audit};
pub use change::{EdgeTerms, RemovedEdge, RemovedTask};
pub use expression::{Condition, ConditionError, condition_names};
pub use form::{Destination, Form, FormError};
pub use graph::{EdgeIx, EdgeView, TaskGraph, default_id};
pub use level::{Cycle, NewEdge};
pub use names::{NamePath, UnknownName};
pub use outputs::{OutputError, extract_outputs};
pub use readiness::Effect;
pub use record::{Record, Remains, Waits};
pub use statistics::statistics;
pub use template::{
    Interpolation, RenderError, TemplateContext, check_template, check_templates, has_templates,
    interpolations, literal_payload, must_be_rendered, references, rename_references, render_inputs,
    render_payload, render_text, resolve_files, template_names,
};
pub use topology::{ancestors, components, descendants, levels, topological_order};
