//! Runs one system on one graph again and again, for a profiler to look at.
//!
//! `profile orchestrator|scheduler|bare_tokio DAG [TIMES] [WORKERS]`

use starline_benches::{Dag, baseline, product::PRODUCT};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let system = arguments.next().unwrap_or_else(|| "scheduler".into());
    let dag = Dag::named(&arguments.next().unwrap_or_else(|| "layered_100000".into()))?;
    let times: u32 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let workers: usize = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let mut best = f64::INFINITY;
    for _ in 0..times {
        let measured = match (system.as_str(), PRODUCT) {
            ("orchestrator", product) => product.orchestrator.map(|run| run(&dag, workers)),
            ("scheduler", product) => product.scheduler.map(|run| run(&dag)),
            _ => Some(baseline::bare_tokio::run(&dag, workers)),
        };
        let Some(measured) = measured else { continue };
        best = best.min(measured?.wall.as_secs_f64());
    }
    let mut out = std::io::stdout().lock();
    use std::io::Write as _;
    writeln!(out, "{system} {}: {:.3} us/task", dag.name, best * 1e6 / dag.tasks as f64)?;
    Ok(())
}
