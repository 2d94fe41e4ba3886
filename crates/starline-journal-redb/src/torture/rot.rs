//! One byte of a store changes: that is noticed, or it does not matter.

use starline_journal::{JournalError, JournalFault, RunId, SharedEnvelope};

use super::chance::Chance;
use super::disk::{Plan, SimulatedDisk};
use super::quiet::quietly;
use super::world::{Office, World};
use crate::options::Options;
use crate::reader::Reader;
use crate::verify::verify_source;

/// A store whose bytes are changed, one at a time.
#[derive(Clone, Debug)]
pub struct Reference {
    seed: u64,
    image: Vec<u8>,
    runs: Vec<(RunId, Vec<SharedEnvelope>)>,
}

/// What came of a changed byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rot {
    /// The store said so before anybody used what is wrong.
    Detected,
    /// Every record is as it was, and stays so while the store is used.
    Harmless,
}

fn options() -> Options {
    Options { cache: 1 << 20, ..Options::default() }
}

impl Reference {
    /// A store of three runs and a checkpoint that was closed properly, or whose owner was killed.
    ///
    /// # Errors
    /// It could not be made.
    pub fn new(seed: u64, killed: bool) -> Result<Self, String> {
        let disk = SimulatedDisk::new(Vec::new(), Plan::default());
        let mut world = World::new(seed);
        let mut office = Office::open(&disk, &options(), None).map_err(text)?;
        let mut runs = Vec::new();
        for (name, last) in [("alpha", 40), ("beta", 20), ("gamma", 9)] {
            let run = RunId::new(name).map_err(|error| error.to_string())?;
            let fence = office.open_run(&run).map_err(text)?.fence;
            let facts = world.facts(&run, last);
            for step in facts.chunks(7) {
                office.append(&run, fence, step).map_err(text)?;
            }
            world.runs.insert(run.clone(), super::world::Known { fence, tail: last, ..Default::default() });
            runs.push((run, facts));
        }
        // A store begins with room for more than this, and most of it would be nothing.
        drop(office);
        let mut database =
            redb::Builder::new().create_with_backend(disk.clone()).map_err(|error| error.to_string())?;
        database.compact().map_err(|error| error.to_string())?;
        drop(database);
        let mut office = Office::open(&disk, &options(), None).map_err(text)?;
        for (run, _) in &runs {
            let fence = office.open_run(run).map_err(text)?.fence;
            world.runs.entry(run.clone()).or_default().fence = fence;
        }
        // Some checkpoints, and more records.
        let mut chance = Chance::new(seed, 3);
        for _ in 0..5 {
            world.act(&mut office, &mut chance).map_err(|stop| format!("{stop:?}"))?;
        }
        for (run, facts) in &mut runs {
            let tail = world.runs.get(run).map_or(0, |known| known.tail);
            *facts = world.facts(run, tail);
        }
        runs.retain(|(_, facts)| !facts.is_empty());
        let image = if killed {
            disk.image()
        } else {
            drop(office);
            disk.image()
        };
        Ok(Self { seed, image, runs })
    }

    /// Bytes of the store.
    #[must_use]
    pub fn len(&self) -> usize {
        self.image.len()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.image.is_empty()
    }

    /// Changes one byte, and uses the store.
    ///
    /// # Errors
    /// Records are missing or others, and nobody said so; or something panicked.
    pub fn flip(&self, at: usize) -> Result<Rot, String> {
        let mask = (Chance::new(self.seed, at as u64).within(1, 255)) as u8;
        let mut image = self.image.clone();
        let Some(byte) = image.get_mut(at) else { return Ok(Rot::Harmless) };
        *byte ^= mask;
        let judged = quietly(|| std::panic::catch_unwind(|| self.judge(&image)));
        match judged {
            Ok(judged) => judged.map_err(|text| format!("byte {at} xor {mask:#04x}: {text}")),
            Err(_) => Err(format!("byte {at} xor {mask:#04x}: a panic got out")),
        }
    }

