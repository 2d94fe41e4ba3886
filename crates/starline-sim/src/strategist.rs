//! Who places tasks in a simulation: made anew after every restart.

use starline_assign::{AssignmentStrategy, Binding, PlaceError, Round};
use starline_strategies::{CapabilityMatch, LoadBalance, RoundRobin};

/// Who places tasks: a recipe, since a restarted orchestrator makes its strategy anew.
#[derive(Clone, Copy, Debug)]
pub enum Strategist {
    /// Nobody: pins and assignments settle everything.
    Nobody,
    /// `round_robin`.
    RoundRobin,
    /// `capability_match`.
    CapabilityMatch,
    /// `load_balance`.
    LoadBalance,
    /// Ready tasks onto the first device with a free slot.
    FirstFree,
    /// As [`FirstFree`](Self::FirstFree), one task in each round.
    OneAtATime,
    /// As [`FirstFree`](Self::FirstFree), and then one placement that the round refuses.
    Erring,
    /// Any other.
    Custom(fn() -> Box<dyn AssignmentStrategy>),
}

impl Strategist {
    /// Makes the strategy, as it is at the beginning of a run.
    #[must_use]
    pub fn make(self) -> Option<Box<dyn AssignmentStrategy>> {
        Some(match self {
            Self::Nobody => return None,
            Self::RoundRobin => Box::new(RoundRobin::default()),
            Self::CapabilityMatch => Box::new(CapabilityMatch),
            Self::LoadBalance => Box::new(LoadBalance),
            Self::FirstFree => Box::new(Late { at_most: usize::MAX, errs: false }),
            Self::OneAtATime => Box::new(Late { at_most: 1, errs: false }),
            Self::Erring => Box::new(Late { at_most: usize::MAX, errs: true }),
            Self::Custom(make) => make(),
        })
    }

    /// When it decides; `None` for nobody.
    #[must_use]
    pub fn binding(self) -> Option<Binding> {
        self.make().map(|strategy| strategy.binding())
    }

    /// Reads the name of a built-in strategy, `first_free` or `none`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.replace('-', "_").as_str() {
            "none" => Self::Nobody,
            RoundRobin::NAME => Self::RoundRobin,
            CapabilityMatch::NAME => Self::CapabilityMatch,
            LoadBalance::NAME => Self::LoadBalance,
            "first_free" => Self::FirstFree,
            _ => return None,
        })
    }
}

/// Late binding in its simplest form, with two bad habits to choose from.
#[derive(Clone, Copy, Debug)]
struct Late {
    at_most: usize,
    errs: bool,
}

impl AssignmentStrategy for Late {
    fn name(&self) -> &'static str {
        "first_free"
    }

    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
        let mut last = None;
        for task in round.tasks() {
            if round.placements().count() >= self.at_most {
                break;
            }
            let device = round.candidates(task.ix).iter().next();
            if let Some(device) = device {
                round.place(task.ix, device.ix)?;
                last = Some((task.ix, device.ix));
            }
        }
        match last {
            Some((task, device)) if self.errs => round.place(task, device),
            _ => Ok(()),
        }
    }
}
