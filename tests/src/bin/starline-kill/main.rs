//! Kills the real program at random moments, goes on, and looks whether anything was lost or done twice.
//!
//! Each world is a random workflow whose tasks write what they do into a ledger that is synced. The program that
//! runs it is killed with `SIGKILL` again and again, and so are single tasks; another process goes on each time, and
//! somebody edits the graph meanwhile. In the end the ledger, the journal and the answers to edits are compared.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]
#![expect(clippy::disallowed_methods, reason = "real processes are killed at moments of real time")]

mod ledger;
mod options;
mod task;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, thread};

use options::Options;
use world::{Tally, World};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() == Some(task::WORD) {
        return task::main(arguments);
    }
    let options = match Options::read(env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("starline-kill: {message}\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    let next = AtomicU64::new(options.base);
    let kills = AtomicU64::new(0);
    let found: Vec<(Tally, Vec<String>)> = thread::scope(|scope| {
        let work = || {
            let (mut tally, mut faults) = (Tally::default(), Vec::new());
            while kills.load(Ordering::Relaxed) < options.cycles && faults.len() < 10 {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                let outcome = World::new(seed, &options).and_then(|world| world.play());
                match outcome {
                    Ok(played) => {
                        kills.fetch_add(played.kills, Ordering::Relaxed);
                        tally.add(&played);
                    }
                    Err(fault) => {
                        println!("KILL FAIL seed={seed}: {fault}");
                        faults.push(format!("seed {seed}: {fault}"));
                    }
                }
            }
            (tally, faults)
        };
        let threads: Vec<_> = (0..options.jobs).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut tally = Tally::default();
    let mut faults = Vec::new();
    for (part, more) in found {
        tally.add(&part);
        faults.extend(more);
    }
    println!("kill: {tally}; {} violations", faults.len());
    ExitCode::from(u8::from(!faults.is_empty()))
}

/// A folder of this world alone, empty.
fn folder(seed: u64) -> std::io::Result<PathBuf> {
    let folder = env::temp_dir().join(format!("starline-kill-{}-{seed}", std::process::id()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
