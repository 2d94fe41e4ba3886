//! Colours, in a light and in a dark scheme.
//!
//! Nothing is told by colour alone: the word stands beside it. Hues keep apart for the common forms of colour
//! blindness, after M. Okabe and K. Ito, *Color universal design*, 2008: bluish green for done, vermilion for
//! failed, blue for running. Every colour of text has a contrast of at least 4.5 to 1.

use starline_types::Reading;

use crate::drawing::look_of;

/// A colour for each scheme: light, then dark.
pub(super) type Colours = [&'static str; 2];

/// Behind everything.
pub(super) const PAGE: Colours = ["#ffffff", "#0d1117"];
/// Behind the texts of a box.
pub(super) const PAPER: Colours = ["#f8fafc", "#1c232c"];
/// Text.
pub(super) const INK: Colours = ["#1f2328", "#e6edf3"];
/// Text of less weight.
pub(super) const FAINT: Colours = ["#57606a", "#a3adb8"];
/// Border of a box without a state.
pub(super) const BORDER: Colours = ["#8a94a0", "#6b7683"];
/// Badges.
pub(super) const BADGE: Colours = ["#8f2f6b", "#f0a0d0"];
/// Arrows: success, failure, completion, when.
pub(super) const ARROWS: [Colours; 4] =
    [["#6b7683", "#8b97a5"], ["#b32d00", "#ff8a65"], ["#5f6770", "#b4bdc7"], ["#0062a3", "#6cb6ff"]];

/// The word for a state, as events and views write it.
pub(super) fn word(reading: Reading) -> &'static str {
    look_of(reading).word
}

/// The word with spaces.
pub(super) fn spaced(reading: Reading) -> String {
    word(reading).replace('_', " ")
}

/// The colours of a state.
pub(super) fn colours(reading: Reading) -> Colours {
    match reading {
        Reading::Blocked => ["#7a4a00", "#d9a76a"],
        Reading::Waiting => ["#57606a", "#a7b0ba"],
        Reading::Held => ["#875200", "#f0b45a"],
        Reading::AwaitingApproval => ["#8f2f6b", "#f0a0d0"],
        Reading::Backoff => ["#806000", "#e8cb60"],
        Reading::Unplaced => ["#8a4526", "#e0997a"],
        Reading::Queued => ["#475f73", "#a9c3d8"],
        Reading::Ready => ["#086380", "#5fd0e0"],
        Reading::Running => ["#0062a3", "#6cb6ff"],
        Reading::Cancelling => ["#5849b0", "#b9adff"],
        Reading::Completed => ["#00704a", "#4cc38a"],
        Reading::Failed => ["#b32d00", "#ff8a65"],
        Reading::Cancelled => ["#684a7c", "#c9a7dd"],
        Reading::Skipped => ["#656b72", "#9aa4ae"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Reading; 14] = [
        Reading::Blocked,
        Reading::Waiting,
        Reading::Held,
        Reading::AwaitingApproval,
        Reading::Backoff,
        Reading::Unplaced,
        Reading::Queued,
        Reading::Ready,
        Reading::Running,
        Reading::Cancelling,
        Reading::Completed,
        Reading::Failed,
        Reading::Cancelled,
        Reading::Skipped,
    ];

    /// Relative luminance as the guidelines for accessible web content define it.
    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let value = u8::from_str_radix(&colour[at..at + 2], 16).expect("a colour");
            let value = f64::from(value) / 255.0;
            if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn texts_are_readable_in_both_schemes() {
        let texts = ALL.into_iter().map(colours).chain([INK, FAINT, BADGE]).chain(ARROWS.into_iter().skip(1));
        for text in texts {
            for scheme in [0, 1] {
                for behind in [PAGE, PAPER] {
                    let contrast = contrast(text[scheme], behind[scheme]);
                    assert!(contrast >= 4.5, "{} on {}: {contrast:.2}", text[scheme], behind[scheme]);
                }
            }
        }
        for scheme in [0, 1] {
            for shape in [BORDER, ARROWS[0]] {
                assert!(contrast(shape[scheme], PAGE[scheme]) >= 3.0, "{}", shape[scheme]);
            }
        }
    }

    #[test]
    fn words_have_spaces() {
        assert_eq!(spaced(Reading::AwaitingApproval), "awaiting approval");
    }
}
