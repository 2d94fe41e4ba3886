//! What is on its way.

use super::state::{NOW, past};

/// A message. One that was sent stays on its way, so that it may arrive late, twice, in any order, or never.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Message {
    /// `running` has a bit for each attempt.
    Heartbeat {
        device: u8,
        incarnation: u8,
        stamp: u8,
        running: u8,
    },
    Result {
        device: u8,
        incarnation: u8,
        attempt: u8,
    },
    Stopped {
        device: u8,
        incarnation: u8,
        attempt: u8,
    },
    Dispatch {
        device: u8,
        incarnation: u8,
        epoch: u8,
        attempt: u8,
        deadline: u8,
    },
    Renewal {
        device: u8,
        incarnation: u8,
        epoch: u8,
        stamp: u8,
        attempt: u8,
    },
    Cancel {
        device: u8,
        incarnation: u8,
        epoch: u8,
        attempt: u8,
    },
}

impl Message {
    /// Time passes on the clock of a device.
    pub(crate) fn pass_on(&mut self, at: usize) {
        match self {
            Self::Heartbeat { device, stamp, .. } | Self::Renewal { device, stamp, .. }
                if usize::from(*device) == at =>
            {
                *stamp -= 1;
            }
            Self::Dispatch { device, deadline, .. } if usize::from(*device) == at => {
                *deadline = past(*deadline, NOW);
            }
            _ => {}
        }
    }

    /// The device that hears it; none if an orchestrator does.
    pub(crate) fn for_device(self) -> Option<usize> {
        match self {
            Self::Dispatch { device, .. } | Self::Renewal { device, .. } | Self::Cancel { device, .. } => {
                Some(usize::from(device))
            }
            Self::Heartbeat { .. } | Self::Result { .. } | Self::Stopped { .. } => None,
        }
    }
}
