//! Edits of live graphs, and what runs meanwhile: goals P7, P8 and P9, the reaction to a slow editor, and P13,
//! what listeners cost.

mod graphs;
mod holds;
mod kind;
mod libraries;
mod observers;
mod product;
mod reaction;
mod running;
mod shell;
mod times;

use std::io::Write;

use crate::{Effort, Goal, RunError, Verdict};

pub(crate) use kind::{Edits, Kind};
pub(crate) use times::{Best, Budget, Times};

/// Measures what the goals about edits ask, of those that are named. Writes the figures of every system, and
/// returns what can be judged.
///
/// # Errors
///
/// [`RunError`] when a graph was refused, a run did not complete, or nobody reads what is written.
pub fn measure(goals: &[Goal], effort: Effort, out: &mut dyn Write) -> Result<Vec<Verdict>, RunError> {
    let mut verdicts = Vec::new();
    for goal in goals {
        match goal {
            Goal::P7 => verdicts.extend(graphs::measure(effort, out)?),
            Goal::P8 => verdicts.extend(running::measure(effort, out)?),
            Goal::P9 => {
                verdicts.extend(holds::measure(effort, out)?);
                verdicts.extend(reaction::measure(effort, out)?);
            }
            Goal::P13 => verdicts.extend(observers::measure(effort, out)?),
            Goal::P1
            | Goal::P2
            | Goal::P3
            | Goal::P4
            | Goal::P5
            | Goal::P11
            | Goal::P12
            | Goal::Recovery
            | Goal::Sim => {}
        }
    }
    Ok(verdicts)
}

/// Nobody reads what is written.
fn unwritten(error: std::io::Error) -> RunError {
    RunError::failed("ratios", error)
}
