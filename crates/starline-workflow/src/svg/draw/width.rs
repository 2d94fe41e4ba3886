//! Texts that fit.

/// Width of a text in pixels, as the wider of the usual fonts without serifs draw it.
///
/// It is an estimate on the safe side: the font is the reader's.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(em).sum::<f64>() * size
}

/// Width of a character by the size of its font.
fn em(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' | 'I' => 0.31,
        ' ' | '.' | ',' | ':' | ';' | '|' | '!' | 'f' | 't' | '/' | '\\' | '-' | '(' | ')' | '[' | ']' => {
            0.39
        }
        'r' | '"' | '`' => 0.45,
        's' | 'z' | 'c' | 'k' | 'v' | 'x' | 'y' | '_' | '?' | '*' => 0.58,
        'm' | 'W' | '@' | '%' | '…' => 1.0,
        'w' | 'M' | '<' | '>' | '=' | '+' | '~' | '#' | '&' => 0.87,
        'A'..='Z' => 0.76,
        '\u{300}'..='\u{36F}' | '\u{200B}'..='\u{200D}' | '\u{FE00}'..='\u{FE0F}' => 0.0,
        c if c.is_ascii() => 0.65,
        '\u{1100}'..='\u{115F}'
        | '\u{2E80}'..='\u{A4CF}'
        | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{FE30}'..='\u{FE6F}'
        | '\u{FF00}'..='\u{FFE6}'
        | '\u{1F000}'..='\u{3FFFF}' => 1.1,
        // The widest characters of some scripts are wider than an em.
        '\u{0900}'..='\u{10FF}' | '\u{1200}'..='\u{1FFF}' | '\u{10000}'.. => 1.2,
        _ => 0.85,
    }
}

/// Which part of a text may go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cut {
    /// The end.
    End,
    /// The middle: ids often differ at their ends.
    Middle,
}

/// How much of the room the end of a text gets, if its middle is cut.
const TAIL: f64 = 0.55;

/// A text of at most some pixels: with an ellipsis where it was cut. O(width).
pub(super) fn fitted(text: &str, size: f64, room: f64, cut: Cut) -> String {
    // Longer texts fit only if most characters have no width, and those are not worth their bytes.
    const LONGEST: usize = 400;
    if text.chars().nth(LONGEST).is_none() && width(text, size) <= room {
        return text.to_owned();
    }
    let room = room / size - em('…');
    let tail_room = if cut == Cut::Middle { room * TAIL } else { 0.0 };
    let tail = taken(text.chars().rev(), tail_room);
    let head = taken(text.chars(), room - width(&tail, 1.0));
    let tail: String = tail.chars().rev().collect();
    // Marks that join words say nothing beside an ellipsis.
    let joint = |c: char| c.is_whitespace() || matches!(c, '.' | '_' | '-' | ':');
    format!("{}…{}", head.trim_end_matches(joint), tail.trim_start_matches(joint))
}

/// The characters that fit into some ems.
fn taken(chars: impl Iterator<Item = char>, room: f64) -> String {
    let mut used = 0.0;
    let fits = |c: &char| {
        used += em(*c);
        used <= room
    };
    chars.take(200).take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_to_their_room() {
        assert_eq!(fitted("scan", 13.0, 100.0, Cut::End), "scan");
        let id = "project_images_of_the_northern_sky_0000042";
        for cut in [Cut::End, Cut::Middle] {
            let short = fitted(id, 13.0, 150.0, cut);
            assert!(short.contains('…') && width(&short, 13.0) <= 150.0, "{short}");
            assert!(short.starts_with("project"), "{short}");
            assert_eq!(short.ends_with("0042"), cut == Cut::Middle, "{short}");
        }
        assert_eq!(fitted("日本日本", 10.0, 25.0, Cut::End), "日…");
        assert!(fitted(&"\u{300}".repeat(100_000), 13.0, 50.0, Cut::Middle).chars().count() <= 401);
        assert_eq!(fitted("abc", 10.0, 0.0, Cut::Middle), "…");
    }
}
