//! What a step asks of the shell, once its facts are durable.

use starline_types::{Attempt, AttemptId, DeviceIx, Event, HoldId, HoldReason, Seq};

use crate::{Answer, Refusal};

/// What a step asks of the shell, once its facts are durable.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Runs an attempt.
    Dispatch {
        /// Where.
        device: DeviceIx,
        /// What.
        attempt: Attempt,
    },
    /// Ends an attempt. Its end comes back as an input.
    Cancel {
        /// Where.
        device: DeviceIx,
        /// Which.
        attempt: AttemptId,
        /// Whether at once.
        force: bool,
    },
    /// Says that a report is durable.
    Acknowledge {
        /// Where.
        device: DeviceIx,
        /// Which.
        attempt: AttemptId,
    },
    /// A hold is in the hands of its editor now, with the triggers it has.
    HandOver(HoldId),
    /// A hold is over: an answer would be late.
    HoldOver {
        /// The hold.
        hold: HoldId,
        /// Why.
        reason: HoldReason,
    },
    /// The run has ended.
    Close,
}

/// Facts and effects of one input, or of several that are persisted together.
#[derive(Debug, Default)]
#[must_use]
pub struct Step {
    /// Facts, in order. Their numbers end at [`Scheduler::seq`](crate::Scheduler::seq).
    pub events: Vec<Event>,
    /// Effects, in order.
    pub effects: Vec<Effect>,
    /// What a command came to; `None` for inputs that are no commands.
    pub answer: Option<Result<Answer, Refusal>>,
}

impl Step {
    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.events.clear();
        self.effects.clear();
        self.answer = None;
    }

    /// Number of the first fact, given that of the last.
    #[must_use]
    pub fn first(&self, last: Seq) -> Seq {
        Seq(last.0 + 1 - self.events.len() as u64)
    }
}
