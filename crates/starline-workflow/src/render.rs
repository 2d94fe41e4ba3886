//! Problems as a person reads them.

use std::fmt::Write as _;

use crate::Problem;
use crate::excerpt::printable;

/// Widest line of a hint, in characters; longer ones are broken between words.
const WIDTH: usize = 100;

/// A problem with the line it is about and a caret below the column, without colours:
///
/// ```text
/// nightly.yaml:7:5: unknown_field: task scan has no field `afer`
///   |
/// 7 |     afer: [fetch]
///   |     ^
///   = did you mean `after`? valid are after, run, …
/// ```
///
/// `source_name` is the name of the file as the person knows it. The first line is never broken, so that searches and
/// problem matchers find all of it; a hint is, after about 100 characters.
#[must_use]
pub fn render(problem: &Problem, source_name: &str) -> String {
    let Problem { code, message, line, column, .. } = problem;
    let mut text = String::new();
    let _ = writeln!(text, "{}:{line}:{column}: {code}: {}", printable(source_name), message.trim_end());
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    if problem.caret > 0 && !problem.excerpt.is_empty() {
        let _ = writeln!(text, "{margin} |");
        let _ = writeln!(text, "{number} | {}", problem.excerpt);
        let _ = writeln!(text, "{margin} | {}^", " ".repeat(problem.caret as usize - 1));
    }
    if let Some(hint) = &problem.hint {
        wrap(&mut text, &format!("{margin} = "), &format!("{margin}   "), hint);
    }
    text
}

/// Writes words in lines of a bounded width.
fn wrap(text: &mut String, first: &str, others: &str, words: &str) {
    let mut line = first.to_owned();
    let mut empty = true;
    for word in words.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(line.trim_end());
            text.push('\n');
            others.clone_into(&mut line);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    text.push_str(line.trim_end());
    text.push('\n');
}
