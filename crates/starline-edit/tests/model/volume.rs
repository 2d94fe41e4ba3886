//! The same laws in volume: `STARLINE_EDIT_BATCHES=1000000 cargo test --release -p starline-edit --test model volume`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::bulk;
use crate::choices::Choices;
use crate::laws::{live, remember};

/// Batches of one world, and of one history.
const ROUNDS: usize = 8;

#[test]
fn volume() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let batches = number("STARLINE_EDIT_BATCHES").unwrap_or(8_000);
    let first = number("STARLINE_EDIT_SEED").unwrap_or(0);
    for seed in first..first + batches.div_ceil(ROUNDS as u64) {
        let world = || {
            // One in four worlds is about its history.
            let choices = Choices::Seeded(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            if seed % 4 == 3 {
                remember(choices, ROUNDS)
            } else {
                live(choices, ROUNDS)
            }
            if seed % 2 == 0 {
                bulk::volume(seed / 2);
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(world)) {
            let batches = ROUNDS;
            let hint = format!("STARLINE_EDIT_SEED={seed} STARLINE_EDIT_BATCHES={batches}");
            std::io::Write::write_all(&mut std::io::stderr(), format!("again with {hint}\n").as_bytes()).ok();
            resume_unwind(panic);
        }
    }
}
