//! Changes of texts, whatever is in them.

use std::ops::Range;

use super::dice::Dice;
use super::words::{NUMBERS, ODD};

/// What texts are changed with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool<'p> {
    /// Words of the format.
    pub(crate) words: &'p [&'p str],
    /// Signs of the syntax.
    pub(crate) signs: &'p [&'p str],
    /// Other valid inputs.
    pub(crate) seeds: &'p [Vec<u8>],
}

/// Longest text that small changes make of another, in bytes.
const MOST: usize = 64 << 10;

/// Changes a text in one place.
pub(crate) fn mutate(bytes: &mut Vec<u8>, pool: Pool<'_>, dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    match dice.below(18) {
        0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        1 => drop(bytes.drain(range(bytes.len(), dice))),
        2 => {
            let copy = bytes[range(bytes.len(), dice)].to_vec();
            bytes.splice(at..at, copy);
        }
        3 if dice.once_in(4) => bytes.truncate(at),
        4 => {
            let other = dice.pick(pool.seeds);
            let piece = other[range(other.len(), dice)].to_vec();
            bytes.splice(at..at, piece);
        }
        5 | 6 => {
            let word = token(bytes, dice);
            let other = dice.pick(pool.words);
            bytes.splice(word, other.bytes());
        }
        7 => {
            // A word of the text takes the place of another one.
            let (one, two) = (token(bytes, dice), token(bytes, dice));
            let word = bytes[two].to_vec();
            bytes.splice(one, word);
        }
        8 => {
            let word = number(bytes, dice);
            bytes.splice(word, dice.pick(&NUMBERS).bytes());
        }
        9 => line(bytes, dice, |lines, at, _| drop(lines.remove(at))),
        10 => line(bytes, dice, |lines, at, dice| {
            let other = dice.below(lines.len());
            let copy = lines[other].clone();
            lines.insert(at, copy);
        }),
        11 => line(bytes, dice, |lines, at, dice| {
            let other = dice.below(lines.len());
            lines.swap(at, other);
        }),
        12 => line(bytes, dice, |lines, at, dice| {
            let indent = lines[at].iter().take_while(|byte| **byte == b' ').count();
            lines[at].splice(0..indent, vec![b' '; dice.below(9)]);
        }),
        13 => {
            let (open, close) =
                *dice.pick(&[("[", "]"), ("{x: ", "}"), ("(", ")"), ("{{ ", " }}"), ("\"", "\"")]);
            let deep = dice.often_small(80);
            let within = range(bytes.len(), dice);
            bytes.splice(within.end..within.end, close.repeat(deep).bytes());
            bytes.splice(within.start..within.start, open.repeat(deep).bytes());
        }
        14 => {
            let copy = bytes[range(bytes.len(), dice)].to_vec();
            let times = dice.often_small(300);
            bytes.splice(at..at, copy.repeat(times));
        }
        15 => drop(bytes.splice(at..at, dice.pick(&ODD).bytes())),
        _ => drop(bytes.splice(at..at, dice.pick(pool.signs).bytes())),
    }
    bytes.truncate(MOST);
}

/// Random words of the format, or random bytes.
pub(crate) fn salad(pool: Pool<'_>, dice: &mut Dice) -> Vec<u8> {
    if dice.once_in(3) {
        return (0..dice.below(200)).map(|_| dice.below(256) as u8).collect();
    }
    let mut text = String::new();
    for _ in 0..dice.below(60) {
        text.push_str(match dice.below(8) {
            0 => dice.pick::<&str>(&NUMBERS),
            1 => dice.pick::<&str>(&ODD),
            2..=4 => dice.pick::<&str>(pool.signs),
            _ => dice.pick::<&str>(pool.words),
        });
        if dice.once_in(2) {
            text.push(' ');
        }
    }
    text.into_bytes()
}

/// The text with one of its lines, or a piece of a line, many times over. The copies differ in a number, so that names
/// stay apart, unless chance wants them equal.
pub(crate) fn flood(seed: &[u8], most: usize, dice: &mut Dice) -> Vec<u8> {
    let most = 1 + dice.below(most);
    let mut lines: Vec<Vec<u8>> = seed.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let at = dice.below(lines.len());
    let (within, separator) = if dice.once_in(3) {
        (range(lines[at].len(), dice), *dice.pick(&["", ", ", ",", " ", "\n"]))
    } else {
        (0..lines[at].len(), "\n")
    };
    let piece = lines[at][within.clone()].to_vec();
    let split = token(&piece, dice).end;
    let numbered = !dice.once_in(4);
    let mut copies = Vec::new();
    let mut count = 0_u64;
    while copies.len() < most && count < 1_200_000 {
        copies.extend_from_slice(&piece[..split]);
        if numbered {
            copies.extend_from_slice(count.to_string().as_bytes());
        }
        copies.extend_from_slice(&piece[split..]);
        copies.extend_from_slice(separator.as_bytes());
        count += 1;
    }
    lines[at].splice(within, copies);
    lines.join(&b'\n')
}

