//! Cuts the power, fills and breaks the disk, and flips bytes beneath a journal, in large numbers.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for people at a terminal")]

use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use starline_journal_redb::torture::{Reference, Rot, Tally, broken_disk, power_cut};

const HELP: &str = "\
usage: starline-torture power-cut [--seeds N] [--base B] [--jobs J]
       starline-torture disk      [--seeds N] [--base B] [--jobs J]
       starline-torture rot       [--seeds N] [--base B] [--jobs J]

  power-cut  the power goes after any write, and any part of what was not synced survives
  disk       the disk is full, cannot write, or cannot sync
  rot        each byte of a store changes, of one that was closed and of one whose owner was killed

  --seeds N  how many: 20000 power cuts, 500 disks, 1 store of each kind
  --base B   the first seed: 0
  --jobs J   how many threads: one for each processor";

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Options {
    seeds: Option<u64>,
    base: u64,
    jobs: usize,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let subject = arguments.next().unwrap_or_default();
    let options = match read(arguments) {
        Ok(options) => options,
        Err(fault) => return misused(&fault),
    };
    let seeds = |usual| options.seeds.unwrap_or(usual);
    let fine = match subject.as_str() {
        "power-cut" => by_seed("power-cut", seeds(20_000), options, power_cut),
        "disk" => by_seed("disk", seeds(500), options, broken_disk),
        "rot" => rot(seeds(1), options),
        "--help" | "-h" => {
            println!("{HELP}");
            true
        }
        other => return misused(&format!("nothing is called {other:?}: there are power-cut, disk and rot")),
    };
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn misused(fault: &str) -> ExitCode {
    eprintln!("starline-torture: {fault}\n\n{HELP}");
    ExitCode::from(2)
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let jobs = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut options = Options { seeds: None, base: 0, jobs };
    while let Some(argument) = arguments.next() {
        let text = arguments.next().ok_or_else(|| format!("{argument} needs a number"))?;
        let number = text.replace('_', "").parse::<u64>();
        let number = number.map_err(|_| format!("{argument} needs a number, not {text:?}"))?;
        match argument.as_str() {
            "--seeds" => options.seeds = Some(number),
            "--base" => options.base = number,
            "--jobs" => options.jobs = usize::try_from(number).unwrap_or(jobs).clamp(1, 1024),
            _ => return Err(format!("unknown option {argument}: there are --seeds, --base and --jobs")),
        }
    }
    Ok(options)
}

/// Numbers from 0 on, shared by threads; returns how many were not fine.
fn each(count: u64, jobs: usize, act: impl Fn(u64) -> Result<(), String> + Sync) -> u64 {
    let (next, bad) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    if let Err(text) = act(number) {
                        bad.fetch_add(1, Ordering::Relaxed);
                        println!("{text}");
                    }
                }
            });
        }
    });
    bad.into_inner()
}

fn by_seed(name: &str, seeds: u64, options: Options, play: fn(u64) -> Result<Tally, String>) -> bool {
    let total = Mutex::new(Tally::default());
    let bad = each(seeds, options.jobs, |number| {
        let seed = options.base + number;
        let tally = play(seed).map_err(|text| {
            format!("VIOLATION seed={seed}: {text} :: cargo xtask soak {name} --seeds 1 --base {seed}")
        })?;
        *total.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += tally;
        Ok(())
    });
    let Tally { records, recoveries, faults } =
        total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    println!(
        "{name}: {seeds} seeds from {}: {bad} violations; {faults} faults, {recoveries} recoveries, {records} records",
        options.base
    );
    bad == 0
}

fn rot(seeds: u64, options: Options) -> bool {
    let mut fine = true;
    for seed in options.base..options.base + seeds {
        for killed in [false, true] {
            let how = if killed { "killed" } else { "closed" };
            let reference = match Reference::new(seed, killed) {
                Ok(reference) => reference,
                Err(text) => {
                    println!("VIOLATION seed={seed}: no store: {text}");
                    fine = false;
                    continue;
                }
            };
            let (detected, harmless) = (AtomicU64::new(0), AtomicU64::new(0));
            let bad = each(reference.len() as u64, options.jobs, |at| {
                let rot = reference.flip(usize::try_from(at).unwrap_or(usize::MAX)).map_err(|text| {
                    format!("VIOLATION {how}: {text} :: cargo xtask soak rot --seeds 1 --base {seed}")
                })?;
                let count = if rot == Rot::Detected { &detected } else { &harmless };
                count.fetch_add(1, Ordering::Relaxed);
                Ok(())
            });
            fine &= bad == 0;
            println!(
                "rot: seed {seed}, {how}: {} bytes: {bad} violations; {} detected, {} harmless",
                reference.len(),
                detected.into_inner(),
                harmless.into_inner()
            );
        }
    }
    fine
}
