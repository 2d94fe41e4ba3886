//! The style sheet of a picture.

use std::fmt::Write as _;

use starline_types::Reading;

use super::palette::{ARROWS, BADGE, BORDER, FAINT, INK, PAGE, PAPER, colours, word};

/// What does not depend on the colour scheme. Classes begin with `slg-`, since a page has one name space.
const SHAPES: &str = "\
.slg-root{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-size:11px}
.slg-heading{font-size:16px;font-weight:600}
.slg-id{font-size:13px;font-weight:600}
.slg-kind{text-anchor:end}
.slg-word{font-weight:600}
.slg-badge{fill:none;stroke-width:1}
.slg-gate{font-size:10px;text-anchor:middle}
.slg-box{stroke-width:1.2}
.slg-is-skipped .slg-box,.slg-is-cancelled .slg-box{stroke-dasharray:4 3}
.slg-line{fill:none;stroke-width:1.4}
.slg-on-failure .slg-line{stroke-dasharray:7 4}
.slg-on-completion .slg-line{stroke-dasharray:1 4;stroke-width:2;stroke-linecap:round}
.slg-on-when .slg-line{stroke-dasharray:9 3 2 3}
.slg-label{text-anchor:middle}
";

/// Classes of the kinds of dependencies, in the order of the colours of arrows.
pub(super) const KINDS: [&str; 4] = ["success", "failure", "completion", "when"];

/// The style element; `readings` are the states that occur.
pub(super) fn style(readings: &[Reading]) -> String {
    let mut style = format!("<style>\n{SHAPES}");
    scheme(&mut style, 0, readings);
    style.push_str("@media (prefers-color-scheme:dark){\n");
    scheme(&mut style, 1, readings);
    style.push_str("}\n</style>\n");
    style
}

fn scheme(style: &mut String, scheme: usize, readings: &[Reading]) {
    let [page, paper, ink, faint, border, badge] =
        [PAGE, PAPER, INK, FAINT, BORDER, BADGE].map(|colours| colours[scheme]);
    let _ = write!(
        style,
        ".slg-page{{fill:{page}}}\n\
         .slg-box{{fill:{paper};stroke:{border}}}\n\
         .slg-heading,.slg-id{{fill:{ink}}}\n\
         .slg-name,.slg-kind,.slg-faint{{fill:{faint}}}\n\
         .slg-badge{{stroke:{badge}}}\n\
         .slg-gate{{fill:{badge}}}\n\
         .slg-mark{{fill:{border}}}\n"
    );
    for (kind, colours) in KINDS.iter().zip(ARROWS) {
        let colour = colours[scheme];
        let _ = writeln!(
            style,
            ".slg-on-{kind} .slg-line{{stroke:{colour}}}\
             .slg-on-{kind} .slg-head,.slg-on-{kind} .slg-label{{fill:{colour}}}"
        );
    }
    for &reading in readings {
        let (word, colour) = (word(reading), colours(reading)[scheme]);
        let _ = writeln!(
            style,
            ".slg-is-{word} .slg-box{{stroke:{colour}}}\
             .slg-is-{word} .slg-mark,.slg-is-{word} .slg-word{{fill:{colour}}}"
        );
    }
}
