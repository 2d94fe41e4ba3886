//! A world in which everything is as it was said to be.

use std::collections::BTreeMap;

use std::sync::Arc;

use starline_types::{EditBatch, TaskSpec};

use super::work::{Key, Nature, Reply, Work};
use super::{Answers, Saying, Seen, Speaker};

/// Attempts do what was said about their task, and messages arrive at once.
#[derive(Debug, Default)]
pub(super) struct Scripted {
    works: BTreeMap<(usize, String), Vec<Work>>,
    replies: BTreeMap<usize, Vec<Reply>>,
}

impl Nature for Scripted {
    fn work(&mut self, key: Key, spec: &TaskSpec) -> Work {
        let told = self.works.get(&(key.run as usize, spec.id.to_string())).map_or(&[][..], Vec::as_slice);
        let nth = (key.attempt.saturating_sub(1) as usize).min(told.len().saturating_sub(1));
        told.get(nth).cloned().unwrap_or_else(|| Work::of(spec))
    }

    fn tell(&mut self, run: usize, task: &str, works: Vec<Work>) {
        self.works.insert((run, task.to_owned()), works);
    }

    fn reply(&mut self, run: usize, replies: Vec<Reply>) {
        self.replies.insert(run, replies);
    }

    fn answer(&mut self, seen: &Seen<'_>) -> Answers {
        let Some(replies) = self.replies.get_mut(&seen.run) else { return Vec::new() };
        // The last reply is that to all further holds.
        let reply = if replies.len() > 1 { Some(replies.remove(0)) } else { replies.first().cloned() };
        let Some((Reply { after, batch }, hold)) = reply.zip(seen.hold) else { return Vec::new() };
        let saying = match batch {
            Some(batch) => {
                let base = seen.graph.revision();
                let batch = Arc::new(EditBatch { base, hold: Some(hold), ..batch });
                Saying::Submit { batch, by: Speaker::Editor, check_only: false }
            }
            None => Saying::Release(hold),
        };
        vec![(after, saying)]
    }
}