    fn judge(&self, image: &[u8]) -> Result<Rot, String> {
        let disk = || SimulatedDisk::new(image.to_vec(), Plan::default());
        let report = verify_source(&disk().source()).map_err(text)?;
        let owned = self.own(&disk())?;
        let read = self.read(&disk())?;
        let found = report.is_clean();
        if found && (owned == Rot::Detected || read == Rot::Detected) {
            return Err(format!("verify finds nothing, owners {owned:?}, readers {read:?}"));
        }
        if found { Ok(Rot::Harmless) } else { Ok(Rot::Detected) }
    }

    /// Reads everything, as one who owns nothing.
    fn read(&self, disk: &SimulatedDisk) -> Result<Rot, String> {
        let reader = match Reader::of(&disk.source()) {
            Ok(reader) => reader,
            Err(error) => return detected(&error),
        };
        for (run, facts) in &self.runs {
            let mut found: Vec<SharedEnvelope> = Vec::new();
            loop {
                match reader.read(run, found.last().map(|last| last.seq), 64) {
                    Ok(page) if page.is_empty() => break,
                    Ok(page) => found.extend(page),
                    Err(error) => return detected(&error),
                }
            }
            if found != *facts {
                return Err(format!("{run}: a reader finds {} of {} records", found.len(), facts.len()));
            }
        }
        Ok(Rot::Harmless)
    }

    /// Opens it, reads everything, goes on with it, and reads everything again.
    fn own(&self, disk: &SimulatedDisk) -> Result<Rot, String> {
        let mut office = match Office::open(disk, &options(), None) {
            Ok(office) => office,
            Err(error) => return detected(&error),
        };
        for (run, facts) in &self.runs {
            match office.read(run) {
                Ok(read) if read == *facts => {}
                Ok(read) => {
                    return Err(format!("{run}: {} of {} records", read.len(), facts.len()));
                }
                Err(error) => return detected(&error),
            }
        }
        let world = World::new(self.seed);
        let more = |facts: &[SharedEnvelope], run| world.facts(run, facts.len() as u64 + 40);
        for (run, facts) in &self.runs {
            let appended = office
                .open_run(run)
                .and_then(|opened| office.append(run, opened.fence, &more(facts, run)[facts.len()..]));
            if let Err(error) = appended {
                return detected(&error);
            }
        }
        drop(office);
        let office = Office::open(disk, &options(), None).map_err(|error| format!("opened once: {error}"))?;
        for (run, facts) in &self.runs {
            let read = office.read(run).map_err(|error| format!("read once: {error}"))?;
            if read != more(facts, run) {
                return Err(format!("{run}: {} records after it was used", read.len()));
            }
        }
        Ok(Rot::Harmless)
    }
}

fn text(error: JournalError) -> String {
    error.to_string()
}

/// Damage may be reported as damage, or as what a newer version wrote, and as nothing else.
fn detected(error: &JournalError) -> Result<Rot, String> {
    match error.kind() {
        JournalFault::Corrupt { .. } | JournalFault::Newer { .. } | JournalFault::Unsupported => {
            Ok(Rot::Detected)
        }
        _ => Err(format!("damage is reported as {error}: {:?}", std::error::Error::source(error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_byte_is_detected_or_harmless() {
        for killed in [false, true] {
            let reference = Reference::new(5, killed).expect("made");
            let mut chance = Chance::new(9, u64::from(killed));
            let (mut detected, mut harmless) = (0, 0);
            for sample in 0..500 {
                // The head of the file has few bytes, and every one of them matters.
                let at =
                    if sample < 160 { sample * 2 } else { chance.below(reference.len() as u64) as usize };
                match reference.flip(at) {
                    Ok(Rot::Detected) => detected += 1,
                    Ok(Rot::Harmless) => harmless += 1,
                    Err(text) => panic!("killed: {killed}, {text}"),
                }
            }
            assert!(detected > 50, "{detected} detected, {harmless} harmless");
        }
    }
}
