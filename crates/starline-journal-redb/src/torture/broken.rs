//! A disk that is full, or fails.

use starline_journal::{Checkpoint, JournalError, JournalFault, RunId, Seq};

use super::Tally;
use super::chance::Chance;
use super::disk::{Plan, SimulatedDisk, SimulatedReserve};
use super::world::{Office, Stop, World, fact, verify_image};
use crate::options::Options;
use crate::reserve::Reserve;

/// A journal on a disk that becomes full, fails to write, or fails to sync.
///
/// # Errors
/// A promise that was not kept.
pub fn broken_disk(seed: u64) -> Result<Tally, String> {
    match seed % 3 {
        0 => full(seed),
        1 => failing(seed, |at| Plan { fail_write_at: Some(at), ..Plan::default() }),
        _ => failing(seed, |at| Plan { fail_sync_at: Some(at), ..Plan::default() }),
    }
}

fn options() -> Options {
    Options { cache: 1 << 20, ..Options::default() }
}

/// No space: nothing that was acknowledged is lost, reads go on, the reserve takes the end, and with new space work
/// goes on.
fn full(seed: u64) -> Result<Tally, String> {
    const RESERVE: u64 = 1 << 20;
    let mut chance = Chance::new(seed, 1);
    let (mut world, mut tally) = (World::new(seed), Tally::default());
    let disk = SimulatedDisk::new(Vec::new(), Plan::default());
    let reserve =
        || Some(Box::new(SimulatedReserve { disk: disk.clone(), bytes: RESERVE }) as Box<dyn Reserve>);
    let options = options();
    let mut office = Office::open(&disk, &options, reserve()).map_err(|error| error.to_string())?;
    for _ in 0..3 {
        take_over(&mut world, &mut office, &mut chance)?;
        disk.set_space(Some(disk.used() + chance.below(400_000)));
        let error = until_it_fails(&mut world, &mut office, &mut chance)?;
        if error != JournalFault::Full {
            return Err(format!("the disk is full, and the journal says {error}"));
        }
        tally.faults += 1;
        // Nothing more is written before somebody opens a run.
        let runs: Vec<(RunId, u64)> =
            world.runs.iter().map(|(run, known)| (run.clone(), known.tail)).collect();
        for (run, tail) in &runs {
            let fence = world.runs[run].fence;
            let refused = office.append(run, fence, &[fact(seed, run, tail + 1)]);
            if refused.as_ref().err().map(|error| error.kind()) != Some(JournalFault::Full) {
                return Err(format!("{run}: an append to a full journal is answered {refused:?}"));
            }
            let refused = office.checkpoint(run, fence, Checkpoint::new(Seq((*tail).max(1)), vec![0]));
            if refused.as_ref().err().map(JournalError::kind) != Some(JournalFault::Full) {
                return Err(format!("{run}: a checkpoint in a full journal is answered {refused:?}"));
            }
            let read = office.read(run).map_err(|error| format!("reads do not go on: {error}"))?;
            if (read.len() as u64) < *tail || read[..] != world.facts(run, read.len() as u64)[..] {
                return Err(format!("{run}: {} of {tail} records while the disk is full", read.len()));
            }
        }
        // The reserve is enough for the end of every run.
        take_over(&mut world, &mut office, &mut chance)?;
        for (run, known) in &mut world.runs {
            let end = fact(seed, run, known.tail + 1);
            office.append(run, known.fence, &[end]).map_err(|error| format!("the end of {run}: {error}"))?;
            known.tail += 1;
        }
        if chance.percent(30) {
            drop(office);
            verify_image(&disk.image())?;
            office = Office::open(&disk, &options, reserve()).map_err(|error| error.to_string())?;
        }
        tally.recoveries += 1;
        disk.set_space(None);
        // With space there is a reserve again, after some commits.
        for _ in 0..60 {
            world.act(&mut office, &mut chance).map_err(|stop| format!("with space again: {stop:?}"))?;
        }
    }
    drop(office);
    verify_image(&disk.survivors(&mut chance))?;
    tally.records = world.records();
    Ok(tally)
}

fn take_over(world: &mut World, office: &mut Office, chance: &mut Chance) -> Result<(), String> {
    world.take_over(office, chance).map_err(|stop| match stop {
        Stop::Disk(error) => format!("taking over: {error}"),
        Stop::Violation(text) => text,
    })
}

fn until_it_fails(
    world: &mut World,
    office: &mut Office,
    chance: &mut Chance,
) -> Result<JournalFault, String> {
    for _ in 0..10_000 {
        match world.act(office, chance) {
            Ok(()) => {}
            Err(Stop::Disk(error)) => return Ok(error.kind()),
            Err(Stop::Violation(text)) => return Err(text),
        }
    }
    Err("the disk has no space, and the journal goes on".into())
}

/// A failed write or sync is for ever, and what was acknowledged is there after a restart.
fn failing(seed: u64, plan: impl Fn(u64) -> Plan) -> Result<Tally, String> {
    let mut chance = Chance::new(seed, 2);
    let (mut image, mut world, mut tally) = (Vec::new(), World::new(seed), Tally::default());
    for life in 0..4 {
        let most = if chance.percent(30) { 15 } else { 120 };
        let at = chance.within(1, most);
        let disk = SimulatedDisk::new(image, plan(at));
        let options = options();
        let ended = live(&disk, &options, &mut world, &mut chance);
        match ended {
            Ok(()) => {}
            Err(Stop::Violation(text)) => return Err(format!("life {life}: {text}")),
            Err(Stop::Disk(error)) if disk.faults() == 0 || error.kind() != JournalFault::Failed => {
                return Err(format!("life {life}: {} faults, and the journal says {error}", disk.faults()));
            }
            Err(Stop::Disk(_)) => {}
        }
        tally.faults += disk.faults();
        tally.recoveries += 1;
        image = disk.survivors(&mut chance);
        verify_image(&image).map_err(|text| format!("after life {life}: {text}"))?;
    }
    tally.records = world.records();
    Ok(tally)
}

fn live(disk: &SimulatedDisk, options: &Options, world: &mut World, chance: &mut Chance) -> Result<(), Stop> {
    let mut office = Office::open(disk, options, None)?;
    world.take_over(&mut office, chance)?;
    for _ in 0..40 {
        if let Err(stop) = world.act(&mut office, chance) {
            let operations = disk.operations();
            for run in world.runs.keys() {
                let again = office.open_run(run).map_err(|error| error.kind()).map(|opened| opened.fence);
                if again != Err(JournalFault::Failed) {
                    return Err(Stop::Violation(format!("a journal that failed opens {run}: {again:?}")));
                }
            }
            if disk.operations() != operations {
                return Err(Stop::Violation("a journal that failed writes on".into()));
            }
            return Err(stop);
        }
    }
    // What fails while it is closed, nobody waits for.
    match disk.faults() {
        0 => Ok(()),
        _ => Err(Stop::Violation("the disk failed, and nobody was told".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_disk_is_noticed_and_nothing_acknowledged_is_lost() {
        let mut tally = Tally::default();
        for seed in 0..60 {
            match broken_disk(seed) {
                Ok(one) => tally += one,
                Err(text) => panic!("seed {seed}: {text}"),
            }
        }
        assert!(tally.faults > 60 && tally.records > 1000, "{tally:?}");
    }
}
