//! What the journal was told, and what it must therefore know.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_journal::{
    Checkpoint, Envelope, Event, Fence, JournalError, JournalFault, Opened, Revision, RunId, Seq,
    SharedEnvelope, Timestamp, UnixMillis,
};
use tokio::sync::oneshot::{self, Receiver};

use super::chance::Chance;
use super::disk::SimulatedDisk;
use crate::engine::Engine;
use crate::options::Options;
use crate::page;
use crate::record::Batch;
use crate::request::Request;
use crate::reserve::Reserve;
use crate::store::Store;
use crate::verify::verify_source;

/// What was acknowledged about a run, and what may have happened beyond it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The last owner.
    pub(crate) fence: Fence,
    /// The last record that was acknowledged.
    pub(crate) tail: u64,
    /// Ends of the steps that were asked for, and not answered.
    pub(crate) asked: Vec<u64>,
    /// The newest checkpoint that was acknowledged.
    pub(crate) checkpoint: Option<u64>,
    /// Checkpoints that were asked for, and not answered.
    pub(crate) asked_checkpoints: Vec<u64>,
}

/// What the journal was told.
#[derive(Clone, Debug)]
pub(crate) struct World {
    seed: u64,
    pub(crate) runs: BTreeMap<RunId, Known>,
}

/// An open journal without its threads.
#[derive(Debug)]
pub(crate) struct Office {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<Store>,
}

impl Office {
    pub(crate) fn open(
        disk: &SimulatedDisk,
        options: &Options,
        reserve: Option<Box<dyn Reserve>>,
    ) -> Result<Self, JournalError> {
        let store = Arc::new(Store::new(disk.source(), options.cache));
        let engine = Engine::open(Arc::clone(&store), options, reserve)?;
        Ok(Self { engine, store })
    }

    /// Opens a run.
    pub(crate) fn open_run(&mut self, run: &RunId) -> Result<Opened, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.engine.work([Request::Open { run: run.clone(), reply }]);
        heard(answer)
    }

    /// Appends records.
    pub(crate) fn append(
        &mut self,
        run: &RunId,
        fence: Fence,
        records: &[SharedEnvelope],
    ) -> Result<(), JournalError> {
        let (reply, answer) = oneshot::channel();
        let batch = Batch::new(run, records)?;
        self.engine.work([Request::Append { run: run.clone(), fence, batch, reply }]);
        heard(answer)
    }

    /// Keeps a checkpoint.
    pub(crate) fn checkpoint(
        &mut self,
        run: &RunId,
        fence: Fence,
        checkpoint: Checkpoint,
    ) -> Result<(), JournalError> {
        let (reply, answer) = oneshot::channel();
        self.engine.work([Request::Checkpoint { run: run.clone(), fence, checkpoint, reply }]);
        heard(answer)
    }

    /// Everything about a run.
    pub(crate) fn read(&self, run: &RunId) -> Result<Vec<SharedEnvelope>, JournalError> {
        let mut found: Vec<SharedEnvelope> = Vec::new();
        loop {
            let after = found.last().map(|last| last.seq);
            let page = self.store.with(|database| page::read(database, run, after, 64))?;
            if page.is_empty() {
                return Ok(found);
            }
            found.extend(page);
        }
    }
}

/// The answer to what was asked and done.
fn heard<T>(mut answer: Receiver<Result<T, JournalError>>) -> Result<T, JournalError> {
    answer.try_recv().unwrap_or_else(|_| Err(JournalError::new(JournalFault::Failed)))
}

impl Drop for Office {
    fn drop(&mut self) {
        self.store.close();
    }
}

