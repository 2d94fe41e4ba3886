//! Leases and failover: every state of a small model, and every rule that keeps it sound.

#![expect(clippy::print_stdout, reason = "the shortest way to each fault is there to be read")]

use starline_tests::lease::{ALL, Rule, Rules, explore};

/// Without it nothing goes wrong: the store refuses what an earlier owner writes, so that numbers of attempts are
/// never given twice. It is the second line, behind a store that would let such a write through.
const SECOND_LINE: [Rule; 1] = [Rule::RefuseEpoch];

#[test]
fn no_state_runs_a_task_twice() {
    let explored = explore(Rules::default());
    println!("{} states, {} steps: all there are", explored.states, explored.steps);
    assert!(explored.fault.is_none(), "{}", explored.fault.expect("some"));
    assert!(explored.states > 100_000, "the model has lost states");
}

#[test]
fn each_broken_rule_is_found() {
    for rule in ALL {
        let explored = explore(Rules::default().without(rule));
        match &explored.fault {
            Some(fault) => println!("without {rule:?}, in {} steps, {fault}", fault.length()),
            None => println!("without {rule:?} nothing, in {} states\n", explored.states),
        }
        assert_eq!(explored.fault.is_none(), SECOND_LINE.contains(&rule), "{rule:?}");
    }
}
