//! Where inputs come from.

use serde_json::Value;

use super::dice::Dice;
use super::text::{self, Pool};
use super::words::{FORMAT, SHELL};
use super::{Shape, Target, json};

/// One input of so many is a large one.
const LARGE: u64 = 4_000;

/// Inputs of one target.
#[derive(Debug)]
pub struct Source {
    target: Target,
    seeds: Vec<Vec<u8>>,
    /// Those that are accepted.
    valid: Vec<Vec<u8>>,
    documents: Vec<Value>,
    large: bool,
}

impl Source {
    /// Inputs for a target, large ones among them.
    #[must_use]
    pub fn new(target: &Target) -> Self {
        let texts = (target.seeds)();
        let seeds: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
        let is_valid = |text: &&Vec<u8>| super::catch(|| (target.check)(text)) == Ok(true);
        let valid: Vec<Vec<u8>> = seeds.iter().filter(is_valid).cloned().collect();
        let documents = match target.shape {
            Shape::Yaml | Shape::Json => {
                valid.iter().filter_map(|text| serde_json::from_slice(text).ok()).collect()
            }
            Shape::Lines | Shape::Text => Vec::new(),
        };
        Self { target: *target, seeds, valid, documents, large: true }
    }

    /// The same without large inputs, which take seconds without optimisation.
    #[must_use]
    pub fn small(mut self) -> Self {
        self.large = false;
        self
    }

    /// The target.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether an input is one of the large ones.
    #[must_use]
    pub fn is_large(&self, index: u64) -> bool {
        self.large && index % LARGE == LARGE - 1
    }

    /// The input of this number. Equal seeds give equal inputs; the first ones are the valid inputs themselves.
    #[must_use]
    pub fn input(&self, seed: u64, index: u64) -> Vec<u8> {
        if let Some(valid) = usize::try_from(index).ok().and_then(|index| self.seeds.get(index)) {
            return valid.clone();
        }
        let dice = &mut Dice::new(seed, self.target.name, index);
        if self.is_large(index) {
            return self.large_input(dice);
        }
        let pool = self.pool();
        if dice.once_in(40) {
            return text::salad(pool, dice);
        }
        if self.target.shape == Shape::Lines && !dice.once_in(5) {
            return self.lines(dice);
        }
        if !self.documents.is_empty() && dice.once_in(2) {
            let mut document = dice.pick(&self.documents).clone();
            for _ in 0..=dice.often_small(5) {
                json::mutate(&mut document, self.target.words, dice);
            }
            let pretty = dice.once_in(4);
            let written =
                if pretty { serde_json::to_vec_pretty(&document) } else { serde_json::to_vec(&document) };
            let mut bytes = written.unwrap_or_default();
            if dice.once_in(5) {
                text::mutate(&mut bytes, pool, dice);
            }
            return bytes;
        }
        let mut bytes = self.seed(dice).clone();
        for _ in 0..=dice.often_small(6) {
            text::mutate(&mut bytes, pool, dice);
        }
        bytes
    }

    /// A text to begin with, valid most of the time.
    fn seed(&self, dice: &mut Dice) -> &Vec<u8> {
        let from = if dice.once_in(4) || self.valid.is_empty() { &self.seeds } else { &self.valid };
        dice.pick(from)
    }

    fn pool(&self) -> Pool<'_> {
        let signs: &[&str] = if self.target.shape == Shape::Text { SHELL } else { &FORMAT };
        Pool { words: self.target.words, signs, seeds: &self.seeds }
    }

    fn large_input(&self, dice: &mut Dice) -> Vec<u8> {
        let most = self.target.most;
        let mut bytes = match dice.below(4) {
            _ if self.target.shape == Shape::Yaml && dice.once_in(4) => {
                text::aliases(self.target.words, dice)
            }
            0 => text::chasm(self.seed(dice), most, dice),
            1 if !self.documents.is_empty() => {
                json::flood(dice.pick(&self.documents), most, dice).into_bytes()
            }
            2 => {
                let once = text::flood(self.seed(dice), most / 2, dice);
                text::flood(&once, most / 2, dice)
            }
            _ => text::flood(self.seed(dice), most, dice),
        };
        bytes.truncate(most + 100);
        bytes
    }

    /// Lines of JSON that are missing, doubled, exchanged or changed, mostly with numbers that are as they should be.
    fn lines(&self, dice: &mut Dice) -> Vec<u8> {
        let text = String::from_utf8_lossy(self.seed(dice)).into_owned();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for _ in 0..=dice.below(4) {
            let (at, other) = (dice.below(lines.len()), dice.below(lines.len()));
            match dice.below(8) {
                0 if lines.len() > 1 => drop(lines.remove(at)),
                1 => lines.insert(at, lines[other].clone()),
                2 => lines.swap(at, other),
                3 if dice.once_in(3) => lines.truncate(at.max(1)),
                _ => {
                    if let Ok(mut document) = serde_json::from_str(&lines[at]) {
                        json::mutate(&mut document, self.target.words, dice);
                        lines[at] = document.to_string();
                    }
                }
            }
        }
        if !dice.once_in(10) {
            for (line, seq) in lines.iter_mut().zip(1_u64..) {
                let Ok(mut document) = serde_json::from_str::<Value>(line) else { continue };
                if let Some(number) = document.get_mut("seq") {
                    *number = Value::from(seq);
                }
                *line = document.to_string();
            }
        }
        lines.join("\n").into_bytes()
    }
}
