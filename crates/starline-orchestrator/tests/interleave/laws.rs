//! What holds whoever is next. A law in which somebody waits for ever fails.

#![expect(clippy::print_stdout, reason = "whoever runs the tests sees how soon a break is noticed")]

use starline_testkit::interleave::{fails_at, hold};

use crate::RunError;
use crate::command::Command;
use crate::core::LENGTH;
use crate::inbox::Said;
use crate::scene::Scene;
use crate::shuttle::future::block_on;
use crate::shuttle::thread::{self, JoinHandle};
use crate::sync::{Rule, break_rule};

const CHAINS: u32 = 2;

fn small(scene: &Scene) -> Result<(), RunError> {
    scene.ask(|reply| Command::Small { reply })
}

fn large(scene: &Scene) -> Result<(), RunError> {
    scene.ask(|reply| Command::Large { reply })
}

fn beside<T: Send + 'static>(scene: &Scene, work: fn(&Scene) -> T) -> JoinHandle<T> {
    let scene = scene.clone();
    thread::spawn(move || work(&scene))
}

/// Attempts run and report while others send commands and say things: all of it is heard once.
fn all_is_heard(keeps: bool) {
    let (scene, driver) = Scene::start(2, keeps);
    let senders = [
        beside(&scene, |scene| {
            assert_eq!((small(scene), small(scene)), (Ok(()), Ok(())), "each command is answered");
        }),
        beside(&scene, |scene| {
            assert_eq!((large(scene), small(scene)), (Ok(()), Ok(())), "each command is answered");
        }),
        beside(&scene, |scene| {
            for run in 0..2 {
                scene.inbox.say(Said::EditorGone { run });
            }
        }),
    ];
    assert_eq!(scene.ask(|reply| Command::Chains { count: CHAINS, reply }), Ok(()), "every chain ends");
    for sender in senders {
        sender.join().expect("the sender ends");
    }
    assert_eq!(large(&scene), Ok(()), "what was said before is heard before");
    let ledger = scene.ledger();
    assert_eq!((ledger.obeyed, ledger.said), (6, 2), "commands obeyed, and things heard");
    for chain in 0..CHAINS {
        let heard: Vec<u32> =
            ledger.heard.iter().filter(|(of, _)| *of == chain).map(|(_, number)| *number).collect();
        assert_eq!(heard, (1..=LENGTH).collect::<Vec<_>>(), "reports of chain {chain}");
    }
    drop(ledger);
    assert_eq!(scene.ask(|reply| Command::ShutDown { reply }), Ok(()));
    block_on(driver).expect("the driver ends");
    assert_eq!(small(&scene), Err(RunError::ShutDown), "nobody is left");
}

/// Attempts alone: nobody but the only runner looks for them.
fn attempts_end() {
    let (scene, driver) = Scene::start(1, true);
    assert_eq!(scene.ask(|reply| Command::Chains { count: 1, reply }), Ok(()), "the chain ends");
    scene.inbox.abandon();
    block_on(driver).expect("the driver ends with the last handle");
}

/// Senders race with the end: each is answered, or told that there is nobody.
fn the_end_tells_everybody(keeps: bool) {
    let (scene, driver) = Scene::start(2, keeps);
    let senders = [
        beside(&scene, |scene| [small(scene), large(scene), small(scene)]),
        beside(&scene, |scene| [small(scene), small(scene), large(scene)]),
        beside(&scene, |scene| {
            [scene.ask(|reply| Command::Chains { count: CHAINS, reply }), large(scene), Ok(())]
        }),
    ];
    let end = scene.ask(|reply| Command::ShutDown { reply });
    assert_eq!(end, Ok(()), "whoever ends it learns that it has ended");
    block_on(driver).expect("the driver ends");
    for sender in senders {
        let answers = sender.join().expect("the sender ends");
        let told = answers.iter().position(Result::is_err).unwrap_or(answers.len());
        assert!(
            answers[told..2.max(told)].iter().all(Result::is_err),
            "nobody answers after the end: {answers:?}"
        );
    }
}

/// A deadline that somebody else's burst brought is kept.
fn deadlines_are_kept() {
    let (scene, driver) = Scene::start(2, false);
    let alarms = [
        beside(&scene, |scene| scene.ask(|reply| Command::Alarm { at: 20, reply })),
        beside(&scene, |scene| scene.ask(|reply| Command::Alarm { at: 10, reply })),
    ];
    let sender = beside(&scene, small);
    scene.clock.advance(20);
    for alarm in alarms {
        assert_eq!(alarm.join().expect("the sender ends"), Ok(()));
    }
    assert_eq!(sender.join().expect("the sender ends"), Ok(()));
    scene.inbox.abandon();
    block_on(driver).expect("the driver ends with the last handle");
}

#[test]
fn commands_and_reports_are_heard() {
    hold(|| all_is_heard(false));
}

#[test]
fn commands_and_reports_are_heard_by_a_driver_alone() {
    hold(|| all_is_heard(true));
}

#[test]
fn attempts_find_a_runner() {
    hold(attempts_end);
}

#[test]
fn senders_are_answered_or_told_of_the_end() {
    hold(|| the_end_tells_everybody(false));
}

#[test]
fn senders_are_answered_or_told_of_the_end_by_a_driver_alone() {
    hold(|| the_end_tells_everybody(true));
}

#[test]
fn a_deadline_wakes_the_driver() {
    hold(deadlines_are_kept);
}

/// Breaks a rule, and says on which schedule the law notices.
fn noticed(rule: Rule, law: fn()) {
    break_rule(Some(rule));
    let found = fails_at(law);
    break_rule(None);
    let at = found.unwrap_or_else(|| panic!("no schedule notices that {rule:?} is broken"));
    println!("{rule:?}: noticed on schedule {at}");
}

#[test]
fn a_holder_that_does_not_look_again_is_noticed() {
    noticed(Rule::LookAgain, || all_is_heard(false));
}

#[test]
fn a_driver_that_is_not_woken_is_noticed() {
    noticed(Rule::WakeDriver, || all_is_heard(true));
}

#[test]
fn a_deadline_without_a_wake_up_is_noticed() {
    noticed(Rule::WakeForDeadline, deadlines_are_kept);
}

#[test]
fn a_mailbox_that_takes_commands_after_the_end_is_noticed() {
    noticed(Rule::RefuseWhenClosed, || the_end_tells_everybody(false));
}

#[test]
fn a_mailbox_that_keeps_commands_after_the_end_is_noticed() {
    noticed(Rule::DropWhatWaits, || the_end_tells_everybody(false));
}

#[test]
fn a_runner_that_sleeps_without_a_look_is_noticed() {
    noticed(Rule::LookBeforeSleep, attempts_end);
}
