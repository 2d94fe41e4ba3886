//! A graph as an SVG picture.

use std::collections::BTreeMap;

use starline_types::{GraphSpec, Reading, TaskId};

use super::draw::{Subject, draw_levels, draw_tasks};

/// Most tasks and dependencies that are drawn one by one.
const MAX_DRAWN: (usize, usize) = (3_000, 10_000);

/// What a picture shows beside the graph, and where it goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct SvgOptions<'a> {
    /// How tasks read at one moment; tasks that are missing are drawn without a state.
    pub states: Option<&'a BTreeMap<TaskId, Reading>>,
    /// Whether the picture is a file of its own: it gets an XML declaration and a title. Otherwise it may stand
    /// in an HTML page as it is.
    pub standalone: bool,
}

/// A layered drawing of a graph, for a page or for a file; see [`to_svg_with`].
#[must_use]
pub fn to_svg(graph: &GraphSpec, states: Option<&BTreeMap<TaskId, Reading>>) -> String {
    to_svg_with(graph, &SvgOptions { states, standalone: false })
}

/// A layered drawing of a graph as one `svg` element.
///
/// Every task is a box with its id, its name, its state and the kind of its payload; every dependency is an arrow
/// whose line tells its kind. What is cut short is in the title of its element, which browsers show on hover. The
/// picture follows the colour scheme of the reader, and holds no script and no reference to anything outside.
/// Texts of the graph are escaped, and harmful characters are replaced. Equal graphs and states give equal bytes.
///
/// Beyond 3,000 tasks or 10,000 dependencies the levels of the graph are drawn as boxes with counts, and the
/// picture says so. Dependencies that name unknown tasks are not drawn, which it says as well; of several tasks
/// with one id the first has the arrows. Cycles do no harm.
///
/// O((n + m + b) log n) for a bounded number of rounds, where b, the number of bends of long arrows, is at most
/// 20,000.
#[must_use]
pub fn to_svg_with(graph: &GraphSpec, options: &SvgOptions<'_>) -> String {
    let subject = Subject::new(graph, options);
    if graph.tasks.len() > MAX_DRAWN.0 || subject.edges.len() > MAX_DRAWN.1 {
        draw_levels(&subject)
    } else {
        draw_tasks(&subject)
    }
}
