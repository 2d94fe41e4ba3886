//! The power goes after any write, and any part of what was not synced survives.

use starline_journal::JournalFault;

use super::Tally;
use super::chance::Chance;
use super::disk::{Plan, SimulatedDisk};
use super::world::{Office, Stop, World, verify_image};
use crate::options::Options;

/// Several lives of a journal, each ended by a power cut or a proper end, on one disk.
///
/// # Errors
/// What was acknowledged and is not there, or anything else that was promised and is not so.
pub fn power_cut(seed: u64) -> Result<Tally, String> {
    let mut chance = Chance::new(seed, 0);
    let (mut image, mut world, mut tally) = (Vec::new(), World::new(seed), Tally::default());
    for life in 0..chance.within(2, 5) {
        let cut_at = chance.percent(90).then(|| {
            let most = if chance.percent(30) { 12 } else { 150 };
            chance.within(1, most)
        });
        let disk = SimulatedDisk::new(image, Plan { cut_at, ..Plan::default() });
        let options = Options { cache: 1 << 20, ..Options::default() };
        match live(&disk, &options, &mut world, &mut chance) {
            Ok(()) => {}
            // Only a disk without power excuses an error.
            Err(Stop::Disk(error)) if disk.faults() == 0 => {
                return Err(format!("life {life}: {error}: {:?}", std::error::Error::source(&error)));
            }
            Err(Stop::Disk(error)) if error.kind() != JournalFault::Failed => {
                return Err(format!("life {life}: the power went, and the journal says {error}"));
            }
            Err(Stop::Disk(_)) => {}
            Err(Stop::Violation(text)) => return Err(format!("life {life}: {text}")),
        }
        tally.faults += disk.faults();
        tally.recoveries += 1;
        image = disk.survivors(&mut chance);
        verify_image(&image).map_err(|text| format!("after life {life}: {text}"))?;
    }
    // The last word has a disk that works.
    let disk = SimulatedDisk::new(image, Plan::default());
    let options = Options { cache: 1 << 20, ..Options::default() };
    match live(&disk, &options, &mut world, &mut chance) {
        Ok(()) => {}
        Err(Stop::Disk(error)) => return Err(format!("at the end: {error}")),
        Err(Stop::Violation(text)) => return Err(format!("at the end: {text}")),
    }
    tally.records = world.records();
    Ok(tally)
}

fn live(disk: &SimulatedDisk, options: &Options, world: &mut World, chance: &mut Chance) -> Result<(), Stop> {
    let mut office = Office::open(disk, options, None)?;
    world.take_over(&mut office, chance)?;
    for _ in 0..chance.within(1, 12) {
        world.act(&mut office, chance)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acknowledged_is_lost_when_the_power_goes() {
        let mut tally = Tally::default();
        for seed in 0..200 {
            match power_cut(seed) {
                Ok(one) => tally += one,
                Err(text) => panic!("seed {seed}: {text}"),
            }
        }
        assert!(tally.faults > 300 && tally.records > 2000, "{tally:?}");
    }
}
