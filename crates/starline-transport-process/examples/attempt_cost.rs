//! What the register of groups costs: time per attempt of a program that does nothing, without it and with it, and with
//! a shell before the program in its place.
//!
//! `cargo run --release -p starline-transport-process --example attempt_cost [attempts] [at the same time]`

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use starline_device::{
    Attempt, AttemptId, Device, DeviceId, DeviceProfile, Exec, Payload, TaskId, TaskReport, TaskSpec,
};
use starline_transport_process::{Limits, ProcessDevice, ProcessOptions};
use tokio::time::Instant;

const ROUNDS: usize = 9;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "its result")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1);
    let attempts: u32 = numbers.next().map_or(Ok(1000), |text| text.parse())?;
    let width: usize = numbers.next().map_or(Ok(4), |text| text.parse())?;
    let folder = std::env::temp_dir().join(format!("starline-attempt-cost-{}", std::process::id()));
    let device = |limits: Limits| -> Result<ProcessDevice, Box<dyn std::error::Error>> {
        let options =
            ProcessOptions { work_root: folder.join("attempts"), limits, ..ProcessOptions::default() };
        Ok(ProcessDevice::new(DeviceProfile::new(DeviceId::new("here")?, "process"), options))
    };
    let plain = Arc::new(device(Limits::default())?);
    let registered = Arc::new(device(Limits::default())?.with_register(folder.join("groups")));
    let gated = Arc::new(device(Limits { files: Some(1024), ..Limits::default() })?);
    let (mut without, mut with, mut gate) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(measure(&plain, attempts, width).await?);
        with.push(measure(&registered, attempts, width).await?);
        gate.push(measure(&gated, attempts, width).await?);
    }
    let middle = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        (times[0], times[ROUNDS / 2])
    };
    for (name, times) in [("without", &mut without), ("with", &mut with), ("shell", &mut gate)] {
        let (least, median) = middle(times);
        println!("{name:>8}: {least:.1} us per attempt at least, {median:.1} us in the middle");
    }
    drop((plain, registered, gated));
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

async fn measure(
    device: &Arc<ProcessDevice>,
    attempts: u32,
    width: usize,
) -> Result<f64, Box<dyn std::error::Error>> {
    let payload = Payload::Exec(Arc::new(Exec { argv: vec!["true".to_owned()], ..Exec::default() }));
    let task = TaskId::new("t")?;
    let spec = Arc::new(TaskSpec::new(task.clone(), payload.clone()));
    let run: starline_device::RunId = "r".parse()?;
    let began = Instant::now();
    let mut pending = stream::iter(1..=attempts)
        .map(|number| {
            let attempt = Attempt {
                id: AttemptId { run: run.clone(), task: task.clone().into(), number },
                payload: payload.clone(),
                timeout: None,
                files: Default::default(),
                checkpoint: None,
                spec: Arc::clone(&spec),
            };
            Arc::clone(device).run(attempt)
        })
        .buffer_unordered(width);
    while let Some(report) = pending.next().await {
        if !matches!(report?, TaskReport::Completed { .. }) {
            return Err("an attempt has failed".into());
        }
    }
    Ok(began.elapsed().as_secs_f64() * 1e6 / f64::from(attempts))
}
