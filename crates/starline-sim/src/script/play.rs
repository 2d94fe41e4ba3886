//! Playing a scenario.

use std::fmt::Write as _;
use std::sync::Arc;

use starline_scheduler::{Limits, Plan};
use starline_types::{GraphSpec, Timestamp};

use super::{Script, What};
use crate::Sim;

/// A scenario that was played.
#[derive(Debug)]
#[non_exhaustive]
pub struct PlayedScript {
    /// The world as it is after the last line, and after everything that still happened.
    pub sim: Sim,
    /// What was not as expected, one line for each.
    pub findings: Vec<String>,
}

impl Script {
    /// Plays the scenario to its end: beyond the last line, until nothing is left to happen.
    #[must_use]
    pub fn play(&self) -> PlayedScript {
        let mut sim = Sim::new();
        sim.keep_trace();
        let mut findings = Vec::new();
        for device in &self.devices {
            let place = sim.device(device.profile.clone());
            if device.down {
                sim.at(Timestamp(0), crate::Action::Kill { device: place, certain: true });
            }
        }
        sim.run_until(Timestamp(0));
        for run in &self.runs {
            let graph = GraphSpec {
                name: run.id.to_string(),
                tasks: run.lines.tasks.iter().cloned().map(Arc::new).collect(),
                dependencies: run.lines.edges.clone(),
                ..GraphSpec::default()
            };
            let plan = Plan {
                graph: Arc::new(graph),
                settings: Arc::new(run.settings.clone()),
                assignments: Vec::new(),
                limits: Limits::default(),
            };
            match sim.submit(run.id.clone(), plan, run.strategist) {
                Ok(place) => {
                    for (task, works) in &run.lines.works {
                        sim.tell(place, task, works.clone());
                    }
                    sim.reply(place, run.replies.clone());
                }
                Err(rejection) => findings.push(format!("run {} was rejected: {rejection}", run.id)),
            }
        }
        for event in &self.events {
            if let What::Do(action) = &event.what {
                sim.at(event.at, action.clone());
            }
        }
        for event in &self.events {
            if let What::Expect(expectation) = &event.what {
                sim.run_until(event.at);
                if let Err(finding) = expectation.judge(&mut sim) {
                    let mut line = String::new();
                    // Writing to a string cannot fail.
                    let _ = write!(line, "line {} at {}: {finding}", event.line, event.at);
                    findings.push(line);
                }
            }
        }
        sim.run_to_end();
        findings.extend(sim.violation().map(ToString::to_string));
        PlayedScript { sim, findings }
    }
}
