//! Strategies by name.

use starline_assign::Binding;
use starline_strategies::{NAMES, by_name};

#[test]
fn names_are_read_with_hyphen_or_underscore_in_any_case() {
    for name in NAMES {
        for spelling in [name.to_owned(), name.replace('_', "-"), name.to_uppercase()] {
            let strategy = by_name(&spelling).expect("a known name");
            assert_eq!((strategy.name(), strategy.binding()), (name, Binding::Early));
        }
    }
}

#[test]
fn m3_an_unknown_name_lists_the_known_ones() {
    let error = by_name("best").expect_err("no such strategy");
    assert_eq!(error.name(), "best");
    assert_eq!(
        error.to_string(),
        "Unknown assignment strategy: best: known are round_robin, capability_match, load_balance"
    );
    for name in ["", " round_robin", "roundrobin", "round__robin"] {
        assert!(by_name(name).is_err(), "{name:?}");
    }
}
