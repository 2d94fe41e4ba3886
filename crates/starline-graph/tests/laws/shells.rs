//! Scripts of awkward pieces, judged by the shells of this machine: what passes the check runs no value.
//!
//! `STARLINE_SHELL_CASES=200000 cargo test -p starline-graph --test laws shells` looks further, and
//! `STARLINE_SHELL_SEED` elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use starline_graph::{TemplateContext, render_payload};
use starline_types::{Payload, Shell, Value};

/// Scripts for each shell.
const CASES: usize = 300;
/// Shells and how they are called; one that is not here is left out.
const SHELLS: [&[&str]; 4] = [&["/bin/sh"], &["dash"], &["bash"], &["bash", "--posix"]];
/// Each makes a file `MARK` if it is read as a part of the script, and not if its words are taken for a command.
const VALUES: [&str; 9] = [
    "$(touch MARK)",
    "'; touch MARK; '",
    "`touch MARK`",
    "\"; touch MARK; \"",
    "\nE\n:>MARK\n",
    "; touch MARK #",
    ")); touch MARK; ((",
    "\n:>MARK\n",
    "'\"`$(touch MARK)",
];
/// Stands for an interpolation while a script is made.
const GAP: &str = "\u{1}";
const AWKWARD: [&str; 72] = [
    "'",
    "\"",
    "`",
    "$(",
    ")",
    "((",
    "$((",
    "))",
    "${",
    "}",
    "{",
    "$",
    "\\",
    " ",
    "\n",
    ";",
    "#",
    " # ",
    "<<E",
    "\nE\n",
    "<<'E'",
    "<<-E",
    "<<\"E\"",
    "<<\\E",
    "<<<",
    "<",
    ">",
    "(",
    "$$",
    "$$(",
    "$!(",
    "$?{",
    "$-`",
    "$#(",
    "$@(",
    "$*{",
    "$0(",
    "$1{",
    "${#",
    "${##",
    "${a#",
    "${a%'",
    "${a:-",
    "${$",
    "${!a",
    "${a/",
    "$[",
    "]",
    "[",
    "[[ ",
    " ]]",
    "$'",
    "$\"",
    "\\\n",
    "\\\\\n",
    "\\'",
    "\\\"",
    "\\$",
    "\\`",
    "case a in a) ",
    ";; esac",
    "=(",
    "a[",
    "]=1",
    "+(",
    "<(",
    "| ",
    "&& ",
    "|| ",
    "!",
    "\t",
    "alias q=",
];

/// A small generator of numbers (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit
    }

    fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }

    /// A script that a shell could read.
    fn command(&mut self, depth: usize) -> String {
        let words = |dice: &mut Self| (0..=dice.below(3)).map(|_| dice.word(depth) + " ").collect::<String>();
        let last = if depth == 0 { 4 } else { 16 };
        match self.below(last) {
            0..=3 => format!("echo {}", words(self)),
            4 => format!("{}; {}", self.command(depth - 1), self.command(depth - 1)),
            5 => format!("{}\n{}", self.command(depth - 1), self.command(depth - 1)),
            6 => format!("{}# {}\n{}", self.command(depth - 1), words(self), self.command(depth - 1)),
            7 => format!("({}) ", self.command(depth - 1)),
            8 | 9 => {
                let (mark, end) =
                    (self.of(&["<<E", "<<'E'", "<<-E", "<<\\E", "<< \"E\""]), self.of(&["E", "\tE"]));
                let (body, more) = (self.text(depth), self.command(depth - 1));
                format!("cat {mark} {}\n{body}\n{end}\n{more}", self.of(&["", "| cat", "; :", "&& echo a"]))
            }
            10 => format!("case {}in {}) {};; esac ", words(self), self.word(0), self.command(depth - 1)),
            11 => format!("(({})) ", self.sum(depth)),
            12 => format!("x={} ", self.word(depth)),
            13 => format!("if [ {} = a ]; then {}; fi ", self.word(depth), self.command(depth - 1)),
            14 => format!("for i in {}; do {}; done ", words(self), self.command(depth - 1)),
            _ => format!("{{ {}; }} ", self.command(depth - 1)),
        }
    }

    fn word(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.of(&[GAP, GAP, "a", "$a", "$$", "$?", "'b'", "\"c\"", "\\'", "a b"]).to_owned();
        }
        match self.below(12) {
            0..=2 => GAP.to_owned(),
            3 | 4 => format!("\"{}\"", self.text(depth - 1)),
            5 => format!("'{}'", self.of(&["", "a", "\"", "$(", "`", "\\", ")", "}", "#", "\n"])),
            6 => format!("$({})", self.command(depth - 1)),
            7 => format!("`{}`", self.of(&["echo a", ":", "echo \\`echo\\`", "echo '"])),
            8 => format!("${{a{}{}}}", self.of(&[":-", "-", "#", "%", "+", "/"]), self.word(depth - 1)),
            9 => format!("$(({}))", self.sum(depth)),
            _ => self.word(depth - 1) + &self.word(depth - 1),
        }
    }

    /// What stands in double quotes, or in a here-document.
    fn text(&mut self, depth: usize) -> String {
        let mut text = String::new();
        for _ in 0..self.below(4) {
            match self.below(if depth == 0 { 3 } else { 6 }) {
                0 => {
                    text += self
                        .of(&["a", "it's", " ", "$a", "$$", "${a}", "\\\"", "\\$", "$", "\n", "\\\n", "E"])
                }
                1 => {
                    text +=
                        self.of(&["$$(", "$!(", "$#{", "$1(", "$(", "${a:-", "`", "'", ")", "}", "#", "(("])
                }
                2 => text += GAP,
                3 => text += &format!("$({})", self.command(depth - 1)),
                4 => text += &format!("${{a:-{}}}", self.word(depth - 1)),
                _ => text += &format!("$(({}))", self.sum(depth)),
            }
        }
        text
    }

    fn sum(&mut self, depth: usize) -> String {
        match self.below(5) {
            0 => "1 + 2".to_owned(),
            1 => format!("(1) + $$ + ({})", self.of(&["2", "$a", "1) + (2"])),
            2 if depth > 0 => format!("$(echo {}) + 1", self.word(depth - 1)),
            3 => self.of(&["1) ", "1 << 2", "'1'", "1 # 2", "${a:-1}", "`echo 1`", "\"1\""]).to_owned(),
            _ => self.word(0),
        }
    }

    /// A script, or what is left of one when something was put in or taken out.
    fn script(&mut self) -> String {
        let mut script: Vec<char> = if self.below(4) == 0 {
            let pieces = 2 + self.below(10);
            (0..pieces)
                .map(|_| if self.below(4) == 0 { GAP } else { self.of(&AWKWARD) })
                .flat_map(str::chars)
                .collect()
        } else {
            let depth = 1 + self.below(3);
            self.command(depth).chars().collect()
        };
        for _ in 0..self.below(4) {
            let at = self.below(script.len() + 1);
            match self.below(5) {
                0 if at < script.len() => drop(script.remove(at)),
                1 => drop(script.splice(at..at, GAP.chars())),
                _ => drop(script.splice(at..at, self.of(&AWKWARD).chars())),
            }
        }
        script.into_iter().collect()
    }
}

