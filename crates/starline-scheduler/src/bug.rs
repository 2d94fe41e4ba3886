//! Deliberately wrong rules: each must be found by the simulator, or the simulator is too weak.

/// A rule that can be broken on purpose (feature `seeded-bugs`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(
    not(feature = "seeded-bugs"),
    expect(unreachable_pub, reason = "no rule is wrong without the feature")
)]
pub enum Bug {
    /// The report of an attempt that has ended is taken for the live one.
    StaleReportAccepted,
    /// A task is placed again before the end of its lost attempt is certain.
    ReassignBeforeCertain,
    /// A cancelled task ends before its attempt has stopped.
    CancelWithoutConfirmation,
    /// An impossible edge leaves its target pending.
    ImpossibleStaysPending,
    /// Slots of devices are not counted.
    SlotsIgnored,
    /// A task whose planned device is lost is placed on any device.
    RequirementsIgnored,
    /// Retries are not counted.
    RetriesUncounted,
    /// A paused run goes on placing tasks.
    PauseIgnored,
    /// Tasks on a lost device are forgotten.
    LossForgotten,
    /// A retry delay is drawn again in every replay.
    DelayRedrawn,
    /// A task starts as soon as one of its edges is satisfied.
    AnyEdgeSuffices,
    /// `max_parallel` is not kept.
    ParallelLimitIgnored,
    /// Tasks with an approval gate run without being approved.
    GateIgnored,
}

#[cfg(feature = "seeded-bugs")]
impl Bug {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::StaleReportAccepted,
        Self::ReassignBeforeCertain,
        Self::CancelWithoutConfirmation,
        Self::ImpossibleStaysPending,
        Self::SlotsIgnored,
        Self::RequirementsIgnored,
        Self::RetriesUncounted,
        Self::PauseIgnored,
        Self::LossForgotten,
        Self::DelayRedrawn,
        Self::AnyEdgeSuffices,
        Self::ParallelLimitIgnored,
        Self::GateIgnored,
    ];
}
