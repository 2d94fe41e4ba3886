//! A journal that keeps nothing.

use async_trait::async_trait;
use starline_types::{RunId, Seq, SharedEnvelope};

use crate::{Fence, Journal, JournalError, Opened};

/// Keeps nothing: the run is gone with the process, and costs nothing to record.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal;

#[async_trait]
impl Journal for NoJournal {
    fn keeps(&self) -> bool {
        false
    }

    async fn open(&self, _: &RunId) -> Result<Opened, JournalError> {
        Ok(Opened { fence: Fence(1), tail: None, checkpoint: None })
    }

    async fn append(&self, _: &RunId, _: Fence, _: &[SharedEnvelope]) -> Result<(), JournalError> {
        Ok(())
    }

    async fn read(&self, _: &RunId, _: Option<Seq>, _: usize) -> Result<Vec<SharedEnvelope>, JournalError> {
        Ok(Vec::new())
    }

    async fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        Ok(Vec::new())
    }

    async fn forget(&self, _: &RunId) -> Result<(), JournalError> {
        Ok(())
    }
}
