//! Changes of JSON that leave it JSON.

use serde_json::{Map, Value};

use super::dice::Dice;
use super::words::{NUMBERS, ODD};

/// Changes one value of a document.
pub(crate) fn mutate(root: &mut Value, words: &[&str], dice: &mut Dice) {
    let count = count(root);
    let donor = nth(root, &mut dice.below(count)).cloned().unwrap_or_default();
    let texts = texts(root);
    let mut at = dice.below(count);
    let Some(value) = nth_mut(root, &mut at) else { return };
    match dice.below(16) {
        0 => *value = donor,
        1 | 2 => *value = Value::from(*dice.pick(words)),
        3 => *value = Value::from(*dice.pick(&ODD)),
        4 | 5 => *value = number(dice),
        6 => *value = Value::from(dice.once_in(2)),
        7 => *value = if dice.once_in(2) { Value::Null } else { Value::Object(Map::new()) },
        8 => *value = Value::Array(vec![value.take()]),
        9 => *value = Value::Object(Map::from_iter([((*dice.pick(words)).to_owned(), value.take())])),
        10 if !texts.is_empty() => *value = Value::from(dice.pick(&texts).as_str()),
        11 => {
            for _ in 0..dice.often_small(70) {
                *value = Value::Array(vec![value.take()]);
            }
        }
        12 => lengthen(value, words, dice),
        _ => change_members(value, donor, words, dice),
    }
}

/// The text of the document with one member of a list or mapping many times over, each with a number in its name and its
/// ids. Made as a text, since so many values would take far more memory than it.
pub(crate) fn flood(root: &Value, most: usize, dice: &mut Dice) -> String {
    const HERE: &str = "HERE AND NOWHERE ELSE";
    let mut root = root.clone();
    let count = count(&root);
    let mut copies = String::new();
    for _ in 0..50 {
        let Some(value) = nth_mut(&mut root, &mut dice.below(count)) else { break };
        match value {
            Value::Array(items) if !items.is_empty() => {
                let item = dice.pick(items).clone();
                for at in 0..times(&item, most, dice) {
                    copies.push_str(&format!("{}{}", if at > 0 { "," } else { "" }, numbered(&item, at)));
                }
                items.push(Value::from(HERE));
                return root.to_string().replace(&format!("\"{HERE}\""), &copies);
            }
            Value::Object(members) if !members.is_empty() => {
                let names: Vec<String> = members.keys().cloned().collect();
                let name = dice.pick(&names);
                let member = members[name].clone();
                for at in 0..times(&member, most, dice) {
                    let comma = if at > 0 { "," } else { "" };
                    let name = Value::from(format!("{name}{at}"));
                    copies.push_str(&format!("{comma}{name}:{}", numbered(&member, at)));
                }
                members.insert(HERE.to_owned(), Value::Null);
                return root.to_string().replace(&format!("\"{HERE}\":null"), &copies);
            }
            _ => {}
        }
    }
    root.to_string()
}

/// How often a member may be there in a document of at most so many bytes.
fn times(member: &Value, most: usize, dice: &mut Dice) -> usize {
    1 + dice.below(most / (8 + member.to_string().len()) + 1).min(1_200_000)
}

/// A copy whose ids carry a number.
fn numbered(value: &Value, at: usize) -> Value {
    match value {
        Value::String(text) if text.len() < 40 => Value::String(format!("{text}{at}")),
        Value::Object(members) => {
            let copy = |(name, member): (&String, &Value)| {
                let is_id = name == "id" || name.ends_with("_id") || name == "nodeName" || name == "seq";
                (name.clone(), if is_id { numbered(member, at) } else { member.clone() })
            };
            Value::Object(members.iter().map(copy).collect())
        }
        Value::Number(number) if number.is_u64() => Value::from(at),
        other => other.clone(),
    }
}

fn number(dice: &mut Dice) -> Value {
    let word: &str = dice.pick::<&str>(&NUMBERS);
    serde_json::from_str(word).unwrap_or_default()
}

fn lengthen(value: &mut Value, words: &[&str], dice: &mut Dice) {
    match value {
        Value::String(text) => {
            let at = (0..=dice.below(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at));
            let word = if dice.once_in(2) { *dice.pick(&ODD) } else { *dice.pick(words) };
            text.insert_str(at.unwrap_or_default(), &word.repeat(1 + dice.often_small(20)));
        }
        Value::Array(items) if !items.is_empty() => {
            let item = dice.pick(items).clone();
            items.extend(std::iter::repeat_n(item, dice.often_small(20)));
        }
        Value::Number(_) => *value = number(dice),
        _ => {}
    }
}

fn change_members(value: &mut Value, donor: Value, words: &[&str], dice: &mut Dice) {
    match value {
        Value::Array(items) => {
            let at = dice.below(items.len() + 1);
            match dice.below(3) {
                0 if at < items.len() => drop(items.remove(at)),
                1 if at < items.len() => {
                    let other = dice.below(items.len());
                    items.swap(at, other);
                }
                _ => items.insert(at, donor),
            }
        }
        Value::Object(members) => {
            let names: Vec<String> = members.keys().cloned().collect();
            match dice.below(4) {
                0 if !names.is_empty() => drop(members.remove(dice.pick(&names))),
                1 if !names.is_empty() => {
                    // A member under another name.
                    let member = members.remove(dice.pick(&names)).unwrap_or_default();
                    let name = if dice.once_in(2) { *dice.pick(words) } else { *dice.pick(&ODD) };
                    members.insert(name.to_owned(), member);
                }
                2 if !names.is_empty() => {
                    let (one, two) = (dice.pick(&names).clone(), dice.pick(&names).clone());
                    let first = members[&one].clone();
                    let second = members.insert(two, first).unwrap_or_default();
                    members.insert(one, second);
                }
                _ => drop(members.insert((*dice.pick(words)).to_owned(), donor)),
            }
        }
        _ => *value = donor,
    }
}

/// Values in a document.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

fn nth<'v>(value: &'v Value, at: &mut usize) -> Option<&'v Value> {
    if *at == 0 {
        return Some(value);
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter().find_map(|item| nth(item, at)),
        Value::Object(members) => members.values().find_map(|member| nth(member, at)),
        _ => None,
    }
}

fn nth_mut<'v>(value: &'v mut Value, at: &mut usize) -> Option<&'v mut Value> {
    if *at == 0 {
        return Some(value);
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth_mut(item, at)),
        Value::Object(members) => members.values_mut().find_map(|member| nth_mut(member, at)),
        _ => None,
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}