fn render(script: &str, value: &str) -> Option<String> {
    let script = script.replace(GAP, "{{ inputs.x }}");
    let inputs = BTreeMap::from([("x".to_owned(), Value::from(value))]);
    let context =
        TemplateContext { run: &inputs, task: &BTreeMap::new(), files: &BTreeMap::new(), outcome: &|_| None };
    match render_payload(&Payload::Sh(Arc::new(Shell { script, ..Shell::default() })), &context) {
        Ok(Payload::Sh(shell)) => Some(shell.script.clone()),
        _ => None,
    }
}

/// Whether a shell makes the file when it runs a script; `None` if there is no such shell.
fn marks(shell: &[&str], script: &str, folder: &Path) -> Option<bool> {
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).args(["-c", "--", script]).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    let made = fs::remove_file(folder.join("MARK")).is_ok();
    Some(made)
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("starline-shells-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn no_shell_runs_a_value_in_a_script_that_passes() {
    let cases = number("STARLINE_SHELL_CASES").map_or(CASES, |cases| usize::try_from(cases).unwrap_or(CASES));
    let seed = number("STARLINE_SHELL_SEED").unwrap_or(0x5eed);
    let judging = SHELLS.iter().enumerate().map(|(at, shell)| {
        std::thread::spawn(move || {
            let folder = folder(&at.to_string());
            let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (at as u64 + 1));
            let (mut judged, mut holes) = (0, Vec::new());
            while judged < cases {
                let script = dice.script();
                let value = dice.of(&VALUES);
                let Some(rendered) = render(&script, value).filter(|_| script.contains(GAP)) else {
                    continue;
                };
                match marks(shell, &rendered, &folder) {
                    Some(made) => holes.extend(made.then_some(rendered)),
                    None => break,
                }
                judged += 1;
            }
            fs::remove_dir_all(folder).expect("removed");
            assert!(
                holes.is_empty(),
                "{shell:?} runs a value in {} of {judged} scripts: {holes:#?}",
                holes.len()
            );
        })
    });
    for judge in judging.collect::<Vec<_>>() {
        judge.join().expect("no shell runs a value");
    }
}

#[test]
fn values_are_told_from_code_only_where_words_are_read() {
    let folder = folder("known");
    let word = render(GAP, VALUES[0]).expect("a word");
    // Each was once accepted, or nearly.
    for script in [
        "echo \"job $$(\u{1})\"",
        "echo \"$a$$(\u{1})\"",
        "echo \"$!(\u{1}) $1{\u{1}} $#`\u{1}`\"",
        "echo \"$\\\n(\"\u{1}\")\"",
        "echo $((1) ) \u{1} ))",
        "((:) <<E\n'\nE\n) ; echo ' ) \u{1} '",
        "((1))#'\necho ' \u{1} '",
        "cat <<E\nfoo\\\nE\necho \u{1}\nE\n",
        "cat <<E\n$( '\nE\necho \u{1}\n')\nE\n",
        "echo $[ \u{1} ]",
        "x[\u{1}]=1",
        "a=([\u{1}]=1)",
    ] {
        let dangerous =
            SHELLS.iter().any(|shell| marks(shell, &script.replace(GAP, &word), &folder) == Some(true));
        let here = SHELLS.iter().all(|shell| marks(shell, ":", &folder).is_some());
        assert!(dangerous || !here, "the shells see nothing in {script}");
        assert_eq!(render(script, VALUES[0]), None, "{script}");
    }
    fs::remove_dir_all(folder).expect("removed");
}
