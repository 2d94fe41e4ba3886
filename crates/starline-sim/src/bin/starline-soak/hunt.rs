//! The search for rules that were broken on purpose: what tests the simulator itself.

/// Breaks one rule after the other and looks for the first seed that finds it. False if one is not found.
#[cfg(feature = "seeded-bugs")]
pub(crate) fn bugs(base: u64, seeds: u64) -> bool {
    use starline_sim::{Bug, Schedule};
    let mut missed = 0;
    for bug in Bug::ALL {
        let found = (base..base + seeds).find_map(|seed| {
            let played = Schedule::random(seed).with_bug(bug).play();
            played.violation.map(|violation| (seed, violation))
        });
        match found {
            Some((seed, violation)) => println!("{bug:?}: seed {seed}, {violation}"),
            None => {
                missed += 1;
                println!("{bug:?}: not found in {seeds} schedules");
            }
        }
    }
    println!("{} of {} bugs found", Bug::ALL.len() - missed, Bug::ALL.len());
    missed == 0
}

/// Says that this program was built without wrong rules.
#[cfg(not(feature = "seeded-bugs"))]
pub(crate) fn bugs(_base: u64, _seeds: u64) -> bool {
    eprintln!("starline-soak: --bugs needs a build with the feature `seeded-bugs`");
    false
}
