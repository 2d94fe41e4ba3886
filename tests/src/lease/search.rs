//! Every state, breadth first.

use std::collections::HashSet;
use std::fmt;

use super::rule::Rules;
use super::state::{Action, State};

/// What there is to be found.
#[derive(Clone, Debug)]
pub struct Explored {
    /// States, each counted once.
    pub states: usize,
    /// Steps from state to state.
    pub steps: usize,
    /// The shortest way to a state that must not be.
    pub fault: Option<Fault>,
}

/// A state that must not be, and how it is reached.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What is wrong.
    pub what: &'static str,
    way: Vec<Action>,
}

impl Fault {
    /// Steps to it.
    #[must_use]
    pub fn length(&self) -> usize {
        self.way.len()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:", self.what)?;
        for (number, action) in self.way.iter().enumerate() {
            writeln!(f, "  {:2} {action:?}", number + 1)?;
        }
        Ok(())
    }
}

/// Looks at every state, or until one must not be.
#[must_use]
pub fn explore(rules: Rules) -> Explored {
    let mut known = HashSet::new();
    let mut ways: Vec<(u32, Action)> = Vec::new();
    let mut level = vec![(State::first(), u32::MAX)];
    known.insert(State::first());
    let mut steps = 0;
    while !level.is_empty() {
        let mut next_level = Vec::new();
        for (state, way) in level {
            let mut fault = None;
            state.successors(rules, |action, next| {
                steps += 1;
                if fault.is_some() || known.contains(&next) {
                    return;
                }
                ways.push((way, action));
                fault = next.fault();
                let way = u32::try_from(ways.len() - 1).expect("fewer states than that");
                known.insert(next.clone());
                next_level.push((next, way));
            });
            if let Some(what) = fault {
                let way = backwards(&ways, ways.len() - 1);
                return Explored { states: known.len(), steps, fault: Some(Fault { what, way }) };
            }
        }
        level = next_level;
    }
    Explored { states: known.len(), steps, fault: None }
}

fn backwards(ways: &[(u32, Action)], last: usize) -> Vec<Action> {
    let mut way: Vec<Action> = std::iter::successors(ways.get(last), |(from, _)| ways.get(*from as usize))
        .map(|(_, action)| *action)
        .collect();
    way.reverse();
    way
}