/// A YAML file in which aliases stand for very much: values of values, in many places.
pub(crate) fn aliases(words: &[&str], dice: &mut Dice) -> Vec<u8> {
    let leaves = [
        "{a: 1}",
        "x",
        "[]",
        "{x: {y: }}",
        "[t0, t1, t2]",
        "{ from: stdout }",
        "'{{ inputs.x }}'",
        "{ file: a/b }",
        "{ when: x, note: y }",
    ];
    let leaf = if dice.once_in(4) { *dice.pick(words) } else { *dice.pick(&leaves) };
    let mut text = format!("version: 1\nmetadata:\n  a0: &a0 {leaf}\n");
    let levels = 1 + dice.below(3);
    let mut stands_for = leaf.len();
    for level in 1..=levels {
        let times = 1 + dice.often_small(5_000);
        stands_for *= times;
        let is_map = dice.once_in(2);
        let entry = |at: usize| match is_map {
            true => format!("t{at}: *a{}", level - 1),
            false => format!("*a{}", level - 1),
        };
        let (open, close) = if is_map { ("{", "}") } else { ("[", "]") };
        let entries: Vec<String> = (0..times).map(entry).collect();
        text.push_str(&format!("  a{level}: &a{level} {open}{}{close}\n", entries.join(", ")));
    }
    // Not always above the limit of what aliases may stand for.
    let most = (20 << 20) / stands_for.max(1) + 1;
    let times = 1 + if dice.once_in(3) { most } else { dice.below(most) };
    let fields = [
        "after: *a",
        "outputs: *a",
        "inputs: *a",
        "inputs: { v: *a",
        "metadata: *a",
        "metadata: { v: *a",
        "tips: *a",
        "run: *a",
        "run: { exec: *a",
        "run: { sh: x, env: *a",
        "run: { call: f, arguments: *a",
        "device: { needs: *a",
        "device: { resources: *a",
        "retry: *a",
        "",
    ];
    let field = *dice.pick(&fields);
    let close = if field.contains('{') { " }" } else { "" };
    let level = dice.below(levels + 1);
    text.push_str("tasks:\n");
    for at in 0..times.min(1_100_000) {
        match field {
            "" => text.push_str(&format!("  t{at}: *a{level}\n")),
            field => text.push_str(&format!("  t{at}: {{ run: {{ noop: }}, {field}{level}{close} }}\n")),
        }
    }
    text.into_bytes()
}

/// A text of opening brackets, some of them closed.
pub(crate) fn chasm(seed: &[u8], most: usize, dice: &mut Dice) -> Vec<u8> {
    let open = *dice.pick(&[
        "[", "{\"a\":", "{a: ", "- ", "? ", "[{", "(", "{{", "$(", "\"${x:-", "a: [", "&a [*a,", "'", "not ",
        "-",
    ]);
    let deep = 1 + dice.below(most / open.len());
    let at = dice.below(seed.len() + 1);
    let mut text = seed[..at].to_vec();
    text.extend_from_slice(open.repeat(deep).as_bytes());
    if dice.once_in(2) {
        let close = *dice.pick(&["]", "}", ")", "}}", "'"]);
        text.extend_from_slice(close.repeat(deep).as_bytes());
    }
    text.extend_from_slice(&seed[at..]);
    text
}

/// Some bytes of a text, mostly few.
fn range(length: usize, dice: &mut Dice) -> Range<usize> {
    let from = dice.below(length + 1);
    from..from + dice.often_small(200).min(length - from)
}

/// A word of the text: letters, digits and `_`.
fn token(bytes: &[u8], dice: &mut Dice) -> Range<usize> {
    run(bytes, dice, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn number(bytes: &[u8], dice: &mut Dice) -> Range<usize> {
    run(bytes, dice, |byte| byte.is_ascii_digit())
}

/// The first run of such bytes from a random place on.
fn run(bytes: &[u8], dice: &mut Dice, fits: fn(u8) -> bool) -> Range<usize> {
    let mut from = dice.below(bytes.len() + 1);
    while from > 0 && fits(bytes[from - 1]) {
        from -= 1;
    }
    while from < bytes.len() && !fits(bytes[from]) {
        from += 1;
    }
    from..from + bytes[from..].iter().take_while(|byte| fits(**byte)).count()
}

fn line(bytes: &mut Vec<u8>, dice: &mut Dice, change: impl FnOnce(&mut Vec<Vec<u8>>, usize, &mut Dice)) {
    let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let at = dice.below(lines.len());
    change(&mut lines, at, dice);
    *bytes = lines.join(&b'\n');
}
