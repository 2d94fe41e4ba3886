//! What the senders of the test ask for.

use tokio::sync::oneshot;

/// What is asked of the core.
#[derive(Debug)]
pub(crate) enum Command {
    /// Something that anybody may do.
    Small {
        reply: oneshot::Sender<()>,
    },
    /// Something that only the driver does.
    Large {
        reply: oneshot::Sender<()>,
    },
    /// Chains of attempts: the next of a chain begins when the last one has reported. Answered when all have ended.
    Chains {
        count: u32,
        reply: oneshot::Sender<()>,
    },
    /// Answered at that time.
    Alarm {
        at: u64,
        reply: oneshot::Sender<()>,
    },
    ShutDown {
        reply: oneshot::Sender<()>,
    },
}

impl Command {
    pub(crate) fn is_prompt(&self) -> bool {
        matches!(self, Self::Small { .. } | Self::Alarm { .. })
    }
}
