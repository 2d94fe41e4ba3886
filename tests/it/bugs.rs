//! Rules of the scheduler that were broken on purpose: a pinned seed finds each.

use starline_sim::{Bug, Oracle, Schedule};

/// For each bug a seed that finds it, and the oracle that objects. `cargo xtask soak sim --bugs` looks for
/// others when the generator of schedules has changed.
const PINNED: [(Bug, u64, Oracle); 35] = [
    (Bug::StaleReportAccepted, 14, Oracle::O5),
    (Bug::ReassignBeforeCertain, 20, Oracle::O1),
    (Bug::CancelWithoutConfirmation, 3, Oracle::O1),
    (Bug::ImpossibleStaysPending, 2, Oracle::O9),
    (Bug::SlotsIgnored, 2, Oracle::O7),
    (Bug::RequirementsIgnored, 1, Oracle::O7),
    (Bug::RetriesUncounted, 29, Oracle::O10),
    (Bug::PauseIgnored, 5, Oracle::O7),
    (Bug::LossForgotten, 20, Oracle::O9),
    (Bug::DelayRedrawn, 7, Oracle::O8),
    (Bug::AnyEdgeSuffices, 4, Oracle::O7),
    (Bug::ParallelLimitIgnored, 7, Oracle::O7),
    (Bug::GateIgnored, 1, Oracle::O7),
    (Bug::HoldIgnored, 2, Oracle::O7),
    (Bug::HoldNeverExpires, 2, Oracle::O9),
    (Bug::LostEditorKeepsHolds, 10, Oracle::O9),
    (Bug::CoveredSkipped, 2, Oracle::O7),
    (Bug::KeepOpenIgnored, 243, Oracle::O10),
    (Bug::PolicyIgnored, 25, Oracle::O10),
    (Bug::GateTakenAway, 13, Oracle::O7),
    (Bug::StaleDispatch, 423, Oracle::O7),
    (Bug::JoinAfterHandOver, 2, Oracle::O10),
    (Bug::FailureUnregistered, 2, Oracle::O10),
    (Bug::RequestForgotten, 2, Oracle::O4),
    (Bug::HoldClockRuns, 86, Oracle::O7),
    (Bug::EditWakesNobody, 213, Oracle::O9),
    (Bug::ApprovalKept, 2007, Oracle::O7),
    (Bug::UndoneInAnyOrder, 172, Oracle::O7),
    (Bug::TakeOverWaitsForNobody, 8, Oracle::O1),
    (Bug::OwnerUnrecorded, 0, Oracle::O8),
    (Bug::OldCheckpointWins, 1, Oracle::O5),
    (Bug::CheckpointForgotten, 9, Oracle::O4),
    (Bug::ActBeforeDurable, 142, Oracle::O1),
    (Bug::AnswerBeforeDurable, 545, Oracle::O4),
    (Bug::DeviceRenewed, 54, Oracle::O1),
];

#[test]
fn every_bug_has_a_seed() {
    for bug in Bug::ALL {
        assert_eq!(PINNED.iter().filter(|(pinned, ..)| *pinned == bug).count(), 1, "{bug:?}");
    }
}

#[test]
fn pinned_seeds_find_their_bugs_and_nothing_else() {
    for (bug, seed, oracle) in PINNED {
        let schedule = Schedule::random(seed);
        assert_eq!(schedule.play().violation, None, "seed {seed} without {bug:?}");
        let found = schedule.with_bug(bug).play().violation;
        assert_eq!(found.as_ref().map(|violation| violation.oracle), Some(oracle), "{bug:?}: {found:?}");
    }
}

#[test]
fn a_violation_is_shrunk_to_a_smaller_schedule() {
    let schedule = Schedule::random(4).with_bug(Bug::AnyEdgeSuffices);
    let violation = schedule.play().violation.expect("the bug is found");
    let (small, found) = schedule.shrink(&violation);
    assert_eq!(found.oracle, violation.oracle);
    assert_eq!(small.play().violation, Some(found));
    let lines = |schedule: &Schedule| schedule.to_string().lines().count();
    assert!(lines(&small) < lines(&schedule), "{small}");
    assert!(lines(&small) <= 20, "{small}");
}
