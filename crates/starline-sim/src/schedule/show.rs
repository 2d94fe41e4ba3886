//! A schedule as text, for people who look for a fault.

use std::fmt;

use super::Schedule;
use crate::trace::hash;

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, faults stop at {}", self.seed, self.quiet_at)?;
        let mut knobs = self.knobs;
        write!(f, "attempts of up to {} ms, delays of up to {} ms", knobs.longest, knobs.delay)?;
        for (name, knob) in knobs.percents() {
            if *knob > 0 {
                write!(f, ", {name} {knob} %")?;
            }
        }
        let mut extras = self.extras;
        for (name, knob) in extras.percents() {
            if *knob > 0 {
                write!(f, ", {name} {knob} %")?;
            }
        }
        for device in &self.devices {
            let profile = serde_json::to_string(&device.profile).unwrap_or_default();
            write!(f, "\ndevice {profile}, clock {}", device.rate)?;
        }
        for run in &self.runs {
            let settings = serde_json::to_string(&*run.settings).unwrap_or_default();
            write!(f, "\nrun {} by {:?}: {settings}", run.id, run.strategist)?;
            for (task, device) in &run.assignments {
                write!(f, "\n  {task} on {device}")?;
            }
            for task in &run.graph.tasks {
                write!(f, "\n  task {}", serde_json::to_string(&**task).unwrap_or_default())?;
            }
            for edge in &run.graph.dependencies {
                write!(f, "\n  {} -> {}: {}", edge.from, edge.to, edge.kind)?;
            }
        }
        for (at, action) in &self.actions {
            write!(f, "\nat {at} {action:?}")?;
        }
        Ok(())
    }
}

impl Schedule {
    /// A hash of everything that was drawn: two schedules of the same hash are the same.
    #[must_use]
    pub fn config_hash(&self) -> u64 {
        hash(&self.to_string())
    }
}
