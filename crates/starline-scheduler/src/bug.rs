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
    /// Covered tasks are placed all the same.
    HoldIgnored,
    /// A hold does not end at its deadline.
    HoldNeverExpires,
    /// A hold stays open when its editor is gone.
    LostEditorKeepsHolds,
    /// Impossible tasks are skipped although a hold covers them.
    CoveredSkipped,
    /// A hold is closed by a batch that asks to keep it open.
    KeepOpenIgnored,
    /// The guard rails of a run are not kept.
    PolicyIgnored,
    /// An editor may take gates away.
    GateTakenAway,
    /// A task that was changed keeps the place in the queue that it had as another one.
    StaleDispatch,
    /// A trigger joins a hold that is in the hands of its editor.
    JoinAfterHandOver,
    /// The end of a task that failed asks nobody.
    FailureUnregistered,
    /// A batch that is sent a second time is committed a second time.
    RequestForgotten,
    /// The queue clock of a task runs under a hold.
    HoldClockRuns,
    /// A run that waits for an edit goes on waiting after one.
    EditWakesNobody,
    /// An approval of a task counts for what the task is changed to.
    ApprovalKept,
    /// Work is undone in any order.
    UndoneInAnyOrder,
    /// Who takes a run over does not wait for attempts of devices that are away.
    TakeOverWaitsForNobody,
    /// An ownership that begins is not recorded.
    OwnerUnrecorded,
    /// What an earlier attempt puts down takes the place of what the last one did.
    OldCheckpointWins,
    /// The next attempt begins anew whatever was put down.
    CheckpointForgotten,
    /// A driver lets effects out before the facts that lead to them are durable.
    #[cfg(feature = "seeded-bugs")]
    ActBeforeDurable,
    /// A driver answers an edit before its commit is durable.
    #[cfg(feature = "seeded-bugs")]
    AnswerBeforeDurable,
    /// A driver renews the leases of all attempts of a device, and not of those that it names.
    #[cfg(feature = "seeded-bugs")]
    DeviceRenewed,
}

#[cfg(feature = "seeded-bugs")]
impl Bug {
    /// All of them.
    pub const ALL: [Self; 35] = [
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
        Self::HoldIgnored,
        Self::HoldNeverExpires,
        Self::LostEditorKeepsHolds,
        Self::CoveredSkipped,
        Self::KeepOpenIgnored,
        Self::PolicyIgnored,
        Self::GateTakenAway,
        Self::StaleDispatch,
        Self::JoinAfterHandOver,
        Self::FailureUnregistered,
        Self::RequestForgotten,
        Self::HoldClockRuns,
        Self::EditWakesNobody,
        Self::ApprovalKept,
        Self::UndoneInAnyOrder,
        Self::TakeOverWaitsForNobody,
        Self::OwnerUnrecorded,
        Self::OldCheckpointWins,
        Self::CheckpointForgotten,
        Self::ActBeforeDurable,
        Self::AnswerBeforeDurable,
        Self::DeviceRenewed,
    ];
}
