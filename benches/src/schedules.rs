//! How many schedules the simulator plays, with every fault and every oracle.

use std::io::Write;

use starline::sim::Schedule;

use crate::{Effort, Goal, RunError, Stopwatch, Unit, Verdict};

const NAME: &str = "simulator";
/// Schedules of a round, and rounds: the same schedules each time.
const SCHEDULES: u64 = 2_000;
/// One of so many is played twice, as in a long run.
const TWICE_EVERY: u64 = 64;
/// µs of processor time for a schedule: 2.4 million of them an hour and core, as a prototype with half the rules has
/// played.
const LIMIT: f64 = 1_500.0;

/// Measures the simulator, if it is named. Writes the figures, and returns what is judged.
///
/// # Errors
///
/// [`RunError`] when a schedule breaks a rule, or nobody reads what is written.
pub fn measure(goals: &[Goal], effort: Effort, out: &mut dyn Write) -> Result<Vec<Verdict>, RunError> {
    if !goals.contains(&Goal::Sim) {
        return Ok(Vec::new());
    }
    let rounds = if effort == Effort::Quick { 2 } else { 5 };
    let (mut wall, mut cpu) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..rounds {
        let watch = Stopwatch::start();
        for seed in 0..SCHEDULES {
            let schedule = Schedule::random(seed);
            let played =
                if seed.is_multiple_of(TWICE_EVERY) { schedule.play_twice() } else { schedule.play() };
            if let Some(violation) = played.violation {
                return Err(RunError::failed(NAME, schedule.failure_line(&violation)));
            }
        }
        let took = watch.stop();
        let each = |time: std::time::Duration| time.as_secs_f64() * 1e6 / SCHEDULES as f64;
        (wall, cpu) = (wall.min(each(took.wall)), cpu.min(each(took.cpu)));
    }
    writeln!(
        out,
        "schedules with all faults and oracles: {:.0} an hour of a core ({:.0} us of processor time each, {:.0} us on \
         the wall)\n",
        3.6e9 / cpu,
        cpu,
        wall
    )
    .map_err(|error| RunError::failed(NAME, error))?;
    Ok(vec![Verdict::of_goal(Goal::Sim, "schedules", cpu, LIMIT, Unit::Micros)])
}