/// A record that follows from its run and number.
pub(crate) fn fact(seed: u64, run: &RunId, seq: u64) -> SharedEnvelope {
    let mut chance = Chance::new(seed, seq);
    let length = if chance.percent(3) { chance.within(3000, 20_000) } else { chance.within(1, 400) };
    let text: String = (0..length).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
    SharedEnvelope::from(Envelope {
        seq: Seq(seq),
        run_id: run.clone(),
        revision: Revision(seq / 7),
        t: Timestamp(seq * 3),
        at: UnixMillis(seq),
        cause: None,
        event: Event::RunResumed { by: text.into() },
    })
}

/// A checkpoint that follows from its number.
fn checkpoint(seed: u64, seq: u64) -> Checkpoint {
    let length = Chance::new(seed, !seq).within(1, 30_000);
    Checkpoint::new(Seq(seq), (0..length).map(|at| (at ^ seq) as u8).collect())
}

/// What was asked, and waits for its answer.
enum Waiting {
    Append(RunId, u64, Receiver<Result<(), JournalError>>),
    Checkpoint(RunId, u64, Receiver<Result<(), JournalError>>),
    Forget(RunId, Receiver<Result<(), JournalError>>),
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, runs: BTreeMap::new() }
    }

    /// Records that were acknowledged.
    pub(crate) fn records(&self) -> u64 {
        self.runs.values().map(|known| known.tail).sum()
    }

    pub(crate) fn facts(&self, run: &RunId, last: u64) -> Vec<SharedEnvelope> {
        (1..=last).map(|seq| fact(self.seed, run, seq)).collect()
    }

    /// Opens every run, checks what is found, and begins new ones.
    pub(crate) fn take_over(&mut self, office: &mut Office, chance: &mut Chance) -> Result<(), Stop> {
        if self.runs.is_empty() || self.runs.len() < 4 && chance.percent(60) {
            let run = RunId::new(format!("run-{}", chance.below(1000))).map_err(|error| error.to_string())?;
            self.runs.entry(run).or_default();
        }
        for run in self.runs.keys().cloned().collect::<Vec<_>>() {
            let opened = office.open_run(&run)?;
            let found = office.read(&run)?;
            self.judge(&run, &opened, &found)?;
        }
        let known = office.store.with(page::directory)?.unwrap_or_default().1;
        if let Some((run, _)) = known.iter().find(|(run, _)| !self.runs.contains_key(run)) {
            return Err(format!("{run} was forgotten, and is there").into());
        }
        Ok(())
    }

    /// Whether what was found is what may be found; from then on it is what is known.
    fn judge(&mut self, run: &RunId, opened: &Opened, found: &[SharedEnvelope]) -> Result<(), String> {
        let seed = self.seed;
        let tail = opened.tail.map_or(0, |seq| seq.0);
        if found != self.facts(run, tail) {
            return Err(format!("{run}: {} records read, which are not the first {tail}", found.len()));
        }
        let Some(known) = self.runs.get_mut(run) else { return Ok(()) };
        if opened.fence <= known.fence {
            return Err(format!("{run}: {:?} after {:?}", opened.fence, known.fence));
        }
        if tail != known.tail && !known.asked.contains(&tail) {
            return Err(format!(
                "{run}: record {tail} is last; {} was acknowledged, asked {:?}",
                known.tail, known.asked
            ));
        }
        let at = opened.checkpoint.as_ref().map(|checkpoint| checkpoint.seq.0);
        if at != known.checkpoint && !at.is_some_and(|at| known.asked_checkpoints.contains(&at)) {
            return Err(format!("{run}: checkpoint {at:?}, and {:?} was acknowledged", known.checkpoint));
        }
        if opened.checkpoint.as_ref().is_some_and(|found| *found != checkpoint(seed, found.seq.0)) {
            return Err(format!("{run}: checkpoint {at:?} is another"));
        }
        *known = Known { fence: opened.fence, tail, checkpoint: at, ..Known::default() };
        Ok(())
    }

    /// One group of requests. An error of the journal is where the disk failed.
    pub(crate) fn act(&mut self, office: &mut Office, chance: &mut Chance) -> Result<(), Stop> {
        let (mut group, mut waiting) = (Vec::new(), Vec::new());
        let is_last = self.runs.len() < 2;
        for _ in 0..chance.within(1, 5) {
            let at = usize::try_from(chance.below(self.runs.len() as u64)).unwrap_or_default();
            let Some((run, known)) = self.runs.iter_mut().nth(at) else { continue };
            let (run, fence) = (run.clone(), known.fence);
            let asked = known.asked.last().copied().unwrap_or(known.tail);
            let (reply, answer) = oneshot::channel();
            match chance.below(100) {
                0..85 => {
                    let last = asked + chance.within(1, 12);
                    let records: Vec<_> = (asked + 1..=last).map(|seq| fact(self.seed, &run, seq)).collect();
                    known.asked.push(last);
                    let batch = Batch::new(&run, &records).map_err(|error| error.to_string())?;
                    waiting.push(Waiting::Append(run.clone(), last, answer));
                    group.push(Request::Append { run, fence, batch, reply });
                }
                85..98
                    if known.tail > known.checkpoint.unwrap_or(0) && known.asked_checkpoints.is_empty() =>
                {
                    let seq = chance.within(known.checkpoint.unwrap_or(0) + 1, known.tail);
                    known.asked_checkpoints.push(seq);
                    waiting.push(Waiting::Checkpoint(run.clone(), seq, answer));
                    let checkpoint = checkpoint(self.seed, seq);
                    group.push(Request::Checkpoint { run, fence, checkpoint, reply });
                }
                98.. if !is_last && known.asked.is_empty() && known.asked_checkpoints.is_empty() => {
                    // From here on it may be gone, and nothing else of this group is about it.
                    waiting.push(Waiting::Forget(run.clone(), answer));
                    group.push(Request::Forget { run, reply });
                    break;
                }
                _ => {}
            }
        }
        office.engine.work(group);
        let mut failed = None;
        for waiting in waiting {
            if let Err(error) = self.hear(waiting) {
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), |error| Err(Stop::Disk(error)))
    }

    fn hear(&mut self, waiting: Waiting) -> Result<(), JournalError> {
        match waiting {
            Waiting::Append(run, last, answer) => {
                heard(answer)?;
                if let Some(known) = self.runs.get_mut(&run) {
                    known.tail = last;
                    known.asked.retain(|asked| *asked > last);
                }
            }
            Waiting::Checkpoint(run, seq, answer) => {
                heard(answer)?;
                if let Some(known) = self.runs.get_mut(&run) {
                    known.checkpoint = Some(seq);
                    known.asked_checkpoints.clear();
                }
            }
            Waiting::Forget(run, answer) => {
                let forgotten = heard(answer);
                if forgotten.is_ok() {
                    self.runs.remove(&run);
                } else if let Some(known) = self.runs.get_mut(&run) {
                    // Forgotten or not: both are what was asked.
                    let was = Some(known.tail).filter(|tail| *tail > 0);
                    known.asked.extend(was);
                    known.asked_checkpoints.extend(known.checkpoint);
                    (known.tail, known.checkpoint) = (0, None);
                }
                forgotten?;
            }
        }
        Ok(())
    }
}

/// Why a life of the journal ended.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The disk failed, and the journal said so.
    Disk(JournalError),
    /// A promise was broken.
    Violation(String),
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::Disk(error)
    }
}

impl From<String> for Stop {
    fn from(text: String) -> Self {
        Self::Violation(text)
    }
}

/// A store that was left by a crash is clean to whoever only reads it.
pub(crate) fn verify_image(image: &[u8]) -> Result<(), String> {
    let disk = SimulatedDisk::new(image.to_vec(), super::disk::Plan::default());
    let report = verify_source(&disk.source()).map_err(|error| format!("verify: {error}"))?;
    if !report.is_clean() {
        return Err(format!("verify finds {report:?}"));
    }
    if disk.image() != image {
        return Err("verify changed the file".into());
    }
    Ok(())
}
